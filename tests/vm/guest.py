# SPDX-License-Identifier: GPL-2.0
"""Boots a kernel under QEMU with bpfprof, busybox and the workloads in an initramfs, and brings back what the cases left."""
import ctypes
import gzip
import io
import mmap
import os
import re
import shutil
import stat
import subprocess
import tarfile
import time

BUSYBOX = "/bin/busybox"
BOOT_SECONDS = 60
SYSTEM_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


class GuestError(AssertionError):
    """The kernel did not come up, or did not get to the end of its cases."""


def libraries(path):
    """What the dynamic linker loads for a program."""
    text = subprocess.run(["ldd", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=30,
                          check=False).stdout
    return re.findall(r"(?:=> )?(/\S+) \(0x", text)


class Archive:
    """A cpio archive in the form that the kernel unpacks (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self):
        self.parts, self.names, self.inode = [], set(), 0

    def _entry(self, name, mode, data=b""):
        self.inode += 1
        head = "070701" + "".join(f"{number:08x}" for number in (
            self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0))
        text = head.encode() + name.encode() + b"\0"
        self.parts += [text, b"\0" * (-len(text) % 4), data, b"\0" * (-len(data) % 4)]

    def folder(self, name):
        name = name.strip("/")
        if not name or name in self.names:
            return
        self.folder(os.path.dirname(name))
        self.names.add(name)
        self._entry(name, stat.S_IFDIR | 0o755)

    def data(self, name, data, mode=0o644):
        name = name.strip("/")
        if name in self.names:
            return
        self.folder(os.path.dirname(name))
        self.names.add(name)
        self._entry(name, stat.S_IFREG | mode, data)

    def file(self, name, path):
        with open(path, "rb") as file:
            self.data(name, file.read(), 0o755)

    def program(self, name, path):
        """With its libraries, where its linker looks for them."""
        self.file(name, path)
        for library in libraries(path):
            self.file(library, library)

    def write(self, path):
        trailer = Archive()
        trailer._entry("TRAILER!!!", 0)
        with open(path, "wb") as file:
            file.write(b"".join(self.parts + trailer.parts))


def kernel_image(package, cache):
    """vmlinuz of a kernel package, which is downloaded but not installed. A name that depends on the current version's
    package stands for that."""
    depends = subprocess.run(["apt-cache", "depends", package], stdout=subprocess.PIPE, text=True, timeout=60,
                             check=False).stdout
    versioned = re.search(r"Depends: (linux-image-\d\S+)", depends)
    package = versioned[1] if versioned else package
    image = os.path.join(cache, package)
    if os.path.exists(image):
        return image
    debs = os.path.join(cache, "debs")
    os.makedirs(debs, exist_ok=True)
    done = subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package], cwd=debs,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
    found = [name for name in os.listdir(debs) if name.startswith(package + "_")]
    if done.returncode or not found:
        raise GuestError(f"cannot download {package}: {done.stdout}")
    deb = os.path.join(debs, sorted(found)[-1])
    files = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE, check=True, timeout=120).stdout
    with tarfile.open(fileobj=io.BytesIO(files)) as tar:
        member = next(member for member in tar if re.match(r"\./boot/vmlinuz-", member.name))
        data = tar.extractfile(member).read()
    with open(image + ".tmp", "wb") as file:
        file.write(data)
    os.rename(image + ".tmp", image)
    os.unlink(deb)
    return image


class Result:
    """What one case left: its files, status, output."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def text(self, name):
        try:
            with open(self.path(name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    status = property(lambda self: int(self.text("status") or -1))
    stdout = property(lambda self: self.text("stdout"))
    stderr = property(lambda self: self.text("stderr"))
    seconds = property(lambda self: float(self.text("ended") or 0) - float(self.text("began") or 0))


class Guest:
    """One run of one kernel."""

    def __init__(self, folder, console):
        self.folder, self.console = folder, console

    def case(self, name):
        return Result(os.path.join(self.folder, name))

    def _read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
            return file.read().strip()

    release = property(lambda self: self._read("release"))
    dmesg = property(lambda self: self._read("dmesg"))


def unpack(stream, folder):
    with open(stream, "rb") as file:
        data = file.read()
    size = int(data[:12] or b"0")
    if not size or len(data) < 12 + size:
        raise GuestError(f"{len(data)} bytes came back of {size}")
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data[12:12 + size]))) as tar:
        tar.extractall(folder)  # written by our own /init


def tsc_khz():
    """The rate of this machine's time stamp counter, which TCG hands on; None where there is none.

    A guest that measures it by an emulated timer, on a busy machine, was wrong by ten times: 264 MHz in place of 2,596. Then its
    clock runs ten times too fast, and every case is over before it has begun.
    """
    if os.uname().machine != "x86_64":
        return None
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\x0f\x31\x48\xc1\xe2\x20\x48\x09\xd0\xc3")  # rdtsc; shl $32,%rdx; or %rdx,%rax; ret
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(code)))

    def both():
        """(ns, ticks) of one moment: the best of some tries."""
        tries = [(time.monotonic_ns(), read(), time.monotonic_ns()) for _ in range(50)]
        before, ticks, after = min(tries, key=lambda one: one[2] - one[0])
        return (before + after) // 2, ticks

    first = both()
    time.sleep(0.3)
    last = both()
    return (last[1] - first[1]) * 1000000 // (last[0] - first[0])


def run(image, archive, folder, seconds):
    """Boots image, waits until it turns itself off, and returns the Guest."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    initramfs, console, stream = (os.path.join(folder, name) for name in ("initramfs", "console", "stream"))
    archive.write(initramfs)
    began = time.monotonic()
    accelerator = os.environ.get("VM_ACCEL", "tcg")
    khz = tsc_khz() if accelerator == "tcg" else None
    clock = f"tsc=reliable tsc_early_khz={khz}" if khz else "tsc=reliable"
    args = ["qemu-system-x86_64", "-M", "q35", "-accel", accelerator, "-smp", "2", "-m", "1024",
            "-cpu", "host" if accelerator == "kvm" else "max,la57=off", "-kernel", image, "-initrd", initramfs,
            "-append", f"console=ttyS0 panic=-1 quiet random.trust_cpu=on mitigations=off {clock}",
            "-display", "none", "-nodefaults", "-no-user-config", "-no-reboot", "-nic", "none",
            "-serial", f"file:{console}", "-serial", f"file:{stream}"]
    done = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=None if seconds is None else seconds, check=False,
                          env=dict(os.environ, PATH=SYSTEM_PATH))
    with open(console, encoding="utf-8", errors="replace") as file:
        text = file.read()
    try:
        unpack(stream, folder)
    except (OSError, ValueError, GuestError) as error:
        raise GuestError(f"{image}: no results: {error}; QEMU ended with {done.returncode}: {done.stdout}\n{text[-6000:]}") \
            from error
    os.unlink(initramfs)
    guest = Guest(folder, text)
    guest.seconds = time.monotonic() - began
    return guest
