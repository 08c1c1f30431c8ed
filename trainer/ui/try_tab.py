"""Tab 4, Try it: type a text and see the probability of each class at once."""

import zlib
from contextlib import suppress
from dataclasses import dataclass

import gradio as gr

from trainer.errors import UserError
from trainer.run_library import ExampleRow
from trainer.studio import Studio
from trainer.ui import assets, html_pieces, page_frame, results_view, run_names, try_view, whole_file_section
from trainer.ui.buttons import Button, html_with_buttons
from trainer.ui.event_handling import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, current_workspace, user_errors


@dataclass(frozen=True)
class TryTab:
    """The components other tabs read or write."""

    text: gr.Textbox
    prediction: gr.HTML
    examples: gr.HTML
    footer: gr.HTML
    """Its ``click`` event carries ``action`` "to-data"; once there is a model it holds its download link instead."""


def build(studio: Studio, run: gr.Textbox) -> TryTab:
    """Lay the tab out and wire the events that concern it alone; ``run`` is the run whose model is in use."""
    with gr.Row(elem_classes=["em-columns", "em-try"]):
        with gr.Column(min_width=320):
            gr.HTML(page_frame.heading("Try a text"), elem_id="try-head")
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
            prediction = gr.HTML(
                try_view.no_model(),
                html_template='<div class="em-prediction-card em-card"></div><div class="em-hidden" role="status"></div>',
                js_on_load=assets.inline_script("prediction.js"),
                elem_id="prediction",
            )
    whole_file_section.build(studio, run)
    tab = TryTab(text, prediction, examples, page_frame.footer(elem_id="footer-try", value=_footer(studio, "")))
    with_notice = user_errors(lambda message: html_pieces.notice(message, "error"))

    @with_notice
    def predict(run_id: str | None, text: str | None) -> str:
        return show(studio, run_id or "", text or "")

    @user_errors(lambda message: {examples: html_pieces.notice(message, "error")})
    def show_run(run_id: str | None) -> dict:
        return {examples: try_view.examples(_examples(studio, run_id or "")), tab.footer: _footer(studio, run_id or "")}

    def insert_example(event: gr.EventData, run_id: str | None) -> str:
        return example(studio, run_id or "", int(event.code))

    # With "always_last" the keystrokes of a fast typist do not queue up: once a request is answered, only the latest text is sent. One event
    # for both, so that the prediction for the latest choice comes last.
    gr.on([text.change, run.change], predict, [run, text], prediction, trigger_mode="always_last", **PRIVATE_EVENT)
    run.change(show_run, run, [examples, tab.footer], **PRIVATE_EVENT_MULTIPLE)
    examples.click(insert_example, run, text, **PRIVATE_EVENT)
    return tab


def text_or_example(studio: Studio, run_id: str, text: str | None) -> str:
    """The content of the text box when a button opens this tab: what it holds, or the first example."""
    return text if text and text.strip() else example(studio, run_id, 0)


def example(studio: Studio, run_id: str, index: int) -> str:
    """The text of an example; empty if there is none."""
    rows = _examples(studio, run_id)
    return rows[index].text if index < len(rows) else ""


def show(studio: Studio, run_id: str, text: str) -> str:
    """The prediction for a text as HTML, marked with its model and text."""
    return try_view.marked_prediction(run_id, checksum(text), _prediction(studio, run_id, text))


def checksum(text: str) -> int:
    """The Adler-32 of the text's UTF-16 code units, like that of ``assets/prediction.js``: it compares them to recognise outdated predictions."""
    # A text area has only one kind of line break; half a surrogate pair may be pasted.
    normalized = text.replace("\r\n", "\n").replace("\r", "\n")
    return zlib.adler32(normalized.encode("utf-16-le", "surrogatepass"))


def _prediction(studio: Studio, run_id: str, text: str) -> str:
    workspace = current_workspace(studio)
    if not run_id:
        return try_view.no_model()
    title = run_names.title_of(run_id, workspace.library.runs())
    if not text.strip():
        return try_view.no_text(title)
    names, (prediction,) = workspace.models.predict(run_id, [text])
    labels = [row.label for row in _examples(studio, run_id) if row.text == text.strip()]
    return try_view.prediction_html(names, prediction, title, label=labels[0] if labels else "")


def _examples(studio: Studio, run_id: str) -> tuple[ExampleRow, ...]:
    """Test rows of the run; none if they are damaged, which the Results tab shows."""
    if run_id:
        with suppress(UserError):
            return current_workspace(studio).library.examples(run_id)
    return ()


def _footer(studio: Studio, run_id: str) -> str:
    if not run_id:
        return page_frame.footer_html("Train a model to try it here.", Button("to-data", "Open a file", primary=True))
    if not current_workspace(studio).models.is_complete(run_id):
        return page_frame.footer_html("Files of this model are damaged, so it cannot be downloaded: see Results.", is_error=True)
    return page_frame.footer_html("Good enough? The model is yours.") + results_view.download(run_id)
