# SPDX-License-Identifier: GPL-2.0
"""Piece growth: how bpfprof's cost grows with processes, threads, distinct stacks and the frequency."""
import contextlib
import gzip
import os
import re
import signal
import statistics
import subprocess
import tempfile
import time

import hosts
import markdown
import measure
import tools
from figures import Curve, Piece, exponents

PROCESSES = (10, 100, 1000, 2500, 5000)
THREADS = (10, 100, 1000, 5000, 20000)
STACKS = (1000, 10000, 50000, 200000)
STACKS_HZ = 9999
FREQUENCIES = (19, 49, 99, 199, 499, 999)
READY_S = 120
SAMPLE_KEY = 2 << 3 | 2  # Profile.sample of profile.proto, length-delimited


@contextlib.contextmanager
def crowd(kind, cnt):
    """cnt processes or threads that sleep."""
    proc = measure.start([tools.work("crowd"), kind, cnt], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        if proc.stdout.readline() != b"ready\n":
            raise OSError(f"no {cnt} {kind} on this machine")
        yield proc
    finally:
        measure.stop(proc, signal.SIGKILL)
        proc.stdout.close()
        time.sleep(0.2 + cnt / 10000)  # their ends are work for the kernel, too


def run_host(args, seconds):
    """One run on the whole host: CPU until the first line, and from then on."""
    begin = time.monotonic()
    proc = measure.start([tools.BIN, "--stats", "--listen", "off", *tools.NO_BUDGET, *args], stderr=subprocess.PIPE)
    err = b""
    while not re.search(rb"^SCHED .*\n", err, re.M):
        read = os.read(proc.stderr.fileno(), 65536)
        if not read:
            break
        err += read
    line_ms, start_ns, begin = (time.monotonic() - begin) * 1000, measure.cpu_ns(proc.pid), time.monotonic()
    time.sleep(seconds)
    own_pct = (measure.cpu_ns(proc.pid) - start_ns) / (time.monotonic() - begin) / 1e7
    os.kill(proc.pid, signal.SIGINT)
    err += proc.stderr.read()
    proc.stderr.close()
    measure.stop(proc, 0)
    stats = tools.Stats(err.decode("utf-8", "replace"))
    return {"start": start_ns / 1e6, "line": line_ms, "own": own_pct, "rss": stats.rss_max_kib / 1024, "maps": stats.map_kib / 1024,
            "lost": stats.lost()}


def median_of(runs, run):
    """Of the figures; losses add up."""
    results = [run() for _ in range(runs)]
    merged = {key: statistics.median(result[key] for result in results) for key in results[0] if key != "lost"}
    merged["lost"] = {name: max(result["lost"].get(name, 0) for result in results) for result in results for name in result["lost"]}
    return merged


def lost_text(points):
    """What ran into a cap, and where."""
    words = [f"{name} {cnt:,} at {number:,}" for number, result in points for name, cnt in result["lost"].items()]
    return "Counted as lost or left out: " + ("; ".join(words) if words else "nothing") + "."


def curve(name, unit, columns, plotted, points):
    """columns: {title: key of a result}"""
    rows = [(number, [result[key] for key in columns.values()]) for number, result in points]
    return Curve(name, unit, list(columns), rows, plotted, lost_text(points))


def measure_crowd(kind, numbers, runs, more=None):
    points = []
    for number in numbers:
        measure.say(f"growth: {number} {kind}")
        with crowd(kind, number) as proc:
            result = median_of(runs, lambda: run_host([], 1.5))
            if more:
                result.update(more(proc.pid))
        points.append((number, result))
    return points


def dump_threads(pid):
    """CPU that every thread's stack takes, printed."""
    proc = measure.start([tools.BIN, "-P", "threads", "-d", "0", "--pid", pid])
    return {"dump": measure.stop(proc, 0, READY_S) * 1000}


def varint(data, at):
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7f) << shift
        at, shift = at + 1, shift + 7
    return value | data[at] << shift, at + 1


def sample_cnt(path):
    """Of a pprof file: its distinct stacks, when all are of one thread a process."""
    with gzip.open(path) as file:
        data = file.read()
    at = cnt = 0
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        cnt += key == SAMPLE_KEY
        at += value if key & 7 == 2 else 0
    return cnt


def run_stacks(cnt, stretch=1):
    """CPU of a run whose profile has about cnt stacks; -> (stacks, result)"""
    cpus = hosts.cpus()
    loads = [hosts.on_cpu(cpu, [tools.work("stacks"), cnt, i * cnt // len(cpus)]) for i, cpu in enumerate(cpus)]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, measure.running(loads, settle_s=0.2) as procs:
        args = ["-P", "cpu", "-F", STACKS_HZ, "-i", "100ms", "--top=0", "--no-trace", "-o", folder,
                "--pid", ",".join(str(proc.pid) for proc in procs)]
        proc = measure.start([tools.BIN, "--stats", *tools.NO_BUDGET, "-d", f"{stretch * cnt * 1000 // (STACKS_HZ * len(cpus)) + 300}ms", *args],
                             stderr=subprocess.PIPE, text=True)
        err = proc.stderr.read()
        cpu_ms = measure.stop(proc, 0) * 1000
        stats = tools.Stats(err)
        stacks = sample_cnt(f"{folder}/cpu.pb.gz")
        return stacks, {"cpu": cpu_ms, "rss": stats.rss_max_kib / 1024, "size": os.path.getsize(f"{folder}/cpu.pb.gz") / 1024,
                        "maps": stats.map_kib / 1024, "each": cpu_ms * 1000 / max(1, stacks), "lost": stats.lost()}


def run_frequency(hz, seconds):
    stats = tools.bpfprof(["-F", hz, "--no-trace", "--listen", "off"], seconds)
    samples = stats.counters.get("samples", 0)
    return {"cost": stats.program_ns() / seconds / 1e7, "own": stats.cpu_s / seconds * 100, "samples": samples,
            "each": stats.program_ns() / 1000 / max(1, samples), "rss": stats.rss_max_kib / 1024, "lost": stats.lost()}


def frequencies(runs, seconds):
    points = []
    with measure.running(hosts.busy(), settle_s=0.5):
        for hz in FREQUENCIES:
            measure.say(f"growth: {hz} Hz")
            points.append((hz, median_of(runs, lambda: run_frequency(hz, seconds))))
    return points


def piece(quick):
    runs, cut = (1, 3) if quick else (2, None)
    host = {"CPU to first line, ms": "start", "first line, ms": "line", "own CPU, %": "own", "RSS, MiB": "rss", "BPF maps, MiB": "maps"}
    curves = [
        curve("Processes that sleep, whole host, SCHED lines each second", "processes", host, "CPU to first line, ms",
              measure_crowd("processes", PROCESSES[:cut], runs)),
        curve("Threads of one process that sleep, the same", "threads", {**host, "-P threads dump, CPU ms": "dump"}, "own CPU, %",
              measure_crowd("threads", THREADS[:cut], runs, dump_threads)),
    ]
    found = []
    for cnt in STACKS[:cut]:
        measure.say(f"growth: {cnt} stacks")
        point = run_stacks(cnt)
        if point[0] < cnt / 2:  # strangers have the CPUs
            point = run_stacks(cnt, min(4, cnt // max(1, point[0])))
        found.append(point)
    curves += [
        curve(f"Distinct stacks of 20 frames, {STACKS_HZ} Hz", "stacks", {
            "CPU, ms": "cpu", "a stack, us": "each", "RSS, MiB": "rss", "BPF maps, MiB": "maps", "file, KiB": "size"}, "CPU, ms", found),
        curve("Frequency, CPUs busy, 20 calls deep", "Hz", {
            "in BPF, % of one CPU": "cost", "a sample, us": "each", "samples": "samples", "own CPU, %": "own", "RSS, MiB": "rss"},
            "in BPF, % of one CPU", frequencies(runs, 1 if quick else 1.5)),
    ]
    text = ""
    for item in curves:
        text += f"{item.name}\n" + markdown.plain([item.unit, *item.columns], [
            [f"{number:,}", *(f"{cell:.2f}" if isinstance(cell, float) else cell for cell in row)] for number, row in item.rows])
        text += f"{item.caps}\ngrowth of {item.plotted}: " + (", ".join(
            f"{value:.2f} up to {number:,}" for number, value in exponents(item.points()).items()) or "nothing beyond the noise") + "\n\n"
    return Piece(text, curves=curves)
