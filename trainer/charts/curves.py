"""The course of a training run as two charts, loss and accuracy."""

import math
from dataclasses import dataclass

from trainer.charts.frame import ACCENT, FAINT, INK, MUTED, SURFACE, Figure, make_axis, make_layout
from trainer.charts.lines import Line, condensed, end_labels, finite, last_value, make_traces, rounded, written

# Curves: mid-tones that stand out from white and from #111827 alike; the validation line has the page's accent.
_TRAINING, _MACRO_F1 = "#748498", "#C2508F"


@dataclass(frozen=True)
class Curves:
    """The course of one training run.

    ``key`` names the run: zoom survives as long as it stays. ``steps``, ``loss``, ``accuracy`` (training, mean of each log window) have one
    length, the four ``eval_`` tuples another; shares are 0..1, losses the plain cross-entropy in nats, None is "not measured".
    ``epoch_steps`` are the steps at which epochs end, ``best_step`` is that of the model that is kept.
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


def loss_chart(points: Curves) -> Figure:
    """Training loss (raw faint, smoothed bold) and validation loss by step; y from 0."""
    lines = (
        Line("training loss", "training", _TRAINING, points.steps, points.loss, training=True),
        Line("validation loss", "validation", ACCENT, points.eval_steps, points.eval_loss),
    )
    highest = max((v for line in lines for v in finite(line.values) if v is not None), default=0.0)
    # Plotly chooses the range (5 % above the highest point): one given from here would end the reader's zoom whenever it changed.
    y_axis = {"rangemode": "tozero", "tickformat": "~g", "nticks": 6} | ({} if highest > 0 else {"range": [0, 1]})
    return _curve_chart(points, lines, y_axis, top=highest / 0.95 or 1.0, percent=False, what="loss")


def accuracy_chart(points: Curves) -> Figure:
    """Training accuracy (raw faint, smoothed bold), validation accuracy and validation macro F1 (dashed) by step; y is 0 to 100 %."""
    lines = (
        Line("training accuracy", "training", _TRAINING, points.steps, points.accuracy, training=True),
        Line("validation accuracy", "validation", ACCENT, points.eval_steps, points.eval_accuracy),
        Line("validation macro F1", "macro F1", _MACRO_F1, points.eval_steps, points.eval_macro_f1, dash="dash"),
    )
    y_axis = {"range": [0, 1], "tickformat": "~%", "nticks": 6}
    return _curve_chart(points, lines, y_axis, top=1.0, percent=True, what="accuracy")


def _curve_chart(points: Curves, lines: tuple[Line, ...], y_axis: dict, *, top: float, percent: bool, what: str) -> Figure:
    """``top`` is the value at the upper edge of the chart, by which the labels are set."""
    height, margin = 280, {"l": 46, "r": 128, "t": 20, "b": 40}
    lines = tuple(condensed(line) for line in lines)
    lines = tuple(line for line in lines if line.steps)
    frontier = max((line.steps[-1] for line in lines), default=0)
    end = max(points.total_steps, frontier)
    x_axis = make_axis("step", range=[0, end or 1], tickformat=",d", nticks=6, showticklabels=end > 0, showgrid=False)
    annotations, shapes = _epochs(points.epoch_steps, end)
    data = [trace for line in lines for trace in make_traces(line, percent)]
    description = f"Chart of the {what} by training step. Nothing has been measured yet."
    if lines:
        plot_height = height - margin["t"] - margin["b"]
        annotations += end_labels(lines, frontier, top, plot_height, percent)
        ring, label = _kept_mark(lines, points, end, top, plot_height, below=percent)
        data, annotations = data + ring, annotations + label
        last = ", ".join(f"{line.name} {written(last_value(line), percent)}" for line in lines)
        description = f"Chart of the {what} by training step. At step {frontier:,} of {end:,}: {last}."
    else:
        annotations.append(_sentence(what))
    layout = make_layout(points.key, height, margin, description, xaxis=x_axis, yaxis=make_axis("", **y_axis), annotations=annotations)
    return {"data": data, "layout": layout | {"shapes": shapes}}


def _kept_mark(lines: tuple[Line, ...], points: Curves, end: int, top: float, plot_height: int, *, below: bool) -> tuple[list, list]:
    """A ring and "kept" at the checkpoint that is kept, on the validation line: under accuracy, over loss, and beyond lines that run there."""
    step = points.best_step
    marked = next((line for line in lines if not line.training and step in line.steps), None)
    if marked is None:
        return [], []
    value = marked.values[marked.steps.index(step)]
    ring = {"type": "scatter", "x": [step], "y": [rounded(value)], "mode": "markers", "hoverinfo": "skip", "cliponaxis": False}
    ring["marker"] = {"symbol": "circle-open", "size": 15, "color": INK, "line": {"width": 1.5, "color": INK}}
    others = [line.values[min(range(len(line.steps)), key=lambda i: abs(line.steps[i] - step))] for line in lines if line is not marked]
    way = -1 if below else 1
    distance = 18.0
    for apart in sorted(way * (other - value) / top * plot_height for other in others):
        if abs(apart - distance) < 13:
            distance = apart + 14
    near_the_left = step < 0.1 * end
    label = {"x": step, "y": rounded(value), "text": "kept", "showarrow": False, "yshift": round(way * distance, 1), "yanchor": "middle"}
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
