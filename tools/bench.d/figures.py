# SPDX-License-Identifier: GPL-2.0
"""What a piece of the bench hands back: figures with a value a tool, growth curves, and its own table as text."""
import json
import math
import statistics

NOISE = 0.1


class Figure:
    """One thing that several tools were measured at in alternated runs.

    values: {tool: [a value a run] or the reason why it has none}; the first tool is the one that the others are held
    against. better: "less", "more", or "" where a ratio would say nothing.
    """

    def __init__(self, what, unit, values, digits=1, better="less", note=""):
        self.what, self.unit, self.values, self.digits, self.better, self.note = what, unit, values, digits, better, note

    def peers(self):
        return list(self.values)[1:]

    def ours(self):
        return next(iter(self.values))

    def numbers(self, tool):
        found = self.values[tool]
        return [] if isinstance(found, str) else [value for value in found if value is not None]

    def cell(self, tool):
        found = self.values[tool]
        if isinstance(found, str):
            return found
        text = spread(found, self.digits)
        return f"{text} {self.unit}" if self.unit and text != "-" else text

    def ratios(self, tool):
        """How many times better bpfprof was, run beside run."""
        if not self.better or not self.numbers(tool):
            return []
        pairs = [(peer, own) for peer, own in zip(self.values[tool], self.values[self.ours()])
                 if peer is not None and own is not None and peer > 0 and own > 0]
        return [peer / own if self.better == "less" else own / peer for peer, own in pairs]


class Curve:
    """What grows with a number: columns name the figures of a point, rows are [(number, [figure, ...])]."""

    def __init__(self, name, unit, columns, rows, plotted, caps=""):
        self.name, self.unit, self.columns, self.rows, self.plotted, self.caps = name, unit, columns, rows, plotted, caps

    def points(self):
        at = self.columns.index(self.plotted)
        return [(number, row[at]) for number, row in self.rows if isinstance(row[at], (int, float))]


class Piece:
    def __init__(self, text="", figures=(), curves=(), load=0.0):
        self.text, self.figures, self.curves = text, list(figures), list(curves)
        self.load = load  # the load average before it, per CPU: what others did on the machine

    def to_json(self):
        return json.dumps({"text": self.text, "load": self.load, "figures": [vars(figure) for figure in self.figures],
                           "curves": [vars(curve) for curve in self.curves]}, indent=1)

    @staticmethod
    def from_json(text):
        fields = json.loads(text)
        return Piece(fields["text"], [Figure(**figure) for figure in fields["figures"]], [Curve(**curve) for curve in fields["curves"]],
                     fields.get("load", 0.0))


def number(value, digits):
    """Without digits that say nothing: 0.0012 at two digits stays 0.0012."""
    while digits < 6 and value and abs(value) < 10 ** -digits:
        digits += 1
    return f"{value:,.{digits}f}"


def spread(values, digits):
    """median (min to max)"""
    values = [value for value in values if value is not None]
    if not values:
        return "-"
    text = number(statistics.median(values), digits)
    low, high = number(min(values), digits), number(max(values), digits)
    return text if low == high else f"{text} ({low} to {high})"


def exponents(points):
    """{number: how what was added over the first point grew since the point before}: 1 is linear, below 1 is better. Points
    where nothing was added that stands out from the first point's own have none."""
    found = {}
    if len(points) < 3:
        return found
    (first_n, first), *rest = points
    for (before_n, before), (now_n, now) in zip(rest, rest[1:]):
        if before - first > NOISE * first and now > first:
            found[now_n] = math.log((now - first) / (before - first)) / math.log((now_n - first_n) / (before_n - first_n))
    return found
