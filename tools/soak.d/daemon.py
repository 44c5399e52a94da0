# SPDX-License-Identifier: GPL-2.0
"""The bpfprof under test, started as systemd would start it, and everything that can be read of it from outside."""
import collections
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time

START_SECONDS_MAX = 60
END_SECONDS_MAX = 180
WATCHDOG_SECONDS = 30
METRIC = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.M)
SCHED = re.compile(r"^SCHED (\d+)ms: ")


class Daemon:
    """stderr is read by a thread of ours: messages are kept, lines are counted."""

    def __init__(self, program, folder, clock_library):
        self.folder = folder
        self.messages = collections.deque(maxlen=1000)
        self.sched_cnt = self.watchdog_cnt = self.reload_cnt = 0
        self.sched_ms, self.is_ready, self.went_back = -1, False, []
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify_path = os.path.join(folder, "notify")
        self.notify.bind(notify_path)
        self.clock_path = os.path.join(folder, "clock")
        self.step_clock(0)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("BPFPROF")}
        environment.update(NOTIFY_SOCKET=notify_path, WATCHDOG_USEC=str(WATCHDOG_SECONDS * 1000000))
        if clock_library:
            environment.update(LD_PRELOAD=clock_library, CLOCK_STEP_FILE=self.clock_path)
        # A session of its own, as a service has: where the scheduler groups by session, it is not one of the load's.
        self.proc = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", program, "--listen", "127.0.0.1:0", "--linger", "5s",
                                      "--stats"], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE, text=True, errors="replace", env=environment,
                                     start_new_session=True)
        self.pid, self.port = self.proc.pid, 0
        self.threads = [threading.Thread(target=fn, daemon=True) for fn in (self._read_lines, self._read_notify)]
        for thread in self.threads:
            thread.start()

    def _read_lines(self):
        for line in self.proc.stderr:
            match = SCHED.match(line)
            if match:
                self.sched_cnt += 1
                if int(match[1]) < self.sched_ms:
                    self.went_back.append(line)
                self.sched_ms = int(match[1])
            elif not line.startswith("heap "):
                self.messages.append(line.rstrip())
                port = re.search(r"HTTP on .*:(\d+)$", line.rstrip())
                self.port = int(port[1]) if port else self.port

    def _read_notify(self):
        with contextlib.suppress(OSError):
            while True:
                text = self.notify.recv(4096).decode("utf-8", "replace")
                self.watchdog_cnt += text == "WATCHDOG=1"
                self.reload_cnt += text.startswith("RELOADING=1")
                self.is_ready |= text.startswith("READY=1")

    def wait_ready(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        while not (self.is_ready and self.port and self.sched_cnt):
            if self.proc.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"bpfprof did not start: {list(self.messages)}")
            time.sleep(0.02)

    def step_clock(self, offset_s):
        with open(self.clock_path, "r+b" if os.path.exists(self.clock_path) else "wb") as file:
            file.write(struct.pack("q", int(offset_s * 1e9)))

    def get(self, path, timeout):
        """(status, body)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def get_json(self, path, timeout):
        status, body = self.get(path, timeout)
        if status != 200:
            raise RuntimeError(f"{path}: {status} {body[:200]!r}")
        return json.loads(body)

    def metrics(self, timeout=90):
        """{(name, labels): value}"""
        status, body = self.get("/metrics", timeout)
        if status != 200:
            raise RuntimeError(f"/metrics: {status}")
        return {(match[1], match[2] or ""): float(match[3]) for match in METRIC.finditer(body.decode())}

    def rss_kib(self):
        with open(f"/proc/{self.pid}/status", encoding="utf-8", errors="replace") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])

    def descriptors(self):
        """{kind: number}, such as bpf-map, bpf-prog, perf_event, socket, file."""
        kinds = collections.Counter()
        for name in os.listdir(f"/proc/{self.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                target = os.readlink(f"/proc/{self.pid}/fd/{name}")
                match = re.match(r"anon_inode:\[?([\w-]+)|(socket|pipe):", target)
                kinds[(match[1] or match[2]) if match else "file"] += 1
        return kinds

    def children(self):
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as file:
            return file.read().split()

    def stop(self):
        """Its exit status; None if it had to be killed."""
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGCONT)
            self.proc.send_signal(signal.SIGTERM)
        try:
            status = self.proc.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
            status = None
        self.threads[0].join(10)
        # a read in another thread does not end by close() alone
        with contextlib.suppress(OSError):
            self.notify.shutdown(socket.SHUT_RDWR)
        self.notify.close()
        return status
