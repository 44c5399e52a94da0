# SPDX-License-Identifier: GPL-2.0
"""Piece tables: unwind tables of large files, their size and what it takes to build them."""
import os
import re
import statistics
import subprocess

import markdown
import tools
import workloads
from figures import Piece, spread


def files():
    folder = "/usr/lib/x86_64-linux-gnu"
    paths = [f"{folder}/libc.so.6", f"{folder}/libstdc++.so.6", f"{folder}/libcrypto.so.3", "/usr/bin/python3.11",
             workloads.cc1_path(), "/usr/bin/node", f"{folder}/libLLVM-14.so.1"]
    return [path for path in paths if os.access(path, os.R_OK)]


def build(path):
    """(rows, bytes, rules, ms) or None."""
    out = subprocess.run([tools.UNWIND_DUMP, "--stats", path], capture_output=True, text=True, timeout=60).stdout
    rows = re.search(r"rows=(\d+) pages=\d+ bytes=(\d+) rules=(\d+)", out)
    times = re.search(r"build_ms=([\d.]+)", out)
    return (*map(int, rows.groups()), float(times[1])) if rows and times else None


def piece(quick):
    rows = []
    for path in files():
        found = [item for item in (build(path) for _ in range(1 if quick else 5)) if item]
        if not found:
            continue
        cnt, size, rules = found[0][:3]
        times = [item[3] for item in found]
        rows.append([os.path.basename(path), f"{os.path.getsize(path) / 1048576:.1f}", cnt, size, f"{size / cnt:.2f}", rules,
                     spread(times, 1), f"{statistics.median(times) * 1e6 / cnt:.0f}"])
    return Piece("Unwind tables, built by `unwind-dump --stats` in one go.\n\n" + markdown.plain(
        ["file", "MiB", "rows", "bytes", "bytes/row", "rules", "ms", "ns/row"], rows))
