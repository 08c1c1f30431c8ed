"""Lines over training steps: what the charts of one run and of several have in common. Draws no chart by itself."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from trainer import text_format

_MOST_POINTS = 800  # more than a chart has pixels

SYMBOLS = {"circle": "●", "square": "■", "diamond": "◆", "triangle-up": "▲", "triangle-down": "▼", "star": "★"}
"""Plotly's name of each shape, and the character that looks like it."""


@dataclass(frozen=True)
class Line:
    """One measured quantity of a chart of curves; ``training`` lines are drawn raw (faint) and smoothed, the others as dots on a line."""

    name: str
    short: str
    colour: str
    steps: tuple[int, ...]
    values: tuple[float | None, ...]
    training: bool = False
    dash: str = "solid"
    symbol: str = "circle"
    """One of ``SYMBOLS``: the shape of its dots, and of the sign beside its label."""
    width: float = 2
    """Of the line where it is bold, in pixels."""

    @cached_property
    def trend(self) -> tuple[float | None, ...]:
        """The values as the bold line runs: smoothed for training."""
        return tuple(smoothed(self.values)) if self.training else self.values


def make_traces(line: Line, percent: bool, series: str | None = None) -> list[dict]:
    """A line as plotly's traces; ``percent`` where its values are shares, which are told in per cent.

    The trace whose values go into the chart's CSV says under which name: ``series``, or the line's own.
    """
    told = {"meta": {"series": series or line.name}}
    # Digits cost bytes at each tick only where there are many points; those few that the report is about are exact in the CSV.
    values = [rounded(v) for v in line.values] if line.training else list(line.values)
    # Hover takes values as they are written elsewhere: plotly's own formats would call 99.97 % "100.0 %".
    hover = f"step %{{x:,}}<br>{line.name} %{{customdata[0]}}"
    common = {"type": "scatter", "x": list(line.steps), "y": values, "name": line.name}
    if not line.training:
        style = {"mode": "lines+markers", "line": {"color": line.colour, "width": line.width, "dash": line.dash}, "cliponaxis": False}
        style |= {"marker": {"color": line.colour, "size": 7, "symbol": line.symbol}, "hovertemplate": f"{hover}<extra></extra>"}
        return [common | style | told | {"customdata": [[written(v, percent)] for v in values]}]
    means = [rounded(v) for v in line.trend]
    raw = {"mode": "lines", "line": {"color": line.colour, "width": 1}, "opacity": 0.4, "hoverinfo": "skip"}
    # One point draws no line, and the first seconds of a run should show something.
    bold = {"mode": "lines" if len(values) > 1 else "markers", "y": means, "line": {"color": line.colour, "width": line.width}}
    bold |= {"marker": {"color": line.colour}, "hovertemplate": f"{hover}, smoothed %{{customdata[1]}}<extra></extra>"}
    both = [[written(v, percent), written(m, percent)] for v, m in zip(values, means, strict=True)]
    return [common | raw | told, common | bold | {"customdata": both}]


def smoothed(values: Sequence[float | None]) -> list[float | None]:
    """Exponential moving average, corrected for its start at zero (Kingma & Ba 2015, section 3); None stays None and is passed over.

    Its window is a twentieth of the points, at most 25: twenty points are shown as they are, five hundred as their trend.
    """
    window = min(max(sum(v is not None for v in values) / 20, 1), 25)
    keep = 1 - 2 / (window + 1)
    mean = weight = 0.0
    out: list[float | None] = []
    for value in values:
        if value is not None:
            mean, weight = keep * mean + (1 - keep) * value, keep * weight + (1 - keep)
        out.append(None if value is None else mean / weight)
    return out


def condensed(line: Line) -> Line:
    """Only finite values; a long run's log windows are averaged in groups, so that a tick never sends more than a screen can show."""
    known = [(step, value) for step, value in zip(line.steps, finite(line.values), strict=True) if value is not None]
    group = math.ceil(len(known) / _MOST_POINTS)
    if line.training and group > 1:
        groups = [known[i : i + group] for i in range(0, len(known), group)]
        known = [(several[-1][0], sum(v for _, v in several) / len(several)) for several in groups]
    steps, values = zip(*known, strict=True) if known else ((), ())
    return replace(line, steps=steps, values=values)


def written(value: float, percent: bool) -> str:
    """A value beside its line: "90.3 %" for a share, "0.317" for a loss."""
    return text_format.percent(value) if percent else f"{value:.3f}"


def finite(values: Sequence[float | None]) -> list[float | None]:
    """The values, None where one is no finite number."""
    return [None if v is None or not math.isfinite(v) else float(v) for v in values]


def rounded(value: float | None) -> float | None:
    """Six digits, as many as are logged of a loss below 1."""
    return None if value is None else float(f"{value:.6g}")
