"""HTML with buttons whose presses reach the page as events, and the buttons themselves.

``assets/buttons.js`` renders it, keeps the focus through every update and triggers the click event.
"""

from dataclasses import dataclass

import gradio as gr

from trainer.ui import assets, html_pieces


@dataclass(frozen=True)
class Button:
    """One button. The click event carries ``action`` and ``code``; the status bar shows ``busy_message`` until the server has answered."""

    action: str
    title: str
    code: str = ""
    primary: bool = False
    elem_id: str = ""
    disabled: bool = False
    busy_message: str = ""
    link: bool = False

    @property
    def html(self) -> str:
        css_class = "em-link" if self.link else "em-button em-primary" if self.primary else "em-button"
        attributes = {"data-action": self.action, "data-code": self.code, "data-busy-message": self.busy_message, "id": self.elem_id}
        written = "".join(
            f' {name}="{html_pieces.text(value, max_length=400)}"' for name, value in attributes.items() if value or name == "data-action"
        )
        return f'<button type="button" class="{css_class}"{written}{" disabled" if self.disabled else ""}>{html_pieces.text(self.title)}</button>'


def html_with_buttons(value: str, *, elem_id: str, classes: tuple[str, ...] = ()) -> gr.HTML:
    """HTML whose ``click`` event carries ``action`` and ``code`` of the pressed button."""
    return gr.HTML(
        value,
        html_template='<div class="em-with-buttons"></div>',
        js_on_load=assets.mount_script("buttons.js"),
        elem_id=elem_id,
        elem_classes=list(classes),
    )
