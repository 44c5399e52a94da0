# SPDX-License-Identifier: GPL-2.0
"""/metrics as Prometheus reads it. Needs root."""
import os
import re
import subprocess

import pytest

from conftest import BIN, ROOT, wait_until
from promtool import promtool
from serve_helpers import Server

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not os.access(BIN, os.X_OK), reason=f"{BIN} is not built"),
]

# Some processes that each use a little of a CPU.
NAP = "import time\nwhile True: sum(range(20000)); time.sleep(0.02)"


def check(tool, text):
    return subprocess.run([tool, "check", "metrics"], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False)


def losses():
    """Every counter of a loss in the kernel half, by the one table that names them."""
    with open(os.path.join(ROOT, "bpf", "counters.h"), encoding="utf-8") as file:
        return set(re.findall(r"COUNTER\((\w+), 1,", file.read()))


def test_promtool_finds_nothing_to_say(tmp_path, programs):
    tool = promtool()
    broken = check(tool, "# TYPE a counter\na 1\n")
    assert broken.returncode and "_total" in broken.stdout, "promtool says nothing of a counter without _total"
    for _ in range(14):
        programs.python(NAP)
    server = Server(tmp_path)
    try:
        assert wait_until(lambda: len(server.get("/api/processes?seconds=60").json()["processes"]) >= 14, 60)
        assert wait_until(lambda: "bpfprof_sched_runqueue " in server.get("/metrics").text(), 60)
        text = server.get("/metrics").text()
        done = check(tool, text)
        assert done.returncode == 0 and not done.stdout.strip(), done.stdout
        series = re.findall(r"^([a-z_]+)(\{.*\})? (\S+)$", text, re.M)
        families = {name for name, _, _ in series}
        assert {"bpfprof_cpu_seconds_total", "bpfprof_resident_memory_bytes", "bpfprof_map_memory_bytes",
                "bpfprof_cpu_samples_total", "bpfprof_cpu_frequency_hertz", "bpfprof_lost_total",
                "bpfprof_sched_wait_seconds_bucket", "bpfprof_sched_wait_seconds_sum",
                "bpfprof_process_cpu_seconds_total"} <= families
        lost = {labels for name, labels, _ in series if name == "bpfprof_lost_total"}
        assert {f'{{name="{name}"}}' for name in losses()} <= lost
        assert sum(name == "bpfprof_process_cpu_seconds_total" for name, _, _ in series) == 10
    finally:
        server.stop()
