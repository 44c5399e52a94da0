# SPDX-License-Identifier: GPL-2.0
"""Waits for a CPU by stack (-P sched), held against what the kernel accounts in /proc/PID/task/TID/schedstat.

Needs root. BPFPROF_BIN names the program under test.
"""
import os
import re
import subprocess
import time

import pytest

import offcpu_helpers as o
import offcpu_peers


def run_delay_ns(pid):
    """Time that the threads of a process have waited for a CPU."""
    total = 0
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[1])
    return total


@pytest.fixture
def crowd(tmp_path, programs):
    proc = programs.start(o.build(tmp_path, "crowd.c"), max(os.sched_getaffinity(0)), stdout=subprocess.PIPE)
    assert proc.stdout.readline() == "ready\n"
    return proc


def test_waits_for_a_cpu_by_stack(bpfprof, crowd):
    outer_ns = run_delay_ns(crowd.pid)
    ours = bpfprof.start_and_attach("--stats", "-q", "--top=0", "-P", "sched", "--pid", crowd.pid)
    inner_ns = run_delay_ns(crowd.pid)
    time.sleep(3)
    inner_ns = run_delay_ns(crowd.pid) - inner_ns
    _, stats = o.finish(bpfprof, ours)
    outer_ns = run_delay_ns(crowd.pid) - outer_ns
    profile = bpfprof.profile("sched.pb.gz")
    assert profile.sample_types == [("waits", "count"), ("runqueue", "nanoseconds")]
    samples = o.having(profile.samples, pid=crowd.pid)
    print(f"run queue: {o.delay(samples)} ns by stack, {inner_ns} to {outer_ns} ns by the kernel; "
          f"{o.by_label(samples, 'delayed_by')}")
    # The kernel adds a wait when it has ended, which may be before or after.
    assert 0.93 * inner_ns < o.delay(samples) < 1.07 * outer_ns
    assert o.delay(samples) == pytest.approx(stats.exact[crowd.pid].queue_ns, rel=0.02)
    # The hogs wait in the middle of burn(), for each other: that is where they lost the CPU.
    hogs = o.having(samples, thread="hog")
    assert o.delay(o.having(hogs, "burn")) > 0.95 * o.delay(hogs)
    delayed_by = o.by_label([s for s in hogs if s.labels.get("delayed_by")], "delayed_by")
    assert delayed_by["hog"] > 0, delayed_by  # others may run on this CPU too
    # The one that naps was delayed by a hog whenever it was delayed for long.
    naps = o.having(samples, "nap")
    assert naps and {s.labels["thread"] for s in naps} == {"crowd"}


def test_block_and_sched_tell_the_same_story(bpfprof, crowd):
    """A hog's absence is nothing but its waits for the CPU."""
    ours = bpfprof.start_and_attach("-q", "--top=0", "-P", "block,sched", "--pid", crowd.pid, "-d", "2s")
    assert bpfprof.finish(ours).status == 0
    block = o.having(bpfprof.profile("block.pb.gz").samples, thread="hog")
    sched = o.having(bpfprof.profile("sched.pb.gz").samples, thread="hog")
    assert o.by_label(block, "state")["preempted"] > 0.99 * o.delay(block)
    assert o.delay(sched) == pytest.approx(o.delay(block), rel=0.05)


@pytest.mark.skipif(not offcpu_peers.BPFTRACE, reason="bpftrace is not installed")
def test_beside_bpftrace(bpfprof, tmp_path):
    """Four threads that want one CPU, each from a function of its own, from their first instruction to their last: by stack, by
    process, and how many waits there were. runqlat has powers of two alone, so the sums are bpftrace's."""
    peer = offcpu_peers.RunQueue()
    try:
        _, stats = o.profile(bpfprof, "sched", [o.build(tmp_path, "queue.c"), max(os.sched_getaffinity(0)), 3000])
        theirs = peer.finish()
    finally:
        peer.close()
    samples = bpfprof.profile("sched.pb.gz").samples
    pid, exact = stats.of_comm("queue")
    tids = {comm: tid for tid, comm in theirs if comm.startswith("queue_")}
    assert sorted(tids) == ["queue_nap", "queue_read", "queue_work", "queue_yield"], theirs
    for name, tid in tids.items():
        ours = o.having(samples, name, pid=pid, thread=name)
        print(name, o.count(ours), o.delay(ours), theirs[tid, name])
        assert abs(o.count(ours) - theirs[tid, name].cnt) <= 2 + 0.01 * theirs[tid, name].cnt
        assert o.delay(ours) == pytest.approx(theirs[tid, name].ns, rel=0.05)
    of_process = [waits for (tid, comm), waits in theirs.items() if tid == pid or comm.startswith("queue_")]
    assert exact.queue_ns == pytest.approx(sum(waits.ns for waits in of_process), rel=0.02)


SPIN = """
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
int main(int argc, char **argv)
{
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	CPU_SET(atoi(argv[1]), &cpus);
	if (argc < 3 || sched_setaffinity(0, sizeof(cpus), &cpus) || setpriority(PRIO_PROCESS, 0, atoi(argv[2])))
		return 1;
	puts("ready");
	fflush(stdout);
	for (;;)
		__asm__ volatile("");
}
"""
DELAY = re.compile(r"  D(\d+): p=(\d+) wait\(us\)=(\d+) held\(us\)=(\d+) pid=(\d+) bym=(\d+) bypid=(\d+) comm=(.*) bycomm=(.*)")
ROW = re.compile(r"^ +([\d.]+)ms +([\d.]+)ms +(\d+) +([\d.]+)s  (\S+) (\d+) \(pid (\d+)\) <- (\S+) (\d+) \(pid (\d+)\)$", re.M)


def test_who_delayed_me(bpfprof, tmp_path, programs):
    """A victim that shares its CPU with a hog: line by line with scheddetail, and in the table at the end."""
    source = tmp_path / "spin.c"
    source.write_text(SPIN)
    cpu = max(os.sched_getaffinity(0))
    spinning = {}
    for name, nice in (("hog", -5), ("victim", 5)):
        spinning[name] = programs.start(o.compile_to(tmp_path / name, "gcc", "-O1", str(source)), cpu, nice, stdout=subprocess.PIPE)
        assert spinning[name].stdout.readline() == "ready\n"
    hog, victim = spinning["hog"].pid, spinning["victim"].pid
    ours = bpfprof.start("--stats", "-P", "sched", "--top=5", "-i", "500ms", "--pid", victim, env={"BPFPROF": "scheddetail=1"})
    lines = []
    for line in iter(ours.stderr.readline, ""):
        lines += DELAY.findall(line)
        if any(int(fields[5]) == hog for fields in lines):
            break
    assert lines, "no D line"
    for tid, on, wait_us, held_us, pid, *_, comm, _ in lines:
        assert (int(tid), int(on), int(pid), comm) == (victim, cpu, victim, "victim")
        assert 1000 <= int(wait_us) and int(held_us) <= int(wait_us)
    mine = [fields for fields in lines if int(fields[5]) == hog]
    assert mine and all(fields[6] == str(hog) and fields[8] == "hog" and int(fields[3]) > 100 for fields in mine), lines
    result, _ = o.finish(bpfprof, ours)
    for text in (result.stdout, result.stderr):
        rows = ROW.findall(text)
        assert [float(row[0]) for row in rows] == sorted((float(row[0]) for row in rows), reverse=True)
        assert {row[4:7] for row in rows} == {("victim", str(victim), str(victim))}
        assert float(rows[0][0]) >= max(int(fields[2]) for fields in lines) / 1000 - 0.01
        # the longest of all pairs: where many run on this CPU the hog may be in none of them
        assert len(rows) == 16 or ("hog", str(hog), str(hog)) in [row[7:] for row in rows], text


def test_workers_of_the_kernel_are_followed(bpfprof, tmp_path, programs):
    """Threads that io_uring makes for a process do not pass the fork tracepoint; no wait of theirs is missed."""
    proc = programs.start(o.build(tmp_path, "uring.c"), 200, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    ours = bpfprof.start_and_attach("--stats", "--top=0", "-P", "block,sched", "-i", "500ms", "--pid", proc.pid)
    proc.stdin.write("go\n")
    proc.stdin.flush()
    said = proc.stdout.readline()
    result, stats = o.finish(bpfprof, ours)
    if said == "none\n":
        pytest.skip("no io_uring here")
    assert said == "done\n"
    assert stats.counters["sched_thread_unknown"] == 0 and not re.search(r"lost=[1-9]", result.stderr)
    workers = {s.labels["thread"] for s in bpfprof.profile("block.pb.gz").samples if s.labels["pid"] == proc.pid}
    assert any(name.startswith("iou-") for name in workers), workers
