# SPDX-License-Identifier: GPL-2.0
"""The heap profile as its readers have it: the table, go tool pprof of the file and over HTTP, what was attached."""
import collections
import re
import subprocess

import pytest

from conftest import top_rows
from serve_helpers import Server, go_pprof
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
        step()
        first = str(tmp_path / "first.pb.gz")
        go_pprof("-proto", "-symbolize=none", f"-output={first}", url)
        step()
        step()
        for name, since, before in (("inuse_space", "400000B", "200000B"), ("inuse_objects", "40", "20"),
                                    ("alloc_space", "400000B", "200000B"), ("alloc_objects", "40", "20")):
            options = ["-top", "-symbolize=none", f"-sample_index={name}", *(["-unit=B"] if name.endswith("space") else [])]
            flat = {row[5]: row[0] for row in top_rows(go_pprof(*options, "-base", first, url))}
            assert flat["leak_step"] == since, (name, flat)
            flat = {row[5]: row[0] for row in top_rows(go_pprof(*options, first))}
            assert flat["leak_step"] == before, (name, flat)
    finally:
        server.stop()
