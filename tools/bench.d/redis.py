# SPDX-License-Identifier: GPL-2.0
"""A redis-server of the bench's own, and its load."""
import contextlib
import os
import re
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


def server_pid(folder):
    """Of the server itself, not of what started it, once it answers; 0: it does not."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        out = subprocess.run(["redis-cli", "-s", f"{folder}/redis", "info", "server"], capture_output=True, text=True, timeout=20).stdout
        found = [int(line.split(":")[1]) for line in out.splitlines() if line.startswith("process_id:")]
        if found:
            return found[0]
        time.sleep(0.05)
    return 0


def load(folder, command, requests):
    """{"cpu": CPU time that the server takes a request, in microseconds, "rate": requests a second}, each None if there is none."""
    pid = server_pid(folder)
    begin = measure.cpu_ns(pid)
    args = ["redis-benchmark", "-s", f"{folder}/redis", "-t", command, "-n", str(requests), "-c", "20", "-d", "64", "-r", "100000", "--csv"]
    done = subprocess.run(args, capture_output=True, text=True, timeout=120)
    taken = measure.cpu_ns(pid) - begin
    rates = re.findall(r'^"[^"]+","([\d.]+)"', done.stdout, re.M)  # "SET","52631.58",...
    return {"cpu": taken / 1000 / requests if not done.returncode and taken > 0 else None,
            "rate": float(rates[-1]) if not done.returncode and rates else None}


def cpu_us(folder, command, requests):
    """CPU time that the server takes a request, in microseconds, or None."""
    return load(folder, command, requests)["cpu"]
