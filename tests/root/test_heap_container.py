# SPDX-License-Identifier: GPL-2.0
"""The heap of a process in a container: its mount namespace and root are its own, and so is the C library that has the host's
path in it. Its libraries are probed, and no file of the host is taken for one of them."""
import collections
import os
import shutil
import subprocess

import pytest

from breakpoints import changed_bytes
from conftest import wait_until
from test_heap import ALLOCATORS, EXACT, LEAKS, LIBRARIES, by_function, check_sites
from workload_helpers import WORKLOADS, build

MACHINE = os.uname().machine
LINKER = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}[MACHINE]
# Another build of the same library, from the package libc6-amd64-cross.
OTHER_BUILD = f"/usr/{MACHINE}-linux-gnu/lib"
MUSL = f"/lib/ld-musl-{MACHINE}.so.1"
# All but what opens a mapping by itself: files are then found by their names, in the process's root.
WITHOUT_MAPPINGS = ("setpriv", "--bounding-set=-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search,+syslog")
# As container managers do it: a tmpfs becomes the root, and nothing of the old one can be reached.
ENTER = """mount -t tmpfs tmpfs "$1" && cp -a "$2/." "$1" && cd "$1" && pivot_root . . && /bin/busybox umount -l . && cd / &&
/bin/busybox mount -t proc proc /proc || exit 99
"""

Kind = collections.namedtuple("Kind", "library flags compiler")
KINDS = {"glibc": Kind("libc.so.6", [], "gcc"), "musl": Kind("libc.so", [], "musl-gcc")}


def with_another_build_id(path, copy):
    """A copy whose build id, in its note, is another one: what is not told by it is told by the inode alone."""
    with open(path, "rb") as file:
        data = bytearray(file.read())
    note = data.find(b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0")
    assert note > 0
    data[note + 16] ^= 0xff
    with open(copy, "wb") as file:
        file.write(data)
    os.chmod(copy, 0o755)


class Container:
    """A root folder with a C library, and processes in copies of it."""

    def __init__(self, folder, programs, kind):
        self.folder, self.programs, self.kind = folder, programs, KINDS[kind]
        self.tree = folder / "tree"
        os.makedirs(f"{self.tree}{LIBRARIES}")
        for name in ("bin", "proc", "data"):
            os.mkdir(self.tree / name)
        os.mkdir(folder / "root")
        os.symlink("usr/lib", self.tree / "lib")
        os.symlink(LIBRARIES[1:], self.tree / "lib64")
        shutil.copy("/bin/busybox", self.tree / "bin/busybox")
        if kind == "musl":
            path = os.path.realpath(MUSL)
            os.makedirs(os.path.dirname(f"{self.tree}{path}"), exist_ok=True)
            shutil.copy(path, f"{self.tree}{path}")
            os.symlink(path, f"{self.tree}/usr{MUSL}")
            self.host_path = path
        else:
            self.host_path = f"{LIBRARIES}/libc.so.6"
            if MACHINE == "aarch64":
                os.symlink(f"{LIBRARIES}/{LINKER}", f"{self.tree}/usr/lib/{LINKER}")
            if os.path.exists(f"{OTHER_BUILD}/libc.so.6"):
                for name in (LINKER, "libc.so.6"):
                    shutil.copy(f"{OTHER_BUILD}/{name}", f"{self.tree}{LIBRARIES}/{name}")
            else:
                shutil.copy(f"{LIBRARIES}/{LINKER}", f"{self.tree}{LIBRARIES}/{LINKER}")
                with_another_build_id(self.host_path, f"{self.tree}{self.host_path}")

    def add_program(self, source):
        path = str(self.tree / "bin" / source.split(".")[0])
        if self.kind.compiler == "gcc":
            return build(self.tree / "bin", source)
        subprocess.run([self.kind.compiler, "-O2", "-g", "-w", "-D_GNU_SOURCE", os.path.join(WORKLOADS, source), "-o", path],
                       check=True)
        return path

    def start(self, program, *args, before="", **popen):
        """A process of the program, in a namespace of its own, that has mapped its C library. before: shell commands."""
        proc = self.programs.start("unshare", "-m", "--propagation", "private", "sh", "-c", f'{ENTER}shift 2\n{before}\nexec "$@"',
                                   "sh", self.folder / "root", self.tree, f"/bin/{program}", *args, stdin=subprocess.PIPE,
                                   **popen)
        assert wait_until(lambda: proc.poll() is not None or (
            os.path.basename(os.readlink(f"/proc/{proc.pid}/exe")) == program and self.is_loaded(proc.pid)), 60)
        assert proc.poll() is None, f"status {proc.returncode}"
        # The same path, another file.
        mine, host = os.stat(f"/proc/{proc.pid}/root{self.host_path}"), os.stat(self.host_path)
        assert (mine.st_dev, mine.st_ino) != (host.st_dev, host.st_ino)
        return proc

    def is_loaded(self, pid):
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
            return any(line.rstrip().endswith(self.kind.library) and " r-xp " in line for line in maps)


@pytest.fixture(params=["glibc", "musl"])
def container(request, tmp_path, programs):
    if request.param == "musl" and not shutil.which("musl-gcc"):
        pytest.skip("musl-gcc is not installed")
    (tmp_path / "container").mkdir()
    return Container(tmp_path / "container", programs, request.param)


def tell(proc):
    proc.stdin.write("\n")
    proc.stdin.flush()


def read_until(run, text):
    """Lines of a bpfprof that runs, up to one with the text."""
    said = []
    for line in iter(run.stderr.readline, ""):
        said.append(line)
        if text in line:
            return
    raise AssertionError(said)


def args_for(pid):
    return [*(arg for arg in EXACT if arg != "--no-trace"), "--stats", "--pid", pid, "-o", "."]


@pytest.mark.parametrize("under", [(), WITHOUT_MAPPINGS], ids=["mapping", "path"])
def test_its_own_libc(bpfprof, container, programs, under):
    """To the byte, by call site and by name, whether bpfprof may open mappings or goes by their paths. A process of the host
    whose C library has the same path is left alone."""
    container.add_program("heap_sites.c")
    proc = container.start("heap_sites", 0)
    other = programs.sleeping()
    assert wait_until(lambda: "libc.so.6" in open(f"/proc/{other.pid}/maps", encoding="utf-8").read(), 60)
    run = bpfprof.start_and_attach(*args_for(proc.pid), under=under)
    assert changed_bytes(proc.pid, container.kind.library) > 0
    assert changed_bytes(other.pid) == 0
    tell(proc)
    result = bpfprof.finish(run)
    assert result.status == 0
    profile = bpfprof.profile("heap.pb.gz")
    if container.kind.library == "libc.so.6":
        check_sites(profile)
    else:  # musl's strdup has no call frame information: its caller is known, but it has the site
        sums = by_function(profile, "leak_.*|strdup")
        assert {name: values[3] for name, values in sums.items()} == dict.fromkeys(LEAKS - {"leak_strdup"} | {"strdup"}, 30000)
    # what allocates is named by the container's library, too
    assert {sample.frames[0].file for sample in profile.samples if "leak_malloc" in [f.function for f in sample.frames]} == \
        {container.host_path}
    assert f"pid {proc.pid}: {container.host_path}: by " in result.stderr, result.stderr


def test_an_allocator_that_is_opened_in_it(bpfprof, tmp_path, programs):
    """An allocator that exists in the container alone is opened when all runs."""
    (tmp_path / "container").mkdir()
    container = Container(tmp_path / "container", programs, "glibc")
    container.add_program("heap_load.c")
    shutil.copy(f"{LIBRARIES}/{ALLOCATORS[2]}", container.tree / "data/its-own.so")
    shutil.copy(f"{LIBRARIES}/libpthread.so.0", f"{container.tree}{LIBRARIES}")
    proc = container.start("heap_load", "late", "/data/its-own.so", env={"WAIT_MS": "0", "PATH": os.environ["PATH"]})
    run = bpfprof.start_and_attach("-v", *args_for(proc.pid))
    tell(proc)  # opened
    read_until(run, f"pid {proc.pid}: /data/its-own.so: by ")
    tell(proc)  # used
    assert bpfprof.finish(run).status == 0
    assert by_function(bpfprof.profile("heap.pb.gz"), "leak_by_late")["leak_by_late"] == [100, 77700, 100, 77700]


def test_links_lead_nowhere_else(bpfprof, tmp_path, programs):
    """A container may put a symbolic link in a mapped file's place, one that leads to a file of the host's root: that is not
    opened, be its build id the mapped one's."""
    (tmp_path / "container").mkdir()
    container = Container(tmp_path / "container", programs, "glibc")
    container.add_program("heap_load.c")
    source = tmp_path / "library.c"
    source.write_text("#include <stdlib.h>\nstatic __attribute__((noinline)) void *NAME(size_t n) { void *volatile p = malloc(n); "
                      "return p; }\nvoid *mi_malloc(size_t n) { void *volatile p = NAME(n); return p; }\n")
    for name, path in (("ours", container.tree / "data/library.so"), ("theirs", tmp_path / "secret.so")):
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-Wl,--build-id=0x" + 20 * "5c", f"-DNAME={name}", source, "-o", path],
                       check=True)
    # What is mapped lies below a mount whose link has its name.
    before = f"exec 9</data/library.so; /bin/busybox mount -t tmpfs t /data; /bin/busybox ln -s {tmp_path}/secret.so /data/library.so"
    proc = container.start("heap_load", "late", "/proc/self/fd/9", before=before, env={"WAIT_MS": "0", "PATH": os.environ["PATH"]})
    run = bpfprof.start_and_attach(*args_for(proc.pid), under=WITHOUT_MAPPINGS)
    tell(proc)
    assert wait_until(lambda: "library.so" in open(f"/proc/{proc.pid}/maps", encoding="utf-8").read(), 60)
    read_until(run, "SCHED")  # it has been looked at
    tell(proc)
    assert bpfprof.finish(run).status == 0
    late = [sample for sample in bpfprof.profile("heap.pb.gz").samples if sample.values[:2] == [100, 77700]]
    # without its file it has no name, and no table to walk by
    assert len(late) == 1 and {frame.function for frame in late[0].frames} <= {"malloc", "", "[truncated]"}, late
    assert late[0].frames[1].file == "/data/library.so"
