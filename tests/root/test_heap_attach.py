# SPDX-License-Identifier: GPL-2.0
"""Attaching to a busy program and leaving it: as it was, however it is left; and the stacks meanwhile."""
import os
import signal

import pytest

from breakpoints import changed_bytes
from conftest import wait_until
from workload_helpers import build

QUIET = ["-P", "heap", "--max-overhead", "100", "--no-trace", "--top=0", "-q", "-o", "."]
ALLOCATORS = {"malloc", "free", "_int_malloc", "_int_free", "calloc", "__libc_calloc", "__libc_malloc", "__libc_free"}


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    return build(tmp_path_factory.mktemp("attach"), "heap_load.c")


def start_load(programs, load):
    """Four threads that allocate and free, whose program has begun."""
    proc = programs.start(load, "threads", 4, 600000)
    assert wait_until(lambda: "libc.so.6" in open(f"/proc/{proc.pid}/maps", encoding="utf-8").read(), 60)
    return proc


def test_attached_and_detached_again_and_again(bpfprof, programs, load):
    """A busy program survives it; each time all is as it was. tools/attach-often does it 1,000 times, and measures."""
    proc = start_load(programs, load)
    assert changed_bytes(proc.pid) == 0
    for _ in range(20):
        run = bpfprof.start(*QUIET, "--pid", proc.pid)
        assert wait_until(lambda: changed_bytes(proc.pid) > 0, 60)
        run.send_signal(signal.SIGINT)
        assert bpfprof.finish(run).status == 0
        assert wait_until(lambda: changed_bytes(proc.pid) == 0, 60)
        assert proc.poll() is None


def test_killed_in_the_middle(bpfprof, programs, load):
    """kill -9 at any point of the attach: what the kernel takes away is all of it."""
    proc = start_load(programs, load)
    for before in (0, 1, 6):  # of 8 functions
        run = bpfprof.start(*QUIET, "--pid", proc.pid)
        assert wait_until(lambda: changed_bytes(proc.pid) > before, 60)
        run.kill()
        bpfprof.finish(run)
        assert wait_until(lambda: changed_bytes(proc.pid) == 0, 60)
        assert proc.poll() is None


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_stacks_through_return_probes(bpfprof, load, kind):
    """A call whose return is waited for has another return address: CPU samples below it are walked to the root all the same."""
    env = {"WAIT_MS": "300", **({"BPFPROF_MAP_SIZES": f"uprobes={kind}"} if kind else {})}
    result = bpfprof.run("-P", "cpu,heap", "--heap-rate", "1", "--max-overhead", "100", "-F", "999", "--no-trace", "--top=0",
                         "--", load, "zeros", 1200, env=env)
    assert result.status == 0
    inside = whole = 0
    for sample in bpfprof.profile().samples:
        names = [frame.function for frame in sample.frames]
        if ALLOCATORS & set(names):
            inside += sample.values[0]
            whole += sample.values[0] * ("run_zeros" in names and "main" in names)
    # returns are in the profile, too: of what the kernel does for them the caller is known
    assert inside > 50, inside
    # but for the moments in which the kernel itself is changing the address, or the stack pointer
    assert whole > 0.8 * inside, f"{whole} of {inside}"
    assert os.path.exists(f"{bpfprof.folder}/heap.pb.gz")
