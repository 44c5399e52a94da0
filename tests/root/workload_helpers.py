# SPDX-License-Identifier: GPL-2.0
"""Building the programs of tests/workloads, running bpfprof on them, and reading what it found."""
import collections
import contextlib
import os
import subprocess
import tempfile
import time

import unwind_helpers

ROOT = unwind_helpers.ROOT
BIN = unwind_helpers.BIN
WORKLOADS = os.path.join(ROOT, "tests", "workloads")
KERNEL = unwind_helpers.KERNEL


def build(directory, source, name=None, flags=()):
    """The path of a workload's program; without frame pointers, as distributions build. None: it cannot be linked so."""
    path = os.path.join(str(directory), name or source.split(".")[0])
    done = subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-g", os.path.join(WORKLOADS, source), "-o", path,
                           *flags, "-lpthread", "-ldl"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False)
    if done.returncode:
        raise AssertionError(done.stdout)
    return path


def profile_command(directory, args, command, timeout=120):
    """CMD mode: (profile, counters, what CMD wrote, stderr)."""
    return _finish(directory, [BIN, "--no-trace", "--stats", "-P", "cpu", "-o", str(directory), *map(str, args), "--",
                               *map(str, command)], timeout)


def profile_pids(directory, args, pids, timeout=120):
    return _finish(directory, [BIN, "--no-trace", "--stats", "-P", "cpu", "-o", str(directory), *map(str, args), "--pid",
                               ",".join(map(str, pids))], timeout)


def profile_host(directory, args, timeout=120):
    return _finish(directory, [BIN, "--no-trace", "--stats", "-P", "cpu", "--listen", "off", "-o", str(directory),
                               *map(str, args)], timeout)


def _finish(directory, argv, timeout):
    path = os.path.join(str(directory), "cpu.pb.gz")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace", timeout=timeout, check=False)
    assert done.returncode == 0 and os.path.exists(path), f"{argv}: status {done.returncode}\n{done.stderr}"
    return unwind_helpers.read_profile(path), unwind_helpers.counters_of(done.stderr), done.stdout, done.stderr


class Running:
    """bpfprof in the background, for tests that act while it runs."""

    def __init__(self, directory, *args):
        self.path = os.path.join(str(directory), "cpu.pb.gz")
        # files, not pipes: nobody reads until the end
        self.stderr = tempfile.TemporaryFile(mode="w+", errors="replace")
        self.stdout = tempfile.TemporaryFile(mode="w+", errors="replace")
        self.started = time.monotonic()
        self.proc = subprocess.Popen([BIN, "--stats", "-P", "cpu", "-o", str(directory), *map(str, args)],
                                     stdin=subprocess.DEVNULL, stdout=self.stdout, stderr=self.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()

    def text(self):
        self.stderr.seek(0)
        return self.stderr.read()

    def wait_for(self, word, timeout=10):
        """Seconds from the start until stderr holds word."""
        while time.monotonic() < self.started + timeout:
            if word in self.text():
                return time.monotonic() - self.started
            assert self.proc.poll() is None, self.text()
            time.sleep(0.005)
        raise AssertionError(f"no {word} in {timeout} s: {self.text()}")

    def finish(self, timeout=60):
        if self.proc.poll() is None:
            self.proc.terminate()
        status = self.proc.wait(timeout)
        text = self.text()
        assert status == 0, text
        return unwind_helpers.read_profile(self.path), unwind_helpers.counters_of(text), text


def count(sample):
    return sample.values[0]


def names(sample):
    """Functions of a sample, leaf first; inlined ones too."""
    return [name for location in sample.locations for name in (location.functions or [""])]


def shares(samples):
    """Samples of each leaf function."""
    ret = collections.Counter()
    for sample in samples:
        ret[names(sample)[0] if sample.locations else ""] += count(sample)
    return ret


def holding(samples, function):
    return sum(count(sample) for sample in samples if function in names(sample))


def total(samples):
    return sum(map(count, samples))


def nameless(samples):
    """Frames, as text, that have neither a function nor a file; and samples without any frame."""
    ret = collections.Counter()
    for sample in samples:
        if not sample.locations:
            ret["no stack"] += count(sample)
        for location in sample.locations:
            file = location.mapping.file if location.mapping else ""
            if not (location.functions and location.functions[0]) and file in ("", "//anon"):
                ret[f"{location.address:#x}"] += count(sample)
            elif location.functions and location.functions[0].startswith("[0x"):
                ret[location.functions[0]] += count(sample)
            elif location.functions and location.functions[0] == "[lost]":
                ret["[lost]"] += count(sample)
    return ret


def cpu_ns(pid):
    """What the kernel accounts to a process, exactly: the sum over its threads of se.sum_exec_runtime."""
    ret = 0
    for tid in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f"/proc/{pid}/task/{tid}/schedstat") as file:
                ret += int(file.read().split()[0])
    return ret
