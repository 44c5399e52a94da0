# SPDX-License-Identifier: GPL-2.0
"""Programs that sample their allocations by themselves and tell them by OpenTelemetry's probes (otel_memory)."""
import subprocess

import pytest

from conftest import wait_until
from test_heap import EXACT, by_function
from workload_helpers import build

USDT = ["-P", "heap", "--no-trace", "--top=0"]
KINDS = {0: "uprobe.session", 1: "uprobe.multi", 2: "uprobe and uretprobe"}


@pytest.fixture(scope="module")
def sampler(tmp_path_factory):
    return build(tmp_path_factory.mktemp("usdt"), "heap_usdt.c")


def listeners(pid, address):
    with open(f"/proc/{pid}/mem", "rb") as memory:
        memory.seek(address)
        return int.from_bytes(memory.read(2), "little")


def check(profile):
    sums = by_function(profile, "leak_.*|balanced|unsampled")
    # weights are the program's own; objects are what they stand for
    assert sums["leak_in_registers"] == [2096, 4 * 524288, 2096, 4 * 524288] or \
        sums["leak_in_registers"] == [2097, 4 * 524288, 2097, 4 * 524288], sums
    assert sums["leak_in_memory"] == [20, 600000, 20, 600000], sums
    assert sums["balanced"] == [50, 50 << 20, 0, 0], sums
    assert "unsampled" not in sums


@pytest.mark.parametrize("kind", KINDS)
def test_what_it_samples_is_taken_as_it_is(bpfprof, sampler, kind):
    """By each way in which a kernel probes; the allocator's own functions are not probed then."""
    result = bpfprof.run(*USDT, "--stats", "--", sampler, 300, env={"BPFPROF_MAP_SIZES": f"uprobes={kind}"} if kind else {})
    assert result.status == 0
    check(bpfprof.profile("heap.pb.gz"))
    # somebody listened: the kernel counted the probes of each kind into the semaphore
    assert int(result.stdout.split()[1]) >= 1
    lines = [line for line in result.stderr.splitlines() if "otel_memory:alloc (3) otel_memory:free" in line]
    assert len(lines) == 2 and "at the process's own rate" in lines[0], result.stderr  # once as a message, once in --stats
    assert "heap: 2166 allocs" in result.stderr or "heap: 2167 allocs" in result.stderr


def test_every_allocation_is_not_its_own_choice(bpfprof, sampler):
    bpfprof.run(*EXACT, "--", sampler, 300)
    sums = by_function(bpfprof.profile("heap.pb.gz"), "leak_.*|balanced|unsampled")
    assert sums["leak_in_registers"] == [4, 4000, 4, 4000]
    assert sums["unsampled"] == [1000, 4000000, 0, 0]


def test_the_semaphore_is_given_back(bpfprof, sampler, programs):
    proc = programs.start(sampler, 0, 600000, stdout=subprocess.PIPE)
    address = int(proc.stdout.readline(), 16)
    assert proc.stdout.readline() == "0\n"
    run = bpfprof.start(*USDT, "--pid", proc.pid)
    assert wait_until(lambda: listeners(proc.pid, address) > 0, 60)
    run.kill()
    bpfprof.finish(run)
    assert wait_until(lambda: listeners(proc.pid, address) == 0, 60)
    assert proc.poll() is None
