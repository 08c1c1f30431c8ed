"""What all charts share: theme tokens, layout, axes, and names made safe for plotly.

Colours that depend on the theme are left as tokens (INK, FAINT, ...) for assets/live_chart.js.
"""

import unicodedata
from collections.abc import Sequence
from typing import Any

Figure = dict[str, Any]

# live_chart.js replaces these by the page's own colours, in light and in dark. In the form of CSS variables plotly's validator takes them
# for colours, and no class name can be mistaken for one: they are replaced under colour keys and in annotations only.
INK, MUTED, FAINT = "var(--chart-ink)", "var(--chart-muted)", "var(--chart-faint)"
SURFACE, ACCENT, ON_ACCENT = "var(--chart-surface)", "var(--chart-accent)", "var(--chart-on-accent)"
CLEAR = "rgba(0,0,0,0)"


def plain(name: str) -> str:
    """``name`` so that plotly shows it as it is: its pseudo-HTML (<b>, <a href>, &amp;) is escaped, line breaks become spaces."""
    return " ".join(str(name).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def short(name: str, columns: int = 22) -> str:
    """``plain`` for an axis: at most ``columns`` wide (a CJK character counts as two), with an ellipsis where something was cut."""
    name = " ".join(str(name).split())
    width = 0
    for i, character in enumerate(name):
        width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if width > columns:
            return plain(name[: max(i - 1, 1)].rstrip()) + "…"
    return plain(name)


def make_layout(
    key: str, height: int, margin: dict, description: str, *, xaxis: dict, yaxis: dict, annotations: Sequence[dict] = ()
) -> dict:
    return {
        "height": height,
        "autosize": True,
        "margin": margin,
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": SURFACE, "bordercolor": MUTED, "font": {"color": INK, "size": 12}, "align": "left"},
        "modebar": {"bgcolor": CLEAR, "color": MUTED, "activecolor": ACCENT},
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
