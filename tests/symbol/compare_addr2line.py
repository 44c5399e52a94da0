#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Names, files, lines and inlined calls of sampled addresses, beside eu-addr2line's, llvm-addr2line's and go tool
addr2line's.

    compare_addr2line.py [--symbolize build/symbolize] [--count 1000]        the comparison; exit status 1 on a difference
                                                                          without a reason
    compare_addr2line.py --large [FILE...]                                   10,000 addresses each: seconds of every tool

The addresses are drawn at random from the files' functions, larger ones more often, as a profiler's clock does.
"""
import argparse
import collections
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORKLOADS = os.path.join(ROOT, "tests", "workloads")
LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
LARGE = ["/usr/lib/x86_64-linux-gnu/libLLVM-14.so.1", "/usr/lib/x86_64-linux-gnu/libclang-cpp.so.14", "/usr/bin/gdb"]
GO_SOURCE = """package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"sort"
	"strings"
)

func main() {
	words := map[string]int{}
	for i := 0; i < 3000; i++ {
		words[fmt.Sprint("word", i*i)] += i
	}
	keys := make([]string, 0, len(words))
	for key := range words {
		keys = append(keys, strings.ToUpper(key))
	}
	sort.Strings(keys)
	text, _ := json.Marshal(keys)
	fmt.Println(len(regexp.MustCompile(`D(\\d+)`).FindAllString(string(text), -1)))
}
"""
# Why an answer may differ and be right.
ALIAS = "another name of the same address"
PART = "a part that the compiler split off keeps its symbol's name"
NAME = "the symbol table's name, not DWARF's"
TABLE = ".gopclntab has a line where DWARF has none"
EU = "eu-addr2line differs, llvm-addr2line says what we say"

Call = collections.namedtuple("Call", "function file line")


def run(argv, text=None):
    # eu-addr2line ends with 1 when it does not know one of the addresses.
    return subprocess.run(argv, input=text, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False,
                          errors="replace").stdout


# ---- the files ----

def build(folder, *argv, env=None):
    subprocess.run(argv, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=dict(os.environ, **(env or {})))


def build_go(folder, flags=()):
    path = os.path.join(folder, "busy.go")
    with open(path, "w", encoding="utf-8") as file:
        file.write(GO_SOURCE)
    name = "go-stripped" if flags else "go"
    build(folder, "go", "build", *flags, "-o", name, path, env={"GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"})
    return os.path.join(folder, name)


def build_compiled(folder, compiler, source, name, flags):
    build(folder, compiler, *flags, os.path.join(WORKLOADS, source), "-o", name)
    return os.path.join(folder, name)


# ---- symbols, to explain a difference ----

class Names:
    """{address: names} of the functions of a file and of its debug file."""

    def __init__(self, path):
        self.names, self.ranges = collections.defaultdict(set), set()
        for file in (path, *debug_files(path)):
            text = run(["readelf", "--wide", "--symbols", file])
            for match in re.finditer(r"^ +\d+: (\w+) +(\S+) (\w+) +\w+ +\w+ +(\d+) (\S+)", text, re.MULTILINE):
                address, size = int(match[1], 16), int(match[2], 0)
                if match[3] in ("FUNC", "IFUNC", "NOTYPE"):
                    self.names[address].add(match[5].split("@")[0])
                    if size and match[3] != "NOTYPE":
                        self.ranges.add((address, size))
        self.by_name = collections.defaultdict(set)
        for address, found in self.names.items():
            for name in found:
                self.by_name[name].add(address)

    def are_aliases(self, left, right):
        return bool(self.by_name.get(left, set()) & self.by_name.get(right, set()))


def debug_files(path):
    match = re.search(r"Build ID: (\w\w)(\w+)", run(["readelf", "--notes", path]))
    file = f"/usr/lib/debug/.build-id/{match[1]}/{match[2]}.debug" if match else ""
    return [file] if os.path.exists(file) else []


def sample(names, cnt):
    ranges = sorted(names.ranges)
    chosen = random.choices(ranges, [size for _, size in ranges], k=cnt)
    return sorted({start + random.randrange(size) for start, size in chosen})


# ---- what the tools say ----

def parse_chains(text):
    """{address: [Call, ...]} of `addr2line -a -f -i`."""
    chains, calls, function = {}, None, None
    for line in text.splitlines():
        if re.fullmatch(r"0x[0-9a-f]+", line):
            calls = chains[int(line, 16)] = []
            function = None
        elif function is None:
            function = line.split(" inlined at ")[0]
        else:
            match = re.fullmatch(r"(.*?):(\d+)(?::\d+)?(?: \(.*\))?", line)
            if function != "??" or calls:
                calls.append(Call(function, os.path.normpath(match[1]), int(match[2])))
            function = None
    return chains


def ask(argv, addresses):
    return parse_chains(run(argv, "".join(f"{address:#x}\n" for address in addresses)))


def ask_go(path, addresses):
    lines = run(["go", "tool", "addr2line", path], "".join(f"{address:#x}\n" for address in addresses)).splitlines()
    return {address: (lines[2 * i], *lines[2 * i + 1].rsplit(":", 1)) for i, address in enumerate(addresses)}


# ---- the comparison ----

def reason_of(ours, theirs, names):
    """Why two chains that differ may; None: they must not. "": equal. Only the name of the function itself may differ: of
    several symbols bpfprof takes the one that programs call, and a split part keeps its own."""
    if ours == theirs:
        return ""
    if len(ours) == len(theirs) == 1 and theirs[0] == Call(ours[0].function, "??", 0):
        return TABLE
    if not ours or len(ours) != len(theirs) or ours[:-1] != theirs[:-1] or ours[-1][1:] != theirs[-1][1:]:
        return None
    left, right = ours[-1].function, theirs[-1].function
    if names.are_aliases(left, right):
        return ALIAS
    if left.split(".")[0] == right.split(".")[0]:
        return PART
    return NAME if left in names.by_name and right not in names.by_name else None


def report(name, cnt, reasons, unexplained):
    text = ", ".join(f"{reason}: {times}" for reason, times in reasons.most_common())
    print(f"{name}: {cnt} addresses, {sum(reasons.values()) + len(unexplained)} differ, {len(unexplained)} without a reason"
          f"{'; ' + text if text else ''}", flush=True)
    for line in unexplained[:5]:
        print(f"  {line}")
    return len(unexplained)


def compare(name, path, options, tools=("eu-addr2line", "llvm-addr2line")):
    """Beside the first of the tools; where that differs without a reason, beside the second."""
    names = Names(path)
    addresses = sample(names, options.count)
    ours = ask([options.symbolize, path], addresses)
    theirs = [ask([tool, "-a", "-f", "-i", "-e", path], addresses) for tool in tools if shutil.which(tool)]
    reasons, unexplained = collections.Counter(), []
    for address in addresses:
        found = [reason_of(ours[address], one[address], names) for one in theirs]
        if found[0]:
            reasons[found[0]] += 1
        elif found[0] is None and found[1:] not in ([], [None]):
            reasons[EU] += 1
        elif found[0] is None:
            unexplained.append(f"{address:#x}: ours {ours[address]}, {tools} {[one[address] for one in theirs]}")
    inlined = sum(len(ours[address]) > 1 for address in addresses)
    return report(f"{name} ({inlined} with inlined calls)", len(addresses), reasons, unexplained)


def compare_go(name, path, unstripped, options):
    """go tool addr2line gives the innermost place and the name of the function around it."""
    addresses = sample(Names(unstripped), options.count)
    ours = ask([options.symbolize, path], addresses)
    theirs = ask_go(unstripped, addresses)
    reasons, unexplained = collections.Counter(), []
    for address in addresses:
        function, file, line = theirs[address]
        calls = ours[address]
        if not calls or (calls[-1].function, calls[0].file, str(calls[0].line)) != (function, os.path.normpath(file), line):
            unexplained.append(f"{address:#x}: ours {calls}, go tool addr2line {theirs[address]}")
    return report(name, len(addresses), reasons, unexplained)


def compare_all(options):
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        if debug_files(LIBC):
            failed += compare("glibc with libc6-dbg", LIBC, options)
        else:
            print("glibc: libc6-dbg is not installed")
            failed += 1
        path = build_compiled(folder, "g++", "inlines.cc", "inlines-cc", ["-O2", "-g"])
        failed += compare("C++ -O2 -g", path, options)
        if shutil.which("rustc"):
            path = build_compiled(folder, "rustc", "inlines.rs", "inlines-rs", ["-O", "-g"])
            failed += compare("Rust -O -g", path, options)
        else:
            print("Rust: rustc is not installed")
        go, stripped = build_go(folder), build_go(folder, ["-ldflags=-s -w"])
        failed += compare_go("Go", go, go, options)
        failed += compare_go("Go, stripped", stripped, go, options)
        failed += compare("Go's inlined calls", go, options, ["llvm-addr2line"])
        failed += compare("gdb", "/usr/bin/gdb", options)
    return failed


# ---- 10,000 addresses ----

def seconds_of(argv, text):
    """(wall, CPU) seconds of a tool."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(argv, input=text, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def text_range(path):
    match = re.search(r" \.text +PROGBITS +(\w+) \w+ (\w+)", run(["readelf", "--wide", "--section-headers", path]))
    return int(match[1], 16), int(match[2], 16)


def compare_large(options):
    tools = {
        "bpfprof": lambda path: [options.symbolize, path],
        "llvm-symbolizer": lambda path: ["llvm-symbolizer", "-f", "-i", f"--obj={path}"],
        "addr2line": lambda path: ["addr2line", "-a", "-f", "-i", "-e", path],
        "eu-addr2line": lambda path: ["eu-addr2line", "-a", "-f", "-i", "-e", path],
    }
    failed = 0
    for path in options.large or LARGE:
        if not os.path.exists(path):
            print(f"{path}: not installed")
            continue
        start, size = text_range(path)
        text = "".join(f"{start + random.randrange(size):#x}\n" for _ in range(10000))
        spent = {name: seconds_of(argv(path), text) for name, argv in tools.items() if shutil.which(argv(path)[0])}
        print(f"{os.path.basename(path)}, 10000 addresses: " + ", ".join(
            f"{name} {wall:.3f} s ({cpu:.3f} s CPU)" for name, (wall, cpu) in spent.items()), flush=True)
        failed += any(spent["bpfprof"][1] > cpu for cpu in [s[1] for name, s in spent.items() if name != "bpfprof"])
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--symbolize", default=os.path.join(ROOT, "build", "symbolize"))
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--large", nargs="*", metavar="FILE")
    options = parser.parse_args()
    options.symbolize = os.path.abspath(options.symbolize)
    random.seed(options.seed)
    sys.exit(1 if (compare_all if options.large is None else compare_large)(options) else 0)


if __name__ == "__main__":
    main()
