"""A plotly chart that keeps its zoom and hover while its data change.

``gr.Plot`` is rebuilt at each update; this is a ``gr.HTML`` whose script hands the new figure to ``Plotly.react``.
"""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr

_SCRIPT = Path(__file__).resolve().parents[2] / "assets" / "live_chart.js"


def plotly_script() -> Path:
    """plotly.js as it comes in the plotly package; found without importing plotly."""
    spec = find_spec("plotly")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package plotly is not installed")
    return Path(spec.submodule_search_locations[0]) / "package_data" / "plotly.min.js"


def drawn(figure: dict[str, Any] | None) -> str | None:
    """The value of a live chart that shows a plotly figure. As text: gradio walks three times through all the numbers of what is none."""
    return None if figure is None else json.dumps(figure, separators=(",", ":"), allow_nan=False)


def live_chart(figure: dict[str, Any] | None, *, elem_id: str, height: int, title: str = "", note: str = "") -> gr.HTML:
    """A chart whose value is what ``drawn`` makes of a figure; ``height`` pixels are kept free before it is there."""
    return gr.HTML(
        value=drawn(figure),
        html_template='<div class="chart"></div>',
        js_on_load=_SCRIPT.read_text(encoding="utf-8"),
        elem_id=elem_id,
        elem_classes=["em-chart"],
        min_height=height,
    )
