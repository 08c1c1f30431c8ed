"""The shell around the tabs: header, model picker, status bar and the footer of each tab. Its scripts are ``assets/shell.js`` and
``assets/queue_stream.js``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gradio as gr

from trainer.runs.view import RunView
from trainer.training.hardware import Hardware
from trainer.ui import assets, markup
from trainer.ui.buttons import Button, html_with_buttons

_PICKER = """
const box = element.querySelector(".em-model-box");
let shown = "";
function draw() {
  if (props.value === shown) return;
  box.innerHTML = shown = props.value ?? "";
}
box.addEventListener("change", ({ target }) => trigger("select", { run: target.value }));
watch("value", draw);
draw();
"""


@dataclass(frozen=True)
class Shell:
    """The components around the tabs."""

    hardware_badge: gr.HTML
    status_bar: gr.HTML
    """Its ``click`` event carries ``action`` ("stop", "watch", "results", "resume", "dismiss") and ``code``, the run."""
    model: gr.Textbox
    """The id of the run whose model is in hand: what Results, Try it and downloads show. Empty where there is none."""
    picker: gr.HTML
    """Its ``select`` event carries ``run``."""


def build() -> Shell:
    """Lay header and strip out."""
    with gr.Row(elem_classes=["em-header"]):
        gr.HTML('<div class="em-brand"><h1>Emotune</h1><p>Teach your computer to sort texts. No code.</p></div>')
        picker = gr.HTML(html_template='<div class="em-model-box"></div>', js_on_load=_PICKER, elem_id="model-picker")
        hardware_badge = gr.HTML(elem_id="hardware-badge")
    status_bar = html_with_buttons("", elem_id="status-bar")
    return Shell(hardware_badge, status_bar, gr.Textbox("", visible="hidden", elem_id="model"), picker)


def head() -> str:
    """What the page's head holds."""
    plotly = assets.file_url(assets.plotly_file())
    return f'<style>{assets.page_styles()}</style><meta id="plotly-file" content="{plotly}"><script>{assets.page_script()}</script>'


def heading(title: str, about: str = "") -> str:
    """The heading of a tab, to which the focus goes; both may hold HTML of our own only."""
    return f'<h2 tabindex="-1">{title}</h2>' + (f'<p class="em-quiet">{about}</p>' if about else "")


def footer(*, elem_id: str, value: str = "") -> gr.HTML:
    """The sticky foot of a tab; its value is what ``footer_html`` makes."""
    return html_with_buttons(value, elem_id=elem_id, classes=("em-footer",))


def footer_html(said: str, *presses: Button, wrong: bool = False) -> str:
    """What stands in the way or what comes next, and buttons, of which one at most is primary; ``wrong`` where it is a mistake."""
    words = f'<p class="em-say{" em-wrong" if wrong else ""}"{" role=alert" if wrong else ""} dir="auto">{markup.text(said, max_length=600)}</p>'
    return words + "".join(press.html for press in presses)


def picker_html(trained: Sequence[RunView], titles: Mapping[str, str], model: str) -> str:
    """The list of models; nothing where there is none."""
    if not trained:
        return ""
    options = "".join(
        f'<option value="{view.id}"{" selected" if view.id == model else ""}>{markup.text(titles[view.id], max_length=80)}</option>'
        for view in trained
    )
    return f'<label class="em-model"><span>Model:</span><select aria-label="Model in hand">{options}</select></label>'


def hardware_badge_html(hardware: Hardware | None) -> str:
    return f'<span class="em-badge" title="What does the work">{markup.text(hardware.description if hardware else "warming up …")}</span>'
