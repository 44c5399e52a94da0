# SPDX-License-Identifier: GPL-2.0
"""Names in profiles of processes that see other files than we do, of JIT code, and what go tool pprof makes of our files.

Needs root. BPFPROF_BIN names the program under test. Each test prints its figures (pytest -rA shows them).
"""
import contextlib
import glob
import gzip
import http.server
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

import workload_helpers as w

GO = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin:/usr/lib/go/bin")
PYTHON = "/usr/bin/python3"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not os.access(w.BIN, os.X_OK), reason=f"{w.BIN} is not built"),
]


@pytest.fixture
def ending():
    """Ends, by their ids, the processes that a test put on this list."""
    procs = []
    yield procs
    for proc in procs:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(proc.pid, signal.SIGKILL)
        proc.wait()


def start(ending, *argv, **popen):
    proc = subprocess.Popen(list(map(str, argv)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                            start_new_session=True, **popen)
    ending.append(proc)
    return proc


def child_of(pid):
    """The process that unshare --fork has made."""
    def find():
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return file.read().split()
    end = time.monotonic() + 10
    while not find():
        assert time.monotonic() < end
        time.sleep(0.02)
    return int(find()[0])


def share(profile, function):
    return w.holding(profile.samples, function) / max(w.total(profile.samples), 1)


# ---- other roots, other files under the same name ----

@pytest.mark.parametrize("when", ["alive", "gone"])
def test_own_root(tmp_path, ending, when):
    """A program in a root, a mount and a pid namespace of its own, in a file that is nowhere to be seen out here."""
    root = tmp_path / "root"
    root.mkdir()
    program = w.build(tmp_path, "burn.c", "prog", ["-static", "-DBURN=burn_inside"])
    argv = ["unshare", "--mount", "--pid", "--fork", "sh", "-c",
            f"mount -t tmpfs tmpfs {root} && mkdir {root}/opt && cp {program} {root}/opt && "
            f"exec chroot {root} /opt/prog {1500 if when == 'gone' else 20000}"]
    if when == "gone":
        profile, _, _, _ = w.profile_command(tmp_path, [], argv)
    else:
        proc = start(ending, *argv)
        profile, _, _, _ = w.profile_pids(tmp_path, ["-d", "1500ms"], [child_of(proc.pid)])
    files = [mapping.file for mapping in profile.mappings.values()]
    print(f"own root, {when}: {share(profile, 'burn_inside'):.3f} of {w.total(profile.samples)} samples named, {files}")
    assert w.total(profile.samples) > 50
    assert share(profile, "burn_inside") > 0.95
    assert any(file.endswith("/opt/prog") for file in files)
    assert not list(root.iterdir())


def test_overlay_with_a_replaced_library(tmp_path, ending):
    """Two processes, one path, two libraries: the one below and the one that an overlay puts over it."""
    lower, upper, work = tmp_path / "lib", tmp_path / "upper", tmp_path / "work"
    for folder in (lower, upper, work):
        folder.mkdir()
    host = w.build(tmp_path, "host.c")
    flags = ["-shared", "-fPIC"]
    for folder, name in ((lower, "burn_lower"), (upper, "burn_upper")):
        source = folder / "plugin.c"
        source.write_text(f'#include "{w.WORKLOADS}/burn.h"\nBURN_ROUNDS({name})\n'
                          f'void plugin_burn(uint64_t n) {{ {name}(n); __asm__ volatile(""); }}\n')
        subprocess.run(["gcc", "-O2", *flags, source, "-o", folder / "plugin.so"], check=True)
    plugin = lower / "plugin.so"
    below = start(ending, host, 20, plugin)
    mount = f"lowerdir={lower},upperdir={upper},workdir={work}"
    # overlay over itself: an upper folder on overlayfs is refused, so tmpfs holds all of it where that is the case
    over = start(ending, "unshare", "--mount", "sh", "-c",
                 f"mount -t overlay -o {mount} overlay {lower} 2>/dev/null || mount --bind {upper} {lower}; "
                 f"exec {host} 20 {plugin}")
    for proc in (below, over):
        assert proc.stdout.readline() == "ready\n"
    time.sleep(1.2)
    profile, _, _, _ = w.profile_pids(tmp_path, ["-d", "1500ms"], [below.pid, over.pid])
    for proc, name, other in ((below, "burn_lower", "burn_upper"), (over, "burn_upper", "burn_lower")):
        samples = [sample for sample in profile.samples if sample.labels["pid"] == proc.pid]
        print(f"{name}: {w.holding(samples, name)} of {w.total(samples)} samples")
        assert w.total(samples) > 30
        assert w.holding(samples, name) > 0.95 * w.total(samples)
        assert w.holding(samples, other) == 0


def test_program_in_dev_shm(tmp_path):
    """/dev/shm is a place for files like any other."""
    path = f"/dev/shm/bpfprof-test-{os.getpid()}"
    shutil.copy(w.build(tmp_path, "burn.c"), path)
    try:
        profile, _, _, _ = w.profile_command(tmp_path, [], [path, 800])
    finally:
        os.unlink(path)
    assert share(profile, "burn") > 0.9


# ---- perf maps ----

@pytest.fixture
def jit(tmp_path):
    return w.build(tmp_path, "jit.c")


def test_perf_map(tmp_path, ending, jit):
    """In the name that the interpreter gives, and still when the process has ended: the map is ours."""
    proc = start(ending, jit, 20000, "py::work:/app/main.py")
    assert proc.stdout.readline() == "ready\n"
    profile, _, _, _ = w.profile_pids(tmp_path, ["-d", "1s"], [proc.pid])
    os.unlink(f"/tmp/perf-{proc.pid}.map")
    print(f"perf map: {share(profile, 'py::work:/app/main.py'):.3f} of {w.total(profile.samples)} samples")
    assert share(profile, "py::work:/app/main.py") > 0.9


def test_perf_map_of_a_container(tmp_path, ending, jit):
    """Its own /tmp, and its own pid in the map's name."""
    proc = start(ending, "unshare", "--mount", "--pid", "--fork", "sh", "-c",
                 f"mount -t tmpfs tmpfs /tmp && exec {jit_copy(jit)} 20000 inside::work")
    assert proc.stdout.readline() == "ready\n"
    profile, _, _, _ = w.profile_pids(tmp_path, ["-d", "1s"], [child_of(proc.pid)])
    print(f"container: {share(profile, 'inside::work'):.3f} of {w.total(profile.samples)} samples")
    assert share(profile, "inside::work") > 0.9


def test_perf_map_of_a_container_that_is_gone(tmp_path, ending, jit):
    """Its /tmp has gone with it, and the profile is written after that."""
    proc = start(ending, "unshare", "--mount", "--pid", "--fork", "sh", "-c",
                 f"mount -t tmpfs tmpfs /tmp && exec {jit_copy(jit)} 3000 inside::work")
    assert proc.stdout.readline() == "ready\n"
    profile, _, _, _ = w.profile_pids(tmp_path, [], [child_of(proc.pid)])  # until it ends
    proc.wait(60)
    print(f"gone: {share(profile, 'inside::work'):.3f} of {w.total(profile.samples)} samples")
    assert w.total(profile.samples) > 30
    assert share(profile, "inside::work") > 0.9


def jit_copy(jit):
    """The program where a tmpfs over /tmp does not hide it."""
    path = f"/dev/shm/bpfprof-jit-{os.getpid()}"
    shutil.copy(jit, path)
    os.chmod(path, 0o755)
    return path


@pytest.fixture(autouse=True)
def no_copies_left():
    yield
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"/dev/shm/bpfprof-jit-{os.getpid()}")


@pytest.mark.parametrize("how", ["symlink", "other owner"])
def test_perf_map_refused(tmp_path, ending, jit, how):
    """A map that leads to another file (/etc/shadow, say), and one that another user has put there."""
    copy = jit_copy(jit)
    if how == "symlink":
        target = f"/dev/shm/bpfprof-map-{os.getpid()}"
        proc = start(ending, copy, 20000, "secret", target)
        assert proc.stdout.readline() == "ready\n"
    else:
        proc = start(ending, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy, 20000, "secret")
        assert proc.stdout.readline() == "ready\n"
        target = f"/tmp/perf-{proc.pid}.map"
        os.chown(target, 1000, 1000)
    try:
        profile, _, _, _ = w.profile_pids(tmp_path, ["-d", "2s"], [proc.pid])
    finally:
        os.unlink(target)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"/tmp/perf-{proc.pid}.map")
    assert w.total(profile.samples) > 0
    assert share(profile, "secret") == 0


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_node(tmp_path):
    """JavaScript functions have their names with --perf-basic-prof, and stand above node's own main."""
    script = tmp_path / "busy.js"
    script.write_text("function hot(n) { let x = 1; for (let i = 0; i < n; i++) x = Math.imul(x, 31) + i | 0; return x; }\n"
                      "function outer() { const end = Date.now() + 2500; let s = 0;\n"
                      "  while (Date.now() < end) s += hot(2e5) % 7; return s; }\nconsole.log(outer());\n")
    profile, _, _, _ = w.profile_command(tmp_path, [], ["node", "--perf-basic-prof", "--no-logfile-per-isolate",
                                                        f"--logfile={tmp_path}/v8.log", script])
    for path in glob.glob("/tmp/perf-*.map"):
        with contextlib.suppress(OSError, ValueError):
            if not os.path.exists(f"/proc/{int(re.search(r'perf-([0-9]+)', path)[1])}"):
                os.unlink(path)
    names = [[name for location in sample.locations for name in location.functions] for sample in profile.samples]
    script_cnt = sum(w.count(sample) for sample, frames in zip(profile.samples, names)
                     if any("busy.js:" in frame and re.search(r"\b(hot|outer) ", frame) for frame in frames))
    rooted = sum(w.count(sample) for sample, frames in zip(profile.samples, names)
                 if any("busy.js:" in frame for frame in frames) and "_start" in frames)
    print(f"node: {script_cnt} of {w.total(profile.samples)} samples in the script, {rooted} of them down to _start")
    assert script_cnt > 0.8 * w.total(profile.samples)
    assert rooted > 0.98 * script_cnt


# ---- go tool pprof on our files ----

def pprof(folder, *args, env=None):
    done = subprocess.run([GO, "tool", "pprof", *args, os.path.join(str(folder), "cpu.pb.gz")], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120, check=False,
                          env={**os.environ, "PPROF_TMPDIR": str(folder), **(env or {})})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not GO, reason="no go tool pprof")
@pytest.mark.parametrize("kind", ["pie", "shared", "static", "static-pie"])
def test_pprof_list_disasm_web(tmp_path, kind):
    if kind == "shared":
        host = w.build(tmp_path, "host.c")
        function, binary = "plugin_burn", w.build(tmp_path, "plugin.c", "plugin.so", ["-shared", "-fPIC"])
        command = [host, 2, binary]
    else:
        flags = {"pie": ["-pie", "-fPIE"], "static": ["-static", "-no-pie"], "static-pie": ["-static-pie", "-fPIE"]}[kind]
        function, binary = "burn", w.build(tmp_path, "burn.c", flags=flags)
        command = [binary, 1500]
    profile, _, _, _ = w.profile_command(tmp_path, [], command)
    assert share(profile, function) > 0.9
    # the line of the source, with its time
    text = pprof(tmp_path, f"-list=^{function}$")
    assert f"ROUTINE ======================== {function} in {w.WORKLOADS}" in text, text
    assert re.search(r"^ +[\d.]+m?s +[\d.]+m?s +\d+:BURN_ROUNDS", text, re.MULTILINE), text
    # the instructions that objdump shows at the addresses of the symbol, with their time
    # (unanchored: the names that it looks at have the address in front)
    text = pprof(tmp_path, f"-disasm={function}")
    hot = re.findall(r"^ +([\d.]+)(m?)s +[\d.]+m?s +([0-9a-f]+): (\w+)", text, re.MULTILINE)
    start, size, _ = next(symbol for symbol in w.unwind_helpers.elf(binary).symbols if symbol[2] == function)
    print(f"{kind}: {len(hot)} instructions with time, at {[address for _, _, address, _ in hot]}")
    seconds = sum(float(value) / (1000 if milli else 1) for value, milli, _, _ in hot)
    assert all(start <= int(address, 16) < start + size for _, _, address, _ in hot), text
    assert seconds > 0.9 * w.total(profile.samples) / 99 * 0.9
    # a browser that copies the page
    if shutil.which("dot"):
        browser = tmp_path / "browser"
        browser.write_text(f"#!/bin/sh\ncp \"$1\" {tmp_path}/shown.svg\n")
        browser.chmod(0o755)
        pprof(tmp_path, "-web", env={"BROWSER": str(browser)})
        end = time.monotonic() + 10
        while not (tmp_path / "shown.svg").exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert function in (tmp_path / "shown.svg").read_text()
    else:
        assert function in pprof(tmp_path, "-dot")


# ---- the cache ----

def test_symbol_cache_option(tmp_path):
    """--stats shows the cache; 0 is none; what it holds is in its budget."""
    burn = w.build(tmp_path, "burn.c")
    _, _, _, text = w.profile_command(tmp_path, ["--symbol-cache=64K"], [burn, 300])
    kib = int(re.search(r"^  symbols cache (\d+) KiB, hits 0, misses (\d+)", text, re.MULTILINE)[1])
    assert kib < 300  # two chunks are the least
    _, _, _, text = w.profile_command(tmp_path, ["--symbol-cache=0"], [burn, 300])
    assert "symbols cache" not in text


# ---- a whole host ----

LOADS = [
    [PYTHON, "-S", "-c", "import json,re,time\nwhile 1:\n [json.loads(json.dumps(list(range(500)))) for _ in range(9)]; "
                         "re.findall('a+', 'ab' * 999); time.sleep(.02)"],
    ["perl", "-e", "while (1) { my %h; $h{$_ % 99} .= chr(65 + $_ % 26) for 1 .. 2000; select undef, undef, undef, .02 }"],
    ["bash", "-c", "while :; do for i in {1..200}; do x=$((x + i)); done; read -t .02 < /dev/zero; sleep .02; done"],
    ["sh", "-c", "while :; do i=0; while [ $i -lt 300 ]; do i=$((i + 1)); done; sleep .05; done"],
    ["openssl", "speed", "-seconds", "1", "sha256", "rsa2048", "ecdsap256"],
    ["awk", "BEGIN { while (1) { s = s * 31 % 997; for (i = 0; i < 999; i++) a[i] = a[i] + s } }"],
]


def test_host_of_300_processes_writes_in_2_seconds(tmp_path, ending):
    for i in range(300):
        load = LOADS[i % len(LOADS)] if i < 60 else ["sleep", "1000"] if i % 2 else LOADS[0]
        proc = subprocess.Popen(["nice", *load], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, start_new_session=True)
        ending.append(proc)
    with w.Running(tmp_path, "--listen", "off", "-i", "1s", "-F", 499) as running:
        running.wait_for("SCHED", timeout=40)  # 300 programs are starting
        time.sleep(5)
        for proc in ending:  # what is measured is the writing, not the fight for two CPUs
            os.killpg(proc.pid, signal.SIGSTOP)
        began = time.monotonic()
        running.proc.terminate()
        running.proc.wait(60)
        seconds = time.monotonic() - began
        profile, _, text = running.finish()
    locations = len(profile.locations)
    named = sum(1 for location in profile.locations.values() if location.functions)
    print(f"host: written in {seconds:.3f} s; {w.total(profile.samples)} samples of "
          f"{len({s.labels.get('pid') for s in profile.samples})} processes, {locations} locations, {named} with a name, "
          f"{len(profile.mappings)} mappings; {re.search('stats: .*', text)[0]}")
    assert locations > 1000
    assert seconds < 2


# ---- debuginfod ----

class Server:
    """Answers as debuginfod does, for one debug file."""

    def __init__(self, build_id, path):
        self.asked = []
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                asked.append(self.path)
                if self.path != f"/buildid/{build_id}/debuginfo":
                    self.send_error(404)
                    return
                with open(path, "rb") as file:
                    data = file.read()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def stripped(tmp_path):
    """A stripped program, and a server that has its debug file."""
    path = w.build(tmp_path, "burn.c", flags=["-Wl,--build-id"])
    debug = tmp_path / "burn.debug"
    subprocess.run(["objcopy", "--only-keep-debug", path, debug], check=True)
    subprocess.run(["strip", path], check=True)
    notes = subprocess.run(["readelf", "--notes", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    server = Server(re.search(r"Build ID: (\w+)", notes)[1], debug)
    yield path, server
    server.server.shutdown()


def run_with_debuginfod(tmp_path, monkeypatch, url, args, path, timeout=30):
    monkeypatch.setenv("DEBUGINFOD_CACHE_PATH", str(tmp_path / "debuginfod"))
    monkeypatch.setenv("DEBUGINFOD_URLS", url)
    monkeypatch.setenv("DEBUGINFOD_TIMEOUT", str(timeout))
    return w.profile_command(tmp_path, args, [path, 400])


def test_debuginfod(tmp_path, monkeypatch, stripped):
    path, server = stripped
    profile, _, _, text = run_with_debuginfod(tmp_path, monkeypatch, server.url, ["--debuginfod"], path)
    print(f"debuginfod: {len(server.asked)} requests, {share(profile, 'burn'):.3f} named")
    assert share(profile, "burn") > 0.9
    assert "workloads/burn.c" in gzip.open(tmp_path / "cpu.pb.gz").read().decode("utf-8", "replace")
    assert "debug files are missing" not in text


def test_debuginfod_by_its_program(tmp_path, monkeypatch, stripped):
    """Where the library is not to be had: debuginfod-find's answer is taken, for what was asked for and nothing else."""
    path, _ = stripped
    programs, libraries, asked = tmp_path / "bin", tmp_path / "lib", tmp_path / "asked"
    for folder in (programs, libraries):
        folder.mkdir()
    (libraries / "libdebuginfod.so.1").write_text("no library")
    script = programs / "debuginfod-find"
    script.write_text(f'#!/bin/sh\necho "$@" >> {asked}\ngrep -q "$2" {tmp_path}/id && echo {tmp_path}/burn.debug\n')
    script.chmod(0o755)
    notes = subprocess.run(["readelf", "--notes", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    (tmp_path / "id").write_text(re.search(r"Build ID: (\w+)", notes)[1])
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(libraries))
    profile, _, _, text = run_with_debuginfod(tmp_path, monkeypatch, "http://127.0.0.1:1", ["--debuginfod"], path)
    assert f"debuginfo {(tmp_path / 'id').read_text()}" in asked.read_text()
    assert share(profile, "burn") > 0.9
    assert "debug files are missing" not in text


def test_debuginfod_is_not_asked_without_the_option(tmp_path, monkeypatch, stripped):
    path, server = stripped
    profile, _, _, _ = run_with_debuginfod(tmp_path, monkeypatch, server.url, [], path)
    assert share(profile, "burn") == 0 and not server.asked


def test_debuginfod_without_a_server(tmp_path, monkeypatch, stripped):
    """Nobody listens there: said once, soon, and the profile is written."""
    path, server = stripped
    server.server.shutdown()
    server.server.server_close()
    began = time.monotonic()
    _, _, _, text = run_with_debuginfod(tmp_path, monkeypatch, server.url, ["--debuginfod"], path)
    print(f"no server: {time.monotonic() - began:.1f} s")
    assert text.count("debug files are missing") == 1
    assert time.monotonic() - began < 15


def test_debuginfod_without_urls(tmp_path):
    done = subprocess.run([w.BIN, "--debuginfod", "--", "true"], stderr=subprocess.PIPE, text=True, timeout=20, check=False,
                          cwd=tmp_path, env={key: value for key, value in os.environ.items() if key != "DEBUGINFOD_URLS"})
    assert done.returncode == 2
    assert "DEBUGINFOD_URLS is not set" in done.stderr and done.stderr.count("\n") == 1
