# SPDX-License-Identifier: GPL-2.0
"""The heap profile as its readers have it: the table, go tool pprof of the file and over HTTP, what was attached."""
import collections
import re
import shutil
import subprocess

import pytest

from browser import Browser
from conftest import read_pprof, top_rows, wait_until
from serve_helpers import Server, go_pprof, profile_of
from workload_helpers import build

TYPES = ("alloc_objects", "alloc_space", "inuse_objects", "inuse_space")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("heap-readers")


def sums_of(profile, pattern, index):
    """{function: [flat, cum]} of what is left when allocators' own functions are left out."""
    sums = collections.defaultdict(lambda: [0, 0])
    for sample in profile.samples:
        names = [frame.function for frame in sample.frames]
        last = max((i for i, name in enumerate(names) if re.fullmatch(pattern, name)), default=-1)
        names = names[last + 1:]
        value = sample.values[index]
        if not names or not value:
            continue
        sums[names[0]][0] += value
        for name in set(names):
            sums[name][1] += value
    return dict(sums)


def test_the_table_is_that_of_pprof(bpfprof, folder):
    """All four values of the file as go tool pprof sees them, and the own table, which shows what is in use."""
    result = bpfprof.run("-P", "heap", "--heap-rate", "1", "--max-overhead", "100", "--no-trace", "--top=200", "--stats", "--",
                         build(folder, "heap_sites.c"), 300)
    path = f"{bpfprof.folder}/heap.pb.gz"
    profile = bpfprof.profile("heap.pb.gz")
    pattern = r"(__GI_)?(__libc_|__)?(malloc|calloc|realloc|reallocarray|posix_memalign|aligned_alloc|memalign|valloc|pvalloc)"
    for index, name in enumerate(TYPES):
        unit = ["-unit=B"] if name.endswith("space") else []
        rows = top_rows(go_pprof("-top", "-nodecount=200", "-nodefraction=0", "-edgefraction=0", "-symbolize=none", *unit,
                                 f"-sample_index={name}", path))
        theirs = {row[5]: [int(row[0].rstrip("B")), int(row[3].rstrip("B"))] for row in rows}
        mine = sums_of(profile, pattern, index)
        assert {key: mine.get(key) for key in theirs} == theirs, name
        assert "malloc" not in theirs and theirs["leak_malloc"][0] in (30, 30000), name
    # the own table, word for word
    ours = top_rows(result.stdout)
    theirs = top_rows(go_pprof("-top", "-nodecount=200", "-symbolize=none", path))
    assert ours == theirs and len(ours) >= 8
    # what was attached, said without -v too
    attached = re.findall(r"^  heap +pid \d+: (\S*libc\.so\.6): by uprobe\S*.*: (.*)$", result.stderr, re.M)
    assert attached and {"malloc", "free", "realloc"} <= {text.partition("+")[0] for text in attached[0][1].split()}


def test_what_was_added_since(folder, tmp_path, programs):
    """go tool pprof reads the live heap over HTTP, and with -base what came since the first reading."""
    proc = programs.start(build(folder, "heap_load.c", "heap_steps"), "steps", stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def step():
        proc.stdin.write("\n")
        proc.stdin.flush()
        assert proc.stdout.readline() == "done\n"

    server = Server(tmp_path, "--no-trace", "-P", "cpu,heap", "--heap-rate", "1", "--max-overhead", "100")
    try:
        step()  # before anybody looked
        url = f"http://127.0.0.1:{server.port}/debug/pprof/heap?pid={proc.pid}"
        server.get(url.partition(str(server.port))[2])
        first = str(tmp_path / "first.pb.gz")

        def is_named():  # the program's unwind table may take a moment on a busy machine: until then its stacks are cut
            step()
            go_pprof("-proto", "-symbolize=none", f"-output={first}", url)
            return any(row[5] == "leak_step" for row in top_rows(go_pprof("-top", "-symbolize=none", first)))
        assert wait_until(is_named, 60)
        step()
        step()
        for name, since in (("inuse_space", "400000B"), ("inuse_objects", "40"), ("alloc_space", "400000B"), ("alloc_objects", "40")):
            options = ["-top", "-symbolize=none", f"-sample_index={name}", *(["-unit=B"] if name.endswith("space") else [])]
            flat = {row[5]: row[0] for row in top_rows(go_pprof(*options, "-base", first, url))}
            assert flat.get("leak_step") == since, (name, flat)
            flat = {row[5]: row[0] for row in top_rows(go_pprof(*options, first))}
            assert int(flat["leak_step"].rstrip("B")) > 0, (name, flat)
    finally:
        server.stop()


def test_why_there_is_nothing(folder, tmp_path, programs):
    """When the probes were taken away, for their cost, every reader is told: of the file, over HTTP, of the text and of the page."""
    proc = programs.start(build(folder, "heap_load.c", "heap_busy"), "loop", 600000, stdout=subprocess.DEVNULL)
    server = Server(tmp_path, "--no-trace", "-P", "heap", "--max-overhead", "1", "-i", "200ms", "--top=0", "-f", "pprof,html",
                    "-o", tmp_path, "--pid", proc.pid)
    said = (r"heap: the probes cost \d+\.\d % of one CPU, more than --max-overhead 1: taken away at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ; "
            r"no allocation and no free since is in it; raise --max-overhead \(100: no limit\)")
    try:
        server.wait_for("taken away")
        for name in ("heap", "allocs"):
            profile = profile_of(server.get(f"/debug/pprof/{name}?pid={proc.pid}"), tmp_path)
            assert len([text for text in profile.comments if re.fullmatch(said, text)]) == 1, profile.comments
            assert re.search(f"^# {said}$", server.get(f"/debug/pprof/{name}?pid={proc.pid}&debug=1").text(), re.M)
        # of this window nothing is known
        profile = profile_of(server.get(f"/debug/pprof/heap?pid={proc.pid}&seconds=1"), tmp_path)
        assert not profile.samples and [text for text in profile.comments if re.fullmatch(said, text)]
    finally:
        server.stop()
    assert [text for text in read_pprof(tmp_path / "heap.pb.gz").comments if re.fullmatch(said, text)]
    assert shutil.which("chromium"), "chromium is not installed"
    with Browser() as browser:
        browser.open(f"file://{tmp_path}/heap.html")
        browser.wait("window.bpfprofViewer && document.querySelector('.remarks').offsetHeight > 0")
        assert re.fullmatch(said, browser.run("document.querySelector('.remarks').textContent"))


def test_why_there_is_nothing_of_a_program_without_an_allocator(tmp_path, programs):
    source = tmp_path / "bare.c"
    source.write_text("void _start(void) { for (;;) ; }\n")
    subprocess.run(["gcc", "-nostdlib", "-static", "-o", tmp_path / "bare", source], check=True)
    pid = programs.start(tmp_path / "bare").pid
    server = Server(tmp_path, "--no-trace", "-P", "heap", "--top=0", "--pid", pid)
    try:
        profile = profile_of(server.get(f"/debug/pprof/heap?pid={pid}"), tmp_path)
        assert "heap: no allocator (a malloc and a free with symbols) was found in what 1 of 1 processes map" in profile.comments
    finally:
        server.stop()
