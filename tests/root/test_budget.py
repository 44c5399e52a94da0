# SPDX-License-Identifier: GPL-2.0
"""What bpfprof does when it costs more than it may: it says so, keeps less, and what it shows stays right. Needs root."""
import os
import re
import signal
import time

import pytest

import workload_helpers as w
from conftest import BIN, wait_until

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not os.access(BIN, os.X_OK), reason=f"{BIN} is not built"),
]

HZ = 8000


def check_times(profile, least_ns, most_ns, hz):
    """The profile's CPU time against what the kernel accounts to the process; each sample stands for whole periods."""
    got_ns = sum(sample.values[1] for sample in profile.samples)
    print(f"{got_ns / 1e9:.3f} s in the profile, {least_ns / 1e9:.3f} to {most_ns / 1e9:.3f} s by the kernel's account")
    assert 0.9 * least_ns <= got_ns <= 1.1 * most_ns
    assert all(sample.values[1] == sample.values[0] * (10**9 // hz) for sample in profile.samples)


def test_caps(tmp_path, programs):
    """Deep stacks, often, under a low cap of CPU; and one that may hold less memory than it has from the start."""
    target = programs.start(w.build(tmp_path, "deep.c"), "plain", "burn", "480", "0")
    folders = {name: tmp_path / name for name in ("cpu", "memory")}
    for folder in folders.values():
        folder.mkdir()
    before_ns = w.cpu_ns(target.pid)
    with w.Running(folders["cpu"], "-F", HZ, "--max-overhead", "5", "--pid", target.pid) as cpu, \
            w.Running(folders["memory"], "-F", HZ // 4, "--max-memory", "1M", "--max-overhead", "100", "--pid", target.pid) as memory:
        cpu.wait_for("SCHED", 60)
        memory.wait_for("SCHED", 60)
        after_ns = w.cpu_ns(target.pid)
        cpu.wait_for("budget:", 60)
        memory.wait_for("budget:", 60)
        time.sleep(3)  # of work under both caps
        target.send_signal(signal.SIGSTOP)
        assert wait_until(lambda: open(f"/proc/{target.pid}/stat").read().split()[2] == "T", 30)
        end_ns = w.cpu_ns(target.pid)
        cpu.wait_for(" again", 120)
        profile, counters, text = cpu.finish()
        print(*re.findall("^.*budget:.*$", text, re.M), sep="\n")
        check_times(profile, end_ns - after_ns, end_ns - before_ns, HZ)
        assert re.search(r"budget: bpfprof costs [0-9.]+ % of one CPU, more than --max-overhead 5: CPU is sampled at 4000 Hz ", text)
        assert re.search(r"budget: bpfprof costs [0-9.]+ % of one CPU: CPU is sampled at \d+ Hz again", text)
        assert counters["shed_cpu_seconds"] >= 3
        assert any(comment.startswith("shed_cpu_seconds ") for comment in profile.comments)

        profile, counters, text = memory.finish()
        check_times(profile, end_ns - after_ns, end_ns - before_ns, HZ // 4)
        line = re.search(r"budget: bpfprof holds ([0-9.]+) MiB of memory, ([0-9.]+) of them in BPF maps, more than --max-memory 1M", text)
        assert line and float(line[1]) > float(line[2]) > 1
        assert counters["shed_memory_seconds"] >= 3
        assert re.search(r"unwind  tables .* evicted [1-9]", text)
        # what was thrown away is there again where a stack needs it
        assert w.holding(profile.samples, "main") > 0.8 * w.total(profile.samples)
