#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares the rows that unwind-dump --bare finds by a library's instructions with those of its call frame information.

The library is copied with all but one of its FDEs cut off, so that nothing but its code is left to go by. Where both say
something, the canonical frame address must be the same at every address; what the code does not tell (functions reached
by jump tables, or by nothing that can be seen) is only counted.

Exit status 1 when a row differs, or when hardly any is found.
"""

import argparse
import bisect
import collections
import concurrent.futures
import os
import struct
import subprocess
import sys
import tempfile

FOLDER = "/usr/lib/x86_64-linux-gnu"
QUICK = [f"{FOLDER}/{name}" for name in ("libm.so.6", "libz.so.1", "libelf.so.1", "liblzma.so.5")]
FILES = QUICK + [f"{FOLDER}/{name}" for name in (
    "libsqlite3.so.0", "libpcre2-8.so.0", "libglib-2.0.so.0", "libexpat.so.1", "libzstd.so.1", "libgmp.so.10", "libmpfr.so.6",
    "libdw.so.1", "libbpf.so.1", "libncursesw.so.6", "libreadline.so.8", "libcurl.so.4", "libssl.so.3")]
SHARE_MIN = 0.2  # of the bytes that have call frame information


def cut_eh_frame(path, out):
    """A copy of path whose .eh_frame ends behind its first FDE."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    headers, = struct.unpack_from("<Q", data, 0x28)
    cnt, names_index = struct.unpack_from("<HH", data, 0x3C)
    names, = struct.unpack_from("<Q", data, headers + 64 * names_index + 24)
    for i in range(cnt):
        header = headers + 64 * i
        name, = struct.unpack_from("<I", data, header)
        if not data.startswith(b".eh_frame\0", names + name):
            continue
        offset, = struct.unpack_from("<Q", data, header + 24)
        bytes_of_cie = struct.unpack_from("<I", data, offset)[0] + 4
        bytes_of_fde = struct.unpack_from("<I", data, offset + bytes_of_cie)[0] + 4
        struct.pack_into("<Q", data, header + 32, bytes_of_cie + bytes_of_fde)
    out.write(data)
    out.flush()


class Rows:
    def __init__(self, dump, args):
        text = subprocess.run([dump, *args], stdout=subprocess.PIPE, text=True, check=True, timeout=120).stdout
        pairs = [line.split(" ", 1) for line in text.splitlines()]
        self.addresses = [int(pair[0], 16) for pair in pairs]
        self.texts = [pair[1] for pair in pairs]

    def at(self, address):
        index = bisect.bisect_right(self.addresses, address) - 1
        return self.texts[index] if index >= 0 else "end"


def is_same_frame(theirs, ours, address):
    """Whether two rows name the same frame. Where rbp has been restored, it may be read from the stack as well."""
    cfa, our_cfa = theirs.split()[0], ours.split()[0]
    if cfa == our_cfa:
        return True
    if cfa.startswith("cfa=plt"):
        cfa = f"cfa=rsp+{16 if address % 16 >= int(cfa[len('cfa=plt'):]) else 8}"
    if cfa.startswith("cfa=rbp") and our_cfa.startswith("cfa=rsp"):
        return None  # the same by two registers: cannot be told here
    return cfa == our_cfa


def compare(dump, path):
    counts, problems = collections.Counter(), []
    with tempfile.NamedTemporaryFile(prefix="bare-") as copy:
        cut_eh_frame(path, copy)
        theirs, ours = Rows(dump, [path]), Rows(dump, ["--bare", copy.name])
    addresses = sorted({*theirs.addresses, *ours.addresses})
    for address, end in zip(addresses, addresses[1:]):
        their, our, size = theirs.at(address), ours.at(address), end - address
        if their == "end":
            continue
        counts["bytes"] += size
        if our == "end":
            counts["unknown"] += size
            continue
        same = is_same_frame(their, our, address)
        counts["by other register" if same is None else "same" if same else "differing"] += size
        if same is False:
            problems.append(f"0x{address:x}: {their}, by its code {our}")
    return path, counts, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("paths", nargs="*", help="shared objects that have section headers")
    parser.add_argument("--dump", default="./unwind-dump", help="the unwind-dump to test")
    parser.add_argument("--quick", action="store_true", help="four libraries")
    parser.add_argument("-j", "--jobs", type=int, default=1)
    options = parser.parse_args()
    files = [path for path in options.paths or (QUICK if options.quick else FILES) if os.path.exists(path)]
    if not files:
        sys.exit("compare_bare: no file found")
    total = collections.Counter()
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for path, counts, problems in pool.map(compare, [options.dump] * len(files), files):
            total += counts
            print(f"{os.path.basename(path)}: " + ", ".join(f"{name} {cnt}" for name, cnt in counts.items()))
            for problem in problems[:5]:
                print(f"  {problem}")
    print(f"files={len(files)} bytes={total['bytes']} same={total['same']} differing={total['differing']} "
          f"unknown={total['unknown']}")
    sys.exit(1 if total["differing"] or total["same"] < SHARE_MIN * total["bytes"] else 0)


if __name__ == "__main__":
    main()
