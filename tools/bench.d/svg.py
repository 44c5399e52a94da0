# SPDX-License-Identifier: GPL-2.0
"""One SVG: bars of the ratios to the peers, and a small chart a growth curve. Follows the reader's light or dark scheme."""
import math
import statistics

from xml.sax.saxutils import escape

WIDTH = 980
MARGIN = 16
ROW = 19
LABEL_WIDTH = 470  # of a bar's words
PANEL_HEIGHT = 190
PANELS_A_ROW = 2

STYLE = """
text { font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.head { font-size: 15px; font-weight: 600 }
.dim { fill: #59636e }
.paper { fill: #ffffff }
.grid { stroke: #d1d9e0; stroke-width: 1; fill: none }
.axis { stroke: #818b98; stroke-width: 1; fill: none }
.good { fill: #0969da }
.bad { fill: #bc4c00 }
.line { stroke: #0969da; stroke-width: 2; fill: none }
.dot { fill: #0969da }
.linear { stroke: #818b98; stroke-width: 1.2; stroke-dasharray: 4 4; fill: none }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.dim { fill: #9198a1 }
.paper { fill: #0d1117 }
.grid { stroke: #3d444d }
.axis, .linear { stroke: #7d8590 }
.good, .dot { fill: #4493f8 }
.bad { fill: #f0883e }
.line { stroke: #4493f8 }
}
"""


class Canvas:
    def __init__(self):
        self.parts = []

    def rect(self, x, y, width, height, cls):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" class="{cls}"/>')

    def line(self, points, cls):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" class="{cls}"/>')

    def dot(self, x, y):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" class="dot"/>')

    def text(self, x, y, words, cls="", anchor="start"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{cls}">{escape(words)}</text>')

    def document(self, height, title):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
                f'height="{height:.0f}" role="img" aria-label="{escape(title)}">\n<title>{escape(title)}</title>\n'
                f'<style>{STYLE}</style>\n<rect width="{WIDTH}" height="{height:.0f}" class="paper"/>\n' +
                "\n".join(self.parts) + "\n</svg>\n")


def short(value):
    """5,000 -> 5k; at most three digits that count."""
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"


def bars_of(figures):
    """[(words, median ratio)] of every peer that could be measured."""
    return [(f"{figure.what} / {tool}", statistics.median(figure.ratios(tool)))
            for figure in figures for tool in figure.peers() if figure.ratios(tool)]


def decades(low, high):
    """Powers of ten from below low to above high."""
    return [10.0 ** power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def draw_bars(canvas, top, bars):
    """Ratios on a logarithmic axis, from the line at 1; returns the y below."""
    ratios = [ratio for _, ratio in bars]
    ticks = decades(min([*ratios, 0.9]), max([*ratios, 2]))
    left, right = MARGIN + LABEL_WIDTH, WIDTH - MARGIN - 50
    bottom = top + len(bars) * ROW

    def place(ratio):
        return left + (right - left) * math.log(ratio / ticks[0]) / math.log(ticks[-1] / ticks[0])

    for tick in ticks:
        canvas.line([(place(tick), top), (place(tick), bottom)], "axis" if tick == 1 else "grid")
        canvas.text(place(tick), bottom + 14, f"{short(tick)}x", "dim", "middle")
    for i, (words, ratio) in enumerate(bars):
        y, one, end = top + i * ROW, place(1), place(ratio)
        canvas.text(left - 8, y + 13, words, "", "end")
        canvas.rect(min(one, end), y + 3, max(1, abs(end - one)), ROW - 6, "good" if ratio >= 1 else "bad")
        canvas.text(max(one, end) + 4, y + 13, f"{short(ratio)}x", "dim")
    return bottom + 24


def draw_curve(canvas, left, top, width, curve):
    """Both axes logarithmic; the dashed line is linear growth of what the first point does not have already."""
    canvas.text(left, top + 12, curve.name, "")
    canvas.text(left, top + 27, f"{curve.plotted}, by {curve.unit}", "dim")
    points = [(x, y) for x, y in curve.points() if x > 0 and y > 0]
    if len(points) < 2:
        canvas.text(left, top + 60, "not measured", "dim")
        return
    x0, x1, y0, y1 = left + 44, left + width - 12, top + PANEL_HEIGHT - 32, top + 40
    rows = decades(min(y for _, y in points), max(y for _, y in points) * 1.01)

    def place(x, y):
        return (x0 + (x1 - x0) * math.log(x / points[0][0]) / math.log(points[-1][0] / points[0][0]),
                y0 - (y0 - y1) * math.log(max(y, rows[0]) / rows[0]) / math.log(rows[-1] / rows[0]))

    for row in rows:
        canvas.line([(x0, place(points[0][0], row)[1]), (x1, place(points[0][0], row)[1])], "grid")
        canvas.text(x0 - 6, place(points[0][0], row)[1] + 4, short(row), "dim", "end")
    for x, _ in points:
        canvas.text(place(x, rows[0])[0], y0 + 16, short(x), "dim", "middle")
    (first_x, first), (last_x, last) = points[0], points[-1]
    steps = [first_x * (last_x / first_x) ** (i / 24) for i in range(25)]
    canvas.line([place(x, first + (last - first) * (x - first_x) / (last_x - first_x)) for x in steps], "linear")
    canvas.line([place(x, y) for x, y in points], "line")
    for x, y in points:
        canvas.dot(*place(x, y))


def chart(title, figures, curves):
    canvas, y = Canvas(), MARGIN + 14
    bars = bars_of(figures)
    if bars:
        canvas.text(MARGIN, y, "How many times cheaper bpfprof is than each peer (left of 1x: the peer is)", "head")
        y = draw_bars(canvas, y + 14, bars) + 20
    if curves:
        canvas.text(MARGIN, y, "How its cost grows (both axes logarithmic; dashed: linear through the first and last point)", "head")
        width = (WIDTH - 2 * MARGIN) / PANELS_A_ROW
        for i, curve in enumerate(curves):
            column, row = i % PANELS_A_ROW, i // PANELS_A_ROW
            draw_curve(canvas, MARGIN + column * width, y + 12 + row * PANEL_HEIGHT, width - 16, curve)
        y += 12 + -(-len(curves) // PANELS_A_ROW) * PANEL_HEIGHT
    return canvas.document(y + 8, title)
