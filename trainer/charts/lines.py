"""Lines over training steps, for the charts of one run and of several runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from trainer import text_format

_MAX_POINTS = 800  # more than a chart has pixels

SYMBOLS = {"circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲", "triangle-down": "▼", "star": "★"}
"""Plotly's names of the marker shapes, with the characters that look like them."""


@dataclass(frozen=True)
class Line:
    """One measured quantity of a chart of curves; ``training`` lines are drawn raw (faint) and smoothed, others as a line with markers."""

    name: str
    short: str
    colour: str
    steps: tuple[int, ...]
    values: tuple[float | None, ...]
    training: bool = False
    dash: str = "solid"
    symbol: str = "circle"
    """One of ``SYMBOLS``: the shape of its markers and of the sign beside its label."""
    width: float = 2
    """Of the bold line, in pixels."""

    @cached_property
    def trend(self) -> tuple[float | None, ...]:
        """The values of the bold line: smoothed for training."""
        return tuple(smoothed(self.values)) if self.training else self.values


def make_traces(line: Line, percent: bool, series: str | None = None) -> list[dict]:
    """A line as plotly's traces; with ``percent``, values in 0..1 are shown in per cent.

    One of the traces names the series of the values in the chart's CSV: ``series`` or the line's name.
    """
    meta = {"meta": {"series": series or line.name}}
    # Digits cost bytes at each update only if there are many points; the few evaluations are exact in the CSV.
    values = [rounded(v) for v in line.values] if line.training else list(line.values)
    # Hover texts are formatted here: plotly's own formats would call 99.97 % "100.0 %".
    hover = f"step %{{x:,}}<br>{line.name} %{{customdata[0]}}"
    common = {"type": "scatter", "x": list(line.steps), "y": values, "name": line.name}
    if not line.training:
        style = {"mode": "lines+markers", "line": {"color": line.colour, "width": line.width, "dash": line.dash}, "cliponaxis": False}
        style |= {"marker": {"color": line.colour, "size": 7, "symbol": line.symbol}, "hovertemplate": f"{hover}<extra></extra>"}
        return [common | style | meta | {"customdata": [[format_value(v, percent)] for v in values]}]
    means = [rounded(v) for v in line.trend]
    raw = {"mode": "lines", "line": {"color": line.colour, "width": 1}, "opacity": 0.4, "hoverinfo": "skip"}
    # One point draws no line, but the first seconds of a run should show something.
    bold = {"mode": "lines" if len(values) > 1 else "markers", "y": means, "line": {"color": line.colour, "width": line.width}}
    bold |= {"marker": {"color": line.colour}, "hovertemplate": f"{hover}, smoothed %{{customdata[1]}}<extra></extra>"}
    both = [[format_value(v, percent), format_value(m, percent)] for v, m in zip(values, means, strict=True)]
    return [common | raw | meta, common | bold | {"customdata": both}]


def smoothed(values: Sequence[float | None]) -> list[float | None]:
    """Exponential moving average, corrected for its start at zero (Kingma & Ba 2015, section 3); None stays None and is skipped.

    The window is a twentieth of the points, at most 25: twenty points are not smoothed, five hundred show their trend.
    """
    window = min(max(sum(v is not None for v in values) / 20, 1), 25)
    keep = 1 - 2 / (window + 1)
    mean = weight = 0.0
    averages: list[float | None] = []
    for value in values:
        if value is not None:
            mean, weight = keep * mean + (1 - keep) * value, keep * weight + (1 - keep)
        averages.append(None if value is None else mean / weight)
    return averages


def downsampled(line: Line) -> Line:
    """The line with finite values only; the points of a long run are averaged in groups, so that an update never sends more than a screen shows."""
    known = [(step, value) for step, value in zip(line.steps, finite(line.values), strict=True) if value is not None]
    group = math.ceil(len(known) / _MAX_POINTS)
    if line.training and group > 1:
        groups = [known[i : i + group] for i in range(0, len(known), group)]
        known = [(points[-1][0], sum(v for _, v in points) / len(points)) for points in groups]
    steps, values = zip(*known, strict=True) if known else ((), ())
    return replace(line, steps=steps, values=values)


def format_value(value: float, percent: bool) -> str:
    """A value beside its line: "90.3 %" for accuracy or F1, "0.317" for a loss."""
    return text_format.percent(value) if percent else f"{value:.3f}"


def finite(values: Sequence[float | None]) -> list[float | None]:
    """The values, with None for those that are not finite."""
    return [None if v is None or not math.isfinite(v) else float(v) for v in values]


def rounded(value: float | None) -> float | None:
    """Six significant digits, as logged for a loss below 1."""
    return None if value is None else float(f"{value:.6g}")
