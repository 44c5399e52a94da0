# SPDX-License-Identifier: GPL-2.0
"""Other people's tools that measure waits, for the tests and for tools/compare-waits."""
import collections
import re
import shutil
import signal
import subprocess

SBIN = "/usr/sbin:/usr/bin:/sbin:/bin"
OFFCPUTIME, RUNQLAT, BPFTRACE = (shutil.which(name, path=SBIN) for name in ("offcputime", "runqlat", "bpftrace"))

# runqlat.bt of bpftrace, with a sum and a count for each thread in the place of its histogram; and threads that were preempted wait too:
# since Linux 4.15 they have prev_state 0x100, that is none of the bits of those that sleep.
RUN_QUEUE = """
tracepoint:sched:sched_wakeup, tracepoint:sched:sched_wakeup_new { @since[args->pid] = nsecs; }
tracepoint:sched:sched_switch
{
	if ((args->prev_state & 0xff) == 0) { @since[args->prev_pid] = nsecs; }
	$since = @since[args->next_pid];
	if ($since) {
		@ns[args->next_pid, args->next_comm] = sum(nsecs - $since);
		@cnt[args->next_pid, args->next_comm] = count();
		delete(@since[args->next_pid]);
	}
}
interval:ms:100 { printf("attached\\n"); }
END { clear(@since); }
"""
# Its own mount namespace: nothing to unmount.
IN_TRACEFS = ["unshare", "--mount", "sh", "-c", 'mount -t tracefs tracefs /sys/kernel/tracing; exec "$@"', "sh"]


def kernel_part(functions):
    """What called the scheduler, up to the system call's entry; () if there was none."""
    functions = list(functions)
    if "schedule" in functions:
        functions = functions[functions.index("schedule") + 1:]
    return tuple(functions[:functions.index("do_syscall_64")]) if "do_syscall_64" in functions else ()


def offcputime_totals(text):
    """{(thread, kernel functions from what called schedule on): us} of offcputime's output."""
    totals = collections.Counter()
    for block in text.split("\n\n"):
        match = re.search(r"^ +- +(\S+) \(\d+\)\n +(\d+)$", block, re.MULTILINE)
        frames = [line.strip() for line in block.splitlines()]
        if match and "schedule" in frames:
            totals[match[1], kernel_part(frames)] += int(match[2])
    return totals


Waits = collections.namedtuple("Waits", "ns cnt")  # of one thread


class RunQueue:
    """bpftrace's sums of the time that threads wait for a CPU, from when this is made until finish()."""

    def __init__(self):
        self.proc = subprocess.Popen([*IN_TRACEFS, BPFTRACE, "-B", "line", "-e", RUN_QUEUE], stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.proc.stdout.readline() not in ("attached\n", "Attaching 5 probes...\n"):
            raise AssertionError(f"bpftrace: {self.finish_text()}")
        while self.proc.stdout.readline() not in ("attached\n", ""):
            pass

    def finish_text(self):
        self.proc.send_signal(signal.SIGINT)
        try:
            return "".join(self.proc.communicate(timeout=60))
        finally:
            self.close()

    def finish(self):
        """{(tid, comm): Waits} of the whole host"""
        rows = re.findall(r"^@(ns|cnt)\[(\d+), (.*)\]: (\d+)$", self.finish_text(), re.MULTILINE)
        values = {(what, int(tid), comm): int(value) for what, tid, comm, value in rows}
        return {key[1:]: Waits(value, values["cnt", *key[1:]]) for key, value in values.items() if key[0] == "ns"}

    def close(self):
        if self.proc.poll() is None:
            self.proc.kill()
            self.proc.communicate()
