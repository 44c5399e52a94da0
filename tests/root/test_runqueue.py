# SPDX-License-Identifier: GPL-2.0
"""Waits for a CPU by stack (-P sched), held against what the kernel accounts in /proc/PID/task/TID/schedstat.

Needs root. BPFPROF_BIN names the program under test.
"""
import os
import signal
import subprocess
import time

import pytest

import offcpu_helpers as o

# Two threads of a kind that want a CPU all the time, and one that wants it now and then, all on one CPU.
CROWD = r"""
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
__attribute__((noinline)) static void burn(void)
{
	for (volatile long i = 0; i < 10000000; i++)
		;
	__asm__ volatile("");
}
__attribute__((noinline)) static void nap(void)
{
	struct timespec time = {.tv_nsec = 3000000};
	nanosleep(&time, NULL);
	__asm__ volatile("");
}
static void *hog(void *arg)
{
	pthread_setname_np(pthread_self(), "hog");
	for (;;)
		burn();
	return arg;
}
int main(int argc, char **argv)
{
	pthread_t thread;
	cpu_set_t cpus;
	CPU_ZERO(&cpus);
	CPU_SET(atoi(argv[1]), &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	pthread_create(&thread, NULL, hog, NULL);
	pthread_create(&thread, NULL, hog, NULL);
	puts("ready");
	fflush(stdout);
	for (;;)
		nap();
}
"""


def run_delay_ns(pid):
    """Time that the threads of a process have waited for a CPU."""
    total = 0
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[1])
    return total


@pytest.fixture
def crowd(tmp_path, programs):
    source = tmp_path / "crowd.c"
    source.write_text(CROWD)
    program = o.compile_to(tmp_path / "crowd", "gcc", "-O2", "-g", str(source), "-lpthread")
    proc = programs.start(program, max(os.sched_getaffinity(0)), stdout=subprocess.PIPE)
    assert proc.stdout.readline() == "ready\n"
    return proc


def test_waits_for_a_cpu_by_stack(bpfprof, crowd):
    ours = bpfprof.start_and_attach("--stats", "-q", "--top=0", "-P", "sched", "--pid", crowd.pid)
    before = run_delay_ns(crowd.pid)
    time.sleep(3)
    waited_ns = run_delay_ns(crowd.pid) - before
    ours.send_signal(signal.SIGINT)
    result = bpfprof.finish(ours)
    assert result.status == 0, result.stderr
    stats = o.Stats(result.stderr)
    assert not stats.lost, stats.lost
    profile = bpfprof.profile("sched.pb.gz")
    assert profile.sample_types == [("waits", "count"), ("runqueue", "nanoseconds")]
    samples = o.having(profile.samples, pid=crowd.pid)
    print(f"run queue: {o.delay(samples)} ns by stack, {waited_ns} ns by the kernel; {o.by_label(samples, 'delayed_by')}")
    assert o.delay(samples) == pytest.approx(waited_ns * profile.duration_ns / 3e9, rel=0.06)
    assert o.delay(samples) == pytest.approx(stats.exact[crowd.pid].queue_ns, rel=0.02)
    # The hogs wait in the middle of burn(), for each other: that is where they lost the CPU.
    hogs = o.having(samples, thread="hog")
    assert o.delay(o.having(hogs, "burn")) > 0.95 * o.delay(hogs)
    delayed_by = o.by_label([s for s in hogs if s.labels.get("delayed_by")], "delayed_by")
    assert delayed_by["hog"] > 0.5 * sum(delayed_by.values()), delayed_by
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
