# SPDX-License-Identifier: GPL-2.0
"""Prometheus' own checker of its text format, out of Debian's package: downloaded, not installed, since it would start a server."""
import glob
import io
import os
import shutil
import subprocess
import tarfile
import tempfile

import pytest

from conftest import ROOT

CACHE = os.path.join(ROOT, "build", "promtool")


def promtool():
    """Its path; the test is skipped where it cannot be had."""
    found = shutil.which("promtool") or os.path.join(CACHE, "promtool")
    if os.path.exists(found):
        return found
    os.makedirs(CACHE, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        done = subprocess.run(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "prometheus"], cwd=folder,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        debs = glob.glob(os.path.join(folder, "prometheus_*.deb"))
        if done.returncode or not debs:
            pytest.skip(f"promtool: the package prometheus cannot be downloaded: {done.stdout.strip()[-200:]}")
        files = subprocess.run(["dpkg-deb", "--fsys-tarfile", debs[0]], stdout=subprocess.PIPE, check=True, timeout=120).stdout
        with tarfile.open(fileobj=io.BytesIO(files)) as tar:
            data = tar.extractfile("./usr/bin/promtool").read()
        part = os.path.join(folder, "promtool")
        with open(part, "wb") as file:
            file.write(data)
        os.chmod(part, 0o755)
        os.rename(part, found)
    return found
