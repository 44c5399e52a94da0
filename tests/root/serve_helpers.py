# SPDX-License-Identifier: GPL-2.0
"""A bpfprof that serves, and requests to it."""
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time

from conftest import BIN, ROOT, SYSTEM_PATH, read_pprof

GO_ENV = {**os.environ, "PATH": SYSTEM_PATH, "PPROF_TMPDIR": "/tmp", "GO111MODULE": "off", "GOFLAGS": "",
          "HOME": os.environ.get("HOME", "/root")}


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def text(self):
        return self.body.decode()

    def json(self):
        assert self.status == 200, (self.status, self.body)
        return json.loads(self.body)


def request(port, path, method="GET", body=None, headers=None, timeout=120):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())


class Server:
    """bpfprof with --listen on a port of its own choice. What it says goes to a file."""

    def __init__(self, folder, *args, listen="127.0.0.1:0", env=None, under=(), ready=r"HTTP on (\S+)"):
        self.log_path = os.path.join(str(folder), "stderr")
        with open(self.log_path, "w", encoding="utf-8") as log:
            self.proc = subprocess.Popen([*under, BIN, "--listen", listen, *map(str, args)], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=log, cwd=str(folder),
                                         env={**os.environ, "PATH": SYSTEM_PATH, **(env or {})})
        try:
            self.address = self.wait_for(ready)[1]
            self.port = int(self.address.rpartition(":")[2]) if ready and self.address[-1].isdigit() else 0
        except BaseException:
            self.stop()
            raise

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_for(self, pattern, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            match = re.search(pattern, self.log())
            if match:
                return match
            assert self.proc.poll() is None, self.log()
            time.sleep(0.01)
        raise AssertionError(f"no {pattern}: {self.log()}")

    def get(self, path, **options):
        return request(self.port, path, **options)

    def status(self):
        return self.get("/api/status").json()

    def rss_kib(self):
        with open(f"/proc/{self.proc.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])

    def waited_ms(self):
        """How long it was runnable and had no CPU so far: what other programs on the machine, and other guests, cost it."""
        with open(f"/proc/{self.proc.pid}/schedstat", encoding="utf-8") as file:
            waited = int(file.read().split()[1]) // 1000000
        with open("/proc/stat", encoding="utf-8") as file:
            return waited + int(file.readline().split()[8]) * 1000 // os.sysconf("SC_CLK_TCK")

    def fds(self):
        """Descriptors of connections and of answers under way. Files and maps come and go with what runs on the host."""
        links = []
        for name in os.listdir(f"/proc/{self.proc.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                links.append(os.readlink(f"/proc/{self.proc.pid}/fd/{name}"))
        return sum(link.startswith(("socket:", "/memfd:", "anon_inode:[pidfd]")) for link in links)

    def children(self):
        with open(f"/proc/{self.proc.pid}/task/{self.proc.pid}/children", encoding="utf-8") as file:
            return file.read().split()

    def stop(self, by=signal.SIGTERM):
        if self.proc.poll() is None:
            self.proc.send_signal(by)
        try:
            return self.proc.wait(60)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
            raise


def profile_of(answer, folder, name="answer.pb.gz"):
    """The body of an answer, as protoc reads it."""
    assert answer.status == 200, (answer.status, answer.body)
    path = os.path.join(str(folder), name)
    with open(path, "wb") as file:
        file.write(answer.body)
    return read_pprof(path)


def go_build(folder, source):
    path = os.path.join(str(folder), source.removesuffix(".go"))
    subprocess.run(["go", "build", "-o", path, os.path.join(ROOT, "tests", "workloads", source)], check=True,
                   env=GO_ENV, timeout=120)
    return path


def go_pprof(*args, timeout=180):
    done = subprocess.run(["go", "tool", "pprof", *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=GO_ENV, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def slow_connection(port, text):
    """Connected, and a part of a request sent."""
    sock = socket.create_connection(("127.0.0.1", port), timeout=120)
    sock.sendall(text)
    return sock
