# SPDX-License-Identifier: GPL-2.0
"""The command line's contract: what goes wrong ends in one line and the right status, with nothing half-written;
what goes right leaves what was asked for."""
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from conftest import (BIN, cpu_seconds, go_top, kernel_has, kernel_objects, read_folded, read_pprof, require_root, top_rows,
                      wait_until)
from workload_helpers import build

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
SCHED = re.compile(r"^SCHED (\d+)ms: ", re.M)
# A real program: compiles python's own library, prints the CPU time that the kernel charged it with.
COMPILE = """
import ast, glob, resource, sys, sysconfig, time, warnings
warnings.simplefilter("ignore")
while True:
    for path in glob.glob(sysconfig.get_path("stdlib") + "/*.py"):
        with open(path, "rb") as file:
            ast.unparse(ast.parse(file.read()))
        if time.process_time() > float(sys.argv[1]):
            usage = resource.getrusage(resource.RUSAGE_SELF)
            print("CPU", usage.ru_utime + usage.ru_stime, flush=True)
            sys.exit()
"""


@pytest.fixture(autouse=True)
def _root():
    require_root()


def one_line(result, status, *words):
    """The one line of a failure. It names bpfprof, and each of the words."""
    assert result.status == status, result
    assert re.fullmatch(r"bpfprof: [^\n]+\n", result.stderr), result.stderr
    for word in words:
        assert word in result.stderr, result.stderr
    assert result.stdout == ""
    return result.stderr


def use_cpu(proc, seconds=0.5):
    """Waits until a process has used so much more CPU time, as the kernel tells: it may be one of many."""
    used = cpu_seconds(proc.pid)
    assert wait_until(lambda: cpu_seconds(proc.pid) >= used + seconds, 120)


def total_ns(profile):
    return sum(sample.values[1] for sample in profile.samples)


# ---- wrong usage ----

@pytest.mark.parametrize("args, words", [
    (["--no-such-option"], ["--no-such-option"]),
    (["-Z"], ["-Z"]),
    (["--pid"], ["--pid"]),
    (["--pid", "abc"], ["--pid", "abc"]),
    (["--pid", "0"], ["--pid", "0"]),
    (["--pid", "-1"], ["--pid", "-1"]),
    (["--pid", "99999999999999999999"], ["--pid"]),
    (["--pid", "1,,2"], ["--pid"]),
    (["--pid", "1", "--", "true"], ["--pid"]),
    (["--pid", "1", "2"], ["2"]),
    (["-d", "soon"], ["--duration", "soon"]),
    (["-d", "-5"], ["--duration"]),
    (["-d", "1e400"], ["--duration"]),
    (["-i", "1ns"], ["--interval"]),
    (["-F", "0"], ["--frequency"]),
    (["-F", "99999999"], ["--frequency"]),
    (["-P", "gpu"], ["--profiles", "gpu"]),
    (["-f", "svg"], ["--format", "svg"]),
    (["--top=many"], ["--top", "many"]),
    (["-o", ""], ["--output"]),
    (["--"], []),
    (["-d", "1\n2\x1b[31m"], [r"\n", r"\x1b"]),
])
def test_garbage_options(bpfprof, args, words):
    line = one_line(bpfprof.run(*args), 2, *words)
    assert "\x1b" not in line
    assert bpfprof.files() == []


@pytest.mark.parametrize("args, word", [
    (["--heap-rate", "1"], "--heap-rate"),
])
def test_what_comes_later_is_refused(bpfprof, args, word):
    one_line(bpfprof.run("-d", "1s", *args), 2, word)


@pytest.mark.parametrize("value, words", [
    ("schedtrace=often", ["BPFPROF", "often"]),
    ("schedtrace=-1", ["BPFPROF"]),
    ("scheddetail=2", ["BPFPROF"]),
])
def test_garbage_in_the_environment(bpfprof, value, words):
    one_line(bpfprof.run("-d", "1s", env={"BPFPROF": value}), 2, *words)


def test_version_and_help_need_nobody_and_say_when_they_cannot_be_said(bpfprof, open_folder):
    program = os.path.join(open_folder, "bpfprof")
    for option, expected in (("--version", r"bpfprof \d+\.\d+\.\d+\n"), ("--help", r"(?s)Usage: .*--pid=LIST.*")):
        done = subprocess.run([*NOBODY, program, option], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=10, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert re.fullmatch(expected, done.stdout), done.stdout
        with open("/dev/full", "w", encoding="ascii") as full:
            assert bpfprof.run(option, stdout=full).status == 1


# ---- processes that are not there ----

def test_a_pid_that_has_ended(bpfprof, programs):
    proc = programs.start("true")
    proc.wait()
    one_line(bpfprof.run("--pid", proc.pid, "-d", "1s"), 1, f"pid {proc.pid}: no such process")
    assert bpfprof.files() == []


def test_one_wrong_pid_among_right_ones(bpfprof, programs):
    gone, there = programs.start("true"), programs.sleeping()
    gone.wait()
    one_line(bpfprof.run("--pid", f"{there.pid},{gone.pid}", "-d", "1s", "-o", "new"), 1, f"pid {gone.pid}:")
    assert bpfprof.files() == []


def test_a_thread_is_no_process(bpfprof, programs):
    proc = programs.python("import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\n"
                           "print('ready', flush=True)\ntime.sleep(1000)", stdout=subprocess.PIPE)
    assert proc.stdout.readline() == "ready\n"
    tid = next(int(tid) for tid in os.listdir(f"/proc/{proc.pid}/task") if int(tid) != proc.pid)
    one_line(bpfprof.run("--pid", tid, "-d", "1s"), 1, f"pid {tid}:", "thread", f"--pid {proc.pid}")
    assert bpfprof.files() == []


def test_a_pid_that_ends_ends_the_run_and_leaves_its_profile(bpfprof, programs):
    proc = programs.busy()
    run = bpfprof.start_and_attach("--pid", proc.pid)
    use_cpu(proc)
    proc.kill()
    assert bpfprof.finish(run).status == 0
    assert total_ns(bpfprof.profile()) > 0.3e9


# ---- places that cannot be written to ----

@pytest.mark.parametrize("make", [
    lambda out: (open(f"{out}/file", "w", encoding="ascii").close(), f"{out}/file")[1],
    lambda out: f"{out}/missing/parent",
    lambda out: "/proc/bpfprof-test",
    lambda out: "/sys/kernel/bpfprof-test",
], ids=["file", "parent", "proc", "sys"])
def test_a_directory_that_cannot_be(bpfprof, tmp_path, programs, make):
    target = make(tmp_path)
    proc = programs.sleeping()
    one_line(bpfprof.run("--pid", proc.pid, "-d", "10s", "-o", target, timeout=60), 1, target)


def test_a_command_is_not_run_for_nothing(bpfprof, tmp_path):
    one_line(bpfprof.run("-o", tmp_path / "missing" / "parent", "--", "touch", tmp_path / "ran"), 1, "parent")
    assert not (tmp_path / "ran").exists()


def mounted(tmp_path, options, script):
    """A sh in a mount namespace of its own, with a tmpfs on tmp_path/mnt, that runs script with bpfprof in $0."""
    target = tmp_path / "mnt"
    target.mkdir()
    mount = f"mount -t tmpfs {options} tmpfs {target} && cd {target} && "
    return ("unshare", "--mount", "sh", "-c", mount + script), target


def test_a_read_only_directory(bpfprof, programs, tmp_path):
    proc = programs.sleeping()
    under, target = mounted(tmp_path, "-o size=64k", 'mount -o remount,ro . && exec "$0" "$@"')
    one_line(bpfprof.run("--pid", proc.pid, "-d", "10s", "-o", target, under=under, timeout=60), 1, str(target),
             "Read-only file system")


def test_a_directory_that_lets_nobody_make_files(bpfprof, programs):
    """/proc/self/task says that root may write, and refuses it then: at the end of the run, not before."""
    result = bpfprof.run("--pid", programs.busy().pid, "-P", "cpu", "-d", "1s", "-o", "/proc/self/task", "--no-trace",
                         "--top=0")
    one_line(result, 1, "/proc/self/task/cpu.pb.gz", "not written")


def test_full_disk_keeps_the_old_file(bpfprof, programs, tmp_path):
    proc = programs.python(COMPILE, 1000)
    under, target = mounted(tmp_path, "-o size=16k", 'echo old > cpu.pb.gz; cat /dev/zero > filler 2>/dev/null; '
                            '"$0" "$@"; status=$?; ls -A >&2; cat cpu.pb.gz >&2; exit $status')
    result = bpfprof.run("--pid", proc.pid, "-P", "cpu", "-d", "2s", "-o", target, "--no-trace", "--top=3", under=under)
    assert result.status == 1
    lines = result.stderr.splitlines()
    assert len(lines) == 4, result.stderr
    assert lines[0].startswith(f"bpfprof: {target}/cpu.pb.gz: not written: No space left on device; "), lines[0]
    # No temporary file, and what was there.
    assert lines[1:] == ["cpu.pb.gz", "filler", "old"]
    # The disk is no reason to keep the answer back.
    assert len(top_rows(result.stdout)) == 3


def test_full_stdout(bpfprof, programs):
    with open("/dev/full", "w", encoding="ascii") as full:
        result = bpfprof.run("--pid", programs.busy().pid, "-P", "cpu", "-d", "1s", "-q", "--no-trace", stdout=full)
    assert result.status == 1
    assert re.fullmatch(r"bpfprof: [^\n]*No space left on device[^\n]*\n", result.stderr), result.stderr
    assert total_ns(bpfprof.profile()) > 0


# ---- what the kernel does not give ----

@pytest.mark.parametrize("form", ["host", "pid", "command"])
def test_no_privilege(bpfprof, open_folder, form):
    """One line, and nothing is left behind but what was there."""
    out = os.path.join(open_folder, "out")
    os.mkdir(out)
    os.mkdir(os.path.join(out, "there"))
    os.chown(out, 65534, 65534)
    os.chown(os.path.join(out, "there"), 65534, 65534)
    sleeper = subprocess.Popen([*NOBODY, "sleep", "1000"])
    try:
        args = {"host": [], "pid": ["--pid", str(sleeper.pid)], "command": ["--", "touch", "ran"]}[form]
        made, there = ("there", "new") if form == "pid" else ("new", "there")
        done = subprocess.run([*NOBODY, os.path.join(open_folder, "bpfprof"), "-d", "10s", "-o", made, "--retain",
                               f"{there},1M,1h", "--listen", "unix:socket", *args], cwd=out, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    finally:
        sleeper.kill()
        sleeper.wait()
    assert done.returncode == 1 and done.stdout == ""
    assert re.fullmatch(r"bpfprof: [^\n]*(as root|sudo)[^\n]*CAP_BPF[^\n]*CAP_PERFMON[^\n]*\n", done.stderr), done.stderr
    assert os.listdir(out) == ["there"]


def test_the_capabilities_that_are_documented_are_enough(bpfprof, programs):
    """DESIGN.md 6 names them, and the unit file gives no others."""
    names = "bpf,+perfmon,+sys_ptrace,+dac_read_search,+syslog"
    under = ("setpriv", f"--bounding-set=-all,+{names}")
    proc = programs.busy()
    run = bpfprof.start_and_attach("--pid", proc.pid, under=under)
    use_cpu(proc)
    run.send_signal(signal.SIGINT)
    result = bpfprof.finish(run)
    assert result.status == 0, result.stderr
    assert total_ns(bpfprof.profile()) > 0.3e9


@pytest.mark.parametrize("form", ["host", "pid", "command"])
def test_no_btf(bpfprof, programs, tmp_path, form):
    args = {"host": [], "pid": ["--pid", programs.sleeping().pid], "command": ["--", "touch", tmp_path / "ran"]}[form]
    under = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /sys/kernel/btf && exec "$0" "$@"')
    one_line(bpfprof.run("-d", "10s", *args, under=under, timeout=60), 1, "BTF", "/sys/kernel/btf/vmlinux")
    assert bpfprof.files() == [] and not (tmp_path / "ran").exists()


# ---- CMD ----

@pytest.mark.parametrize("command, reason", [
    (["/no/such/program"], "No such file or directory"),
    (["no-such-program-in-path"], "No such file or directory"),
    (["/etc/passwd"], "Permission denied"),
    (["/"], "Permission denied"),
])
def test_a_command_that_cannot_be_run(bpfprof, tmp_path, command, reason):
    out, kept = tmp_path / "profiles", tmp_path / "kept"
    one_line(bpfprof.run("--no-trace", "-o", out, "--retain", f"{kept},1M,1h", "--", *command), 1, command[0], reason)
    assert bpfprof.files() == [] and not out.exists() and not kept.exists()


@pytest.mark.parametrize("script, status", [
    ("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -KILL $$", 137), ("kill -TERM $$", 143),
    ("kill -SEGV $$", 139)])
def test_the_status_is_that_of_the_command(bpfprof, script, status):
    assert bpfprof.run("-q", "--no-trace", "--", "sh", "-c", script).status == status
    assert bpfprof.files() == ["cpu.pb.gz", "heap.pb.gz"]
    read_pprof(f"{bpfprof.folder}/cpu.pb.gz")


def test_the_duration_ends_the_profile_not_the_command(bpfprof):
    began = time.monotonic()
    result = bpfprof.run("-d", "1s", "--", "sh", "-c", "sleep 3; echo whole; exit 7")
    assert result.status == 7 and result.stdout.endswith("whole\n")
    assert time.monotonic() - began >= 3
    assert 0.9e9 < bpfprof.profile().duration_ns < 2.9e9


def test_a_command_keeps_its_streams_arguments_and_environment(bpfprof):
    script = 'printf "%s|" "$@" "$WORD"; cat; echo to-stderr >&2'
    result = bpfprof.run("-q", "--no-trace", "--top=0", "--", "sh", "-c", script, "sh", "-d", "a b", "",
                         env={"WORD": "kept"})
    assert (result.status, result.stdout, result.stderr) == (0, "-d|a b||kept|", "to-stderr\n")


def test_a_command_inherits_nothing(bpfprof):
    """No descriptor of a map or an event, no blocked or ignored signal, the limits as they were."""
    script = 'ls /proc/self/fd; grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status; ulimit -n'
    mine = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                          timeout=10, check=True).stdout
    assert bpfprof.run("-q", "--no-trace", "--top=0", "--", "sh", "-c", script).stdout == mine


def test_children_are_followed(bpfprof, tmp_path):
    """xz and openssl, started by a shell: who used how much CPU is what the kernel says."""
    data = tmp_path / "data"
    with open(data, "wb") as file:
        for path in ("/usr/bin/gdb", BIN, shutil.which("openssl")):
            with open(path, "rb") as source:
                file.write(source.read(4_000_000))
    script = (f"xz -6 -T1 -c {data} >/dev/null; cat /proc/$$/stat; "
              "openssl speed -seconds 1 -evp sha512 -bytes 8192 >/dev/null 2>&1; cat /proc/$$/stat")
    result = bpfprof.run("--no-trace", "-F", "499", "--", "sh", "-c", script)
    assert result.status == 0
    # the shell's own time and its children's, before openssl and after it
    before_ns, kernel_ns = (sum(map(int, line.rsplit(")", 1)[1].split()[11:15])) * 1e9 / os.sysconf("SC_CLK_TCK")
                            for line in result.stdout.splitlines() if " (sh) " in line)
    profile = bpfprof.profile()
    by_comm = {}
    for sample in profile.samples:
        by_comm[sample.labels["comm"]] = by_comm.get(sample.labels["comm"], 0) + sample.values[1]
    assert total_ns(profile) == pytest.approx(kernel_ns, rel=0.03, abs=0.05e9), by_comm
    assert by_comm["openssl"] == pytest.approx(kernel_ns - before_ns, rel=0.05, abs=0.05e9), by_comm
    assert by_comm["xz"] > 0.4e9
    assert (by_comm["xz"] + by_comm["openssl"]) / total_ns(profile) > 0.95
    pids = {sample.labels["comm"]: sample.labels["pid"] for sample in profile.samples}
    assert pids["xz"] != pids["openssl"]
    assert any("liblzma" in mapping for mapping in profile.mappings)
    assert any("libcrypto" in mapping for mapping in profile.mappings)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"])
def test_signals_are_passed_on_to_the_command(bpfprof, name):
    script = f"trap 'exit 5' {name[3:]}; echo ready; while :; do sleep 0.05; done"
    proc = bpfprof.start("--no-trace", "-q", "--", "sh", "-c", script)
    assert proc.stdout.readline() == "ready\n"
    proc.send_signal(getattr(signal, name))
    assert bpfprof.finish(proc).status == 5
    assert bpfprof.files() == ["cpu.pb.gz", "heap.pb.gz"]


def test_a_signal_that_ends_the_command_is_its_status(bpfprof):
    proc = bpfprof.start("--no-trace", "-q", "--", "sh", "-c", "echo ready; exec sleep 1000")
    assert proc.stdout.readline() == "ready\n"
    proc.send_signal(signal.SIGTERM)
    assert bpfprof.finish(proc).status == 128 + signal.SIGTERM
    assert bpfprof.files() == ["cpu.pb.gz", "heap.pb.gz"]


# ---- signals ----

@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_the_first_signal_writes_the_files(bpfprof, programs, name):
    busy = programs.busy()
    proc = bpfprof.start_and_attach("--pid", busy.pid, "-o", ".")
    use_cpu(busy)
    proc.send_signal(getattr(signal, name))
    result = bpfprof.finish(proc)
    assert result.status == 0
    assert "wrote ./cpu.pb.gz" in result.stderr
    assert bpfprof.files() == ["cpu.pb.gz", "heap.pb.gz"]
    assert total_ns(bpfprof.profile()) > 0.3e9


def test_the_second_signal_ends_at_once(bpfprof, tmp_path):
    """CMD does not hear the first one, so bpfprof waits for it: the second one ends the wait."""
    script = f"trap '' INT; echo $$ > {tmp_path}/pid; echo ready; while :; do sleep 0.05; done"
    proc = bpfprof.start("--no-trace", "-q", "--", "sh", "-c", script)
    try:
        assert proc.stdout.readline() == "ready\n"
        held = kernel_objects(proc.pid)
        assert held
        proc.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert proc.poll() is None
        proc.send_signal(signal.SIGINT)
        proc.wait(timeout=60)  # the kernel takes the probes on malloc away first
        assert proc.returncode == -signal.SIGINT
        assert bpfprof.files() == []
        assert wait_until(lambda: not kernel_has(held), 60), kernel_has(held)
    finally:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_two_signals_in_a_row_leave_a_whole_file_or_none(bpfprof, programs):
    pid = programs.python(COMPILE, 1000).pid
    for delay in (0.001, 0.01, 0.03, 0.06, 0.1, 0.2):
        proc = bpfprof.start_and_attach("--pid", pid, "-F", "499")
        time.sleep(0.3)
        proc.send_signal(signal.SIGINT)
        time.sleep(delay)
        proc.send_signal(signal.SIGINT)
        proc.communicate(timeout=60)
        assert proc.returncode in (0, -signal.SIGINT)
        path = f"{bpfprof.folder}/cpu.pb.gz"
        if os.path.exists(path):
            assert total_ns(read_pprof(path)) > 0
            os.unlink(path)
        else:
            assert proc.returncode != 0


@pytest.mark.parametrize("form", ["host", "pid"])
def test_kill_leaves_nothing_attached(bpfprof, programs, form):
    args = [] if form == "host" else ["--pid", programs.busy().pid]
    proc = bpfprof.start_and_attach(*args, "-o", ".")
    held = kernel_objects(proc.pid)
    assert {kind for kind, _ in held} == {"prog", "map", "link"}
    proc.kill()
    proc.wait()
    assert wait_until(lambda: not kernel_has(held), 60), kernel_has(held)
    assert bpfprof.files() == []


def test_kill_before_the_command_runs_takes_the_command_along(bpfprof, tmp_path):
    """CMD waits for bpfprof's word; without bpfprof it must neither run nor stay."""
    for delay in (0.005, 0.02, 0.05, 0.1):
        proc = bpfprof.start("--no-trace", "--", "sh", "-c", f"echo > {tmp_path}/ran; exec sleep 1000")
        time.sleep(delay)
        with open(f"/proc/{proc.pid}/task/{proc.pid}/children", encoding="ascii") as file:
            children = [int(pid) for pid in file.read().split()]
        proc.kill()
        proc.wait()
        # One that had been let go goes on by itself, and says so a little later.
        for pid in children:
            assert wait_until(lambda: not is_running(pid) or (tmp_path / "ran").exists()), pid
        if (tmp_path / "ran").exists():
            for pid in filter(is_running, children):
                os.kill(pid, signal.SIGKILL)
            break


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


# ---- what is printed and written ----

def test_quiet_and_verbose(bpfprof, programs):
    pid = programs.busy().pid
    quiet, normal, verbose = (bpfprof.run("--pid", pid, "-P", "cpu", "-d", "1s", "--no-trace", *option).stderr
                              for option in (["-q"], [], ["-v"]))
    assert quiet == ""
    assert normal == "bpfprof: wrote ./cpu.pb.gz\n"
    assert normal in verbose and len(verbose.splitlines()) > 1
    # -q is about messages: lines that were asked for stay.
    assert SCHED.search(bpfprof.run("--pid", pid, "-d", "1500ms", "-q").stderr)


def test_the_memory_in_stats_is_our_own():
    """A parent's that is larger is not taken for it: getrusage(2) tells what a process was before its exec, too."""
    large_kib = 300 << 10
    parent = f"import subprocess, sys; keep = b'x' * ({large_kib} << 10); sys.exit(subprocess.run(sys.argv[1:]).returncode)"
    done = subprocess.run(["/usr/bin/python3", "-c", parent, BIN, "--stats", "--no-trace", "--listen", "off", "-d", "1"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    now, most = map(int, re.search(r"rss (\d+) KiB, at most (\d+) KiB", done.stderr).groups())
    assert 0 < now < large_kib and 0 < most < large_kib, done.stderr


def test_formats(bpfprof, programs):
    pid = programs.python(COMPILE, 1000).pid
    assert bpfprof.run("--pid", pid, "-P", "cpu", "-d", "1s", "--no-trace", "-f", "folded", "--top=0").stdout == ""
    assert bpfprof.files() == ["cpu.folded"]
    assert bpfprof.run("--pid", pid, "-P", "cpu", "-d", "2s", "--no-trace", "-f", "pprof,folded").status == 0
    assert bpfprof.files() == ["cpu.folded", "cpu.pb.gz"]
    stacks, profile = read_folded(f"{bpfprof.folder}/cpu.folded"), bpfprof.profile()
    assert profile.sample_types == [("samples", "count"), ("cpu", "nanoseconds")]
    assert sum(stacks.values()) in (sum(sample.values[0] for sample in profile.samples), total_ns(profile))
    assert all("_start" in stack or "[" in stack for stack in stacks)


def test_the_host_writes_only_what_is_asked_for(bpfprof, programs):
    programs.busy()
    result = bpfprof.run("-d", "1200ms")
    assert (result.status, result.stdout, bpfprof.files()) == (0, "", [])
    assert SCHED.search(result.stderr)
    result = bpfprof.run("-d", "1200ms", "-o", "new", "--top")
    assert result.status == 0 and len(top_rows(result.stdout)) >= 1
    assert total_ns(bpfprof.profile("new/cpu.pb.gz")) > 0.5e9


@pytest.mark.parametrize("count", [0, 1, 3, 1000])
def test_top_is_that_of_pprof(bpfprof, tmp_path, count):
    """A program whose functions all have names, its libc's too."""
    result = bpfprof.run("-P", "cpu", "-F", "499", "--no-trace", f"--top={count}", "--", build(tmp_path, "shares.c"), 2)
    assert result.status == 0
    if not count:
        assert "flat%" not in result.stdout
        return
    mine, theirs = top_rows(result.stdout), go_top(f"{bpfprof.folder}/cpu.pb.gz", count)
    if count < 1000:
        assert len(mine) == count
    assert [row for row in mine if row[5] in ("burn_75", "burn_25", "main")]
    named = [row for row in mine if not row[5].startswith("[")]
    assert named == [row for row in theirs if not row[5].startswith("[")]


def test_top_keeps_unnamed_functions_apart(bpfprof, programs):
    """python3 as Debian ships it has few names: bpfprof tells the rest apart by address, pprof puts them together."""
    result = bpfprof.run("--pid", programs.python(COMPILE, 1000).pid, "-P", "cpu", "-d", "2s", "-F", "499", "--no-trace",
                         "--top=1000")
    mine, theirs = top_rows(result.stdout), go_top(f"{bpfprof.folder}/cpu.pb.gz", 1000)

    def flat_of(rows, is_unnamed):
        return sum(milliseconds(row[0]) for row in rows if row[5].startswith("[python3") == is_unnamed)

    assert len([row for row in mine if row[5].startswith("[python3")]) > 10
    assert len([row for row in theirs if row[5].startswith("[python3")]) == 1
    # Both leave out what is below half a percent: that is more of many small ones than of one large one.
    assert 0.7 * flat_of(theirs, True) < flat_of(mine, True) <= flat_of(theirs, True)
    assert flat_of(mine, False) == pytest.approx(flat_of(theirs, False), abs=20)
    # a name may stand for several functions, and then is one row to both
    mine_named = {row[5]: row[:2] for row in mine if not row[5].startswith("[")}
    theirs_named = {row[5]: row[:2] for row in theirs if not row[5].startswith("[")}
    assert mine_named == theirs_named and len(mine_named) > 10


def milliseconds(text):
    """A duration of pprof's tables."""
    number, unit = re.fullmatch(r"([-\d.]+)(ms|s|us|µs|mins)?", text).groups()
    return float(number) * {"s": 1000, "mins": 60000, "us": 0.001, "µs": 0.001}.get(unit, 1)


@pytest.mark.parametrize("value, lowest, highest", [("schedtrace=200", 7, 12), ("schedtrace=1000", 2, 3),
                                                    ("schedtrace=0", 0, 0)])
def test_the_environment_sets_the_lines(bpfprof, programs, value, lowest, highest):
    result = bpfprof.run("--pid", programs.busy().pid, "-d", "2100ms", env={"BPFPROF": value})
    assert result.status == 0
    times = [int(ms) for ms in SCHED.findall(result.stderr)]
    # a line that had to wait for a CPU is late, the one after it is not
    assert len(times) <= highest and len(times) >= min(lowest, 2), times
    period = int(value.partition("=")[2])
    steps = [after - before for before, after in zip(times, times[1:])]
    assert not steps or (sum(steps) / len(steps) > 0.75 * period and any(abs(step - period) < 0.25 * period for step in steps)), times


def test_no_trace_outranks_the_environment_and_unknown_keys_are_told(bpfprof, programs):
    pid = programs.busy().pid
    result = bpfprof.run("--pid", pid, "-d", "1200ms", "--no-trace", env={"BPFPROF": "schedtrace=100"})
    assert result.status == 0 and not SCHED.search(result.stderr)
    result = bpfprof.run("--pid", pid, "-d", "1200ms", "--no-trace", env={"BPFPROF": "gctrace=1"})
    assert result.status == 0 and "gctrace" in result.stderr


def test_stats(bpfprof, programs):
    result = bpfprof.run("--pid", programs.busy().pid, "-d", "2s", "-F", "499", "--no-trace", "--top=0", "--stats")
    assert result.status == 0
    text = result.stdout + result.stderr
    assert re.search(r"(?i)\bRSS\b", text) and re.search(r"(?i)\bCPU\b", text) and re.search(r"(?i)\bmaps?\b", text)
    runs = [int(count) for count in re.findall(r"cpu_sample\D+(\d+)", text)]
    assert runs and runs[0] > 500, text


# ---- too small on purpose ----

@pytest.mark.parametrize("sizes", ["samples=16", "stacks=16", "ring=4096", "ring=4096,samples=16,stacks=16"])
@pytest.mark.parametrize("pause", [False, True], ids=["", "paused"])
def test_full_maps_lose_detail_not_time(bpfprof, sizes, pause):
    """What a map or the ring has no room for shows as [lost] and in a comment; the sum stays what the kernel says.

    Paused, bpfprof empties nothing for a second: then the ring must overflow too.
    """
    proc = bpfprof.start("--no-trace", "-F", "499", "--", "/usr/bin/python3", "-S", "-c", COMPILE, "3",
                         env={"BPFPROF_MAP_SIZES": sizes})
    if pause:
        time.sleep(1.5)
        proc.send_signal(signal.SIGSTOP)
        time.sleep(1)
        proc.send_signal(signal.SIGCONT)
    result = bpfprof.finish(proc)
    assert result.status == 0
    cpu_ns = float(re.search(r"^CPU (\S+)$", result.stdout, re.M)[1]) * 1e9
    profile = bpfprof.profile()
    assert total_ns(profile) == pytest.approx(cpu_ns, rel=0.03), profile.comments
    lost_ns = sum(sample.values[1] for sample in profile.samples if sample.frames[0].function == "[lost]")
    comments = " ".join(profile.comments)
    if "samples" in sizes:
        assert lost_ns > 0.3 * cpu_ns
        assert "samples_map_full" in comments
    if "ring" in sizes and pause:
        assert "stack_ring_full" in comments
    # Nothing is lost that no comment explains.
    if lost_ns:
        assert re.search(r"samples_map_full|stack_ring_full|samples_epoch_race", comments), comments
    assert all(sample.labels["comm"] for sample in profile.samples)


@pytest.mark.parametrize("value", ["ring", "nonsense=1", "ring=abc", "samples=0x10", "ring=-1"])
def test_garbage_sizes(bpfprof, value):
    one_line(bpfprof.run("-d", "1s", env={"BPFPROF_MAP_SIZES": value}), 2, "BPFPROF_MAP_SIZES")
