# SPDX-License-Identifier: GPL-2.0
"""Piece startup: from exec to the first line, and to the last unwind table."""
import os
import re
import selectors
import subprocess
import time

import hosts
import markdown
import measure
import tools
from figures import Figure, Piece, spread

LADDER = (0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 7, 10)  # seconds


def first_line_ms(command, pattern, **popen):
    """From exec to a line of its output that tells that it has attached."""
    begin = time.monotonic()
    proc = measure.start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **popen)
    text, took = b"", None
    with selectors.DefaultSelector() as selector:
        selector.register(proc.stdout, selectors.EVENT_READ)
        while took is None and selector.select(timeout=15):
            read = os.read(proc.stdout.fileno(), 65536)
            if not read:
                break
            text += read
            if re.search(pattern, text, re.M):
                took = (time.monotonic() - begin) * 1000
    measure.stop(proc)
    proc.stdout.close()
    return took


def last_table():
    """The shortest run at whose end no table was queued: (seconds, Stats); the time of the set-up comes on top."""
    low, high, best = 0, len(LADDER), None
    while low < high:
        middle = (low + high) // 2
        stats = tools.bpfprof(["--no-trace", "--listen", "off"], LADDER[middle])
        if stats and stats.queued == 0:
            high, best = middle, (LADDER[middle], stats)
        else:
            low = middle + 1
    return best


def piece(quick):
    runs = 2 if quick else 5
    bpftrace, runqlat = tools.missing("bpftrace"), tools.missing("runqlat")
    script = "BEGIN { printf(\"attached\\n\"); } profile:hz:99 { @[pid, comm, kstack, ustack] = count(); }"
    tried = {
        "bpfprof": lambda: first_line_ms([tools.BIN, "--listen", "off"], rb"^SCHED .*\n"),
        "bpftrace profile": bpftrace or (lambda: first_line_ms([tools.BPFTRACE, "-B", "line", "-e", script], rb"^attached\n")),
        "runqlat": runqlat or (lambda: first_line_ms(["stdbuf", "-oL", tools.RUNQLAT, "1"], rb"^Tracing.*\n")),
    }
    with measure.running(hosts.mixed(300), settle_s=3, stdin=subprocess.PIPE):
        lines = measure.alternated_known(runs, tried)
        ready = [item for item in (last_table() for _ in range(1 if quick else 3)) if item]
    rows = [[tool, found if isinstance(found, str) else spread(found, 0)] for tool, found in lines.items()]
    text = ("Startup beside 300 processes: ms from exec to the line that tells that it is attached (bpfprof: the first SCHED line).\n\n" +
            markdown.plain(["tool", "ms"], rows))
    seconds = [item[0] for item in ready] or f"> {LADDER[-1]}"
    if ready:
        stats = ready[-1][1]
        text += (f"\nLast unwind table, the shortest -d of {' '.join(map(str, LADDER))} that ends with none queued: {spread(seconds, 2)} s; "
                 f"{stats.tables} tables, {stats.rows} rows in {stats.row_kib} KiB, built in "
                 f"{spread([item[1].build_ms for item in ready], 0)} ms\n")
    return Piece(text, [Figure("exec to the first line, 300 processes", "ms", lines, 0, note="budget 1,000"),
                        Figure("start to the last unwind table, 300 processes", "s", {"bpfprof": seconds}, 2, note="budget 5 s")])
