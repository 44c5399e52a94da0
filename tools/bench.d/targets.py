# SPDX-License-Identifier: GPL-2.0
"""Section target: how much slower a profiled program gets, and what its profile is worth."""
import contextlib
import os
import signal
import subprocess
import tempfile
import time

import measure
import perf_stacks
import tools
import workloads
from measure import summary

HZ = 99
TOOLS = ("none", "bpfprof", "perf fp", "perf dwarf")


class Result:
    def __init__(self, wall_s=None, cpu_s=None, rate=None, size=None, complete=None, samples=None):
        self.wall_s, self.cpu_s, self.rate = wall_s, cpu_s, rate
        self.size, self.complete, self.samples = size, complete, samples


def file_size(path):
    with contextlib.suppress(FileNotFoundError):
        return os.path.getsize(path)
    return None


def profiler(tool, folder, target):
    """The command line that profiles target ("--", CMD... or a pid)."""
    is_pid = isinstance(target, int)
    if tool == "bpfprof":
        args = [tools.BIN, "--stats", "--no-trace", "-P", "cpu", "--top=0", "-F", HZ, "-o", folder]
        return args + (["--pid", target] if is_pid else target)
    graph = tool.split()[1]
    return tools.perf_record(f"{folder}/perf.data", HZ, graph, ["-p", target] if is_pid else target)


def judge(tool, folder, err, result):
    """Adds the profile's size and how many of its stacks reach their root."""
    if tool == "bpfprof":
        stats = tools.Stats(err)
        if stats.complete:
            result.complete, result.samples = stats.complete_pct(), sum(stats.ends().values())
        result.size = file_size(f"{folder}/cpu.pb.gz")
    elif tool != "none":
        result.size = file_size(f"{folder}/perf.data")
        result.complete, result.samples = perf_stacks.complete_pct(f"{folder}/perf.data")
    return result


def run_command(tool, command):
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        timed = [tools.work("timed"), f"{folder}/times", *command]
        args = timed if tool == "none" else profiler(tool, folder, ["--", *timed])
        proc = measure.start(args, stderr=subprocess.PIPE, text=True, cwd=folder)
        _, err = measure.await_end(proc, 120)
        try:
            with open(f"{folder}/times", encoding="ascii") as file:
                wall_s, cpu_s = map(float, file.read().split())
        except (FileNotFoundError, ValueError):
            measure.say(f"{tool}: {command[0]} did not run: {err.strip()[-200:]}")
            return None
        return judge(tool, folder, err, Result(wall_s, cpu_s))


def run_redis(tool, requests):
    """Requests a second of a server on one CPU, clients on another."""
    cpus = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        socket = f"{folder}/redis"
        server = ["taskset", "-c", cpus[0], "redis-server", "--port", 0, "--unixsocket", socket, "--save", "",
                  "--dir", folder]
        client = ["taskset", "-c", str(cpus[-1]), "redis-benchmark", "-s", socket, "-n", str(requests), "-c", "20",
                  "-t", "get", "--csv"]
        with measure.running([server], settle_s=1) as procs:
            proc = None
            if tool != "none":
                proc = measure.start(profiler(tool, folder, procs[0].pid), stderr=subprocess.PIPE, text=True)
                time.sleep(2)
            begin_ns = measure.cpu_ns(procs[0].pid)
            out = subprocess.run(client, capture_output=True, text=True, timeout=120).stdout
            cpu_s = (measure.cpu_ns(procs[0].pid) - begin_ns) / 1e9
            err = ""
            if proc:
                proc.send_signal(signal.SIGINT)
                _, err = measure.await_end(proc, 60)
        fields = out.strip().splitlines()[-1].split(",") if out.strip() else []
        if len(fields) < 2:
            return None
        rate = float(fields[1].strip('"'))
        return judge(tool, folder, err, Result(requests / rate, cpu_s, rate))


def section_target(quick):
    runs, requests = (1, 100000) if quick else (3, 400000)
    jobs = {"gcc -O2 -c": lambda tool: run_command(tool, workloads.compile_job()),
            "xz -6": lambda tool: run_command(tool, workloads.xz()),
            "openssl sha512": lambda tool: run_command(tool, workloads.openssl()),
            "python3 json+re": lambda tool: run_command(tool, workloads.python())}
    if os.access("/usr/bin/redis-server", os.X_OK) and os.access("/usr/bin/redis-benchmark", os.X_OK):
        jobs["redis GET"] = lambda tool: run_redis(tool, requests)
    names = [tool for tool in TOOLS if tools.PERF or not tool.startswith("perf")]
    rows = []
    for job, run in jobs.items():
        measure.say(f"target: {job}")
        found = measure.alternated(runs, {tool: lambda t=tool, r=run: r(t) for tool in names})
        bare = found["none"]
        for tool, results in found.items():
            rows.append([job, tool, summary([r.cpu_s for r in results], 3),
                         summary(measure.ratios([r.cpu_s for r in results], [r.cpu_s for r in bare]), 3),
                         summary(measure.ratios([r.wall_s for r in results], [r.wall_s for r in bare]), 3),
                         summary([r.size / 1024 for r in results if r.size], 0),
                         summary([r.complete for r in results], 2), sum(r.samples or 0 for r in results) or "-"])
    text = (f"A target profiled at {HZ} Hz; CPU: of the target and its children, incl. the interrupts it pays for; ratios to\n"
            "the bare run beside it (wall time also feels strangers). Complete: bpfprof by its own counters; perf by\n"
            "`perf script`: the last frame lies in code whose CFI says that it has no caller (_start, clone3).\n"
            "redis: CPU of the server, ratios for the same requests.\n\n")
    head = ["job", "profiler", "CPU s", "CPU ratio", "wall ratio", "file KiB", "complete stacks %", "samples"]
    return text + measure.format_table(head, rows)
