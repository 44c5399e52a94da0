# SPDX-License-Identifier: GPL-2.0
"""Processes as they come and go on the real kernel: exec, exit, reuse of pids, dlopen, deleted and replaced programs.

Needs root. BPFPROF_BIN names the program under test. Each test prints its figures (pytest -rA shows them).
"""
import os
import shutil
import subprocess
import time

import pytest

import workload_helpers as w

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not os.access(w.BIN, os.X_OK), reason=f"{w.BIN} is not built"),
]


def explain(profile, counters):
    return {name: value for name, value in counters.items() if value}, \
        [(w.count(s), s.labels, w.names(s)) for s in profile.samples][:40]


def start(*argv):
    return subprocess.Popen(list(map(str, argv)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def ending():
    """Ends, by their ids, the processes that a test put on this list."""
    procs = []
    yield procs
    for proc in procs:
        proc.kill()
        proc.wait()


@pytest.mark.parametrize("how", ["leader", "thread"])
def test_exec_over_exec(tmp_path, how):
    """One pid, 20 images one after the other, each at addresses of its own."""
    reexec = w.build(tmp_path, "reexec.c")
    profile, counters, _, _ = w.profile_command(tmp_path, ["-F", 999], [reexec, how, 20, 50])
    samples = profile.samples
    odd, even, all_cnt = w.holding(samples, "burn_odd"), w.holding(samples, "burn_even"), w.total(samples)
    print(f"exec over exec by the {how}: {all_cnt} samples, burn_odd {odd}, burn_even {even}, "
          f"stale {counters['mapping_stale']}, unknown {counters['mapping_unknown']}, "
          f"without name {sum(w.nameless(samples).values())}")
    assert len({sample.labels["pid"] for sample in samples}) == 1
    assert 0.75 < all_cnt / 1000 < 1.3
    assert not w.nameless(samples), explain(profile, counters)
    assert abs(odd - even) < 0.1 * all_cnt
    assert odd + even > 0.95 * all_cnt, explain(profile, counters)


@pytest.mark.parametrize("attach", ["before", "after"])
def test_leader_exits_before_its_threads(tmp_path, ending, attach):
    threads = w.build(tmp_path, "threads.c")
    if attach == "before":
        profile, counters, _, _ = w.profile_command(tmp_path, [], [threads, "leave", 3])
    else:
        proc = start(threads, "leave", 6)
        ending.append(proc)
        proc.stdout.readline()
        time.sleep(0.3)
        with open(f"/proc/{proc.pid}/stat") as file:
            assert ") Z" in file.read()
        profile, counters, _, _ = w.profile_pids(tmp_path, ["-d", "3s"], [proc.pid])
    burnt = {name: w.holding(profile.samples, f"burn_{name}") for name in ("alpha", "beta", "gamma")}
    cut = w.holding(profile.samples, "[truncated]")
    print(f"leader gone, attached {attach}: {w.total(profile.samples)} samples, {burnt}, {cut} cut, "
          f"stale {counters['mapping_stale']}")
    assert w.total(profile.samples) > 60
    assert not w.nameless(profile.samples), explain(profile, counters)
    assert sum(burnt.values()) > 0.97 * w.total(profile.samples), explain(profile, counters)
    assert cut < 0.03 * w.total(profile.samples), explain(profile, counters)[0]


def test_pid_reuse(tmp_path):
    """Two programs in turn under one pid: no sample of one is given to the other. Inside a pid namespace, too."""
    one = w.build(tmp_path, "burn.c", "prog_one", ["-DBURN=burn_one"])
    two = w.build(tmp_path, "burn.c", "prog_two", ["-DBURN=burn_two"])
    reuse = w.build(tmp_path, "pidreuse.c")
    done = subprocess.run(["unshare", "--pid", "--fork", "--mount-proc", w.BIN, "--no-trace", "--stats", "-P", "cpu", "-F",
                           "999", "-o", str(tmp_path), "--", reuse, "60", "20", one, two], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    counters = w.unwind_helpers.counters_of(done.stderr)
    profile = w.unwind_helpers.read_profile(tmp_path / "cpu.pb.gz")
    of_pid = [sample for sample in profile.samples if sample.labels.get("pid") == 4000]
    got = {(comm, function): w.holding([s for s in of_pid if s.labels["comm"] == comm], function)
           for comm in ("prog_one", "prog_two") for function in ("burn_one", "burn_two")}
    print(f"60 owners of one pid: {w.total(of_pid)} samples, {got}, without name {sum(w.nameless(of_pid).values())}")
    assert w.total(of_pid) > 1000
    assert got["prog_one", "burn_two"] == 0 and got["prog_two", "burn_one"] == 0
    assert got["prog_one", "burn_one"] > 400 and got["prog_two", "burn_two"] > 400
    assert not w.nameless(of_pid), explain(profile, counters)


def test_dlopen(tmp_path, ending):
    host = w.build(tmp_path, "host.c")
    plugin = w.build(tmp_path, "plugin.c", "plugin.so", ["-shared", "-fPIC"])
    proc = start(host, 4, plugin)
    ending.append(proc)
    proc.stdout.readline()
    profile, counters, _, _ = w.profile_pids(tmp_path, ["-d", "4s"], [proc.pid])
    burnt = w.holding(profile.samples, "plugin_burn")
    print(f"dlopen while profiled: {w.total(profile.samples)} samples, plugin_burn {burnt}")
    assert burnt > 60 and burnt > 0.97 * w.total(profile.samples), explain(profile, counters)
    assert any(mapping.file.endswith("/plugin.so") for mapping in profile.mappings.values())


def test_deleted_and_replaced_binaries(tmp_path, ending):
    """Under one path: a program that was deleted while it ran, the one put in its place, and that deleted as well."""
    path = tmp_path / "prog"
    functions = ["burn_first", "burn_second", "burn_third"]
    pids = []
    for function in functions:
        built = w.build(tmp_path, "burn.c", "built", [f"-DBURN={function}"])
        shutil.move(built, path)
        proc = start(path, 20000)
        ending.append(proc)
        pids.append(proc.pid)
        time.sleep(0.2)
        os.unlink(path)
    shutil.copy("/bin/true", path)  # what lies there now was never profiled
    profile, counters, _, _ = w.profile_pids(tmp_path, ["-d", "3s"], pids)
    for pid, function in zip(pids, functions):
        samples = [sample for sample in profile.samples if sample.labels["pid"] == pid]
        print(f"{function}: {w.total(samples)} samples, {w.holding(samples, function)} in it")
        assert w.total(samples) > 20
        assert w.holding(samples, function) > 0.97 * w.total(samples), explain(profile, counters)
    files = [mapping.file for mapping in profile.mappings.values() if "prog" in mapping.file]
    assert len({mapping.build_id for mapping in profile.mappings.values() if "prog" in mapping.file}) == 3
    assert not any("(deleted)" in file for file in files), files


def test_binary_deleted_while_profiled(tmp_path, ending):
    """Started, seen, deleted and replaced while the profile runs."""
    path = tmp_path / "prog"
    with w.Running(tmp_path, "--listen", "off", "-i", "100ms", "-F", 99) as running:
        running.wait_for("SCHED")
        shutil.move(w.build(tmp_path, "burn.c", "built", ["-DBURN=burn_old"]), path)
        old = start(path, 1500)
        time.sleep(0.1)
        os.unlink(path)
        shutil.move(w.build(tmp_path, "burn.c", "built", ["-DBURN=burn_new"]), path)
        new = start(path, 1500)
        old.wait(30)
        new.wait(30)
        os.unlink(path)
        profile, counters, _ = running.finish()
    for proc, function in ((old, "burn_old"), (new, "burn_new")):
        samples = [sample for sample in profile.samples if sample.labels.get("pid") == proc.pid]
        print(f"{function}: {w.total(samples)} samples, {w.holding(samples, function)} in it")
        assert w.total(samples) > 80
        assert w.holding(samples, function) > 0.95 * w.total(samples), explain(profile, counters)


def test_memfd(tmp_path):
    """A program that was never in a directory."""
    burn = w.build(tmp_path, "burn.c")
    code = (f"import os\nfd = os.memfd_create('from-memory')\nos.write(fd, open({burn!r}, 'rb').read())\n"
            "os.execve(fd, ['from-memory', '1000'], os.environ)\n")
    profile, counters, _, _ = w.profile_command(tmp_path, [], ["python3", "-S", "-c", code])
    burnt = w.holding(profile.samples, "burn")
    print(f"memfd: {w.total(profile.samples)} samples, burn {burnt}, mappings {[m.file for m in profile.mappings.values()]}")
    assert burnt > 80, explain(profile, counters)
    assert not any("(deleted)" in mapping.file for mapping in profile.mappings.values())


@pytest.mark.parametrize("frequency", [99, 997])
@pytest.mark.parametrize("mode", ["host", "command"])
@pytest.mark.parametrize("how", ["exec", "vfork", "posix_spawn", "fork"])
def test_500_short_processes(tmp_path, how, mode, frequency):
    """500 processes of 5 ms: whatever was sampled of them has a name, although none lives when names are looked up."""
    if frequency == 997 and how in ("vfork", "posix_spawn") and mode == "host":
        pytest.skip("as exec")
    spawn = w.build(tmp_path, "spawn.c")
    burn = w.build(tmp_path, "burn.c")
    if mode == "command":
        profile, counters, out, _ = w.profile_command(tmp_path, ["-F", frequency, "--top=0"], [spawn, how, 500, 5, burn])
    else:
        with w.Running(tmp_path, "--listen", "off", "-i", "100ms", "-F", frequency) as running:
            running.wait_for("SCHED")
            out = subprocess.run([spawn, how, "500", "5", burn], stdout=subprocess.PIPE, text=True, timeout=60,
                                 check=True).stdout
            profile, counters, _ = running.finish()
    pids = {int(line) for line in out.splitlines() if line.isdigit()}
    assert len(pids) > 490
    samples = [sample for sample in profile.samples if sample.labels.get("pid") in pids]
    sampled = {sample.labels["pid"] for sample in samples}
    function = "child_burn" if how == "fork" else "burn"
    burnt = w.holding(samples, function)
    bad = {sample.labels["pid"] for sample in samples if w.nameless([sample])}
    cut = w.holding(samples, "[truncated]")
    print(f"500 x 5 ms by {how}, {mode}, {frequency} Hz: {w.total(samples)} samples of {len(sampled)} processes, "
          f"{burnt} in {function}, {cut} cut, {len(bad)} processes with a frame without name; "
          f"stale {counters['mapping_stale']}, unknown {counters['mapping_unknown']}, raw frames {counters['frames_raw']}")
    assert w.total(samples) > 0.5 * frequency * 500 * 0.005
    assert burnt > 0.6 * w.total(samples)
    assert not bad, explain(profile, counters)[0]


def test_several_pids_and_their_end(tmp_path):
    """Ends by itself when the last of the processes asked for has exited; each has its own samples."""
    burn = w.build(tmp_path, "burn.c")
    procs = [start(burn, ms) for ms in (700, 1400)]
    began = time.monotonic()
    profile, _, _, _ = w.profile_pids(tmp_path, [], [proc.pid for proc in procs], timeout=30)
    seconds = time.monotonic() - began
    for proc in procs:
        assert proc.wait(5) == 0
    cnts = [w.total([s for s in profile.samples if s.labels["pid"] == proc.pid]) for proc in procs]
    print(f"two pids: {cnts} samples, over after {seconds:.1f} s")
    assert cnts[0] > 40 and cnts[1] > 1.6 * cnts[0]
    assert len({s.labels["pid"] for s in profile.samples}) == 2
