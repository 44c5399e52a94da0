# SPDX-License-Identifier: GPL-2.0
"""Stacks of a known depth, to the last frame: every sample of a recursive program without frame pointers is the chain that
its source says, whatever the language, the linker, the C library and the place that the clock interrupted.

Needs root and compilers. BPFPROF_BIN names the program under test.
"""
import collections
import os
import re
import resource
import shutil
import signal
import subprocess
import time

import pytest

import unwind_helpers as helpers

WORKLOADS = os.path.join(helpers.ROOT, "tests", "workloads")
C = os.path.join(WORKLOADS, "deep.c")
LIBRARY = os.path.join(WORKLOADS, "deep_library.c")
CXX = os.path.join(WORKLOADS, "deep.cc")
RUST = os.path.join(WORKLOADS, "deep.rs")
FLAGS = ["-O2", "-g", "-fomit-frame-pointer", "-fno-optimize-sibling-calls", "-pthread"]

HZ = 1999
SECONDS = 0.4
EARLY_SECONDS = 0.03 # what may pass until the tables of a file never seen before are built
FRAMES_MAX = 512
START_BYTES = 32 # of _start
EXACT_MIN = 5 # samples in the burning part: a machine that others use gives a program a share of its time
CYCLE = 7

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not os.access(helpers.BIN, os.X_OK), reason=f"{helpers.BIN} is not built"),
]

# How each variant is built: the tool that must be there, the command without its output.
BUILDS = {
    "pie": ("gcc", ["gcc", *FLAGS, "-fPIE", "-pie", C]),
    "no-pie": ("gcc", ["gcc", *FLAGS, "-fno-PIE", "-no-pie", C]),
    "static": ("gcc", ["gcc", *FLAGS, "-static", C]),
    "static-pie": ("gcc", ["gcc", *FLAGS, "-fPIE", "-static-pie", C]),
    "musl": ("musl-gcc", ["musl-gcc", *FLAGS, "-DNO_CONTEXT", C]),
    "musl-static": ("musl-gcc", ["musl-gcc", *FLAGS, "-DNO_CONTEXT", "-static", C]),
    "stripped": ("gcc", ["gcc", *FLAGS, C]),
    "static-stripped": ("gcc", ["gcc", *FLAGS, "-static", C]),
    "lld": ("ld.lld", ["clang", *FLAGS, "-fuse-ld=lld", C]),
    "lld-no-rosegment": ("ld.lld", ["clang", *FLAGS, "-fuse-ld=lld", "-Wl,--no-rosegment", C]),
    "gold": ("ld.gold", ["gcc", *FLAGS, "-fuse-ld=gold", C]),
    "mold": ("mold", ["gcc", *FLAGS, "-B/usr/libexec/mold", C]),
    "mold-no-hdr": ("mold", ["gcc", *FLAGS, "-B/usr/libexec/mold", "-Wl,--no-eh-frame-hdr", C]),
    "cet": ("gcc", ["gcc", *FLAGS, "-fcf-protection=full", C]),
    "now": ("gcc", ["gcc", *FLAGS, "-Wl,-z,now,-z,relro", "-fno-plt", C]),
    "ibtplt": ("gcc", ["gcc", *FLAGS, "-fcf-protection=full", "-Wl,-z,ibtplt,-z,lazy", C]),
    "clang": ("clang", ["clang", *FLAGS, C]),
    "mstackrealign": ("gcc", ["gcc", *FLAGS, "-mstackrealign", C]),
    "avx": ("gcc", ["gcc", *FLAGS, "-O3", "-mavx2", C]),
    "large": ("gcc", ["gcc", *FLAGS, "-ffunction-sections", "-Wl,-z,separate-code,-z,max-page-size=0x200000", C]),
    "debug-frame": ("gcc", ["gcc", *FLAGS, "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", C]),
    "debug-frame-zlib": ("gcc", ["gcc", *FLAGS, "-fno-asynchronous-unwind-tables", "-fno-unwind-tables",
                                 "-gz=zlib", "-Wl,--compress-debug-sections=zlib", C]),
    "c++": ("g++", ["g++", *FLAGS, CXX]),
    "c++-static": ("g++", ["g++", *FLAGS, "-static", CXX]),
    "rust": ("rustc", ["rustc", "-O", "-g", "-Cforce-frame-pointers=no", RUST]),
    "rust-musl": ("rustc", ["rustc", "-O", "-g", "-Cforce-frame-pointers=no",
                            "--target=x86_64-unknown-linux-musl", RUST]),
}

LIBC = r"lib:(?:libc\.so\.6|libc\.so|ld-musl-x86_64\.so\.1)"
# From the leaf to the cycle's function 0, by leaf: tokens joined by ";".
BURN = r"(?:is_late;)?leaf_burn"
SIGNAL = rf"(?:{BURN};)?on_signal;(?:{LIBC}|__restore_rt|__restore|\?)"
RETURN = rf"{SIGNAL}|{LIBC}|__restore_rt|__restore" # the last three: back from the handler already
LEAVES = {
    "burn": BURN,
    # Before the signal, too: burn_in_signal() is in setitimer() for a while.
    "signal": rf"(?:(?:{RETURN});)?(?:interrupted;|(?:__)?setitimer;)?(?:burn_in_signal;)?leaf_signal",
    "sigaltstack": rf"(?:(?:{RETURN});)?(?:interrupted;|(?:__)?(?:setitimer|sigaltstack);)?(?:burn_in_signal;)?leaf_sigaltstack",
    "fault": rf"{BURN};on_fault;(?:{LIBC}|__restore_rt|__restore|\?);fault_at_entry;leaf_fault",
    "qsort": rf"(?:{BURN};compare;|__free;)?(?:(?:{LIBC}|msort_with_tmp|qsort|__qsort_r|wrapper_cmp|trinkle|sift|smoothsort);)+"
             r"leaf_qsort",
    "strlen": rf"(?:is_late;|(?:{LIBC}|_{{0,2}}strlen\w*);)?leaf_strlen",
    "memcpy": rf"(?:is_late;|(?:{LIBC}|_{{0,2}}mem\w*);)?leaf_memcpy",
    "vdso": rf"(?:is_late;|(?:\[vdso\];)*(?:(?:{LIBC}|\.plt|__clock_gettime|clock_gettime\w*);)?)leaf_vdso",
    "plt": rf"(?:is_late;|(?:{LIBC}|\.plt|_?_?to(?:upper|lower)|__ctype_\w+_loc|is(?:lower|upper));)*leaf_plt",
    "read": rf"(?:is_late;|(?:(?:{LIBC}|__libc_read|__read|read|__syscall_cp\w*|sccp|__cp_\w+|\?|\.plt);)+)?leaf_read",
    "dlopen": r"lib:libdeep\.so;lib:libdeep\.so;leaf_dlopen",
    "throw": r"(?:[^;]+;)*leaf_throw",
}
MAIN = rf"main;(?:(?:{LIBC}|__libc_start_\w+|_start_c|libc_start_main_stage2|lib:\S+);)*_start"
ROOTS = {
    "main": MAIN,
    "thread": rf"thread_main;(?:{LIBC}|start_thread|start);(?:{LIBC}|__clone3?|clone3?)",
    "context": rf"coroutine_main;(?:{LIBC}|__start_context)",
    "c++": MAIN,
    "c++-thread": rf"(?:(?!descend)[^;]+;)*(?:{LIBC}|start_thread);(?:{LIBC}|__clone3?|clone3?)",
    "rust": r"(?:(?!descend)[^;]+;)+_start",
    "rust-thread": rf"(?:(?!descend)[^;]+;)*(?:{LIBC}|start_thread|start);(?:{LIBC}|__clone3?|clone3?)",
}


class Program:
    """A built variant: what runs, and the file that has its symbols."""

    def __init__(self, path, reference):
        self.path = path
        self.elf = helpers.elf(reference)
        text = subprocess.run([helpers.READELF, "-SW", reference], stdout=subprocess.PIPE, text=True, check=True).stdout
        self.plt = [(int(match[1], 16), int(match[2], 16)) for match in
                    re.finditer(r"\.i?plt\S* +PROGBITS +(\w+) \w+ (\w+)", text)]

    def token(self, frame):
        """A frame as a word: the program's functions by name, a library's by file."""
        if frame.file == self.path:
            function = self.elf.function(frame.address)
            if function:
                return re.sub(r"\.(?:cold|part|constprop|isra|lto_priv)\S*$", "", function[2])
            if any(start <= frame.address < start + size for start, size in self.plt):
                return ".plt"
            # musl's is no function, as its symbol has it.
            if self.elf.entry <= frame.address < self.elf.entry + START_BYTES:
                return "_start"
            return "?"
        return frame.file if frame.file.startswith("[") else "lib:" + os.path.basename(frame.file)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """programs(name): the variant, built once."""
    folder = tmp_path_factory.mktemp("deep")
    built = {}
    subprocess.run(["gcc", *FLAGS, "-shared", "-fPIC", LIBRARY, "-o", folder / "libdeep.so"], check=True)

    def build(name):
        if name in built:
            return built[name]
        tool, command = BUILDS[name]
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
        path, reference = str(folder / f"deep-{name}"), str(folder / f"deep-{name}")
        done = subprocess.run([*command, "-o", path], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
        if done.returncode and "target may not be installed" in done.stdout:
            pytest.skip("the musl target of Rust is not installed")
        assert not done.returncode, done.stdout
        if "stripped" in name:
            reference += ".debug"
            os.rename(path, reference)
            subprocess.run(["strip", "--strip-all", "-o", path, reference], check=True)
        built[name] = Program(path, reference)
        return built[name]

    build.library = str(folder / "libdeep.so")
    return build


def expected(frame, depth):
    """The cycle's functions, leaf first."""
    return [f"{frame}_{n % CYCLE}" for n in range(depth)]


def allow_deep_stack():
    resource.setrlimit(resource.RLIMIT_STACK, (64 << 20, resource.RLIM_INFINITY))


class Chains:
    """What a profile of a deep program shows."""

    def __init__(self, program, profile, leaf, frame, depth, root):
        names = expected(frame, depth)
        chain = ";".join(names)
        self.exact = re.compile(rf"(?:{leaf});(?:{chain});(?:main::)?descend;(?:{root})")
        self.cnt = collections.Counter()
        self.wrong = collections.Counter()
        self.early = collections.Counter()
        for sample in profile.samples:
            frames, complete = helpers.user_frames(sample)
            text = ";".join(program.token(item) for item in frames)
            if "descend" not in text.split(";") and complete:
                self.cnt["start"] += sample.values[0]
            elif text.count(";") < 4 and not complete:
                # Before the mappings and tables of a new process were known: its leaf, and no more.
                self.early[text] += sample.values[0]
            elif complete and self.exact.fullmatch(text):
                self.cnt["exact"] += sample.values[0]
            elif len(sample.locations) == FRAMES_MAX + 1 and not complete and self.is_cut(text, leaf, [*names, "descend"]):
                # Kernel frames on top took the room of those next to the root.
                self.cnt["exact"] += sample.values[0]
            elif complete and self.is_on_its_way(text, frame, depth, root):
                self.cnt["start"] += sample.values[0]
            else:
                self.cnt["wrong"] += sample.values[0]
                self.wrong[text + ("" if complete else ";[truncated]")] += sample.values[0]

    @staticmethod
    def is_cut(text, leaf, names):
        """The leaf side of the chain, frame by frame."""
        begin = re.match(rf"(?:{leaf});", text)
        rest = text[begin.end():].split(";") if begin else []
        return bool(rest) and rest[:len(names)] == names[:len(rest)]

    @staticmethod
    def is_on_its_way(text, frame, depth, root):
        """Recursing still, or returning: the chain of the functions nearest to the root."""
        above = [re.escape(name) for name in expected(frame, depth)]
        found = re.search(r"((?:" + frame + r"_\d;)*)(?:main::)?descend;(.*)", text)
        names = found[1].rstrip(";").split(";") if found[1] else []
        below = text[:found.start()] # malloc or free of a frame on the way
        return bool(not re.search(r"burn|_\d;", below) and len(names) <= depth and names == above[depth - len(names):]
                    and re.fullmatch(root, found[2]))

    def check(self, min_exact=EXACT_MIN):
        shown = "\n".join(f"{count} {text if len(text) < 900 else text[:450] + ' ... ' + text[-450:]}"
                          for text, count in self.wrong.most_common(4))
        assert not self.wrong, f"{dict(self.cnt)}\n{shown}"
        assert self.early.total() <= EARLY_SECONDS * HZ, (dict(self.cnt), self.early)
        assert self.cnt["exact"] >= min_exact, dict(self.cnt)
        assert self.cnt["start"] <= 0.1 * self.cnt["exact"] + 20, dict(self.cnt)

    def check_share(self, share):
        """At least this share of the samples in the burning part."""
        total = self.cnt.total() - self.cnt["start"]
        assert self.cnt["exact"] >= share * total > 0, (dict(self.cnt), self.wrong.most_common(3))


def profile_of(program, args, out, library=None):
    previous = resource.getrlimit(resource.RLIMIT_STACK)
    env = {**os.environ, **({"DEEP_LIBRARY": library} if library else {})}
    resource.setrlimit(resource.RLIMIT_STACK, (256 << 20, previous[1]))
    try:
        return helpers.run_bpfprof(out, ["-F", HZ], [program.path, *args], env=env)
    finally:
        resource.setrlimit(resource.RLIMIT_STACK, previous)


def run_until_seen(chains_of):
    """chains_of(): runs the program. A busy machine may leave it too little time: then it runs again."""
    for _ in range(5):
        chains, profile, counters = chains_of()
        if chains.wrong or chains.cnt["exact"] >= EXACT_MIN:
            break
    return chains, profile, counters


def run_c(programs, out, variant="pie", frame="plain", leaf="burn", depth=60, where="main"):
    program = programs(variant)
    args = [frame, leaf, depth, SECONDS] + ([where] if where != "main" else [])

    def once():
        profile, counters, _ = profile_of(program, args, out, programs.library)
        return Chains(program, profile, LEAVES[leaf], frame, depth, ROOTS[where]), profile, counters

    return run_until_seen(once)


@pytest.mark.parametrize("where", ["main", "thread"])
@pytest.mark.parametrize("depth", [1, 10, 60, 200, 500])
def test_depth(programs, tmp_path, depth, where):
    chains, _, counters = run_c(programs, tmp_path, depth=depth, where=where)
    chains.check()
    check_ends(counters)


@pytest.mark.parametrize("where", ["main", "thread"])
@pytest.mark.parametrize("frame", ["alloca", "huge", "align"])
def test_frame_kind(programs, tmp_path, frame, where):
    run_c(programs, tmp_path, frame=frame, depth=200, where=where)[0].check()


@pytest.mark.parametrize("leaf", [leaf for leaf in LEAVES if leaf not in ("burn", "throw")])
@pytest.mark.parametrize("frame", ["plain", "align"])
def test_leaf(programs, tmp_path, frame, leaf):
    run_c(programs, tmp_path, frame=frame, leaf=leaf, depth=60)[0].check()


@pytest.mark.parametrize("leaf", ["burn", "signal", "sigaltstack", "read"])
def test_coroutine(programs, tmp_path, leaf):
    run_c(programs, tmp_path, leaf=leaf, where="context")[0].check()


@pytest.mark.parametrize("where", ["main", "thread"])
@pytest.mark.parametrize("frame", ["plain", "align"])
@pytest.mark.parametrize("variant", [name for name in BUILDS if not name.startswith(("pie", "c++", "rust"))])
def test_build(programs, tmp_path, variant, frame, where):
    run_c(programs, tmp_path, variant=variant, frame=frame, where=where)[0].check()


@pytest.mark.parametrize("leaf", ["signal", "plt", "strlen", "vdso", "read", "qsort"])
@pytest.mark.parametrize("variant", ["static", "static-pie", "musl", "musl-static", "lld", "gold", "mold", "ibtplt", "now"])
def test_leaf_of_build(programs, tmp_path, variant, leaf):
    run_c(programs, tmp_path, variant=variant, leaf=leaf)[0].check()


@pytest.mark.parametrize("where", ["main", "thread"])
@pytest.mark.parametrize("depth", [10, 60, 200, 500])
@pytest.mark.parametrize("frame", ["plain", "function"])
def test_cxx(programs, tmp_path, frame, depth, where):
    # A std::function adds two or three frames a step.
    if frame == "function":
        depth = min(depth, 120)
    program = programs("c++")
    args = [frame, depth, SECONDS] + (["thread"] if where == "thread" else [])

    def once():
        profile, counters, _ = profile_of(program, args, tmp_path)
        if frame == "function":
            drop_between(program, profile)
        return (Chains(program, profile, BURN, frame, depth, ROOTS["c++" if where == "main" else "c++-thread"]), profile,
                counters)

    chains, _, counters = run_until_seen(once)
    chains.check()
    check_ends(counters)


def check_ends(counters):
    """No walk went astray: what was not walked to the root met a process or a file that was new, or lazy binding."""
    ends = helpers.ends(counters)
    astray = sum(cnt for end, cnt in ends.items() if end not in ("root", "no_table", "no_mapping", "exec"))
    assert astray <= max(0.005 * sum(ends.values()), 2), ends


def drop_between(program, profile):
    """Leaves out what std::function and closures put between two functions of the cycle."""
    for sample in profile.samples:
        sample.locations[:] = [location for location in sample.locations
                               if not re.search(r"_Function_handler|_M_invoke|operator\(\)|closure\$|_FUN|{{closure}}",
                                                program.token(helpers.physical(location)))]


def test_cxx_throw(programs, tmp_path):
    """Burning inside libgcc's unwinder, libstdc++ and the dynamic linker's lookups. Only while libgcc writes the landing pad's
    registers over its own frame's (uw_install_context_1) nobody can tell the caller."""
    program = programs("c++")
    profile, _, _ = profile_of(program, ["throw", 60, SECONDS], tmp_path)
    chains = Chains(program, profile, LEAVES["throw"], "plain", 60, ROOTS["c++"])
    chains.check_share(0.97)


@pytest.mark.parametrize("variant", ["rust", "rust-musl"])
@pytest.mark.parametrize("where", ["main", "thread"])
@pytest.mark.parametrize("depth", [10, 60, 200, 480])
@pytest.mark.parametrize("frame", ["plain", "closure"])
def test_rust(programs, tmp_path, frame, depth, where, variant):
    if frame == "closure":
        depth = min(depth, 200)
    program = programs(variant)
    args = [frame, depth, SECONDS] + (["thread"] if where == "thread" else [])

    def once():
        profile, counters, _ = profile_of(program, args, tmp_path)
        if frame == "closure":
            drop_between(program, profile)
        return (Chains(program, profile, BURN, frame, depth, ROOTS["rust" if where == "main" else "rust-thread"]), profile,
                counters)

    chains, _, counters = run_until_seen(once)
    chains.check()
    check_ends(counters)


def test_first_samples_of_a_command(tmp_path):
    """It is held until its program, its libraries and the dynamic linker are known: no sample finds a file without a table."""
    _, counters, _ = helpers.run_bpfprof(tmp_path, ["-F", HZ], ["/usr/bin/python3", "-I", "-S", "-c", "sum(range(3000000))"])
    ends = helpers.ends(counters)
    assert ends.get("root", 0) >= EXACT_MIN
    assert not {"no_table", "no_mapping"} & set(ends), ends


@pytest.mark.parametrize("where", ["main", "thread"])
def test_too_deep(programs, tmp_path, where):
    """The leaf side is kept, 512 frames of it."""
    program = programs("pie")
    args = ["plain", "burn", 700, SECONDS] + ([where] if where != "main" else [])
    profile, counters, _ = profile_of(program, args, tmp_path)
    chain = expected("plain", 700)
    cut = 0
    for sample in profile.samples:
        frames, complete = helpers.user_frames(sample)
        names = [program.token(frame) for frame in frames]
        if complete or "plain_0" not in names:
            continue # on its way down
        assert sample.locations[-1].functions == [helpers.TRUNCATED]
        cut += sample.values[0]
        kernel = len(sample.locations) - len(frames) - 1
        assert kernel + len(names) == FRAMES_MAX
        start = names.index("leaf_burn") + 1
        assert names[start:] == chain[:len(names) - start]
    assert cut >= EXACT_MIN
    assert counters["end_depth"] >= cut


# ---- the same stack as others see it ----

def wait_stopped(pid):
    for _ in range(500):
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            if file.read().rsplit(")", 1)[1].split()[0] == "T":
                return
        time.sleep(0.01)
    raise AssertionError("did not stop")


def file_addresses(pid, addresses):
    """Addresses of a process as (file, ELF address)."""
    maps = []
    with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
        for line in file:
            fields = line.split(None, 5)
            start, end = (int(part, 16) for part in fields[0].split("-"))
            maps.append((start, end, int(fields[2], 16), fields[5].strip() if len(fields) > 5 else ""))
    ret = []
    for addr in addresses:
        for start, end, offset, path in maps:
            if start <= addr < end and path.startswith("/"):
                for vaddr, size, segment_offset, _ in helpers.elf(path).segments:
                    if segment_offset <= addr - start + offset < segment_offset + size:
                        ret.append((path, addr - start + offset - segment_offset + vaddr))
                        break
    return ret


@pytest.mark.parametrize("frame,leaf,where", [
    ("plain", "burn", "main"), ("align", "burn", "thread"), ("alloca", "signal", "main"), ("huge", "sigaltstack", "thread"),
    ("plain", "qsort", "main"), ("plain", "burn", "context")])
def test_against_eu_stack(programs, tmp_path, frame, leaf, where):
    """Return addresses, one by one, of the process stopped by SIGSTOP."""
    program = programs("pie")
    args = [program.path, frame, leaf, "60", "0"] + ([where] if where != "main" else [])
    with subprocess.Popen(args) as proc:
        try:
            time.sleep(0.2)
            profile, _, _ = helpers.run_bpfprof(tmp_path, ["-F", HZ, "-d", "300ms", "--pid", proc.pid])
            proc.send_signal(signal.SIGSTOP)
            wait_stopped(proc.pid)
            text = subprocess.run(["eu-stack", "-r", "-n", "0", "-p", str(proc.pid)], stdout=subprocess.PIPE, text=True,
                                  stderr=subprocess.DEVNULL, check=False).stdout
            threads = re.split(r"^TID .*$", text, flags=re.MULTILINE)[1:]
            theirs = [[int(addr, 16) for addr in re.findall(r"^#\d+ +0x(\w+)", thread, re.MULTILINE)]
                      for thread in threads]
            theirs = [file_addresses(proc.pid, addrs) for addrs in theirs]
        finally:
            proc.kill()
    theirs = max(theirs, key=len)
    assert len(theirs) > 60
    cnt = 0
    for sample in profile.samples:
        frames, complete = helpers.user_frames(sample)
        assert complete
        ours = [(frame.file, frame.address) for frame in frames]
        # The leaf moves on between two samples; callers stay. bpfprof's are one lower: inside the call.
        tail = len(theirs) - next(i for i, (path, addr) in enumerate(theirs)
                                  if path == program.path and program.elf.function(addr)[2] == frame + "_0")
        for (our_path, our_addr), (path, addr) in zip(ours[-tail:], theirs[-tail:]):
            assert our_path == path and addr - our_addr in (0, 1), (sample, theirs)
        assert abs(len(ours) - len(theirs)) <= 2
        cnt += sample.values[0]
    assert cnt >= EXACT_MIN
