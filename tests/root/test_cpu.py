# SPDX-License-Identifier: GPL-2.0
"""The CPU profile on the real kernel: shares, totals against the kernel's own accounts, labels, rates, and what it costs.

Needs root. BPFPROF_BIN names the program under test. Each test prints its figures (pytest -rA shows them).
"""
import gzip
import os
import re
import shutil
import subprocess
import time

import pytest

import workload_helpers as w

GO = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin:/usr/lib/go/bin")

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not os.access(w.BIN, os.X_OK), reason=f"{w.BIN} is not built"),
]


def start(*argv, **popen):
    return subprocess.Popen(list(map(str, argv)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, **popen)


@pytest.fixture
def ending():
    """Ends, by their ids, the processes that a test put on this list."""
    procs = []
    yield procs
    for proc in procs:
        proc.kill()
        proc.wait()


def test_shares_of_two_functions(tmp_path):
    """75 % and 25 %, in three runs of 10 s at 99 Hz. A share of n samples has an error of its own, 0.43/sqrt(n): three of these,
    2.4 points where nobody else wants the CPUs."""
    shares = w.build(tmp_path, "shares.c")
    got = {"burn_75": 0, "burn_25": 0}
    for _ in range(3):
        profile, _, _, _ = w.profile_command(tmp_path, [], [shares, 10])
        heavy, light = w.holding(profile.samples, "burn_75"), w.holding(profile.samples, "burn_25")
        got["burn_75"] += heavy
        got["burn_25"] += light
        print(f"burn_75 {100 * heavy / (heavy + light):.2f} % of {heavy + light} samples, {w.total(profile.samples)} in all")
        assert heavy + light >= 0.98 * w.total(profile.samples) - 2
    count = sum(got.values())
    assert abs(100 * got["burn_75"] / count - 75) < 3 * 43 / count ** 0.5


@pytest.mark.parametrize("frequency", [19, 99, 999])
def test_total_is_the_cpu_time(tmp_path, frequency):
    """samples x period against se.sum_exec_runtime of the same seconds: 2 %, and what chance adds. The clock's phase is
    worth a sample at either end; and where others compete for the CPUs, a tick meets us with probability p, so that the
    number of samples scatters by sqrt(n p (1 - p)): three times that."""
    shares = w.build(tmp_path, "shares.c")
    profile, counters, out, _ = w.profile_command(tmp_path, ["-F", frequency], [shares, 10])
    kernel_s = int(re.search(r"cpu_ns (\d+)", out)[1]) / 1e9
    ours_s = sum(sample.values[1] for sample in profile.samples) / 1e9
    off = 100 * (ours_s / kernel_s - 1)
    share = min(1.0, kernel_s / 10)
    chance = 100 * (2 + 3 * (10 * frequency * share * (1 - share)) ** 0.5) / (10 * frequency * share)
    print(f"{frequency} Hz: {w.total(profile.samples)} samples, {ours_s:.3f} s of {kernel_s:.3f} s CPU time: {off:+.2f} %, "
          f"chance {chance:.2f} %, late {counters['samples_late']}")
    assert abs(off) < 2 + chance
    for sample in profile.samples:
        assert abs(sample.values[1] - sample.values[0] * 1e9 / frequency) <= sample.values[0]


def profile_seconds(path):
    """duration_nanos of a pprof file."""
    with gzip.open(path) as file:
        return next(value for number, value in w.unwind_helpers._fields(file.read()) if number == 10) / 1e9


def test_total_of_two_busy_cpus(tmp_path, ending):
    """A process of three threads on all CPUs while others run too, attached to for 10 s."""
    threads = w.build(tmp_path, "threads.c")
    proc = start(threads, "stay", 40)
    ending.append(proc)
    proc.stdout.readline()
    with w.Running(tmp_path, "-F", 499, "-i", "1s", "--pid", proc.pid) as running:
        running.wait_for("SCHED 1")  # from the first full second on it samples
        before, began = w.cpu_ns(proc.pid), time.monotonic() - running.started
        time.sleep(10)
        used_s, seconds = (w.cpu_ns(proc.pid) - before) / 1e9, time.monotonic() - running.started - began
        profile, counters, text = running.finish()
    span_s = profile_seconds(running.path)
    ours = sum(sample.values[1] for sample in profile.samples) / 1e9 / span_s
    print(f"three threads: {ours:.3f} CPUs sampled in {span_s:.2f} s, {used_s / seconds:.3f} CPUs by schedstat in the "
          f"{seconds:.2f} s amid them; late {counters['samples_late']}")
    assert abs(ours / (used_s / seconds) - 1) < 0.06  # the second before may have been busier


def test_kernel_frames(tmp_path):
    profile, _, _, _ = w.profile_command(tmp_path, ["-F", 499], ["dd", "if=/dev/zero", "of=/dev/null", "bs=64k",
                                                                "count=400000", "status=none"])
    kernel = [s for s in profile.samples if s.locations[0].mapping and s.locations[0].mapping.file == w.KERNEL]
    with_user = [s for s in kernel if s.locations[-1].mapping is None or s.locations[-1].mapping.file != w.KERNEL]
    print(f"dd: {w.total(profile.samples)} samples, {w.total(kernel)} in the kernel, {w.total(with_user)} of them with "
          f"user frames below; leaves {w.shares(profile.samples).most_common(4)}")
    assert w.total(kernel) > 0.7 * w.total(profile.samples)
    assert w.total(with_user) > 0.98 * w.total(kernel)
    for sample in profile.samples:  # kernel frames stand together, on the leaf's side
        sides = [location.mapping is not None and location.mapping.file == w.KERNEL for location in sample.locations]
        assert sides == sorted(sides, reverse=True)
    assert w.holding(kernel, "read_zero") or w.holding(kernel, "rep_stos_alternative") or w.holding(kernel, "ksys_read")


def test_labels_of_named_threads(tmp_path):
    threads = w.build(tmp_path, "threads.c", "prog-labels")
    profile, _, _, _ = w.profile_command(tmp_path, [], [threads, "stay", 4])
    for name in ("alpha", "beta", "gamma"):
        samples = [s for s in profile.samples if f"burn_{name}" in w.names(s)]
        print(f"{name}: {w.total(samples)} samples, labels { {str(sorted(s.labels.items())) for s in samples} }")
        assert w.total(samples) >= 10
        # a thread's first moments, before it took its name
        named = [s for s in samples if s.labels["thread"] == name]
        assert w.total(named) >= w.total(samples) - 1
        assert {s.labels["comm"] for s in named} == {"prog-labels"}
        assert len({s.labels["pid"] for s in named}) == 1
    assert not [s for s in profile.samples if s.labels["thread"] == "alpha" and "burn_beta" in w.names(s)]


def test_several_pids(tmp_path, ending):
    """Only the processes asked for, each under its own pid."""
    burn = w.build(tmp_path, "burn.c", "burn-a")
    procs = [start(burn, 20000) for _ in range(3)]
    ending += procs
    profile, _, _, _ = w.profile_pids(tmp_path, ["-d", "3s"], [procs[0].pid, procs[2].pid])
    cnts = {pid: w.total([s for s in profile.samples if s.labels["pid"] == pid])
            for pid in {s.labels["pid"] for s in profile.samples}}
    print(f"two of three pids: {cnts}")
    assert set(cnts) == {procs[0].pid, procs[2].pid}
    assert min(cnts.values()) >= 10


TOP_LINE = re.compile(r"^ *(\S+) +([\d.]+%) +([\d.]+%) +(\S+) +([\d.]+%)  (.*?)(?: \(inline\))?$", re.MULTILINE)


@pytest.mark.skipif(not GO, reason="no go tool pprof")
def test_top_is_that_of_go_tool_pprof(tmp_path):
    # linked statically: where a frame has no function the two name it in ways of their own
    threads = w.build(tmp_path, "threads.c", flags=["-static"])
    profile, _, out, _ = w.profile_command(tmp_path, ["-F", 499, "--top=30"], [threads, "stay", 2])
    done = subprocess.run([GO, "tool", "pprof", "-top", "-nodecount=30", "-symbolize=none", str(tmp_path / "cpu.pb.gz")],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=True,
                          errors="replace")
    text = out.encode(errors="replace").decode(errors="replace")
    ours, theirs = TOP_LINE.findall(text[text.rindex("flat%"):]), TOP_LINE.findall(done.stdout)
    print(f"{w.total(profile.samples)} samples; {len(ours)} lines of ours, {len(theirs)} of pprof's")
    print(done.stdout)
    assert len(ours) > 5
    assert ours == theirs


def rss_and_cpu(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    with open(f"/proc/{pid}/status") as file:
        status = file.read()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]), int(re.search(r"VmHWM:\s+(\d+)", status)[1]), ticks


def test_idle_host(tmp_path, ending):
    """200 sleeping processes, 99 Hz, 17 s. The CPU time counted is that of the daemon's own process after its second
    second: its start, and on a machine that others use the stacks of theirs, are no part of an idle host's cost."""
    sleepers = w.build(tmp_path, "sleepers.c")
    proc = subprocess.Popen([sleepers, "200"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ending.append(proc)
    proc.stdout.readline()
    with w.Running(tmp_path, "--listen", "off", "-F", 99) as running:
        first_line_s = running.wait_for("SCHED", timeout=15)
        time.sleep(max(0, 2 - first_line_s))
        start_ns, began = w.cpu_ns(running.proc.pid), time.monotonic()
        time.sleep(15)
        used_ns, seconds = w.cpu_ns(running.proc.pid) - start_ns, time.monotonic() - began
        rss_kb, peak_kb, _ = rss_and_cpu(running.proc.pid)
        profile, counters, text = running.finish()
    maps_kb = int(re.search(r"^  maps +in all +(\d+) KiB", text, re.MULTILINE)[1])
    busy = w.total(profile.samples) / 99 / (seconds + 2)
    print(f"idle host: {100 * used_ns / 1e9 / seconds:.3f} % of one CPU from second 2 on; {start_ns / 1e6:.0f} ms to start; "
          f"rss {rss_kb} KiB, at most {peak_kb} KiB; maps {maps_kb} KiB; first line after {first_line_s:.3f} s; "
          f"{w.total(profile.samples)} samples: others kept {busy:.2f} CPUs busy; {counters['stacks_shipped']} stacks")
    print("\n".join(line for line in text.splitlines() if re.match(r"  (program|map|unwind|stacks)", line)))
    assert first_line_s < 1
    if busy > 0.1:
        pytest.skip(f"the host is not idle ({busy:.2f} CPUs busy); measured {100 * used_ns / 1e9 / seconds:.3f} % CPU, "
                    f"rss {rss_kb} KiB, maps {maps_kb} KiB")
    assert used_ns / 1e9 / seconds < 0.003
    assert rss_kb < 24 * 1024
    assert maps_kb < 16 * 1024
