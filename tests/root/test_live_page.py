# SPDX-License-Identifier: GPL-2.0
"""The live page of a bpfprof that profiles the host, in a headless Chromium.

Needs root and chromium.
"""
import json
import os
import re
import shutil

import pytest

import workload_helpers as w
from browser import Browser
from conftest import BIN, wait_until
from serve_helpers import Server

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not os.access(BIN, os.X_OK), reason=f"{BIN} is not built"),
    pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("live"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser():
    with Browser() as browser:
        yield browser


@pytest.fixture
def page(browser, server):
    """At the end nothing was thrown or refused, and nothing was asked for from elsewhere."""
    origin = f"http://127.0.0.1:{server.port}/"
    browser.resize(1400, 900)
    browser.open(origin)
    browser.wait("document.querySelector('.process-list li')")
    yield browser
    assert browser.complaints() == []
    assert all(url.startswith((origin, "data:", "blob:")) for url in browser.requests())


@pytest.fixture
def markup(programs, tmp_path):
    """A busy process whose name is markup."""
    return programs.start(w.build(tmp_path, "markup.c", flags=("-g0",)), "60", "60")


def choose(page, label, value):
    page.run(f"""(() => {{
        const select = document.querySelector(`select[aria-label="{label}"]`);
        select.value = [...select.options].find((option) => option.text.startsWith({json.dumps(value)})).value;
        select.dispatchEvent(new Event("change"));
    }})()""")


def rows(page):
    return page.run("[...document.querySelectorAll('.functions .name')].map((cell) => cell.textContent)")


def capture(page, number):
    page.key("r")
    page.wait(f"""document.querySelector('select[aria-label="Capture"]').selectedOptions[0]?.text.startsWith("#{number} ")""")


def capture_until(page, number, wanted, found=rows):
    """Captures until one has all that is wanted: in a second of a busy machine a process may hardly run. Its number."""
    for number in range(number, number + 20):
        capture(page, number)
        if wanted <= set(found(page)):
            return number
    raise AssertionError(f"{wanted} are not in {found(page)}")


def sampled_pids(page):
    return [int(text.split("(")[-1].split(")")[0]) for text in page.run(
        """[...document.querySelector('select[aria-label="process"]').options].slice(1).map((o) => o.text)""")]


def wait_until_drawn_inside(page, box):
    """Every chart and table is as wide as there is room for it."""
    page.wait(f"""[...document.querySelectorAll('{box}')].every((box) => [...box.querySelectorAll("canvas, table")].every((drawn) =>
        drawn.getBoundingClientRect().right <= box.getBoundingClientRect().right + 0.5))""", 60)


def test_captures(page, server, markup):
    line = f'[data-pid="{markup.pid}"]'
    page.wait(f"""document.querySelector('{line}')?.textContent.startsWith('"><img src=x>')""")
    page.click_on(line)
    choose(page, "Length", "1 s")
    first = capture_until(page, 1, {"burn_one", "burn_two", "outer"})
    assert page.run("document.querySelectorAll('img').length") == 0
    second = capture_until(page, first + 1, {"burn_one", "outer"})
    choose(page, "Compare with", f"#{first} ")
    page.wait("document.querySelector('[data-chip=base]')")
    assert page.run("[...document.querySelectorAll('.functions thead button')].map((b) => b.dataset.sort)").count("flatChange") == 1
    page.key("/")
    page.type("burn_one")
    assert rows(page) == ["burn_one"]
    assert 0 < float(page.run("document.querySelector('.search-share').textContent").split(" %")[0]) <= 100  # a second of a busy machine
    page.key("Escape")
    page.click_on('[data-chip="base"] button')
    page.click_on('[data-pid="0"]')  # the whole host
    capture_until(page, second + 1, {markup.pid}, sampled_pids)


def test_live_and_what_cannot_be_had(page):
    choose(page, "Length", "1 s")
    page.key("l")
    page.wait("""document.querySelector('select[aria-label="Capture"]').options.length >= 2""")
    page.key("l")
    page.run("""fetch = () => Promise.resolve(new Response("no such <b>process</b>\\n", {status: 404}))""")
    page.key("r")
    page.wait("!document.querySelector('.capture > .message').hidden")
    assert "no such <b>process</b>" in page.run("document.querySelector('.capture > .message').textContent")


def test_charts(page):
    page.click_on('[data-tab="scheduler"]')
    page.wait("document.querySelectorAll('#page-scheduler .plot canvas').length >= 4")
    drawn = """[...document.querySelectorAll("#page-scheduler .plot")].map((plot) => {
        const canvas = plot.querySelector("canvas"), data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        return data.some((byte) => byte);
    })"""
    page.wait(f"{drawn}.every(Boolean)")
    assert page.run("document.querySelector('#page-scheduler .series').textContent").startswith("waiting ")
    page.key("ArrowRight")  # the tabs' own key
    assert not page.run("document.querySelector('#page-heap').hidden")


def test_heap_on_demand(page, server, programs):
    """The host's heap is not measured until somebody asks for a process's; then its history is drawn, and no line is printed."""
    target = programs.python("import time\nkeep = []\nwhile True: keep.append(bytearray(100000)); del keep[:-500]; time.sleep(0.002)\n")
    page.wait(f"""document.querySelector('[data-pid="{target.pid}"]')""")
    page.click_on(f'[data-pid="{target.pid}"]')
    page.click_on('[data-tab="heap"]')
    page.click_on("button.measure")
    page.wait(f"document.querySelector('#page-heap .note + .note').textContent.includes('({target.pid})')", 60)
    page.wait("document.querySelectorAll('#page-heap .plot canvas').length >= 4", 60)
    page.wait("document.querySelector('#page-heap .series').textContent.startsWith('in use ')", 60)
    page.wait("document.querySelector('button.measure').hidden", 60)
    wait_until_drawn_inside(page, ".chart")
    heap = next(heap for heap in server.status()["heap"] if heap["pid"] == target.pid)
    assert sum(heap["allocs"]) > 0 and heap["rss_bytes"][-1] > 1 << 20
    assert not re.search(r"^heap \d", server.log(), re.M)


def test_losses(page, server):
    page.click_on('[data-tab="losses"]')
    page.wait("document.querySelectorAll('.counters tbody tr').length")
    names = page.run("[...document.querySelectorAll('.counters tbody td:first-child')].map((cell) => cell.textContent)")
    assert sorted(names) == sorted(counter["name"] for counter in server.status()["counters"])


def test_narrow_screens(page):
    page.resize(360, 740, mobile=True)
    for tab in ("profiles", "scheduler", "losses"):
        page.click_on(f'[data-tab="{tab}"]')
        assert page.run("document.documentElement.scrollWidth") <= 360, tab
    wait_until_drawn_inside(page, ".figures-page")
    page.click_on('[data-tab="scheduler"]')
    page.wait("document.querySelectorAll('#page-scheduler .plot canvas').length >= 4", 60)
    wait_until_drawn_inside(page, ".chart")
    page.resize(800, 740)
    # Charts follow, some time later, when there is more room again.
    page.wait("document.querySelector('#page-scheduler .plot canvas').clientWidth > 360")
    wait_until_drawn_inside(page, ".chart")


def test_heap_lines(browser, tmp_path):
    """The history of the heap lines is what the lines say, and is drawn."""
    code = "import time\nkeep = bytearray(64 << 20)\nwhile True: [bytearray(4000) for _ in range(1000)]; time.sleep(0.02)"
    server = Server(tmp_path, "-P", "cpu,heap", "--max-overhead", "100", "-i", "200ms", "--top=0", "--", "/usr/bin/python3", "-S", "-c", code)
    try:
        browser.open(f"http://127.0.0.1:{server.port}/#heap")
        browser.wait("document.querySelectorAll('#page-heap .plot canvas').length >= 4")
        server.wait_for(r"heap [3-9]\d* @.*->6\d MB,", 60)
        assert wait_until(lambda: sum(server.status()["heap"][0]["allocs"]) > 100, 60)
        heap = server.status()["heap"][0]
        assert heap["end_bytes"][-1] >= 64 << 20 and max(heap["rss_bytes"]) > 16 << 20  # the kernel may take idle pages back
        assert len({len(column) for column in heap.values() if isinstance(column, list)}) == 1
        browser.wait("document.querySelector('#page-heap .series').textContent.startsWith('in use ')")
        assert browser.complaints() == []
    finally:
        server.stop()
