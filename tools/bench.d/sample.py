# SPDX-License-Identifier: GPL-2.0
"""Piece sample: what one CPU sample costs, by the kernel's BPF statistics, and what the sampled program pays for it."""
import os
import re
import signal
import statistics
import subprocess
import tempfile
import time

import hosts
import markdown
import measure
import tools
import workloads
from figures import Figure, Piece, spread

HZ = 999
PAID_HZ = 4999  # dear enough to stand out of the noise
PAID_DEPTH = 40
STACK = re.compile(r"^@\[(\n.*?^|)\]: (\d+)$", re.M | re.S)
DEPTHS = (10, 40, 110, 500)
FP_DEPTHS = (10, 40, 110)  # kernel.perf_event_max_stack is 127


def profile_args(rest, hz=HZ):
    """A CPU profile that is written but not shown."""
    return ["--no-trace", *tools.NO_BUDGET, "-P", "cpu", "--top=0", "-F", hz, "-o", tools.WORK, *rest]


def other_ns(seconds):
    """What cpu_sample takes when it meets a process that is not profiled."""
    with measure.running(hosts.busy(10) + [["sleep", 1000]]) as procs:
        stats = tools.bpfprof(profile_args(["--pid", procs[-1].pid]), seconds)
    return stats.mean_ns("cpu_sample") if stats else None


def walked(stats, unwalked_ns):
    """{mean user frames, ns a walked sample, walked samples}: without the ticks that met others."""
    runs, total_ns = stats.programs.get("cpu_sample", (0, 0))
    samples = sum(stats.ends().values())
    if not samples:
        return None
    return {"frames": stats.counters["frames_user"] / samples, "samples": samples,
            "ns": (total_ns - (runs - samples) * unwalked_ns) / samples}


def sample_bpfprof(depth, seconds, unwalked_ns):
    with measure.running(hosts.busy(depth)) as procs:
        pids = ",".join(str(proc.pid) for proc in procs)
        stats = tools.bpfprof(profile_args(["--pid", pids]), seconds)
    return walked(stats, unwalked_ns) if stats else None


def bpftrace_ticks(comm, work):
    """(runs, ns, stacks, mean user frames) of bpftrace's profile probe that looks at one program, while work() runs."""
    script = f'profile:hz:{HZ} /comm == "{comm}"/ {{ @[ustack(127)] = count(); }}'
    with tools.bpf_stats():
        peer = tools.Peer([tools.BPFTRACE, "-e", script], stdout=subprocess.PIPE, text=True)
        work()
        programs = peer.programs().values()
        peer.proc.send_signal(signal.SIGINT)
        out, _ = measure.await_end(peer.proc, 60)
    stacks = [(len(frames.split("\n")) - 2, int(cnt)) for frames, cnt in STACK.findall(out)]
    samples = sum(cnt for _, cnt in stacks)
    return (sum(item["run_cnt"] for item in programs), sum(item["run_time_ns"] for item in programs), samples,
            sum(frames * cnt for frames, cnt in stacks) / samples if samples else 0)


def bpftrace_walked(comm, work, unwalked_ns):
    """As walked(). Stacks taken between the reading and the end are a few in a thousand."""
    cnt, total_ns, samples, frames = bpftrace_ticks(comm, work)
    if not samples:
        return None
    return {"frames": frames, "samples": samples, "ns": (total_ns - max(0, cnt - samples) * unwalked_ns) / samples}


def sample_bpftrace(depth, seconds, unwalked_ns):
    program = tools.work("depth-fp")
    with measure.running(hosts.busy(depth, "depth-fp")):
        return bpftrace_walked(os.path.basename(program), lambda: time.sleep(seconds), unwalked_ns)


def bpftrace_other_ns(seconds):
    """What the same probe takes when it meets somebody else."""
    with measure.running(hosts.busy(10)):
        cnt, total_ns, _, _ = bpftrace_ticks("bench-nobody", lambda: time.sleep(seconds))
    return total_ns / cnt if cnt else None


def cold(unwalked_ns):
    """A compiler from its exec to its end: much code, so that rows and stacks are in no cache."""
    command = [tools.BIN, "--stats", *profile_args(["--", *workloads.cc1()])]
    proc = measure.start(command, stderr=subprocess.PIPE, text=True)
    _, err = measure.await_end(proc, 90)
    stats = tools.Stats(err)
    return walked(stats, unwalked_ns) if stats.complete else None


def paid_command(tool, pid, folder):
    if tool == "bare":
        return None
    if tool == "bpfprof":
        return [tools.BIN, "--no-trace", *tools.NO_BUDGET, "-P", "cpu", "--top=0", "-F", PAID_HZ, "-o", folder, "--pid", pid]
    if tool == "bpftrace":
        return [tools.BPFTRACE, "-e", f"profile:hz:{PAID_HZ} /pid == {pid}/ {{ @[kstack, ustack] = count(); }}"]
    return tools.perf_record(f"{folder}/perf.data", PAID_HZ, tool.split()[1], ["-p", pid])


def paid_rate(tool, seconds):
    """Nanoseconds of CPU time of 1,000 additions below a stack of PAID_DEPTH, median of 100 ms, while a tool samples it."""
    cpu = hosts.cpus()[-1]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, open(f"{folder}/times", "w+", encoding="ascii") as times:
        load = measure.start(["taskset", "-c", cpu, tools.work("rate" if tool == "bpfprof" else "rate-fp"), PAID_DEPTH], stdout=times)
        command = paid_command(tool, load.pid, folder)
        proc = measure.start(["taskset", "-c", hosts.cpus()[0], *command]) if command else None
        if proc:
            tools.await_attached(proc)
        value = measure.printed(times, seconds)
        if proc:
            measure.stop(proc)
        measure.stop(load, signal.SIGKILL)
    return value


def paid_us(rates, tool):
    """The share of its time that a program lost, as time a sample."""
    if isinstance(rates[tool], str):
        return rates[tool]
    return [None if ratio is None else (ratio - 1) / PAID_HZ * 1e6 for ratio in measure.ratios(rates[tool], rates["bare"])]


def paid_figure(quick):
    perf, bpftrace = tools.missing("perf"), tools.missing("bpftrace")
    tried = {"bare": "", "bpfprof": "", "perf fp": perf, "perf dwarf": perf, "bpftrace": bpftrace}
    rates = measure.alternated_known(1 if quick else 3, {
        tool: why or (lambda tool=tool: paid_rate(tool, 0.8)) for tool, why in tried.items()})
    return Figure(f"one CPU sample, {PAID_DEPTH} calls deep, as the program pays it", "us",
                  {tool: paid_us(rates, tool) for tool in rates if tool != "bare"}, 1,
                  note="interrupt and all; perf fp and bpftrace need frame pointers")


def piece(quick):
    runs, seconds = (1, 1) if quick else (3, 1.2)
    unwalked_ns = other_ns(seconds) or 0
    no_peer = tools.missing("bpftrace")
    peer_unwalked_ns = 0 if no_peer else bpftrace_other_ns(seconds) or 0
    tried = {("bpfprof", depth): lambda depth=depth: sample_bpfprof(depth, seconds, unwalked_ns) for depth in DEPTHS}
    tried.update({("bpftrace", depth): no_peer or (lambda depth=depth: sample_bpftrace(depth, seconds, peer_unwalked_ns))
                  for depth in FP_DEPTHS})
    found = measure.alternated_known(runs, tried)
    rows, points = [], []
    for (tool, depth), results in found.items():
        results = [] if isinstance(results, str) else [result for result in results if result]
        frames = statistics.median([result["frames"] for result in results] or [0])
        rows.append([tool, depth, f"{frames:.1f}", spread([result["ns"] for result in results], 0),
                     f"{1000 + 100 * frames:.0f}" if tool == "bpfprof" else "", sum(result["samples"] for result in results)])
        points += [(result["frames"], result["ns"]) for result in results if tool == "bpfprof"]
    cc1 = [result for result in (cold(unwalked_ns) for _ in range(1 if quick else 2)) if result]
    text = (f"One CPU sample of a loop below a stack of DEPTH calls, {HZ} Hz, a copy on each CPU, by the kernel's BPF statistics. bpfprof\n"
            f"walks by unwind tables, bpftrace by frame pointers. A tick that meets another process costs bpfprof {unwalked_ns:.0f} ns,\n"
            f"bpftrace {peer_unwalked_ns:.0f} ns; taken out.\n\n" +
            markdown.plain(["tool", "depth", "frames", "ns a sample", "budget ns", "samples"], rows))
    if len({x for x, _ in points}) > 1:
        base, slope = measure.linear_fit(points)
        text += f"\nbpfprof: {base:.0f} ns + {slope:.1f} ns a frame\n"
    if cc1:
        text += (f"gcc's cc1, {HZ} Hz: {spread([result['ns'] for result in cc1], 0)} ns for {cc1[0]['frames']:.0f} frames, "
                 "new stacks sent and the kernel's own walked\n")
    figures = [Figure(f"one CPU sample's program, {depth} calls deep", "us", {
        name: value if isinstance(value, str) else [None if item is None else item["ns"] / 1000 for item in value]
        for name, value in (("bpfprof", found["bpfprof", depth]), ("bpftrace, frame pointers", found.get(("bpftrace", depth)) or
                                                                     "walks 127 frames at the most"))}, 1) for depth in DEPTHS]
    return Piece(text, [*figures, paid_figure(quick)])
