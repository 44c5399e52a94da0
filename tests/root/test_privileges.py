# SPDX-License-Identifier: GPL-2.0
"""--check tells what is allowed; what is not needed any more is given up once everything is attached."""
import os
import re
import signal
import subprocess

import pytest

import workload_helpers as w
from conftest import BIN, require_root, wait_until
from serve_helpers import Server, profile_of

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
NUMBERS = {"kill": 5, "dac_override": 1, "dac_read_search": 2, "fowner": 3, "sys_ptrace": 19, "sys_admin": 21, "syslog": 34,
           "perfmon": 38, "bpf": 39, "checkpoint_restore": 40}
FIVE = ("bpf", "perfmon", "sys_ptrace", "dac_read_search", "syslog")


@pytest.fixture(autouse=True)
def _root():
    require_root()


def mask(*names):
    return sum(1 << NUMBERS[name] for name in names)


def paranoid():
    with open("/proc/sys/kernel/perf_event_paranoid", encoding="ascii") as file:
        return int(file.read())


def kept(*more):
    return mask(*FIVE, "checkpoint_restore", *more, *(("sys_admin",) if paranoid() > 2 else ()))


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
        text = file.read()
    caps = {name: int(value, 16) for name, value in re.findall(r"^Cap(\w+):\s+(\w+)$", text, re.M)}
    return {**caps, "no_new_privs": int(re.search(r"^NoNewPrivs:\s+(\d)$", text, re.M)[1])}


# ---- --check ----

def check(*under, program=BIN):
    done = subprocess.run([*under, program, "--check"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=180,
                          check=False)
    assert done.stderr == "", done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:2] == ["WHAT", "HERE"]
    rows = {line[:24].strip(): (line[26:30].strip(), line[32:]) for line in lines[1:-1]}
    assert all(grade in ("yes", "less", "no") and text for grade, text in rows.values()), done.stdout
    gaps = {what for what, (grade, _) in rows.items() if grade == "no"}
    assert done.returncode == (1 if gaps else 0), done.stdout
    assert lines[-1].startswith(f"{len(gaps)} of these" if gaps else "everything works here"), done.stdout
    return rows, gaps, done.stdout


def test_check_as_root():
    rows, gaps, text = check()
    assert not gaps, text
    assert {"kernel", "BTF", "perf_event_paranoid", "open files", "CAP_BPF", "CAP_SYSLOG", "kernel functions", "SCHED lines",
            "-P cpu", "-P heap, heap lines", "-P block", "-P mutex", "-P threads", "-P sched", "-P threadcreate", "-P wall"} <= set(rows)


def test_check_as_nobody(open_folder):
    rows, gaps, text = check(*NOBODY, program=os.path.join(open_folder, "bpfprof"))
    assert {"CAP_BPF", "CAP_PERFMON", "CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH", "CAP_SYSLOG", "SCHED lines", "-P cpu", "-P block",
            "-P heap, heap lines", "-P threads"} <= gaps, text
    assert rows["kernel"][0] == rows["BTF"][0] == "yes"
    assert "not permitted" in rows["-P cpu"][1] or "denied" in rows["-P cpu"][1]


@pytest.mark.parametrize("lacking, expected", [
    ("syslog", {"CAP_SYSLOG", "kernel functions"}),
    ("sys_ptrace,dac_read_search", {"CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"}),
    ("bpf", {"CAP_BPF", "SCHED lines", "-P cpu", "-P block", "-P heap, heap lines"}),
    ("perfmon", {"CAP_PERFMON", "SCHED lines", "-P cpu", "-P block", "-P heap, heap lines"}),
])
def test_check_with_capabilities_less(lacking, expected):
    """Of the five; root itself is no help beside them."""
    if paranoid() > 2:
        pytest.skip("CAP_SYS_ADMIN is asked for, which stands for others")
    names = ",+".join(name for name in FIVE if name not in lacking.split(","))
    rows, gaps, text = check("setpriv", f"--bounding-set=-all,+{names}")
    assert expected <= gaps, text
    if lacking not in ("bpf", "perfmon"):
        assert gaps == expected, text
        assert rows["-P cpu"][0] == rows["SCHED lines"][0] == "yes", text


# ---- what is given up ----

def test_the_daemon_keeps_what_it_needs(tmp_path, programs):
    """And all that it does on demand works with them."""
    busy = programs.python("import time\nwhile True: b = [bytearray(9000) for _ in range(99)]; time.sleep(0.001)")
    server = Server(tmp_path, "--max-overhead", "100")
    try:
        found = wait_until(lambda: (status := status_of(server.proc.pid))["Eff"] == kept() and status, 30)
        assert found == {"Inh": 0, "Prm": kept(), "Eff": kept(), "Bnd": kept(), "Amb": 0, "no_new_privs": 1}, found
        for name in ("profile", "heap", "block", "mutex", "threads", "threadcreate"):
            url = f"/debug/pprof/{name}?pid={busy.pid}&seconds=1"
            assert profile_of(server.get(url), tmp_path).sample_types, name
            if name in ("profile", "heap", "block"):
                assert wait_until(lambda url=url: profile_of(server.get(url), tmp_path).samples, 30), name
        assert status_of(server.proc.pid)["Eff"] == kept()
    finally:
        assert server.stop() == 0, server.log()


def test_a_command_keeps_what_the_caller_had(bpfprof):
    mine = subprocess.run(["grep", "-E", "^(Cap|NoNewPrivs)", "/proc/self/status"], stdout=subprocess.PIPE, text=True, check=True).stdout
    script = "grep -E '^(Cap|NoNewPrivs)' /proc/self/status; sleep 1; grep -E '^(Cap|NoNewPrivs)' /proc/self/status; " \
             "grep -E '^(CapEff|CapBnd)' /proc/$PPID/status"
    result = bpfprof.run("-q", "--no-trace", "--top=0", "-P", "cpu", "--", "sh", "-c", script)
    assert result.status == 0
    theirs = f"{kept('kill'):016x}"
    assert result.stdout == mine + mine + f"CapEff:\t{theirs}\nCapBnd:\t{theirs}\n"
    assert bpfprof.files() == ["cpu.pb.gz"]


def test_signals_reach_a_command_of_another_user(bpfprof):
    proc = bpfprof.start("-q", "--no-trace", "-P", "cpu", "--", *NOBODY, "sh", "-c", "echo ready; exec sleep 1000")
    assert proc.stdout.readline() == "ready\n"
    proc.send_signal(signal.SIGTERM)
    assert bpfprof.finish(proc).status == 128 + signal.SIGTERM


def test_files_are_written_into_another_users_folder(bpfprof, programs, open_folder):
    """As `sudo bpfprof` does in a home directory: root without CAP_DAC_OVERRIDE could not."""
    out = os.path.join(open_folder, "home")
    os.mkdir(out, 0o755)
    os.chown(out, 65534, 65534)
    sock = os.path.join(out, "sock")
    server = Server(open_folder, "--pid", programs.busy().pid, "-P", "cpu", "-o", out, listen=f"unix:{sock}",
                    ready=r"HTTP on (unix:\S+)")
    try:
        assert wait_until(lambda: status_of(server.proc.pid)["Eff"] == kept(), 30)
        assert status_of(server.proc.pid)["Prm"] == kept("dac_override", "fowner")
    finally:
        assert server.stop() == 0, server.log()
    assert os.listdir(out) == ["cpu.pb.gz"]
    w.unwind_helpers.read_profile(os.path.join(out, "cpu.pb.gz"))
