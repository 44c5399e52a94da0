# SPDX-License-Identifier: GPL-2.0
"""Real programs, walked to their root: what tools/completeness measures, for the kinds of code that are walked differently."""
import importlib.machinery
import importlib.util
import os

import pytest

import unwind_helpers as helpers

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not os.access(helpers.BIN, os.X_OK), reason=f"{helpers.BIN} is not built"),
]

HZ = 299
SECONDS = 3


def load(path):
    loader = importlib.machinery.SourceFileLoader("completeness", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("completeness", loader))
    loader.exec_module(module)
    return module


completeness = load(os.path.join(helpers.ROOT, "tools", "completeness"))


# openssl: hand-written assembly; go: goroutines and the scheduler's stack; node: JIT code over builtins without rows.
@pytest.mark.parametrize("name", ["python3", "openssl", "redis", "go", "node"])
def test_complete(name):
    if not completeness.available(name):
        pytest.skip(f"{name} is not installed")
    _, counters, _, cut, pairs = completeness.measure(name, HZ, SECONDS)
    share, total = completeness.complete_share(counters)
    print(f"{name}: {share:.3f} % of {total} stacks complete, {counters['frames_user'] / max(total, 1):.1f} frames; "
          f"{sum(pairs.bad.values())} of {pairs.checked} callers implausible; {helpers.ends(counters)}, {cut.most_common(3)}")
    assert total > HZ * SECONDS / 20
    assert share >= 99.5, cut
    assert sum(pairs.bad.values()) <= 0.002 * pairs.checked, pairs.bad
