# SPDX-License-Identifier: GPL-2.0
"""Page faults: who touches memory first, by its own stores and by the kernel's, and how much."""
import collections
import subprocess

import pytest

from conftest import go_top, wait_until
from serve_helpers import Server, profile_of
from workload_helpers import build

PAGE = 4096
FAULTS = ["-P", "faults", "--no-trace", "--top=0"]


@pytest.fixture(scope="module")
def touch(tmp_path_factory):
    return build(tmp_path_factory.mktemp("faults"), "touch.c", flags=["-fno-optimize-sibling-calls"])


def by_function(profile, names):
    """{function: [faults, bytes]} of the first of names on each stack, leaf first."""
    sums = collections.defaultdict(lambda: [0, 0])
    for sample in profile.samples:
        found = [frame.function for frame in sample.frames if frame.function in names]
        if found:
            sums[found[0]] = [old + new for old, new in zip(sums[found[0]], sample.values)]
    return dict(sums)


def test_each_page_once(bpfprof, touch):
    """Few faults are counted one by one: by whom, and what the kernel touches on a program's behalf too."""
    result = bpfprof.run(*FAULTS, "--", touch, "once", env={"WAIT_MS": "500"})
    assert result.status == 0, result.stderr
    profile = bpfprof.profile("faults.pb.gz")
    assert profile.sample_types == [("faults", "count"), ("touched", "bytes")] and profile.period == 1
    sums = by_function(profile, ("read_then_store", "read_into", "touch_once"))
    # a page that is read first, and gets the page of zeros, faults again when it is written; code faults too, when it is new
    for name, pages in (("touch_once", 300), ("read_into", 200), ("read_then_store", 200)):
        assert pages <= sums[name][0] <= pages + 10 and sums[name][1] == PAGE * sums[name][0], sums
    for sample in profile.samples:
        names = [frame.function for frame in sample.frames]
        assert sample.labels["fault"] in ("minor", "major") and sample.labels["pid"]
        if "touch_once" in names:
            assert "main" in names and names.index("main") > names.index("touch_once"), names
    by_kernel = sum(sample.values[0] for sample in profile.samples if "read_into" in [frame.function for frame in sample.frames]
                    and sample.frames[0].file == "[kernel.kallsyms]")
    assert by_kernel >= 200
    rows = {row[5]: row for row in go_top(f"{bpfprof.folder}/faults.pb.gz", 100)}
    assert float(rows["store_pages"][0].removesuffix("kB")) == pytest.approx(400 * PAGE / 1024, abs=40)  # bytes by default


def test_many_faults_are_estimated(bpfprof, touch):
    """More than there is time for: each stack stands for many, and in all they are what was touched."""
    result = bpfprof.run(*FAULTS, "--stats", "--", touch, "many", 192, env={"WAIT_MS": "500"})
    assert result.status == 0
    faults, touched = by_function(bpfprof.profile("faults.pb.gz"), ("touch_many",))["touch_many"]
    assert touched == PAGE * faults
    assert faults == pytest.approx((192 << 20) // PAGE, rel=0.2)


def test_huge_pages(bpfprof, touch):
    try:
        with open("/sys/kernel/mm/transparent_hugepage/enabled", encoding="ascii") as file:
            if "[never]" in file.read():
                pytest.skip("no huge pages here")
    except FileNotFoundError:
        pytest.skip("no huge pages here")
    result = bpfprof.run(*FAULTS, "--", touch, "huge", 16, env={"WAIT_MS": "500"})
    huge = int(result.stdout.split()[0]) << 10
    faults, touched = by_function(bpfprof.profile("faults.pb.gz"), ("touch_huge",))["touch_huge"]
    # as many as were to be had; the rest came as pages, of which many may be estimated
    assert touched == pytest.approx(16 << 20, rel=0.2)
    if huge == 16 << 20:
        assert 8 <= faults <= 40 and 16 << 20 <= touched <= (16 << 20) + 32 * PAGE


def test_the_whole_host(bpfprof, touch, programs):
    """Two programs that run, of which one is asked for or both are seen."""
    procs = [programs.start(touch, "again", 600000) for _ in range(2)]
    assert bpfprof.run(*FAULTS, "--listen", "off", "-d", "1s", "-o", ".").status == 0
    samples = bpfprof.profile("faults.pb.gz").samples
    assert {sample.labels["pid"] for sample in samples} >= {proc.pid for proc in procs}
    assert bpfprof.run(*FAULTS, "--pid", procs[0].pid, "-d", "1s", "-o", ".").status == 0
    profile = bpfprof.profile("faults.pb.gz")
    assert {sample.labels["pid"] for sample in profile.samples} == {procs[0].pid}
    faults, touched = by_function(profile, ("touch_again",))["touch_again"]
    assert faults > 100 and touched == PAGE * faults


def test_over_http(tmp_path, touch, programs):
    proc = programs.start(touch, "again", 600000)
    server = Server(tmp_path, "--no-trace")
    try:
        def faults():
            profile = profile_of(server.get(f"/debug/pprof/faults?pid={proc.pid}&seconds=1"), tmp_path)
            return by_function(profile, ("touch_again",)).get("touch_again", [0, 0])[0]
        assert wait_until(lambda: faults() > 100, 60)  # once its unwind tables are there
        assert server.get(f"/debug/pprof/faults?pid={proc.pid}&debug=1").text()
        assert "faults" in server.get("/debug/pprof/").text()
    finally:
        server.stop()


def test_signed_off(bpfprof):
    """Nothing is left behind on any CPU: the events are gone with the program."""
    assert bpfprof.run(*FAULTS, "--listen", "off", "-d", "100ms", "-o", ".").status == 0
    text = subprocess.run(["bpftool", "prog", "show"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert "fault_minor" not in text
