"""What all charts share: theme tokens, the two sizes of a chart, layout, axes, and names made safe for plotly.

Colours that depend on the theme are left as tokens (INK, FAINT, ...) for assets/chart.js.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

Figure = dict[str, Any]

# chart.js replaces these by the page's colours, light or dark. Plotly's validator accepts CSS variables as colours. A class name is never
# mistaken for one: they are replaced under colour keys and in annotations only.
INK, MUTED, FAINT = "var(--chart-ink)", "var(--chart-muted)", "var(--chart-faint)"
SURFACE, ACCENT, ON_ACCENT = "var(--chart-surface)", "var(--chart-accent)", "var(--chart-on-accent)"
WRONG, ON_WRONG = "var(--chart-wrong)", "var(--chart-on-wrong)"
CLEAR = "rgba(0,0,0,0)"


@dataclass(frozen=True)
class Canvas:
    """One size of a chart, in pixels. ``plot_width`` is the least width between the margins."""

    height: int
    left: int
    right: int
    top: int
    bottom: int
    plot_width: int
    font: int

    @property
    def plot_height(self) -> int:
        return self.height - self.top - self.bottom

    @property
    def margin(self) -> dict[str, int]:
        return {"l": self.left, "r": self.right, "t": self.top, "b": self.bottom}


WIDE = Canvas(height=300, left=48, right=12, top=12, bottom=28, plot_width=420, font=11)
PHONE = Canvas(height=176, left=38, right=10, top=10, bottom=22, plot_width=256, font=10)
"""Of curves, on screens above and below 640 px (assets/styles/charts.css has the same limit)."""


def escape(name: str) -> str:
    """``name`` so that plotly shows it unchanged: its pseudo-HTML (<b>, <a href>, &amp;) is escaped, line breaks become spaces."""
    return " ".join(str(name).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def display_width(text: str) -> int:
    """The width of a text in columns; a CJK character has two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def shorten(name: str, max_width: int = 22) -> str:
    """``escape`` for an axis: at most ``max_width`` columns wide, cut in the middle, so that beginning and end stay."""
    return escape(_shorten(name, max_width))


def shorten_names(names: Sequence[str], max_width: int = 22) -> list[str]:
    """``shorten`` of each name, all different: equal ones are cut elsewhere, so that the differing part stays, or get a number."""
    whole = [" ".join(str(name).split()) for name in names]
    shown = [_shorten(name, max_width) for name in whole]
    for _ in range(3):  # names that differ at one place may be equal at the next
        by_text: dict[str, list[int]] = defaultdict(list)
        for i, text in enumerate(shown):
            by_text[text].append(i)
        for indices in by_text.values():
            common = sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*(whole[i] for i in indices), strict=False)))
            for i in indices if len(indices) > 1 else ():
                shown[i] = _shorten(whole[i], max_width, keep_from=common)
    used: set[str] = set()
    for i, text in enumerate(shown):
        number = 1
        while text in used:
            number += 1
            text = f"{_cut(whole[i], max_width - 2 - len(str(number)))}… {number}"
        shown[i] = text
        used.add(text)
    return [escape(text) for text in shown]


def _shorten(name: str, max_width: int, *, keep_from: int | None = None) -> str:
    """A name cut in the middle or, with ``keep_from``, before that position and, if necessary, at the end."""
    name = " ".join(str(name).split())
    if display_width(name) <= max_width:
        return name
    front = _cut(name, (max_width - 1) // 2)
    if keep_from is None or keep_from <= len(front):
        return f"{front}…{_cut(name[::-1], max_width - 1 - display_width(front))[::-1]}"
    front = _cut(name, (max_width - 1) // 3)
    rest, room = name[max(keep_from - 2, len(front)) :], max_width - 1 - display_width(front)
    return f"{front}…{rest if display_width(rest) <= room else _cut(rest, room - 1) + '…'}"


def _cut(name: str, max_width: int) -> str:
    """The beginning of a name, at most ``max_width`` columns wide."""
    width = 0
    for i, character in enumerate(name):
        width += display_width(character)
        if width > max_width:
            return name[:i].rstrip()
    return name


def make_layout(
    key: str, height: int, margin: dict, description: str, *, xaxis: dict, yaxis: dict, annotations: Sequence[dict] = ()
) -> dict:
    """A layout for plotly. Its ``meta`` is for chart.js: the "description" for screen readers, and what single charts add.

    "phone" has what differs on a narrow screen (``xaxis`` and ``yaxis`` entry by entry), "table" is the CSV if it is not made from the
    traces (``make_table``), "reference_lines" go into the CSV too, "note" replaces the note beside the chart's title and "title" that title.
    """
    return {
        "height": height,
        "autosize": True,
        "margin": margin,
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": SURFACE, "bordercolor": MUTED, "font": {"color": INK, "size": 12}, "align": "left"},
        "font": {"size": 12, "color": INK},
        "uirevision": key,
        "xaxis": xaxis,
        "yaxis": yaxis,
        "annotations": list(annotations),
        "meta": {"description": description},
    }


def make_axis(title: str, **options: Any) -> dict:
    # Invisible ticks keep the numbers away from the axis; plotly's margin.pad would also keep the bars away.
    defaults = {"gridcolor": FAINT, "linecolor": FAINT, "zeroline": False, "tickfont": {"color": MUTED, "size": 11}}
    defaults |= {"ticks": "outside", "ticklen": 4, "tickcolor": CLEAR}
    return defaults | {"title": {"text": title, "font": {"color": MUTED, "size": 11}, "standoff": 8}} | options


def make_table(header: Sequence[str], names: Sequence[str], n_names: int, rows: Sequence[Sequence[Any]]) -> dict:
    """The content of a chart's CSV. The first ``n_names`` cells of a row are indices into ``names``, which are complete and unescaped."""
    return {"header": list(header), "names": [str(name) for name in names], "named": n_names, "rows": [list(row) for row in rows]}
