# SPDX-License-Identifier: GPL-2.0
"""Starting, stopping and timing processes; alternated runs; medians with their spread; the table."""
import contextlib
import os
import resource
import signal
import statistics
import subprocess
import sys
import time

STOP_S = 30
live = []  # every process of ours that still runs, ended by its pid whatever happens


def say(text):
    print(f"  ... {text}", file=sys.stderr, flush=True)


def start(args, **popen):
    """A process that dies with us: ended by stop(), or by stop_all() at the end."""
    popen.setdefault("stdout", subprocess.DEVNULL)
    popen.setdefault("stderr", subprocess.DEVNULL)
    popen.setdefault("stdin", subprocess.DEVNULL)
    proc = subprocess.Popen([str(arg) for arg in args], **popen)
    live.append(proc)
    return proc


def stop(proc, sig=signal.SIGINT, timeout_s=STOP_S):
    """Ends a process (0: waits for it) and returns the CPU seconds of its whole life. Not by Popen's own words: they may reap it."""
    ended, status, usage = os.wait4(proc.pid, os.WNOHANG) if proc.returncode is None else (proc.pid, 0, None)
    if not ended:
        os.kill(proc.pid, sig)
        deadline = time.monotonic() + timeout_s
        while not ended and time.monotonic() < deadline:
            time.sleep(0.01)
            ended, status, usage = os.wait4(proc.pid, os.WNOHANG)
        if not ended:
            os.kill(proc.pid, signal.SIGKILL)
            ended, status, usage = os.wait4(proc.pid, 0)
    if proc.returncode is None:
        proc.returncode = os.waitstatus_to_exitcode(status)
    if proc in live:
        live.remove(proc)
    return usage.ru_utime + usage.ru_stime if usage else 0.0


def await_end(proc, timeout_s):
    """Waits for a process that ends by itself; ends it when it does not."""
    try:
        out, err = proc.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        proc.kill()
        out, err = proc.communicate()
    live.remove(proc)
    return out, err


def stop_all():
    for proc in list(live):
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            stop(proc, signal.SIGKILL)
    live.clear()


@contextlib.contextmanager
def running(commands, settle_s=0.5, **popen):
    """All commands at once while the block runs."""
    procs = [start(command, **popen) for command in commands]
    try:
        time.sleep(settle_s)
        yield procs
    finally:
        for proc in procs:
            stop(proc, signal.SIGKILL)


def cpu_ns(pid):
    """Time on a CPU of all threads of a process, by the scheduler's own clock."""
    total = 0
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for tid in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[0])
    return total


def rss_kib(pid, key="VmRSS"):
    """VmHWM: the most so far (ru_maxrss also counts what the process was before its exec)."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith(key + ":"):
                    return int(line.split()[1])
    return 0


def host_busy_s():
    """CPU seconds, of all CPUs, that were not idle."""
    with open("/proc/stat", encoding="ascii") as file:
        fields = [int(word) for word in file.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / os.sysconf("SC_CLK_TCK")


def await_quiet(limit_pct=40, timeout_s=20):
    """Waits a little for strangers on the machine to leave it idle; returns how busy the host was at last, of one CPU."""
    deadline = time.monotonic() + timeout_s
    while True:
        busy = host_busy_s()
        time.sleep(1)
        busy = (host_busy_s() - busy) * 100
        if busy < limit_pct or time.monotonic() > deadline:
            return busy


def printed(file, seconds, timeout_s=30):
    """Median of the numbers that a loop prints into file each 100 ms of its time, of so many seconds from now on; None: there are
    too few."""
    deadline, wanted = time.monotonic() + seconds + timeout_s, int(seconds * 10)
    start = file.seek(0, os.SEEK_END)
    values = []
    while len(values) <= wanted and time.monotonic() < deadline:
        time.sleep(0.05)
        file.seek(start)
        lines = file.read().split("\n")[:-1]
        values = [float(line) for line in lines if line.replace(".", "", 1).isdigit()]  # heaptrack has words of its own
    return statistics.median(values[1:]) if len(values) > wanted else None


def alternated(runs, variants):
    """Runs each variant in turn, runs times over: {name: [a result a run, None where it failed]}."""
    results = {name: [] for name in variants}
    for _ in range(runs):
        for name, run in variants.items():
            try:
                results[name].append(run())
            except subprocess.TimeoutExpired as error:
                say(f"{name}: {error}")
                results[name].append(None)
    return results


def alternated_known(runs, variants):
    """The same; a variant that is a text says why it is not run, and is its own result."""
    found = alternated(runs, {name: run for name, run in variants.items() if callable(run)})
    return {name: found.get(name, variants[name]) for name in variants}


def column(results, key):
    """One figure of each run."""
    return [None if result is None else result.get(key) for result in results]


def minus(values, base):
    """What was added, run beside run."""
    return [None if value is None or other is None else value - other for value, other in zip(values, base)]


def ratios(values, base):
    """Of runs that stood side by side."""
    return [None if value is None or not other else value / other for value, other in zip(values, base)]


def linear_fit(points):
    """Least squares through [(x, y)]: (y at x = 0, y a unit of x)."""
    slope, intercept = statistics.linear_regression([p[0] for p in points], [p[1] for p in points])
    return intercept, slope


def raise_limits():
    """libbpf 0.x in bpftrace and libbpf-tools asks for locked memory."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
