"""The frame around the tabs: header, model picker, status bar and the footer of each tab.

Its scripts are ``assets/page_frame.js``, ``assets/queue_stream.js``, ``assets/saving_lists.js`` and, in a frame, ``assets/visitor_token.js``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gradio as gr

from trainer.runs.view import RunView
from trainer.settings import Settings
from trainer.text_format import approximate_duration
from trainer.training.hardware import Hardware
from trainer.ui import assets, html_pieces
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
class PageFrame:
    """The components around the tabs."""

    hardware_badge: gr.HTML
    status_bar: gr.HTML
    """Its ``click`` event carries ``action`` ("stop", "watch", "results", "resume", "dismiss") and ``code``, the run."""
    model: gr.Textbox
    """The id of the run whose model Results, Try it and the download show. Empty if there is no model."""
    picker: gr.HTML
    """Its ``select`` event carries ``run``."""


def build() -> PageFrame:
    """Lay out the header and the status bar."""
    with gr.Row(elem_classes=["em-header"]):
        gr.HTML('<div class="em-brand"><h1>Emotune</h1><p>Teach your computer to sort texts, without code.</p></div>')
        picker = gr.HTML(html_template='<div class="em-model-box"></div>', js_on_load=_PICKER, elem_id="model-picker")
        hardware_badge = gr.HTML(elem_id="hardware-badge")
    status_bar = html_with_buttons("", elem_id="status-bar")
    return PageFrame(hardware_badge, status_bar, gr.Textbox("", visible="hidden", elem_id="model"), picker)


def head(*, framed: bool = False) -> str:
    """The content of the page's head element; ``framed``: another site shows the page in a frame."""
    plotly = assets.file_url(assets.plotly_file())
    return f'<style>{assets.page_styles()}</style><meta id="plotly-file" content="{plotly}"><script>{assets.page_script(framed=framed)}</script>'


def heading(title: str, description: str = "") -> str:
    """The heading of a tab, which gets the focus. Both parts are inserted as HTML: escape what comes from users."""
    return f'<h2 tabindex="-1">{title}</h2>' + (f'<p class="em-quiet">{description}</p>' if description else "")


def footer(*, elem_id: str, value: str = "") -> gr.HTML:
    """The sticky footer of a tab; its value comes from ``footer_html``."""
    return html_with_buttons(value, elem_id=elem_id, classes=("em-footer",))


def footer_html(message: str, *buttons: Button, is_error: bool = False) -> str:
    """What has to be fixed or what comes next, and buttons, at most one of them primary."""
    css_class, role = ("em-footer-message em-wrong", " role=alert") if is_error else ("em-footer-message", "")
    text = f'<p class="{css_class}"{role} dir="auto">{html_pieces.text(message, max_length=600)}</p>'
    return text + "".join(button.html for button in buttons)


def picker_html(trained: Sequence[RunView], titles: Mapping[str, str], model: str) -> str:
    """The list of models; an empty string if there is none."""
    if not trained:
        return ""
    options = "".join(
        f'<option value="{view.id}"{" selected" if view.id == model else ""}>{html_pieces.text(titles[view.id], max_length=80)}</option>'
        for view in trained
    )
    return f'<label class="em-model"><span>Model:</span><select aria-label="Model in use">{options}</select></label>'


def hardware_badge_html(hardware: Hardware | None, settings: Settings, user: str = "") -> str:
    """What trains; in public mode that this is a demo, and for how long it keeps what; in a team who is logged in, with a link to log out."""
    mode = ""
    if settings.mode.title:
        who = "you see" if settings.mode.named else "this browser sees"
        kept = f" They are deleted {approximate_duration(settings.keep_seconds)} after your last visit." if settings.keep_seconds else ""
        title = html_pieces.text(f"{settings.mode.title}: {user}" if user else settings.mode.title)
        leave = ' <a href="logout">log out</a>' if user else ""
        mode = f'<span class="em-badge em-mode" title="Only {who} your files and runs.{kept}"><span>{title}</span>{leave}</span> '
    return f'{mode}<span class="em-badge" title="The hardware that trains the models">{html_pieces.text(hardware.description if hardware else "warming up …")}</span>'
