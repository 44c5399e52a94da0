# SPDX-License-Identifier: GPL-2.0
"""What the tests on the real kernel share: bpfprof, real programs to profile, other people's readers of its files.

Needs root. BPFPROF_BIN names the program under test.
"""
import collections
import contextlib
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("BPFPROF_BIN", os.path.join(ROOT, "build", "bpfprof")))
SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/local/go/bin:/usr/sbin:/sbin"
SECONDS_MAX = 60

Result = collections.namedtuple("Result", "status stdout stderr")
Frame = collections.namedtuple("Frame", "function file address")
Sample = collections.namedtuple("Sample", "frames labels values")  # frames: leaf first
Profile = collections.namedtuple("Profile", "samples sample_types period duration_ns comments mappings")


# ---- reading what bpfprof wrote ----

_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)")
_ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}


def _unescape(text):
    def one(match):
        code = match[1]
        if code[:1].isdigit():
            return bytes([int(code, 8)])
        return bytes([int(code[1:], 16)]) if code[:1] == b"x" else _ESCAPED.get(code, code)
    return _ESCAPE.sub(one, text.encode()).decode("utf-8", "replace")


def _read_scalar(text):
    if text.startswith('"'):
        return _unescape(text[1:-1])
    return text == "true" if text in ("true", "false") else int(text)


def _read_message(lines):
    """protobuf's text form as {field: [value...]}, up to the brace that closes the message."""
    message = collections.defaultdict(list)
    for line in lines:
        line = line.strip()
        if line == "}":
            break
        if line.endswith("{"):
            message[line[:-1].strip()].append(_read_message(lines))
        else:
            name, _, value = line.partition(": ")
            message[name].append(_read_scalar(value))
    return message


def _first(message, field):
    return message[field][0] if message[field] else 0


def read_pprof(path):
    """A pprof file as protoc reads it."""
    with gzip.open(path) as file:
        data = file.read()
    golden = os.path.join(ROOT, "tests", "golden")
    text = subprocess.run(["protoc", "--decode=perftools.profiles.Profile", f"--proto_path={golden}", "profile.proto"],
                          input=data, stdout=subprocess.PIPE, check=True, timeout=SECONDS_MAX).stdout.decode()
    raw = _read_message(iter(text.splitlines()))
    strings = raw["string_table"]
    assert strings[0] == ""
    functions = {_first(function, "id"): strings[_first(function, "name")] for function in raw["function"]}
    mappings = {_first(mapping, "id"): strings[_first(mapping, "filename")] for mapping in raw["mapping"]}
    locations = {}
    for location in raw["location"]:
        file, address = mappings.get(_first(location, "mapping_id"), ""), _first(location, "address")
        names = [functions[_first(line, "function_id")] for line in location["line"]] or [""]
        locations[_first(location, "id")] = [Frame(name, file, address) for name in names]
    samples = []
    for sample in raw["sample"]:
        labels = {strings[_first(label, "key")]: strings[label["str"][0]] if label["str"] else _first(label, "num")
                  for label in sample["label"]}
        frames = [frame for location in sample["location_id"] for frame in locations[location]]
        samples.append(Sample(frames, labels, sample["value"]))
    types = [(strings[_first(kind, "type")], strings[_first(kind, "unit")]) for kind in raw["sample_type"]]
    return Profile(samples, types, _first(raw, "period"), _first(raw, "duration_nanos"),
                   [strings[comment] for comment in raw["comment"]], list(mappings.values()))


def read_folded(path):
    """{stack: count} of a folded file; flamegraph.pl's own pattern."""
    stacks = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            match = re.fullmatch(r"(.+) (\d+)\n", line)
            assert match, line
            assert match[1] not in stacks
            stacks[match[1]] = int(match[2])
    return stacks


def go_top(path, count):
    """The table of `go tool pprof -top`, as [flat, flat%, sum%, cum, cum%, name] texts."""
    text = subprocess.run(["go", "tool", "pprof", "-top", f"-nodecount={count}", "-symbolize=none", str(path)],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True, text=True, timeout=SECONDS_MAX,
                          env=dict(os.environ, PATH=SYSTEM_PATH, PPROF_TMPDIR="/tmp")).stdout
    return top_rows(text)


def top_rows(text):
    lines = text.splitlines()
    header = next(i for i, line in enumerate(lines) if line.split() == ["flat", "flat%", "sum%", "cum", "cum%"])
    return [line.split(None, 5) for line in lines[header + 1:]]


# ---- what bpfprof holds in the kernel ----

def kernel_objects(pid):
    """{(kind, id)} of the BPF programs, maps and links that a process holds, as its descriptors tell."""
    objects = set()
    for name in os.listdir(f"/proc/{pid}/fdinfo"):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii") as file:
            # a link's descriptor tells its program too
            objects |= {(kind, int(number)) for kind, number in re.findall(r"^(prog|map|link)_id:\s*(\d+)$",
                                                                           file.read(), re.M)}
    return objects


def kernel_has(objects):
    """Those of the objects that are still there, whoever holds them."""
    left = set()
    for kind in ("prog", "map", "link"):
        text = subprocess.run(["bpftool", "-j", kind, "show"], stdout=subprocess.PIPE, check=True, timeout=SECONDS_MAX,
                              env=dict(os.environ, PATH=SYSTEM_PATH)).stdout
        left |= {(kind, entry["id"]) for entry in json.loads(text or "[]")} & objects
    return left


def wait_until(condition, seconds=10):
    """The condition's first true value; the last one if none was."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.02)


def cpu_seconds(pid):
    """CPU time of a process, its ended children's too, in seconds."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:15])) / os.sysconf("SC_CLK_TCK")


# ---- fixtures ----

class Programs:
    """Starts programs and ends them, by their ids, whatever the test does."""

    def __init__(self):
        self.started = []

    def start(self, *args, **popen):
        popen.setdefault("stdin", subprocess.DEVNULL)
        proc = subprocess.Popen([str(arg) for arg in args], text=True, **popen)
        self.started.append(proc)
        return proc

    def python(self, code, *args, **popen):
        """A python that runs the code. One that prints `ready` first is waited for if stdout is a pipe."""
        return self.start("/usr/bin/python3", "-S", "-c", code, *args, **popen)

    def busy(self):
        """A thread that burns a CPU."""
        return self.python("while True: pass")

    def sleeping(self):
        return self.start("sleep", "1000")

    def end(self):
        for proc in self.started:
            if proc.poll() is None:
                proc.kill()
        for proc in self.started:
            proc.wait()
            for stream in (proc.stdin, proc.stdout, proc.stderr):
                if stream:
                    stream.close()


@pytest.fixture
def programs():
    programs = Programs()
    yield programs
    programs.end()


def require_root():
    if os.geteuid() != 0:
        pytest.skip("needs root")
    assert os.access(BIN, os.X_OK), f"{BIN} is not built"


class Bpfprof:
    """Runs bpfprof in a folder of its own. Each must be gone, from the kernel too, at the test's end."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []

    def start(self, *args, env=None, under=(), **popen):
        """under: a command in front of it, such as setpriv."""
        popen.setdefault("stdout", subprocess.PIPE)
        popen.setdefault("stderr", subprocess.PIPE)
        proc = subprocess.Popen([*under, BIN, *map(str, args)], cwd=popen.pop("cwd", self.folder), text=True,
                                stdin=subprocess.DEVNULL, env={**os.environ, "PATH": SYSTEM_PATH, **(env or {})}, **popen)
        self.started.append(proc)
        return proc

    def finish(self, proc, timeout=SECONDS_MAX):
        stdout, stderr = proc.communicate(timeout=timeout)
        return Result(proc.returncode, stdout, stderr)

    def run(self, *args, timeout=SECONDS_MAX, **options):
        return self.finish(self.start(*args, **options), timeout)

    def start_and_attach(self, *args, **options):
        """Started, and its first SCHED line read: everything is attached."""
        proc = self.start(*args, **options)
        seen = []
        for line in iter(proc.stderr.readline, ""):
            seen.append(line)
            if "SCHED" in line:
                return proc
        raise AssertionError(f"no line; status {proc.wait()}: {seen}")

    def profile(self, name="cpu.pb.gz"):
        return read_pprof(os.path.join(self.folder, name))

    def files(self):
        return sorted(os.listdir(self.folder))

    def end(self):
        left = [proc for proc in self.started if proc.poll() is None]
        held = set()
        for proc in left:
            held |= kernel_objects(proc.pid)
            proc.kill()
        for proc in self.started:
            proc.wait()
            for stream in (proc.stdout, proc.stderr):
                if stream:
                    stream.close()
        assert not wait_until(lambda: not kernel_has(held)) is False, "objects are left in the kernel"
        assert not left, f"bpfprof did not end: {[proc.args for proc in left]}"


@pytest.fixture
def bpfprof(tmp_path):
    require_root()
    folder = tmp_path / "out"
    folder.mkdir()
    bpfprof = Bpfprof(str(folder))
    yield bpfprof
    bpfprof.end()


@pytest.fixture
def open_folder():
    """A folder that every user may enter, with a copy of bpfprof in it."""
    folder = tempfile.mkdtemp(prefix="bpfprof-test-")
    os.chmod(folder, 0o755)
    shutil.copy(BIN, folder)
    yield folder
    shutil.rmtree(folder)
