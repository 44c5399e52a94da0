# SPDX-License-Identifier: GPL-2.0
"""The figures as tables: markdown for README, padded text for a terminal."""
import statistics

import figures as model

HEAD = ["what", "bpfprof", "peer", "the peer's", "bpfprof better by"]


def escape(cell):
    return str(cell).replace("|", "\\|").replace("\n", " ")


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(escape(cell) for cell in line) + " |" for line in lines) + "\n"


def ratio_cell(figure, tool):
    found = figure.ratios(tool)
    if not found:
        return "-"
    digits = 0 if statistics.median(found) >= 20 else 1 if statistics.median(found) >= 2 else 2
    return model.spread(found, digits)


def figure_rows(figures):
    """A row a peer; a figure without peers has one, too."""
    rows = []
    for figure in figures:
        what = figure.what + (f" ({figure.note})" if figure.note else "")
        peers = figure.peers()
        if not peers:
            rows.append([what, figure.cell(figure.ours()), "none publishes it", "", ""])
        for i, tool in enumerate(peers):
            first = not i
            rows.append([what if first else "", figure.cell(figure.ours()) if first else "", tool, figure.cell(tool),
                         ratio_cell(figure, tool)])
    return rows


def figure_table(figures):
    return table(HEAD, figure_rows(figures))


def curve_table(curve):
    """The points, how the plotted figure grew from one to the next, and what the caps did."""
    grown = model.exponents(curve.points())
    rows = []
    for n, cells in curve.rows:
        exponent = grown.get(n)
        rows.append([f"{n:,}", *(model.number(cell, 2 if abs(cell) < 10 else 1 if abs(cell) < 100 else 0)
                                 if isinstance(cell, float) else f"{cell:,}" if isinstance(cell, int) else cell for cell in cells),
                     "-" if exponent is None else f"{exponent:.2f}"])
    text = table([curve.unit, *curve.columns, f"growth of {curve.plotted}"], rows)
    return text + (f"\n{curve.caps}\n" if curve.caps else "")


def plain(head, rows):
    """Padded columns."""
    cells = [list(map(str, head))] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines) + "\n"
