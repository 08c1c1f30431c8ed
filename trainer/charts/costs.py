"""Charts of what runs cost beside how well they do: their main score against milliseconds a text, and against the size of the model."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.charts.comparison import run_marks
from trainer.charts.layout import INK, Figure, escape, make_axis, make_layout, make_table
from trainer.evaluation.intervals import Interval
from trainer.text_format import percent

HEIGHT, PHONE_HEIGHT = 300, 240
_MARGIN = {"l": 56, "r": 24, "t": 24, "b": 48}
_PLACES = ("top right", "bottom right", "top left", "bottom left", "middle right", "middle left")


@dataclass(frozen=True)
class RunCost:
    """One run: its name, its main score on test rows, the milliseconds that a text takes (None if not measured) and the megabytes of its model."""

    key: str
    name: str
    score: Interval
    milliseconds: float | None
    megabytes: float | None


@dataclass(frozen=True)
class CostedScore:
    """Which score stands against a cost, in words: its name, the title of its axis, and a percentage of it, for which "{}" stands."""

    name: str
    axis: str
    said: str


ACCURACY = CostedScore("accuracy", "right test rows", "{} right")
MACRO_F1 = CostedScore("macro F1", "macro F1, test rows", "macro F1 {}")


def speed_chart(runs: Sequence[RunCost], score: CostedScore = ACCURACY) -> Figure:
    """The score against milliseconds a text, as measured when the test rows were predicted."""
    return _chart(runs, [run.milliseconds for run in runs], "ms", "milliseconds a text, in batches", score, "speed")


def size_chart(runs: Sequence[RunCost], score: CostedScore = ACCURACY) -> Figure:
    """The score against the megabytes of the model."""
    return _chart(runs, [run.megabytes for run in runs], "MB", "megabytes of the model", score, "size")


def _chart(runs: Sequence[RunCost], costs: Sequence[float | None], unit: str, title: str, score: CostedScore, against: str) -> Figure:
    """A point with its interval for each run whose cost is known; costs from 0."""
    marks = run_marks([run.key for run in runs])
    known = [(run, cost, mark) for run, cost, mark in zip(runs, costs, marks, strict=True) if cost is not None]
    # Runs of one encoder have the same size: their names stand around one point.
    data = [
        _point(run, cost, unit, score, *mark) | {"textposition": _PLACES[i % len(_PLACES)]} for i, (run, cost, mark) in enumerate(known)
    ]
    low = max(0.0, min((run.score.low for run, *_ in known), default=0.0) - 0.05)
    listed = "; ".join(f"{run.name}: {percent(run.score.value)}, {cost:.3g} {unit}" for run, cost, _ in known) or "nothing was measured"
    layout = make_layout(
        " ".join(run.key for run in runs),
        HEIGHT,
        _MARGIN,
        f"{score.name[:1].upper()}{score.name[1:]} on the test rows against {title}. {listed}.",
        xaxis=make_axis(title, range=[0, 1.25 * max((cost for _, cost, _ in known), default=1.0)], nticks=6, tickformat="~g"),
        yaxis=make_axis(score.axis, range=[low, 1.005], nticks=6, tickformat="~%"),
    )
    layout["meta"] |= {"phone": {"height": PHONE_HEIGHT}, "note": title, "title": f"{score.name[:1].upper()}{score.name[1:]} and {against}"}
    rows = [(i, cost, run.score.value, run.score.low, run.score.high) for i, (run, cost, _) in enumerate(known)]
    layout["meta"]["table"] = make_table(("run", unit, score.name, "low", "high"), [run.name for run, *_ in known], 1, rows)
    return {"data": data, "layout": layout}


def _point(run: RunCost, cost: float, unit: str, score: CostedScore, colour: str, symbol: str) -> dict:
    value, low, high = run.score.value, run.score.low, run.score.high
    interval = {"type": "data", "symmetric": False, "array": [high - value], "arrayminus": [value - low]}
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [cost],
        "y": [value],
        "name": escape(run.name),
        "text": [escape(run.name)],
        "textfont": {"color": INK, "size": 11},
        "marker": {"color": colour, "symbol": symbol, "size": 11},
        "error_y": interval | {"color": colour, "thickness": 1.5, "width": 3},
        "cliponaxis": False,
        "hovertemplate": f"%{{fullData.name}}<br>{score.said.format(percent(value))}, {cost:.3g} {unit}<extra></extra>",
    }
