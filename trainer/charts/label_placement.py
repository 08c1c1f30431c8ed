"""Places the labels in a chart of curves: at the ends of the lines, at the reference lines, at the kept model. Draws no lines.

All places are in pixels from the lower left corner of the plotting area, for one ``Canvas``; plotly moves them with the data when zoomed.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trainer.charts.layout import CLEAR, INK, MUTED, SURFACE, Canvas, display_width, escape
from trainer.charts.lines import SYMBOLS, Line, format_value, rounded
from trainer.evaluation.curves import ReferenceLine
from trainer.text_format import percent

_AIR = 4  # pixels between a line and what is written beside it
_RING = 9  # half the ring's size
_BESIDE = 12  # from the newest point to its label

Span = tuple[float, float]


@dataclass(frozen=True)
class Plot:
    """A plotting area: steps 0..``end`` (1 or more) and values 0..``y_max`` on a canvas."""

    canvas: Canvas
    end: float
    y_max: float

    @property
    def width(self) -> int:
        return self.canvas.plot_width

    @property
    def gap(self) -> int:
        """From the middle of one label to the middle of the next."""
        return self.canvas.font + 4

    def x(self, step: float) -> float:
        return step / self.end * self.width

    def y(self, value: float) -> float:
        return value / self.y_max * self.canvas.plot_height

    def text_width(self, text: str) -> float:
        """An upper estimate, since fonts differ and labels must not overlap."""
        return display_width(re.sub("<[^>]*>", "", text)) * 0.6 * self.canvas.font

    def line_spans(self, line: Line, left: float, right: float) -> list[Span]:
        """The vertical span of a line between two places, with its markers and a margin: one span, or none."""
        low, high = left / self.width * self.end, right / self.width * self.end
        first, last = bisect_left(line.steps, low), bisect_right(line.steps, high)
        inside = list(line.trend[first:last])
        for edge, i in ((low, first), (high, last)):
            if 0 < i < len(line.steps):
                ratio = (edge - line.steps[i - 1]) / (line.steps[i] - line.steps[i - 1])
                inside.append(line.trend[i - 1] + (line.trend[i] - line.trend[i - 1]) * ratio)
        return [(self.y(min(inside)) - _AIR, self.y(max(inside)) + _AIR)] if inside else []

    def annotation(self, text: str, step: float, value: float, y_pixels: float, **options: object) -> dict:
        """Plotly's annotation at a step and a value, moved up or down so that its middle is at ``y_pixels``."""
        annotation = {"x": step, "y": rounded(value), "yshift": round(y_pixels - self.y(value), 1), "text": text, "showarrow": False}
        annotation |= {"yanchor": "middle", "font": {"size": self.canvas.font, "color": INK}, "bgcolor": SURFACE, "borderpad": 0}
        return annotation | options


@dataclass(frozen=True)
class Box:
    """The rectangle of a label."""

    left: float
    right: float
    low: float
    high: float


def occupied(boxes: Iterable[Box], left: float, right: float) -> list[Span]:
    """The vertical spans of boxes between two places."""
    return [(box.low, box.high) for box in boxes if box.left < right and box.right > left]


def reference_labels(plot: Plot, references: Sequence[ReferenceLine], lines: Sequence[Line]) -> tuple[list[dict], list[Box]]:
    """Name and value of each reference line at the right edge, and the boxes of labels and lines."""
    strokes = [Box(0, plot.width, plot.y(reference.score) - 1, plot.y(reference.score) + 1) for reference in references]
    texts = [f"{escape(reference.name)} {percent(reference.score, 0)}" for reference in references]
    left = plot.width - max(map(plot.text_width, texts), default=0.0)
    blocked = occupied(strokes, left, plot.width) + _bands(plot, lines, left, plot.width)
    wanted = [stroke.high + plot.gap / 2 for stroke in strokes]
    places = place_labels(wanted, blocked, plot.canvas.plot_height, plot.gap)
    labels = [
        plot.annotation(
            text, plot.end, reference.score, place, xanchor="right", font={"size": plot.canvas.font, "color": MUTED}, bgcolor=CLEAR
        )
        for text, reference, place in zip(texts, references, places, strict=True)
    ]
    boxes = [_box(plot, plot.width - plot.text_width(text), plot.width, place) for text, place in zip(texts, places, strict=True)]
    return labels, strokes + boxes


def end_labels(
    plot: Plot, lines: Sequence[Line], frontier: float, boxes: Sequence[Box], texts: Sequence[str]
) -> tuple[list[dict], list[Box]]:
    """One label per line (the first line is the most important) in a column: right of the newest step if they fit, else at the right edge.

    At the right edge they avoid the lines, and each is as near as possible to the end of its line. Returns their boxes too.
    """
    widths = [plot.text_width(text) for text in texts]
    fits = plot.x(frontier) + _BESIDE + max(widths, default=0.0) <= plot.width
    left = plot.x(frontier) + _BESIDE if fits else plot.width - max(widths, default=0.0)
    right = left + max(widths, default=0.0)
    blocked = occupied(boxes, left, right) + ([] if fits else _bands(plot, lines, left, right))
    wanted = [plot.y(line.trend[-1]) for line in lines]
    places = place_labels(wanted, blocked, plot.canvas.plot_height, plot.gap)
    where = {"xanchor": "left", "xshift": _BESIDE} if fits else {"xanchor": "right"}
    labels = [
        plot.annotation(text, frontier if fits else plot.end, line.trend[-1], place, **where)
        for text, line, place in zip(texts, lines, places, strict=True)
    ]
    spans = [(left, left + width) if fits else (right - width, right) for width in widths]
    return labels, [_box(plot, *span, place) for span, place in zip(spans, places, strict=True)]


def end_text(line: Line, *, is_percent: bool, digits: int = 1, suffix: str = "") -> str:
    """The label at the end of a line: its symbol in its colour, its name, its last value."""
    value = percent(line.trend[-1], digits) if is_percent else format_value(line.trend[-1], False)
    return f'<span style="color:{line.colour}">{SYMBOLS[line.symbol]}</span> {line.short} {value}{suffix}'


def kept_label(plot: Plot, line: Line, step: int, lines: Sequence[Line], boxes: Sequence[Box], text: str, *, below: bool) -> dict:
    """The label of the ring at an earlier step, clear of lines and labels."""
    width, value = plot.text_width(text), line.values[line.steps.index(step)]
    left = min(max(plot.x(step) - width / 2, 0), plot.width - width)
    ring = (plot.y(value) - _RING, plot.y(value) + _RING)
    blocked = [ring, *occupied(boxes, left, left + width), *_bands(plot, lines, left, left + width)]
    place = place_labels([plot.y(value) + (-1 if below else 1)], blocked, plot.canvas.plot_height, plot.gap)[0]
    return plot.annotation(text, step, value, place, xanchor="left", xshift=round(left - plot.x(step), 1))


def ring_box(plot: Plot, step: float, value: float) -> Box:
    """The box of the ring around the kept model."""
    x, y = plot.x(step), plot.y(value)
    return Box(x - _RING, x + _RING, y - _RING, y + _RING)


def _box(plot: Plot, left: float, right: float, middle: float) -> Box:
    return Box(left, right, middle - plot.gap / 2 - 1, middle + plot.gap / 2 + 1)


def _bands(plot: Plot, lines: Sequence[Line], left: float, right: float) -> list[Span]:
    return [span for line in lines for span in plot.line_spans(line, left, right)]


def place_labels(wanted: Sequence[float], blocked: Sequence[Span], height: float, gap: float) -> list[float]:
    """Middles of labels of height ``gap`` within [0, height], near the wanted places; the first labels choose a free span first.

    Labels avoid the ``blocked`` spans and each other and keep the order of the wanted places. If there is no room, they only avoid each other.
    """
    gap = min(gap, height / max(len(wanted), 1))
    free = _free(blocked, height)
    n_labels = [0] * len(free)
    for place in wanted:
        room = [k for k, (low, high) in enumerate(free) if (n_labels[k] + 1) * gap <= high - low]
        if not room:
            free, n_labels = [(0.0, height)], [len(wanted)]
            break
        n_labels[min(room, key=lambda k: abs(place - min(max(place, free[k][0] + gap / 2), free[k][1] - gap / 2)))] += 1
    ascending = sorted(range(len(wanted)), key=lambda i: wanted[i])
    places, begin = [0.0] * len(wanted), 0
    for (low, high), n_members in zip(free, n_labels, strict=True):
        members = ascending[begin : begin + n_members]
        begin += n_members
        for i, place in zip(members, pushed_apart([wanted[i] for i in members], gap, low + gap / 2, high - gap / 2), strict=True):
            places[i] = place
    return places


def largest_free(blocked: Sequence[Span], height: float) -> Span:
    """The widest free span in [0, height]; all of it if everything is blocked."""
    return max(_free(blocked, height), key=lambda span: span[1] - span[0], default=(0.0, height))


def _free(blocked: Sequence[Span], height: float) -> list[Span]:
    free, begin = [], 0.0
    for low, high in sorted(blocked):
        if low > begin:
            free.append((begin, min(low, height)))
        begin = max(begin, high)
    return [(low, high) for low, high in (*free, (begin, height)) if high > low]


def pushed_apart(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """Places at least ``gap`` apart, in the order of ``wanted`` (ascending), with the least squared displacement, within [low, high].

    Isotonic regression by pooling adjacent violators (Ayer et al. 1955), after subtracting the gaps.
    """
    pools: list[list[float]] = []  # [mean, size]
    for i, place in enumerate(wanted):
        pools.append([place - i * gap, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (mean, size), (other_mean, other_size) = pools.pop(-2), pools.pop()
            pools.append([(mean * size + other_mean * other_size) / (size + other_size), size + other_size])
    flat = [mean for mean, size in pools for _ in range(int(size))]
    return [min(max(place, low), high - (len(wanted) - 1) * gap) + i * gap for i, place in enumerate(flat)]
