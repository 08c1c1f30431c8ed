"""The sheet over the foot of the Runs tab: one question at a time, with a field where one is asked for; Escape is its last answer.

``assets/runs_sheet.js`` leads the focus in and back; what is asked is decided elsewhere.
"""

from dataclasses import dataclass
from typing import Literal

import gradio as gr

from trainer.ui import assets, markup
from trainer.ui.buttons import Button


@dataclass(frozen=True)
class Field:
    """What a person types: its label, what stands there to begin with, and the most that it takes: characters, or the number itself."""

    label: str
    value: str
    most: int
    kind: Literal["text", "number"] = "text"


@dataclass(frozen=True)
class Question:
    """What is asked: ``strong`` and then ``rest`` are the question, ``presses`` the answers, of which the last does no harm.

    With a ``field``, Enter there is the first answer. ``wrong`` says what was wrong with the answer before.
    """

    strong: str
    rest: str = ""
    presses: tuple[Button, ...] = ()
    field: Field | None = None
    wrong: str = ""


def build() -> gr.HTML:
    """The sheet, closed; its value is ``opened``, ``refused`` or "". Its ``click`` event carries ``action``, ``code`` and ``value``, what was typed."""
    return gr.HTML(
        "",
        html_template='<div class="em-sheet" data-escape></div>',
        js_on_load=assets.inline_script("runs_sheet.js"),
        elem_id="runs-sheet",
    )


def question_html(question: Question) -> str:
    """A question as HTML."""
    said = f"<strong>{markup.text(question.strong, max_length=1500)}</strong> {markup.text(question.rest, max_length=1200)}".strip()
    wrong = f'<p class="em-wrong" role="alert" dir="auto">{markup.text(question.wrong, max_length=600)}</p>' if question.wrong else ""
    asked = f'<p dir="auto" role="status">{said}</p>' if question.strong else ""
    presses = "".join(press.html for press in question.presses)
    field = "" if question.field is None else _field(question.field)
    return f'<div class="em-question">{asked}{wrong}</div>{field}<div class="em-answers">{presses}</div>'


def error_html(message: str) -> str:
    """Why something cannot be done."""
    return question_html(Question("", presses=(Button("leave", "Close"),), wrong=message))


def _field(field: Field) -> str:
    limit = f'type="number" min="1" max="{field.most}"' if field.kind == "number" else f'type="text" maxlength="{field.most}" dir="auto"'
    return (
        f'<label class="em-field"><span>{markup.text(field.label)}</span>'
        f'<input {limit} value="{markup.text(field.value)}" autocomplete="off"></label>'
    )
