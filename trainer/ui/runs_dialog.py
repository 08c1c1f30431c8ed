"""The dialog over the footer of the Runs tab: one question at a time, possibly with an input field. Escape presses its last button.

``assets/runs_dialog.js`` moves the focus; ``runs_confirmations`` makes the questions.
"""

from dataclasses import dataclass
from typing import Literal

import gradio as gr

from trainer.ui import assets, html_pieces
from trainer.ui.buttons import Button


@dataclass(frozen=True)
class Field:
    """An input field: its label, initial value and maximum, in characters or as a number."""

    label: str
    value: str
    maximum: int
    input_type: Literal["text", "number"] = "text"


@dataclass(frozen=True)
class Question:
    """A question in a bold sentence and the ``details`` after it. The last of the ``buttons`` changes nothing.

    Enter in the ``field`` presses the first button. ``error`` says what was wrong with the previous answer.
    """

    title: str
    details: str = ""
    buttons: tuple[Button, ...] = ()
    field: Field | None = None
    error: str = ""


def build() -> gr.HTML:
    """The closed dialog; its value is ``question_html``, ``error_html`` or "".

    Its ``click`` event carries ``action``, ``code`` and ``value``, the typed text.
    """
    return gr.HTML(
        "",
        html_template='<div class="em-dialog" data-escape></div>',
        js_on_load=assets.inline_script("runs_dialog.js"),
        elem_id="runs-dialog",
    )


def question_html(question: Question) -> str:
    """A question as HTML."""
    question_text = f"<strong>{html_pieces.text(question.title, max_length=1500)}</strong> {html_pieces.text(question.details, max_length=1200)}".strip()
    error = f'<p class="em-wrong" role="alert" dir="auto">{html_pieces.text(question.error, max_length=600)}</p>' if question.error else ""
    text = f'<p dir="auto" role="status">{question_text}</p>' if question.title else ""
    buttons = "".join(button.html for button in question.buttons)
    field = "" if question.field is None else _field(question.field)
    return f'<div class="em-question">{text}{error}</div>{field}<div class="em-question-buttons">{buttons}</div>'


def error_html(message: str) -> str:
    """Why something cannot be done."""
    return question_html(Question("", buttons=(Button("cancel", "Close"),), error=message))


def _field(field: Field) -> str:
    limit = (
        f'type="number" min="1" max="{field.maximum}"'
        if field.input_type == "number"
        else f'type="text" maxlength="{field.maximum}" dir="auto"'
    )
    return (
        f'<label class="em-field"><span>{html_pieces.text(field.label)}</span>'
        f'<input {limit} value="{html_pieces.text(field.value)}" autocomplete="off"></label>'
    )
