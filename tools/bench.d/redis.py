# SPDX-License-Identifier: GPL-2.0
"""A redis-server of the bench's own, and its load."""
import contextlib
import os
import shutil
import signal
import subprocess
import time

import measure

READY_S = 30


def missing():
    absent = [name for name in ("redis-server", "redis-benchmark", "redis-cli") if not shutil.which(name)]
    return f"{absent[0]} is not installed" if absent else ""


@contextlib.contextmanager
def server(folder, under=()):
    """A server on a socket in folder, started by another program if under names one."""
    socket = f"{folder}/redis"
    proc = measure.start([*under, shutil.which("redis-server"), "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no",
                          "--dir", folder], start_new_session=True)
    deadline = time.monotonic() + READY_S
    while not os.path.exists(socket) and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        yield proc
    finally:
        subprocess.run(["redis-cli", "-s", socket, "shutdown", "nosave"], capture_output=True, timeout=20, check=False)
        time.sleep(0.1)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(proc.pid, signal.SIGKILL)
        measure.stop(proc, signal.SIGKILL)


def load(folder, command, requests):
    """Requests a second, or None."""
    args = ["redis-benchmark", "-s", f"{folder}/redis", "-t", command, "-n", str(requests), "-c", "20", "-d", "64", "-r", "100000", "--csv"]
    out = subprocess.run(args, capture_output=True, text=True, timeout=120).stdout.strip().splitlines()
    fields = out[-1].split(",") if out else []
    return float(fields[1].strip('"')) if len(fields) > 1 else None
