# SPDX-License-Identifier: GPL-2.0
"""Piece heap: what a malloc and its free cost under each profiler, and what a server loses by it."""
import os
import signal
import tempfile

import markdown
import measure
import redis
import tools
from figures import Figure, Piece, spread
from measure import minus

MEMLEAK = """
uprobe:ALLOCATOR:malloc { @size[tid] = arg0; }
uretprobe:ALLOCATOR:malloc /@size[tid]/ { @live[retval] = @size[tid]; @stack[retval] = ustack(20); delete(@size[tid]); }
uprobe:ALLOCATOR:free /@live[arg0]/ { delete(@live[arg0]); delete(@stack[arg0]); }
"""
OURS, RATE_1, MEMLEAK_NAME, HEAPTRACK, DHAT = "bpfprof", "bpfprof, every allocation", "bpftrace memleak", "heaptrack", "valgrind dhat"


def allocator_of(pid):
    """The library whose malloc a process calls: redis-server's is jemalloc's."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        paths = {line.split()[5] for line in maps if len(line.split()) > 5}
    return next(path for name in ("jemalloc", "libc.so") for path in sorted(paths) if name in path)


def attach(name, pid, folder):
    """The profilers that attach to a running process."""
    args = [tools.BIN, "--no-trace", "--top=0", "-P", "heap", *tools.NO_BUDGET, "-o", folder, "--pid", str(pid)]
    commands = {OURS: args, RATE_1: [*args, "--heap-rate", "1"]}
    if name == MEMLEAK_NAME:
        commands[name] = [tools.BPFTRACE, "-p", str(pid), "-e", MEMLEAK.replace("ALLOCATOR", allocator_of(pid))]
    proc = measure.start(commands[name]) if name in commands else None
    if proc:
        tools.await_attached(proc)
    return proc


def under(name, folder):
    """The profilers that start the program."""
    return {HEAPTRACK: [tools.HEAPTRACK, "-o", f"{folder}/trace"],
            DHAT: [tools.VALGRIND, "--tool=dhat", f"--dhat-out-file={folder}/dhat"]}.get(name, [])


def pair_ns(name, seconds):
    """CPU nanoseconds a malloc(64) and its free, by the loop's own clock, while name is attached."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, open(f"{folder}/times", "w+", encoding="ascii") as times:
        loop = measure.start([*under(name, folder), tools.work("heap-load"), "loop", "600000"], stdout=times, start_new_session=True)
        measure.printed(times, 0.1)  # it runs
        proc = attach(name, loop.pid, folder)
        value = measure.printed(times, seconds)
        if proc:
            measure.stop(proc)
        os.killpg(loop.pid, signal.SIGKILL)
        measure.stop(loop, signal.SIGKILL)
        return value


def redis_load(name, requests):
    """What a SET costs a redis-server, and how many it answers, while name is attached."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, redis.server(folder, under(name, folder)) as server:
        proc = None if under(name, folder) else attach(name, server.pid, folder)
        value = redis.load(folder, "set", requests)
        if proc:
            measure.stop(proc)
        return value


def percent_of_bare(results, key):
    """{name: [percent a run]} of one figure; what was not run keeps its reason."""
    bare = results["bare"]
    if isinstance(bare, str):
        return results
    return {name: found if isinstance(found, str) else [
        None if ratio is None else 100 * ratio for ratio in measure.ratios(measure.column(found, key), measure.column(bare, key))]
        for name, found in results.items()}


def piece(quick):
    runs, seconds, requests = (1, 0.8, 15000) if quick else (3, 1, 40000)
    tried = {"bare": "", OURS: "", RATE_1: "", MEMLEAK_NAME: tools.missing("bpftrace"), HEAPTRACK: tools.missing("heaptrack"),
             DHAT: tools.missing("valgrind")}
    pairs = measure.alternated_known(runs, {name: why or (lambda n=name: pair_ns(n, seconds)) for name, why in tried.items()})
    no_redis = redis.missing()
    taken = measure.alternated_known(runs, {
        name: no_redis or why or (lambda n=name: redis_load(n, requests // (20 if n == DHAT else 1))) for name, why in tried.items()})
    added = {name: found if isinstance(found, str) else minus(found, pairs["bare"]) for name, found in pairs.items()}
    cpu, rate = percent_of_bare(taken, "cpu"), percent_of_bare(taken, "rate")
    rows = [[name, *(found[name] if isinstance(found[name], str) else spread(found[name], 0) for found in (pairs, added, cpu, rate))]
            for name in tried]
    text = ("malloc(64) and free in a loop; redis-server: its CPU time a SET and its SETs a second, in percent of the bare one's.\n\n" +
            markdown.plain(["attached", "ns a pair", "added", "redis-server CPU %", "SETs a second %"], rows))
    peers = (MEMLEAK_NAME, HEAPTRACK, DHAT)
    return Piece(text, [
        Figure("a malloc and its free, unsampled", "ns", {name: added[name] for name in (OURS, *peers)}, 0, note="budget 1,700"),
        Figure("a malloc and its free, every one recorded", "ns", {"bpfprof": added[RATE_1], **{n: added[n] for n in peers}}, 0),
        Figure("CPU of redis-server a SET while its heap is profiled", "% of bare", {name: cpu[name] for name in (OURS, *peers)}, 0),
        Figure("SETs a second of redis-server while its heap is profiled", "% of bare", {name: rate[name] for name in (OURS, *peers)}, 1,
               "more"),
    ])
