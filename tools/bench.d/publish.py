# SPDX-License-Identifier: GPL-2.0
"""The bench's results as files: text for a terminal, markdown, the chart, and their copy in README."""
import os

import markdown
import svg
from figures import Piece

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"
BUSY = 1.5
CHART = "tools/bench.d/bench.svg"


def write(path, text):
    """A reader never sees half of it."""
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".tmp", path)


def strangers(pieces):
    """That others were at work on the machine, if they were."""
    loads = [piece.load for piece in pieces]
    if not loads or max(loads) < BUSY:
        return ""
    return (f" The machine was busy with other work meanwhile (load average before the pieces, a CPU: {min(loads):.1f} to {max(loads):.1f}): "
            "CPU times bear that, the times until the first line and the last table do not.")


def section(machine, pieces):
    """What stands in README between the markers."""
    figures = [figure for piece in pieces for figure in piece.figures]
    curves = [curve for piece in pieces for curve in piece.curves]
    text = f"{machine}{strangers(pieces)}\n\n"
    if figures or curves:
        text += f"![ratios to the peers and growth]({CHART})\n\n"
    if figures:
        text += markdown.figure_table(figures) + "\n"
    for curve in curves:
        text += f"{curve.name}:\n\n{markdown.curve_table(curve)}\n"
    return text


def keep(folder, name, piece):
    """For a later run that measures other pieces."""
    write(os.path.join(folder, f"{name}.json"), piece.to_json())


def kept(folder, names):
    """The last result of each piece that has one, in the order of names."""
    paths = [os.path.join(folder, f"{name}.json") for name in names]
    found = []
    for path in paths:
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                found.append(Piece.from_json(file.read()))
    return found


def chart(pieces):
    return svg.chart("bpfprof beside its peers", [figure for piece in pieces for figure in piece.figures],
                     [curve for piece in pieces for curve in piece.curves])


def replace_section(readme, text):
    """README with what is between the markers replaced. ValueError: it has no markers."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{text.rstrip()}\n{END}{after}"


def into_readme(root, machine, pieces):
    path = os.path.join(root, "README.md")
    with open(path, encoding="utf-8") as file:
        readme = file.read()
    os.makedirs(os.path.join(root, os.path.dirname(CHART)), exist_ok=True)
    write(path, replace_section(readme, section(machine, pieces)))
    write(os.path.join(root, CHART), chart(pieces))
