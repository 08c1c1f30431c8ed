"""Which classes are taken for which, as a heat map: the confusion matrix, and for several labels a text what is missed and said instead."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trainer.charts.layout import (
    ACCENT,
    INK,
    ON_ACCENT,
    ON_WRONG,
    SURFACE,
    WRONG,
    Figure,
    escape,
    make_axis,
    make_layout,
    make_table,
    shorten_names,
)
from trainer.evaluation.report import Report
from trainer.text_format import percent

ShareOf = Literal["", "true", "predicted"]
"""What the cells show: counts, or the share of the true class (row) or of the predicted class (column)."""

MANY = 25
"""With more classes the matrix needs the whole width of the page."""
_NUMBERED, _NUMBERED_ON_A_PHONE = 15, 8
_WHOLE_TABLE = 100


@dataclass(frozen=True)
class _Words:
    """Of one kind of matrix: the titles of its axes, the hover of a cell on the diagonal and off it ({row} and {column} are names), what {whole} rows
    are, the heads of the CSV, and the description, in which {right} is the sum of the diagonal."""

    row_axis: str
    column_axis: str
    right: str
    wrong: str
    whole: str
    head: tuple[str, str, str]
    description: str


_CONFUSED = _Words(
    row_axis="true class",
    column_axis="predicted",
    right="true {row}, predicted {column}",
    wrong="true {row}, predicted {column}",
    whole="{whole}",
    head=("true", "predicted", "rows"),
    description="Confusion matrix of {classes} classes: {right} of {rows} rows on the diagonal.",
)
_MISSED = _Words(
    row_axis="label that is missed",
    column_axis="said instead",
    right="{row} rightly said",
    wrong="{row} missed, {column} said instead",
    whole="{whole} rows with it",
    head=("missed", "said instead", "rows"),
    description="Matrix of {classes} labels, with rows that miss a label and have another one instead; on the diagonal {right} labels are rightly said.",
)


def missed_chart(report: Report, *, share_of: ShareOf = "", mistakes_only: bool = False, order: Sequence[int] = ()) -> Figure:
    """The same for several labels a text: a cell counts the rows that lack the label of its row and have that of its column, which they should not.

    A label that is missed while nothing is said too much is in no cell. Shares are of the rows with the missed label.
    """
    figure = _chart(report, _MISSED, share_of=share_of, mistakes_only=mistakes_only, order=order)
    figure["layout"]["meta"]["title"] = "What it misses and says instead"
    return figure


def confusion_chart(report: Report, *, share_of: ShareOf = "", mistakes_only: bool = False, order: Sequence[int] = ()) -> Figure:
    """Heat map: rows are true classes, columns predicted ones; up to 15 classes with numbers, counts or per cent.

    ``order`` has all class ids from top to bottom; without it they are in order of their ids. With ``mistakes_only`` the diagonal is empty and
    the tints are those of the mistakes. Correct predictions have the accent, mistakes another colour, empty cells none. The tint grows with
    the square root, else the few mistakes would be invisible beside the diagonal. The axes are categories, so that plotly shows the names
    that fit, and all of them after zooming. A point's ``customdata`` is [true id, predicted id], for a page that shows the rows of a cell.
    """
    return _chart(report, _CONFUSED, share_of=share_of, mistakes_only=mistakes_only, order=order)


def _chart(report: Report, words: _Words, *, share_of: ShareOf, mistakes_only: bool, order: Sequence[int]) -> Figure:
    order = list(order) or list(range(len(report.label_names)))
    n, names = len(order), [escape(report.label_names[i]) for i in order]
    tick_names = shorten_names([report.label_names[i] for i in order], 18 if n <= 10 else 22)
    counts = report.confusion[np.ix_(order, order)]
    cells = counts * ~np.eye(n, dtype=bool) if mistakes_only else counts
    support = np.array([report.per_class[i].support for i in order])
    whole = counts.sum(axis=0)[None, :] if share_of == "predicted" else support[:, None]
    fractions = cells / np.maximum(whole, 1)
    strengths = fractions if share_of else cells
    tints = np.sqrt(strengths / max(strengths.max(), 1e-9)) * np.where(np.eye(n, dtype=bool), 1, -1)
    z, hover, ids = ([[None] * n for _ in range(n)] for _ in range(3))
    for i, j in zip(*np.nonzero(cells), strict=True):
        z[i][j], ids[i][j] = round(float(tints[i, j]), 3), [order[i], order[j]]
        is_column = share_of == "predicted"
        of = f"{whole[0, j]:,} predicted as {names[j]}" if is_column else words.whole.format(whole=f"{support[i]:,}")
        what = (words.right if i == j else words.wrong).format(row=names[i], column=names[j])
        hover[i][j] = f"{what}: {cells[i, j]:,} of {of} ({percent(fractions[i, j])})"
    heat = {"type": "heatmap", "x": tick_names, "y": tick_names, "z": z, "zmin": -1, "zmax": 1, "showscale": False, "customdata": ids}
    heat |= {"colorscale": [[0, WRONG], [0.5, SURFACE], [1, ACCENT]], "hoverongaps": False}
    heat |= {"hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>"} | ({"xgap": 2, "ygap": 2} if n <= MANY else {})
    data = [heat, _cell_numbers(cells, fractions, tints, tick_names, share_of)] if n <= _NUMBERED else [heat]
    right = int(np.trace(counts))
    description = words.description.format(classes=n, right=f"{right:,}", rows=f"{report.rows:,}")
    layout = _layout(tick_names, description, words)
    layout["meta"]["table"] = _table(report, order, words)
    return {"data": data, "layout": layout}


def _table(report: Report, order: Sequence[int], words: _Words) -> dict:
    """The counts of all cells or, of very many, of those that have rows."""
    counts, whole = report.confusion, len(order) <= _WHOLE_TABLE
    rows = [(i, j, int(counts[i, j])) for i in order for j in order if whole or counts[i, j]]
    return make_table(words.head, report.label_names, 2, rows)


def _layout(tick_names: list[str], description: str, words: _Words) -> dict:
    n = len(tick_names)
    small = 11 if n <= MANY else 9
    axis = {"type": "category", "categoryorder": "array", "categoryarray": tick_names, "showgrid": False, "automargin": True}
    axis |= {"tickfont": {"color": INK, "size": 12 if n <= 10 else small}}
    x_axis = make_axis(words.column_axis, range=[-0.5, n - 0.5], side="top", **axis)
    # Tilted to the left, the last name stays inside the chart.
    x_axis |= {"tickangle": -90} if n > 10 else {"autotickangles": [0, -45, -90]}
    y_axis = make_axis(words.row_axis, range=[n - 0.5, -0.5], **axis)
    rows = max(46 * n, 140) if n <= 10 else 480 if n <= MANY else min(max(480, 10 * n), 900)
    margin = {"l": 20, "r": 8, "t": 40, "b": 8}
    layout = make_layout(f"confusion {n}", rows + 100, margin, description, xaxis=x_axis, yaxis=y_axis)
    phone_axis = {"tickfont": {"color": INK, "size": 10 if n <= 10 else 9}}
    layout["meta"]["phone"] = {"height": (max(36 * n, 120) if n <= 10 else 300) + 90, "xaxis": phone_axis, "yaxis": phone_axis}
    if n > _NUMBERED_ON_A_PHONE:
        layout["meta"]["phone"]["without"] = ["numbers"]
    return layout


def _cell_numbers(counts: np.ndarray, fractions: np.ndarray, tints: np.ndarray, tick_names: list[str], share_of: ShareOf) -> dict:
    """The numbers in the cells as a trace of texts: plotly's own are grey, too faint on a dark page's accent."""
    rows, columns = np.nonzero(counts)
    cells = list(zip(rows.tolist(), columns.tolist(), strict=True))

    def ink(tint: float) -> str:
        return INK if abs(tint) <= 0.75 else ON_ACCENT if tint > 0 else ON_WRONG

    return {
        "type": "scatter",
        "mode": "text",
        "name": "numbers",
        "x": [tick_names[j] for j in columns],
        "y": [tick_names[i] for i in rows],
        "text": [_short_percent(fractions[cell]) if share_of else f"{counts[cell]:,}" for cell in cells],
        "textfont": {"size": 12 if len(counts) <= 10 else 10, "color": [ink(tints[cell]) for cell in cells]},
        "hoverinfo": "skip",
    }


def _short_percent(fraction: float) -> str:
    """A fraction above 0 in a narrow cell; only 1 is "100 %"."""
    if fraction < 0.005:
        return "&lt;1 %"
    return "&gt;99 %" if 0.995 <= fraction < 1 else f"{100 * fraction:.0f} %"
