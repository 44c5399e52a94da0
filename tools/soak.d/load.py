# SPDX-License-Identifier: GPL-2.0
"""What the host is kept busy with, and what is done to bpfprof meanwhile."""
import contextlib
import glob
import os
import random
import signal
import subprocess
import time

STOP_SECONDS_MAX = 30
HOG_BYTES_MAX = 64 << 20
HOG_SECONDS_MAX = 60
RUN_SECONDS_MAX = 120
PLUGINS_KEPT = 8
NOTE_NAME = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0"  # of a build id of 20 bytes


class Skip(Exception):
    """What this machine does not have."""


class Load:
    """Programs by name. They end with us, whatever happens: stop_all(), and the kernel's parent-death signal."""

    def __init__(self, root, folder):
        self.root, self.folder = root, folder
        self.running, self.counts, self.containers = {}, {}, []
        self.plugin_cnt = self.container_cnt = 0
        self.plugins = os.path.join(folder, "plugins")
        os.mkdir(self.plugins)
        self.churn = self.compile("churn.c", "churn", "-O2", "-lpthread", "-ldl")
        self.clock_library = self.compile("clock_step.c", "clock_step.so", "-O2", "-shared", "-fPIC")
        plugin = self.compile("plugin.c", "plugin", "-O2", "-shared", "-fPIC", "-Wl,--build-id=sha1")
        with open(plugin, "rb") as file:
            self.plugin_image = file.read()
        self.cgroups = Cgroups()

    def compile(self, source, name, *flags):
        path = os.path.join(self.folder, name)
        subprocess.run(["cc", "-std=gnu11", "-D_GNU_SOURCE", os.path.join(self.root, "tests", "workloads", source), "-o", path,
                        *flags], check=True, timeout=120)
        return path

    # ---- what goes on for a while ----

    def start(self, name, *args, nice=0):
        self.running[name] = subprocess.Popen(["nice", "-n", str(nice), self.churn, *map(str, args)], text=True,
                                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return self.running[name]

    def stop(self, name):
        proc = self.running.pop(name)
        proc.terminate()
        try:
            out = proc.communicate(timeout=STOP_SECONDS_MAX)[0]
        except subprocess.TimeoutExpired:
            proc.kill()
            out = proc.communicate()[0]
        self.counts[name] = self.counts.get(name, 0) + int(out.strip() or 0)

    def stop_all(self):
        for name in list(self.running):
            self.stop(name)
        for proc, cgroup in self.containers:
            proc.kill()
            proc.wait()
            self.cgroups.remove(cgroup)
        self.containers.clear()
        self.cgroups.close()

    # ---- what happens once ----

    def deploy_plugin(self):
        """A new build of the plugin in the place of an old one: another build id, another inode."""
        at = self.plugin_image.index(NOTE_NAME) + len(NOTE_NAME)
        image = self.plugin_image[:at] + random.randbytes(20) + self.plugin_image[at + 20:]
        path = os.path.join(self.plugins, f"{self.plugin_cnt % PLUGINS_KEPT}.so")
        with open(path + ".new", "wb") as file:
            file.write(image)
        os.rename(path + ".new", path)
        self.plugin_cnt += 1

    def start_container(self):
        """Namespaces of its own, a root of its own files, a cgroup of its own; a second or two long."""
        code = ('mount -t tmpfs -o size=1m none /mnt && cp "$0" /mnt/app && '
                'timeout -s TERM "$1" /mnt/app duty 2')
        cgroup = self.cgroups.make(f"container-{self.container_cnt}")
        try:
            proc = subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--uts", "--ipc",
                                     "--net", "sh", "-c", code, self.churn, f"{random.uniform(0.5, 2):.2f}"],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except FileNotFoundError as error:
            raise Skip("no unshare") from error
        self.cgroups.move(cgroup, proc.pid)
        self.containers.append((proc, cgroup))
        self.container_cnt += 1

    def reap_containers(self):
        for proc, cgroup in list(self.containers):
            if proc.poll() is not None:
                self.containers.remove((proc, cgroup))
                self.cgroups.remove(cgroup)

    def run_hog(self):
        """A process that the kernel's OOM killer ends, in a cgroup whose limit it meets."""
        cgroup = self.cgroups.make_limited("hog", HOG_BYTES_MAX)
        try:
            command = 'echo $$ > "$0/cgroup.procs" && exec "$1" hog'
            proc = subprocess.Popen(["sh", "-c", command, cgroup, self.churn], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                status = proc.wait(HOG_SECONDS_MAX)
            finally:
                if proc.poll() is None:
                    proc.kill()
                    proc.wait()
        finally:
            self.cgroups.remove(cgroup)
        if status != -signal.SIGKILL:
            raise RuntimeError(f"the hog ended with {status}")

    def run_on_full_disk(self, program, pid):
        """A profile that does not fit its file system: one line, status 1, and no file, not even a part of one."""
        disk = os.path.join(self.folder, "disk")
        os.makedirs(disk, exist_ok=True)
        code = ('mount -t tmpfs -o size=64k none "$0" || exit 77; dd if=/dev/zero of="$0/full" bs=4k 2>/dev/null; '
                '"$1" -q --no-trace --top=0 --listen off -P cpu --pid "$2" -d 1s -o "$0"; echo "status $?" $(ls -A "$0")')
        done = subprocess.run(["unshare", "--mount", "sh", "-c", code, disk, program, str(pid)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=RUN_SECONDS_MAX, check=False)
        if done.returncode == 77:
            raise Skip(f"no mount: {done.stderr}")
        lines = done.stderr.splitlines()
        if done.stdout.split() != ["status", "1", "full"] or len(lines) != 1 or not lines[0].startswith("bpfprof: "):
            raise RuntimeError(f"{done.stdout!r} {done.stderr!r}")


class Cgroups:
    """Those of our own: in the unified hierarchy, and for the memory limit wherever that controller is."""

    def __init__(self):
        self.made, self.name = [], f"bpfprof-soak-{os.getpid()}"
        with open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
            mounts = [line.split()[1:4] for line in file]
        self.unified = next((path for path, kind, _ in mounts if kind == "cgroup2"), None)
        self.memory = next((path for path, kind, options in mounts if kind == "cgroup" and "memory" in options.split(",")), None)

    def _make(self, path):
        with contextlib.suppress(FileExistsError):
            os.mkdir(path)
        self.made.append(path)
        return path

    def make(self, name):
        """None where cgroups cannot be made."""
        try:
            return self._make(os.path.join(self.unified, f"{self.name}-{name}")) if self.unified else None
        except OSError:
            return None

    def make_limited(self, name, bytes_max):
        for base, file in ((self.memory, "memory.limit_in_bytes"), (self.unified, "memory.max")):
            try:
                path = self._make(os.path.join(base, f"{self.name}-{name}")) if base else None
                if path and os.path.exists(os.path.join(path, file)):
                    with open(os.path.join(path, file), "w", encoding="ascii") as limit:
                        limit.write(str(bytes_max))
                    return path
            except OSError as error:
                raise Skip(f"no cgroup with a memory limit: {error}") from error
            self.remove(path)
        raise Skip("no cgroup with a memory limit")

    def move(self, path, pid):
        with contextlib.suppress(OSError):
            if path:
                with open(os.path.join(path, "cgroup.procs"), "w", encoding="ascii") as file:
                    file.write(str(pid))

    def remove(self, path):
        """Its last process may still be on its way out."""
        deadline = time.monotonic() + 5
        while path in self.made:
            try:
                os.rmdir(path)
                self.made.remove(path)
            except FileNotFoundError:
                self.made.remove(path)
            except OSError:
                if time.monotonic() > deadline:
                    return
                time.sleep(0.02)

    def close(self):
        for path in list(self.made):
            self.remove(path)


class CpuOffline:
    """CPUs but the first; only with --cpu-offline, since everybody on the machine loses one meanwhile."""

    def __init__(self):
        paths = sorted(glob.glob("/sys/devices/system/cpu/cpu[1-9]*/online"))
        self.path = paths[-1] if paths else None

    def set(self, is_online):
        if not self.path:
            raise Skip("no CPU that can go offline")
        try:
            with open(self.path, "w", encoding="ascii") as file:
                file.write("1" if is_online else "0")
        except OSError as error:
            raise Skip(f"{self.path}: {error}") from error
