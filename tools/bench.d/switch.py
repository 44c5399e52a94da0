# SPDX-License-Identifier: GPL-2.0
"""Piece switch: what a context switch costs beside each tool."""
import subprocess

import hosts
import markdown
import measure
import tools
from figures import Figure, Piece, spread
from measure import column, minus

SWITCH_PROGRAMS = ("sched_switch", "offcpu_switch", "sched_switch_ex", "handle_sched_sw", "sched_switch_bt")
LINES, BLOCK, ALL = "bpfprof, SCHED lines", "bpfprof -P block", "bpfprof -P block,mutex,sched"


def pingpong(rounds):
    out = subprocess.run([tools.work("pingpong"), str(rounds), str(hosts.cpus()[-1])], capture_output=True, text=True, timeout=120).stdout
    return float(out) if out.strip() else None


def beside(args, rounds):
    """CPU ns a switch beside a tool; the kernel's BPF statistics are off."""
    if not args:
        return pingpong(rounds)
    with measure.running([args], settle_s=0) as procs:
        tools.await_attached(procs[0])
        return pingpong(rounds)


def host_switches():
    with open("/proc/stat", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("ctxt"))


def programs(args, rounds):
    """{ns a run of the sched_switch program, ns a switch of all its programs}"""
    with tools.bpf_stats():
        peer = tools.Peer(args)
        before = host_switches()
        pingpong(rounds)
        switches = host_switches() - before
        cnt, total_ns = peer.ran(*SWITCH_PROGRAMS)
        _, all_ns = peer.ran()
        peer.stop()
    return {"program": total_ns / cnt, "all": all_ns / switches} if cnt and switches else None


def piece(quick):
    runs, rounds = (1, 50000) if quick else (3, 100000)
    ours = [tools.BIN, "--listen", "off"]
    commands = {LINES: ours, BLOCK: [*ours, "--no-trace", "-P", "block"], ALL: [*ours, "--no-trace", "-P", "block,mutex,sched"],
                "runqlat": tools.missing("runqlat") or [tools.RUNQLAT, 1000],
                "offcputime": tools.missing("offcputime") or [tools.OFFCPUTIME, 1000]}
    slow = measure.alternated_known(runs, {"bare": lambda: pingpong(rounds), **{
        name: args if isinstance(args, str) else (lambda a=args: beside(a, rounds)) for name, args in commands.items()}})
    cost = measure.alternated_known(max(1, runs // 2), {
        name: args if isinstance(args, str) else (lambda a=args: programs(a, rounds)) for name, args in commands.items()})
    added = {name: values if isinstance(values, str) else minus(values, slow["bare"]) for name, values in slow.items()}
    rows = [[name, *([values] if isinstance(values, str) else [
        spread(values, 0), spread(measure.ratios(values, slow["bare"]), 3), spread(column(cost.get(name, []), "program"), 0),
        spread(column(cost.get(name, []), "all"), 0)])] for name, values in slow.items()]
    rows = [row + [""] * (5 - len(row)) for row in rows]
    text = (f"A pipe ping-pong of two processes on one CPU, {rounds} rounds of two switches and two wake-ups: CPU time of both. BPF columns from runs with\n"
            "the kernel's BPF statistics on.\n\n" +
            markdown.plain(["beside", "CPU ns a switch", "ratio to bare", "sched_switch program ns", "all its programs, ns a switch"], rows))

    def figure(what, ours_name, peer):
        return Figure(what, "ns", {"bpfprof": added[ours_name], peer: added[peer]}, 0)

    def program_figure(what, ours_name, peer):
        return Figure(what, "ns", {tool: found if isinstance(found, str) else column(found, "program") for tool, found in (
            ("bpfprof", cost[ours_name]), (peer, cost[peer]))}, 0)

    return Piece(text, [
        figure("a context switch and its wake-up, run-queue waits", LINES, "runqlat"),
        figure("a context switch and its wake-up, off-CPU stacks", BLOCK, "offcputime"),
        program_figure("the sched_switch program, run-queue waits", LINES, "runqlat"),
        program_figure("the sched_switch program, off-CPU stacks", BLOCK, "offcputime"),
    ])
