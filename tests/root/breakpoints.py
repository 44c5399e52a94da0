# SPDX-License-Identifier: GPL-2.0
"""What probes leave in a process's code, held against the file that it has mapped."""


def code_of(pid, library):
    """(address, bytes in memory, bytes in the file) of the code of a library; the file is the mapping's own, whatever has its
    name where we look from."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        fields = next(line.split() for line in maps if line.rstrip().endswith(library) and " r-xp " in line)
    start, end = (int(text, 16) for text in fields[0].split("-"))
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory, open(f"/proc/{pid}/map_files/{fields[0]}", "rb") as file:
        memory.seek(start)
        file.seek(int(fields[2], 16))
        return start, memory.read(end - start), file.read(end - start)


def changed_bytes(pid, library="libc.so.6"):
    """How many bytes of a library's code are not the file's: a breakpoint is one."""
    _, code, expected = code_of(pid, library)
    return 0 if code == expected else sum(a != b for a, b in zip(code, expected))
