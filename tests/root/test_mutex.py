# SPDX-License-Identifier: GPL-2.0
"""Who made others wait for a lock: libraries of C, C++, Rust and Go, held against the waiters' own clocks.

Needs root. BPFPROF_BIN names the program under test.
"""
import os
import shutil

import pytest

import offcpu_helpers as o
import workload_helpers

PATH = os.environ.get("PATH", "") + ":/usr/local/go/bin:/root/.cargo/bin"
SECONDS = 2
BUILDS = {
    "glibc": ["gcc", "-O2", "-g", "locks.c", "-lpthread"],
    "musl": ["musl-gcc", "-O2", "-g", "locks.c", "-static"],
    "c++": ["g++", "-O2", "-g", "locks.cc", "-lpthread"],
    "rust": ["rustc", "-O", "-g", "-Cforce-frame-pointers=no", "locks.rs"],
}
# The function that waits, as each library has it.
WAITERS = {"glibc": "pthread_mutex_lock", "musl": None, "c++": "pthread_mutex_lock", "rust": "lock_contended"}


def build(tmp_path, language):
    command = [os.path.join(workload_helpers.WORKLOADS, word) if word.startswith("locks.") else word
               for word in BUILDS[language]]
    if not shutil.which(command[0], path=PATH):
        pytest.skip(f"{command[0]} is not installed")
    return o.compile_to(tmp_path / "locks", *command)


def run(bpfprof, program):
    """(samples of the mutex profile, what the waiters' clocks say in ns)"""
    result, _ = o.profile(bpfprof, "mutex", [program, SECONDS])
    profile = bpfprof.profile("mutex.pb.gz")
    assert profile.sample_types == [("contentions", "count"), ("delay", "nanoseconds")]
    return profile.samples, int(result.stdout)


@pytest.mark.parametrize("language", ["glibc", "c++", "rust"])
def test_the_holder_is_charged_not_the_waiter(bpfprof, tmp_path, language):
    samples, waited_ns = run(bpfprof, build(tmp_path, language))
    total = o.delay(samples)
    # The waiter's clock stops when it runs again, the charge when it is woken.
    assert total == pytest.approx(waited_ns, rel=0.04)
    long, short, want = (o.delay(o.having(samples, name)) for name in ("hold_long", "hold_short", "want_it"))
    print(f"{language}: hold_long {long / total:.3f}, hold_short {short / total:.3f}, want_it {want / total:.3f} of {total} ns; "
          f"the waiters' clocks {waited_ns} ns")
    # Held for 9 ms and for 3 ms while three threads wait for it nearly all the time.
    assert 2.3 < long / short < 4.2
    assert long + short > 0.9 * total
    assert long + short + want == pytest.approx(total, rel=0.02)
    waiters = o.by_label(samples, "waiter")
    name, most = waiters.most_common(1)[0]
    assert name.replace("__", "").endswith(WAITERS[language]) and most > 0.9 * total, waiters


def test_musl(bpfprof, tmp_path):
    """Its unlock has no unwind table on Debian, so the stack ends there; the totals are right all the same."""
    samples, waited_ns = run(bpfprof, build(tmp_path, "musl"))
    unlocks = [sample for sample in samples if any("pthread_mutex_unlock" in name for name in o.names(sample))]
    assert o.delay(unlocks) == pytest.approx(waited_ns, rel=0.04)


def test_waits_that_no_unlock_ends(bpfprof, tmp_path):
    """A timeout and a signal charge nobody; the wait is in block."""
    source = tmp_path / "timeouts.c"
    source.write_text("""
#include <errno.h>
#include <pthread.h>
#include <time.h>
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
__attribute__((noinline)) static void give_up(void)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 20000000;
	if (until.tv_nsec >= 1000000000)
		until.tv_sec++, until.tv_nsec -= 1000000000;
	if (pthread_mutex_timedlock(&mutex, &until) != ETIMEDOUT)
		__builtin_trap();
	__asm__ volatile("");
}
static void *want(void *arg)
{
	for (int i = 0; i < 50; i++)
		give_up();
	return arg;
}
int main(void)
{
	pthread_t thread;
	pthread_mutex_lock(&mutex);
	pthread_create(&thread, 0, want, 0);
	pthread_join(thread, 0);
	return 0;
}
""")
    program = o.compile_to(tmp_path / "timeouts", "gcc", "-O2", "-g", str(source), "-lpthread")
    o.profile(bpfprof, "block,mutex", [program])
    samples = o.having(bpfprof.profile("block.pb.gz").samples, "give_up", state="futex")
    assert 48 <= o.count(samples) <= 50  # on a busy machine the time is up before the wait begins
    assert o.delay(samples) == pytest.approx(50 * 20e6, rel=0.1)
    assert o.delay(bpfprof.profile("mutex.pb.gz").samples) < 0.02 * o.delay(samples)


def test_go(bpfprof, tmp_path):
    """Goroutines wait for a lock without the kernel; what is seen is the thread that the scheduler wakes for the next one."""
    go = shutil.which("go", path=PATH)
    if not go:
        pytest.skip("go is not installed")
    program = o.compile_to(tmp_path / "locks", go, "build",
                           source=os.path.join(workload_helpers.WORKLOADS, "locks.go"))
    samples, _ = run(bpfprof, program)
    assert samples
    waiters = o.by_label(samples, "waiter")
    assert waiters.most_common(1)[0][0] == "runtime.notesleep", waiters
    assert o.delay([sample for sample in samples if "runtime.wakep" in o.names(sample)]) > 0.5 * o.delay(samples)
