# SPDX-License-Identifier: GPL-2.0
"""Piece target: how much slower a profiled program gets, and what its profile is worth."""
import signal
import subprocess
import tempfile

import go_http
import markdown
import measure
import own
import perf_stacks
import redis
import tools
import workloads
from figures import Figure, Piece, spread
from measure import column

HZ = 99


def profiler(tool, folder, target):
    """The command line that profiles target (["--", CMD...] or a pid)."""
    is_pid = isinstance(target, int)
    if tool == "bpfprof":
        args = [tools.BIN, "--stats", "--no-trace", "-P", "cpu", "--top=0", "-F", HZ, "-o", folder]
        return args + (["--pid", target] if is_pid else target)
    return tools.perf_record(f"{folder}/perf.data", HZ, tool.split()[1], ["-p", target] if is_pid else target)


def judge(tool, folder, err, judged):
    """The profile's size and, once a tool and job, how many of its stacks reach their root."""
    if tool == "bpfprof":
        stats = tools.Stats(err)
        return {"size": own.size_kib(f"{folder}/cpu.pb.gz"), "complete": stats.complete_pct() if stats.complete else None}
    found = {"size": own.size_kib(f"{folder}/perf.data")}
    if tool not in judged:
        judged.add(tool)
        found["complete"], _ = perf_stacks.complete_pct(f"{folder}/perf.data")
    return found


def run_command(tool, command, judged):
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        timed = [tools.work("timed"), f"{folder}/times", *command]
        args = timed if tool == "bare" else profiler(tool, folder, ["--", *timed])
        proc = measure.start(args, stderr=subprocess.PIPE, text=True, cwd=folder)
        _, err = measure.await_end(proc, 120)
        try:
            with open(f"{folder}/times", encoding="ascii") as file:
                _, cpu_s = map(float, file.read().split())
        except (FileNotFoundError, ValueError):
            measure.say(f"{tool}: {command[0]} did not run: {err.strip()[-200:]}")
            return None
        return {"cpu": cpu_s * 1e6, **({} if tool == "bare" else judge(tool, folder, err, judged))}


def run_server(tool, judged, folder, pid, load):
    """load() gives the server's CPU time a request."""
    if tool == "bare":
        return {"cpu": load()}
    proc = measure.start(profiler(tool, folder, pid), stderr=subprocess.PIPE, text=True)
    tools.await_attached(proc)
    cpu_us = load()
    proc.send_signal(signal.SIGINT)
    _, err = measure.await_end(proc, 60)
    return {"cpu": cpu_us, **judge(tool, folder, err, judged)}


def run_redis(tool, requests, judged):
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, redis.server(folder) as server:
        return run_server(tool, judged, folder, server.pid, lambda: redis.cpu_us(folder, "get", requests))


def run_go(tool, requests, judged):
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, go_http.server() as (server, port):
        return run_server(tool, judged, folder, server.pid, lambda: go_http.cpu_us(server.pid, port, requests))


def jobs(quick):
    """{job: (tool, judged) -> result, or why it is not run}"""
    requests = 60000 if quick else 150000
    return {
        "redis-benchmark GET": redis.missing() or (lambda tool, judged: run_redis(tool, requests, judged)),
        "gcc -O2": lambda tool, judged: run_command(tool, workloads.compile_job(), judged),
        "a Go HTTP server": go_http.missing() or (lambda tool, judged: run_go(tool, requests // 5, judged)),
    }


def piece(quick):
    runs = 1 if quick else 3
    perf = tools.missing("perf")
    tried = {"bare": "", "bpfprof": "", "perf fp": perf, "perf dwarf": perf}
    rows, shares, complete, sizes = [], [], [], []
    for job, run in jobs(quick).items():
        measure.say(f"target: {job}")
        judged = set()
        found = measure.alternated_known(runs, {
            tool: why or (run if isinstance(run, str) else lambda tool=tool: run(tool, judged)) for tool, why in tried.items()})
        values = {key: {tool: results if isinstance(results, str) else column(results, key) for tool, results in found.items()}
                  for key in ("cpu", "complete", "size")}
        share = {tool: taken if isinstance(taken, str) else [
            None if ratio is None else ratio * 100 for ratio in measure.ratios(taken, values["cpu"]["bare"])]
            for tool, taken in values["cpu"].items()}
        for tool in tried:
            rows.append([job, tool, *(cells[tool] if isinstance(cells[tool], str) else spread(cells[tool], digits) for cells, digits in (
                (values["cpu"], 1), (share, 1), (values["size"], 0), (values["complete"], 2)))])
        names = list(tried)[1:]
        shares.append(Figure(f"CPU of {job} while it is profiled", "% of bare", {t: share[t] for t in names}, 1))
        complete.append(Figure(f"complete stacks, {job}", "%", {t: values["complete"][t] for t in names}, 1, "more"))
        sizes.append(Figure(f"file, {job}", "KiB", {t: values["size"][t] for t in names}, 0))
    text = (f"A program profiled at {HZ} Hz: CPU time of a run or, of a server, a request, also in percent of the bare run beside it. Complete: bpfprof by its\n"
            "own counters; perf by `perf script`, once: the last frame lies in code whose CFI says that it has no caller (_start, clone3).\n\n" +
            markdown.plain(["job", "profiler", "CPU us", "% of bare", "file KiB", "complete stacks %"], rows))
    return Piece(text, [*shares, *complete, *sizes])
