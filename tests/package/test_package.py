# SPDX-License-Identifier: GPL-2.0
"""The Debian package: what is in it, that it comes and goes without a trace, and that it is the same bytes each time."""
import filecmp
import os
import re
import shutil
import subprocess

import pytest

from conftest import BIN, BUILD, ROOT, make_deb, run

FILES = ["etc/default/bpfprof", "lib/systemd/system/bpfprof.service", "usr/sbin/bpfprof",
         "usr/share/bash-completion/completions/bpfprof", "usr/share/doc/bpfprof/README.Debian",
         "usr/share/doc/bpfprof/README.md.gz", "usr/share/doc/bpfprof/changelog.gz", "usr/share/doc/bpfprof/copyright",
         "usr/share/man/man1/bpfprof.1.gz", "usr/share/zsh/vendor-completions/_bpfprof"]
SOURCES = ["LICENSE", "Makefile", "README.md", "bpf", "systemd", "tools", "user", "vmlinux"]
# An installation into a copy of this system's own root: what is written goes to memory, and is gone with the process.
IN_OVERLAY = """
mount -t tmpfs none "$1" && cd "$1" && mkdir upper work root
mount -t overlay overlay -o lowerdir=/,upperdir=upper,workdir=work root
mount -t proc proc root/proc
mount --bind /dev root/dev
cp "$2" root/bpfprof.deb
installed() { chroot root sh -ec "$1"; }
cd upper
find . -mindepth 1 ! -type d ! -type c | sort > ../before
cd ..
installed 'dpkg -i --no-triggers /bpfprof.deb'
installed 'bpfprof --version && test -s /usr/share/man/man1/bpfprof.1.gz && bash -n /usr/share/bash-completion/completions/bpfprof'
installed 'systemd-analyze verify --man=no /lib/systemd/system/bpfprof.service'
installed '! test -e /etc/systemd/system/multi-user.target.wants/bpfprof.service'
# the options are a user's, and stay when the package is installed again or removed
installed 'echo BPFPROF_OPTIONS=-v > /etc/default/bpfprof && mkdir -p /var/lib/bpfprof && touch /var/lib/bpfprof/file'
installed 'dpkg -i --no-triggers /bpfprof.deb && grep -x BPFPROF_OPTIONS=-v /etc/default/bpfprof'
installed 'dpkg -r --no-triggers bpfprof && test -e /etc/default/bpfprof && ! test -e /usr/sbin/bpfprof'
installed 'dpkg -P --no-triggers bpfprof && ! dpkg-query -W bpfprof'
echo ----
cd upper
find . -mindepth 1 ! -type d ! -type c | sort | diff ../before - || true
find . -path '*bpfprof*' ! -type c
"""


def test_what_is_in_it(deb, tree):
    files = sorted(os.path.relpath(os.path.join(folder, name), tree) for folder, _, names in os.walk(tree) for name in names)
    assert files == FILES
    listing = run("dpkg-deb", "-c", deb)
    assert all(re.match(r"[-dl]rw[-x]r-[-x]r-[-x] root/root ", line) for line in listing.splitlines()), listing
    version = run(BIN, "--version").split()[1]
    assert run("dpkg-deb", "-f", deb, "Version").strip() == version
    with open(os.path.join(ROOT, "tools", "deb", "changelog"), encoding="utf-8") as file:
        assert file.readline().startswith(f"bpfprof ({version}) ")
    depends = run("dpkg-deb", "-f", deb, "Depends")
    for name in ("libbpf1", "libdw1", "libelf1", "libmicrohttpd12", "libc6"):
        assert name in depends, depends
    assert "dygraphs (= " in run("dpkg-deb", "-f", deb, "Built-Using")
    with open(f"{tree}/lib/systemd/system/bpfprof.service", encoding="utf-8") as file:
        assert "ExecStart=/usr/sbin/bpfprof $BPFPROF_OPTIONS\n" in file.read()


def test_a_build_needs_what_the_makefile_says():
    with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as file:
        lists = re.search(r"^DEPS_BUILD := ((?:.*\\\n)*.*)", file.read(), re.M)[1]
    wanted = {word.split(":")[0] for word in lists.replace("\\\n", " ").split()}
    with open(os.path.join(ROOT, "tools", "deb", "control"), encoding="utf-8") as file:
        named = re.search(r"^Build-Depends: ((?:.*\n )*.*)", file.read(), re.M)[1]
    # every machine that builds packages has these
    assert {word.split()[0] for word in named.replace("\n", " ").split(", ")} \
        == wanted - {"gcc", "libc6-dev"} | {"debhelper-compat", "python3"}


def test_lintian_has_no_errors(debs):
    if not shutil.which("lintian"):
        pytest.skip("no lintian")
    environment = dict(os.environ, LC_ALL="C.UTF-8")
    text = run("lintian", "--allow-root", "--fail-on", "error", "--tag-display-limit", "0", *debs.values(), env=environment)
    assert not re.search("^E: ", text, re.M), text


def test_comes_and_goes_without_a_trace(deb, tmp_path):
    if os.geteuid():
        pytest.skip("needs root")
    with open("/proc/filesystems", encoding="ascii") as file:
        if not re.search(r"\boverlay$", file.read(), re.M):
            pytest.skip("no overlayfs")
    text = run("unshare", "--mount", "--propagation", "private", "sh", "-ec", IN_OVERLAY, "sh", tmp_path, deb,
               env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "DEBIAN_FRONTEND": "noninteractive"})
    left = [line[4:] for line in text.split("----\n")[1].splitlines() if line.startswith("> ")]
    # dpkg's own notes
    strange = [path for path in left if not re.fullmatch(r"(var/lib/dpkg|var/log|var/cache/(ldconfig|man)|run/systemd)/.*", path)]
    assert not strange and not [path for path in left if "bpfprof" in path], text
    assert os.listdir(tmp_path) == []


def test_make_install_and_uninstall(tmp_path):
    make = ("make", "-s", "-C", ROOT, f"O={BUILD}", f"DESTDIR={tmp_path}", "PREFIX=/usr/local")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    run(*make, "install", env=environment)
    for path in ("sbin/bpfprof", "lib/systemd/system/bpfprof.service", "share/doc/bpfprof/README.md", "share/man/man1/bpfprof.1",
                 "share/bash-completion/completions/bpfprof", "share/zsh/site-functions/_bpfprof"):
        assert (tmp_path / "usr/local" / path).is_file(), path
    defaults = tmp_path / "etc/default/bpfprof"
    defaults.write_text("BPFPROF_OPTIONS=-v\n")
    run(*make, "install", env=environment)
    assert defaults.read_text() == "BPFPROF_OPTIONS=-v\n"
    run(*make, "uninstall", env=environment)
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == [defaults]


def test_two_builds_are_the_same_bytes(debs, tmp_path):
    """All of it again, in another folder, by other file times."""
    source = tmp_path / "a-folder-of-another-name" / "bpfprof"
    source.mkdir(parents=True)
    for name in SOURCES:
        path = os.path.join(ROOT, name)
        (shutil.copytree if os.path.isdir(path) else shutil.copy)(path, source / name)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    run("make", "-C", source, "O=build", "all", "docs", env=environment, timeout=900)
    assert filecmp.cmp(source / "build" / "bpfprof", BIN, shallow=False), compare(source / "build" / "bpfprof", BIN)
    again = make_deb(str(source), "build", str(tmp_path / "again"))
    assert sorted(again) == sorted(debs)
    for name, path in debs.items():
        assert filecmp.cmp(path, again[name], shallow=False), name


def compare(*paths):
    """Which sections differ, for whoever has to find out why."""
    done = subprocess.run(["cmp", "-l", *map(str, paths)], stdout=subprocess.PIPE, text=True, check=False)
    return f"{done.stdout.count(chr(10))} bytes differ, the first: {done.stdout[:200]}"
