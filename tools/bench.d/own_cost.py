# SPDX-License-Identifier: GPL-2.0
"""Sections own, startup and tables: what the profiler itself takes from the host."""
import os
import re
import selectors
import signal
import statistics
import subprocess
import tempfile
import time

import measure
import tools
import workloads
from measure import summary

HZ = 99
# Programs of a usual host that wait for ever, with the libraries they bring.
WAITING = (
    (60, ["/usr/bin/python3.11", "-c", "import ssl, sqlite3, lzma, ctypes, bz2, time; time.sleep(10000)"]),
    (30, ["/usr/bin/perl", "-MSocket", "-MPOSIX", "-e", "sleep 10000"]),
    (30, ["/usr/bin/bash", "-c", "read line"]),
    (4, ["/usr/bin/node", "-e", "setTimeout(() => 0, 1e8)"]),
    (2, ["/usr/bin/clang", "-x", "c", "-fsyntax-only", "-"]),
    (2, ["/usr/bin/gdb", "-q", "-nx"]),
    (2, ["/usr/bin/redis-server", "--port", "0", "--save", ""]),
    (2, ["/usr/bin/openssl"]),
)


def sleepers(cnt):
    return [["/usr/bin/sleep", "10000"]] * cnt


def usual_host(cnt):
    """cnt processes, some of each of WAITING that is installed."""
    commands = []
    for number, command in WAITING:
        if os.access(command[0], os.X_OK):
            commands += [command] * number
    return commands[:cnt] + sleepers(max(0, cnt - len(commands)))


def busy_cpus():
    return [["taskset", "-c", cpu, tools.work("depth"), 20, 10000] for cpu in sorted(os.sched_getaffinity(0))]


def steady(proc, seconds):
    """(CPU of the process and of the whole host in percent of one CPU, RSS and the most RSS so far in KiB)."""
    own, busy, begin = measure.cpu_ns(proc.pid), measure.host_busy_s(), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - begin
    own, busy = measure.cpu_ns(proc.pid) - own, measure.host_busy_s() - busy
    return own / took / 1e7, busy / took * 100, measure.rss_kib(proc.pid), measure.rss_kib(proc.pid, "VmHWM")


def own_result(cpu_pct, busy_pct, rss, rss_max, total_s, **more):
    return {"own": cpu_pct, "busy": busy_pct, "rss": rss / 1024, "rss_max": rss_max / 1024, "total": total_s * 1000,
            **more}


def own_bpfprof(seconds, settle_s):
    begin = time.monotonic()
    proc = measure.start([tools.BIN, "--stats", "-F", HZ], stderr=subprocess.PIPE, text=True)
    time.sleep(settle_s)
    figures = steady(proc, seconds)
    proc.send_signal(signal.SIGINT)
    took = time.monotonic() - begin
    err = proc.stderr.read()
    total_s = measure.stop(proc)
    stats = tools.Stats(err)
    if not stats.complete:
        return None
    return own_result(*figures, total_s, bpf=stats.program_ns() / took / 1e7, maps=stats.map_kib / 1024)


def own_perf(seconds, settle_s):
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        proc = measure.start(tools.perf_record(f"{folder}/perf.data", HZ, "fp", ["-a"]))
        time.sleep(settle_s)
        figures = steady(proc, seconds)
        total_s = measure.stop(proc)
    return own_result(*figures, total_s)


def own_bpftrace(seconds, settle_s):
    with tools.bpf_stats():
        peer = tools.Peer(tools.bpftrace_probe(HZ), settle_s)
        figures = steady(peer.proc, seconds)
        _, total_ns = peer.ran()
        maps = peer.map_kib()
        total_s = peer.stop()
    return own_result(*figures, total_s, bpf=total_ns / seconds / 1e7, maps=maps / 1024)


def section_own(quick):
    runs, seconds, settle_s = (1, 3, 2.5) if quick else (3, 5, 3)
    settings = [("idle, 200 sleeping", sleepers(200)), ("idle, 300 mixed", usual_host(300)),
                ("all CPUs busy, 300 mixed", usual_host(300) + busy_cpus())]
    text = (f"Own CPU: of the daemon (user + system), {HZ} Hz, whole host, in % of one CPU over {seconds} s\n"
            f"from {settle_s} s after the start; in BPF: run time of its programs, which other processes pay (perf's is not\n"
            "measurable this way); host busy: everything incl. the tool and strangers; in all: ms of CPU from exec to exit\n"
            "incl. the report (bpftrace symbolises then).\nmixed: python3 perl bash node clang gdb redis-server openssl sleep.\n\n")
    rows = []
    for name, commands in settings:
        measure.say(f"own: {name}")
        with measure.running(commands, settle_s=4 if len(commands) > 200 else 1, stdin=subprocess.PIPE):
            if "idle" in name:
                measure.await_quiet()
            variants = {"bpfprof": lambda: own_bpfprof(seconds, settle_s)}
            if tools.PERF:
                variants["perf record -a -g"] = lambda: own_perf(seconds, settle_s)
            if tools.BPFTRACE:
                variants["bpftrace profile"] = lambda: own_bpftrace(seconds, settle_s)
            for tool, results in measure.alternated(runs, variants).items():
                def column(key, digits):
                    return summary([result.get(key) for result in results], digits)
                rows.append([name, tool, column("own", 3), column("bpf", 3), column("busy", 1), column("rss", 1),
                             column("rss_max", 1), column("maps", 1), column("total", 0)])
    head = ["host", "tool", "own CPU %", "in BPF %", "host busy %", "RSS MiB", "RSS max MiB", "BPF maps MiB",
            "in all ms"]
    return text + measure.format_table(head, rows)


def first_line_ms():
    """From exec to the first SCHED line."""
    begin = time.monotonic()
    proc = measure.start([tools.BIN, "-d", "5"], stderr=subprocess.PIPE)
    selector = selectors.DefaultSelector()
    selector.register(proc.stderr, selectors.EVENT_READ)
    text, took = b"", None
    while took is None and selector.select(timeout=15):
        piece = os.read(proc.stderr.fileno(), 65536)
        if not piece:
            break
        text += piece
        if re.search(rb"^SCHED .*\n", text, re.M):
            took = (time.monotonic() - begin) * 1000
    measure.stop(proc)
    proc.stderr.close()
    return took


def last_table(ladder):
    """The shortest run at whose end no table was queued: (seconds, Stats); the time of the set-up comes on top."""
    low, high, best = 0, len(ladder), None
    while low < high:
        middle = (low + high) // 2
        stats = tools.bpfprof(["--no-trace"], ladder[middle])
        if stats and stats.queued == 0:
            high, best = middle, (ladder[middle], stats)
        else:
            low = middle + 1
    return best


def section_startup(quick):
    runs = 3 if quick else 7
    ladder = [0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 7, 10]
    text = ("Startup, whole host. First line: ms from exec to the first SCHED line on stderr. Last table: bisection over -d\n"
            "for the shortest run whose --stats ends with `queued 0` (set-up on top); steps of -d in seconds:\n"
            + " ".join(map(str, ladder)) + ".\n\n")
    rows = []
    settings = [("as it is", []), ("300 mixed", usual_host(300)), ("300 mixed, CPUs busy", usual_host(300) + busy_cpus())]
    for name, commands in settings:
        measure.say(f"startup: {name}")
        with measure.running(commands, settle_s=4 if commands else 0, stdin=subprocess.PIPE):
            lines = [first_line_ms() for _ in range(runs)]
            found = [last_table(ladder) for _ in range(1 if quick else 3)]
        ready = [item for item in found if item]
        last = ready[-1][1] if ready else None
        rows.append([name, summary(lines, 0), summary([item[0] for item in ready], 2) if ready else f"> {ladder[-1]}",
                     last.tables if last else "-", last.rows if last else "-", last.row_kib if last else "-",
                     summary([item[1].build_ms for item in ready], 0)])
    head = ["host", "first line ms", "last table ready s", "tables", "rows", "KiB", "building ms"]
    return text + measure.format_table(head, rows)


def table_files():
    folder = "/usr/lib/x86_64-linux-gnu"
    files = [f"{folder}/libc.so.6", f"{folder}/libstdc++.so.6", f"{folder}/libcrypto.so.3", "/usr/bin/python3.11", workloads.cc1_path(),
             "/usr/bin/node", f"{folder}/libLLVM-14.so.1", f"{folder}/libLLVM-15.so.1"]
    return [path for path in files if os.access(path, os.R_OK)]


def section_tables(quick):
    runs = 2 if quick else 5
    text = "Unwind tables, built by `unwind-dump --stats` in one go.\n\n"
    found = {path: [] for path in table_files()}
    for _ in range(runs):
        for path, results in found.items():
            out = subprocess.run([tools.UNWIND_DUMP, "--stats", path], capture_output=True, text=True, timeout=60).stdout
            rows = re.search(r"rows=(\d+) pages=\d+ bytes=(\d+) rules=(\d+)", out)
            times = re.search(r"build_ms=([\d.]+) longest_step_ms=([\d.]+)", out)
            if rows and times:
                results.append((*map(int, rows.groups()), *map(float, times.groups())))
    table = []
    for path, results in found.items():
        if not results:
            table.append([path] + ["-"] * 7)
            continue
        cnt, size, rules = results[0][:3]
        milliseconds = [result[3] for result in results]
        table.append([os.path.basename(path), f"{os.path.getsize(path) / 1048576:.1f}", cnt, size, f"{size / cnt:.2f}", rules,
                      summary(milliseconds, 1), f"{statistics.median(milliseconds) * 1e6 / cnt:.0f}"])
    return text + measure.format_table(["file", "MiB", "rows", "bytes", "bytes/row", "rules", "ms", "ns/row"], table)
