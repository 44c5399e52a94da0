# SPDX-License-Identifier: GPL-2.0
"""The heap profile: what is known to be allocated and kept, by call site, with every allocator; and who is left alone."""
import collections
import math
import os
import re
import shutil
import signal
import statistics
import subprocess
import time

import pytest

from conftest import ROOT, SECONDS_MAX, go_top, wait_until
from workload_helpers import build

EXACT = ["-P", "heap", "--heap-rate", "1", "--max-overhead", "100", "--no-trace", "--top=0"]
LEAKS = {f"leak_{name}" for name in ("malloc", "calloc", "realloc", "reallocarray", "posix_memalign", "aligned_alloc",
                                     "memalign", "strdup")}
ALLOCATORS = ["libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libmimalloc.so.2.0"]
LIBRARIES = f"/usr/lib/{os.uname().machine}-linux-gnu"
LINE = re.compile(r"heap (\d+) @(\d+)\.(\d{3})s (\d+|-)%?: (\d+)\+(\d+) ops/s, (\d+)->(\d+)->(\d+) MB, (\d+) MB allocated, "
                  r"(\d+) objects, (\d+) MB rss, (\d+ MB|-) limit, (\d+) P lost=(\d+)\n")


@pytest.fixture(scope="module")
def programs_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heap")
    flags = {"heap_static": ["-static"], "heap_load_static": ["-static"]}
    sources = {"heap_static": "heap_sites.c", "heap_load_static": "heap_load.c"}
    built = {}

    def program(name):
        if name not in built:
            built[name] = build(folder, sources.get(name, f"{name}.c"), name, ["-w", *flags.get(name, [])])
        return built[name]
    return program


def by_function(profile, pattern):
    """{function: [alloc_objects, alloc_space, inuse_objects, inuse_space]} of those on the stack that the pattern matches."""
    sums = collections.defaultdict(lambda: [0, 0, 0, 0])
    for sample in profile.samples:
        names = [frame.function for frame in sample.frames if re.fullmatch(pattern, frame.function)]
        if names:
            sums[names[0]] = [old + new for old, new in zip(sums[names[0]], sample.values)]
    return dict(sums)


def counters_of(profile):
    return {match[1]: int(match[2]) for match in (re.match(r"(\w+) (\d+) \(", text) for text in profile.comments) if match}


def path_is_mapped(pid, path):
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        return os.path.realpath(path) in maps.read()


def check_sites(profile):
    leaks = by_function(profile, "leak_.*")
    assert {name: values[3] for name, values in leaks.items()} == dict.fromkeys(LEAKS, 30000)
    assert {name: values[2] for name, values in leaks.items()} == {
        "leak_malloc": 30, "leak_calloc": 10, "leak_realloc": 1, "leak_reallocarray": 3, "leak_posix_memalign": 6,
        "leak_aligned_alloc": 15, "leak_memalign": 2, "leak_strdup": 3}
    # a call that failed counts nowhere; each step of realloc is an allocation
    assert leaks["leak_calloc"][:2] == [10, 30000]
    assert leaks["leak_realloc"][:2] == [30, 465000]
    assert leaks["leak_posix_memalign"][:2] == [6, 30000]
    # balanced() gives back what it took: mimalloc's realloc(p, 0) returns a block of no bytes, which it keeps
    balanced = by_function(profile, "balanced")["balanced"]
    assert balanced[3] == 0 and balanced[2] in (0, 1), balanced
    assert all(value >= 0 for sample in profile.samples for value in sample.values)


# ---- what is counted ----

def test_each_site_to_the_byte(bpfprof, programs_of):
    result = bpfprof.run(*EXACT, "--", programs_of("heap_sites"), 300)
    assert result.status == 0
    profile = bpfprof.profile("heap.pb.gz")
    assert profile.sample_types == [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"),
                                    ("inuse_space", "bytes")]
    assert profile.period == 1
    check_sites(profile)
    # the direct caller of the allocator is there, though the probe sits at the function's first instructions
    for sample in profile.samples:
        names = [frame.function for frame in sample.frames]
        if "leak_malloc" in names:
            assert names[:3] == ["malloc", "leak_malloc", "main"], names
    counters = counters_of(profile)
    assert counters["heap_failed"] == 2 and "heap_reused" not in counters and "end_no_mapping" not in counters
    # the last line is the run's, as -benchmem has it
    summary = re.search(r"^heap: (\d+) allocs, (\d+) B allocated, (\d+) B peak, (\d+) B in (\d+) objects still in use$",
                        result.stderr, re.M)
    assert summary and int(summary[4]) == 240000 and int(summary[5]) == 70
    assert int(summary[1]) == 403 + 2 and int(summary[3]) >= 240000
    # go tool pprof reads it, and shows what is in use by default
    rows = {row[5]: row for row in go_top(f"{bpfprof.folder}/heap.pb.gz", 100)}
    assert rows["leak_strdup"][3] == "29.30kB"


@pytest.mark.parametrize("kind", [1, 2])
def test_kernels_without_sessions(bpfprof, programs_of, kind):
    """uprobe.multi alone, and perf events alone, as before 6.13 and before 6.6."""
    bpfprof.run(*EXACT, "--", programs_of("heap_sites"), 300, env={"BPFPROF_MAP_SIZES": f"uprobes={kind}"})
    check_sites(bpfprof.profile("heap.pb.gz"))


def run_attached(bpfprof, proc, *args, timeout=SECONDS_MAX):
    """Profiles a program that waits for a line before it begins, to its end: nothing of it is missed."""
    run = bpfprof.start_and_attach(*(arg for arg in args if arg != "--no-trace"), "--pid", proc.pid, "-o", ".")
    proc.stdin.write("\n")
    proc.stdin.flush()
    return bpfprof.finish(run, timeout)


@pytest.mark.parametrize("library", ALLOCATORS)
def test_preloaded_allocators(bpfprof, programs, programs_of, library):
    path = f"{LIBRARIES}/{library}"
    assert os.path.exists(path), f"{path} is not installed"
    proc = programs.start(programs_of("heap_sites"), 0, stdin=subprocess.PIPE, env={"LD_PRELOAD": path})
    assert wait_until(lambda: path_is_mapped(proc.pid, path), 60)
    result = run_attached(bpfprof, proc, "--stats", *EXACT)
    check_sites(bpfprof.profile("heap.pb.gz"))
    assert path in result.stderr or os.path.realpath(path) in result.stderr


def test_static_binary(bpfprof, programs_of):
    bpfprof.run(*EXACT, "--", programs_of("heap_static"), 300)
    check_sites(bpfprof.profile("heap.pb.gz"))


def test_musl(bpfprof, tmp_path):
    """Debian's musl has no call frame information: the allocator's caller is known all the same, strdup(3) too."""
    if not shutil.which("musl-gcc"):
        pytest.skip("musl-gcc is not installed")
    path = str(tmp_path / "heap_musl")
    subprocess.run(["musl-gcc", "-O2", "-g", "-w", "-D_GNU_SOURCE", "-static", os.path.join(ROOT, "tests/workloads/heap_sites.c"),
                    "-o", path], check=True)
    bpfprof.run(*EXACT, "--", path, 300)
    leaks = by_function(bpfprof.profile("heap.pb.gz"), "leak_.*|strdup")
    assert {name: values[3] for name, values in leaks.items()} == dict.fromkeys(LEAKS - {"leak_strdup"} | {"strdup"}, 30000)


def build_rust(folder):
    if not shutil.which("rustc"):
        pytest.skip("rustc is not installed")
    path = str(folder / "heap_rust")
    subprocess.run(["rustc", "-O", "-g", os.path.join(ROOT, "tests/workloads/heap_rust.rs"), "-o", path], check=True,
                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return path


def test_rust(bpfprof, tmp_path):
    bpfprof.run(*EXACT, "--", build_rust(tmp_path), 300)
    sums = by_function(bpfprof.profile("heap.pb.gz"), "leak_.*|balanced")
    assert {name: values[3] for name, values in sums.items()} == {
        "leak_boxes": 30000, "leak_vec": 30000, "leak_zeroed": 30000, "balanced": 0}
    assert sums["balanced"][0] > 2000


@pytest.mark.parametrize("kind", ["glibc", *ALLOCATORS, "static", "rust"])
def test_thirty_threads_end_at_nothing(bpfprof, programs, programs_of, tmp_path, kind):
    """Blocks that one thread allocates and another one frees. Nothing may be left, and nothing negative, meanwhile either.
    HEAP_SECONDS=60 in the environment: for a minute each."""
    ms = int(1000 * float(os.environ.get("HEAP_SECONDS", 5 if kind == "glibc" else 2)))
    program = build_rust(tmp_path) if kind == "rust" else programs_of("heap_load_static" if kind == "static" else "heap_load")
    library = {"glibc": "libc.so.6", "static": None, "rust": "libc.so.6"}.get(kind, kind)
    env = {"WAIT_MS": "0", **({"LD_PRELOAD": f"{LIBRARIES}/{library}"} if kind in ALLOCATORS else {})}
    proc = programs.start(program, "threads", 30, ms, stdin=subprocess.PIPE, env=env)
    assert wait_until(lambda: path_is_mapped(proc.pid, f"{LIBRARIES}/{library}" if library else program), 60)
    result = run_attached(bpfprof, proc, *EXACT, timeout=SECONDS_MAX + 3 * ms / 1000)
    assert result.status == 0
    profile = bpfprof.profile("heap.pb.gz")
    sums = by_function(profile, "exchange_blocks")["exchange_blocks"]
    assert sums[0] > 5000 and sums[2:] == [0, 0], sums
    assert all(value >= 0 for sample in profile.samples for value in sample.values)
    assert not [name for name in counters_of(profile) if name in ("heap_live_full", "heap_reused")]
    lines = [line for line in result.stderr.splitlines(keepends=True) if re.match(r"heap \d", line)]
    assert lines or ms < 5000
    assert all(LINE.fullmatch(line) for line in lines), lines  # a negative number would be none of them


def test_a_forked_heap_is_the_childs_own(bpfprof, programs_of):
    bpfprof.run(*EXACT, "--", programs_of("heap_load"), "fork", env={"WAIT_MS": "300"})
    sums = by_function(bpfprof.profile("heap.pb.gz"), "leak_in_.*|run_fork")
    assert sums["leak_in_parent"][2:] == [10, 2000]
    assert sums["leak_in_child"][2:] == [1, 1000]
    assert sums["run_fork"][2:] == [0, 0] and sums["run_fork"][0] == 10


def test_processes_at_the_same_addresses(bpfprof, programs, programs_of):
    """Two processes without address randomisation, at the same time: what one frees is its own. What both had before the attach
    is in neither."""
    procs = [programs.start("setarch", "-R", programs_of("heap_sites"), 0, stdin=subprocess.PIPE) for _ in range(2)]
    for proc in procs:
        assert wait_until(lambda pid=proc.pid: path_is_mapped(pid, programs_of("heap_sites")) and
                          path_is_mapped(pid, f"{LIBRARIES}/libc.so.6"), 60)
    assert probe_address(procs[0].pid) == probe_address(procs[1].pid)
    run = bpfprof.start_and_attach(*(arg for arg in EXACT if arg != "--no-trace"), "-o", ".", "--pid",
                                   ",".join(str(proc.pid) for proc in procs))
    for proc in procs:
        proc.stdin.write("\n")
        proc.stdin.flush()
    assert bpfprof.finish(run).status == 0
    profile = bpfprof.profile("heap.pb.gz")
    for proc in procs:
        check_sites(profile._replace(samples=[sample for sample in profile.samples if sample.labels["pid"] == proc.pid]))
    counters = counters_of(profile)
    assert counters["heap_free_unknown"] >= 2 and "heap_reused" not in counters
    assert not [sample for sample in profile.samples if 12345 in sample.values]


def test_a_handler_allocates_while_the_program_does(bpfprof, programs, programs_of):
    """On the interrupted call's stack, and on one of its own; neither's allocations are taken for the other's."""
    library = f"{LIBRARIES}/{ALLOCATORS[2]}"
    proc = programs.start(programs_of("heap_load"), "handler", library, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert wait_until(lambda: path_is_mapped(proc.pid, library), 60)
    result = run_attached(bpfprof, proc, *EXACT)
    assert result.status == 0
    calls = int(proc.stdout.read())
    profile = bpfprof.profile("heap.pb.gz")
    assert by_function(profile, "leak_in_handler")["leak_in_handler"] == [200, 66600, 200, 66600]
    both = by_function(profile, "allocate_under_alarms")["allocate_under_alarms"]
    assert both == [200 + calls, 66600 + 100000 * calls, 200, 66600]
    # some came in the middle of the other allocator's
    names = [{frame.function for frame in sample.frames} for sample in profile.samples]
    inside = [one for one in names if "leak_in_handler" in one and one & {"calloc", "__libc_calloc"}]
    assert inside and not [name for name in counters_of(profile) if name in ("heap_no_return", "heap_reused")]


def test_threads_killed_while_they_allocate(bpfprof, programs_of):
    result = bpfprof.run(*EXACT, "--", programs_of("heap_load"), "killed", env={"WAIT_MS": "300"})
    assert result.status == 0
    profile = bpfprof.profile("heap.pb.gz")
    sums = by_function(profile, "allocate_until_killed")["allocate_until_killed"]
    assert sums[0] > 100 and 0 <= sums[2] <= 20, sums  # at most one block a thread


def test_an_allocator_that_is_opened_later(bpfprof, programs_of):
    bpfprof.run(*EXACT, "--", programs_of("heap_load"), "late", f"{LIBRARIES}/{ALLOCATORS[2]}")
    assert by_function(bpfprof.profile("heap.pb.gz"), "leak_by_late")["leak_by_late"][2:] == [100, 77700]


# ---- sampling ----

def test_the_default_rate_is_not_biased(bpfprof, programs_of):
    """Four sites of 500 MB in blocks of 3 kB to 2 MB: relative errors of what is estimated, five runs of each."""
    errors = []
    for _ in range(5):
        bpfprof.run("-P", "heap", "--max-overhead", "100", "--no-trace", "--top=0", "--", programs_of("heap_load"), "known",
                    500, env={"WAIT_MS": "250"})
        sums = by_function(bpfprof.profile("heap.pb.gz"), "site_.*")
        for name, values in sums.items():
            size = int(name.split("_")[1])
            count = math.ceil((500 << 20) / size)
            errors.append(values[1] / (count * size) - 1)
            assert values[0] / count - 1 == pytest.approx(errors[-1], abs=0.01)
            assert values[2:] == [0, 0]  # all freed, to the byte, whatever each sample stood for
    assert len(errors) == 20
    mean, half = statistics.mean(errors), 4 * statistics.stdev(errors) / math.sqrt(len(errors))
    print(f"mean error {100 * mean:.2f} %, 99.99 % confidence {100 * (mean - half):.2f} to {100 * (mean + half):.2f} %; "
          f"mean size of an error {100 * statistics.mean(map(abs, errors)):.2f} %")
    assert abs(mean) < 0.03 and mean - half < 0 < mean + half
    assert statistics.mean(map(abs, errors)) < 0.05


# ---- memory ----

def test_a_million_live_objects(bpfprof, programs_of):
    result = bpfprof.run(*EXACT, "--stats", "--", programs_of("heap_load"), "live", 1000000, env={"WAIT_MS": "300"},
                         timeout=60)
    profile = bpfprof.profile("heap.pb.gz")
    sums = by_function(profile, "make_live")["make_live"]
    lost = counters_of(profile).get("heap_live_full", 0)
    assert sums[0] == 1000000
    assert sums[2] + lost == 1000000 and lost < 50000, (sums, lost)
    # said at once, in one line, and in the profile
    said = [line for line in result.stderr.splitlines() if "the table of live objects is full" in line]
    assert len(said) == (lost > 0), result.stderr
    assert any(text.startswith(f"heap: {lost} sampled objects found no room") for text in profile.comments) == (lost > 0)
    assert int(re.search(r"maps +in all +(\d+) KiB", result.stderr)[1]) < 32 << 10


def test_full_tables_are_counted(bpfprof, programs_of):
    result = bpfprof.run(*EXACT, "--", programs_of("heap_sites"), 300, env={"BPFPROF_MAP_SIZES": "objects=16,sites=16"})
    assert result.status == 0
    profile = bpfprof.profile("heap.pb.gz")
    lost = counters_of(profile)["heap_live_full"]
    assert lost > 0 and result.stderr.count("the table of live objects is full") == 1
    assert any(text.startswith(f"heap: {lost} sampled objects found no room") for text in profile.comments)
    assert sum(sample.values[0] for sample in profile.samples) >= 400
    assert 0 <= sum(sample.values[2] for sample in profile.samples) <= 16


# ---- who is left alone ----

def probe_address(pid):
    """Where malloc is in a process, from its libc's symbols and its mappings."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        line = next(line for line in maps if line.rstrip().endswith("libc.so.6"))
    path = line.split()[5]
    symbols = subprocess.run(["nm", "-D", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    return int(line.split("-")[0], 16) + int(re.search(r"^([0-9a-f]+) \w malloc@@", symbols, re.M)[1], 16)


def first_byte(pid, address):
    with open(f"/proc/{pid}/mem", "rb") as memory:
        memory.seek(address)
        return memory.read(1)


def test_other_processes_have_no_breakpoint(bpfprof, programs, programs_of):
    """Of two processes of one program only the one asked for is probed, and nothing stays behind, not even after kill -9."""
    target, other = (programs.start(programs_of("heap_load"), "loop", 60000, stdout=subprocess.DEVNULL) for _ in range(2))
    time.sleep(0.2)
    places = {pid: probe_address(pid) for pid in (target.pid, other.pid)}
    before = first_byte(target.pid, places[target.pid])
    assert before != b"\xcc"
    proc = bpfprof.start("-P", "heap", "--max-overhead", "100", "--pid", target.pid)
    assert wait_until(lambda: first_byte(target.pid, places[target.pid]) == b"\xcc", 60)
    assert first_byte(other.pid, places[other.pid]) == before
    proc.send_signal(signal.SIGKILL)
    bpfprof.finish(proc)
    assert wait_until(lambda: first_byte(target.pid, places[target.pid]) == before, 60)
    assert target.poll() is None


def test_a_process_without_an_allocator(bpfprof, programs, tmp_path):
    """One line, and the rest goes on."""
    source = tmp_path / "bare.c"
    source.write_text("void _start(void) { for (;;) ; }\n")
    subprocess.run(["gcc", "-nostdlib", "-static", "-o", tmp_path / "bare", source], check=True)
    result = bpfprof.run("--pid", programs.start(tmp_path / "bare").pid, "-d", "1s", "--no-trace", "--top=0", "-o", ".")
    assert result.status == 0
    lines = [line for line in result.stderr.splitlines() if "no allocator found" in line]
    assert len(lines) == 1 and "all else goes on" in lines[0]
    assert bpfprof.files() == ["cpu.pb.gz", "heap.pb.gz"]
    assert bpfprof.profile().samples


# ---- lines and limits ----

def read_heap_lines(run, cnt):
    """The next heap lines of a bpfprof that runs, and all that it says meanwhile."""
    said = ""
    while len(LINE.findall(said)) < cnt:
        line = run.stderr.readline()
        assert line, said
        said += line
    return LINE.findall(said), said


def test_the_heap_line(bpfprof, programs, programs_of):
    began = time.monotonic()
    proc = programs.start(programs_of("heap_load"), "threads", 2, 600000)
    run = bpfprof.start("--heap-rate", "4K", "--max-overhead", "100", "--top=0", "-i", "500ms", "--pid", proc.pid, "-o", ".",
                        env={"BPFPROF": "heaptrace=1000"})
    lines, said = read_heap_lines(run, 2)
    lived = time.monotonic() - began
    run.send_signal(signal.SIGINT)
    assert bpfprof.finish(run).status == 0
    assert [int(line[0]) for line in lines] == [1, 2]
    # seconds of the program, not of bpfprof
    assert int(lines[0][1]) < int(lines[1][1]) <= lived + 1
    assert int(lines[1][4]) > 100 and int(lines[1][5]) > 100
    assert said.count("cpu and heap at once") == 1


def test_signals_turn_the_lines_on_and_off(bpfprof, programs, programs_of):
    proc = programs.start(programs_of("heap_load"), "threads", 2, 600000)
    run = bpfprof.start_and_attach("-P", "heap", "--max-overhead", "100", "-i", "200ms", "--top=0", "--pid", proc.pid,
                                   env={"BPFPROF": "heaptrace=0,schedtrace=500"})
    while "SCHED" not in (line := run.stderr.readline()):  # none by itself
        assert not LINE.match(line)
    run.send_signal(signal.SIGUSR2)
    lines, _ = read_heap_lines(run, 3)
    allocs, frees = int(lines[1][4]), int(lines[1][5])
    assert allocs > 100 and 0.5 < frees / allocs < 2
    assert lines[1][3] == "-"  # no CPU profile to take it from
    run.send_signal(signal.SIGUSR2)
    said = []
    while sum("SCHED" in line for line in said) < 3:
        said.append(run.stderr.readline())
    # one of each second has no heap line in between
    assert "SCHED" in said[-1] and "SCHED" in said[-2], said
    run.send_signal(signal.SIGINT)
    assert not LINE.findall(bpfprof.finish(run).stderr)


def test_the_guard_detaches(bpfprof, programs, programs_of, tmp_path):
    def times():
        with open(tmp_path / "times", encoding="ascii") as file:
            return [float(line) for line in file.read().splitlines()[:-1]]

    with open(tmp_path / "times", "w", encoding="ascii") as file:
        programs.start(programs_of("heap_load"), "loop", 600000, stdout=file)
    pid = programs.started[-1].pid
    result = bpfprof.run("-P", "heap", "--max-overhead", "2", "--no-trace", "--top=0", "--pid", pid, "-d", "6s", "-o", ".")
    lines = [line for line in result.stderr.splitlines() if "--max-overhead" in line]
    assert lines and "taken away" in lines[-1] and re.search(r"cost \d+\.\d % of one CPU", lines[-1])
    assert len(lines) <= 2
    before = len(times())
    assert wait_until(lambda: len(times()) > before + 10, 60)
    assert min(times()[before:]) < 200 < max(times()[:before]), times()


def test_thinned_out_without_bias(bpfprof, programs, programs_of):
    """Thinned, what is seen stands for what is not: the estimate of all is right though only a half was seen."""
    proc = programs.start(programs_of("heap_load"), "paced", 8000, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env={"WAIT_MS": "0"})
    assert wait_until(lambda: path_is_mapped(proc.pid, f"{LIBRARIES}/libc.so.6"), 60)
    run = bpfprof.start_and_attach("-P", "heap", "--heap-rate", "1", "--max-overhead", "99", "--top=0", "-i", "100ms", "--pid",
                                   proc.pid, "-o", ".", env={"BPFPROF_MAP_SIZES": "thin=1"})
    proc.stdin.write("\n")
    proc.stdin.flush()
    assert bpfprof.finish(run).status == 0
    profile = bpfprof.profile("heap.pb.gz")
    sums = by_function(profile, "take_and_give")["take_and_give"]
    pairs, seen = int(proc.stdout.readline()), counters_of(profile)["heap_samples"]
    assert any("allocations are seen 1/2 of the time" in text for text in profile.comments)
    assert 0.05 * pairs < seen < 0.95 * pairs
    assert sums[0] == pytest.approx(2 * seen, abs=100) and sums[1] == 100 * sums[0]
    assert sums[2:] == [0, 0]
