# SPDX-License-Identifier: GPL-2.0
"""Sections sample, cold and switch: what one run of a BPF program costs."""
import os
import re
import signal
import statistics
import subprocess
import time

import measure
import tools
import workloads
from measure import summary

HZ = 999
STACK = re.compile(r"^@\[(\n.*?^|)\]: (\d+)$", re.M | re.S)
DEPTHS = (10, 60, 200, 500)
FP_DEPTHS = (10, 40, 80, 115)  # kernel.perf_event_max_stack is 127


def on_every_cpu(program, depth):
    """One copy pinned to each CPU, so that nearly every tick meets one of them."""
    return [["taskset", "-c", cpu, program, depth, 10000] for cpu in sorted(os.sched_getaffinity(0))]


def pids(procs):
    return ",".join(str(proc.pid) for proc in procs)


def profile_args(rest):
    """A CPU profile at HZ that is written but not shown."""
    return ["--no-trace", "-P", "cpu", "--top=0", "-F", HZ, "-o", tools.WORK, *rest]


def other_ns(seconds):
    """What cpu_sample takes when it meets a process that is not profiled."""
    with measure.running(on_every_cpu(tools.work("depth"), 10) + [["sleep", 1000]]) as procs:
        stats = tools.bpfprof(profile_args(["--pid", procs[-1].pid]), seconds)
    return stats.mean_ns("cpu_sample") if stats else None


def walked(stats, unwalked_ns):
    """(mean user frames, ns a walked sample, walked samples): without the ticks that met others."""
    runs, total_ns = stats.programs.get("cpu_sample", (0, 0))
    samples = sum(stats.ends().values())
    if not samples:
        return None
    return stats.counters["frames_user"] / samples, (total_ns - (runs - samples) * unwalked_ns) / samples, samples


def sample_bpfprof(program, depth, seconds, unwalked_ns):
    with measure.running(on_every_cpu(program, depth)) as procs:
        stats = tools.bpfprof(profile_args(["--pid", pids(procs)]), seconds)
    return walked(stats, unwalked_ns) if stats else None


def bpftrace_ticks(comm, work):
    """(runs, ns, stacks, mean user frames) of bpftrace's profile probe that looks at one program, while work() runs."""
    script = f'profile:hz:{HZ} /comm == "{comm}"/ {{ @[ustack(127)] = count(); }}'
    with tools.bpf_stats():
        peer = tools.Peer([tools.BPFTRACE, "-e", script], 1.5, stdout=subprocess.PIPE, text=True)
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
    return (frames, (total_ns - max(0, cnt - samples) * unwalked_ns) / samples, samples) if samples else None


def sample_bpftrace(program, depth, seconds, unwalked_ns):
    with measure.running(on_every_cpu(program, depth)):
        return bpftrace_walked(os.path.basename(program), lambda: time.sleep(seconds), unwalked_ns)


def bpftrace_other_ns(seconds):
    """What the same probe takes when it meets somebody else."""
    with measure.running(on_every_cpu(tools.work("depth"), 10)):
        cnt, total_ns, _, _ = bpftrace_ticks("bench-nobody", lambda: time.sleep(seconds))
    return total_ns / cnt if cnt else None


def cold_bpftrace(command, unwalked_ns):
    def work():
        measure.await_end(measure.start(command), 90)
    return bpftrace_walked(os.path.basename(command[0])[:15], work, unwalked_ns)


def section_sample(quick):
    runs, seconds = (1, 1.5) if quick else (3, 2.5)
    unwalked = [other_ns(seconds) for _ in range(runs)]
    unwalked_ns = statistics.median(value for value in unwalked if value is not None)
    peer_ns = [bpftrace_other_ns(seconds) for _ in range(runs)] if tools.BPFTRACE else []
    peer_unwalked_ns = statistics.median(peer_ns) if peer_ns else 0
    variants = {}
    for depth in DEPTHS:
        variants["tables", depth] = lambda d=depth: sample_bpfprof(tools.work("depth"), d, seconds, unwalked_ns)
    if tools.BPFTRACE:
        for depth in FP_DEPTHS:
            variants["fp", depth] = lambda d=depth: sample_bpftrace(
                tools.work("depth-fp"), d, seconds, peer_unwalked_ns)
    measure.say(f"sample: {len(variants)} programs x {runs} runs")
    results = measure.alternated(runs, variants)
    rows, fits = [], {}
    for (kind, depth), found in results.items():
        if not found:
            continue
        tool = "bpfprof, no frame pointers" if kind == "tables" else "bpftrace ustack(127), frame pointers"
        frames = statistics.median(item[0] for item in found)
        rows.append([tool, depth, f"{frames:.1f}", summary([item[1] for item in found], 0),
                     f"{1000 + 100 * frames:.0f}" if kind == "tables" else "-", sum(item[2] for item in found)])
        fits.setdefault(kind, []).extend((item[0], item[1]) for item in found)
    text = (f"One CPU sample of a loop below a stack of DEPTH calls, {HZ} Hz, a copy on each CPU, by the kernel's BPF\n"
            f"statistics. A tick that meets another process costs bpfprof {summary(unwalked, 0)} ns, bpftrace\n"
            f"{summary(peer_ns, 0)} ns; taken out.\n\n")
    text += measure.format_table(["tool", "depth", "frames", "ns a sample", "budget ns", "samples"], rows) + "\n"
    for kind, points in fits.items():
        base, slope = measure.linear_fit(points)
        text += f"fit, {'bpfprof' if kind == 'tables' else 'bpftrace'}: {base:.0f} ns + {slope:.1f} ns a frame\n"
    return text


def cold_bpfprof(command, unwalked_ns):
    proc = measure.start([tools.BIN, "--stats", *profile_args(["--", *command])], stderr=subprocess.PIPE, text=True)
    _, err = measure.await_end(proc, 90)
    stats = tools.Stats(err)
    return (*walked(stats, unwalked_ns), stats) if stats.complete and walked(stats, unwalked_ns) else None


def section_cold(quick):
    runs = 1 if quick else 3
    unwalked_ns = other_ns(1.5) or 0
    peer_unwalked_ns = bpftrace_other_ns(1.5) or 0 if tools.BPFTRACE else 0
    measure.say(f"cold: {runs} runs")
    variants = {}
    for command in (workloads.cc1(), workloads.xz(), workloads.python()):
        name = os.path.basename(command[0])
        variants[name, "bpfprof"] = lambda c=command: cold_bpfprof(c, unwalked_ns)
        if tools.BPFTRACE:
            variants[name, "bpftrace"] = lambda c=command: cold_bpftrace(c, peer_unwalked_ns)
    rows = []
    for (name, tool), results in measure.alternated(runs, variants).items():
        ends = {}
        for result in results if tool == "bpfprof" else []:
            for end, cnt in result[3].ends().items():
                ends[end] = ends.get(end, 0) + cnt
        frames = statistics.median([result[0] for result in results] or [0])
        rows.append([name, tool, f"{frames:.1f}", summary([result[1] for result in results], 0),
                     f"{1000 + 100 * frames:.0f}" if ends else "-", sum(result[2] for result in results),
                     summary([result[3].complete_pct() for result in results], 2) if ends else "-",
                     " ".join(f"{end}:{cnt}" for end, cnt in ends.items() if cnt and end != "root") or "-"])
    text = (f"The same in real programs with cold caches, {HZ} Hz, from their exec to their end. A sample taken inside\n"
            f"the kernel has a kernel stack too. Ticks of other processes ({unwalked_ns:.0f} and {peer_unwalked_ns:.0f} ns) are "
            "taken out.\nbpftrace's walk ends early: nothing here keeps frame pointers.\n\n")
    return text + measure.format_table(
        ["program", "tool", "frames", "ns a sample", "budget ns", "samples", "complete %", "the other stacks"], rows)


def pingpong(rounds):
    cpu = max(os.sched_getaffinity(0))
    command = [tools.work("pingpong"), str(rounds), str(cpu)]
    out = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    return float(out) if out.strip() else None


def switch_under(args, rounds):
    """ns a switch of the ping-pong beside a tool; the kernel's BPF statistics are off."""
    if not args:
        return pingpong(rounds)
    with measure.running([args], settle_s=2):
        return pingpong(rounds)


def switch_programs(args, rounds):
    """(ns a run of the sched_switch program, ns a switch of all its programs)"""
    with tools.bpf_stats():
        peer = tools.Peer(args, 2)
        before = host_switches()
        pingpong(rounds)
        switches = host_switches() - before
        cnt, total_ns = peer.ran("sched_switch", "offcpu_switch", "sched_switch_ex", "handle_sched_sw", "sched_switch_bt")
        _, all_ns = peer.ran()
        peer.stop()
    return (total_ns / cnt, all_ns / switches) if cnt and switches else None


def host_switches():
    with open("/proc/stat", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("ctxt"))


def section_switch(quick):
    runs, rounds = (2, 100000) if quick else (5, 300000)
    commands = {"bare": None, "bpfprof": [tools.BIN], "bpfprof --no-trace": [tools.BIN, "--no-trace"]}
    for profiles in ("block", "block,mutex,sched"):
        commands[f"bpfprof --no-trace -P {profiles}"] = [tools.BIN, "--no-trace", "-P", profiles]
    if tools.RUNQLAT:
        commands["runqlat"] = [tools.RUNQLAT, 1000]
    if tools.OFFCPUTIME:
        commands["offcputime"] = [tools.OFFCPUTIME, 1000]
    measure.say(f"switch: {len(commands)} x {runs} runs")
    slow = measure.alternated(runs, {name: lambda a=args: switch_under(a, rounds) for name, args in commands.items()})
    cost = measure.alternated(max(1, runs // 2 + 1), {name: lambda a=args: switch_programs(a, rounds // 2)
                                          for name, args in commands.items() if args and args[1:] != ["--no-trace"]})
    rows = []
    for name, values in slow.items():
        programs = cost.get(name, [])
        rows.append([name, summary(values, 0), summary(measure.ratios(values, slow["bare"]), 3),
                     summary([item[0] for item in programs], 0), summary([item[1] for item in programs], 0)])
    text = (f"A pipe ping-pong of two processes on one CPU, {rounds} rounds of two switches and two wake-ups. BPF\n"
            "columns from runs with the kernel's BPF statistics on.\n\n")
    head = ["beside", "ns a switch", "ratio to bare", "sched_switch program ns", "all its programs, ns a switch"]
    return text + measure.format_table(head, rows)
