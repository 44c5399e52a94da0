# SPDX-License-Identifier: GPL-2.0
"""What the tests of the block, mutex and sched profiles share."""
import collections
import os
import re
import signal
import subprocess
import time

import workload_helpers

COUNTER = re.compile(r"^  (lost|counter) +(\w+) +(\d+) ", re.MULTILINE)
OFFCPU = re.compile(r"^  offcpu  (\d+) (.+?) +waits (\d+), off (\d+) ns, of it queued (\d+) ns in (\d+); life (\d+) ns, "
                    r"on cpu (\d+) ns, residue (-?\d+) ns", re.MULTILINE)
PROGRAM = re.compile(r"^  program (\S+) +runs +(\d+) +mean +(\d+) ns", re.MULTILINE)

Exact = collections.namedtuple("Exact", "comm off_cnt off_ns queue_ns queue_cnt life_ns cpu_ns residue_ns")

build = workload_helpers.build


class Stats:
    """What --stats said."""

    def __init__(self, text):
        rows = COUNTER.findall(text)
        assert rows, text
        self.counters = {name: int(cnt) for _, name, cnt in rows}
        self.lost = {name: int(cnt) for kind, name, cnt in rows if kind == "lost" and int(cnt)}
        self.programs = {name: (int(runs), int(mean)) for name, runs, mean in PROGRAM.findall(text)}
        self.exact = {}
        for pid, comm, off_cnt, off_ns, queue_ns, queue_cnt, life_ns, cpu_ns, residue_ns in OFFCPU.findall(text):
            self.exact[int(pid)] = Exact(comm, int(off_cnt), int(off_ns), int(queue_ns), int(queue_cnt), int(life_ns),
                                         int(cpu_ns), int(residue_ns))

    def of_comm(self, comm):
        """(pid, Exact) of the one process. Its samples from before its exec have another comm."""
        (pid, exact), = [(pid, exact) for pid, exact in self.exact.items() if exact.comm == comm]
        return pid, exact

    def exact_of(self, comm):
        return [exact for exact in self.exact.values() if exact.comm == comm]


# Told as lost, and made up for: events by a read of /proc, stacks when they are next seen.
RECOVERED = {"process_events", "stack_ring_full"}


def finish(bpfprof, proc, interrupts=True):
    """Ends a bpfprof that was started with --stats, or waits for its end: (Result, Stats). Nothing may be lost."""
    if interrupts and proc.poll() is None:
        proc.send_signal(signal.SIGINT)
    return _read(bpfprof.finish(proc))


def _read(result):
    assert result.status == 0, result.stderr
    stats = Stats(result.stderr)
    assert not set(stats.lost) - RECOVERED, stats.lost
    return result, stats


def profile(bpfprof, profiles, command=None, args=(), env=None):
    """Runs bpfprof with --stats: (Result, Stats). Nothing may be lost."""
    tail = ["--", *command] if command else []
    return _read(bpfprof.run("--no-trace", "--stats", "-q", "--top=0", "-o", bpfprof.folder, "-P", profiles, *args, *tail,
                             env=env))


def wait_asleep(pid, cnt=None, seconds=30):
    """Until the process has cnt threads and each sleeps (D, S or T) and stays where it is."""
    def seen():
        threads = {}
        for tid in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{tid}/stat", encoding="utf-8", errors="replace") as file:
                state = file.read().rsplit(")", 1)[1].split()[0]
            with open(f"/proc/{pid}/task/{tid}/status", encoding="utf-8", errors="replace") as file:
                threads[tid] = state, tuple(re.findall(r"ctxt_switches:\t(\d+)", file.read()))
        return threads

    end, last = time.monotonic() + seconds, {}
    while time.monotonic() < end:
        now = seen()
        if now == last and cnt in (None, len(now)) and all(state in "SDT" for state, _ in now.values()):
            return
        last = now
        time.sleep(0.2)
    raise AssertionError(f"{pid}: no rest in {seconds} s: {last}")


def names(sample):
    return [frame.function for frame in sample.frames]


def having(samples, function=None, **labels):
    """Samples with the function on their stack and with these labels."""
    return [sample for sample in samples if (function is None or function in names(sample)) and
            all(sample.labels.get(key) == value for key, value in labels.items())]


def count(samples):
    return sum(sample.values[0] for sample in samples)


def delay(samples):
    return sum(sample.values[1] for sample in samples)


def by_label(samples, key):
    """{value of the label: delay}"""
    ret = collections.Counter()
    for sample in samples:
        ret[sample.labels.get(key)] += sample.values[1]
    return ret


def compile_to(path, *command, source=None):
    done = subprocess.run([*command, "-o", str(path), *([source] if source else [])], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
                          env={**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/local/go/bin:/root/.cargo/bin",
                               "GO111MODULE": "off"}, check=False)
    assert not done.returncode, done.stdout
    return str(path)
