# SPDX-License-Identifier: GPL-2.0
"""Every thread's stack, beside gdb's and eu-stack's; the stacks that created threads; the wall clock."""
import collections
import contextlib
import os
import re
import shutil
import signal
import subprocess
import textwrap
import time

import pytest

import offcpu_helpers as o
import test_unwind
import unwind_helpers as helpers
import workload_helpers as w
from conftest import SYSTEM_PATH, wait_until

SECONDS_MAX = 60
HEAD = re.compile(r'thread (\d+) "(.*)" \[(.*)\]:')
# frames: (function, file, ELF address), inlined functions left out; names: {(file, address): all functions there}
Thread = collections.namedtuple("Thread", "tid name state since frames names")


def parse_dump(text):
    """{tid: Thread} of a dump."""
    threads, current, function, is_inline = {}, None, None, False
    for line in text.splitlines():
        head = HEAD.fullmatch(line)
        if head:
            state, _, since = head[3].partition(", ")
            current = threads[int(head[1])] = Thread(int(head[1]), head[2], state, since, [], collections.defaultdict(set))
        elif not line:
            current = None
        elif current and line.startswith("\t"):
            place = line.strip().rsplit(" ", 1)[-1]
            path, _, addr = place.rpartition("+0x")
            current.names[path, int(addr, 16)].add(plain(function))
            if not is_inline:
                current.frames[-1] = (function, path, int(addr, 16))
        elif current:
            is_inline = line.endswith(" (inline)")
            function = line.removesuffix(" (inline)")
            if not is_inline:
                current.frames.append((function, "", 0))
    return threads


def dump(bpfprof, pid, *args):
    result = bpfprof.run("--pid", pid, "-P", "threads", "-d", 0, *args)
    assert result.status == 0, result.stderr
    return parse_dump(result.stdout), result


def tids_of(pid):
    return {int(tid) for tid in os.listdir(f"/proc/{pid}/task")}


def eu_stack(pid):
    """{tid: [(file, ELF address)]} as elfutils sees it."""
    text = subprocess.run(["eu-stack", "-r", "-n", "0", "-p", str(pid)], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL, check=False, timeout=SECONDS_MAX).stdout
    parts = re.split(r"^TID (\d+):$", text, flags=re.MULTILINE)[1:]
    return {int(tid): test_unwind.file_addresses(pid, [int(addr, 16) for addr in
                                                       re.findall(r"^#\d+ +0x(\w+)", frames, re.MULTILINE)])
            for tid, frames in zip(parts[::2], parts[1::2])}


def gdb(pid):
    """{tid: [(function, absolute address)]}; inlined frames have no address and are left out."""
    text = subprocess.run(["gdb", "-p", str(pid), "-batch", "-nx", "-ex", "set debuginfod enabled off", "-ex",
                           "set backtrace past-main on", "-ex", "set backtrace past-entry off", "-ex",
                           "set print frame-info location-and-address", "-ex", "thread apply all bt"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, timeout=SECONDS_MAX).stdout
    parts = re.split(r"^Thread \d+ \(.*?LWP (\d+)\b.*$", text, flags=re.MULTILINE)[1:]
    return {int(tid): [(name, int(addr, 16)) for addr, name in
                       re.findall(r"^#\d+ +0x(\w+) in ([^\s(]+)", frames, re.MULTILINE)]
            for tid, frames in zip(parts[::2], parts[1::2])}


def plain(name):
    """A function's name without what libc's aliases and compilers' clones add."""
    return name.split("@")[0].split(".")[0].replace("__GI_", "").lstrip("_").removeprefix("libc_").removesuffix("_impl").lstrip("_")


def same_frames(ours, theirs):
    """Return addresses, which are one lower in ours: inside the call."""
    return len(ours) == len(theirs) and all(
        path == their_path and their_addr - addr in (0, 1)
        for (_, path, addr), (their_path, their_addr) in zip(ours, theirs))


def start_ready(programs, *args, **popen):
    proc = programs.start(*args, stdout=subprocess.PIPE, **popen)
    assert proc.stdout.readline() == "ready\n"
    return proc


def start_waiting(programs, program, cnt, *args):
    """The workload `dump`, each of its threads in its wait."""
    proc = start_ready(programs, program, cnt, *args)
    o.wait_asleep(proc.pid, cnt + 1)
    return proc


@pytest.fixture(scope="module")
def workload(tmp_path_factory):
    folder = tmp_path_factory.mktemp("threads")
    flags = ["-fomit-frame-pointer"]
    return {name: w.build(folder, f"{name}.c", flags=flags) for name in ("dump", "deadlock", "threads")}


def test_dump_is_what_gdb_and_eu_stack_see(bpfprof, programs, workload):
    """Frame by frame, of 60 threads that wait in five ways, built without frame pointers."""
    proc = start_waiting(programs, workload["dump"], 60)
    ours, _ = dump(bpfprof, proc.pid)
    theirs = eu_stack(proc.pid)
    assert set(ours) == set(theirs) == tids_of(proc.pid) and len(ours) == 61
    for tid, thread in ours.items():
        assert same_frames(thread.frames, theirs[tid]), (thread, theirs[tid])
    by_gdb = gdb(proc.pid)
    assert set(by_gdb) == set(ours)
    named = 0
    for tid, frames in by_gdb.items():
        places = test_unwind.file_addresses(proc.pid, [addr for _, addr in frames])
        mine = {(path, addr + delta): names for (path, addr), names in ours[tid].names.items() for delta in (0, 1)}
        # gdb adds frames of tail calls that it infers from debug information: they are on no stack
        assert {(path, addr) for _, path, addr in ours[tid].frames} <= \
            {(path, addr - delta) for path, addr in places for delta in (0, 1)}, (ours[tid], frames)
        for (name, _), place in zip(frames, places):
            if place in mine and name != "??":
                assert plain(name) in mine[place], (name, mine[place])
                named += 1
    assert named > 61 * 3
    states = collections.Counter(thread.state for thread in ours.values())
    assert states == {"futex": 12, "sleep": 12, "poll": 12, "epoll": 12, "read": 12, "signal": 1}


def test_dump_of_a_stopped_process(bpfprof, programs, workload):
    proc = start_waiting(programs, workload["dump"], 10)
    proc.send_signal(signal.SIGSTOP)
    test_unwind.wait_stopped(proc.pid)
    o.wait_asleep(proc.pid)
    ours, _ = dump(bpfprof, proc.pid)
    theirs = eu_stack(proc.pid)
    assert {thread.state for thread in ours.values()} == {"stopped"}
    for tid, thread in ours.items():
        assert same_frames(thread.frames, theirs[tid]), (thread, theirs[tid])


def test_a_thousand_threads(bpfprof, programs, workload):
    """Each with its stack to the root. How long it takes is measured by tools/dump-time."""
    proc = start_waiting(programs, workload["dump"], 1000)
    ours, _ = dump(bpfprof, proc.pid)
    assert len(ours) == 1001
    assert all(thread.frames[-1][0] in ("clone3", "_start") for thread in ours.values())


def test_time_in_state(bpfprof, programs, workload):
    started = time.monotonic()
    proc = start_waiting(programs, workload["dump"], 20)
    waiting = time.monotonic()
    time.sleep(1.5)
    begun = time.monotonic()
    ours, _ = dump(bpfprof, proc.pid)
    ended = time.monotonic()
    for thread in ours.values():
        assert re.fullmatch(r"\d+\.\d s", thread.since), thread
        assert begun - waiting - 0.1 <= float(thread.since.split()[0]) <= ended - started + 0.1, thread


def test_running_threads(bpfprof, programs, workload):
    proc = start_ready(programs, workload["threads"], "stay", 20)
    burning = collections.Counter()
    for _ in range(3):
        ours, _ = dump(bpfprof, proc.pid)
        assert len(ours) == 4
        for name in ("alpha", "beta", "gamma"):
            thread = next(thread for thread in ours.values() if thread.name == name)
            functions = [function for function, _, _ in thread.frames]
            assert thread.state in ("running", "runnable"), thread
            assert "run_thread" in functions and functions[-1] == "clone3", thread
            burning[name] += f"burn_{name}" in functions  # else in the read of a clock in between
    assert set(burning) == {"alpha", "beta", "gamma"} and all(burning.values()), burning


def test_leader_that_exited(bpfprof, programs, workload):
    proc = start_ready(programs, workload["threads"], "leave", 30)

    def has_left():
        with open(f"/proc/{proc.pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    assert wait_until(has_left, 30)
    ours, _ = dump(bpfprof, proc.pid)
    assert ours[proc.pid].state == "exited" and not ours[proc.pid].frames
    assert len([thread for thread in ours.values() if thread.frames]) == 3


def test_deadlock(bpfprof, programs, workload):
    """The example of README.md: both functions that hold one mutex and wait for the other's."""
    proc = start_ready(programs, workload["deadlock"])
    o.wait_asleep(proc.pid)
    ours, _ = dump(bpfprof, proc.pid)
    stuck = {thread.name: [function for function, _, _ in thread.frames] for thread in ours.values()
             if thread.state == "futex" and thread.tid != proc.pid}
    assert set(stuck) == {"teller", "auditor"}
    for name, function in (("teller", "transfer_money"), ("auditor", "write_journal")):
        frames = stuck[name]
        assert frames.index("run_" + name) > frames.index(function)
        assert any("lock" in frame for frame in frames[:frames.index(function)])


def test_never_stopped(bpfprof, programs, workload):
    """No tracer, no signal: the process's own counters of both stay as they were."""
    proc = start_waiting(programs, workload["dump"], 50)

    def switches():
        ret = {}
        for tid in tids_of(proc.pid):
            with open(f"/proc/{proc.pid}/task/{tid}/status", encoding="utf-8") as file:
                ret[tid] = re.findall(r"(?:voluntary_ctxt_switches|SigPnd|ShdPnd|TracerPid):\s+(.*)", file.read())
        return ret
    before = switches()
    dump(bpfprof, proc.pid)
    assert switches() == before


@pytest.mark.parametrize("kind", ["python", "redis", "go", "node"])
def test_real_programs(bpfprof, programs, tmp_path, kind):
    if kind == "python":
        proc = programs.python(textwrap.dedent("""
            import threading, time
            event, lock = threading.Event(), threading.Lock()
            lock.acquire()
            for _ in range(5): threading.Thread(target=event.wait).start()
            threading.Thread(target=lock.acquire).start()
            print("ready", flush=True); time.sleep(1000)"""), stdout=subprocess.PIPE)
        assert proc.stdout.readline() == "ready\n"
    elif kind == "redis":
        proc = programs.start("redis-server", "--port", 0, "--unixsocket", tmp_path / "sock", "--save", "",
                              stdout=subprocess.DEVNULL)
    elif kind == "node":
        if not shutil.which("node", path=SYSTEM_PATH):
            pytest.skip("node is not installed")
        proc = programs.start("node", "-e", "setInterval(() => {}, 100000)", env={**os.environ, "PATH": SYSTEM_PATH})
    else:
        source = tmp_path / "main.go"
        source.write_text("package main\nimport \"time\"\nfunc waitLong() { time.Sleep(time.Hour) }\n"
                          "func main() { go waitLong(); println(\"up\"); waitLong() }\n")
        program = tmp_path / "program"
        subprocess.run(["go", "build", "-o", program, source], check=True, timeout=SECONDS_MAX,
                       env={**os.environ, "PATH": SYSTEM_PATH, "GOCACHE": "/tmp/bpfprof-go-cache", "HOME": "/tmp"})
        proc = programs.start(program, stderr=subprocess.DEVNULL)
    for attempt in range(6):  # a program that starts, or wakes now and then, may change between two looks at it
        time.sleep(0.5 + attempt)
        with contextlib.suppress(AssertionError):
            return check_real(bpfprof, proc, kind)
    check_real(bpfprof, proc, kind)


def check_real(bpfprof, proc, kind):
    ours, result = dump(bpfprof, proc.pid)
    assert set(ours) == tids_of(proc.pid)
    assert "[truncated]" not in result.stdout and "[lost]" not in result.stdout, result.stdout
    if kind in ("python", "redis"):
        theirs = eu_stack(proc.pid)
        asleep = [thread for thread in ours.values() if thread.state not in ("running", "runnable")]
        same = [thread for thread in asleep if same_frames(thread.frames, theirs.get(thread.tid, []))]
        # a thread may have moved on between the two; of these most sleep for ever
        assert len(same) >= len(asleep) - 1, [(thread, theirs.get(thread.tid)) for thread in asleep if thread not in same]
    if kind == "go":
        roots = {thread.frames[-1][0] for thread in ours.values()}
        assert roots <= {"runtime.mstart.abi0", "runtime.mstart", "runtime.rt0_go", "runtime.rt0_go.abi0", "_rt0_amd64",
                         "runtime.clone.abi0", "runtime.goexit.abi0", "_rt0_amd64_linux", "runtime.goexit",
                         "runtime.asmcgocall.abi0", "runtime.mstart0", "runtime.mcall"}, roots


def test_profile_at_the_end(bpfprof, programs, workload):
    proc = start_waiting(programs, workload["dump"], 20)
    result = bpfprof.run("--pid", proc.pid, "-P", "threads", "-d", "1s", "--no-trace")
    assert result.status == 0
    profile = bpfprof.profile("threads.pb.gz")
    assert profile.sample_types == [("threads", "count")] and profile.period == 1
    assert sum(sample.values[0] for sample in profile.samples) == 21
    states = collections.Counter()
    for sample in profile.samples:
        assert sample.labels["pid"] == proc.pid and sample.labels["thread"] == "dump"
        states[sample.labels["state"]] += sample.values[0]
    assert states == {"futex": 4, "sleep": 4, "poll": 4, "epoll": 4, "read": 4, "signal": 1}


def tids_of_host():
    """All threads but those of init, which some virtual machines' kernels keep from task iterators."""
    tids = set()
    for pid in os.listdir("/proc"):
        if pid.isdigit() and pid != "1":
            with contextlib.suppress(OSError):  # it has ended
                tids |= tids_of(pid)
    return tids


def test_host(bpfprof, programs, workload):
    """All threads of the host, the kernel's too; most have a stack that goes to its root."""
    proc = start_waiting(programs, workload["dump"], 5)
    before = tids_of_host()
    result = bpfprof.run("-P", "threads", "-d", 0, "--stats")
    here = before & tids_of_host()
    assert result.status == 0, result.stderr
    ours = parse_dump(result.stdout)
    assert tids_of(proc.pid) <= set(ours)
    missing = here - set(ours)
    assert len(missing) <= 0.05 * len(here), missing
    assert 2 in ours and any("kthreadd" in function for function, _, _ in ours[2].frames)
    counters = helpers.counters_of(result.stderr)
    assert counters["stack_ring_full"] == 0
    ends = helpers.ends(counters)
    assert ends["end_root" if "end_root" in ends else "root"] > 0


def test_small_ring_loses_nothing(bpfprof, programs, workload):
    """What does not fit is sent when its thread is walked again."""
    proc = start_ready(programs, workload["dump"], 200)
    result = bpfprof.run("--pid", proc.pid, "-P", "threads", "-d", 0, "--stats",
                         env={"BPFPROF_MAP_SIZES": "ring=4096"})
    assert result.status == 0
    assert len(parse_dump(result.stdout)) == 201 and "[lost]" not in result.stdout
    assert helpers.counters_of(result.stderr)["stack_ring_full"] > 0


def test_threadcreate(bpfprof, programs, workload):
    proc = start_ready(programs, workload["dump"], 30, "create")
    o.wait_asleep(proc.pid, 2)
    prof = bpfprof.start_and_attach("--pid", proc.pid, "-P", "threadcreate")
    proc.send_signal(signal.SIGUSR1)
    assert proc.stdout.readline() == "ready\n"
    prof.send_signal(signal.SIGINT)
    assert bpfprof.finish(prof).status == 0
    profile = bpfprof.profile("threadcreate.pb.gz")
    assert profile.sample_types == [("threadcreate", "count")]
    made = collections.Counter()
    for sample in profile.samples:
        names = [frame.function for frame in sample.frames]
        maker = next((name for name in names if name.startswith("make_")), names[0])
        made[maker] += sample.values[0]
        if maker != names[0]:
            assert names[-1] == "_start" and "pthread_create" in " ".join(names), names
    assert made == {"make_even": 15, "make_odd": 15, "[created before bpfprof attached]": 2}


def test_threadcreate_forgets_the_dead(bpfprof, programs):
    code = textwrap.dedent("""
        import threading, time
        print("ready", flush=True); input()
        for _ in range(200):
            thread = threading.Thread(target=lambda: None); thread.start(); thread.join()
        print("done", flush=True); time.sleep(1000)""")
    proc = programs.python(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    proc.stdout.readline()
    prof = bpfprof.start_and_attach("--pid", proc.pid, "-P", "threadcreate")
    proc.stdin.write("\n")
    proc.stdin.flush()
    assert proc.stdout.readline() == "done\n"
    prof.send_signal(signal.SIGINT)
    assert bpfprof.finish(prof).status == 0
    samples = bpfprof.profile("threadcreate.pb.gz").samples
    assert [(sample.frames[0].function, sample.values[0]) for sample in samples] == \
        [("[created before bpfprof attached]", 1)]


def slack_ns(profile):
    """What a thread's time may be off: a part, and what begin and end take on a busy machine."""
    return 0.01 * profile.duration_ns + 300e6


def test_wall(bpfprof, programs, workload):
    """Every thread counts for as long as it lives, wherever it is."""
    proc = start_waiting(programs, workload["dump"], 40)
    result = bpfprof.run("--pid", proc.pid, "--wall", "-d", "2s", "--no-trace")
    assert result.status == 0
    profile = bpfprof.profile("wall.pb.gz")
    assert profile.sample_types == [("samples", "count"), ("wall", "nanoseconds")]
    total = sum(sample.values[1] for sample in profile.samples)
    print(f"41 threads: {total / profile.duration_ns:.2f} threads by the wall clock")
    assert abs(total - 41 * profile.duration_ns) < 41 * slack_ns(profile)
    states = collections.Counter()
    for sample in profile.samples:
        states[sample.labels["state"]] += sample.values[1]
    for state in ("futex", "sleep", "poll", "epoll", "read"):
        assert abs(states[state] / total - 8 / 41) < 0.01, states


def test_wall_of_threads_that_run(bpfprof, programs, workload):
    """Three threads burn, on whatever CPUs they get: running and runnable together are their lives."""
    proc = start_ready(programs, workload["threads"], "stay", 20)
    result = bpfprof.run("--pid", proc.pid, "--wall", "-d", "4s", "-F", 199, "--no-trace")
    assert result.status == 0
    profile = bpfprof.profile("wall.pb.gz")
    lives = collections.Counter()
    for sample in profile.samples:
        if sample.labels["thread"] in ("alpha", "beta", "gamma"):
            assert sample.labels["state"] in ("running", "runnable"), sample
            lives[sample.labels["thread"]] += sample.values[1] / profile.duration_ns
    print(lives)
    assert all(abs(lives[name] - 1) < 0.2 for name in ("alpha", "beta", "gamma")), lives


def test_wall_stays_in_its_budget(bpfprof, programs, workload):
    """1,000 threads at 999 Hz: ticks are thinned, each stands for more, and the totals are what they were."""
    proc = start_waiting(programs, workload["dump"], 1000)
    result = bpfprof.run("--pid", proc.pid, "--wall", "-F", 999, "-d", "3s", "--no-trace", "--stats")
    assert result.status == 0
    runs, mean_ns = helpers.program_ns(result.stderr, "wall_pass")
    share = runs * mean_ns / 3e9
    assert runs < 0.5 * 1001 * 999 * 3  # of as many as asked for
    profile = bpfprof.profile("wall.pb.gz")
    total = sum(sample.values[1] for sample in profile.samples)
    print(f"1,001 threads at 999 Hz: {share * 100:.1f} % of one CPU, {runs} visits of {mean_ns} ns, "
          f"{total / profile.duration_ns:.1f} threads")
    assert abs(total - 1001 * profile.duration_ns) < 1001 * slack_ns(profile)
