# SPDX-License-Identifier: GPL-2.0
"""What the tests of the stack walk share: a pprof reader, ELF symbols, and how a call instruction looks."""
import bisect
import collections
import functools
import gzip
import os
import re
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("BPFPROF_BIN", os.path.join(ROOT, "build", "bpfprof")))
READELF = shutil.which("readelf") or "readelf"
OBJDUMP = shutil.which("objdump") or "objdump"

Mapping = collections.namedtuple("Mapping", "id start limit offset file build_id")
Location = collections.namedtuple("Location", "id mapping address functions")
Sample = collections.namedtuple("Sample", "locations values labels")
Frame = collections.namedtuple("Frame", "file address name")
Profile = collections.namedtuple("Profile", "samples comments mappings locations")

TRUNCATED = "[truncated]"
LOST = "[lost]"
KERNEL = "[kernel.kallsyms]"


# ---- profile.proto, as much of it as the tests need ----

def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(data):
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(data, at)
        elif wire == 2:
            size, at = _varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"wire type {wire}")
        yield number, value


def _packed(value):
    if isinstance(value, int):
        return [value]
    ret, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        ret.append(number)
    return ret


def read_profile(path):
    """A pprof file as Profile: samples are lists of Frame, leaf first."""
    with gzip.open(path) as file:
        data = file.read()
    strings, raw = [], collections.defaultdict(list)
    for number, value in _fields(data):
        if number == 6:
            strings.append(value.decode(errors="replace"))
        else:
            raw[number].append(value)
    functions, mappings, locations, samples = {}, {}, {}, []
    for message in raw[5]:
        fields = dict(_fields(message))
        functions[fields[1]] = strings[fields.get(2, 0)]
    for message in raw[3]:
        fields = dict(_fields(message))
        mappings[fields[1]] = Mapping(fields[1], fields.get(2, 0), fields.get(3, 0), fields.get(4, 0),
                                      strings[fields.get(5, 0)], strings[fields.get(6, 0)])
    for message in raw[4]:
        fields, names = {}, []
        for number, value in _fields(message):
            if number == 4:
                names.append(functions.get(dict(_fields(value)).get(1, 0), ""))
            else:
                fields[number] = value
        mapping = mappings.get(fields.get(2, 0))
        locations[fields[1]] = Location(fields[1], mapping, fields.get(3, 0), names)
    for message in raw[2]:
        ids, values, labels = [], [], {}
        for number, value in _fields(message):
            if number == 1:
                ids += _packed(value)
            elif number == 2:
                values += _packed(value)
            elif number == 3:
                label = dict(_fields(value))
                labels[strings[label[1]]] = strings[label[2]] if label.get(2) else label.get(3, 0)
        samples.append(Sample([locations[id] for id in ids], values, labels))
    comments = [strings[number] for value in raw[13] for number in _packed(value)]
    return Profile(samples, comments, mappings, locations)


def physical(location):
    """One frame of a location: the function it is in (not the inlined ones)."""
    file = location.mapping.file if location.mapping else ""
    return Frame(file, location.address, location.functions[-1] if location.functions else "")


def user_frames(sample):
    """The sample's user frames, leaf first, and whether the walk reached the root."""
    frames = [physical(location) for location in sample.locations]
    complete = not frames or frames[-1].name not in (TRUNCATED, LOST)
    frames = [frame for frame in frames if not is_kernel(frame) and frame.name not in (TRUNCATED, LOST)]
    return frames, complete


def is_kernel(frame):
    """The kernel's own, its modules' and its BPF programs' are mappings in brackets; so is the vDSO, which is user code."""
    return frame.file.startswith("[") and frame.file != "[vdso]"


# ---- running bpfprof ----

def run_bpfprof(out_dir, args, command=None, timeout=120, env=None):
    """Runs bpfprof to its end; (profile, counters, what it wrote to stderr)."""
    argv = [BIN, "--no-trace", "--stats", "-P", "cpu", "--top=0", "-o", str(out_dir), *map(str, args)]
    if command:
        argv += ["--", *map(str, command)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace", timeout=timeout, check=False, env=env)
    path = os.path.join(str(out_dir), "cpu.pb.gz")
    if not os.path.exists(path):
        raise AssertionError(f"{' '.join(argv)}: status {done.returncode}, no profile:\n{done.stderr}")
    return read_profile(path), counters_of(done.stderr), done.stderr


def counters_of(stats):
    """The counters of --stats."""
    return {name: int(value) for name, value in
            re.findall(r"^  (?:counter|lost) +(\w+) +(\d+)  ", stats, re.MULTILINE)}


def program_ns(stats, name):
    """(runs, mean ns) of a BPF program, from --stats."""
    match = re.search(rf"^  program {name} +runs +(\d+)  mean +(\d+) ns", stats, re.MULTILINE)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def ends(counters):
    """How the walks ended: {reason: count}, without the kernel threads."""
    return {name[4:]: value for name, value in counters.items()
            if name.startswith("end_") and name != "end_kernel" and value}


# ---- ELF ----

class Elf:
    """Segments, symbols and bytes of an ELF file, by the addresses that the file states."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.data = file.read()
        self.entry = int.from_bytes(self.data[24:32], "little")
        self.segments = []
        text = subprocess.run([READELF, "-lW", path], stdout=subprocess.PIPE, text=True, check=False).stdout
        for match in re.finditer(r"LOAD +0x(\w+) 0x(\w+) 0x\w+ 0x(\w+) 0x\w+ (...)", text):
            offset, addr, size = (int(match[i], 16) for i in (1, 2, 3))
            self.segments.append((addr, size, offset, "E" in match[4]))
        symbols = {}
        text = subprocess.run([READELF, "-sW", path], stdout=subprocess.PIPE, text=True, check=False).stdout
        for match in re.finditer(r"^ +\d+: (\w+) +(\S+) (?:FUNC|IFUNC) +\w+ +\w+ +(\w+) (\S+)", text, re.MULTILINE):
            if match[3] != "UND":
                symbols.setdefault(int(match[1], 16), (int(match[2], 0), match[4].split("@")[0]))
        self.symbols = sorted((addr, size, name) for addr, (size, name) in symbols.items())
        self.starts = [addr for addr, _, _ in self.symbols]

    def read(self, addr, size):
        for start, length, offset, _ in self.segments:
            if start <= addr and addr + size <= start + length:
                return self.data[offset + addr - start:offset + addr - start + size]
        return b""

    def function(self, addr):
        """(start, size, name) of the function around an address, or None."""
        index = bisect.bisect_right(self.starts, addr) - 1
        if index < 0:
            return None
        start, size, name = self.symbols[index]
        if not size and index + 1 < len(self.starts):
            size = self.starts[index + 1] - start # assembly without .size
        return (start, size, name) if addr < start + max(size, 1) else None


@functools.lru_cache(maxsize=None)
def elf(path):
    return Elf(path)


PREFIXES = b"\x26\x2e\x36\x3e\x64\x65\x66\x67\xf2\xf3"


def decode_call(code, size):
    """Whether the last `size` of these bytes are one call instruction: "direct", "indirect", "syscall" or None."""
    insn = code[len(code) - size:]
    at = 0
    while at < len(insn) and insn[at] in PREFIXES:
        at += 1
    if at < len(insn) and insn[at] & 0xF0 == 0x40:
        at += 1
    rest = insn[at:]
    if rest[:1] == b"\xe8" and len(rest) == 5:
        return "direct"
    if rest[:1] == b"\xff" and len(rest) >= 2 and (rest[1] >> 3) & 7 == 2:
        mod, rm = rest[1] >> 6, rest[1] & 7
        length = 2 + (mod != 3 and rm == 4)
        if mod == 1:
            length += 1
        elif mod == 2 or (mod == 0 and rm == 5):
            length += 4
        elif mod == 0 and rm == 4 and len(rest) > 2 and rest[2] & 7 == 5:
            length += 4
        if length == len(rest):
            return "indirect"
    return None


def call_before(file, ret_addr):
    """The call that ends at a return address: (kind, target or None); None: there is none."""
    code = file.read(ret_addr - 16, 16)
    if len(code) < 16:
        return None
    for size in range(2, 12):
        kind = decode_call(code, size)
        if kind == "direct":
            rel = int.from_bytes(code[-4:], "little", signed=True)
            return kind, (ret_addr + rel) & (1 << 64) - 1
        if kind:
            return kind, None
    return None
