#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Makes the seeds of fuzz targets whose inputs are texts or records, or ELF files that a compiler makes better than a person.

seeds.py FOLDER: writes FOLDER/seeds-NAME/NUMBER. A seed has a few KB at most.
"""
import lzma
import os
import struct
import subprocess
import sys
import tempfile

MAPS = b"7f1c20000000-7f1c20021000 r-xp 00001000 fe:01 393219 /usr/lib/a\\012b.so (deleted)\n"
STAT = b"42 (a) b) S 1 42 42 0 -1 4194560 1 0 0 0 1 2 0 0 20 0 3 0 1234 1 2 3 4 5 140737488347136 0\n"
STATUS = (b"Name:\ta\\nb\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t42\nPid:\t42\nUid:\t1000\t1000\t1000\t1000\n"
          b"Gid:\t1000\t1000\t1000\t1000\nGroups:\t4 24\nNStgid:\t42\t7\nNSpid:\t42\t7\nCapPrm:\t0000000000000000\n")
PROC = [MAPS, STAT, STATUS, b"0::/system.slice/a.service\n", b"12:cpu,cpuacct:/\n", b"0-3,7,9-15\n"]

PERF_MAP = [b"7f1c20000a40 1c0 LazyCompile:*fib /srv/fib.js:1:13\n0x7f1c20000000 0x40 a\r\n", b"10 20 name with blanks \n"]
KALLSYMS = [b"ffffffff81000000 T _stext\nffffffff81000010 t do_one\nffffffff82000000 B _end\n"
            b"ffffffffc0201000 t nf_hook\t[nf_conntrack]\nffffffffc0301000 t bpf_prog_6deef7357e7b4530\t[bpf]\n",
            b"0000000000000000 T _stext\n"]

OPTIONS = [b"schedtrace=1000,heaptrace=500,scheddetail=1\n-d\n10s\n-F\n99\n--pid\n1,2",
           b"\n-P\ncpu,heap\n-f\npprof,folded,html\n--top=5\n-o\n.\n--\ntrue",
           b"schedtrace=\n--listen\n[::1]:6060\n--max-overhead=2.5\n--heap-rate\n1MiB", b"\n--listen=unix:/run/a\n-i500ms\n-qv",
           b"2m", b"127.0.0.1:6060", b"512KiB", b"0.5"]

SERVE = [b"[::1]:6060\n::1", b"localhost:6060\nhttp://localhost:6060", b"Bearer  secret\nsecret", b"0x7f1c20000a40", b"-9223372036854775808",
         STATUS]

# A moment, a kept file's name, and a duration that overflows when it is added up.
PAST = [b"2026-11-25T03:12:00Z", b"1764040320.5", b"cpu-20261125T031200.004Z-60001ms.pb.gz", b"\x50" + b"\xff" * 8 + b"\x7f"]

MANGLED = [b"_ZNSt6vectorIiSaIiEE9push_backERKi", b"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", b"_ZSt4sortIPFvvES1_EvT_S3_T0_",
           b"_RNvCs1234_7mycrate3foo", b"_RINvNtC3std3mem8align_ofjdE", b"_D3std5stdio7writelnFAyaZv", b"___ZZ1fvENK3$_0clEv",
           b"_ZZN1AC1EvENKUlT_E_clIiEEDaS0_", b"_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y"]


def requests():
    head = b" HTTP/1.1\r\nHost: localhost:6060\r\n"
    pprof = [b"", b"profile?seconds=1", b"heap?pid=1", b"heap?seconds=2&pid=2", b"threads?debug=2", b"mutex?debug=1",
             b"cmdline?pid=1", b"symbol?pid=1&0x1+0x2", b"trace", b"allocs?debug=%31&pid=%00", b"nothing"]
    paths = [b"/debug/pprof/" + path for path in pprof]
    paths += [b"/", b"/metrics", b"/api/status", b"/api/processes?seconds=10", b"/api/profile?type=heap&seconds=1", b"/debug/pprof",
              b"/live.js"]
    for path in paths:
        yield b"\xffGET " + path + head + b"\r\n"
    yield b"\x30POST /debug/pprof/symbol" + head + b"Content-Length: 13\r\n\r\n0x401000+0x1f"
    yield b"\xffPOST /debug/pprof/symbol" + head + b"Transfer-Encoding: chunked\r\n\r\n4\r\n0x1+\r\n3\r\n0x2\r\n0\r\n\r\n"
    yield b"\xffGET /metrics" + head + b"\r\nGET /api/status" + head + b"Connection: close\r\n\r\n"
    yield b"\xffHEAD /metrics" + head + b"Authorization: Bearer secret\r\nOrigin: http://localhost:6060\r\n\r\n"
    yield b"\xffGET /metrics HTTP/1.1\r\nHost: evil.example\r\nSec-Fetch-Site: cross-site\r\n\r\n"
    yield b"\xffGET /metrics HTTP/1.1\r\nHost: profiled:1\r\nAuthorization: Bearer wrong\r\n\r\n"


def records():
    """Of perf rings: type, misc, size, then a pid and tid; each ends in its time. The target makes a type of one of six."""
    def record(kind, misc, body):
        return struct.pack("<IHH", kind, misc, 8 + len(body) + 8) + body + bytes(8)
    path = b"/usr/lib/libfoo.so (deleted)\0".ljust(32, b"\0")
    inode = struct.pack("<IIQQQIIQQII", 0, 1, 0x1000, 0x3000, 0, 8, 1, 42, 0, 5, 2)
    build_id = struct.pack("<IIQQQB3x20sII", 0, 1, 0x2000, 0x3000, 0x1000, 20, bytes(range(20)), 5, 2)
    fork, leave = record(2, 0, struct.pack("<IIII", 1, 0, 1, 0)), record(3, 0, struct.pack("<IIII", 0, 1, 0, 1))
    execute = record(1, 1 << 13, struct.pack("<II", 0, 0) + b"comm\0\0\0\0")
    mapped = record(0, 1, inode + path) + record(0, 1 << 14, build_id + path) + record(0, 0, inode + b"//anon\0\0")
    lost = record(4, 0, struct.pack("<QQ", 1, 3))
    yield from (fork + mapped, mapped + leave, mapped + execute + mapped, lost, mapped + fork + execute + leave + mapped)


def stacks():
    def stack(kernel, user, raw, end, frames, pid=1 << 30):
        body = struct.pack("<QQQIHHHHI", 7, 10, 1, pid, kernel, user, raw, end, 0) + struct.pack(f"<{len(frames)}Q", *frames)
        return struct.pack("<H", len(body)) + body
    request = struct.pack("<HII", 8, 3, 0)
    yield stack(1, 2, 2, 0, [1 << 62, 0x2000, 0x9000]) + request
    yield stack(0, 512, 512, 0, [0x1000 + i for i in range(512)])
    yield stack(0, 3, 0, 12, [0x2000]) + request[:6] + stack(0, 0, 0, 1, [])


def pieces(*texts):
    return b"".join(bytes([len(text)]) + text for text in texts)


OUTPUT = [pieces(b"comm", b"thread", b"/a.slice", b"/usr/bin/app", b"jit", b"", b"main", b"app.c", b"", b""),
          pieces(b"e\"v\\i;l\n", b"\x1b[31m\x7f", b"/\n\xff", b"/a\n</script>\x1b", b"f;g \xc2\x9b", b"\xe2\x80\xa8", b"[lost] 7", b"\r")]

CODE = """
void *malloc(unsigned long bytes) { return (void *)(bytes + 1); }
void *calloc(unsigned long cnt, unsigned long bytes) { return malloc(cnt * bytes); }
void *realloc(void *old, unsigned long bytes) { return old ? old : malloc(bytes); }
void free(void *memory) { if (memory) *(volatile char *)memory = 0; }
int main(void) { free(malloc(7)); return 0; }
"""


INLINED = """
static inline __attribute__((always_inline)) int twice(int i) { return i * 2 + *(volatile int *)&i; }
static inline __attribute__((always_inline)) int four(int i) { return twice(twice(i)); }
int work(int cnt) { int sum = 0; for (int i = 0; i < cnt; i++) { int j = four(i); sum += j; } return sum; }
int main(void) { return work(7); }
"""


def dwarf_answers():
    """What dwarf.c's child writes: the address's index and its calls, each with its lines, lengths and texts."""
    def call(line, start, *texts):
        return struct.pack("<IIHHHxx", line, start, *map(len, texts)) + b"".join(texts)
    yield struct.pack("<II", 3, 1) + call(7, 3, b"main", b"", b"/srv/a.c")
    yield (struct.pack("<II", 0, 2) + call(9, 8, b"twice", b"_Z5twicei", b"a.h") + call(12, 0, b"", b"", b"") +
           struct.pack("<II", 511, 1) + call(1, 1, b"", b"_ZN1aE", b""))


def run(*args):
    subprocess.run(args, check=True, timeout=60, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def elf_files():
    """A shared object with an allocator, a program, one with a debug link, one with a symbol table in .gnu_debugdata."""
    with tempfile.TemporaryDirectory() as folder:
        source, library, program, linked, packed = (os.path.join(folder, name) for name in ("a.c", "a.so", "a", "b", "c"))
        with open(source, "w", encoding="ascii") as file:
            file.write(CODE)
        flags = ["-Os", "-nostdlib", "-fno-builtin", "-fcf-protection=none", "-Wl,-z,noseparate-code,-z,norelro,--build-id,-Ttext=0x1000"]
        run("cc", *flags, "-shared", "-fPIC", source, "-o", library)
        run("cc", *flags, "-static", "-Wl,-emain", source, "-o", program)
        run("objcopy", "--remove-section=.note.gnu.build-id", f"--add-gnu-debuglink={source}", program, linked)
        with open(os.path.join(folder, "mini.xz"), "wb") as file, open(program, "rb") as image:
            file.write(lzma.compress(image.read()))
        run("strip", "-o", packed, program)
        run("objcopy", f"--add-section=.gnu_debugdata={folder}/mini.xz", packed)
        for path in (library, program, linked, packed):
            with open(path, "rb") as file:
                yield file.read()


def dwarf_files():
    """DWARF 5 and 4, sections that are compressed, and one alone beside its program."""
    with tempfile.TemporaryDirectory() as folder:
        source, program = os.path.join(folder, "a.c"), os.path.join(folder, "a")
        with open(source, "w", encoding="ascii") as file:
            file.write(INLINED)
        for flags in (["-gdwarf-5"], ["-gdwarf-4"], ["-gdwarf-5", "-gz"], ["-gdwarf-4", "-fdebug-types-section"]):
            run("cc", "-O1", "-nostdlib", "-static", "-Wl,-emain,-z,noseparate-code,-Ttext=0x1000", *flags, source, "-o", program)
            with open(program, "rb") as file:
                yield file.read()
        run("objcopy", "--only-keep-debug", program)
        with open(program, "rb") as file:
            yield file.read()


def main():
    elf = list(elf_files())
    seeds = {"proc": PROC, "perf_map": PERF_MAP, "kallsyms": KALLSYMS, "options": OPTIONS, "serve": SERVE, "past": PAST, "demangle": MANGLED,
             "http": requests(), "event_record": records(), "stack_ring": stacks(), "output": OUTPUT, "allocator": elf,
             "dwarf": [*dwarf_files(), *dwarf_answers()], "symbol_elf": elf, "elf_header": elf, "debug_file": elf}
    for name, texts in seeds.items():
        folder = os.path.join(sys.argv[1], f"seeds-{name}")
        os.makedirs(folder, exist_ok=True)
        for number, text in enumerate(texts):
            with open(os.path.join(folder, str(number)), "wb") as file:
                file.write(text)


main()
