"""Charts of several runs: one quantity of each by training step, with one colour and one marker shape per run."""

from collections.abc import Sequence

from trainer.charts.colours import class_colours
from trainer.charts.label_placement import Plot, end_labels, end_text
from trainer.charts.layout import MUTED, PHONE, SURFACE, WIDE, Canvas, Figure, escape, make_axis, make_layout, shorten_names
from trainer.charts.lines import SYMBOLS, Line, downsampled, format_value, make_traces, rounded
from trainer.evaluation.curves import RunCurves

_MAX_NAME_WIDTH = 20


def run_marks(keys: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The colour ("#RRGGBB") and the shape (one of ``SYMBOLS``) of each run, the same in all charts and tables of one comparison."""
    return tuple(zip(class_colours(keys), [list(SYMBOLS)[i % len(SYMBOLS)] for i in range(len(keys))], strict=True))


def loss_comparison(runs: Sequence[RunCurves]) -> Figure:
    """Validation loss of each run, with its training loss (smoothed) faint behind it; y from 0."""
    background = _lines(runs, "training loss", "steps", "loss", training=True)
    lines = _lines(runs, "validation loss", "eval_steps", "eval_loss")
    highest = max((v for _, line in (*lines, *background) for v in line.values if v is not None), default=0.0)
    y_axis = {"rangemode": "tozero", "tickformat": "~g", "nticks": 6} | ({} if highest > 0 else {"range": [0, 1]})
    return _chart(runs, lines, y_axis, background=background, y_max=highest / 0.95 or 1.0, percent=False, quantity="validation loss")


def accuracy_comparison(runs: Sequence[RunCurves]) -> Figure:
    """Validation accuracy of each run; y is 0 to 100 %."""
    return _score_chart(runs, "eval_accuracy", "validation accuracy")


def exact_match_comparison(runs: Sequence[RunCurves]) -> Figure:
    """The share of validation rows with exactly their labels, of each run; y is 0 to 100 %."""
    return _score_chart(runs, "eval_accuracy", "validation exact match")


def macro_f1_comparison(runs: Sequence[RunCurves]) -> Figure:
    """Validation macro F1 of each run; y is 0 to 100 %."""
    return _score_chart(runs, "eval_macro_f1", "validation macro F1")


def _score_chart(runs: Sequence[RunCurves], values: str, quantity: str) -> Figure:
    lines = _lines(runs, quantity, "eval_steps", values)
    return _chart(runs, lines, {"range": [0, 1], "tickformat": "~%", "nticks": 6}, y_max=1.0, percent=True, quantity=quantity)


_RunLines = list[tuple[RunCurves, Line]]


def _lines(runs: Sequence[RunCurves], quantity: str, steps: str, values: str, *, training: bool = False) -> _RunLines:
    """The line of one quantity for each run that has it."""
    lines = []
    labels = shorten_names([run.name for run in runs], _MAX_NAME_WIDTH)
    for run, label, (colour, symbol) in zip(runs, labels, run_marks([c.key for c in runs]), strict=True):
        line = Line(quantity, label, colour, getattr(run, steps), getattr(run, values), training=training, symbol=symbol)
        lines.append((run, downsampled(line)))
    return [(run, line) for run, line in lines if line.steps]


def _chart(
    runs: Sequence[RunCurves], lines: _RunLines, y_axis: dict, *, background: _RunLines = (), y_max: float, percent: bool, quantity: str
) -> Figure:
    """``y_max`` is the value at the upper edge, which places the labels; ``background`` lines have no labels."""
    end = max((line.steps[-1] for _, line in (*lines, *background)), default=0)
    x_axis = make_axis("", range=[0, end or 1], tickformat=",d", nticks=6, showticklabels=end > 0, showgrid=False)
    x_axis |= {"tickprefix": "step ", "showtickprefix": "first"}
    traces = [_named(run, trace) for run, line in lines for trace in make_traces(line, percent, f"{run.name}, {quantity}")]
    ends = ", ".join(f"{run.name} {format_value(line.trend[-1], percent)}" for run, line in lines) or "nothing has been measured yet"
    layout = make_layout(
        " ".join(c.key for c in runs),
        WIDE.height,
        WIDE.margin,
        f"Chart of the {quantity} of {len(runs)} runs by training step. At their ends: {ends}.",
        xaxis=x_axis,
        yaxis=make_axis("", **y_axis),
        annotations=_labels(Plot(WIDE, end or 1, y_max), lines, percent, quantity),
    )
    small = {"tickfont": {"color": MUTED, "size": PHONE.font}}
    layout["meta"] |= {
        "note": quantity,
        "phone": {
            "height": PHONE.height,
            "margin": PHONE.margin,
            "annotations": _labels(Plot(PHONE, end or 1, y_max), lines, percent, quantity),
            "xaxis": small | {"nticks": 4},
            "yaxis": small,
        },
    }
    return {"data": [_background_trace(*run_line) for run_line in background] + traces, "layout": layout}


def _labels(plot: Plot, lines: _RunLines, percent: bool, quantity: str) -> list[dict]:
    """Name and value of each run near the end of its line, or a sentence if there is no line."""
    if not lines:
        return [_empty_note(quantity, plot.canvas)]
    texts = [end_text(line, is_percent=percent) for _, line in lines]
    return end_labels(plot, [line for _, line in lines], plot.end, (), texts)[0]


def _named(run: RunCurves, trace: dict) -> dict:
    """The trace with its run's name in the hover. The name is a variable, since plotly replaces what looks like one in a template."""
    return trace | {"name": escape(run.name), "hovertemplate": f"%{{fullData.name}}<br>{trace['hovertemplate']}"}


def _background_trace(run: RunCurves, line: Line) -> dict:
    """A smoothed training curve behind the others, thin and without hover."""
    trend = [rounded(v) for v in line.trend]
    style = {"mode": "lines", "line": {"color": line.colour, "width": 1.5}, "opacity": 0.4, "hoverinfo": "skip"}
    style |= {"meta": {"series": f"{run.name}, training loss, smoothed"}}
    return {"type": "scatter", "x": list(line.steps), "y": trend, "name": escape(run.name)} | style


def _empty_note(quantity: str, canvas: Canvas) -> dict:
    """The sentence in a chart of runs without an evaluation."""
    place = {"xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5, "showarrow": False, "bgcolor": SURFACE, "borderpad": 4}
    return place | {"text": f"None of these runs has<br>a {quantity} yet.", "font": {"size": canvas.font + 2, "color": MUTED}}
