"""HTML with buttons that the page hears of, and the buttons themselves.

``assets/buttons.js`` draws it, keeps the focus through every redraw and hands a press to the page.
"""

from dataclasses import dataclass

import gradio as gr

from trainer.ui import assets, markup


@dataclass(frozen=True)
class Button:
    """One button. ``action`` and ``code`` are what the page hears, ``says`` what the strip answers before the server has been asked."""

    action: str
    title: str
    code: str = ""
    primary: bool = False
    elem_id: str = ""
    disabled: bool = False
    says: str = ""
    link: bool = False

    @property
    def html(self) -> str:
        kind = "em-link" if self.link else "em-button em-primary" if self.primary else "em-button"
        facts = {"data-do": self.action, "data-code": self.code, "data-says": self.says, "id": self.elem_id}
        written = "".join(f' {name}="{markup.text(value, most=400)}"' for name, value in facts.items() if value or name == "data-do")
        return f'<button type="button" class="{kind}"{written}{" disabled" if self.disabled else ""}>{markup.text(self.title)}</button>'


def html_with_buttons(value: str, *, elem_id: str, classes: tuple[str, ...] = ()) -> gr.HTML:
    """A piece of HTML whose ``click`` event carries ``action`` and ``code`` of the button that was pressed."""
    return gr.HTML(
        value,
        html_template='<div class="em-with-buttons"></div>',
        js_on_load=assets.mount_script("buttons.js"),
        elem_id=elem_id,
        elem_classes=list(classes),
    )
