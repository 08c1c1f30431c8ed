"""Several runs in one chart: the same quantity of each by training step, one colour and one shape per run."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.charts.colours import class_colours
from trainer.charts.frame import MUTED, PHONE, SURFACE, WIDE, Canvas, Figure, make_axis, make_layout, plain, short_names
from trainer.charts.labels import Plot, end_labels, end_text
from trainer.charts.lines import SYMBOLS, Line, condensed, make_traces, rounded, written

_NAME_COLUMNS = 20


@dataclass(frozen=True)
class Course:
    """One run of a comparison. The three ``eval_`` tuples are as long as ``eval_steps``, ``loss`` (training) as ``steps``; None is "not measured"."""

    key: str
    name: str
    steps: tuple[int, ...] = ()
    loss: tuple[float | None, ...] = ()
    eval_steps: tuple[int, ...] = ()
    eval_loss: tuple[float | None, ...] = ()
    eval_accuracy: tuple[float | None, ...] = ()
    eval_macro_f1: tuple[float | None, ...] = ()


def run_marks(keys: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """For each run its "#RRGGBB" and its shape, one of ``SYMBOLS``: the same in all charts and tables of one comparison."""
    return tuple(zip(class_colours(keys), [list(SYMBOLS)[i % len(SYMBOLS)] for i in range(len(keys))], strict=True))


def loss_comparison(courses: Sequence[Course]) -> Figure:
    """Validation loss of each run, with its training loss (smoothed) faint behind it; y from 0."""
    behind = _lines(courses, "training loss", "steps", "loss", training=True)
    lines = _lines(courses, "validation loss", "eval_steps", "eval_loss")
    highest = max((v for _, line in (*lines, *behind) for v in line.values if v is not None), default=0.0)
    y_axis = {"rangemode": "tozero", "tickformat": "~g", "nticks": 6} | ({} if highest > 0 else {"range": [0, 1]})
    return _chart(courses, lines, y_axis, behind=behind, top=highest / 0.95 or 1.0, percent=False, what="validation loss")


def accuracy_comparison(courses: Sequence[Course]) -> Figure:
    """Validation accuracy of each run; y is 0 to 100 %."""
    return _shares(courses, "eval_accuracy", "validation accuracy")


def macro_f1_comparison(courses: Sequence[Course]) -> Figure:
    """Validation macro F1 of each run; y is 0 to 100 %."""
    return _shares(courses, "eval_macro_f1", "validation macro F1")


def _shares(courses: Sequence[Course], values: str, what: str) -> Figure:
    lines = _lines(courses, what, "eval_steps", values)
    return _chart(courses, lines, {"range": [0, 1], "tickformat": "~%", "nticks": 6}, top=1.0, percent=True, what=what)


_Drawn = list[tuple[Course, Line]]


def _lines(courses: Sequence[Course], what: str, steps: str, values: str, *, training: bool = False) -> _Drawn:
    """The line of one quantity for each run that has it, in the run's colour and shape."""
    lines = []
    labels = short_names([course.name for course in courses], _NAME_COLUMNS)
    for course, label, (colour, symbol) in zip(courses, labels, run_marks([c.key for c in courses]), strict=True):
        line = Line(what, label, colour, getattr(course, steps), getattr(course, values), training=training, symbol=symbol)
        lines.append((course, condensed(line)))
    return [(course, line) for course, line in lines if line.steps]


def _chart(courses: Sequence[Course], lines: _Drawn, y_axis: dict, *, behind: _Drawn = (), top: float, percent: bool, what: str) -> Figure:
    """``top`` is the value at the upper edge, by which the labels are set; ``behind`` are lines without labels."""
    end = max((line.steps[-1] for _, line in (*lines, *behind)), default=0)
    x_axis = make_axis("", range=[0, end or 1], tickformat=",d", nticks=6, showticklabels=end > 0, showgrid=False)
    x_axis |= {"tickprefix": "step ", "showtickprefix": "first"}
    traces = [_named(course, trace) for course, line in lines for trace in make_traces(line, percent, f"{course.name}, {what}")]
    ends = ", ".join(f"{course.name} {written(line.trend[-1], percent)}" for course, line in lines) or "nothing has been measured yet"
    layout = make_layout(
        " ".join(c.key for c in courses),
        WIDE.height,
        WIDE.margin,
        f"Chart of the {what} of {len(courses)} runs by training step. At their ends: {ends}.",
        xaxis=x_axis,
        yaxis=make_axis("", **y_axis),
        annotations=_labels(Plot(WIDE, end or 1, top), lines, percent, what),
    )
    small = {"tickfont": {"color": MUTED, "size": PHONE.font}}
    layout["meta"] |= {
        "note": what,
        "phone": {
            "height": PHONE.height,
            "margin": PHONE.margin,
            "annotations": _labels(Plot(PHONE, end or 1, top), lines, percent, what),
            "xaxis": small | {"nticks": 4},
            "yaxis": small,
        },
    }
    return {"data": [_faint(*drawn) for drawn in behind] + traces, "layout": layout}


def _labels(plot: Plot, lines: _Drawn, percent: bool, what: str) -> list[dict]:
    """A name and number for each run near the end of its line, or that there is none."""
    if not lines:
        return [_nothing(what, plot.canvas)]
    texts = [end_text(line, percents=percent) for _, line in lines]
    return end_labels(plot, [line for _, line in lines], plot.end, (), texts)[0]


def _named(course: Course, trace: dict) -> dict:
    """The trace with its run's name in the hover; through a variable, as plotly fills in what looks like one in a template."""
    return trace | {"name": plain(course.name), "hovertemplate": f"%{{fullData.name}}<br>{trace['hovertemplate']}"}


def _faint(course: Course, line: Line) -> dict:
    """A training curve behind the others: its trend, thin, with no hover of its own."""
    trend = [rounded(v) for v in line.trend]
    style = {"mode": "lines", "line": {"color": line.colour, "width": 1.5}, "opacity": 0.4, "hoverinfo": "skip"}
    style |= {"meta": {"series": f"{course.name}, training loss, smoothed"}}
    return {"type": "scatter", "x": list(line.steps), "y": trend, "name": plain(course.name)} | style


def _nothing(what: str, canvas: Canvas) -> dict:
    """What stands in a chart of runs of which none was scored yet."""
    place = {"xref": "paper", "yref": "paper", "x": 0.5, "y": 0.5, "showarrow": False, "bgcolor": SURFACE, "borderpad": 4}
    return place | {"text": f"None of these runs has<br>a {what} yet.", "font": {"size": canvas.font + 2, "color": MUTED}}
