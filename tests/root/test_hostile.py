# SPDX-License-Identifier: GPL-2.0
"""Profiled processes that mean harm. bpfprof must neither crash, nor stall, nor be led to read or print what it should not.

Needs root. Each test is one thing that a process may do by itself. A stall is CPU time that one turn of the daemon's loop used:
while it lasts nothing is drained and no line is printed. The time on the clock is shown, but other programs can add to that.
"""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time

import pytest

import serve_helpers
import workload_helpers as w
from conftest import wait_until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

NOBODY = 65534
STALL_MS_MAX = 100
SCHED = re.compile(r"^SCHED (\d+)ms: ", re.M)
TURNS = re.compile(r"^  loop +turns (\d+), the longest ([\d.]+) ms, with the most CPU time ([\d.]+) ms$", re.M)
HARMFUL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")  # C0 but tab and newline, DEL, C1


@contextlib.contextmanager
def folder_for_all():
    """pytest's own folders are root's alone."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="bpfprof-hostile-"))
    os.chmod(path, 0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def hostile():
    with folder_for_all() as path:
        yield w.build(path, "hostile.c")


@pytest.fixture
def shared_tmp():
    with folder_for_all() as path:
        yield path


def start(programs, *args, **popen):
    proc = programs.start(*args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **popen)
    proc.ready = proc.stdout.readline()
    return proc


def as_nobody(**more):
    return dict(user=NOBODY, group=NOBODY, extra_groups=[], **more)


def stall_ms(result):
    """The most CPU time that one turn of its loop took."""
    assert result.status == 0, (result.status, result.stderr[-3000:])
    assert len(SCHED.findall(result.stderr)) > 4, result.stderr
    turns, longest, most = TURNS.search(result.stderr).groups()
    print(f"{turns} turns, the longest {longest} ms, with the most CPU time {most} ms")
    return float(most)


def without_stall(once):
    """Runs once(), which returns a result. CPU time too is longer on a machine whose caches and cores others use: what
    is too long is measured again."""
    for _ in range(3):
        result = once()
        if stall_ms(result) < STALL_MS_MAX:
            return result
    raise AssertionError("it stalls")


def watch(bpfprof, *args, profiles="cpu", seconds=3):
    """A run with a line every 100 ms."""
    return without_stall(lambda: bpfprof.run("-P", profiles, "-i", "100ms", "-d", f"{seconds}s", "--stats", "-o", ".", *args,
                                             timeout=120))


def watch_the_host(bpfprof, act, seconds=4):
    """Such a run of the whole host; act() starts a program once everything is attached, and returns it."""
    def once():
        proc = bpfprof.start_and_attach("-P", "cpu", "-i", "100ms", "-d", f"{seconds}s", "--stats", "-o", ".", "--listen", "off")
        target = act()
        result = bpfprof.finish(proc, timeout=120)
        target.kill()
        return result
    return without_stall(once)


@contextlib.contextmanager
def sysctl(name, value):
    path = "/proc/sys/" + name.replace(".", "/")
    with open(path, encoding="ascii") as file:
        before = file.read()
    with open(path, "w", encoding="ascii") as file:
        file.write(str(value))
    try:
        yield
    finally:
        with open(path, "w", encoding="ascii") as file:
            file.write(before)


# ---- what takes long ----

@pytest.mark.parametrize("form", ["pid", "host"])
def test_100000_mappings_before(bpfprof, programs, hostile, form):
    """They are there when bpfprof starts: its first read of /proc/PID/maps has 100,000 lines."""
    with sysctl("vm.max_map_count", 300000):
        proc = start(programs, hostile, "maps", 60, 100000)
        assert proc.stderr.readline().startswith("executable 5000"), "not mapped"
        with open(f"/proc/{proc.pid}/maps", encoding="ascii") as file:
            assert sum(1 for _ in file) > 99000
        watch(bpfprof, *(["--pid", proc.pid] if form == "pid" else []))
    got = bpfprof.profile()
    assert any(frame.function == "burn_hostile" for sample in got.samples for frame in sample.frames)


def test_100000_mappings_meanwhile(bpfprof, programs, hostile):
    """It makes them while bpfprof follows it, from high addresses to low ones."""
    with sysctl("vm.max_map_count", 300000):
        watch_the_host(bpfprof, lambda: start(programs, hostile, "maps", 60, 100000))


@pytest.mark.parametrize("form", ["before", "meanwhile"])
def test_more_mappings_than_are_kept(bpfprof, programs, hostile, form):
    """70,000 executable ones: those past the cap of one process are counted."""
    def act():
        proc = start(programs, hostile, "maps", 60, 140000)
        assert proc.stderr.readline().startswith("executable 7000"), "not mapped"
        return proc

    with sysctl("vm.max_map_count", 300000):
        if form == "before":
            result = watch(bpfprof, "--pid", act().pid)
        else:
            result = watch_the_host(bpfprof, act)
    assert w.unwind_helpers.counters_of(result.stderr)["mappings_refused"] > 0


def test_map_and_unmap_in_a_loop(bpfprof, programs, hostile):
    """No event tells of an unmap; the process table must not grow by every mapping that there ever was."""
    proc = start(programs, hostile, "churn", 60, hostile)
    result = watch(bpfprof, "--pid", proc.pid, seconds=6)
    cpu, rss = re.search(r"stats: cpu ([\d.]+) s.* rss (\d+) KiB", result.stderr).groups()
    print(f"cpu {cpu} s, rss {rss} KiB")
    assert int(rss) < 60 * 1024
    assert float(cpu) < 6
    assert w.unwind_helpers.counters_of(result.stderr)["processes_unpublished"] == 0


def eh_frame(fde_cnt, rows_each):
    """An .eh_frame at 0x400000+0x200000 of fde_cnt functions with so many rows each."""
    cie = struct.pack("<I", 0) + b"\x01zR\0\x01\x78\x10\x01\x1b" + b"\x0c\x07\x08\x90\x01"
    cie += b"\0" * (-(len(cie) + 4) % 8)
    data = bytearray(struct.pack("<I", len(cie)) + cie)
    rows = b"".join(b"\x41\x0e" + (b"\x10" if row % 2 else b"\x18") for row in range(rows_each))  # advance 1; CFA offset
    for number in range(fde_cnt):
        at = len(data)
        address = EH_CODE + number * (rows_each + 1) - (EH_ADDRESS + at + 8)
        body = struct.pack("<IiI", at + 4, address, rows_each + 1) + b"\0" + rows
        body += b"\0" * (-(len(body) + 4) % 8)
        data += struct.pack("<I", len(body)) + body
    return bytes(data) + b"\0\0\0\0"


EH_ADDRESS, EH_CODE = 0x40000000, 0x1000


ELF_HEADER, SEGMENT, SECTION = "<16sHHIQQQIHHHHHH", "<IIQQQQQQ", "<IIQQQQIIQQ"


def elf_header(sections_at, segment_cnt, section_cnt):
    """Of a shared object; the last section has the names of all."""
    return struct.pack(ELF_HEADER, b"\x7fELF\x02\x01\x01", 3, 62, 1, 0, 64, sections_at, 0, 64, 56, segment_cnt, 64, section_cnt,
                       max(0, section_cnt - 1))


def forge(path, frames, code_bytes):
    """A shared object of a page of code, and an .eh_frame that speaks of code_bytes of it."""
    names = b"\0.eh_frame\0.text\0.shstrtab\0"
    frames_at, names_at = 0x2000, 0x2000 + len(frames)
    sections_at = (names_at + len(names) + 7) & ~7
    headers = struct.pack(SEGMENT, 1, 5, 0, 0, 0, 0x2000, max(0x2000, code_bytes + EH_CODE), 0x1000)
    headers += struct.pack(SEGMENT, 1, 4, frames_at, EH_ADDRESS, EH_ADDRESS, len(frames), len(frames), 0x1000)
    sections = bytes(64)
    sections += struct.pack(SECTION, 1, 1, 2, EH_ADDRESS, frames_at, len(frames), 0, 0, 8, 0)
    sections += struct.pack(SECTION, 11, 1, 6, EH_CODE, EH_CODE, 0x1000, 0, 0, 16, 0)
    sections += struct.pack(SECTION, 17, 3, 0, 0, names_at, len(names), 0, 0, 1, 0)
    with open(path, "wb") as file:
        file.write((elf_header(sections_at, 2, 4) + headers).ljust(frames_at, b"\xc3") + frames + names)
        file.write(b"\0" * (sections_at - names_at - len(names)) + sections)


def forge_symbols(path, how):
    """A shared object whose symbol table is a trap for who reads it whole."""
    symbols_at, names_at, sections_at = 0x2000, 0x2000000, 0x1000
    symbols = b"".join(struct.pack("<IBBHQQ", number, 0x12, 0, 1, 0x1000 + number % 0x1000, 1) for number in range(500000))
    symbol_bytes, name_bytes = len(symbols), 16 << 20
    if how == "endless":
        symbol_bytes, name_bytes = 100 << 30, 100 << 30
    sections = struct.pack(SECTION, 0, 0, 0, 0, 0, 100 << 20 if how == "sections" else 0, 0, 0, 0, 0)
    sections += struct.pack(SECTION, 0, 2, 0, 0, symbols_at, symbol_bytes, 2, 0, 8, 24)
    sections += struct.pack(SECTION, 0, 3, 0, 0, names_at, name_bytes, 0, 0, 1, 0)
    with open(path, "wb") as file:
        file.write(elf_header(sections_at, 1, 0 if how == "sections" else 3))
        file.write(struct.pack(SEGMENT, 1, 5, 0, 0, 0, 0x2000, 0x2000, 0x1000))
        file.seek(sections_at)
        file.write(sections)
        file.seek(symbols_at)
        file.write(symbols)
        file.seek(names_at)
        file.write(b"m" * (16 << 20))  # and no NUL: no name ends
        if how != "names":
            file.truncate(200 << 30)


@pytest.mark.parametrize("how", ["names", "endless", "sections"])
def test_forged_symbol_table(bpfprof, programs, hostile, shared_tmp, how):
    """Half a million names that never end; tables of 100 GB in a sparse file; a hundred million sections."""
    path = shared_tmp / "symbols.so"
    try:
        forge_symbols(path, how)
    except OSError as error:
        pytest.skip(f"no sparse file of that size here: {error}")
    proc = start(programs, hostile, "files", 60, path)
    result = watch(bpfprof, "--pid", proc.pid, profiles="cpu,heap")
    rss_kib = int(re.search(r"at most (\d+) KiB", result.stderr)[1])
    print(f"rss at most {rss_kib} KiB")
    assert rss_kib < 400 * 1024


@pytest.mark.parametrize("fde_cnt,rows_each", [(2000000, 1), (1, 2000000), (1000, 2000)])
def test_two_million_rows(bpfprof, programs, hostile, tmp_path, fde_cnt, rows_each):
    """An .eh_frame of two million rows, in as many functions, in one, and in a thousand."""
    path = tmp_path / "big.so"
    forge(path, eh_frame(fde_cnt, rows_each), fde_cnt * (rows_each + 1))
    result = watch_the_host(bpfprof, lambda: start(programs, hostile, "files", 60, path), 5)
    print(re.search(r"^  unwind.*", result.stderr, re.M)[0])


# ---- files that are not what they seem ----

def forged_headers(folder, real):
    """Copies of a real program, each with a lie in its headers."""
    with open(real, "rb") as file:
        image = bytearray(file.read())
    patches = {
        "phnum": [(56, b"\xff\xff")], "phoff": [(32, b"\xff" * 8)], "phentsize": [(54, b"\x01\0")],
        "shnum": [(60, b"\xff\xfe")], "shnum-zero": [(60, b"\0\0")], "shoff": [(40, b"\xf0\xff\xff\xff\xff\xff\xff\x7f")],
        "shstrndx": [(62, b"\xff\xff")], "class32": [(4, b"\x01")], "big-endian": [(5, b"\x02")], "machine": [(18, b"\x28\0")],
        "segment-huge": [(64 + 56 * i + 32, b"\xff" * 7 + b"\x7f") for i in range(8)],
        "segment-wraps": [(64 + 56 * i + 16, b"\xff" * 8) for i in range(8)],
    }
    paths = []
    for name, changes in patches.items():
        data = bytearray(image)
        for at, value in changes:
            data[at:at + len(value)] = value
        paths.append(folder / f"forged-{name}")
        paths[-1].write_bytes(data)
    for cut in (0, 4, 63, 64, 200, 4096, len(image) // 2):
        paths.append(folder / f"cut-{cut}")
        paths[-1].write_bytes(image[:cut])
    return paths


def test_forged_elf_headers(bpfprof, programs, hostile, tmp_path):
    paths = forged_headers(tmp_path, hostile)
    proc = start(programs, hostile, "files", 60, *paths)
    watch(bpfprof, "--pid", proc.pid, "--top")
    got = bpfprof.profile()
    assert any(frame.function == "burn_hostile" for sample in got.samples for frame in sample.frames)


def test_fifo_and_device_as_a_file(bpfprof, programs, hostile, tmp_path):
    """A mapped file whose name is now that of a FIFO, a mapped device, a FIFO and a device as its debug file."""
    replaced, device, linked = tmp_path / "replaced", tmp_path / "device", tmp_path / "linked"
    shutil.copy(hostile, replaced)
    os.mknod(device, 0o666 | 0o020000, os.makedev(1, 5))  # /dev/zero
    for name in ("fifo.debug", "device.debug"):
        empty = tmp_path / name
        empty.write_bytes(b"x")
        shutil.copy(hostile, linked.with_name("linked-" + name))
        subprocess.run(["objcopy", "--remove-section=.note.gnu.build-id", f"--add-gnu-debuglink={empty}",
                        linked.with_name("linked-" + name)], check=True, timeout=30)
        subprocess.run(["strip", linked.with_name("linked-" + name)], check=True, timeout=30)
        empty.unlink()
    os.mkfifo(tmp_path / "fifo.debug")
    os.mknod(tmp_path / "device.debug", 0o666 | 0o020000, os.makedev(1, 5))
    proc = start(programs, replaced, "files", 60, device)
    burners = [start(programs, linked.with_name("linked-" + name), "files", 60) for name in ("fifo.debug", "device.debug")]
    replaced.unlink()
    os.mkfifo(replaced)
    watch(bpfprof, "--pid", ",".join(str(each.pid) for each in [proc, *burners]))
    names = {frame.function for sample in bpfprof.profile().samples for frame in sample.frames
             if sample.labels["pid"] == proc.pid}
    assert "burn_hostile" in names


def test_debug_file_is_no_device_opened(bpfprof, programs, hostile, tmp_path):
    """Opening a device may do things: the debug file that a binary names is looked at before it is opened."""
    binary, debug = tmp_path / "binary", tmp_path / "binary.debug"
    shutil.copy(hostile, binary)
    debug.write_bytes(b"x")
    subprocess.run(["objcopy", "--strip-all", "--remove-section=.note.gnu.build-id", f"--add-gnu-debuglink={debug}", binary],
                   check=True, timeout=30)
    debug.unlink()
    os.mkfifo(debug)
    proc = start(programs, binary, "files", 60)
    # A writer that waits for a reader would get one if bpfprof opened the FIFO.
    writer = programs.python("import os, sys; os.open(sys.argv[1], os.O_WRONLY); print('opened')", debug,
                             stdout=subprocess.PIPE)
    bpfprof.run("-P", "cpu", "--pid", proc.pid, "-d", "1s", "--top", timeout=30)
    time.sleep(0.2)
    assert writer.poll() is None, "bpfprof opened the FIFO"


def test_file_that_shrinks(bpfprof, programs, hostile, tmp_path):
    path = tmp_path / "shrinking"
    shutil.copy("/usr/lib/x86_64-linux-gnu/libc.so.6", path)
    os.truncate(path, 1 << 20)
    shrinker = start(programs, hostile, "shrink", 60, path)
    copy = tmp_path / "copy"
    shutil.copy(hostile, copy)
    proc = start(programs, hostile, "files", 60, path)
    for _ in range(3):
        watch(bpfprof, "--pid", f"{shrinker.pid},{proc.pid}", "--top", seconds=2)


# ---- what is printed ----

EVIL = "ev\nil \x1b[31mred\x1b]0;title\x07 \"q' \x7f"
EVIL_COMM = '</script>"\n\x1b[\\'


def evil_programs(programs, hostile, tmp_path):
    """In a folder of an evil name, one with an evil name of its own that is a comm too."""
    folder = tmp_path / EVIL
    folder.mkdir()
    binary = folder / "bin\r\n\x1b[2J"
    shutil.copy(hostile, binary)
    subprocess.run(["strip", binary], check=True, timeout=30)
    return start(programs, binary, "jit", 60, EVIL_COMM), start(programs, binary, "files", 60)


def test_evil_names_are_never_printed_raw(bpfprof, programs, hostile, tmp_path):
    """A path with newlines and escape sequences, a thread's name with quotes and a newline: in the top table, the lines and
    their details, messages, and the folded file's shape."""
    proc, plain = evil_programs(programs, hostile, tmp_path)
    result = bpfprof.run("-v", "-P", "cpu", "-d", "2s", "--pid", f"{proc.pid},{plain.pid}", "-o", ".", "-f",
                         "pprof,folded,html", "--top", "--stats", env={"BPFPROF": "schedtrace=500,scheddetail=1"})
    assert result.status == 0, result.stderr
    for text in (result.stdout, result.stderr):
        found = HARMFUL.findall(text.encode("utf-8", "surrogateescape"))
        assert not found, found
    assert "title" in result.stdout + result.stderr or "bin" in result.stdout
    for line in result.stderr.splitlines():
        assert line.startswith(("bpfprof", "SCHED", "  ")), line
    with open(os.path.join(bpfprof.folder, "cpu.folded"), "rb") as file:
        folded = file.read()
    assert not HARMFUL.findall(folded), folded
    assert all(re.fullmatch(rb".+ \d+", line) for line in folded.splitlines())
    with open(os.path.join(bpfprof.folder, "cpu.html"), "rb") as file:
        page = file.read()
    assert not HARMFUL.findall(page)
    assert b'</script>"' not in page  # the comm, which would end the page's script
    got = bpfprof.profile()
    assert_harmless(got)
    assert any('</script>"' in sample.labels["thread"] for sample in got.samples)


def assert_harmless(profile):
    """Whoever reads a profile prints its strings as they are."""
    texts = {*profile.comments, *profile.mappings}
    for sample in profile.samples:
        texts |= {frame.function for frame in sample.frames} | {str(label) for label in sample.labels.values()}
    found = [text for text in texts if HARMFUL.search(text.encode()) or "\n" in text]
    assert texts and not found, found


def test_evil_names_are_never_served_raw(programs, hostile, tmp_path):
    """The same, over HTTP: metric labels, texts, JSON, profiles."""
    evil, plain = evil_programs(programs, hostile, tmp_path)
    folder = tmp_path / "server"
    folder.mkdir()
    # of few processes, so that both are among the busiest, whatever else runs
    server = serve_helpers.Server(folder, "--no-trace", "-P", "cpu", "--pid", f"{evil.pid},{plain.pid}")
    try:
        assert wait_until(lambda: "script" in server.get("/metrics").text(), 60)
        assert wait_until(lambda: "script" in server.get("/api/processes?seconds=60").text(), 60)
        for proc in (evil, plain):
            for path in ("threads?debug=1", "threads?debug=2", "threads", "profile?seconds=1"):
                answer = server.get(f"/debug/pprof/{path}{'&' if '?' in path else '?'}pid={proc.pid}", timeout=60)
                assert answer.status == 200, (path, answer.body)
                if "debug" in path:
                    assert not HARMFUL.findall(answer.body), (path, answer.body)
                else:
                    assert_harmless(serve_helpers.profile_of(answer, tmp_path))
        for path in ("/metrics", "/api/status", "/api/processes?seconds=60", f"/api/profile?seconds=1&pid={evil.pid}"):
            answer = server.get(path, timeout=60)
            assert answer.status == 200 and not HARMFUL.findall(answer.body), (path, answer.body[-3000:])
            assert b"</script>" not in answer.body or path == "/metrics"
    finally:
        server.stop()
    assert not HARMFUL.findall(server.log().encode()), server.log()


def test_evil_output_names(bpfprof, programs):
    """The names of a command and of a folder, in messages."""
    for args in (["-o", "/nowhere/" + EVIL, "--", "true"], ["--", "./" + EVIL]):
        result = bpfprof.run(*args)
        assert result.status in (1, 127)
        assert not HARMFUL.findall(result.stderr.encode()), result.stderr
        assert result.stderr.count("\n") == len([line for line in result.stderr.splitlines() if "bpfprof: " in line])


# ---- what is read ----

def perf_map_of(pid):
    return f"/tmp/perf-{pid}.map"


@pytest.fixture
def cleaned():
    paths = []
    yield paths
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def jit_names(bpfprof, proc):
    result = bpfprof.run("-P", "cpu", "--pid", proc.pid, "-d", "1s", "-o", ".", "-f", "pprof,folded", "--top")
    assert result.status == 0, result.stderr
    with open(os.path.join(bpfprof.folder, "cpu.folded"), encoding="utf-8") as file:
        return result.stdout + result.stderr + file.read()


def test_perf_map_of_the_user_himself(bpfprof, programs, hostile, cleaned):
    """The control: a map of his own gives the name."""
    proc = start(programs, hostile, "jit", 60, **as_nobody())
    address = proc.ready.split()[1]
    cleaned.append(perf_map_of(proc.pid))
    with open(perf_map_of(proc.pid), "w", encoding="ascii") as file:
        file.write(f"{address} 40 own_jit_name\n")
    os.chown(perf_map_of(proc.pid), NOBODY, NOBODY)
    assert "own_jit_name" in jit_names(bpfprof, proc)


@pytest.mark.parametrize("how", ["symlink", "hardlink", "other-user", "root-only", "fifo", "device"])
def test_perf_map_that_is_not_his(bpfprof, programs, hostile, cleaned, tmp_path, how):
    proc = start(programs, hostile, "jit", 60, **as_nobody())
    address, path, secret = proc.ready.split()[1], perf_map_of(proc.pid), tmp_path / "shadow"
    cleaned.append(path)
    secret.write_text(f"{address} 40 secret_of_root\n", encoding="ascii")
    os.chmod(secret, 0o600)
    if how == "symlink":
        os.symlink(secret, path)
    elif how in ("hardlink", "root-only"):
        shutil.copy(secret, path)
        os.chmod(path, 0o600)
    elif how == "other-user":
        shutil.copy(secret, path)
        os.chown(path, 1234, 1234)
        os.chmod(path, 0o644)
    elif how == "fifo":
        os.mkfifo(path)
    else:
        os.mknod(path, 0o666 | 0o020000, os.makedev(1, 5))
    assert "secret_of_root" not in jit_names(bpfprof, proc)


def test_debug_file_that_he_may_not_read(bpfprof, programs, hostile, shared_tmp):
    """A binary of a user names a debug file: a link to a file with symbols that only root may read."""
    public, private = shared_tmp / "public", shared_tmp / "private"
    public.mkdir()
    private.mkdir(mode=0o700)
    secret = private / "secret.debug"
    subprocess.run(["objcopy", "--only-keep-debug", hostile, secret], check=True, timeout=30)
    subprocess.run(["objcopy", "--redefine-sym=burn_hostile=secret_of_root", secret], check=True, timeout=30)
    os.chmod(secret, 0o600)
    binary = public / "binary"
    shutil.copy(hostile, binary)
    subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={secret}", binary], check=True, timeout=30)
    os.chown(binary, NOBODY, NOBODY)
    os.chown(public, NOBODY, NOBODY)
    os.symlink(secret, public / "secret.debug")
    proc = start(programs, binary, "files", 60, **as_nobody())
    result = bpfprof.run("-P", "cpu", "--pid", proc.pid, "-d", "1s", "--top")
    assert result.status == 0
    assert "secret_of_root" not in result.stdout


def test_stopped_target(bpfprof, programs, hostile):
    """A process that is stopped while it is attached to, and killed while it is read."""
    proc = start(programs, hostile, "files", 60)
    proc.send_signal(signal.SIGSTOP)
    running = bpfprof.start("-P", "cpu", "--pid", proc.pid, "-i", "100ms", "-o", ".")
    time.sleep(1.2)
    proc.kill()
    result = bpfprof.finish(running)
    assert result.status == 0, result.stderr
