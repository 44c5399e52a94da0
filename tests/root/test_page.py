# SPDX-License-Identifier: GPL-2.0
"""The page of -f html in a headless Chromium: what it shows is what pprof says, whatever the names are.

Needs root and chromium. One program, captured twice with other shares, is looked at by one browser; each test starts on a
fresh page.
"""
import collections
import json
import os
import re
import shutil
import subprocess
import time

import pytest

import workload_helpers as w
from browser import Browser
from conftest import BIN, go_top, read_pprof

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not os.access(BIN, os.X_OK), reason=f"{BIN} is not built"),
    pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium"),
]

EVIL = "</script><script>document.title='evil'</script><img src=x onerror=alert(1)>"
# Of the flame graph, as users see it: [{name, x, y, width, height}] in pixels of the window.
FRAMES = """(() => {
    const box = document.querySelector(".flame-canvas").getBoundingClientRect();
    return bpfprofViewer.flame.frames().map((f) => ({...f, x: f.x + box.x, y: f.y + box.y}));
})()"""


@pytest.fixture(scope="module")
def captures(tmp_path_factory):
    """Two folders with cpu.html and cpu.pb.gz: burn_one has 20 % in the first, 60 % in the second."""
    program = w.build(tmp_path_factory.mktemp("markup"), "markup.c", flags=("-g0",))
    folders = []
    for percent in (20, 60):
        folder = tmp_path_factory.mktemp(f"share{percent}")
        subprocess.run([BIN, "--no-trace", "-q", "-P", "cpu", "-F", "499", "-f", "html,pprof", "--top=0", "-o", folder, "--", program, "2",
                        str(percent)], check=True, timeout=60, stdin=subprocess.DEVNULL)
        folders.append(str(folder))
    return folders


@pytest.fixture(scope="module")
def browser():
    with Browser() as browser:
        yield browser


@pytest.fixture
def page(browser, captures):
    """The first capture's page. At the end nothing was refused, thrown or asked for from elsewhere."""
    browser.resize(1400, 900)
    url = f"file://{captures[0]}/cpu.html"
    browser.open(url)
    yield browser
    assert browser.complaints() == []
    assert set(browser.requests()) <= {url}


def frame(page, name):
    """The widest frame of a function."""
    return max((f for f in page.run(FRAMES) if f["name"] == name), key=lambda f: f["width"])


def click_frame(page, name):
    found = frame(page, name)
    page.click(found["x"] + found["width"] / 2, found["y"] + found["height"] / 2)


def names(page):
    return {f["name"] for f in page.run(FRAMES)}


def rows(page):
    """[flat share, cum share, name] of the table."""
    return page.run("""[...document.querySelectorAll(".functions tbody tr")].map((row) => [
        parseFloat(row.querySelector(".flatShare").textContent), parseFloat(row.querySelector(".cumShare").textContent),
        row.querySelector(".name").textContent])""")


def text(page, selector):
    return page.run(f"document.querySelector({json.dumps(selector)}).textContent")


def choose(page, label, value):
    """Chooses the option of a <select> whose text begins with value."""
    page.run(f"""(() => {{
        const select = document.querySelector(`select[aria-label="{label}"]`);
        select.value = [...select.options].find((option) => option.text.startsWith({json.dumps(value)})).value;
        select.dispatchEvent(new Event("change"));
    }})()""")


def shares_of(folder):
    """{function: [flat, cum]} in percent, as pprof has it."""
    return {row[5]: [float(row[1].rstrip("%")), float(row[4].rstrip("%"))] for row in go_top(f"{folder}/cpu.pb.gz", 1000)}


def test_hostile_names_are_only_shown(page, captures):
    assert page.run("document.title").startswith('"><img src=x> (')
    assert EVIL in names(page) and EVIL in [row[2] for row in rows(page)]
    assert page.run("document.querySelectorAll('img, b').length") == page.run("document.querySelectorAll('.tile b').length")
    click_frame(page, EVIL)
    assert EVIL in text(page, ".details")
    page.run("document.querySelector('.flame-canvas').dispatchEvent(new MouseEvent('mousemove', {bubbles: true}))")
    with open(f"{captures[0]}/cpu.html", encoding="utf-8") as file:
        assert file.read().count("</script>") == 2
    # The policy itself: what is not the page's own script does not run, had a name got into the markup.
    page.run("""(() => { const script = document.createElement("script"); script.textContent = "window.ran = 1";
        document.body.append(script); document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = 1'>"); })()""")
    time.sleep(0.1)
    assert page.run("window.ran") is None
    assert any("Content Security Policy" in line for line in page.complaints())
    page.events.clear()


def test_table_is_pprofs(page, captures):
    """Of the functions whose name is of one file only: pprof makes one of those with the same name, the table does not."""
    wanted = {name.removesuffix(" (inline)"): share for name, share in shares_of(captures[0]).items()}
    count = collections.Counter(row[2] for row in rows(page))
    assert not set(wanted) - set(count)
    found = {row[2]: row[:2] for row in rows(page) if count[row[2]] == 1}
    assert set(wanted) & set(found) >= {"outer", "burn_one", "burn_two", EVIL}
    for name in set(wanted) & set(found):
        assert found[name] == pytest.approx(wanted[name], abs=0.06), name
    assert [row[0] for row in rows(page)] == sorted((row[0] for row in rows(page)), reverse=True)
    page.click_on('[data-sort="cum"]')
    assert [row[1] for row in rows(page)] == sorted((row[1] for row in rows(page)), reverse=True)
    page.click_on('[data-sort="name"]')
    in_order = [row[2] for row in rows(page)]
    assert in_order.index("burn_one") < in_order.index("burn_two") < in_order.index("outer") < in_order.index("run")


def test_widths_are_shares(page, captures):
    wanted, whole = shares_of(captures[0]), frame(page, "all")["width"]
    for name in ("outer", "burn_one", "burn_two", EVIL):
        assert 100 * frame(page, name)["width"] / whole == pytest.approx(wanted[name][1], abs=1), name
    assert frame(page, "burn_one")["y"] > frame(page, "outer")["y"] > frame(page, "all")["y"]


def test_search(page, captures):
    page.key("/")
    page.type("burn_(one|two)")
    wanted = shares_of(captures[0])
    share = float(text(page, ".search-share").split(" %")[0])
    assert share == pytest.approx(wanted["burn_one"][1] + wanted["burn_two"][1], abs=0.1)
    assert {row[2] for row in rows(page)} == {"burn_one", "burn_two"}
    page.key("Escape")
    assert text(page, ".search-share") == "" and len(rows(page)) > 3
    page.key("/")
    page.type("onerror=alert(")  # no regular expression: then it is the text itself
    assert [row[2] for row in rows(page)] == [EVIL]
    page.type("nowhere")
    assert text(page, ".functions tbody") == "No function matches."


def test_zoom(page):
    whole = frame(page, "all")["width"]
    assert frame(page, "burn_one")["width"] < whole / 2
    click_frame(page, "burn_one")
    assert frame(page, "burn_one")["width"] == pytest.approx(whole, abs=1)
    assert "burn_two" not in names(page)
    assert "burn_one" in text(page, ".trail") and "self" in text(page, ".details")
    click_frame(page, "outer")
    assert "burn_two" in names(page)
    page.key("Escape")
    assert page.run("document.querySelector('.trail').hidden")


def test_keys(page):
    page.run("document.querySelector('.flame-canvas').focus()")
    selected = "bpfprofViewer.flame.nameOf(bpfprofViewer.flame.selected)"
    page.key("ArrowDown")
    assert page.run(selected) == "all"
    while page.run(selected) != "outer":
        page.key("ArrowDown")
    page.key("ArrowDown")
    first = page.run(selected)
    page.key("ArrowRight")
    second = page.run(selected)
    assert {first, second} <= {"burn_two", EVIL, "burn_one"} and first != second
    page.key("Enter")
    assert second in names(page) and first not in names(page)
    page.key("Escape")
    page.key("f")
    assert frame(page, "all")["y"] > frame(page, "outer")["y"]
    page.key("f")
    page.key("?")
    assert page.run("document.querySelector('dialog').open")
    page.key("Escape")
    page.key("3")
    assert page.run("document.querySelector('.flame-box').offsetParent === null")
    page.key("2")
    dark = page.run("getComputedStyle(document.body).backgroundColor")
    page.key("d")
    assert page.run("getComputedStyle(document.body).backgroundColor") != dark
    page.key("d")


def test_callers_and_focus(page, captures):
    wanted = shares_of(captures[0])
    page.key("i")
    whole = frame(page, "all")["width"]
    assert 100 * frame(page, "burn_two")["width"] / whole == pytest.approx(wanted["burn_two"][0], abs=1)
    assert frame(page, "outer")["y"] > frame(page, "burn_two")["y"]  # its caller lies below it
    page.key("i")
    click_frame(page, "outer")
    page.click_on(".details .callers")
    assert "Callers of outer" in text(page, ".chips")
    assert {"outer", "run"} <= names(page) and "burn_one" not in names(page)
    page.click_on(".details .callees") if page.run("!!document.querySelector('.details .callees')") else page.key("i")
    assert {"outer", "burn_one"} <= names(page) and "run" not in names(page)
    page.key("Escape")
    assert "run" in names(page)


def test_types_and_filters(page, captures):
    samples = read_pprof(f"{captures[0]}/cpu.pb.gz").samples
    choose(page, "Value", "samples")
    click_frame(page, "all")
    assert f"total {sum(s.values[0] for s in samples):,}" in text(page, ".details")
    thread = "'\"><b>&amp;"
    choose(page, "thread", thread)
    click_frame(page, "all")
    assert f"total {sum(s.values[0] for s in samples if s.labels['thread'] == thread):,}" in text(page, ".details")
    choose(page, "thread", "All")
    choose(page, "Group", "By thread")
    assert thread in names(page)


@pytest.mark.parametrize("file", ["cpu.html", "cpu.pb.gz"])
def test_comparison(page, captures, file):
    """The second capture has 40 points more of burn_one, so the first one as against it has less."""
    page.choose_file("input[type=file]", f"{captures[1]}/{file}")
    page.wait("document.querySelector('[data-chip=base]')")
    choose(page, "Compare", "as share")
    click_frame(page, "burn_one")
    first, second = (shares_of(folder)["burn_one"][1] for folder in captures)
    total = sum(sample.values[1] for sample in read_pprof(f"{captures[0]}/cpu.pb.gz").samples) / 1e9
    change = re.search(r"change −([\d.]+) (m?s)", text(page, ".details"))
    assert float(change[1]) / (1000 if change[2] == "ms" else 1) == pytest.approx((second - first) / 100 * total, rel=0.05)
    assert page.run("""[...document.querySelectorAll(".functions tbody tr")][0].querySelector(".name").textContent""") == "burn_one"
    page.click_on(".swap")
    click_frame(page, "burn_one")
    assert "change +" in text(page, ".details")
    page.click_on("[data-chip=base] button")
    assert page.run("document.querySelector('[data-chip=base]') === null")


@pytest.mark.parametrize("content", [b"", b"{}", b"<html></html>", b"\x1f\x8b broken", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                                     b'{"bpfprof":"1","strings":[""]}', os.urandom(4096)])
def test_comparison_with_garbage(page, tmp_path, content):
    (tmp_path / "<img>.html").write_bytes(content)
    page.choose_file("input[type=file]", str(tmp_path / "<img>.html"))
    page.wait("!document.querySelector('.viewer > .message').hidden")
    assert text(page, ".viewer > .message").startswith("<img>.html cannot be compared: ")
    assert "burn_one" in names(page)


def test_narrow_screens(page):
    page.resize(360, 740, mobile=True)
    page.run("location.reload()")
    page.wait("document.readyState === 'complete' && window.bpfprofViewer")
    assert page.run("document.documentElement.scrollWidth") <= 360
    assert frame(page, "all")["width"] > 300
    click_frame(page, "burn_two")
    assert frame(page, "burn_two")["width"] > 300


def test_large_profile(page, captures, tmp_path):
    """200,000 frames in 65,536 stacks open and are drawn; how long it takes is told."""
    with open(f"{captures[0]}/cpu.html", encoding="utf-8") as file:
        html = file.read()
    mark = '<script type="application/json" id="profile">'
    start = html.index(mark) + len(mark)
    end = html.index("</script>", start)
    profile = json.loads(html[start:end])
    strings = [""] + [f"function_{i}" for i in range(5000)]
    parent, function, state = [-1], [0], 1
    while len(parent) < 200000:
        state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        parent.append(max(0, len(parent) - 1 - (state >> 33) % 40))
        function.append((state >> 20) % 5000)
    count = 65536
    profile.update(strings=strings, nodes={"parent": parent, "function": function}, functions={
        "name": list(range(1, 5001)), "file": [0] * 5000, "mapping": [0] * 5000, "line": [0] * 5000, "flags": [0] * 5000})
    profile["samples"] = {"node": [len(parent) - 1 - 3 * i for i in range(count)], "pid": [1] * count, "comm": [1] * count,
                          "thread": [2] * count, "cgroup": [0] * count, "values": [[1] * count, [10 ** 7] * count]}
    path = tmp_path / "large.html"
    path.write_text(html[:start] + json.dumps(profile, separators=(",", ":")) + html[end:], encoding="utf-8")
    begin = time.monotonic()
    page.open(f"file://{path}")
    page.wait("window.bpfprofViewer && bpfprofViewer.profile")
    took = time.monotonic() - begin
    draw = min(page.run("""(() => { const begin = performance.now(); bpfprofViewer.flame.draw(); return performance.now() - begin; })()""")
               for _ in range(10))
    print(f"large profile: {took:.2f} s to open, {draw:.1f} ms to draw")
    assert page.run("document.querySelectorAll('.functions .name').length") > 100
    page.open(f"file://{captures[0]}/cpu.html")
