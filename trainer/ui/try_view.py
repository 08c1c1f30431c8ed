"""The Try it tab as HTML: a prediction as a sentence, bars and marked words, several texts as a table, and example rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainer.charts.colours import class_colours
from trainer.data.task import most_probable_first
from trainer.explanation import Explanation
from trainer.run_library import ExampleRow
from trainer.text_format import percent, pluralize
from trainer.ui import html_pieces, pages_by_task, words_view

if TYPE_CHECKING:
    from trainer.training.predictor import Prediction

_MAX_SHOWN_CHARS = 4_000
"""Of a text whose words are not marked yet."""


def marked_prediction(run_id: str, checksum: int, html: str, *, choice: str, wanted: bool = False, explained: bool = False) -> str:
    """A prediction marked with its run, the checksum of its text and the ``choice`` of how to read and compute it, so that the page recognises an
    outdated one. ``wanted``: the page is to ask for its words once nobody types any more; ``explained``: it answers a press and has them."""
    state = " data-wanted" if wanted else " data-explained" if explained else ""
    return f'<div data-run="{html_pieces.text(run_id)}" data-text="{checksum}" data-choice="{html_pieces.text(choice)}"{state}>{html}</div>'


def prediction_html(
    names: Sequence[str],
    prediction: "Prediction",
    title: str,
    *,
    label: str | None = None,
    explanation: Explanation | None = None,
    notice: str = "",
    computed: str = "",
) -> str:
    """The prediction of the model with that title; ``label`` is the true label if the text is one of the examples ("" if it has none), ``computed``
    what computed it, as a sentence.

    Without an ``explanation`` its words are on their way. ``notice``: what became of the last press, as HTML.
    """
    if prediction.probabilities is None:
        return f'<h3 class="em-prediction">No prediction</h3><p dir="auto">{html_pieces.text(prediction.problem, max_length=400)}</p>'
    sentence = prediction_sentence(names, prediction)
    if prediction.unsure:
        sentence = f"Unsure. {sentence}"
    comparison = "✓ The prediction is correct." if label == prediction.decided_name(names) else "✗ The prediction is wrong."
    true = pages_by_task.page_of(prediction.task.key).true_label.format(html_pieces.isolated(label or "none", max_length=120))
    label_html = "" if label is None else f'<p class="em-true-label">{true} {comparison}</p>'
    return (
        f'<h3 class="em-prediction">{sentence}</h3>{label_html}{notice}{words_and_classes(names, prediction, 0, explanation)}'
        f"{_model_line(title, computed)}{notes_html(prediction)}"
    )


def words_and_classes(names: Sequence[str], prediction: "Prediction", line: int, explanation: Explanation | None) -> str:
    """The bars of the classes, the marked words, and the list with which the prediction is corrected.

    Click events carry "class" or "correct" with the number of the line and a class id.
    """
    chosen = (prediction.main_label(names) or "") if explanation is None else explanation.label
    probabilities = prediction.probabilities.tolist()
    bars = words_view.class_choice_html(
        names,
        probabilities,
        chosen,
        lambda class_id: f'data-action="class" data-code="{line} {class_id}"',
        f'data-action="class" data-prefix="{line} "',
        task=prediction.task,
    )
    return f"{bars}{_words(prediction, explanation)}{_correction(names, prediction, line)}"


def _words(prediction: "Prediction", explanation: Explanation | None) -> str:
    if explanation is not None:
        return words_view.words_html(explanation)
    text = html_pieces.text(prediction.text, max_length=_MAX_SHOWN_CHARS)
    return f'{words_view.text_box(prediction.text, text)}<p class="em-small em-quiet em-words-key">Looking for the words that matter …</p>'


def _correction(names: Sequence[str], prediction: "Prediction", line: int) -> str:
    if not pages_by_task.page_of(prediction.task.key).can_correct:
        return ""
    said = prediction.decided_name(names)
    options = "".join(
        f'<option value="{class_id}">{html_pieces.text(name, max_length=80)}</option>'
        for class_id, name in enumerate(names)
        if name != said
    )
    return (
        '<p class="em-small"><label>This is wrong, it should be '
        f'<select data-action="correct" data-saves title="With arrow keys: choose, then press Enter" data-prefix="{line} ">'
        f'<option value="">choose …</option>{options}</select></label></p>'
    )


def prediction_sentence(names: Sequence[str], prediction: "Prediction") -> str:
    """What the model says of a text that it can read, as HTML."""
    page, said = pages_by_task.page_of(prediction.task.key), prediction.task.label_ids(prediction.task.decide(prediction.probabilities))
    return page.said(names, prediction.probabilities.tolist(), said) if said else page.nothing_said


def lines_html(
    names: Sequence[str],
    predictions: Sequence["Prediction"],
    title: str,
    *,
    opened: int,
    explanation: Explanation | None,
    notice: str = "",
    computed: str = "",
) -> str:
    """The predictions of several texts as a table; the ``opened`` one, if its number is at least 0, with its words. ``computed``: what computed
    them, as a sentence.

    Click events carry "line" or "close" with the number of the line, and those of ``words_and_classes``.
    """
    colours, unsure = class_colours(names), sum(prediction.unsure for prediction in predictions)
    body = "".join(
        _line(names, colours, i, prediction, is_open=i == opened) + (_opened_line(names, prediction, i, explanation) if i == opened else "")
        for i, prediction in enumerate(predictions)
    )
    sentence = f"{pluralize(len(predictions), 'text')}{f', {unsure:,} of them unsure' if unsure else ''}"
    return (
        f'<h3 class="em-prediction">{sentence}</h3>{notice}<div class="em-scroll" tabindex="0" role="group" aria-label="Predictions">'
        '<table class="em-table em-lines"><caption class="em-hidden">The texts with their predictions</caption><thead><tr>'
        '<th scope="col" class="em-number">Line</th><th scope="col">Text</th><th scope="col">Prediction</th>'
        f'<th scope="col" class="em-number">Probability</th></tr></thead><tbody>{body}</tbody></table></div>{_model_line(title, computed)}'
    )


def _line(names: Sequence[str], colours: Sequence[str], number: int, prediction: "Prediction", *, is_open: bool) -> str:
    if prediction.probabilities is None:
        cells = f'<td colspan="2" class="em-quiet">{html_pieces.text(prediction.problem, max_length=200)}</td>'
    elif said := prediction.task.label_ids(prediction.task.decide(prediction.probabilities)):
        said = [i for i in most_probable_first(prediction.probabilities.tolist()) if i in said]
        unsure = "unsure: " if prediction.unsure else ""
        labels = (
            f'<span class="em-class">{html_pieces.dot(colours[i])}<span>{unsure}{html_pieces.isolated(names[i], max_length=60)}</span></span>'
            for i in said
        )
        shares = (percent(float(prediction.probabilities[i]), 0) for i in said)
        cells = f'<td>{"".join(labels)}</td><td class="em-number">{"<br>".join(shares)}</td>'
    else:
        cells = f'<td colspan="2" class="em-quiet">{pages_by_task.page_of(prediction.task.key).nothing_said}</td>'
    button = (
        f'<button type="button" class="em-row-open" data-action="{"close" if is_open else "line"}" data-code="{number}" aria-expanded="{str(is_open).lower()}" '
        f'aria-label="Line {number + 1:,}: its words">{number + 1:,}</button>'
    )
    return f'<tr data-open><td class="em-number">{button}</td><td dir="auto">{html_pieces.text(prediction.text, max_length=160)}</td>{cells}</tr>'


def _opened_line(names: Sequence[str], prediction: "Prediction", number: int, explanation: Explanation | None) -> str:
    if prediction.probabilities is None:
        return ""
    detail = words_and_classes(names, prediction, number, explanation) + notes_html(prediction)
    return f'<tr class="em-opened"><td colspan="4"><div class="em-row-detail">{detail}</div></td></tr>'


def no_text(title: str) -> str:
    hint = "Type a text, or choose one of the example rows. The probability of each class appears here as you type."
    return f'<h3 class="em-prediction">No text yet</h3><p class="em-quiet">{hint}</p>{_model_line(title)}'


def no_model(*, offered: bool = False) -> str:
    """What stands here before there is a model; ``offered``: one for everybody is on its way."""
    if offered:
        return (
            '<h3 class="em-prediction">A model is on its way</h3><p class="em-quiet">This server is teaching one our sample sentences, which takes '
            "about half a minute. Its prediction for the text then appears here by itself.</p>"
        )
    return (
        '<h3 class="em-prediction">No model yet</h3><p class="em-quiet">Once a training is finished, type a text here to see the prediction of the '
        "model and the probability of each class.</p>"
    )


def examples(rows: Sequence[ExampleRow]) -> str:
    """Example rows with their labels; an empty string if there are none."""
    if not rows:
        return ""
    buttons = "".join(row_to_try("example", index, row.text, row.label or "no label") for index, row in enumerate(rows))
    return f'<h3>Test rows <small>with their labels</small></h3><div class="em-rows-to-try">{buttons}</div>'


def row_to_try(action: str, index: int, text: str, label: str) -> str:
    """A button that puts a text into the box."""
    return (
        f'<button type="button" class="em-row-to-try" data-action="{action}" data-code="{index}"><span dir="auto">{html_pieces.text(text)}</span>'
        f'<strong dir="auto">{html_pieces.text(label, max_length=40)}</strong></button>'
    )


def _model_line(title: str, computed: str = "") -> str:
    return f'<p class="em-quiet em-small">Predicted by <strong>{html_pieces.isolated(title)}</strong>. {html_pieces.text(computed, max_length=600)}</p>'


def notes_html(prediction: "Prediction") -> str:
    """How the text that the model reads differs from the one in the box."""
    notes = ""
    if prediction.unsure:
        notes += html_pieces.notice(
            f"The model answers from {percent(prediction.answer_from)} on, to keep its promise (see Results). This text is below that.",
            "info",
        )
    if prediction.cut:
        message = (
            f"The text is {prediction.tokens:,} tokens (pieces of words) long, and the model reads the first {prediction.tokens_read:,}. "
            "The rest does not affect the prediction."
        )
        notes += html_pieces.notice(message, "warning")
    if prediction.repaired:
        repaired_text = html_pieces.isolated(prediction.text, max_length=160)
        notes += f'<p class="em-quiet em-small">Repaired like the training texts before the model reads it: “{repaired_text}”</p>'
    return notes
