# SPDX-License-Identifier: GPL-2.0
"""How many stacks of a perf.data reach the root of their thread."""
import bisect
import os
import re
import signal
import struct
import subprocess
import threading

import measure
import tools

# perf 6.1 prints the offset in the file as a frame's address.
FRAME = re.compile(r"^\s+([0-9a-f]+) .*\((.*?)\)$")
STACKS_MAX = 300
GO_ROOTS = ("runtime.goexit", "runtime.mstart", "runtime.rt0_go")  # Go has no CFI for them
SECONDS_MAX = 30
roots = {}  # path -> Roots


class Roots:
    """The address ranges of a file that have no caller, by the file's own call frame information."""

    def __init__(self, path):
        self.starts, self.is_root, self.segments = [], [], []
        try:
            self.read_segments(path)
            out = subprocess.run([tools.UNWIND_DUMP, path], capture_output=True, text=True, timeout=60).stdout
        except (OSError, struct.error, subprocess.TimeoutExpired):
            return
        for line in out.splitlines():
            address, what = line.split()[:2]
            self.starts.append(int(address, 16))
            self.is_root.append(what == "root")

    def read_segments(self, path):
        with open(path, "rb") as file:
            header = file.read(64)
            offset, = struct.unpack_from("<Q", header, 32)
            size, cnt = struct.unpack_from("<HH", header, 54)
            for i in range(cnt):
                file.seek(offset + i * size)
                kind, _, start, address, _, length = struct.unpack("<IIQQQQ", file.read(40))
                if kind == 1:
                    self.segments.append((start, length, address))

    def has(self, offset):
        for start, length, address in self.segments:
            if start <= offset < start + length:
                i = bisect.bisect_right(self.starts, address + offset - start) - 1
                return i >= 0 and self.is_root[i]
        return False


def is_root(offset, path):
    """A caller is printed as its return address or as the byte before it."""
    if path not in roots:
        roots[path] = Roots(path)
    return roots[path].has(offset) or roots[path].has(offset - 1)


def stacks_of(path):
    """The first STACKS_MAX stacks as `perf script` prints them: with --call-graph dwarf it unwinds only now, and takes its time."""
    script = measure.start([tools.PERF, "script", "-i", path, "--no-inline", "-F", "pid,ip,sym,dso"], stdout=subprocess.PIPE, text=True,
                           errors="replace")
    timer = threading.Timer(SECONDS_MAX, lambda: os.kill(script.pid, signal.SIGKILL))
    timer.start()
    found, block = [], []
    for line in script.stdout:
        if line.strip():
            block.append(line)
        elif block:
            found.append(block)
            block = []
        if len(found) == STACKS_MAX:
            break
    timer.cancel()
    script.stdout.close()
    measure.stop(script, signal.SIGKILL)
    return found


def complete_pct(path):
    """(percent of the stacks with user frames that end at a root, their number)"""
    total = complete = 0
    for block in stacks_of(path):
        frames = FRAME.findall(block[-1].rstrip("\n"))
        if frames and not frames[0][1].startswith("[kernel"):
            total += 1
            complete += is_root(int(frames[0][0], 16), frames[0][1]) or any(name in block[-1] for name in GO_ROOTS)
    return (100.0 * complete / total if total else None), total
