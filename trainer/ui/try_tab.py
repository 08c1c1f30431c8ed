"""Tab 4, Try it: type a text, see the probability of each class at once."""

import zlib
from contextlib import suppress
from dataclasses import dataclass

import gradio as gr

from trainer.errors import UserError
from trainer.library import ExampleRow
from trainer.studio import Studio
from trainer.ui import assets, markup, results_view, run_names, shell, try_view
from trainer.ui.buttons import Button, html_with_buttons
from trainer.ui.session import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, owner, user_errors


@dataclass(frozen=True)
class TryTab:
    """The components other tabs read or write."""

    text: gr.Textbox
    answer: gr.HTML
    examples: gr.HTML
    footer: gr.HTML
    """Its ``click`` event carries ``action`` "to-data"; where there is a model it holds the link to it instead."""


def build(studio: Studio, run: gr.Textbox) -> TryTab:
    """Lay the tab out and wire what concerns it alone; ``run`` is the model in hand."""
    with gr.Row(elem_classes=["em-columns", "em-try"]):
        with gr.Column(min_width=320):
            gr.HTML(shell.heading("Try a text"), elem_id="try-head")
            text = gr.Textbox(
                "",
                show_label=False,
                label="Text",
                placeholder="Type or paste a text here",
                lines=5,
                max_lines=12,
                container=False,
                elem_id="try-text",
            )
            examples = html_with_buttons("", elem_id="examples")
        with gr.Column(min_width=320):
            answer = gr.HTML(
                try_view.no_model(),
                html_template='<div class="em-answer em-card"></div><div class="em-hidden" role="status"></div>',
                js_on_load=assets.inline_script("prediction.js"),
                elem_id="answer",
            )
    tab = TryTab(text, answer, examples, shell.footer(elem_id="footer-try", value=_footer(studio, "")))
    refuse = user_errors(lambda message: markup.notice(message, "error"))

    @refuse
    def predict(run_id: str | None, words: str | None) -> str:
        return show(studio, run_id or "", words or "")

    @user_errors(lambda message: {examples: markup.notice(message, "error")})
    def choose(run_id: str | None) -> dict:
        return {examples: try_view.examples(_examples(studio, run_id or "")), tab.footer: _footer(studio, run_id or "")}

    def fill(press: gr.EventData, run_id: str | None) -> str:
        return example(studio, run_id or "", int(press.code))

    # With "always_last" a fast typist's letters do not queue up: the last state is asked for once the one before is answered. One event for
    # both, so that the answer to what was chosen last comes last.
    gr.on([text.change, run.change], predict, [run, text], answer, trigger_mode="always_last", **PRIVATE_EVENT)
    run.change(choose, run, [examples, tab.footer], **PRIVATE_EVENT_MULTIPLE)
    examples.click(fill, run, text, **PRIVATE_EVENT)
    return tab


def first_example(studio: Studio, run_id: str, words: str | None) -> str:
    """What the box should hold when somebody is led to this tab: what it holds, or the first example."""
    return words if words and words.strip() else example(studio, run_id, 0)


def example(studio: Studio, run_id: str, place: int) -> str:
    """The text of one of the examples; empty where there is none."""
    found = _examples(studio, run_id)
    return found[place].text if place < len(found) else ""


def show(studio: Studio, run_id: str, words: str) -> str:
    """The answer to a text, as HTML that says to which question of which model it is the answer."""
    return try_view.answer_to(run_id, checksum(words), _answer(studio, run_id, words))


def checksum(words: str) -> int:
    """Tells the page whether an answer is that to the text in the box: Adler-32 of its UTF-16 code units, as ``assets/prediction.js`` has it."""
    # A text area knows one kind of line break; half a surrogate pair may be pasted.
    lines = words.replace("\r\n", "\n").replace("\r", "\n")
    return zlib.adler32(lines.encode("utf-16-le", "surrogatepass"))


def _answer(studio: Studio, run_id: str, words: str) -> str:
    if not run_id:
        return try_view.no_model()
    title = run_names.title_of(run_id, studio.runs(owner()))
    if not words.strip():
        return try_view.no_text(title)
    names, (prediction,) = studio.predict(owner(), run_id, [words])
    labels = [row.label for row in _examples(studio, run_id) if row.text == words.strip()]
    return try_view.answer(names, prediction, title, label=labels[0] if labels else "")


def _examples(studio: Studio, run_id: str) -> tuple[ExampleRow, ...]:
    """Test rows of the model in hand; none where they are damaged, which Results says."""
    if run_id:
        with suppress(UserError):
            return studio.examples(owner(), run_id)
    return ()


def _footer(studio: Studio, run_id: str) -> str:
    if not run_id:
        return shell.footer_html("First a file, then a model, then its answers.", Button("to-data", "Open a file", primary=True))
    if not studio.has_whole_model(owner(), run_id):
        return shell.footer_html("A part of this model is damaged, so it cannot be taken away: see Results.", is_error=True)
    return shell.footer_html("Good enough? It is yours to take away.") + results_view.download(run_id)
