# SPDX-License-Identifier: GPL-2.0
"""systemd as process 1 of namespaces of its own, with no units but those that a test gives it."""
import contextlib
import os
import re
import subprocess
import tempfile

from conftest import wait_until

SYSTEMD = "/lib/systemd/systemd"
# /tmp is another one for a service with PrivateTmp=: programs lie in /srv. What is the host's own stays as it is: /etc and
# /proc/sys cannot be written to.
BOOT = """
set -e
mount --make-rprivate /
mount -t proc proc /proc
for folder in /proc/sys /etc; do mount --bind $folder $folder; mount -o remount,ro,bind $folder; done
for folder in /run /srv /var/lib; do mount -t tmpfs tmpfs $folder; done
mkdir -p /run/lock /run/systemd
cp "$1" /srv/bpfprof
mount -t cgroup2 cgroup2 /sys/fs/cgroup
export container=test SYSTEMD_UNIT_PATH="$2"
exec %s --system --log-level=info --log-target=console --show-status=0
""" % SYSTEMD
TARGETS = ("basic", "sysinit", "shutdown", "umount", "final", "sockets", "multi-user", "local-fs", "network")


def cgroup2_root():
    with open("/proc/mounts", encoding="utf-8") as file:
        return next((line.split()[1] for line in file if line.split()[2] == "cgroup2"), None)


class Booted:
    """units: {name: text}; default.target wants those in wants."""

    def __init__(self, program, units, wants):
        self.folder = tempfile.mkdtemp(prefix="bpfprof-units-")
        texts = {f"{name}.target": f"[Unit]\nDescription={name}\n" for name in TARGETS}
        texts["default.target"] = f"[Unit]\nDescription=default\nWants={' '.join(wants)}\nAfter={' '.join(wants)}\n"
        for name, text in {**texts, **units}.items():
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        self.cgroup = tempfile.mkdtemp(prefix="bpfprof-test-", dir=cgroup2_root())
        self.proc = subprocess.Popen(
            ["sh", "-c", f"echo $$ > {self.cgroup}/cgroup.procs && exec unshare --mount --pid --cgroup --uts --ipc --fork --kill-child "
             "bash -c \"$0\" boot \"$1\" \"$2\"", BOOT, program, self.folder], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)

    def first(self):
        """The host's number of process 1, once it is systemd."""
        with contextlib.suppress(FileNotFoundError, IndexError):
            with open(f"/proc/{self.proc.pid}/task/{self.proc.pid}/children", encoding="ascii") as file:
                pid = int(file.read().split()[0])
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                return pid if file.read().startswith(SYSTEMD) else None
        return None

    def run(self, *args, check=True):
        """What a program prints inside."""
        done = subprocess.run(["nsenter", "-t", str(self.first()), "-m", "-p", "-C", "-i", "-u", *args], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        assert not check or done.returncode == 0, (args, done.stdout)
        return done.stdout

    def show(self, unit):
        """A unit's properties."""
        return dict(re.findall(r"^(\w+)=(.*)$", self.run("systemctl", "show", unit, check=False), re.M))

    def wait_for(self, unit, seconds=120, **properties):
        found = wait_until(lambda: self.first() and (shown := self.show(unit)) and
                           all(shown.get(name) == value for name, value in properties.items()) and shown, seconds)
        assert found, (self.proc.poll(), self.first() and self.run("systemctl", "status", "--no-pager", unit, check=False))
        return found

    def end(self):
        first = self.first()
        with contextlib.suppress(ProcessLookupError):
            if first:
                os.kill(first, 9)  # all of its namespace goes with it
        self.proc.kill()
        self.proc.wait()
        self.proc.stderr.close()
        subprocess.run(["rm", "-r", self.folder], check=True)
        folders = [folder for folder, _, _ in os.walk(self.cgroup, topdown=False)]
        for folder in folders:
            wait_until(lambda folder=folder: not os.path.exists(folder) or _removed(folder), 30)


def _removed(folder):
    try:
        os.rmdir(folder)
    except OSError:
        return False
    return True
