"""Tab 4, Try it: type a text and see the probability of each class at once, then its words; correct what is wrong."""

import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.errors import UserError
from trainer.evaluation.predictions import SPLITS
from trainer.explanation import Explanation
from trainer.run_library import ExampleRow
from trainer.studio import Studio
from trainer.ui import (
    assets,
    engine_choice,
    html_pieces,
    no_file_view,
    page_frame,
    results_view,
    run_names,
    take_away_section,
    try_lists,
    try_view,
    whole_file_section,
)
from trainer.ui.buttons import Button, html_with_buttons
from trainer.ui.event_handling import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, current_workspace, event_number, user_errors
from trainer.ui.try_lists import TriedText

_NOTHING_OPEN = -1
_MAX_DIGITS = 12
"""Of a number in an event: the page sends none so large."""
_PAUSE = "async (...values) => { await new Promise(done => setTimeout(done, %d)); return values; }"
"""The values that are sent are those from before the pause; "always_last" sends the last ones after it."""


@dataclass(frozen=True)
class TryTab:
    """The components other tabs read or write."""

    text: gr.Textbox
    each_line: gr.Checkbox
    engine: gr.Dropdown
    """What computes the answers: an AnsweringEngine, or None for what answers by itself."""
    prediction: gr.HTML
    examples: gr.HTML
    tried: gr.HTML
    new_texts: gr.HTML
    """Of its ``click`` events "labels" leads to another tab."""
    visits: gr.State
    footer: gr.HTML
    """Its ``click`` event carries ``action`` "to-data" or "quick" while there is no model of one's own; then it holds the download link instead."""
    file: gr.HTML
    """Its ``click`` event carries ``action`` "see-evaluation" and the id of an evaluation as ``code``."""


def build(studio: Studio, run: gr.Textbox) -> TryTab:
    """Lay the tab out and wire the events that concern it alone; ``run`` is the run whose model is in use."""
    with gr.Row(elem_classes=["em-columns", "em-try"]):
        with gr.Column(min_width=320):
            gr.HTML(page_frame.heading("Try a text"), elem_id="try-head")
            text = gr.Textbox(
                no_file_view.EXAMPLE if studio.settings.mode.offers_model else "",
                show_label=False,
                label="Text",
                placeholder="Type or paste a text here",
                lines=5,
                max_lines=12,
                container=False,
                elem_id="try-text",
            )
            each_line = gr.Checkbox(False, label="Each line is a text of its own", container=False, elem_id="try-lines")
            engine = engine_choice.build()
            examples = html_with_buttons("", elem_id="examples")
            tried = html_with_buttons("", elem_id="tried")
        with gr.Column(min_width=320):
            prediction = gr.HTML(
                _no_model(studio),
                html_template='<div class="em-prediction-card em-card"></div><div class="em-hidden" role="status"></div>',
                js_on_load=assets.inline_script("prediction.js"),
                elem_id="prediction",
            )
    new_texts = html_with_buttons("", elem_id="new-texts")
    file = whole_file_section.build(studio, run)
    take_away_section.build(studio, run, engine)
    footer = page_frame.footer(elem_id="footer-try", value=_footer(studio, ""))
    tab = TryTab(text, each_line, engine, prediction, examples, tried, new_texts, gr.State(()), footer, file)
    _wire_prediction(studio, tab, run)
    _wire_lists(studio, tab, run)
    return tab


def _wire_prediction(studio: Studio, tab: TryTab, run: gr.Textbox) -> None:
    """Predict as somebody types; then, and after a press in the prediction, its words."""

    @user_errors(lambda message: html_pieces.notice(message, "error"))
    def predict(run_id: str | None, text: str | None, each_line: bool, engine: str | None) -> str:
        return show(studio, run_id or "", text or "", each_line=bool(each_line), engine=engine)

    @user_errors(lambda message: {tab.prediction: html_pieces.notice(message, "error")})
    def press(event: gr.EventData, run_id: str, text: str, each_line: bool, engine: str | None, visits: tuple) -> dict:
        return _press(studio, tab, event.action, event.code, run_id, text, bool(each_line), engine, visits)

    # With "always_last" the keystrokes of a fast typist do not queue up: once a request is answered, only the latest text is sent. One event
    # for all, so that the prediction for the latest choice comes last. The words take longer than a keystroke, so the page asks for them only
    # once it shows a prediction for a while.
    inputs = [run, tab.text, tab.each_line, tab.engine]
    limit = studio.settings.max_predictions_per_minute
    # With a limit, typing alone must not reach it: each pause asks for a prediction and then for its words.
    pause = _PAUSE % (2 * 60_000 / limit) if limit else None
    events = [tab.text.change, run.change, tab.each_line.change, tab.engine.change]
    gr.on(events, predict, inputs, tab.prediction, js=pause, trigger_mode="always_last", **PRIVATE_EVENT)
    tab.prediction.click(press, [*inputs, tab.visits], [tab.prediction, tab.tried, tab.visits, tab.new_texts], **PRIVATE_EVENT_MULTIPLE)


def _wire_lists(studio: Studio, tab: TryTab, run: gr.Textbox) -> None:
    """Example rows, what was tried, and the texts that the next training learns."""

    @user_errors(lambda message: {tab.examples: html_pieces.notice(message, "error")})
    def show_run(run_id: str | None) -> dict:
        run_id = run_id or ""
        return {
            tab.examples: try_view.examples(_examples(studio, run_id)),
            tab.footer: _footer(studio, run_id),
            tab.engine: engine_choice.choices(current_workspace(studio), run_id),
            tab.new_texts: _new_texts(studio, run_id),
        }

    def insert_example(event: gr.EventData, run_id: str | None) -> str:
        return example(studio, run_id or "", event_number(event))

    def try_again(event: gr.EventData, visits: tuple) -> Any:
        index = event_number(event)
        return visits[index].text if index < len(visits) else gr.skip()

    @user_errors(lambda message: {tab.new_texts: html_pieces.notice(message, "error")})
    def retract(event: gr.EventData, run_id: str) -> Any:
        if event.action != "retract":
            return gr.skip()
        corrections = current_workspace(studio).corrections
        for text in corrections.new_texts(run_id).texts:
            if str(checksum(text)) == event.code:
                corrections.take_text_back(run_id, text)
        return {tab.new_texts: _new_texts(studio, run_id)}

    run.change(show_run, run, [tab.examples, tab.footer, tab.engine, tab.new_texts], **PRIVATE_EVENT_MULTIPLE)
    tab.examples.click(insert_example, run, tab.text, **PRIVATE_EVENT)
    tab.tried.click(try_again, tab.visits, tab.text, **PRIVATE_EVENT)
    tab.new_texts.click(retract, run, [tab.new_texts], **PRIVATE_EVENT_MULTIPLE)


def text_or_example(studio: Studio, run_id: str, text: str | None) -> str:
    """The content of the text box when a button opens this tab: what it holds, or the first example."""
    return text if text and text.strip() else example(studio, run_id, 0)


def example(studio: Studio, run_id: str, index: int) -> str:
    """The text of an example; empty if there is none."""
    rows = _examples(studio, run_id)
    return rows[index].text if index < len(rows) else ""


def text_of_row(studio: Studio, run_id: str, row: int) -> str:
    """The text of a validation or test row, by its index into the run's corpus; empty if there is none."""
    for split in SPLITS:
        rows = current_workspace(studio).library.predicted_rows(run_id, split)
        position = rows.position_of(row)
        if position is not None:
            return rows.texts[position]
    return ""


def show(studio: Studio, run_id: str, text: str, *, each_line: bool = False, engine: str | None = None) -> str:
    """The prediction for a text as HTML, marked with its model and text; its words come later. ``engine``: what is to compute it, None for what does by itself."""
    return _marked(studio, run_id, text, each_line=each_line, engine=engine)


def _marked(
    studio: Studio,
    run_id: str,
    text: str,
    *,
    each_line: bool,
    engine: str | None,
    opened: int = _NOTHING_OPEN,
    explanation: Explanation | None = None,
    notice: str = "",
) -> str:
    """The prediction, with the words in ``explanation`` of the text or of the ``opened`` line."""
    workspace = current_workspace(studio)
    wanted, texts = False, _texts(text, each_line=each_line)
    if not run_id:
        html = _no_model(studio)
    elif not text.strip():
        html = try_view.no_text(run_names.title_of(run_id, workspace.library.runs(offered=True)))
    else:
        title = run_names.title_of(run_id, workspace.library.runs(offered=True))
        used, exported = engine_choice.used_engine(workspace, run_id, engine), workspace.models.exports(run_id)
        is_exact = used == "torch" or exported is None or exported.measured(used).is_exact
        if explanation is not None and len(texts) == 1 and is_exact:
            # Its prediction is that of the saved model, from which the engine does not differ visibly.
            names, predictions = explanation.label_names, [explanation.prediction]
        else:
            names, predictions = workspace.models.predict(run_id, texts, engine=used)
        said = {"explanation": explanation, "notice": notice, "computed": engine_choice.computed_by(exported, used)}
        if len(texts) == 1 and predictions[0].probabilities is not None:
            wanted = explanation is None
        if len(texts) > 1:
            html = try_view.lines_html(names, predictions, title, opened=opened, **said)
        else:
            label = next((row.label for row in _examples(studio, run_id) if row.text == text.strip()), None)
            html = try_view.prediction_html(names, predictions[0], title, label=label, **said)
    choice = f"{engine}, each line" if len(texts) > 1 else f"{engine}"
    return try_view.marked_prediction(run_id, checksum(text), html, choice=choice, wanted=wanted, explained=explanation is not None)


def _texts(text: str, *, each_line: bool) -> list[str]:
    """The text, or each of its lines that is not blank."""
    lines = [line for line in text.splitlines() if line.strip()] if each_line else []
    return lines if len(lines) > 1 else [text]


def _press(
    studio: Studio,
    tab: TryTab,
    action: str,
    code: str,
    run_id: str,
    text: str,
    each_line: bool,
    engine: str | None,
    visits: Sequence[TriedText],
) -> Any:
    """Updates after a press in the prediction: its words, those for another class, or a correction."""
    numbers = [int(part) for part in code.split() if part.isdecimal() and len(part) < _MAX_DIGITS]
    line, class_id = (*numbers, _NOTHING_OPEN, _NOTHING_OPEN)[:2]
    texts = _texts(text, each_line=each_line) if run_id and text.strip() else []
    if action == "words":
        line = 0
    if action not in ("words", "line", "close", "class", "correct") or not 0 <= line < len(texts):
        return gr.skip()
    if action == "close":
        return {tab.prediction: show(studio, run_id, text, each_line=each_line, engine=engine)}
    models = current_workspace(studio).models
    explanation = models.explain(run_id, texts[line])
    label = explanation.label_names[class_id] if 0 <= class_id < len(explanation.label_names) else ""
    updates, notice = {}, ""
    if action == "class" and label:
        explanation = models.explain(run_id, texts[line], label)
    elif action == "correct" and label:
        updates, notice = _correct(studio, tab, run_id, explanation, label)
    if len(texts) == 1 and explanation.decided is not None:
        tried = try_lists.remember(visits, TriedText.of(run_id, text, explanation))
        updates |= {tab.visits: tried, tab.tried: try_lists.tried_html(tried)}
    html = _marked(studio, run_id, text, each_line=each_line, engine=engine, opened=line, explanation=explanation, notice=notice)
    return {**updates, tab.prediction: html}


def _correct(studio: Studio, tab: TryTab, run_id: str, explanation: Explanation, label: str) -> tuple[dict, str]:
    """Updates of the list of texts to learn, and what became of the correction, as HTML."""
    try:
        new = current_workspace(studio).corrections.add_text(run_id, explanation.prediction.text, label)
    except UserError as error:
        return {}, html_pieces.notice(f"Not kept. {error.message}", "error")
    # The class may have another name by now.
    label = new.texts.get(explanation.prediction.text.strip(), label)
    sentence = f"Kept as {label[:60]}: the next training on this file learns it too. It stands in the list below."
    return {tab.new_texts: _new_texts(studio, run_id)}, html_pieces.notice(sentence, "ok")


def _new_texts(studio: Studio, run_id: str) -> str:
    """The texts that trainings on the run's file learn too; nothing if that file cannot be read, which other tabs say."""
    if run_id:
        with suppress(UserError):
            new = current_workspace(studio).corrections.new_texts(run_id)
            return try_lists.new_texts_html(new, {text: checksum(text) for text in new.texts})
    return ""


def checksum(text: str) -> int:
    """The Adler-32 of the text's UTF-16 code units, like that of ``assets/prediction.js``: it compares them to recognise outdated predictions."""
    # A text area has only one kind of line break; half a surrogate pair may be pasted.
    normalized = text.replace("\r\n", "\n").replace("\r", "\n")
    return zlib.adler32(normalized.encode("utf-16-le", "surrogatepass"))


def _examples(studio: Studio, run_id: str) -> tuple[ExampleRow, ...]:
    """Test rows of the run; none if they are damaged, which the Results tab shows."""
    if run_id:
        with suppress(UserError):
            return current_workspace(studio).library.examples(run_id)
    return ()


def _no_model(studio: Studio) -> str:
    return try_view.no_model(offered=studio.settings.mode.offers_model and studio.model_is_on_its_way())


def _footer(studio: Studio, run_id: str) -> str:
    if studio.settings.mode.offers_model and (not run_id or current_workspace(studio).models.is_offered(run_id)):
        own_file = Button("to-data", "Use my file", elem_id="try-own-file")
        quick = Button("quick", "Train your own on our sample", primary=True, elem_id="try-quick", busy_message="Opening the sample …")
        return page_frame.footer_html("Make a model of your own:", own_file, quick)
    if not run_id:
        return page_frame.footer_html("Train a model to try it here.", Button("to-data", "Open a file", primary=True))
    if not current_workspace(studio).models.is_complete(run_id):
        return page_frame.footer_html("Files of this model are damaged, so it cannot be downloaded: see Results.", is_error=True)
    return page_frame.footer_html("Good enough? The model is yours.") + results_view.download(run_id)
