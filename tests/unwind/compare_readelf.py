#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares every row of unwind-dump with what binutils' readelf makes of the same file.

For each ELF file the rows of `readelf --debug-dump=frames-interp` are put into the text that unwind-dump
prints for them; then the rule in force must be the same at every address where either side changes it.
readelf prints an expression only as `exp`: for such files `readelf --debug-dump=frames` tells its operations,
which are classified here once more, without a line of bpfprof's code.

Exit status 1 when a row differs, or when a file that readelf reads is refused without a reason below.
"""

import argparse
import collections
import concurrent.futures
import os
import re
import subprocess
import sys

QUICK = """
/usr/bin/bash /usr/bin/python3 /usr/bin/perl /usr/bin/openssl /usr/bin/gdb /usr/bin/clang-14 /usr/bin/node
/usr/lib/x86_64-linux-gnu/libc.so.6 /usr/lib/x86_64-linux-gnu/libstdc++.so.6
/usr/lib/x86_64-linux-gnu/libcrypto.so.3 /usr/lib/x86_64-linux-gnu/libm.so.6
/usr/lib/x86_64-linux-gnu/libgcc_s.so.1 /usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
""".split()

# Files where readelf itself errs: path suffix -> reason. Their differences are printed, not counted.
READELF_ERRS = {}

# Refusals that are no defect: nothing here can be unwound by rows.
EXPECTED_REFUSALS = ("no call frame information", "no executable segment", "only Go code")

# A row that no rule can express, by what is in the way.
UNSUPPORTED_EXPRESSION = "expression"
UNSUPPORTED_RA = "return address not in memory"
UNSUPPORTED_SP = "stack pointer is not the CFA"

REGS = "rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15".split()
REG_IN_ROW = re.compile(r"r\d+ \((\w+)\)")
PLT = re.compile(
    r"DW_OP_breg7 \(rsp\): 8; DW_OP_breg16 \(rip\): 0; DW_OP_lit15; DW_OP_and; DW_OP_lit(\d+); DW_OP_ge; "
    r"DW_OP_lit3; DW_OP_shl; DW_OP_plus"
)
INDEXED = re.compile(
    r"DW_OP_breg7 \(rsp\): (\d+); DW_OP_breg\d+ \((\w+)\): 0; DW_OP_lit8; DW_OP_mul; DW_OP_plus; DW_OP_deref; "
    r"DW_OP_plus_uconst: (\d+)"
)
BREG = re.compile(r"DW_OP_breg\d+ \((\w+)\): (-?\d+)")


class Fde:
    __slots__ = ("section", "offset", "begin", "end", "rows", "columns", "is_signal")

    def __init__(self, section, offset, begin, end, columns, is_signal):
        self.section, self.offset, self.begin, self.end = section, offset, begin, end
        self.rows = []  # (address, {column: text})
        self.columns = columns
        self.is_signal = is_signal


def run(args):
    env = dict(os.environ, LC_ALL="C")
    proc = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)
    for line in proc.stdout:
        yield line.decode("ascii", "replace")
    proc.wait()


def readelf(path, what):
    return run(["readelf", "--wide", "--debug-dump=no-follow-links", "--debug-dump=" + what, path])


def sections(lines):
    """(section name, line) of each line of a dump."""
    name = ""
    for line in lines:
        if line.startswith("Contents of the "):
            name = line.split()[3]
        elif name in (".eh_frame", ".debug_frame"):
            yield name, line


def parse_interp(path):
    """The FDEs of a file as readelf interprets them."""
    fdes, cies, fde, columns, cie_row = [], {}, None, [], None
    for section, line in sections(readelf(path, "frames-interp")):
        if line.startswith("   LOC"):
            columns = line.split()[1:]
            continue
        fields = line.split()
        if len(fields) > 4 and fields[3] == "CIE":
            augmentation = line.split('"')[1]
            cie_row = cies[section, int(fields[0], 16)] = [{}, "S" in augmentation]
            fde = None
        elif len(fields) > 4 and fields[3] == "FDE":
            begin, end = fields[5][3:].split("..")
            row, is_signal = cies[section, int(fields[4][4:], 16)]
            fde = Fde(section, int(fields[0], 16), int(begin, 16), int(end, 16), row, is_signal)
            fdes.append(fde)
        elif len(fields) > 1 and len(fields[0]) == 16:
            if "(" in line:
                fields = REG_IN_ROW.sub(r"\1", line).split()
            row = dict(zip(columns, fields[1:]))
            if fde:
                fde.rows.append((int(fields[0], 16), row))
            else:
                cie_row[0].update(row)
    return fdes


def follow_instruction(line, state, stack):
    """Applies one instruction of `readelf --debug-dump=frames` as far as it concerns expressions."""
    op, _, rest = line.strip().partition(" ")
    op = op.rstrip(":")
    if op == "DW_CFA_def_cfa_expression":
        state["CFA"] = rest.strip("()")
    elif op in ("DW_CFA_def_cfa", "DW_CFA_def_cfa_sf", "DW_CFA_def_cfa_register"):
        state["CFA"] = None
    elif op == "DW_CFA_remember_state":
        stack.append(dict(state))
    elif op == "DW_CFA_restore_state" and stack:
        state.update(stack.pop())
    elif op in ("DW_CFA_expression", "DW_CFA_val_expression"):
        match = re.match(r"r(\d+) \((\w+)\) \((.*)\)$", rest)
        if match:
            state[match.group(2)] = match.group(3)


def parse_expressions(path, wanted):
    """{(section, FDE offset): {address: {register: expression}}} of the FDEs in wanted."""
    found, rows, state, stack, address = {}, None, {}, [], 0
    for section, line in sections(readelf(path, "frames")):
        fields = line.split()
        if len(fields) > 3 and fields[3] in ("FDE", "CIE"):
            if rows is not None:
                rows[address] = dict(state)
            rows = None
            key = (section, int(fields[0], 16))
            if fields[3] == "FDE" and key in wanted:
                rows = found[key] = {}
                state, stack = {}, []
                address = int(fields[5][3:].split("..")[0], 16)
        elif rows is not None and line.startswith("  DW_CFA_"):
            if "_loc" in fields[0]:
                rows[address] = dict(state)
                address = int(fields[-1], 16)
            else:
                follow_instruction(line.rstrip(), state, stack)
    if rows is not None:
        rows[address] = dict(state)
    return found


def classify(expression):
    """The CFA that an expression computes, as unwind-dump writes it; None when no rule can hold it."""
    plt = PLT.fullmatch(expression)
    if plt:
        return "plt" + plt.group(1)
    indexed = INDEXED.fullmatch(expression)
    if indexed:
        return f"*(rsp+8*{indexed.group(2)}+{indexed.group(1)})+{indexed.group(3)}"
    ops = expression.split("; ")
    base = BREG.fullmatch(ops[0])
    if not base:
        return None
    reg, offset, extra, derefs = base.group(1), int(base.group(2)), 0, 0
    for op in ops[1:]:
        if op == "DW_OP_deref":
            derefs += 1
        elif op.startswith("DW_OP_plus_uconst: "):
            offset, extra = (offset, extra + int(op.split()[1])) if derefs else (offset + int(op.split()[1]), 0)
        else:
            return None
    if derefs > 1 or reg not in REGS:
        return None
    return f"*({reg}{offset:+d}){extra:+d}" if derefs else f"{reg}{offset:+d}"


def is_signal_frame(expressions):
    return (
        expressions.get("CFA") == "DW_OP_breg7 (rsp): 160; DW_OP_deref"
        and expressions.get("rip", expressions.get("ra")) == "DW_OP_breg7 (rsp): 168"
        and expressions.get("rbp") == "DW_OP_breg7 (rsp): 120"
    )


def expected_rbp(text, expression):
    if text in ("u", "s"):
        return "u"
    if text.startswith("c"):
        return text
    if text == "exp":
        base = BREG.fullmatch(expression or "")
        if base and base.group(1) in ("rbp", "rsp"):
            return f"*({base.group(1)}{int(base.group(2)):+d})"
    return "lost"


def expected_rbx(text, cfa):
    """Told where it is saved below the CFA, and the CFA is a register and a constant."""
    if text in ("u", "s"):
        return ""
    if re.fullmatch(r"c-\d+", text) and int(text[1:]) >= -32768 and cfa[0] != "*" and not cfa.startswith("plt"):
        return f" rbx={text}"
    return " rbx=lost"


def expected(row, is_signal, expressions):
    """A row of readelf as unwind-dump prints it, and why it is unsupported, if so."""
    ra, cfa, sp = row.get("ra", "?"), row["CFA"], row.get("rsp", "u")
    if ra == "u":
        return "root", None
    if is_signal and cfa == "exp" and is_signal_frame(expressions):
        return "sigframe rsp+0", None
    if sp not in ("u", "s", "v+0"):
        return "unsupported", UNSUPPORTED_SP
    if not ra.startswith("c") and ra not in REGS:
        return "unsupported", UNSUPPORTED_RA
    if cfa == "exp":
        cfa = classify(expressions.get("CFA") or "")
        if not cfa:
            return "unsupported", UNSUPPORTED_EXPRESSION
    rbp = expected_rbp(row.get("rbp", "u"), expressions.get("rbp"))
    rbx = expected_rbx(row.get("rbx", "u"), cfa)
    return f"cfa={cfa} rbp={rbp} ra={ra}{rbx}{' signal' if is_signal else ''}", None


def read_segments(path):
    """[(start, end)] of the executable segments, and whether there is Go code."""
    ranges, has_go = [], False
    for line in run(["readelf", "--wide", "--program-headers", path]):
        fields = line.split()
        if fields and fields[0] == "LOAD" and "E" in "".join(fields[6:-1]):
            start = int(fields[2], 16)
            ranges.append((start, start + int(fields[5], 16)))
        has_go = has_go or "gopclntab" in line
    return ranges, has_go


def in_use(path, fdes):
    """The FDEs that count: see struct cfi_parser in user/unwind/cfi.h for the choice among overlapping ones."""
    ranges, has_go = read_segments(path)
    inside = []
    if has_go:  # its .debug_frame is left out on purpose, see user/unwind/elf_frames.c
        fdes = [fde for fde in fdes if fde.section == ".eh_frame"]
    for fde in fdes:
        ends = [end for start, end in ranges if start <= fde.begin < end]
        if ends and fde.end > fde.begin:
            fde.end = min(fde.end, ends[0])
            inside.append(fde)
    eh_frame = clip([fde for fde in inside if fde.section == ".eh_frame"])
    covered, index, rest = eh_frame, 0, []
    for fde in clip([fde for fde in inside if fde.section == ".debug_frame"]):
        while index < len(covered) and covered[index].end <= fde.begin:
            index += 1
        if index < len(covered) and covered[index].begin <= fde.begin:
            continue
        if index < len(covered):
            fde.end = min(fde.end, covered[index].begin)
        rest.append(fde)
    return sorted(eh_frame + rest, key=lambda fde: fde.begin)


def clip(fdes):
    fdes.sort(key=lambda fde: (fde.begin, fde.offset))
    kept = []
    for fde in fdes:
        if kept and kept[-1].begin == fde.begin:
            continue
        if kept:
            kept[-1].end = min(kept[-1].end, fde.begin)
        kept.append(fde)
    return kept


def readelf_rows(path, counts):
    """[(address, text)] that unwind-dump should print, merged."""
    fdes = in_use(path, parse_interp(path))
    wanted = {
        (fde.section, fde.offset)
        for fde in fdes
        if any("exp" in text for _, row in fde.rows for text in (row["CFA"], row.get("rbp", ""), row["ra"]))
    }
    expressions = parse_expressions(path, wanted) if wanted else {}
    rows = {}
    for fde in fdes:
        rows.pop(fde.begin, None)  # an end
        found = expressions.get((fde.section, fde.offset), {})
        for address, row in fde.rows or [(fde.begin, fde.columns)]:
            if address >= fde.end:
                continue
            text, reason = expected(row, fde.is_signal, found.get(address, {}))
            rows[address] = text
            counts["rows"] += 1
            counts["expressions"] += bool(found.get(address))
            if reason:
                counts["unsupported: " + reason] += 1
            elif "rbp=lost" in text:
                counts["rbp lost"] += 1
        rows[fde.end] = "end"
    return merge(sorted(rows.items()))


def merge(rows):
    merged, last = [], "end"
    for address, text in rows:
        if text != last:
            merged.append((address, text))
            last = text
    return merged


def dump_rows(dump, path):
    proc = subprocess.run([dump, path], capture_output=True, text=True, check=False)
    if proc.returncode not in (0, 1):
        raise RuntimeError(f"{dump} {path}: exit status {proc.returncode} {proc.stderr}")
    rows = []
    for line in proc.stdout.splitlines():
        address, _, text = line.partition(" ")
        rows.append((int(address, 16), text))
    return rows, proc.stderr.strip()


def differences(ours, theirs):
    """(address, ours, theirs) at each address where either side starts a row and the rules differ."""
    found = []
    left, right, i, j = "end", "end", 0, 0
    while i < len(ours) or j < len(theirs):
        address = min(rows[k][0] for rows, k in ((ours, i), (theirs, j)) if k < len(rows))
        if i < len(ours) and ours[i][0] == address:
            left, i = ours[i][1], i + 1
        if j < len(theirs) and theirs[j][0] == address:
            right, j = theirs[j][1], j + 1
        if left != right:
            found.append((address, left, right))
    return found


def compare(dump, path):
    """(path, counts, problems) of one file."""
    counts = collections.Counter(files=1)
    ours, error = dump_rows(dump, path)
    theirs = readelf_rows(path, counts)
    counts["compared"] += len(theirs)
    if error and not (any(reason in error for reason in EXPECTED_REFUSALS) and not theirs):
        return path, counts, ["refused: " + error]
    if ours == theirs:
        return path, counts, []
    wrong = differences(ours, theirs)
    problems = [f"{address:#x}: unwind-dump: {left} | readelf: {right}" for address, left, right in wrong]
    if any(path.endswith(suffix) for suffix in READELF_ERRS):
        counts["excused"] += len(wrong)
    else:
        counts["differing"] += len(wrong)
    return path, counts, problems


def find_files(roots):
    """Executables and shared objects for x86-64, each inode once."""
    seen, found = set(), []
    for root in roots:
        walk = os.walk(root) if os.path.isdir(root) else [(os.path.dirname(root), [], [os.path.basename(root)])]
        for folder, _, names in walk:
            for name in names:
                path = os.path.join(folder, name)
                try:
                    stat = os.stat(path)
                    with open(path, "rb") as file:
                        head = file.read(20)
                except OSError:
                    continue
                if head[:6] != b"\x7fELF\x02\x01" or head[16] not in (2, 3) or head[18:20] != b"\x3e\0":
                    continue
                if (stat.st_dev, stat.st_ino) not in seen:
                    seen.add((stat.st_dev, stat.st_ino))
                    found.append(path)
    return found


def report(total, refused):
    print(f"files={total['files']} rows={total['rows']} compared={total['compared']} "
          f"differing={total['differing']} refused={refused} expression_rows={total['expressions']}")
    for reason in (UNSUPPORTED_EXPRESSION, UNSUPPORTED_RA, UNSUPPORTED_SP):
        count = total["unsupported: " + reason]
        print(f"unsupported ({reason}): {count} rows, {100 * count / max(total['rows'], 1):.5f} %")
    print(f"rbp lost: {total['rbp lost']} rows; excused by READELF_ERRS: {total['excused']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("paths", nargs="*", help="files and folders (default: /usr/bin /usr/lib)")
    parser.add_argument("--dump", default="./unwind-dump", help="the unwind-dump to test")
    parser.add_argument("--quick", action="store_true", help="a fixed dozen of files")
    parser.add_argument("--limit", type=int, help="at most that many files")
    parser.add_argument("-j", "--jobs", type=int, default=1)
    parser.add_argument("-v", "--verbose", action="store_true", help="all differing rows, each file's count")
    options = parser.parse_args()

    files = find_files(QUICK if options.quick else options.paths or ["/usr/bin", "/usr/lib"])[: options.limit]
    if not files:
        sys.exit("compare_readelf: no ELF file found")
    total, refused = collections.Counter(), 0
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for path, counts, problems in pool.map(compare, [options.dump] * len(files), files, chunksize=4):
            total += counts
            refused += bool(problems and problems[0].startswith("refused"))
            if options.verbose:
                print(f"{path}: {counts['compared']} rows")
            for problem in problems if options.verbose else problems[:5]:
                print(f"{path}: {problem}")
    report(total, refused)
    share = total["unsupported: " + UNSUPPORTED_EXPRESSION] / max(total["rows"], 1)
    sys.exit(1 if total["differing"] or refused or share >= 0.0001 or not total["compared"] else 0)


if __name__ == "__main__":
    main()
