# SPDX-License-Identifier: GPL-2.0
"""What the tests of the package share. BPFPROF_BIN names a program that is built; its folder is packed."""
import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("BPFPROF_BIN", os.path.join(ROOT, "build", "bpfprof")))
# make knows a build by the name that it was built under.
BUILD = os.path.relpath(os.path.dirname(BIN), ROOT)
SECONDS_MAX = 300


def run(*args, **options):
    """What it prints, on both streams. Fails if it fails."""
    options.setdefault("timeout", SECONDS_MAX)
    done = subprocess.run([str(arg) for arg in args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False, **options)
    assert done.returncode == 0, f"{args}: {done.returncode}\n{done.stdout}"
    return done.stdout


def make_deb(source, build, out):
    """{name: path} of the packages."""
    run(os.path.join(source, "tools", "make-deb"), build, out, cwd=source)
    return {name: os.path.join(out, name) for name in os.listdir(out)}


@pytest.fixture(scope="session")
def debs(tmp_path_factory):
    assert os.access(BIN, os.X_OK), f"{BIN} is not built"
    return make_deb(ROOT, BUILD, str(tmp_path_factory.mktemp("debs")))


@pytest.fixture(scope="session")
def deb(debs):
    return next(path for name, path in debs.items() if name.startswith("bpfprof_"))


@pytest.fixture(scope="session")
def tree(deb, tmp_path_factory):
    """What the package holds, unpacked."""
    folder = tmp_path_factory.mktemp("tree")
    run("dpkg-deb", "-x", deb, folder)
    return str(folder)
