# SPDX-License-Identifier: GPL-2.0
"""The unit as systemd runs it: its sandbox, socket activation, readiness, reload, a restart that nobody notices, the past; and a
daemon that hangs."""
import os
import re
import socket
import time

import pytest

import workload_helpers as w
from booted import SYSTEMD, Booted, cgroup2_root
from conftest import BIN, require_root, wait_until
from serve_helpers import profile_of, request

DROP_IN = """[Service]
Environment="BPFPROF_OPTIONS=--retain /var/lib/bpfprof,10M,1h,2s"
StandardError=append:/run/bpfprof.log
"""
# SIGABRT, which a watchdog sends first, waits for a process that is stopped: SIGKILL follows.
WATCHED = """WatchdogSec=4s
TimeoutAbortSec=1s
ExecStopPost=/bin/sh -c 'echo "$SERVICE_RESULT" >> /run/results'
"""


@pytest.fixture
def unit(request):
    """The unit in a systemd of its own; a parameter is more of its [Service] section."""
    require_root()
    if not os.path.exists(SYSTEMD) or not cgroup2_root():
        pytest.skip("needs systemd and a cgroup2 mount")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with open(os.path.join(w.ROOT, "systemd", "bpfprof.service"), encoding="utf-8") as file:
        text = file.read().replace("@SBINDIR@", "/srv")
    booted = Booted(BIN, {"bpfprof.service": text, "bpfprof.service.d/test.conf": DROP_IN + getattr(request, "param", ""),
                          "bpfprof.socket": f"[Socket]\nListenStream=127.0.0.1:{port}\n"}, ["bpfprof.socket"])
    booted.port = port
    yield booted
    booted.end()


def test_the_unit_runs_as_a_service(unit, tmp_path):
    unit.wait_for("bpfprof.socket", ActiveState="active")
    # the first request starts it
    status = request(unit.port, "/api/status").json()
    assert status["host"] and status["root"]
    shown = unit.wait_for("bpfprof.service", ActiveState="active", SubState="running", StatusText="profiling", NRestarts="0")
    caps = dict(re.findall(r"^(Cap\w+|NoNewPrivs):\s+(\w+)$", unit.run("cat", f"/proc/{shown['MainPID']}/status"), re.M))
    assert caps["CapEff"] == caps["CapPrm"] == caps["CapBnd"] == f"{1 << 39 | 1 << 38 | 1 << 19 | 1 << 2 | 1 << 34:016x}", caps
    assert caps["NoNewPrivs"] == "1"
    # profiles at once and on demand, with all that the unit forbids: of the service manager itself, which is process 1 here
    for name in ("profile?seconds=1&", "heap?", "block?seconds=1&", "threads?"):
        profile = profile_of(request(unit.port, f"/debug/pprof/{name}pid=1"), tmp_path)
        assert profile.sample_types, name
    assert profile.samples and any("systemd" in mapping for mapping in profile.mappings)
    # what it keeps is in its state directory
    assert wait_until(lambda: request(unit.port, "/api/retained").json()["profiles"], 60)
    assert "cpu-" in unit.run("ls", "/var/lib/bpfprof")
    # reload
    unit.run("systemctl", "reload", "bpfprof.service")
    assert wait_until(lambda: "reloaded: no file to read again" in unit.run("cat", "/run/bpfprof.log"), 60)
    assert unit.show("bpfprof.service")["MainPID"] == shown["MainPID"]
    # a restart: the socket stays, who asks meanwhile waits; what was kept is still there
    oldest = request(unit.port, "/api/retained").json()["profiles"][0]
    unit.run("systemctl", "restart", "--no-block", "bpfprof.service")
    assert request(unit.port, "/debug/pprof/cmdline").status == 200
    again = unit.wait_for("bpfprof.service", ActiveState="active", SubState="running", StatusText="profiling")
    assert again["MainPID"] != shown["MainPID"] or wait_until(
        lambda: unit.show("bpfprof.service")["MainPID"] not in ("0", shown["MainPID"]), 60)
    assert request(unit.port, f"/debug/pprof/profile?time={oldest['time']}").status == 200
    unit.run("systemctl", "stop", "bpfprof.socket", "bpfprof.service")
    ended = unit.wait_for("bpfprof.service", ActiveState="inactive")
    assert ended["Result"] == "success" and ended["ExecMainStatus"] == "0", ended
    assert not re.search(r"cannot|not permitted|denied", unit.run("cat", "/run/bpfprof.log"))


@pytest.mark.parametrize("unit", [WATCHED], indirect=True, ids=["watchdog"])
def test_a_daemon_that_hangs_is_started_again(unit):
    unit.wait_for("bpfprof.socket", ActiveState="active")
    assert request(unit.port, "/api/status").status == 200
    shown = unit.wait_for("bpfprof.service", ActiveState="active", SubState="running", StatusText="profiling")
    unit.run("kill", "-STOP", shown["MainPID"])
    assert wait_until(lambda: "watchdog" in unit.run("cat", "/run/results", check=False), 120)
    assert request(unit.port, "/api/status").status == 200
    again = unit.wait_for("bpfprof.service", ActiveState="active", SubState="running", StatusText="profiling")
    assert again["MainPID"] != shown["MainPID"] and int(again["NRestarts"]) >= 1
