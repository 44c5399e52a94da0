# SPDX-License-Identifier: GPL-2.0
"""The man page and the completions: they have every option, and other people's tools find nothing wrong with them."""
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from conftest import BIN, BUILD, ROOT, run

DOCS = os.path.join(os.path.dirname(BIN), "docs")
WORDS = ["cpu", "heap", "block", "mutex", "threads", "sched", "threadcreate", "wall", "faults"]


@pytest.fixture(scope="module", autouse=True)
def _docs():
    run("make", "-s", "-C", ROOT, f"O={BUILD}", "docs")


@pytest.fixture(scope="module")
def options():
    found = re.findall(r"^  (?:(-\w), |    )(--[\w-]+)", run(BIN, "--help"), re.M)
    assert len(found) > 15
    return [name for names in found for name in names if name]


def read(name):
    with open(os.path.join(DOCS, name), encoding="utf-8") as file:
        return file.read()


# ---- man ----

def test_man_page_is_clean():
    path = os.path.join(DOCS, "bpfprof.1")
    environment = dict(os.environ, LC_ALL="C.UTF-8", MANROFFSEQ="", MANWIDTH="80")
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    if shutil.which("mandoc"):
        assert run("mandoc", "-T", "lint", "-W", "warning", path) == ""


def test_man_page_has_all_that_the_help_has(options):
    text = run("man", "-E", "UTF-8", "-l", os.path.join(DOCS, "bpfprof.1"),
               env=dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="200", MAN_KEEP_FORMATTING="", MANPAGER="cat", GROFF_NO_SGR="1"))
    text = re.sub(r".\x08", "", text)
    for name in options:
        assert re.search(rf"^ +(-\w, )?{name}\b", text, re.M), name
    flowed = " ".join(text.split())
    for words in ("mean bytes between two sampled allocations, such as 512K; 1 samples every one (default: 524288)",
                  "SIGUSR1 turn the SCHED lines on or off", "with CMD CMD's own status, 128+N if signal N ended it",
                  "sudo bpfprof -f folded -- xz -9 FILE a command and its children",
                  "schedtrace=MS period of the SCHED lines instead of -i, 0 = off", "bpfprof - profile a Linux host"):
        assert words in flowed, words


# ---- bash ----

BASH = r"""
source "$1"; shift
compopt() { return 1; }
COMP_WORDS=(bpfprof "$@") COMP_CWORD=$#
_bpfprof
printf '%s\n' "${COMPREPLY[@]}"
"""


def bash(*words):
    return run("bash", "--norc", "-c", BASH, "bash", os.path.join(DOCS, "bpfprof.bash"), *words).split()


def test_bash_completes_every_option(options):
    offered = {word.rstrip("=") for word in bash("-")}
    assert offered == set(options)
    assert bash("-q", "--fo") == ["--format="]
    assert sorted(bash("--to")) == ["--top", "--top="]


@pytest.mark.parametrize("words, replies", [
    (["-P", ""], WORDS),
    (["--profiles", "=", "thr"], ["threads", "threadcreate"]),  # bash breaks words at =
    (["--profiles", "="], WORDS),
    (["-P", "cpu,he"], ["cpu,heap"]),
    (["-P", "cpu,cp"], []),
    (["-q", "-f", "pprof,"], ["pprof,folded", "pprof,html"]),
    (["--listen", "o"], ["off"]),
    (["--listen", "=", "unix", ":", "/etc/host.c"], ["/etc/host.conf"]),
    (["--listen", "127"], ["127.0.0.1:"]),
    (["-o", "/us"], ["/usr"]),
    (["--listen-token-file", "/etc/host.c"], ["/etc/host.conf"]),
    (["-d", "10"], ["10s"]),
    (["--top", "--sta"], ["--stats"]),  # its value is optional, and comes with a = only
    (["-F", ""], []),
    (["--", "/etc/host.c", "/etc/host.c"], ["/etc/host.conf"]),
    (["/bin/true", "--fo"], []),  # an option of CMD
])
def test_bash_completes_values(words, replies):
    assert bash(*words) == replies


def test_bash_completes_processes_and_commands():
    own = str(os.getpid())
    assert own in bash("-p", "") and f"1,{own}" in bash("--pid", "=", "1,")
    assert "1,1" not in bash("-p", "1,")
    for words in (["gunz"], ["--", "gunz"], ["-q", "-d", "1s", "gunz"]):
        assert "gunzip" in bash(*words)


# ---- zsh ----

# bpfprof is a function there that prints its arguments, as Tab has completed them.
ZSH = """PROMPT= RPROMPT=; unsetopt zle_bracketed_paste beep; fpath=("{folder}" $fpath)
autoload -Uz compinit; compinit -D -u
bpfprof() {{ print -r -- "AR""GS<$*>" }}; print -r -- REA""DY
"""


class Terminal:
    """zsh at a terminal."""

    def __init__(self, folder):
        self.master, slave = pty.openpty()
        self.proc = subprocess.Popen(["zsh", "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                     env={**os.environ, "TERM": "dumb", "LC_ALL": "C.UTF-8", "HOME": str(folder)}, cwd=folder)
        os.close(slave)

    def ask(self, text, pattern):
        """Types the text; the answer that looks like pattern."""
        os.write(self.master, text.encode())
        seen, deadline = "", time.monotonic() + 60
        while time.monotonic() < deadline:
            if select.select([self.master], [], [], 1)[0]:
                seen += os.read(self.master, 65536).decode("utf-8", "replace")
            match = re.search(pattern, seen)
            if match:
                return match[0]
        raise AssertionError(f"no answer to {text!r}: {seen!r}")

    def close(self):
        self.proc.kill()
        self.proc.wait()
        os.close(self.master)


def test_zsh_completes(tmp_path):
    if not shutil.which("zsh"):
        pytest.skip("no zsh")
    terminal = Terminal(tmp_path)
    try:
        terminal.ask(ZSH.format(folder=DOCS), "READY")
        for typed, completed in (("--fo\tht\t", "--format=html"), ("-P cpu,he\t", "-P cpu,heap"), ("--profiles=threadc\t", "--profiles=threadcreate"),
                                 ("-q -f ht\t", "-q -f html"), ("--listen of\t", "--listen off"), ("--no-t\t", "--no-trace"),
                                 ("-o /us\t", "-o /usr"), ("-- gunzi\t", "-- gunzip"), ("-q gunzi\t", "-q gunzip")):
            assert terminal.ask(f"bpfprof {typed}\n", "ARGS<.*?>") == f"ARGS<{completed}>"
    finally:
        terminal.close()


def test_zsh_compiles_and_has_every_option(options, tmp_path):
    if not shutil.which("zsh"):
        pytest.skip("no zsh")
    path = tmp_path / "_bpfprof"
    shutil.copy(os.path.join(DOCS, "_bpfprof"), path)
    run("zsh", "-f", "-c", f"zcompile {path} && [[ -s {path}.zwc ]]")
    text = read("_bpfprof")
    for name in options:
        assert re.search(rf"[{{,' (]{name}[=+,}}\[ )]", text), name
    assert f"_sequence compadd - {' '.join(WORDS)}" in text
