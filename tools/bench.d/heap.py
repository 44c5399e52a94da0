# SPDX-License-Identifier: GPL-2.0
"""Section heap: what a malloc and its free cost under each profiler, and what a server loses by it."""
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

import measure
import tools
from measure import summary

ATTACH_S = 1.5
MEMLEAK = """
uprobe:ALLOCATOR:malloc { @size[tid] = arg0; }
uretprobe:ALLOCATOR:malloc /@size[tid]/ { @live[retval] = @size[tid]; @stack[retval] = ustack(20); delete(@size[tid]); }
uprobe:ALLOCATOR:free /@live[arg0]/ { delete(@live[arg0]); delete(@stack[arg0]); }
"""


def allocator_of(pid):
    """The library whose malloc a process calls: redis-server's is jemalloc's."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        paths = {line.split()[5] for line in maps if len(line.split()) > 5}
    return next(path for name in ("jemalloc", "libc.so") for path in sorted(paths) if name in path)


def profilers(pid, folder):
    """name: command line that attaches to a running process."""
    script = MEMLEAK.replace("ALLOCATOR", allocator_of(pid))
    bpfprof = [tools.BIN, "--no-trace", "--top=0", "-P", "heap", "--max-overhead", "100", "-o", folder, "--pid", str(pid)]
    return {
        "bare": None,
        "bpfprof": bpfprof,
        "bpfprof rate 1": [*bpfprof, "--heap-rate", "1"],
        "bpftrace memleak": [tools.BPFTRACE, "-p", str(pid), "-e", script],
    }


def attached(command):
    proc = measure.start(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) if command else None
    time.sleep(ATTACH_S)
    return proc


def detach(proc):
    if proc:
        measure.stop(proc, signal.SIGINT, 30)


def pair_ns(name, seconds):
    """Nanoseconds a malloc(64) and its free, by the loop's own clock, while name is attached."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, open(f"{folder}/times", "w+", encoding="ascii") as times:
        loop = measure.start([tools.work("heap-load"), "loop", "600000"], stdout=times)
        time.sleep(0.3)
        proc = attached(profilers(loop.pid, folder)[name])
        times.seek(0, os.SEEK_END)
        before = times.tell()
        time.sleep(seconds)
        times.seek(before)
        values = [float(line) for line in times.read().splitlines()[1:-1]]
        detach(proc)
        measure.stop(loop, signal.SIGKILL)
        return statistics.median(values) if values else None


def redis_rate(name, requests):
    """SET requests a second of a redis-server while name is attached."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        sock = f"{folder}/sock"
        under = [shutil.which("heaptrack"), "-o", f"{folder}/trace"] if name == "heaptrack" else []
        server = measure.start([*under, shutil.which("redis-server"), "--port", "0", "--unixsocket", sock, "--save", "", "--appendonly",
                                "no", "--dir", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(2 if under else 0.5)
        proc = None if under else attached(profilers(server.pid, folder)[name])
        out = subprocess.run([shutil.which("redis-benchmark"), "-s", sock, "-t", "set", "-n", str(requests), "-d", "64", "-q",
                              "-r", "100000"], capture_output=True, text=True, timeout=120).stdout
        detach(proc)
        subprocess.run([shutil.which("redis-cli"), "-s", sock, "shutdown", "nosave"], capture_output=True, timeout=20,
                       check=False)
        measure.stop(server, signal.SIGKILL)
        found = re.findall(r"SET: ([\d.]+) requests per second", out)
        return float(found[-1]) if found else None


def section_heap(quick):
    runs, seconds, requests = (2, 1, 50000) if quick else (5, 2, 200000)
    names = ["bare", "bpfprof", "bpfprof rate 1", "bpftrace memleak"]
    pairs = measure.alternated(runs, {name: (lambda name=name: pair_ns(name, seconds)) for name in names})
    bare = statistics.median(pairs["bare"])
    rows, rates = [], {}
    servers = names + (["heaptrack"] if shutil.which("heaptrack") else [])
    if shutil.which("redis-server") and shutil.which("redis-benchmark"):
        rates = measure.alternated(runs, {name: (lambda name=name: redis_rate(name, requests)) for name in servers})
    for name in servers:
        added = [value - bare for value in pairs.get(name, [])]
        ratio = measure.ratios(rates[name], rates["bare"]) if rates else []
        rows.append([name, summary(pairs.get(name, []), 0, " ns"), summary(added, 0, " ns"),
                     summary(ratio, 2) if ratio else "-"])
    return ("malloc(64) and free in a loop; redis-server: SET requests a second to those of the bare one\n" +
            measure.format_table(["attached", "a pair", "added", "redis-server"], rows) +
            "budget: 1,700 ns a pair added\n")
