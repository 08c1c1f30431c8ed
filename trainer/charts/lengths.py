"""The chart of text lengths in tokens, with the maximum length."""

import numpy as np

from trainer.charts.layout import ACCENT, CLEAR, INK, MUTED, Figure, make_axis, make_layout, make_table
from trainer.text_format import percent

_BINS = 48


def token_lengths_chart(tokens: np.ndarray, max_length: int) -> Figure:
    """Histogram of tokens per text, shape (n,), with a line at the length at which texts are cut; longer bins are faint.

    Only the bins leave the server. The longest hundredth of the texts shares the last bin if it would stretch the chart.
    """
    longest_shown = max(int(np.quantile(tokens, 0.99, method="higher")), min(max_length, int(tokens.max())), 8)
    bin_width = max(1, -(-longest_shown // _BINS))
    edges = np.arange(0, longest_shown + bin_width + 1, bin_width)
    counts, _ = np.histogram(np.minimum(tokens, edges[-1]), bins=edges)
    percents = 100 * counts / max(len(tokens), 1)
    hover = [
        f"{low + 1 if bin_width > 1 else low} to {high} tokens{' or more' if last else ''}: {percent(value / 100)} of the texts"
        for low, high, value, last in zip(
            edges[:-1], edges[1:], percents, [False] * (len(counts) - 1) + [bool(tokens.max() > edges[-1])], strict=True
        )
    ]
    bars = {"type": "bar", "x": ((edges[:-1] + edges[1:]) / 2).tolist(), "y": percents.round(3).tolist(), "width": 0.94 * bin_width}
    bars |= {
        "marker": {"color": ACCENT, "opacity": [1.0 if low < max_length else 0.35 for low in edges[:-1].tolist()]},
        "hovertext": hover,
        "hovertemplate": "%{hovertext}<extra></extra>",
    }
    cut_fraction = float((tokens > max_length).mean())
    cut_note = f"cut at {max_length} tokens" + (f": {percent(cut_fraction)} are longer" if cut_fraction else ", all fit")
    is_inside = max_length <= edges[-1]
    line, note = _cut_line(max_length, int(edges[-1]), float(percents.max()), cut_note)
    x_axis = make_axis("tokens per text", range=[0, float(edges[-1])], tickformat=",d", nticks=9, showgrid=False, fixedrange=True)
    y_axis = make_axis("", ticksuffix=" %", rangemode="tozero", fixedrange=True, nticks=4)
    description = f"Tokens per text: the median is {int(np.median(tokens))}, the longest {int(tokens.max()):,}; {cut_note}."
    margin = {"l": 44, "r": 16, "t": 22, "b": 40}
    layout = make_layout("tokens", 200, margin, description, xaxis=x_axis, yaxis=y_axis, annotations=[note])
    bins = zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    rows = [(low + 1 if bin_width > 1 else low, high, count) for low, high, count in bins]
    layout["meta"]["table"] = make_table(("fewest tokens", "most tokens", "texts"), (), 0, rows)
    return {"data": [bars, line] if is_inside else [bars], "layout": layout}


def _cut_line(max_length: int, end: int, highest: float, text: str) -> tuple[dict, dict]:
    """The line at the maximum length as a trace, and its label."""
    line = {"type": "scatter", "mode": "lines", "x": [max_length] * 2, "y": [0, 1.12 * max(highest, 0.01)], "hoverinfo": "skip"}
    line |= {"line": {"color": INK, "width": 1.5, "dash": "4px,4px"}}
    label = {"x": min(max_length, end), "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False, "text": text}
    label |= {"xanchor": "right" if max_length > 0.6 * end else "left", "font": {"color": MUTED, "size": 11}, "bgcolor": CLEAR}
    return line, label
