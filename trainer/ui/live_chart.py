"""A plotly chart in its frame, which keeps its zoom and hover while its data change.

``gr.Plot`` is rebuilt at each update; this is a ``gr.HTML`` whose script hands the new figure to ``Plotly.react``. Scripts are fetched when
the first chart is to be seen, and its title and buttons stand outside the image, where keyboard and screen reader find them.
"""

import json
from typing import Any

import gradio as gr

from trainer.ui import assets, markup

_BUTTONS = (("reset", "Reset zoom", ' class="em-away"'), ("png", "PNG", " disabled"), ("csv", "CSV", " disabled"))


def to_json(figure: dict[str, Any] | None) -> str | None:
    """The value of a live chart that shows a plotly figure. As text: gradio walks three times through all the numbers of what is none."""
    return None if figure is None else json.dumps(figure, separators=(",", ":"), allow_nan=False)


def live_chart(
    figure: dict[str, Any] | None, *, elem_id: str, height: int, title: str, note: str = "", phone_height: int | None = None
) -> gr.HTML:
    """A chart under a heading, with buttons for a PNG, a CSV and the way back from a zoom; its value is what ``to_json`` makes of a figure.

    ``height`` pixels, or ``phone_height`` on a screen up to 640 px wide, are kept free before a figure is there; then its own heights hold.
    ``note`` stands small beside the title, where the figure's meta does not hold another.
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
        f'<button type="button" data-action="{do}"{more} aria-label="{markup.text(f"{words}: {title}")}">{words}</button>'
        for do, words, more in _BUTTONS
    )
    html = (
        f'<div class="em-chart-head"><h3><span>{markup.text(title)}</span> <small>{markup.text(note)}</small></h3>'
        f'<div class="em-chart-tools">{buttons}</div></div>'
        f'<div class="chart" style="--height:{height}px;--phone-height:{phone_height}px"></div>'
    )
    # Gradio fills in what looks like a variable.
    return html.replace("$", "&#36;").replace("{", "&#123;").replace("`", "&#96;").replace("\\", "&#92;")
