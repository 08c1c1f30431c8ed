"""What all charts share: theme tokens, the two sizes a chart is drawn in, layout, axes, and names made safe for plotly.

Colours that depend on the theme are left as tokens (INK, FAINT, ...) for assets/chart.js.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

Figure = dict[str, Any]

# chart.js replaces these by the page's own colours, in light and in dark. In the form of CSS variables plotly's validator takes them
# for colours, and no class name can be mistaken for one: they are replaced under colour keys and in annotations only.
INK, MUTED, FAINT = "var(--chart-ink)", "var(--chart-muted)", "var(--chart-faint)"
SURFACE, ACCENT, ON_ACCENT = "var(--chart-surface)", "var(--chart-accent)", "var(--chart-on-accent)"
WRONG, ON_WRONG = "var(--chart-wrong)", "var(--chart-on-wrong)"
CLEAR = "rgba(0,0,0,0)"


@dataclass(frozen=True)
class Canvas:
    """One size in which a chart is drawn, in pixels. ``plot_width`` is what lies between the margins at the least."""

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
"""Of curves, on screens wider than 640 px and on narrower ones (assets/styles/charts.css has the same bound)."""


def plain(name: str) -> str:
    """``name`` so that plotly shows it as it is: its pseudo-HTML (<b>, <a href>, &amp;) is escaped, line breaks become spaces."""
    return " ".join(str(name).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def columns(text: str) -> int:
    """How wide a text is in letters; a CJK character counts as two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def short(name: str, most: int = 22) -> str:
    """``plain`` for an axis: at most ``most`` columns wide, cut in its middle, so that beginning and end stay."""
    return plain(_shortened(name, most))


def short_names(names: Sequence[str], most: int = 22) -> list[str]:
    """``short`` of each name, no two alike: names that would be are cut so that what tells them apart stays, at the worst a number."""
    whole = [" ".join(str(name).split()) for name in names]
    shown = [_shortened(name, most) for name in whole]
    for _ in range(3):  # those that differ at one place may be alike at the next
        alike: dict[str, list[int]] = defaultdict(list)
        for i, once in enumerate(shown):
            alike[once].append(i)
        for places in alike.values():
            same = sum(1 for _ in takewhile(lambda letters: len(set(letters)) == 1, zip(*(whole[i] for i in places), strict=False)))
            for i in places if len(places) > 1 else ():
                shown[i] = _shortened(whole[i], most, keep=same)
    used: set[str] = set()
    for i, once in enumerate(shown):
        number = 1
        while once in used:
            number += 1
            once = f"{_cut(whole[i], most - 2 - len(str(number)))}… {number}"
        shown[i] = once
        used.add(once)
    return [plain(once) for once in shown]


def _shortened(name: str, most: int, *, keep: int | None = None) -> str:
    """A name cut in its middle, or (``keep``) before the place from which on it must be read, and after it where it must be."""
    name = " ".join(str(name).split())
    if columns(name) <= most:
        return name
    front = _cut(name, (most - 1) // 2)
    if keep is None or keep <= len(front):
        return f"{front}…{_cut(name[::-1], most - 1 - columns(front))[::-1]}"
    front = _cut(name, (most - 1) // 3)
    rest, room = name[max(keep - 2, len(front)) :], most - 1 - columns(front)
    return f"{front}…{rest if columns(rest) <= room else _cut(rest, room - 1) + '…'}"


def _cut(name: str, most: int) -> str:
    """The beginning of a name, at most ``most`` columns wide."""
    width = 0
    for i, character in enumerate(name):
        width += columns(character)
        if width > most:
            return name[:i].rstrip()
    return name


def make_layout(
    key: str, height: int, margin: dict, description: str, *, xaxis: dict, yaxis: dict, annotations: Sequence[dict] = ()
) -> dict:
    """A layout for plotly. Its ``meta`` is for chart.js: the "description" that is read out, and what single charts add.

    "phone" holds what differs on a narrow screen (entries of ``xaxis`` and ``yaxis`` one by one), "table" is the CSV where the traces
    are not (``make_table``), "rungs" go into the CSV too, "note" stands beside the chart's title in place of its own.
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


def make_axis(title: str, **more: Any) -> dict:
    # Invisible ticks keep the numbers off the axis; plotly's margin.pad would also keep the bars off it.
    quiet = {"gridcolor": FAINT, "linecolor": FAINT, "zeroline": False, "tickfont": {"color": MUTED, "size": 11}}
    quiet |= {"ticks": "outside", "ticklen": 4, "tickcolor": CLEAR}
    return quiet | {"title": {"text": title, "font": {"color": MUTED, "size": 11}, "standoff": 8}} | more


def make_table(header: Sequence[str], names: Sequence[str], named: int, rows: Sequence[Sequence[Any]]) -> dict:
    """What the CSV of a chart holds. The first ``named`` cells of a row are places in ``names``, which are whole and unescaped."""
    return {"header": list(header), "names": [str(name) for name in names], "named": named, "rows": [list(row) for row in rows]}
