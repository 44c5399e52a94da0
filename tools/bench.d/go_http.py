# SPDX-License-Identifier: GPL-2.0
"""A Go HTTP server of the bench's own (tests/workloads/http_load.go), and its load."""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile

import measure
import tools

GO = shutil.which("go", path=os.environ.get("PATH", "") + ":/usr/local/go/bin")


def program():
    """Built once; its cache is thrown away."""
    path = tools.work("http")
    source = os.path.join(tools.ROOT, "tests", "workloads", "http_load.go")
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(source):
        with tempfile.TemporaryDirectory(prefix="bench-go-") as cache:
            subprocess.run([GO, "build", "-o", path, source], check=True, timeout=300, cwd=cache,
                           env={**os.environ, "GOCACHE": cache, "GO111MODULE": "off"})
    return path


def missing():
    return "" if GO else "go is not installed"


@contextlib.contextmanager
def server():
    proc = measure.start([program(), "server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield proc, int(proc.stdout.readline())
    finally:
        measure.stop(proc, signal.SIGKILL)


def cpu_us(pid, port, requests):
    """CPU time that the server takes a request, in microseconds, or None."""
    begin = measure.cpu_ns(pid)
    done = subprocess.run([program(), "load", str(port), str(requests)], capture_output=True, timeout=120)
    taken = measure.cpu_ns(pid) - begin
    return taken / 1000 / requests if not done.returncode and taken > 0 else None
