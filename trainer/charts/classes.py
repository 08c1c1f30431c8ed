"""The classes as charts: their rows, the lengths of their texts, and the confusion matrix."""

import math
from collections.abc import Sequence

import numpy as np

from trainer.charts.colours import class_colours
from trainer.charts.frame import ACCENT, INK, ON_ACCENT, SURFACE, Figure, make_axis, make_layout, plain, short
from trainer.evaluation.report import Report
from trainer.text_format import percent


def class_counts_chart(label_names: Sequence[str], counts: Sequence[int]) -> Figure:
    """Rows per class as horizontal bars, the largest first, each with its count and share."""
    order = _largest_first(counts)
    total = max(int(sum(counts)), 1)
    colours = class_colours(label_names)
    shares = [f"{int(counts[i]):,} · {percent(int(counts[i]) / total)}" for i in order]
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
    x_axis = make_axis("", range=[0, max([*map(int, counts), 1])], showticklabels=False, showgrid=False)
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
    x_axis = make_axis("words per text", range=[0, 1.03 * max(widest, 1)], tickformat=",d", nticks=7)
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
    rows = make_axis("", tickvals=list(range(n)), ticktext=[short(names[i]) for i in order], range=[n - 0.5, -0.5], showgrid=False)
    rows |= {"automargin": True, "tickfont": {"color": INK, "size": 12 if n <= 30 else 11}, "fixedrange": True}
    margin = {"l": 20, "r": right, "t": 10, "b": bottom}
    return {"data": data, "layout": make_layout(f"{key} {n}", height, margin, description, xaxis=x | {"fixedrange": True}, yaxis=rows)}


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
        z[i][j], ids[i][j] = round(float(tints[i, j]), 3), [int(i), int(j)]
        hover[i][j] = f"true {names[i]}, said {names[j]}: {counts[i, j]:,} of {support[i]:,} ({percent(shares[i, j])})"
    heat = {"type": "heatmap", "z": z, "zmin": 0, "zmax": 1, "colorscale": [[0, SURFACE], [1, ACCENT]], "showscale": False}
    heat |= {"hovertext": hover, "hovertemplate": "%{hovertext}<extra></extra>", "hoverongaps": False, "customdata": ids}
    data = [heat | {"xgap": 2, "ygap": 2}, _cell_numbers(counts, shares, tints, by_row)] if n <= 25 else [heat]
    cell = 46 if n <= 10 else 32 if n <= 25 else 12
    height = min(n * cell + 130, 1400)
    every = math.ceil(n * 11 / (height - 130))  # above about a hundred classes only some names fit
    shown = {"tickvals": list(range(0, n, every)), "ticktext": [short(name, 18) for name in report.label_names[::every]]}
    axis = shown | {"showgrid": False, "automargin": True, "tickfont": {"color": INK, "size": 12 if n <= 25 else 9}}
    x_axis = make_axis("It said …", range=[-0.5, n - 0.5], **axis)
    # Leaning to the left, the last name does not run out of the chart.
    x_axis |= {"tickangle": -90} if n > 12 else {"autotickangles": [0, -45, -90]}
    y_axis = make_axis("It was …", range=[n - 0.5, -0.5], **axis)
    description = f"Confusion matrix of {n} classes: {int(np.trace(counts)):,} of {report.rows:,} rows on the diagonal."
    margin = {"l": 30, "r": 12, "t": 10, "b": 40}
    layout = make_layout(f"confusion {n}", height, margin, description, xaxis=x_axis, yaxis=y_axis)
    # Wider than this the cells would be long bars, narrower the names would overlap (the chart then scrolls sideways).
    narrowest = 100 + n * (30 if n <= 10 else 34 if n <= 25 else 10)
    layout["meta"] |= {"max_width": round(n * cell * 1.3 + 160), "min_width": min(narrowest, 1100)}
    return {"data": data, "layout": layout}


def _cell_numbers(counts: np.ndarray, shares: np.ndarray, tints: np.ndarray, by_row: bool) -> dict:
    """The numbers in the cells as a trace of texts: a heat map's own have a grey of plotly's choice, too faint on a dark page's accent."""
    rows, columns = np.nonzero(counts)
    cells = list(zip(rows.tolist(), columns.tolist(), strict=True))
    percents = [_short_percent(shares[cell]) for cell in cells]
    return {
        "type": "scatter",
        "mode": "text",
        "x": columns.tolist(),
        "y": rows.tolist(),
        "text": percents if by_row else [f"{counts[cell]:,}" for cell in cells],
        "textfont": {"size": 12 if len(counts) <= 10 else 10, "color": [ON_ACCENT if tints[cell] > 0.75 else INK for cell in cells]},
        "hoverinfo": "skip",
    }


def _short_percent(share: float) -> str:
    """A share above 0 in a narrow cell; 100 % is said of 1 alone."""
    if share < 0.005:
        return "&lt;1 %"
    return "&gt;99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"
