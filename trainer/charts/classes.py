"""A chart of the classes: the lengths of their texts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainer.charts.colours import class_colours
from trainer.charts.layout import INK, Figure, escape, make_axis, make_layout, make_table, shorten_names

_MAX_ROWS, _AT_EACH_END = 25, 10
_LENGTHS = ("lower whisker", "first quartile", "median", "third quartile", "upper whisker", "longest")


def text_lengths_chart(label_names: Sequence[str], lengths_by_class: Sequence[Sequence[int]]) -> Figure:
    """Words per text by class as box plots (Tukey 1977: whiskers to the last text within 1.5 box lengths), ordered by number of texts.

    Only six numbers per class leave the server, whatever the number of rows; a class without rows has no box. If there are very many
    classes, only the ten with most and the ten with fewest rows are drawn.
    """
    lengths = [np.sort(np.asarray(one, dtype=float)) for one in lengths_by_class]
    shown = _Rows.of([len(one) for one in lengths])
    colours = class_colours(label_names)
    numbers = {i: _five_numbers(lengths[i]) for i in shown.order if len(lengths[i])}
    boxes, hover = [], []
    for place, i in shown.places:
        if i not in numbers:
            continue
        low, q1, median, q3, high, maximum = numbers[i]
        box = {"type": "box", "orientation": "h", "y": [place], "q1": [q1], "median": [median], "q3": [q3], "lowerfence": [low]}
        box |= {"upperfence": [high], "width": 0.6, "hoverinfo": "skip", "line": {"color": colours[i], "width": 1.5}, "whiskerwidth": 0.4}
        boxes.append(box | {"fillcolor": colours[i] + "40"})
        text = f"{escape(label_names[i])}: half of the texts have {q1:g} to {q3:g} words, the median is {median:g}, the longest has {maximum:g}"
        hover.append((place, median, text))
    # Hovering a box shows overlapping labels; an invisible marker on the median shows one sentence instead.
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [m for _, m, _ in hover],
        "y": [p for p, _, _ in hover],
        "hovertext": [t for *_, t in hover],
    }
    dots |= {"marker": {"size": 18, "opacity": 0, "color": INK}, "hovertemplate": "%{hovertext}<extra></extra>"}
    widest = max((box["upperfence"][0] for box in boxes), default=1)
    medians = "; ".join(f"{label_names[i]} {numbers[i][2]:g}" for i in list(numbers)[:8])
    description = f"Words per text by class; medians: {medians}{'; …' if len(numbers) > 8 else ''}."
    x_axis = make_axis("words per text", range=[0, 1.03 * max(widest, 1)], tickformat=",d", nticks=7)
    table = make_table(("class", "texts", *_LENGTHS), label_names, 1, [(i, len(lengths[i]), *numbers[i]) for i in numbers])
    return _class_rows([*boxes, dots], label_names, shown, description, table, x_axis)


def _five_numbers(ordered: np.ndarray) -> tuple[float, ...]:
    """Lower whisker, quartiles, upper whisker and largest value of an ascending array."""
    q1, median, q3 = (float(q) for q in np.percentile(ordered, [25, 50, 75]))
    inside = ordered[(ordered >= q1 - 1.5 * (q3 - q1)) & (ordered <= q3 + 1.5 * (q3 - q1))]
    # Interpolated quartiles of a tiny class can lie outside all values; a whisker never ends inside its box.
    return min(float(inside[0]), q1), q1, median, q3, max(float(inside[-1]), q3), float(ordered[-1])


@dataclass(frozen=True)
class _Rows:
    """The classes with a row in a chart: all or, if there are very many, those at both ends, with one line for the rest.

    ``order`` are all classes by number of texts, descending; ``places`` are the drawn ones as (place from the top, class).
    """

    order: tuple[int, ...]
    places: tuple[tuple[int, int], ...]
    n_hidden: int

    @classmethod
    def of(cls, counts: Sequence[int]) -> "_Rows":
        order = tuple(sorted(range(len(counts)), key=lambda i: (-int(counts[i]), i)))
        if len(order) <= _MAX_ROWS:
            return cls(order, tuple(enumerate(order)), 0)
        ends = (*enumerate(order[:_AT_EACH_END]), *enumerate(order[-_AT_EACH_END:], _AT_EACH_END + 1))
        return cls(order, ends, len(order) - 2 * _AT_EACH_END)

    def __len__(self) -> int:
        return len(self.places) + bool(self.n_hidden)

    def ticks(self, names: Sequence[str], max_width: int) -> dict:
        """The names on the axis, at most ``max_width`` columns wide, and in the middle how many are hidden."""
        tick_names = shorten_names([names[i] for _, i in self.places], max_width)
        if self.n_hidden:
            tick_names.insert(_AT_EACH_END, f"<i>{self.n_hidden:,} more</i>")
        return {"tickvals": list(range(len(self))), "ticktext": tick_names}


def _class_rows(data: list, names: Sequence[str], shown: _Rows, description: str, table: dict, x: dict) -> Figure:
    """One row per class: the names on the left, the first row on top, a height that grows with the number of classes."""
    n = len(shown)
    height = max(220, n * (30 if n <= 12 else 22) + 50)
    rows = make_axis("", **shown.ticks(names, 22), range=[n - 0.5, -0.5], showgrid=False)
    rows |= {"automargin": True, "tickfont": {"color": INK, "size": 12}, "fixedrange": True}
    margin = {"l": 20, "r": 16, "t": 10, "b": 40}
    layout = make_layout(f"lengths {len(names)}", height, margin, description, xaxis=x | {"fixedrange": True}, yaxis=rows)
    phone = shown.ticks(names, 16) | {"tickfont": {"color": INK, "size": 11}}
    layout["meta"] |= {"table": table, "phone": {"yaxis": phone}}
    return {"data": data, "layout": layout}
