# SPDX-License-Identifier: GPL-2.0
"""tools/bench: that its tables and its chart say what was measured. What the figures are, nobody can assert."""
import os
import re
import subprocess
import sys
import xml.dom.minidom

import pytest

from conftest import BIN, ROOT

sys.path.insert(0, os.path.join(ROOT, "tools", "bench.d"))

import figures  # noqa: E402
import publish  # noqa: E402
import svg  # noqa: E402

OWN = figures.Figure("own CPU", "%", {"bpfprof": [0.1, 0.2, 0.4], "perf": [1.0, None, 2.0], "bpftrace": "not installed: bpftrace"})
SPEED = figures.Figure("speed", "% of bare", {"bpfprof": [100.0], "perf": [50.0]}, 1, "more")
ALONE = figures.Figure("last table", "s", {"bpfprof": [1.5]}, 2)
SQUARE = figures.Curve("Squares", "things", ["CPU, ms", "RSS, MiB"], [(10, [1.0, 5]), (100, [101.0, 5]), (1000, [10001.0, 6])],
                       "CPU, ms", "Counted as lost or left out: nothing.")
PIECE = figures.Piece("", [OWN, SPEED, ALONE], [SQUARE])


def test_ratios_are_of_runs_side_by_side():
    assert OWN.ratios("perf") == [10.0, 5.0]  # the run without a value has no ratio
    assert OWN.ratios("bpftrace") == []
    assert SPEED.ratios("perf") == [2.0]  # more is better: still how many times better bpfprof is


def test_growth_is_of_what_was_added():
    linear = [(10, 5 + 10), (100, 5 + 100), (1000, 5 + 1000)]
    assert figures.exponents(linear)[1000] == pytest.approx(1.0)
    assert figures.exponents(SQUARE.points())[1000] == pytest.approx(1.92, abs=0.01)
    assert figures.exponents([(10, 5.0), (100, 5.1), (1000, 5.2)]) == {}  # nothing that stands out


def test_table_has_a_row_a_peer():
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in publish.section("some machine", [PIECE]).splitlines()
            if line.startswith("|")]
    assert ["own CPU", "0.2 (0.1 to 0.4) %", "perf", "1.5 (1.0 to 2.0) %", "7.5 (5.0 to 10.0)"] in rows
    assert ["", "", "bpftrace", "not installed: bpftrace", "-"] in rows
    assert ["last table", "1.50 s", "none publishes it", "", ""] in rows
    assert ["1,000", "10,001", "6", "1.92"] in rows


def test_chart_is_xml_with_every_bar_and_curve():
    text = publish.chart([PIECE])
    document = xml.dom.minidom.parseString(text)
    words = [node.firstChild.data for node in document.getElementsByTagName("text")]
    assert [word for word, _ in svg.bars_of(PIECE.figures)] == ["own CPU / perf", "speed / perf"]
    assert {"own CPU / perf", "speed / perf", "Squares", "10k"} <= set(words)
    assert "prefers-color-scheme: dark" in text
    assert "nan" not in text and "inf" not in text
    xml.dom.minidom.parseString(publish.chart([]))


def test_readme_keeps_what_stands_around():
    text = publish.replace_section(f"before\n{publish.BEGIN}\nold\n{publish.END}\nafter\n", "new\n")
    assert text == f"before\n{publish.BEGIN}\nnew\n{publish.END}\nafter\n"
    with pytest.raises(ValueError):
        publish.replace_section("no markers", "new")
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        publish.replace_section(file.read(), "new")


def test_bench_runs(tmp_path):
    done = subprocess.run([os.path.join(ROOT, "tools", "bench"), "--quick", "--build", os.path.dirname(BIN), "--output",
                           str(tmp_path / "bench"), "tables"], stdout=subprocess.PIPE, text=True, timeout=120, check=True)
    assert re.search(r"^== tables .*\n(.*\n)*libc\.so\.6 +[\d.]+ +\d+ +\d+ +[\d.]+ +\d+ +[\d.]+ +\d+$", done.stdout, re.M)
    assert (tmp_path / "bench.txt").read_text().count("== ") == 1
    assert (tmp_path / "bench.md").read_text().startswith("Measured ")
    xml.dom.minidom.parse(str(tmp_path / "bench.svg"))


def test_pieces_are_kept(tmp_path):
    publish.keep(str(tmp_path), "own", PIECE)
    assert publish.kept(str(tmp_path), ["other", "own"])[0].to_json() == PIECE.to_json()
    assert publish.section("", publish.kept(str(tmp_path), ["own"])) == publish.section("", [PIECE])
