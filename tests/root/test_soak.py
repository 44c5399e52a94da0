# SPDX-License-Identifier: GPL-2.0
"""A quarter of a minute of `make soak`: everything in it takes place, bpfprof lives through it, and the sums are right. That
nothing grows takes longer to see."""
import importlib.util
import os
import re
import subprocess

import pytest

from conftest import BIN, ROOT, SYSTEM_PATH, require_root

SECONDS_MAX = 500
S = 1000000000


def test_a_short_soak():
    require_root()
    done = subprocess.run([os.path.join(ROOT, "tools", "soak"), "--build", os.path.dirname(BIN), "--minutes", "0.25", "--rate",
                           "100"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=SECONDS_MAX, env={**os.environ, "PATH": SYSTEM_PATH}, check=False)
    assert done.returncode == 0, done.stdout
    acts = re.search(r"^  (\d+ .*full disk.*)$", done.stdout, re.M)[1]
    for name in ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGSTOP", "clock step", "container", "exec storm", "new library", "thread churn"):
        assert re.search(rf"\b[1-9]\d* {name}", acts), done.stdout


# ---- the soak itself finds what it is there to find ----

@pytest.fixture(name="monitor")
def _monitor():
    spec = importlib.util.spec_from_file_location("soak_figures", os.path.join(ROOT, "tools", "soak.d", "figures.py"))
    figures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figures)
    return figures.Monitor(None, 0, 1)


@pytest.mark.parametrize("key, growth, is_found", [("rss_kib", 1.04, False), ("rss_kib", 1.2, True), ("fds", 1.2, True),
                                                   ("map_kib", 1.2, True)])
def test_soak_finds_growth(monitor, key, growth, is_found):
    for i in range(100):
        row = {"at": i, "rss_kib": 40000, "map_kib": 30000, "fds": 500}
        row[key] *= 1 + (growth - 1) * i / 100
        monitor.rows.append(row)
    table, failures = monitor.check_flat(20)
    assert len(table) == 3 and bool(failures) == is_found, failures


def test_soak_is_not_misled_by_what_comes_and_goes(monitor):
    """What is asked for now and then, of late nearly all the time."""
    for i in range(100):
        busy = i % 4 == 0 if i < 70 else i % 8 != 0
        monitor.rows.append({"at": i, "rss_kib": 54000 if busy else 40000, "map_kib": 40000 if busy else 30000, "fds": 400 + 150 * busy})
    table, failures = monitor.check_flat(20)
    assert len(table) == 3 and not failures, failures


@pytest.mark.parametrize("share, lost, is_found", [(1.0, 0, False), (1.015, 0, False), (0.9, 0, True), (1.1, 0, True),
                                                   (0.9, 500, False)])
def test_soak_finds_what_is_missing(monitor, share, lost, is_found):
    """Of 60 s of CPU time; samples that a counter tells of may be missing, and no others."""
    monitor.lost = {"samples_map_full": lost}
    monitor.control = [(i * share * S, i * S, i * S) for i in range(61)]
    _, failures = monitor.check_control(S // 99, 0)
    assert bool(failures) == is_found, failures
