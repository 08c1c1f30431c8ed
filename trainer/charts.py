"""Plain data -> plotly figures as plain dicts {"data": [...], "layout": {...}} that go to the browser as JSON.

It imports no plotly and knows no page: colours that depend on the theme are left as tokens (INK, FAINT, ...) for assets/live_chart.js.
"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.colours import class_colours
from trainer.evaluation.report import Report

Figure = dict[str, Any]

# live_chart.js replaces these by the page's own colours, in light and in dark. In the form of CSS variables plotly's validator takes them
# for colours, and no class name can be mistaken for one: they are replaced under colour keys and in annotations only.
INK, MUTED, FAINT = "var(--chart-ink)", "var(--chart-muted)", "var(--chart-faint)"
SURFACE, ACCENT, ON_ACCENT = "var(--chart-surface)", "var(--chart-accent)", "var(--chart-on-accent)"
_CLEAR = "rgba(0,0,0,0)"

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


# Names of classes


def plain(name: str) -> str:
    """``name`` so that plotly shows it as it is: its pseudo-HTML (<b>, <a href>, &amp;) is escaped, line breaks become spaces."""
    return " ".join(str(name).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _short(name: str, columns: int = 22) -> str:
    """``plain`` for an axis: at most ``columns`` wide (a CJK character counts as two), with an ellipsis where something was cut."""
    name = " ".join(str(name).split())
    width = 0
    for i, character in enumerate(name):
        width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if width > columns:
            return plain(name[: max(i - 1, 1)].rstrip()) + "…"
    return plain(name)


# Curves of a run


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
    x_axis = _axis("step", range=[0, end or 1], tickformat=",d", nticks=6, showticklabels=end > 0, showgrid=False)
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
    layout = _layout(points.key, height, margin, description, xaxis=x_axis, yaxis=_axis("", **y_axis), annotations=annotations)
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


# The classes and their texts


def class_counts_chart(label_names: Sequence[str], counts: Sequence[int]) -> Figure:
    """Rows per class as horizontal bars, the largest first, each with its count and share."""
    order = _largest_first(counts)
    total = max(int(sum(counts)), 1)
    colours = class_colours(label_names)
    shares = [f"{int(counts[i]):,} · {100 * int(counts[i]) / total:.1f} %" for i in order]
    hover = [f"{plain(label_names[i])}: {share.replace(' · ', ' rows, ')} of all" for i, share in zip(order, shares, strict=True)]
    bars = {"type": "bar", "orientation": "h", "y": list(range(len(order))), "x": [int(counts[i]) for i in order], "width": 0.72}
    bars |= {
        "marker": {"color": [colours[i] for i in order]},
        "text": shares,
        "textposition": "outside",
        "cliponaxis": False,
        "constraintext": "none",
    }
    bars |= {"textfont": {"color": INK, "size": 12}, "hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>"}
    first = "; ".join(f"{label_names[i]} {share}" for i, share in list(zip(order, shares, strict=True))[:8])
    # The labels at the ends of the bars stand in the right margin, whatever the width: plotly cannot reserve room for them itself.
    x_axis = _axis("", range=[0, max([*map(int, counts), 1])], showticklabels=False, showgrid=False)
    description = f"Rows per class, {len(order)} classes, the largest first: {first}{'; …' if len(order) > 8 else ''}."
    return _class_bars([bars], label_names, order, "counts", description, x_axis, right=100, bottom=10)


def text_lengths_chart(label_names: Sequence[str], lengths_by_class: Sequence[Sequence[int]]) -> Figure:
    """Words per text by class as box plots (Tukey 1977: whiskers to the last text within 1.5 box lengths), in the order of the counts.

    Only five numbers per class leave the server, whatever the number of rows; a class without rows has no box.
    """
    lengths = [np.sort(np.asarray(one, dtype=float)) for one in lengths_by_class]
    order = _largest_first([len(one) for one in lengths])
    colours = class_colours(label_names)
    boxes, hover, said = [], [], []
    for place, i in enumerate(order):
        if not len(lengths[i]):
            continue
        low, q1, median, q3, high, longest = _five_numbers(lengths[i])
        box = {"type": "box", "orientation": "h", "y": [place], "q1": [q1], "median": [median], "q3": [q3], "lowerfence": [low]}
        box |= {"upperfence": [high], "width": 0.6, "hoverinfo": "skip", "line": {"color": colours[i], "width": 1.5}, "whiskerwidth": 0.4}
        boxes.append(box | {"fillcolor": colours[i] + "40"})
        text = (
            f"{plain(label_names[i])}: half of the texts have {q1:g} to {q3:g} words, the median is {median:g}, the longest has {longest:g}"
        )
        hover.append((place, median, text))
        said.append(f"{label_names[i]} {median:g}")
    # Hovering a box shows one label per number, one upon the other; an invisible dot on the median says all in one sentence.
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [m for _, m, _ in hover],
        "y": [p for p, _, _ in hover],
        "hovertext": [t for *_, t in hover],
    }
    dots |= {"marker": {"size": 18, "opacity": 0, "color": INK}, "hovertemplate": "%{hovertext}<extra></extra>"}
    widest = max((box["upperfence"][0] for box in boxes), default=1)
    description = f"Words per text by class; medians: {'; '.join(said[:8])}{'; …' if len(said) > 8 else ''}."
    x_axis = _axis("words per text", range=[0, 1.03 * max(widest, 1)], tickformat=",d", nticks=7)
    return _class_bars([*boxes, dots], label_names, order, "lengths", description, x_axis, right=16, bottom=40)


def _five_numbers(ordered: np.ndarray) -> tuple[float, ...]:
    """Lower fence, quartiles, upper fence, and the largest value, of an ascending array."""
    q1, median, q3 = (float(q) for q in np.percentile(ordered, [25, 50, 75]))
    inside = ordered[(ordered >= q1 - 1.5 * (q3 - q1)) & (ordered <= q3 + 1.5 * (q3 - q1))]
    # Interpolated quartiles can lie outside every datum of a tiny class; a whisker never ends inside its box.
    return min(float(inside[0]), q1), q1, median, q3, max(float(inside[-1]), q3), float(ordered[-1])


def _largest_first(counts: Sequence[int]) -> list[int]:
    return sorted(range(len(counts)), key=lambda i: (-int(counts[i]), i))


def _class_bars(
    data: list, names: Sequence[str], order: list[int], key: str, description: str, x: dict, *, right: int, bottom: int
) -> Figure:
    """What charts with one row per class share: the names on the left, the first row on top, a height that grows with the classes."""
    n = len(order)
    height = max(220, round(n * (30 if n <= 12 else 22 if n <= 30 else 18)) + 10 + bottom)
    rows = _axis("", tickvals=list(range(n)), ticktext=[_short(names[i]) for i in order], range=[n - 0.5, -0.5], showgrid=False)
    rows |= {"automargin": True, "tickfont": {"color": INK, "size": 12 if n <= 30 else 11}, "fixedrange": True}
    margin = {"l": 20, "r": right, "t": 10, "b": bottom}
    return {"data": data, "layout": _layout(f"{key} {n}", height, margin, description, xaxis=x | {"fixedrange": True}, yaxis=rows)}


# The confusion matrix


def confusion_chart(report: Report, *, by_row: bool) -> Figure:
    """Heat map: rows are the true class, columns the predicted; numbers up to 25 classes, counts or (``by_row``) per cent of the row.

    The tint grows with the square root, else the few mistakes would be invisible beside the diagonal. Empty cells are left out. A point's
    ``customdata`` is [true id, predicted id], for a page that shows the rows behind a cell.
    """
    names, n = [plain(name) for name in report.label_names], len(report.label_names)
    counts = report.confusion
    support = counts.sum(axis=1)
    shares = counts / np.maximum(support, 1)[:, None]
    tints = np.sqrt(shares if by_row else counts / max(counts.max(), 1))
    z, hover, ids = ([[None] * n for _ in range(n)] for _ in range(3))
    for i, j in zip(*np.nonzero(counts), strict=True):
        percent = f"{100 * shares[i, j]:.1f} %"
        z[i][j], ids[i][j] = round(float(tints[i, j]), 3), [int(i), int(j)]
        hover[i][j] = f"true {names[i]}, said {names[j]}: {counts[i, j]:,} of {support[i]:,} ({percent})"
    heat = {"type": "heatmap", "z": z, "zmin": 0, "zmax": 1, "colorscale": [[0, SURFACE], [1, ACCENT]], "showscale": False}
    heat |= {"hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>", "hoverongaps": False, "customdata": ids}
    data = [heat | {"xgap": 2, "ygap": 2}, _cell_numbers(counts, shares, tints, by_row)] if n <= 25 else [heat]
    cell = 46 if n <= 10 else 32 if n <= 25 else 12
    height = min(n * cell + 130, 1400)
    every = math.ceil(n * 11 / (height - 130))  # above about a hundred classes only some names fit
    shown = {"tickvals": list(range(0, n, every)), "ticktext": [_short(name, 18) for name in report.label_names[::every]]}
    axis = shown | {"showgrid": False, "automargin": True, "tickfont": {"color": INK, "size": 12 if n <= 25 else 9}}
    x_axis = _axis("It said …", range=[-0.5, n - 0.5], **axis) | ({"tickangle": -90} if n > 12 else {})
    y_axis = _axis("It was …", range=[n - 0.5, -0.5], **axis)
    description = f"Confusion matrix of {n} classes: {int(np.trace(counts)):,} of {report.rows:,} rows on the diagonal."
    margin = {"l": 30, "r": 12, "t": 10, "b": 40}
    layout = _layout(f"confusion {n}", height, margin, description, xaxis=x_axis, yaxis=y_axis)
    # Wider than this the cells would be long bars, narrower the names would overlap (the chart then scrolls sideways).
    narrowest = 100 + n * (30 if n <= 10 else 34 if n <= 25 else 10)
    layout["meta"] |= {"max_width": round(n * cell * 1.3 + 160), "min_width": min(narrowest, 1100)}
    return {"data": data, "layout": layout}


def _cell_numbers(counts: np.ndarray, shares: np.ndarray, tints: np.ndarray, by_row: bool) -> dict:
    """The numbers in the cells as a trace of texts: a heat map's own have a grey of plotly's choice, too faint on a dark page's accent."""
    rows, columns = np.nonzero(counts)
    cells = list(zip(rows.tolist(), columns.tolist(), strict=True))
    percents = ["&lt;1 %" if shares[cell] < 0.005 else f"{100 * shares[cell]:.0f} %" for cell in cells]
    return {
        "type": "scatter",
        "mode": "text",
        "x": columns.tolist(),
        "y": rows.tolist(),
        "text": percents if by_row else [f"{counts[cell]:,}" for cell in cells],
        "textfont": {"size": 12 if len(counts) <= 10 else 10, "color": [ON_ACCENT if tints[cell] > 0.75 else INK for cell in cells]},
        "hoverinfo": "skip",
    }


# What all charts share


def _layout(key: str, height: int, margin: dict, description: str, *, xaxis: dict, yaxis: dict, annotations: Sequence[dict] = ()) -> dict:
    return {
        "height": height,
        "autosize": True,
        "margin": margin,
        "paper_bgcolor": _CLEAR,
        "plot_bgcolor": _CLEAR,
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": SURFACE, "bordercolor": MUTED, "font": {"color": INK, "size": 12}, "align": "left"},
        "modebar": {"bgcolor": _CLEAR, "color": MUTED, "activecolor": ACCENT},
        "font": {"size": 12, "color": INK},
        "uirevision": key,
        "xaxis": xaxis,
        "yaxis": yaxis,
        "annotations": list(annotations),
        "meta": {"description": description},
    }


def _axis(title: str, **more: Any) -> dict:
    # Invisible ticks keep the numbers off the axis; plotly's margin.pad would also keep the bars off it.
    quiet = {"gridcolor": FAINT, "linecolor": FAINT, "zeroline": False, "tickfont": {"color": MUTED, "size": 11}}
    quiet |= {"ticks": "outside", "ticklen": 4, "tickcolor": _CLEAR}
    return quiet | {"title": {"text": title, "font": {"color": MUTED, "size": 11}, "standoff": 8}} | more


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
