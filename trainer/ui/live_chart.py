"""A plotly chart that keeps its zoom and hover while its data change.

``gr.Plot`` is rebuilt at each update; this is a ``gr.HTML`` whose script passes the new figure to ``Plotly.react``. Scripts are fetched when
the first chart becomes visible. Title and buttons are outside the image, where keyboard and screen reader reach them.
"""

import json
from typing import Any

import gradio as gr

from trainer.ui import assets, html_pieces

_BUTTONS = (("reset", "Reset zoom", ' class="em-away"'), ("png", "PNG", " disabled"), ("csv", "CSV", " disabled"))


def to_json(figure: dict[str, Any] | None) -> str | None:
    """The value of a live chart for a plotly figure. A string, since gradio would walk through all numbers of a dictionary three times."""
    return None if figure is None else json.dumps(figure, separators=(",", ":"), allow_nan=False)


def live_chart(
    figure: dict[str, Any] | None, *, elem_id: str, height: int, title: str, note: str = "", phone_height: int | None = None
) -> gr.HTML:
    """A chart under a heading, with buttons for PNG, CSV and resetting the zoom; its value comes from ``to_json``.

    ``height`` pixels, or ``phone_height`` on a screen up to 640 px wide, are reserved until there is a figure, which has its own heights.
    ``note`` is in small print beside the title, unless the figure's meta has another.
    """
    return gr.HTML(
        value=to_json(figure),
        html_template=_template(title, note, height, height if phone_height is None else phone_height),
        js_on_load=assets.mount_script("live_chart.js"),
        elem_id=elem_id,
        elem_classes=["em-chart"],
    )


def _template(title: str, note: str, height: int, phone_height: int) -> str:
    buttons = "".join(
        f'<button type="button" data-action="{action}"{attributes} aria-label="{html_pieces.text(f"{label}: {title}")}">{label}</button>'
        for action, label, attributes in _BUTTONS
    )
    html = (
        f'<div class="em-chart-head"><h3><span>{html_pieces.text(title)}</span> <small>{html_pieces.text(note)}</small></h3>'
        f'<div class="em-chart-tools">{buttons}</div></div>'
        f'<div class="chart" style="--height:{height}px;--phone-height:{phone_height}px"></div>'
    )
    # Gradio would replace what looks like a template variable.
    return html.replace("$", "&#36;").replace("{", "&#123;").replace("`", "&#96;").replace("\\", "&#92;")
