# SPDX-License-Identifier: GPL-2.0
"""bpfprof on Debian's kernels, each booted under QEMU with every case of cases.py.

Needs no root. BPFPROF_BIN names the program under test, VM_KERNELS the kernel packages, VM_CACHE a folder for them.
"""
import functools
import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "root")]

import guest as vm  # noqa: E402
import workload_helpers as w  # noqa: E402
from cases import CASES  # noqa: E402

KERNELS = os.environ.get("VM_KERNELS", "linux-image-cloud-amd64 linux-image-6.12-cloud-amd64").split()
CACHE = os.path.abspath(os.environ.get("VM_CACHE", os.path.join(ROOT, "build", "vm")))
RUN_SECONDS_MAX = 900
NO_FP = ["-fomit-frame-pointer", "-fno-optimize-sibling-calls"]
WORKLOADS = {"shares": [], "threads": [], "burn": [], "spawn": [], "host": [], "deep": NO_FP,
             "heap_sites": ["-w"], "heap_load": ["-w"], "touch": [], "locks": [], "blockers": []}
HOST_PROGRAMS = ["/usr/bin/setpriv", "/usr/sbin/bpftool"]


@functools.cache
def archive():
    """The initramfs: busybox, bpfprof, the workloads, the cases."""
    folder = os.path.join(CACHE, "workloads")
    os.makedirs(folder, exist_ok=True)
    made = vm.Archive()
    made.file("/bin/busybox", vm.BUSYBOX)
    made.file("/init", os.path.join(HERE, "init"))
    made.program("/bin/bpfprof", w.BIN)
    for name, flags in WORKLOADS.items():
        made.program(f"/bin/{name}", w.build(folder, f"{name}.c", flags=flags))
    made.program("/lib/plugin.so", w.build(folder, "plugin.c", "plugin.so", ["-shared", "-fPIC"]))
    for path in HOST_PROGRAMS:
        made.program("/host/" + os.path.basename(path), path)
    for number, case in enumerate(CASES):
        made.data(f"/cases/{number:02}-{case.name}.sh", case.script.encode() + b"\n")
        made.data(f"/cases/{number:02}-{case.name}.seconds", str(case.seconds).encode())
    return made


@functools.cache
def boot(kernel):
    """The Guest, or why there is none: asked by every test, tried once."""
    try:
        image = vm.kernel_image(kernel, CACHE)
        return vm.run(image, archive(), os.path.join(CACHE, "run-" + kernel), RUN_SECONDS_MAX)
    except (vm.GuestError, OSError, subprocess.SubprocessError) as error:
        return error


def guest_of(kernel):
    guest = boot(kernel)
    if isinstance(guest, Exception):
        pytest.fail(f"{kernel}: {guest}", pytrace=False)
    return guest


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
def test_case(kernel, number, request):
    case, guest = CASES[number], guest_of(kernel)
    result = guest.case(f"{number:02}-{case.name}")
    # for the table in the end; what bpfprof said is of features that this kernel lacks
    said = [line for line in result.stderr.splitlines() if line.startswith("bpfprof: ")]
    said = [line for line in said if not line.startswith(("bpfprof: wrote", "bpfprof: stats"))]
    request.node.user_properties += [("kernel", guest.release), ("what", case.what), ("said", "\n".join(said))]
    case.judge(result)


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernel_has_no_complaint(kernel):
    guest = guest_of(kernel)
    bad = [line for line in guest.dmesg.splitlines()
           if any(word in line for word in ("BUG:", "WARNING:", "Oops", "rcu_sched", "stall", "unsafe", "Call Trace"))]
    assert not bad, "\n".join(bad)
    print(f"{guest.release}: {guest.seconds:.1f} s from power on to off")
