# SPDX-License-Identifier: GPL-2.0
"""What is read of bpfprof all along, and what it has to be like at the end."""
import math
import os
import threading
import time

FLAT = 0.05
SIGMAS = 6  # of a count of samples: a false alarm in 500 million looks
TIMEOUT_S = 120
SLACK = {"rss_kib": 1024, "map_kib": 256, "fds": 12}  # what one file more or one profile in flight makes
UNITS = {"rss_kib": "RSS, KiB", "map_kib": "BPF maps, KiB", "fds": "descriptors"}


def cpu_ns(pid):
    """What the scheduler accounts to a process, all its threads."""
    total = 0
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


def allowed_ns(cpu, period_ns, windows=1):
    """By how much sampled CPU time may differ from the scheduler's: chance, and where windows begin and end."""
    return SIGMAS * math.sqrt(max(cpu, period_ns) * period_ns) + 0.02 * cpu + 2 * windows * period_ns


class Monitor:
    """Reads the daemon once a period, in a thread of its own."""

    def __init__(self, daemon, control_pid, period_s):
        self.daemon, self.control_pid, self.period_s = daemon, control_pid, period_s
        self.rows, self.failures = [], []
        self.lost = {}
        self.first_lost = None
        self.control = []  # (sampled ns, scheduler's ns)
        self.host = []  # sampled ns
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def start(self):
        self.thread.start()

    def stop(self):
        self.ended.set()
        self.thread.join(TIMEOUT_S + 10)

    def _run(self):
        while not self.ended.wait(self.period_s):
            try:
                self.read()
            except Exception as error:  # pylint: disable=broad-except
                if not self.ended.is_set():
                    self.failures.append(f"cannot read the daemon: {error!r}")
                    return

    def read(self):
        before = cpu_ns(self.control_pid)
        metrics = self.daemon.metrics(TIMEOUT_S)
        after = cpu_ns(self.control_pid)
        self.rows.append({"at": time.monotonic(), "rss_kib": self.daemon.rss_kib(),
                          "map_kib": metrics["bpfprof_map_memory_bytes", ""] / 1024,
                          "fds": sum(self.daemon.descriptors().values()),
                          "cpu_s": metrics["bpfprof_cpu_seconds_total", ""]})
        self.lost = {labels.split('"')[1]: value for (name, labels), value in metrics.items()
                     if name == "bpfprof_lost_total"}
        self.first_lost = self.first_lost or dict(self.lost)
        mine = [value for (name, labels), value in metrics.items()
                if name == "bpfprof_process_cpu_seconds_total" and f'pid="{self.control_pid}"' in labels]
        if mine:
            self.control.append((mine[0] * 1e9, before, after))

    def check_control(self, period_ns, lag_ns):
        """The control process's sum against the scheduler's, at every look: (worst share, failures)."""
        failures, worst = [], 0.0
        if len(self.control) < 2:
            return 0.0, ["the control process was seen in less than two looks"]
        first_sampled, first_before, first_after = self.control[0]
        for sampled, before, after in self.control[1:]:
            least, most = before - first_after, after - first_before
            lost_ns = sum(self.lost.get(name, 0) for name in ("samples_map_full", "samples_no_scratch",
                                                             "samples_epoch_race", "samples_refused")) * period_ns
            slack = allowed_ns(most, period_ns) + lag_ns
            delta = sampled - first_sampled
            off = max(least - delta, delta - most, 0)
            worst = max(worst, off / max(most, 1) if most > 50 * period_ns else 0)
            if delta > most + slack or delta < least - slack - lost_ns:
                failures.append(f"the control process: {delta / 1e9:.2f} s sampled of {most / 1e9:.2f} s")
        return worst, failures[:3]

    def check_flat(self, warm_up_until):
        """(rows of a table, failures). The first quarter after the warm-up against the last one, by the lowest of their looks:
        a leak raises that too. What is attached while somebody asks for it comes and goes: BPF objects that are being
        loaded take 14 MiB of RSS for a second, and of a host that is short of CPUs more requests overlap at any moment."""
        rows = [row for row in self.rows if row["at"] >= warm_up_until]
        quarter = len(rows) // 4
        table, failures = [], []
        if quarter < 2:
            return [], []
        for key, unit in UNITS.items():
            first, last = ([row[key] for row in part] for part in (rows[:quarter], rows[-quarter:]))
            before, after = min(first), min(last)
            growth = after - before
            table.append((unit, before, after, f"{100 * growth / max(before, 1):+.1f} %", max(row[key] for row in rows)))
            if growth > FLAT * before + SLACK[key]:
                failures.append(f"{unit}: {before:.0f} after the warm-up, {after:.0f} at the end")
        return table, failures
