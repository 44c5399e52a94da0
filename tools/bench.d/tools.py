# SPDX-License-Identifier: GPL-2.0
"""The program under test, its --stats, what bpftool tells of BPF programs, and the peers' command lines."""
import contextlib
import ctypes
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import time

import measure

SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"
BPFTOOL = shutil.which("bpftool", path=SBIN)
BPF_SYSCALL = {"x86_64": 321, "aarch64": 280}
BPF_ENABLE_STATS = 32

PERF = shutil.which("perf", path=SBIN)
BPFTRACE = shutil.which("bpftrace", path=SBIN)
RUNQLAT = shutil.which("runqlat", path=SBIN)
OFFCPUTIME = shutil.which("offcputime", path=SBIN)

HEAPTRACK = shutil.which("heaptrack", path=SBIN)
VALGRIND = shutil.which("valgrind", path=SBIN)

PATHS = {"perf": PERF, "bpftrace": BPFTRACE, "runqlat": RUNQLAT, "offcputime": OFFCPUTIME, "heaptrack": HEAPTRACK, "valgrind": VALGRIND}
PACKAGES = {"perf": "linux-perf", "runqlat": "libbpf-tools", "offcputime": "libbpf-tools"}
# What a peer must be able to do here before it is measured.
TRIALS = {
    "perf": ["record", "-q", "-B", "-N", "-e", "cpu-clock", "-g", "-o", "/dev/null", "true"],
    "bpftrace": ["-e", "BEGIN { exit(); } profile:hz:1 { @[ustack] = count(); }"],
    "runqlat": ["1", "1"],
    "offcputime": ["1"],
}
reasons = {}  # peer: why it is not measured, "" when it is

BIN = UNWIND_DUMP = WORK = ROOT = None  # set by the front door

PROGRAM = re.compile(r"program (\S+)\s+runs\s+(\d+)\s+mean\s+\d+ ns\s+total\s+([\d.]+) ms")
COUNTER = re.compile(r"(?:counter|lost) +(\w+) +(\d+) ")
LOST = re.compile(r"(?:lost +|counter +(?=processes_unpublished))(\w+) +(\d+) ")
MAPS = re.compile(r"maps +in all +(\d+) KiB")
CPU = re.compile(r"stats: cpu ([\d.]+) s in all.*rss (\d+) KiB, at most (\d+) KiB")
UNWIND = re.compile(r"unwind +tables (\d+), rows (\d+) in (\d+) KiB.*built in ([\d.]+) ms.*queued (\d+)")


def missing(name):
    """Why a peer is not measured, or "" when it is."""
    if name not in reasons:
        reasons[name] = try_peer(name)
    return reasons[name]


def try_peer(name):
    if not PATHS[name]:
        return f"not installed: {PACKAGES.get(name, name)}"
    try:
        done = subprocess.run([PATHS[name], *TRIALS.get(name, ["--version"])], capture_output=True, text=True, errors="replace", timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"does not run here: {type(error).__name__}"
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        return f"does not run here: {words[-1][:80] if words else f'status {done.returncode}'}"
    return ""


def work(name):
    """One of the bench's own programs."""
    return os.path.join(WORK, f"bench-{name}")


class Stats:
    """What --stats said."""

    def __init__(self, text):
        self.programs = {name: (int(runs), float(ms) * 1e6) for name, runs, ms in PROGRAM.findall(text)}
        self.counters = {name: int(cnt) for name, cnt in COUNTER.findall(text)}
        maps, cpu, unwind = MAPS.search(text), CPU.search(text), UNWIND.search(text)
        self.losses = {name: int(cnt) for name, cnt in LOST.findall(text)}
        self.cpu_s = float(cpu[1]) if cpu else 0.0
        self.complete = bool(maps and cpu and unwind)
        self.map_kib = int(maps[1]) if maps else 0
        self.rss_kib, self.rss_max_kib = (int(cpu[2]), int(cpu[3])) if cpu else (0, 0)
        self.tables, self.rows, self.row_kib, self.build_ms, self.queued = (
            (int(unwind[1]), int(unwind[2]), int(unwind[3]), float(unwind[4]), int(unwind[5])) if unwind else (0,) * 5)

    def lost(self):
        """{counter: how many} of what was lost, or did not fit."""
        return {name: cnt for name, cnt in self.losses.items() if cnt}

    def program_ns(self):
        return sum(total for _, total in self.programs.values())

    def mean_ns(self, program):
        runs, total = self.programs.get(program, (0, 0))
        return total / runs if runs else None

    def ends(self):
        """{how user stacks ended: stacks}"""
        return {name[4:]: cnt for name, cnt in self.counters.items()
                if name.startswith("end_") and name != "end_kernel"}

    def complete_pct(self):
        ends = self.ends()
        total = sum(ends.values())
        return 100.0 * ends.get("root", 0) / total if total else None


# What is measured is not to be thinned meanwhile.
NO_BUDGET = ["--max-overhead", "100", "--max-memory", "0"]


def bpfprof(args, duration_s, timeout_s=60):
    """Runs bpfprof for a time and returns (Stats, total CPU seconds). It ends by itself."""
    proc = measure.start([BIN, "--stats", *NO_BUDGET, "-d", f"{duration_s * 1000:.0f}ms", *args], stderr=subprocess.PIPE, text=True)
    _, err = measure.await_end(proc, duration_s + timeout_s)
    stats = Stats(err)
    if not stats.complete:
        measure.say(f"bpfprof {' '.join(map(str, args))}: no stats: {err.strip().splitlines()[-1:]}")
        return None
    return stats


@contextlib.contextmanager
def bpf_stats():
    """The kernel measures BPF programs' run times while the block runs; nothing stays behind if we are killed."""
    attr = ctypes.create_string_buffer(128)
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(BPF_SYSCALL[platform.machine()], BPF_ENABLE_STATS, attr, 4)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "BPF_ENABLE_STATS")
    try:
        yield
    finally:
        os.close(fd)


def bpf_objects(kind):
    """{id: what bpftool tells} of the programs ("prog") or maps ("map") of the host."""
    text = subprocess.run([BPFTOOL, "-j", kind, "show"], capture_output=True, text=True, timeout=20).stdout
    objects = json.loads(text or "[]")
    return {item["id"]: item for item in objects if "id" in item}


def held_ids(pid, key):
    """The ids of the BPF objects that a process holds by descriptor: key is prog_id or map_id."""
    found = set()
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for fd in os.listdir(f"/proc/{pid}/fdinfo"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii", errors="replace") as file:
                    found.update(int(line.split()[1]) for line in file if line.startswith(key + ":"))
    return found


def kernel_objects(pid):
    """The perf events, BPF programs, maps and links that a process holds, a kind each."""
    found = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return [kind for kind in found if kind.startswith("anon_inode:") and ("bpf" in kind or "perf" in kind)]


def await_attached(proc, settle_s=0.5, timeout_s=30):
    """Until a tool has its programs (perf: its events) and has got no more for a while: on a busy machine that takes time."""
    deadline = time.monotonic() + timeout_s
    wanted = "perf_event" if str(PERF) in proc.args else "bpf-prog"
    cnt, since = 0, time.monotonic()
    while time.monotonic() < deadline:
        now = kernel_objects(proc.pid)
        if len(now) > cnt:  # some come and go: an iterator's
            cnt, since = len(now), time.monotonic()
        if time.monotonic() - since > settle_s and any(wanted in kind for kind in now):
            return
        time.sleep(0.05)
    measure.say(f"{proc.args[0]}: not attached after {timeout_s} s")


class Peer:
    """A peer's process with the BPF programs and maps that it holds; strangers' come and go meanwhile."""

    def __init__(self, args, settle_s=0.5, **popen):
        self.proc = measure.start(args, **popen)
        await_attached(self.proc, settle_s)
        self.program_ids = held_ids(self.proc.pid, "prog_id")
        self.map_ids = held_ids(self.proc.pid, "map_id")
        self.first = self.programs()

    def programs(self):
        return {i: item for i, item in bpf_objects("prog").items() if i in self.program_ids}

    def ran(self, *names):
        """(runs, ns) since the start of the measurement, of the programs with these names, or of all."""
        now = self.programs()
        items = [(i, item) for i, item in now.items() if not names or item.get("name", "") in names]
        cnt = sum(item.get("run_cnt", 0) - self.first.get(i, {}).get("run_cnt", 0) for i, item in items)
        total = sum(item.get("run_time_ns", 0) - self.first.get(i, {}).get("run_time_ns", 0) for i, item in items)
        return cnt, total

    def map_kib(self):
        return sum(item.get("bytes_memlock", 0) for i, item in bpf_objects("map").items() if i in self.map_ids) / 1024

    def stop(self):
        return measure.stop(self.proc, signal.SIGINT)


def perf_record(output, hz=99, graph="fp", extra=()):
    """With the kernel's build ids: perf 6.1 crashes here when it reads them itself. No cache is left behind."""
    return [PERF, "record", "-q", "-B", "-N", "--buildid-mmap", "-e", "cpu-clock", "-F", hz, "--call-graph", graph,
            "-o", output, *extra]


def bpftrace_probe(hz):
    """The whole host as its users see it: stacks of both halves, per process."""
    return [BPFTRACE, "-e", f"profile:hz:{hz} {{ @[pid, comm, kstack, ustack] = count(); }}"]
