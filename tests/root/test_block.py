# SPDX-License-Identifier: GPL-2.0
"""Time off CPU by stack, held against the waiters' own clocks, the kernel's and offcputime of libbpf-tools.

Needs root. BPFPROF_BIN names the program under test.
"""
import math
import os
import re
import signal
import subprocess
import time

import pytest

import conftest
import offcpu_helpers as o
import offcpu_peers

STATES = {"wait_nanosleep": "sleep", "wait_poll": "poll", "wait_epoll": "epoll", "wait_pipe": "pipe", "wait_socket": "socket",
          "wait_cond": "futex", "wait_disk": "disk"}
SLEEPER = "import time\nprint('ready', flush=True)\ntime.sleep(1000)"


@pytest.fixture(scope="module")
def waits(tmp_path_factory):
    return o.build(tmp_path_factory.mktemp("waits"), "waits.c")


@pytest.fixture(scope="module")
def blockers(tmp_path_factory):
    return o.build(tmp_path_factory.mktemp("blockers"), "blockers.c")


@pytest.fixture(scope="module")
def pingpong(tmp_path_factory):
    return o.build(tmp_path_factory.mktemp("pingpong"), "bench_pingpong.c", name="pingpong")


@pytest.fixture
def cold_file():
    """A file on a disk, with nothing of it to be written back."""
    folder = os.path.join(conftest.ROOT, "build")
    path = os.path.join(folder, f"cold-{os.getpid()}")
    with open(path, "wb") as file:
        file.write(os.urandom(24 << 20))
        file.flush()
        os.fsync(file.fileno())
    yield path
    os.unlink(path)


def told(stdout):
    """{name: (count, ns)} as a workload printed it."""
    return {name: (int(cnt), int(ns)) for name, cnt, ns in re.findall(r"^(\w+) (\d+) (\d+)$", stdout, re.MULTILINE)}


def test_every_wait_with_its_time_and_its_state(bpfprof, waits, cold_file):
    result, stats = o.profile(bpfprof, "block", [waits, 3, cold_file])
    profile = bpfprof.profile("block.pb.gz")
    assert profile.sample_types == [("contentions", "count"), ("delay", "nanoseconds")]
    assert profile.period == 1
    expected = told(result.stdout)
    assert set(expected) == set(STATES)
    for name, (cnt, ns) in expected.items():
        samples = o.having(profile.samples, name)
        # Interrupts take time from reads that is neither theirs nor off CPU, and it may lose the CPU between two reads.
        if name == "wait_disk":
            assert 0.9 * ns < o.delay(samples) < 1.3 * ns, name
        else:
            assert o.delay(samples) == pytest.approx(ns, rel=0.02), name
            assert {sample.labels["thread"] for sample in samples} <= {name, "waits"}
        states = o.by_label(samples, "state")
        assert states[STATES[name]] == max(states.values()), (name, states)
        if name != "wait_disk":
            # on a busy machine what some wait for is there before they begin
            assert 0.5 * cnt - 2 <= o.count(o.having(samples, state=STATES[name])) <= 1.1 * cnt + 2, name
    assert expected["wait_disk"][0] > 300 and expected["wait_disk"][1] > 5e6, "the file was not read from a disk"
    # The exact total says the same as all samples together: nothing was sampled away at this rate.
    pid, exact = stats.of_comm("waits")
    assert o.delay(o.having(profile.samples, pid=pid)) == pytest.approx(exact.off_ns, rel=0.005)
    assert o.count(o.having(profile.samples, pid=pid)) == pytest.approx(exact.off_cnt, rel=0.01)


def test_a_life_is_cpu_and_absence(bpfprof, waits):
    """Of each thread; interrupts and stolen time are the rest."""
    _, stats = o.profile(bpfprof, "block,sched", [waits, 2])
    _, exact = stats.of_comm("waits")
    assert exact.cpu_ns and exact.queue_ns < exact.off_ns < exact.life_ns
    assert abs(exact.residue_ns) < 0.01 * exact.life_ns, exact


def test_the_time_that_a_command_is_held_is_not_its_own(bpfprof, blockers):
    """It is stopped three times until its files are known: no wait says so, and all that it waited has its stack."""
    result, stats = o.finish(bpfprof, bpfprof.start("--no-trace", "--stats", "-v", "--top=0", "-o", bpfprof.folder, "-P", "block,sched",
                                                    "--", blockers, 1, 300), interrupts=False)
    pid, exact = stats.of_comm("blockers")
    assert result.stderr.count("CMD was held") == 3, result.stderr
    block = o.having(bpfprof.profile("block.pb.gz").samples, pid=pid)
    assert not o.having(block, state="stopped")
    assert o.delay(block) == pytest.approx(exact.off_ns, rel=0.005)
    assert abs(exact.residue_ns) < 0.05 * exact.life_ns, exact
    for state in ("sleep", "pipe"):
        assert 0.29e9 < o.delay([s for s in o.having(block, state=state) if o.names(s)[-1] != "[truncated]"])


def test_a_wait_without_end_is_counted_so_far(bpfprof, blockers, programs):
    """One that began under our eyes has its stack; one from before the attach is marked."""
    before = programs.start(blockers, 3, stdout=subprocess.PIPE)
    assert before.stdout.readline() == "ready\n"
    o.wait_asleep(before.pid, 4)
    attached = bpfprof.start_and_attach("-o", bpfprof.folder, "-q", "-P", "block")
    begun = time.monotonic()
    after = programs.start(blockers, 20, stdout=subprocess.PIPE)
    assert after.stdout.readline() == "ready\n"
    o.wait_asleep(after.pid, 21)
    waiting = time.monotonic()
    time.sleep(1.5)
    interrupted = time.monotonic()
    attached.send_signal(signal.SIGINT)
    assert bpfprof.finish(attached).status == 0
    ended = time.monotonic()
    profile = bpfprof.profile("block.pb.gz")
    samples = o.having(profile.samples, "block_for_ever", pid=after.pid, state="pipe")
    assert o.count(samples) == 20, [(o.names(s), s.labels, s.values) for s in o.having(profile.samples, pid=after.pid)]
    assert 20e9 * (interrupted - waiting) * 0.99 < o.delay(samples) < 20e9 * (ended - begun)
    assert all("began" not in sample.labels for sample in samples)
    samples = o.having(profile.samples, "block_for_ever", pid=before.pid, state="pipe")
    assert o.count(samples) == 3
    assert 3e9 * (interrupted - begun) * 0.99 < o.delay(samples) < 3.003 * profile.duration_ns
    assert all(sample.labels["began"] == "before the attach" for sample in samples)
    for proc in (before, after):
        assert proc.poll() is None


def test_threads_that_die_while_they_wait(bpfprof, blockers):
    """400 threads end in their reads; the wait is counted, and no thread is left over."""
    result, stats = o.profile(bpfprof, "block", [blockers, 400, 1500])
    assert "ready" in result.stdout
    profile = bpfprof.profile("block.pb.gz")
    samples = o.having(profile.samples, "block_for_ever", state="pipe")
    # on a very busy machine some do not get to their read in time
    cnt = o.count(samples)
    assert 380 <= cnt <= 400, [(o.names(s), s.labels, s.values) for s in profile.samples]
    # from the start of each to its end, whenever they were given a CPU for it
    assert cnt * 1.2e9 < o.delay(samples) < 400 * profile.duration_ns
    pid, exact = stats.of_comm("blockers")
    assert o.delay(o.having(profile.samples, pid=pid)) == pytest.approx(exact.off_ns, rel=0.005)
    assert abs(exact.residue_ns) < 0.02 * exact.life_ns, exact


def test_totals_of_a_ping_pong_are_unbiased(bpfprof, pingpong):
    """Far more switches than stacks are taken. Samples scatter: that their mean is right, tests/bpf/test_offcpu.c shows."""
    cpu = max(os.sched_getaffinity(0))
    _, stats = o.profile(bpfprof, "block,sched", [pingpong, 500000, cpu])
    exact = stats.exact_of("pingpong")
    assert len(exact) == 2
    off_cnt, off_ns = sum(e.off_cnt for e in exact), sum(e.off_ns for e in exact)
    assert off_cnt > 950000
    stacks = stats.counters["offcpu_stacks"]
    assert stacks < off_cnt / 5
    noise = 14 / math.sqrt(stacks)  # their weights differ: a standard error is some 3 / sqrt(stacks)
    samples = o.having(bpfprof.profile("block.pb.gz").samples, comm="pingpong")
    assert o.count(samples) == pytest.approx(off_cnt, rel=max(0.03, noise))
    assert o.delay(samples) == pytest.approx(off_ns, rel=max(0.06, noise))
    assert o.delay(o.having(samples, "[lost]")) < 0.02 * off_ns
    samples = o.having(bpfprof.profile("sched.pb.gz").samples, comm="pingpong")
    assert o.delay(samples) == pytest.approx(sum(e.queue_ns for e in exact), rel=max(0.08, noise))
    # what it costs is measured by `make bench`
    print(f"offcpu_switch: {stats.programs['offcpu_switch'][1]} ns a switch, stacks included; "
          f"switch_end {stats.programs.get('offcpu_switch_end')}; {stacks} stacks of {off_cnt} waits")


@pytest.fixture(scope="module")
def handoff(tmp_path_factory):
    return o.build(tmp_path_factory.mktemp("handoff"), "handoff.c")


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


MANY = """
import subprocess, sys
blockers, handoff, cnt, *cpus = sys.argv[1:]
many = subprocess.Popen([blockers, cnt], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
assert many.stdout.readline() == "ready\\n"
for kind in ("pipe", "futex", "yield") * 2:
    pairs = subprocess.Popen([handoff, kind, "1500", *cpus], stdout=subprocess.PIPE, text=True)
    dying = subprocess.Popen([blockers, "500", "100"], stdout=subprocess.DEVNULL)
    said = pairs.communicate(60)[0].split()
    assert pairs.wait() == 0 and dying.wait(60) == 0
    print(many.pid, pairs.pid, *said[1:], flush=True)
"""  # and leaves the many behind, which wait as long as they are watched


WHY_UNNAMED = ("end_no_mapping", "end_no_table", "end_no_row", "end_unreadable", "end_bad_cfa", "end_bad_fp", "offcpu_unsampled", "stack_ring_full")


def test_many_threads_and_switches_lose_nothing(bpfprof, blockers, handoff):
    """20,000 threads that wait, some that come and die, and pairs that switch each CPU as fast as it can (some 500,000 times a second
    here): each switch that the kernel counts is counted."""
    cnt = 20000
    proc = bpfprof.start("--no-trace", "--stats", "-q", "--top=0", "-P", "block,mutex,sched", "--", "/usr/bin/python3", "-S",
                         "-c", MANY, blockers, handoff, cnt, *sorted(os.sched_getaffinity(0)))
    sizes, rounds = [], []
    for _ in range(6):
        many, *said = map(int, proc.stdout.readline().split())
        rounds.append(said)
        sizes.append(rss_kib(proc.pid))
    try:
        result = bpfprof.finish(proc)
    finally:
        os.kill(many, signal.SIGKILL)
    assert result.status == 0, result.stderr
    stats = o.Stats(result.stderr)
    print(f"rss {sizes} KiB", {name: stats.programs[name] for name in stats.programs if "offcpu" in name})
    assert not set(stats.lost) - o.RECOVERED, stats.lost
    assert sizes[-1] - sizes[1] < 2048, sizes
    for pid, switch_cnt, wall_ns, _, all_cnt in rounds:
        print(f"{switch_cnt * 1e9 / wall_ns:.0f} switches a second; {all_cnt} by getrusage(2), {stats.exact[pid].off_cnt} waits")
        # which are read a moment before the end
        assert stats.exact[pid].off_cnt == pytest.approx(all_cnt, rel=0.001, abs=50)
    samples = o.having(bpfprof.profile("block.pb.gz").samples, pid=many)
    waiting = o.having(samples, state="pipe")
    assert o.count(waiting) == pytest.approx(cnt, rel=0.02)
    # On a busy machine some have no name: their stack says so, and a counter why.
    named = o.having(waiting, "block_for_ever")
    unnamed = [sample for sample in waiting if sample not in named]
    print(f"{o.count(named)} waits of {o.count(waiting)} named", stats.counters)
    assert o.count(named) > 0.8 * cnt
    assert all(o.names(sample)[-1] in ("[truncated]", "[lost]") for sample in unnamed), unnamed
    assert not unnamed or any(stats.counters[name] for name in WHY_UNNAMED), stats.counters
    exact = stats.exact[many]
    assert o.delay(samples) == pytest.approx(exact.off_ns, rel=0.02)
    assert abs(exact.residue_ns) < 0.01 * exact.life_ns, exact


@pytest.mark.skipif(not offcpu_peers.OFFCPUTIME, reason="offcputime of libbpf-tools is not installed")
def test_beside_offcputime(bpfprof, waits, programs):
    """In the same seconds, stack by stack."""
    workload = programs.start(waits, 60, stdout=subprocess.DEVNULL)
    ours = bpfprof.start_and_attach("-q", "-o", bpfprof.folder, "-P", "block", "--pid", workload.pid)
    peer = programs.start(offcpu_peers.OFFCPUTIME, "-p", workload.pid, 5, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    text = peer.communicate(timeout=60)[0]
    ours.send_signal(signal.SIGINT)
    result = bpfprof.finish(ours)
    assert result.status == 0, result.stderr
    profile = bpfprof.profile("block.pb.gz")
    totals = offcpu_peers.offcputime_totals(text)
    compared = 0
    for (thread, functions), us in totals.items():
        if us < 1e6 or thread not in STATES:
            continue
        # We leave the scheduler's own functions out, which offcputime may show.
        parts = [(sample, offcpu_peers.kernel_part(o.names(sample))) for sample in o.having(profile.samples, thread=thread)]
        samples = [sample for sample, part in parts if part and functions[-len(part):] == part]
        # A thread that does nothing but wait: its share of the time is what both can be asked for.
        share = o.delay(samples) / profile.duration_ns
        peer_all = sum(n for (name, _), n in totals.items() if name == thread)
        ours_all = o.delay(o.having(profile.samples, thread=thread)) / profile.duration_ns
        assert share / ours_all == pytest.approx(us / peer_all, rel=0.05), (thread, functions)
        compared += 1
    assert compared >= 6, totals
