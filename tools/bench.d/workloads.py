# SPDX-License-Identifier: GPL-2.0
"""Programs that users know, on fixed input made once in the work folder."""
import os
import subprocess

import tools

FUNCTION = """
static int table_{i}[64];
int work_{i}(const struct item_{i} *items, int cnt, int limit)
{{
	int sum = 0;
	for (int a = 0; a < cnt; a++) {{
		switch (items[a].kind % 5) {{
		case 0: sum += items[a].value * {i}; break;
		case 1: sum ^= table_{i}[items[a].value & 63]; break;
		case 2: for (int b = 0; b < limit; b++) sum += items[a].weights[b % 8] / (b + 1); break;
		case 3: if (sum > limit) sum -= items[a].value; else sum += limit; break;
		default: table_{i}[a & 63] = sum;
		}}
	}}
	return sum;
}}
"""


def made(name, write):
    path = os.path.join(tools.WORK, name)
    if not os.path.exists(path):
        write(path + ".tmp")
        os.rename(path + ".tmp", path)
    return path


def write_source(path):
    with open(path, "w", encoding="ascii") as file:
        for i in range(900):
            file.write(f"struct item_{i} {{ int kind, value; int weights[8]; }};\n" + FUNCTION.format(i=i))


def repeat_file(source, size_bytes):
    def write(path):
        with open(source, "rb") as file, open(path, "wb") as out:
            piece = file.read(8 << 20)
            left = size_bytes
            while left > 0:
                out.write(piece[:left])
                left -= len(piece)
    return write


def cc1_path():
    command = ["gcc", "-print-prog-name=cc1"]
    return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip()


def cc1():
    return [cc1_path(), "-quiet", "-O2", made("big.c", write_source), "-o", "/dev/null"]


def compile_job():
    return ["gcc", "-O2", "-c", made("big.c", write_source), "-o", "/dev/null"]


def xz():
    return ["/usr/bin/xz", "-k", "-c", "-T1", "-6", made("xz.in", repeat_file(cc1_path(), 8 << 20))]


def openssl():
    return ["/usr/bin/openssl", "dgst", "-sha512", made("digest.in", repeat_file(cc1_path(), 1000 << 20))]


def python():
    code = ("import json, re\n"
            "data = [{'n': i, 'text': 'word %d' % i} for i in range(2000)]\n"
            "for _ in range(150):\n"
            "    re.findall(r'(\\w+) (\\d+)', json.dumps(json.loads(json.dumps(data, indent=1)), indent=1))\n")
    return ["/usr/bin/python3.11", "-S", "-c", code]
