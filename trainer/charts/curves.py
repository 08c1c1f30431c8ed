"""The course of a training run as two charts, loss and accuracy."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trainer.charts.frame import ACCENT, FAINT, INK, MUTED, SURFACE, Figure, make_axis, make_layout

# Curves: mid-tones that stand out from white and from #111827 alike; the validation line has the page's accent.
_TRAINING, _MACRO_F1 = "#748498", "#C2508F"

_LABEL_GAP = 16  # pixels between the middles of two labels at the ends of lines
_MOST_POINTS = 800  # more than a chart has pixels


@dataclass(frozen=True)
class Curves:
    """The course of one training run.

    ``key`` names the run: zoom survives as long as it stays. ``steps``, ``loss``, ``accuracy`` (training, mean of each log window) have one
    length, the four ``eval_`` tuples another; shares are 0..1, None is "not measured". ``epoch_steps`` are the steps at which epochs end.
    """

    key: str
    steps: tuple[int, ...] = ()
    loss: tuple[float | None, ...] = ()
    accuracy: tuple[float | None, ...] = ()
    eval_steps: tuple[int, ...] = ()
    eval_loss: tuple[float | None, ...] = ()
    eval_accuracy: tuple[float | None, ...] = ()
    eval_macro_f1: tuple[float | None, ...] = ()
    total_steps: int = 0
    epoch_steps: tuple[int, ...] = ()
    best_step: int | None = None


@dataclass(frozen=True)
class _Line:
    """One measured quantity of a chart of curves; ``training`` lines are drawn raw (faint) and smoothed, the others as dots on a line."""

    name: str
    short: str
    colour: str
    steps: tuple[int, ...]
    values: tuple[float | None, ...]
    training: bool = False
    dash: str = "solid"


def loss_chart(points: Curves) -> Figure:
    """Training loss (raw faint, smoothed bold) and validation loss by step; y from 0."""
    lines = (
        _Line("training loss", "training", _TRAINING, points.steps, points.loss, training=True),
        _Line("validation loss", "validation", ACCENT, points.eval_steps, points.eval_loss),
    )
    highest = max((v for line in lines for v in _finite(line.values) if v is not None), default=0.0)
    # Plotly chooses the range (5 % above the highest point): one given from here would end the reader's zoom whenever it changed.
    y_axis = {"rangemode": "tozero", "tickformat": "~g", "nticks": 6} | ({} if highest > 0 else {"range": [0, 1]})
    return _curve_chart(points, lines, y_axis, top=highest / 0.95 or 1.0, percent=False, what="loss")


def accuracy_chart(points: Curves) -> Figure:
    """Training accuracy (raw faint, smoothed bold), validation accuracy and validation macro F1 (dashed) by step; y is 0 to 100 %."""
    lines = (
        _Line("training accuracy", "training", _TRAINING, points.steps, points.accuracy, training=True),
        _Line("validation accuracy", "validation", ACCENT, points.eval_steps, points.eval_accuracy),
        _Line("validation macro F1", "macro F1", _MACRO_F1, points.eval_steps, points.eval_macro_f1, dash="dash"),
    )
    y_axis = {"range": [0, 1], "tickformat": "~%", "nticks": 6}
    return _curve_chart(points, lines, y_axis, top=1.0, percent=True, what="accuracy")


def _curve_chart(points: Curves, lines: tuple[_Line, ...], y_axis: dict, *, top: float, percent: bool, what: str) -> Figure:
    """``top`` is the value at the upper edge of the chart, by which the labels are set."""
    height, margin = 280, {"l": 46, "r": 128, "t": 20, "b": 40}
    lines = tuple(_condensed(line) for line in lines)
    lines = tuple(line for line in lines if line.steps)
    frontier = max((line.steps[-1] for line in lines), default=0)
    end = max(points.total_steps, frontier)
    x_axis = make_axis("step", range=[0, end or 1], tickformat=",d", nticks=6, showticklabels=end > 0, showgrid=False)
    annotations, shapes = _epochs(points.epoch_steps, end)
    data = [trace for line in lines for trace in _traces(line, percent)]
    description = f"Chart of the {what} by training step. Nothing has been measured yet."
    if lines:
        plot_height = height - margin["t"] - margin["b"]
        annotations += _end_labels(lines, frontier, top, plot_height, percent)
        best, label = _best_mark(lines, points, end, top, plot_height, below=percent)
        data, annotations = data + best, annotations + label
        last = ", ".join(f"{line.name} {_number(_last(line), percent)}" for line in lines)
        description = f"Chart of the {what} by training step. At step {frontier:,} of {end:,}: {last}."
    else:
        annotations.append(_sentence(what))
    layout = make_layout(points.key, height, margin, description, xaxis=x_axis, yaxis=make_axis("", **y_axis), annotations=annotations)
    return {"data": data, "layout": layout | {"shapes": shapes}}


def _traces(line: _Line, percent: bool) -> list[dict]:
    values = [_rounded(v) for v in line.values]
    # Hover takes numbers in the unit of its sentence: plotly's own "%" format has no space before the sign.
    unit, scale, digits = (" %", 100, ".1f") if percent else ("", 1, ".3f")
    hover = f"step %{{x:,}}<br>{line.name} %{{customdata[0]:{digits}}}{unit}"
    common = {"type": "scatter", "x": list(line.steps), "y": values, "name": line.name}
    if not line.training:
        style = {"mode": "lines+markers", "line": {"color": line.colour, "width": 2, "dash": line.dash}, "cliponaxis": False}
        style |= {"marker": {"color": line.colour, "size": 7}, "hovertemplate": f"{hover}<extra></extra>"}
        return [common | style | {"customdata": [[_rounded(scale * v)] for v in values]}]
    means = [_rounded(v) for v in smoothed(line.values)]
    raw = {"mode": "lines", "line": {"color": line.colour, "width": 1}, "opacity": 0.4, "hoverinfo": "skip"}
    # One point draws no line, and the first seconds of a run should show something.
    bold = {"mode": "lines" if len(values) > 1 else "markers", "y": means, "line": {"color": line.colour, "width": 2.5}}
    bold |= {"marker": {"color": line.colour}, "hovertemplate": f"{hover}, smoothed %{{customdata[1]:{digits}}}{unit}<extra></extra>"}
    both = [[_rounded(scale * v), _rounded(scale * m)] for v, m in zip(values, means, strict=True)]
    return [common | raw, common | bold | {"customdata": both}]


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


def _condensed(line: _Line) -> _Line:
    """Only finite values; a long run's log windows are averaged in groups, so that a tick never sends more than a screen can show."""
    known = [(step, value) for step, value in zip(line.steps, _finite(line.values), strict=True) if value is not None]
    group = math.ceil(len(known) / _MOST_POINTS)
    if line.training and group > 1:
        groups = [known[i : i + group] for i in range(0, len(known), group)]
        known = [(several[-1][0], sum(v for _, v in several) / len(several)) for several in groups]
    steps, values = zip(*known, strict=True) if known else ((), ())
    return _Line(line.name, line.short, line.colour, steps, values, line.training, line.dash)


def _last(line: _Line) -> float:
    return (smoothed(line.values) if line.training else line.values)[-1]


def _end_labels(lines: tuple[_Line, ...], frontier: int, top: float, plot_height: int, percent: bool) -> list[dict]:
    """A name and number beside the newest step for each line, instead of a legend; pushed apart where lines end close together."""
    lines = tuple(sorted(lines, key=_last))
    wanted = [_last(line) / top * plot_height for line in lines]
    places = _pushed_apart(wanted, _LABEL_GAP, 0, plot_height)
    return [
        {
            "x": frontier,
            "y": _rounded(_last(line)),
            "yshift": round(place - want, 1),
            "xshift": 8,
            "xanchor": "left",
            "yanchor": "middle",
            "showarrow": False,
            "text": f'<span style="color:{line.colour}">●</span> {line.short} {_number(_last(line), percent)}',
            "font": {"size": 11, "color": INK},
        }
        for line, want, place in zip(lines, wanted, places, strict=True)
    ]


def _pushed_apart(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """Places at least ``gap`` apart, in the order of ``wanted`` (ascending), with the least squared displacement, kept in [low, high].

    Isotonic regression of the places less their share of the gaps, by pooling adjacent violators (Ayer et al. 1955).
    """
    pools: list[list[float]] = []  # [mean, size]
    for i, place in enumerate(wanted):
        pools.append([place - i * gap, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (mean, size), (other, more) = pools.pop(-2), pools.pop()
            pools.append([(mean * size + other * more) / (size + more), size + more])
    flat = [mean for mean, size in pools for _ in range(int(size))]
    return [min(max(place, low), high - (len(wanted) - 1) * gap) + i * gap for i, place in enumerate(flat)]


def _best_mark(lines: tuple[_Line, ...], points: Curves, end: int, top: float, plot_height: int, *, below: bool) -> tuple[list, list]:
    """A ring and "best" at the best checkpoint on the validation line: under accuracy, over loss, and beyond lines that run there."""
    step = points.best_step
    marked = next((line for line in lines if not line.training and step in line.steps), None)
    if marked is None:
        return [], []
    value = marked.values[marked.steps.index(step)]
    ring = {"type": "scatter", "x": [step], "y": [_rounded(value)], "mode": "markers", "hoverinfo": "skip", "cliponaxis": False}
    ring["marker"] = {"symbol": "circle-open", "size": 15, "color": INK, "line": {"width": 1.5, "color": INK}}
    others = [line.values[min(range(len(line.steps)), key=lambda i: abs(line.steps[i] - step))] for line in lines if line is not marked]
    way = -1 if below else 1
    distance = 18.0
    for apart in sorted(way * (other - value) / top * plot_height for other in others):
        if abs(apart - distance) < 13:
            distance = apart + 14
    near_the_left = step < 0.1 * end
    label = {"x": step, "y": _rounded(value), "text": "best", "showarrow": False, "yshift": round(way * distance, 1), "yanchor": "middle"}
    label |= {"xanchor": "left" if near_the_left else "right", "xshift": -8 if near_the_left else 8}
    return [ring], [label | {"font": {"size": 11, "color": INK}, "bgcolor": SURFACE, "borderpad": 0, "opacity": 0.9}]


def _epochs(epoch_steps: tuple[int, ...], end: int) -> tuple[list[dict], list[dict]]:
    """Annotations "epoch 1" over the middle of each epoch and faint lines at their ends; at most four labels, which fit on a phone."""
    inside = sorted({step for step in epoch_steps if 0 < step <= end})
    shapes = [
        {"type": "line", "x0": step, "x1": step, "yref": "paper", "y0": 0, "y1": 1, "layer": "below", "line": {"color": FAINT, "width": 1}}
        for step in inside
        if step < end
    ]
    every = 1 if len(inside) <= 4 else math.ceil(len(inside) / 3)
    spans = list(zip([0, *inside], inside, strict=False))
    labels = [
        {"x": (start + stop) / 2, "yref": "paper", "y": 1, "yanchor": "bottom", "showarrow": False, "text": f"epoch {i}"}
        | {"font": {"size": 10, "color": MUTED}}
        for i, (start, stop) in enumerate(spans, 1)
        if i % every == 0 and stop - start > 0.1 * end / every
    ]
    return labels, shapes if len(inside) <= 50 else []


def _sentence(what: str) -> dict:
    """What stands in an empty chart; in short lines, for a phone."""
    text = f"The {what} appears here<br>a few seconds after<br>you press Start."
    place = {"xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5, "showarrow": False, "bgcolor": SURFACE, "borderpad": 4}
    return place | {"text": text, "font": {"size": 13, "color": MUTED}}


def _number(value: float, percent: bool) -> str:
    return f"{100 * value:.1f} %" if percent else f"{value:.3f}"


def _finite(values: Sequence[float | None]) -> list[float | None]:
    return [None if v is None or not math.isfinite(v) else float(v) for v in values]


def _rounded(value: float | None) -> float | None:
    """Five digits: what a screen can show, in half the bytes."""
    return None if value is None else float(f"{value:.5g}")
