# SPDX-License-Identifier: GPL-2.0
"""The SCHED line on the real kernel, held against /proc and against runqlat of libbpf-tools.

Needs root. BPFPROF_BIN names the program under test.
"""
import contextlib
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("BPFPROF_BIN", os.path.join(ROOT, "build", "bpfprof")))
RUNQLAT = shutil.which("runqlat", path="/usr/sbin:/usr/bin:/sbin:/bin")

LINE = re.compile(
    r"SCHED (?P<ms>\d+)ms: cpus=(?P<cpus>\d+) idlecpus=(?P<idlecpus>\d+) threads=(?P<threads>\d+) "
    r"spinningthreads=(?P<spinning>\d+) idlethreads=(?P<idle>\d+) runqueue=(?P<runqueue>\d+) "
    r"\[(?P<queues>[\d ]*)\] switches=(?P<switches>\d+) "
    r"wait\(us\)=p50:(?P<p50>\d+),p99:(?P<p99>\d+),max:(?P<max>\d+) lost=(?P<lost>\d+)")

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not os.access(BIN, os.X_OK), reason=f"{BIN} is not built"),
]

BUSY = "while True: pass"
# Threads of one process, each waiting in the kernel: no interpreter lock in the way.
SLEEPERS = """
import sys, threading, time
for _ in range(int(sys.argv[1])):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
print("ready", flush=True)
time.sleep(1000)
"""
YIELD = "import os\nyield_ = os.sched_yield\nwhile True: yield_()"
SHORT_THREADS = """
import sys, threading, time
sys.stdin.readline()
for _ in range(int(sys.argv[1])):
    thread = threading.Thread(target=time.sleep, args=(0.0005,))
    thread.start()
    thread.join()
print("done", flush=True)
time.sleep(1000)
"""


@contextlib.contextmanager
def running(*code_and_args, cnt=1, cpu=None, **popen):
    """cnt python processes that run the code, on one CPU if asked; ended by their ids."""
    prefix = ["taskset", "-c", str(cpu)] if cpu is not None else []
    procs = [subprocess.Popen([*prefix, sys.executable, "-S", "-c", *map(str, code_and_args)], text=True, **popen)
             for _ in range(cnt)]
    try:
        yield procs
    finally:
        for proc in procs:
            proc.kill()
        for proc in procs:
            proc.wait()


def start(tmp_path, *args, env=None):
    return subprocess.Popen([BIN, "-i", "1s", *args], cwd=tmp_path, text=True, stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **(env or {})})


def next_line(proc):
    """The match of the next SCHED line."""
    other = []
    for text in iter(proc.stderr.readline, ""):
        match = LINE.search(text)
        if match:
            return match
        other.append(text)
    raise AssertionError(f"no line; status {proc.wait()}: {other}")


def finish(proc):
    """The lines as dicts of ints, and everything that was printed."""
    try:
        text = proc.communicate(timeout=60)[1]
    except subprocess.TimeoutExpired:
        proc.kill()
        raise
    assert proc.returncode == 0, text
    lines = []
    for match in LINE.finditer(text):
        line = {key: int(value) for key, value in match.groupdict().items() if key != "queues"}
        line["queues"] = [int(queue) for queue in match["queues"].split()]
        assert len(line["queues"]) == line["cpus"]
        assert sum(line["queues"]) == line["runqueue"]
        assert line["p50"] <= line["p99"] <= line["max"]
        assert line["idle"] <= line["threads"] and line["idlecpus"] <= line["cpus"]
        lines.append(line)
    assert lines, text
    return lines, text


def watch(tmp_path, *args, seconds=5, env=None):
    return finish(start(tmp_path, "-d", f"{seconds}s", *args, env=env))


def proc_threads():
    with open("/proc/loadavg") as file:
        return int(file.read().split()[3].split("/")[1])


def proc_switches():
    with open("/proc/stat") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("ctxt "))


def process_switches(pid):
    total = 0
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/status") as file:
            total += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return total


def online_cpus():
    with open("/proc/cpuinfo") as file:
        return sum(line.startswith("processor") for line in file)


def runqlat_histogram(text):
    """[(low us, high us, count)]"""
    return [tuple(map(int, row)) for row in re.findall(r"^\s*(\d+) -> (\d+)\s*: (\d+)", text, re.M)]


def runqlat_bucket(histogram, percent):
    rank, seen = sum(cnt for _, _, cnt in histogram) * percent / 100, 0
    for index, (_, _, cnt) in enumerate(histogram):
        seen += cnt
        if seen >= rank:
            return index
    raise AssertionError("runqlat printed no waits")


def log2_bucket(usecs):
    return max(0, usecs.bit_length() - 1)


def test_cpus_and_threads_are_as_proc_says(tmp_path):
    with running(SLEEPERS, 200, stdout=subprocess.PIPE) as (sleepers,):
        assert sleepers.stdout.readline() == "ready\n"
        before = proc_threads()
        lines, _ = watch(tmp_path, seconds=3)
        after = proc_threads()
    for line in lines:
        assert line["cpus"] == online_cpus()
        # Others come and go on the host; bpfprof itself is one.
        assert min(before, after) - 20 <= line["threads"] <= max(before, after) + 20


def test_sleeping_threads_are_idle(tmp_path):
    with running(SLEEPERS, 200, stdout=subprocess.PIPE) as (sleepers,):
        assert sleepers.stdout.readline() == "ready\n"
        lines, _ = watch(tmp_path, "--pid", str(sleepers.pid), seconds=3)
        host, _ = watch(tmp_path, seconds=3)
    for line in lines:
        assert (line["threads"], line["idle"], line["runqueue"]) == (201, 201, 0)
        assert (line["switches"], line["max"], line["lost"]) == (0, 0, 0)
    assert all(line["idle"] >= 201 for line in host)


def cpu_seconds(procs):
    total = 0
    for proc in procs:
        with open(f"/proc/{proc.pid}/stat") as file:
            total += sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def test_busy_threads_wait_in_the_queue(tmp_path):
    """6 on 2 CPUs: 4 wait. If others use the CPUs too, all those wait that do not run."""
    with running(BUSY, cnt=online_cpus() + 4) as busy:
        pids = ",".join(str(proc.pid) for proc in busy)
        time.sleep(0.5)
        began, used = time.monotonic(), cpu_seconds(busy)
        lines, _ = watch(tmp_path, "--pid", pids, "-i", "100ms", seconds=6)
        run_cnt = (cpu_seconds(busy) - used) / (time.monotonic() - began)
    assert 0 < run_cnt < online_cpus() + 0.1
    queues = [line["runqueue"] for line in lines]
    assert statistics.mean(queues) == pytest.approx(len(busy) - run_cnt, abs=0.3), queues
    for line in lines:
        assert (line["threads"], line["spinning"], line["lost"]) == (online_cpus() + 4, 0, 0)
        assert line["cpus"] == online_cpus()
    # A CPU can be empty for the moment that the balancer takes to fill it.
    assert statistics.mean(line["idlecpus"] for line in lines) < 0.2


def test_host_queue_of_busy_threads(tmp_path):
    """All that runs or waits, as /proc/stat has it, but for those that run."""
    with running(BUSY, cnt=online_cpus() + 4):
        time.sleep(0.5)
        proc = start(tmp_path, "-i", "100ms", "-d", "6s")
        runnable = []
        while len(runnable) < 50:
            time.sleep(0.117)  # not in step with bpfprof, which runs too when it runs
            with open("/proc/stat") as file:
                # Whoever reads it runs.
                runnable.append(next(int(line.split()[1]) for line in file if line.startswith("procs_running")) - 1)
        lines, _ = finish(proc)
    assert statistics.mean(line["idlecpus"] for line in lines) < 0.2
    assert statistics.mean(line["runqueue"] for line in lines) == pytest.approx(
        statistics.mean(runnable) - online_cpus(), abs=0.5)


@pytest.mark.skipif(RUNQLAT is None, reason="needs libbpf-tools")
def test_waits_are_those_of_runqlat(tmp_path):
    with running(BUSY, cnt=online_cpus() + 4) as busy:
        time.sleep(0.5)
        peer = subprocess.Popen([RUNQLAT, "5", "1"], text=True, stdout=subprocess.PIPE)
        # One interval, the same seconds: a mean of percentiles is no percentile.
        lines, _ = watch(tmp_path, "-i", "5s", seconds=6)
        histogram = runqlat_histogram(peer.communicate(timeout=30)[0])
        assert all(proc.poll() is None for proc in busy)
    line = lines[1]
    assert 4900 <= line["ms"] < 5900
    for percent in (50, 99):
        mine = log2_bucket(line[f"p{percent}"])
        assert abs(mine - runqlat_bucket(histogram, percent)) <= 1, (line, histogram)


def test_busy_threads_do_not_spin(tmp_path):
    with running(BUSY, cnt=online_cpus() + 2) as busy:
        lines, _ = watch(tmp_path, "--pid", ",".join(str(proc.pid) for proc in busy), seconds=4)
    # There are more of them than CPUs: they leave theirs when their time is up, which is no yield.
    assert sum(line["switches"] for line in lines) > 0
    assert all(line["spinning"] == 0 for line in lines)


@pytest.mark.parametrize("others", [0, 2])
def test_a_yielding_thread_spins(tmp_path, others):
    """With others: it is switched away from. Alone: sched_yield finds nobody, and never switches."""
    cpu = online_cpus() - 1
    with running(YIELD, cpu=cpu) as (spinner,), running(BUSY, cpu=cpu, cnt=others) as busy:
        time.sleep(0.5)
        pids = [proc.pid for proc in (spinner, *busy)]
        lines, _ = watch(tmp_path, "--pid", ",".join(map(str, pids)), seconds=5)
    spinning = [line["spinning"] for line in lines]
    # A busy one that leaves the kernel with its time up may look like it, once in a while.
    assert 1 in spinning and sum(cnt > 1 for cnt in spinning) <= 1
    if others:
        # Who yields on and on can be made to wait for longer than an interval, and does not run in it.
        ran_cnt = sum(line["idle"] == 0 for line in lines)
        assert ran_cnt and sum(spinning) >= ran_cnt / 2
    else:
        # Seen in the act at the moment of the line: the interpreter's share between two calls is missed.
        assert sum(spinning) >= len(spinning) / 2
    assert all(line["threads"] == 1 + others for line in lines)


def test_switches_are_those_of_proc_stat(tmp_path):
    ping_pong = ("import os\na, b = os.pipe(), os.pipe()\n"
                 "if os.fork():\n  while os.write(a[1], b'x') and os.read(b[0], 1): pass\n"
                 "else:\n  os.close(a[1])\n  while os.read(a[0], 1) and os.write(b[1], b'x'): pass")
    with running(ping_pong, stderr=subprocess.DEVNULL):
        time.sleep(0.5)
        proc = start(tmp_path, "-d", "6s")
        seen = []
        # The counter as each line comes, not at the end: start and exit of bpfprof are no interval.
        while len(seen) < 5:
            seen.append((int(next_line(proc)["switches"]), proc_switches()))
        proc.send_signal(signal.SIGINT)
        proc.communicate(timeout=30)
    mine = sum(switches for switches, _ in seen[1:])
    assert mine > 1000
    assert mine == pytest.approx(seen[-1][1] - seen[0][1], rel=0.02)


def test_pid_sees_only_its_process(tmp_path):
    nap = "import time\nwhile True: time.sleep(0.005)"
    with running(nap) as (napper,), running(BUSY, cnt=4):
        time.sleep(0.5)
        proc = start(tmp_path, "-d", "6s", "--pid", str(napper.pid))
        seen = []
        while len(seen) < 4:
            seen.append((next_line(proc), process_switches(napper.pid)))
        proc.send_signal(signal.SIGINT)
        proc.communicate(timeout=30)
    for match, _ in seen:
        assert (match["threads"], match["spinning"], match["lost"]) == ("1", "0", "0")
        assert int(match["runqueue"]) <= 1
    mine = sum(int(match["switches"]) for match, _ in seen[1:])
    assert mine == pytest.approx(seen[-1][1] - seen[0][1], rel=0.02, abs=4)


def test_cpus_are_those_that_the_process_may_use(tmp_path):
    if online_cpus() < 2:
        pytest.skip("needs two CPUs")
    with running(BUSY, cpu=online_cpus() - 1) as (busy,):
        time.sleep(0.2)
        lines, _ = watch(tmp_path, "--pid", str(busy.pid), seconds=2)
    assert all(line["cpus"] == 1 for line in lines)


def test_short_threads_are_all_seen_and_leave_nothing(tmp_path):
    with running(SHORT_THREADS, 2000, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as (maker,):
        time.sleep(0.2)
        proc = start(tmp_path, "-d", "30s", "--pid", str(maker.pid))
        next_line(proc)
        memory = [process_memory(proc.pid)]
        maker.stdin.write("\n")
        maker.stdin.flush()
        assert maker.stdout.readline() == "done\n"
        memory.append(process_memory(proc.pid))
        time.sleep(1.2)
        proc.send_signal(signal.SIGINT)
        lines, _ = finish(proc)
    # Each thread is switched in at least twice: when it is new, and after its sleep.
    assert sum(line["switches"] for line in lines) >= 4000
    assert all(line["lost"] == 0 for line in lines)
    assert all(line["threads"] <= 3 for line in lines)
    assert lines[-1]["threads"] == 1
    assert memory[1] - memory[0] < 1024


def process_memory(pid):
    """RSS in KiB."""
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def test_sigusr1_turns_the_lines_off_and_on(tmp_path):
    with running(BUSY) as (busy,):
        proc = start(tmp_path, "-d", "7s", "--pid", str(busy.pid))
        next_line(proc)
        proc.send_signal(signal.SIGUSR1)
        time.sleep(3)
        proc.send_signal(signal.SIGUSR1)
        lines, text = finish(proc)
    # The first line was read above. Six seconds are left, three of them without lines.
    assert 2 <= len(lines) <= 5, text
    # Waits that begin unseen are not counted: none of them lasts as long as the pause.
    assert all(line["max"] < 2_000_000 for line in lines)
    assert all(0 < line["threads"] and line["lost"] == 0 for line in lines)


def test_detail_names_cpus_and_threads_safely(tmp_path):
    code = ("import ctypes, time\nctypes.CDLL(None).prctl(15, b'a\\x1b[31m\\nb', 0, 0, 0)\n"
            "print('ready', flush=True)\nwhile True: time.sleep(0.01)")
    with running(code, stdout=subprocess.PIPE) as (hostile,):
        assert hostile.stdout.readline() == "ready\n"
        _, text = watch(tmp_path, "--pid", str(hostile.pid), seconds=3, env={"BPFPROF": "schedtrace=1000,scheddetail=1"})
    assert "\x1b" not in text
    threads = re.findall(r"^  M(\d+): p=(\d+) status=(\w+) pid=(\d+) oncpu\(us\)=(\d+) wait\(us\)=(\d+) switches=(\d+) "
                         r"comm=(.*)$", text, re.M)
    assert threads
    for tid, _, _, pid, _, _, _, comm in threads:
        assert (int(tid), int(pid), comm) == (hostile.pid, hostile.pid, r"a\x1b[31m\nb")
    # 100 naps a second, each a switch, in whole intervals.
    assert 50 <= int(threads[-1][6]) <= 150
    assert re.search(r"^  P0: status=(idle|running) runqsize=\d+ switches=\d+ m=(\d+|nil)$", text, re.M)
