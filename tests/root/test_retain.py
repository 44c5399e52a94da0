# SPDX-License-Identifier: GPL-2.0
"""--retain: what was going on a while ago, from a ring of profiles on disk, read over HTTP."""
import calendar
import os
import re
import signal
import subprocess
import time

import pytest

import workload_helpers as w
from conftest import require_root, top_rows, wait_until
from serve_helpers import Server, go_pprof, profile_of

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
NAME = re.compile(r"cpu-(\d{8}T\d{6})\.(\d{3})Z-(\d+)ms\.pb\.gz")


@pytest.fixture(autouse=True)
def _root():
    require_root()


@pytest.fixture
def burning(tmp_path, programs):
    """A program of which three quarters are burn_75."""
    return programs.start(w.build(tmp_path, "shares.c"), 1000, stdout=subprocess.DEVNULL)


def span_of(name):
    """(start, end) of a kept profile in ms, as its name tells."""
    match = NAME.fullmatch(name)
    start = calendar.timegm(time.strptime(match[1], "%Y%m%dT%H%M%S")) * 1000 + int(match[2])
    return start, start + int(match[3])


def kept(folder):
    return sorted(name for name in os.listdir(folder) if NAME.fullmatch(name)) if folder.exists() else []


def follow_each_other(names):
    spans = [span_of(name) for name in names]
    return len(names) == 4 and all(abs(after[0] - before[1]) < 500 for before, after in zip(spans, spans[1:]))


def cpu_of(profile, pid):
    return sum(sample.values[1] for sample in profile.samples if sample.labels.get("pid") == pid)


def test_the_past_is_read_back(tmp_path, burning, programs):
    folder = tmp_path / "kept"
    other = programs.busy()
    args = ("--pid", f"{burning.pid},{other.pid}", "-P", "cpu", "--retain")
    server = Server(tmp_path, *args, f"{folder},10M,1h,2s")
    try:
        # one after the other, with no gap; a later one may be written before the one before it
        assert wait_until(lambda: follow_each_other(kept(folder)[:4]), 240), (kept(folder), server.log())
        names = kept(folder)[:4]
        assert os.stat(folder).st_mode & 0o777 == 0o700
        spans = [span_of(name) for name in names]
        listed = server.get("/api/retained").json()["profiles"]
        assert {entry["profile"] for entry in listed} == {"cpu"} and len(listed) >= 4
        assert listed[0]["bytes"] == os.stat(folder / names[0]).st_size and listed[0]["seconds"] * 1000 == spans[0][1] - spans[0][0]
        # one of them, by a moment in it, is the file as it is
        middle = (spans[1][0] + spans[1][1]) / 2000
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(middle))
        for moment in (f"{middle:.3f}", f"{stamp}Z" if spans[1][0] / 1000 <= int(middle) else f"{middle:.3f}", listed[1]["time"]):
            answer = server.get(f"/debug/pprof/profile?time={moment}")
            assert answer.status == 200 and answer.body == (folder / names[1]).read_bytes(), moment
            assert answer.headers["Content-Type"] == "application/octet-stream" and "profile" in answer.headers["Content-Disposition"]
        # all four of them as one: what they have is added up
        each = [profile_of(server.get(f"/debug/pprof/profile?time={(start + end) / 2000:.3f}"), tmp_path) for start, end in spans]
        seconds = (spans[3][1] - spans[0][0]) // 1000 - 1
        query = f"time={(spans[0][0] + 500) / 1000:.3f}&seconds={seconds}"
        whole = profile_of(server.get(f"/debug/pprof/profile?{query}"), tmp_path)
        for pid in (burning.pid, other.pid):
            assert cpu_of(whole, pid) == sum(cpu_of(one, pid) for one in each) > 0
        assert whole.sample_types == each[0].sample_types and whole.period == each[0].period
        assert whole.duration_ns == sum(one.duration_ns for one in each)
        # one process of them
        mine = profile_of(server.get(f"/debug/pprof/profile?{query}&pid={burning.pid}"), tmp_path)
        assert {sample.labels["pid"] for sample in mine.samples} == {burning.pid}
        assert cpu_of(mine, burning.pid) == cpu_of(whole, burning.pid)
        url = f"http://127.0.0.1:{server.port}/debug/pprof/profile?{query}&pid={burning.pid}"
        text = go_pprof("-top", url)
        rows = {row[5]: float(row[4].rstrip("%")) for row in top_rows(text)}
        assert rows["burn_75"] > 60 and rows["burn_25"] > 10, text
        assert go_pprof("-top", "-base", url, url)  # a difference of nothing, and no complaint
        # what is wrong is told
        for query, status, words in (("time=x", 400, "time"), ("time=", 400, "time"), ("time=2025-01-01", 400, "time"),
                                     ("time=1&seconds=0", 400, "seconds"), ("time=1&pid=x", 400, "pid"),
                                     ("time=1&debug=1", 400, "debug"), ("time=1", 404, "/api/retained"),
                                     (f"time={time.time() + 9999:.0f}", 404, "/api/retained")):
            answer = server.get(f"/debug/pprof/profile?{query}")
            assert answer.status == status and words in answer.text() and answer.headers["X-Go-Pprof"] == "1", query
        assert server.get(f"/debug/pprof/block?time={middle:.3f}").status == 404
        for path in (f"/debug/pprof/profile?time={middle:.3f}&pid={burning.pid}", "/api/retained"):
            done = subprocess.run([*NOBODY, "curl", "-s", "-w", "%{http_code}", f"http://127.0.0.1:{server.port}{path}"],
                                  stdout=subprocess.PIPE, text=True, check=True, timeout=30)
            assert done.stdout.endswith("403") and "only root reads the past" in done.stdout
        assert re.search(r'^bpfprof_events_total\{name="retain_written"\} [1-9]', server.get("/metrics").text(), re.M)
    finally:
        # killed, it loses what was not written yet; what is half-written is no profile
        server.stop(signal.SIGKILL)
    before = kept(folder)
    (folder / f".{before[0]}.aB3xYz").write_bytes(b"half")
    server = Server(tmp_path, *args, f"{folder},10M,1h")
    try:
        assert wait_until(lambda: len(os.listdir(folder)) == len(before), 30)
        answer = server.get(f"/debug/pprof/profile?time={middle:.3f}")
        assert answer.status == 200 and answer.body == (folder / names[1]).read_bytes()
        time.sleep(1.5)  # the minute has begun
    finally:
        assert server.stop() == 0, server.log()
    # and an end in order loses nothing at all
    assert len(kept(folder)) == len(before) + 1 and "not kept" not in server.log()


def test_size_and_age_are_kept(tmp_path, burning):
    folder = tmp_path / "kept"
    folder.mkdir()
    now = time.time()

    def seed(seconds_ago, size):
        path = folder / time.strftime("cpu-%Y%m%dT%H%M%S.000Z-60000ms.pb.gz", time.gmtime(now - seconds_ago))
        path.write_bytes(b"\0" * size)
        return path

    old, large, other = seed(7200, 10), seed(600, 63 << 10), folder / "notes"
    other.write_bytes(b"\0" * (80 << 10))
    server = Server(tmp_path, "--pid", burning.pid, "-P", "cpu", "-i", "100ms", "--retain", f"{folder},64K,1h,100ms")
    try:
        sums = []

        def is_done():
            sizes = []
            for name in kept(folder):
                try:
                    sizes.append(os.stat(folder / name).st_size)
                except FileNotFoundError:
                    pass
            sums.append(sum(sizes))
            return not old.exists() and not large.exists() and len(sizes) >= 3

        assert wait_until(is_done, 60), server.log()
        assert max(sums) <= 64 << 10, sums
        assert other.exists()
    finally:
        assert server.stop() == 0, server.log()


def test_a_full_disk_is_told_once_and_counted(tmp_path, burning):
    folder = tmp_path / "mnt"
    folder.mkdir()
    under = ("unshare", "--mount", "sh", "-c", f"mount -t tmpfs -o size=256k tmpfs {folder} && cat /dev/zero > {folder}/filler "
             "2>/dev/null; exec \"$0\" \"$@\"")
    server = Server(tmp_path, "--pid", burning.pid, "-P", "cpu", "-i", "100ms", "--retain", f"{folder},10M,1h,100ms", under=under)

    def failed():
        return int(re.search(r'^bpfprof_lost_total\{name="retain_failed"\} (\d+)$', server.get("/metrics").text(), re.M)[1])

    try:
        assert wait_until(lambda: failed() >= 3, 60), server.log()
        line = f'bpfprof: --retain: cannot keep the cpu profile in "{folder}": No space left on device; '
        assert server.log().count(line) == 1 and server.log().count("--retain") == 1, server.log()
        subprocess.run(["nsenter", "-t", str(server.proc.pid), "-m", "rm", f"{folder}/filler"], check=True, timeout=20)
        server.wait_for(r"profiles are kept in .* again; \d+ were not", 60)
        assert server.get(f"/debug/pprof/profile?time={time.time():.0f}&seconds=10").status in (200, 404)
        assert server.get("/api/retained").json()["profiles"]
    finally:
        assert server.stop() == 0, server.log()


@pytest.mark.parametrize("make, words", [
    (lambda path: path.write_text("x"), "Not a directory"),
    (lambda path: path.symlink_to("/proc/nothing/x"), "No such file"),
])
def test_a_folder_that_cannot_be(bpfprof, tmp_path, make, words):
    path = tmp_path / "place"
    make(path)
    result = bpfprof.run("--listen", "off", "-d", "5s", "--retain", f"{path},1M,1h")
    assert result.status == 1 and result.stderr.count("\n") == 1
    assert re.fullmatch(rf'bpfprof: --retain: cannot \w+ folder "{path}": {words}.*\n', result.stderr), result.stderr


def test_nothing_is_kept_without_the_option(tmp_path):
    server = Server(tmp_path)
    try:
        for path in ("/debug/pprof/profile?time=1", "/api/retained"):
            answer = server.get(path)
            assert answer.status == 404 and "without --retain" in answer.text()
    finally:
        assert server.stop() == 0
