"""Where words stand inside a chart of curves: at the ends of the lines, at the rungs, at what is kept. Draws no lines.

All places are in pixels from the lower left corner of the plotting area, for one ``Canvas``; plotly moves them with the data when zoomed.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trainer.charts.frame import CLEAR, INK, MUTED, SURFACE, Canvas, columns, plain
from trainer.charts.lines import SYMBOLS, Line, rounded, written
from trainer.text_format import percent

_AIR = 4  # pixels between a line and what is written beside it
_RING = 9  # half the ring's size
_BESIDE = 12  # from the newest point to its label

Span = tuple[float, float]


@dataclass(frozen=True)
class Rung:
    """An accuracy to be beaten that needs no training: its name ("most frequent class") and its share of right rows, 0..1."""

    name: str
    share: float


@dataclass(frozen=True)
class Plot:
    """A plotting area: steps 0..``end`` (1 or more) and values 0..``top`` on a canvas."""

    canvas: Canvas
    end: float
    top: float

    @property
    def width(self) -> int:
        return self.canvas.plot_width

    @property
    def gap(self) -> int:
        """From the middle of a label to the middle of the next."""
        return self.canvas.font + 4

    def x(self, step: float) -> float:
        return step / self.end * self.width

    def y(self, value: float) -> float:
        return value / self.top * self.canvas.plot_height

    def width_of(self, text: str) -> float:
        """An upper estimate: fonts differ, and a label too short for its place is better than one over its neighbour."""
        return columns(re.sub("<[^>]*>", "", text)) * 0.6 * self.canvas.font

    def band(self, line: Line, left: float, right: float) -> list[Span]:
        """Where a line runs between two places, with its dots and a little air: one span, or none."""
        low, high = left / self.width * self.end, right / self.width * self.end
        first, last = bisect_left(line.steps, low), bisect_right(line.steps, high)
        inside = list(line.trend[first:last])
        for edge, i in ((low, first), (high, last)):
            if 0 < i < len(line.steps):
                share = (edge - line.steps[i - 1]) / (line.steps[i] - line.steps[i - 1])
                inside.append(line.trend[i - 1] + (line.trend[i] - line.trend[i - 1]) * share)
        return [(self.y(min(inside)) - _AIR, self.y(max(inside)) + _AIR)] if inside else []

    def label(self, text: str, step: float, value: float, place: float, **more: object) -> dict:
        """An annotation at a step and a value, moved up or down to ``place``."""
        here = {"x": step, "y": rounded(value), "yshift": round(place - self.y(value), 1), "text": text, "showarrow": False}
        here |= {"yanchor": "middle", "font": {"size": self.canvas.font, "color": INK}, "bgcolor": SURFACE, "borderpad": 0}
        return here | more


@dataclass(frozen=True)
class Box:
    """The room that a label takes."""

    left: float
    right: float
    low: float
    high: float


def taken(boxes: Iterable[Box], left: float, right: float) -> list[Span]:
    """What boxes leave no room for between two places."""
    return [(box.low, box.high) for box in boxes if box.left < right and box.right > left]


def rung_labels(plot: Plot, rungs: Sequence[Rung], lines: Sequence[Line]) -> tuple[list[dict], list[Box]]:
    """A name and number at the right edge over each rung's line, and the boxes that labels and lines take."""
    strokes = [Box(0, plot.width, plot.y(rung.share) - 1, plot.y(rung.share) + 1) for rung in rungs]
    texts = [f"{plain(rung.name)} {percent(rung.share, 0)}" for rung in rungs]
    left = plot.width - max(map(plot.width_of, texts), default=0.0)
    blocked = taken(strokes, left, plot.width) + _bands(plot, lines, left, plot.width)
    over = [stroke.high + plot.gap / 2 for stroke in strokes]
    places = place_labels(over, blocked, plot.canvas.plot_height, plot.gap)
    labels = [
        plot.label(text, plot.end, rung.share, place, xanchor="right", font={"size": plot.canvas.font, "color": MUTED}, bgcolor=CLEAR)
        for text, rung, place in zip(texts, rungs, places, strict=True)
    ]
    boxes = [_box(plot, plot.width - plot.width_of(text), plot.width, place) for text, place in zip(texts, places, strict=True)]
    return labels, strokes + boxes


def end_labels(
    plot: Plot, lines: Sequence[Line], frontier: float, boxes: Sequence[Box], texts: Sequence[str]
) -> tuple[list[dict], list[Box]]:
    """One label per line (the first line is the most important) in a column: right of the newest step, else at the right edge.

    At the right edge they keep clear of the lines, each as near as it can be to its own line's end. Returns the boxes they take, too.
    """
    widths = [plot.width_of(text) for text in texts]
    room = plot.x(frontier) + _BESIDE + max(widths, default=0.0) <= plot.width
    left = plot.x(frontier) + _BESIDE if room else plot.width - max(widths, default=0.0)
    right = left + max(widths, default=0.0)
    blocked = taken(boxes, left, right) + ([] if room else _bands(plot, lines, left, right))
    wanted = [plot.y(line.trend[-1]) for line in lines]
    places = place_labels(wanted, blocked, plot.canvas.plot_height, plot.gap)
    where = {"xanchor": "left", "xshift": _BESIDE} if room else {"xanchor": "right"}
    labels = [
        plot.label(text, frontier if room else plot.end, line.trend[-1], place, **where)
        for text, line, place in zip(texts, lines, places, strict=True)
    ]
    spans = [(left, left + width) if room else (right - width, right) for width in widths]
    return labels, [_box(plot, *span, place) for span, place in zip(spans, places, strict=True)]


def end_text(line: Line, *, percents: bool, digits: int = 1, more: str = "") -> str:
    """What stands at the end of a line: its sign in its colour, its name, its last value."""
    value = percent(line.trend[-1], digits) if percents else written(line.trend[-1], False)
    return f'<span style="color:{line.colour}">{SYMBOLS[line.symbol]}</span> {line.short} {value}{more}'


def kept_label(plot: Plot, line: Line, step: int, lines: Sequence[Line], boxes: Sequence[Box], text: str, *, below: bool) -> dict:
    """The word at the ring of an earlier step, clear of lines and labels."""
    width, value = plot.width_of(text), line.values[line.steps.index(step)]
    left = min(max(plot.x(step) - width / 2, 0), plot.width - width)
    ring = (plot.y(value) - _RING, plot.y(value) + _RING)
    blocked = [ring, *taken(boxes, left, left + width), *_bands(plot, lines, left, left + width)]
    place = place_labels([plot.y(value) + (-1 if below else 1)], blocked, plot.canvas.plot_height, plot.gap)[0]
    return plot.label(text, step, value, place, xanchor="left", xshift=round(left - plot.x(step), 1))


def ring_box(plot: Plot, step: float, value: float) -> Box:
    """The room of the ring around what is kept."""
    x, y = plot.x(step), plot.y(value)
    return Box(x - _RING, x + _RING, y - _RING, y + _RING)


def _box(plot: Plot, left: float, right: float, middle: float) -> Box:
    return Box(left, right, middle - plot.gap / 2 - 1, middle + plot.gap / 2 + 1)


def _bands(plot: Plot, lines: Sequence[Line], left: float, right: float) -> list[Span]:
    return [span for line in lines for span in plot.band(line, left, right)]


def place_labels(wanted: Sequence[float], blocked: Sequence[Span], high: float, gap: float) -> list[float]:
    """Middles of labels ``gap`` tall within [0, high], near to where each is wanted: the first ones choose first which room to fill.

    They are clear of the ``blocked`` spans and of each other, and always in the order they were wanted in. Where there is no room they are
    clear of each other alone.
    """
    gap = min(gap, high / max(len(wanted), 1))
    free = _free(blocked, high)
    held = [0] * len(free)
    for place in wanted:
        room = [k for k, (low, top) in enumerate(free) if (held[k] + 1) * gap <= top - low]
        if not room:
            free, held = [(0.0, high)], [len(wanted)]
            break
        held[min(room, key=lambda k: abs(place - min(max(place, free[k][0] + gap / 2), free[k][1] - gap / 2)))] += 1
    ascending = sorted(range(len(wanted)), key=lambda i: wanted[i])
    places, begin = [0.0] * len(wanted), 0
    for (low, top), count in zip(free, held, strict=True):
        members = ascending[begin : begin + count]
        begin += count
        for i, place in zip(members, pushed_apart([wanted[i] for i in members], gap, low + gap / 2, top - gap / 2), strict=True):
            places[i] = place
    return places


def largest_free(blocked: Sequence[Span], high: float) -> Span:
    """The widest span in [0, high] that nothing blocks; all of it where everything is."""
    return max(_free(blocked, high), key=lambda span: span[1] - span[0], default=(0.0, high))


def _free(blocked: Sequence[Span], high: float) -> list[Span]:
    free, begin = [], 0.0
    for low, top in sorted(blocked):
        if low > begin:
            free.append((begin, min(low, high)))
        begin = max(begin, top)
    return [(low, top) for low, top in (*free, (begin, high)) if top > low]


def pushed_apart(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
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
