# SPDX-License-Identifier: GPL-2.0
"""Piece own: what a profiler of the whole host takes from it: its CPU, its memory, its maps, its file."""
import contextlib
import os
import signal
import subprocess
import tempfile
import time

import hosts
import markdown
import measure
import tools
from figures import Figure, Piece, spread
from measure import column

HZ = 99
READ_S = 60


def steady(proc, seconds):
    """CPU of the process and of the whole host in percent of one CPU."""
    own, busy, begin = measure.cpu_ns(proc.pid), measure.host_busy_s(), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - begin
    return {"own": (measure.cpu_ns(proc.pid) - own) / took / 1e7, "busy": (measure.host_busy_s() - busy) / took * 100,
            "rss": measure.rss_kib(proc.pid, "VmHWM") / 1024}


def size_kib(path):
    with contextlib.suppress(FileNotFoundError):
        return os.path.getsize(path) / 1024
    return None


def run_bpfprof(seconds, settle_s, extra=("--no-trace",)):
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        begin = time.monotonic()
        proc = measure.start([tools.BIN, "--stats", "--listen", "off", "-F", HZ, "--top=20", "-o", folder, *extra],
                             stderr=subprocess.PIPE, text=True)
        tools.await_attached(proc, settle_s)
        result = steady(proc, seconds)
        os.kill(proc.pid, signal.SIGINT)
        took = time.monotonic() - begin
        stats = tools.Stats(proc.stderr.read())
        result["total"] = measure.stop(proc, 0) * 1000
        if not stats.complete:
            return None
        return {**result, "rss": stats.rss_max_kib / 1024, "bpf": stats.program_ns() / took / 1e7,
                "maps": stats.map_kib / 1024, "size": size_kib(f"{folder}/cpu.pb.gz"), "complete": stats.complete_pct()}


def read_perf(path):
    """CPU ms of `perf report`: a perf.data is no table yet."""
    proc = measure.start([tools.PERF, "report", "-i", path, "--stdio", "--no-inline", "--no-children", "-g", "none"])
    return measure.stop(proc, 0, READ_S) * 1000


def run_perf(graph, seconds, settle_s):
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = f"{folder}/perf.data"
        proc = measure.start(tools.perf_record(path, HZ, graph, ["-a"]))
        tools.await_attached(proc, settle_s)
        result = steady(proc, seconds)
        result["total"] = measure.stop(proc) * 1000
        result["size"] = size_kib(path)
        result["total"] += read_perf(path)
        return result


def run_bpftrace(seconds, settle_s):
    with tools.bpf_stats():
        peer = tools.Peer(tools.bpftrace_probe(HZ), settle_s)
        result = steady(peer.proc, seconds)
        result["maps"], result["bpf"] = peer.map_kib() / 1024, peer.ran()[1] / seconds / 1e7
        result["total"] = peer.stop() * 1000
    return result


def variants(seconds, settle_s):
    """{tool: how to run it, or why it is not}"""
    perf = tools.missing("perf")
    return {
        "bpfprof": lambda: run_bpfprof(seconds, settle_s),
        "perf record -a -g": perf or (lambda: run_perf("fp", seconds, settle_s)),
        "perf, dwarf": perf or (lambda: run_perf("dwarf", seconds, settle_s)),
        "bpftrace profile": tools.missing("bpftrace") or (lambda: run_bpftrace(seconds, settle_s)),
    }


def figure(what, unit, results, key, digits=2, note="", without=()):
    return Figure(what, unit, {tool: found if isinstance(found, str) else column(found, key)
                               for tool, found in results.items() if tool not in without}, digits, note=note)


def rows(host, results):
    keys = (("own", 3), ("bpf", 3), ("busy", 1), ("rss", 1), ("maps", 1), ("total", 0), ("size", 0))
    for tool, found in results.items():
        cells = [found] + [""] * (len(keys) - 1) if isinstance(found, str) else [
            spread(column(found, key), digits) for key, digits in keys]
        yield [host, tool, *cells]


HEAD = ["host", "tool", "own CPU %", "in BPF %", "host busy %", "most RSS MiB", "BPF maps MiB", "exec to table, CPU ms", "file KiB"]


def piece(quick):
    runs, seconds, settle_s = (1, 2, 1.5) if quick else (3, 3, 1.5)
    with measure.running(hosts.mixed(300), settle_s=3, stdin=subprocess.PIPE):
        measure.await_quiet()
        lines = {"bpfprof with SCHED lines": measure.alternated(
            runs, {"": lambda: run_bpfprof(seconds, settle_s, ())})[""]}
        idle = measure.alternated_known(1 if quick else 2, variants(seconds, settle_s))
        with measure.running(hosts.busy(), settle_s=0.5):
            busy = measure.alternated_known(runs, variants(seconds, settle_s))
    text = (f"The whole host at {HZ} Hz, 300 processes. Own CPU: of the daemon, in % of one CPU over {seconds} s after {settle_s} s; in BPF:\n"
            "run time of its programs, which others pay (perf's own is not told apart); exec to table: CPU until the 20 hottest\n"
            "functions are printed (perf report --no-inline).\n\n" +
            markdown.plain(HEAD, [*rows("idle", {**idle, **lines}), *rows("2 CPUs busy" if len(hosts.cpus()) == 2 else "CPUs busy", busy)]))
    no_maps = ("perf record -a -g", "perf, dwarf")
    return Piece(text, [
        figure("own CPU, 99 Hz, 300 processes, CPUs busy", "%", busy, "own", note="budget 0.3 %"),
        figure("CPU from exec to a printed table, the same", "ms", busy, "total", 0, note="perf: record and report"),
        figure("most RSS", "MiB", busy, "rss", 1, note="budget 40 MB"),
        figure("BPF maps", "MiB", busy, "maps", 1, note="budget 32 MB", without=no_maps),
        figure("file of some 5 s", "KiB", busy, "size", 0, without=("bpftrace profile",)),
    ])
