"""The Try it tab as HTML: a prediction as a sentence and bars, and example rows."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainer.charts.colours import class_colours
from trainer.data.task import most_probable_first
from trainer.run_library import ExampleRow
from trainer.text_format import percent
from trainer.ui import html_pieces

if TYPE_CHECKING:
    from trainer.training.predictor import Prediction

_CONFIDENT, _MARGIN = 0.5, 0.1
"""Below this probability, or with less than this margin to the second class, both classes are named."""


def marked_prediction(run_id: str, checksum: int, html: str) -> str:
    """A prediction marked with its run and the checksum of its text, so that the page recognises an outdated one."""
    return f'<div data-run="{html_pieces.text(run_id)}" data-text="{checksum}">{html}</div>'


def prediction_html(names: Sequence[str], prediction: "Prediction", title: str, *, label: str = "") -> str:
    """The prediction of the model with that title; ``label`` is the true label if the text is one of the examples."""
    if prediction.probabilities is None:
        return f'<h3 class="em-prediction">No prediction</h3><p dir="auto">{html_pieces.text(prediction.problem, max_length=400)}</p>'
    probabilities = prediction.probabilities.tolist()
    sentence = prediction_sentence(names, probabilities)
    if prediction.unsure:
        sentence = f"Unsure. {sentence}"
    comparison = "✓ The prediction is correct." if label == prediction.decided_name(names) else "✗ The prediction is wrong."
    label_html = f'<p class="em-true-label">Its label is {html_pieces.isolated(label, max_length=60)}. {comparison}</p>' if label else ""
    return (
        f'<h3 class="em-prediction">{sentence}</h3>{html_pieces.probability_bars(names, probabilities, class_colours(names))}{label_html}'
        f"{_model_line(title)}{_notes(prediction)}"
    )


def prediction_sentence(names: Sequence[str], probabilities: Sequence[float]) -> str:
    """ "Probably joy (90 %)", or if that is uncertain "Perhaps joy (41 %), or sadness (38 %)"."""
    first, *others = most_probable_first(probabilities)
    best = _class_with_probability(names[first], probabilities[first])
    if others and (probabilities[first] < _CONFIDENT or probabilities[first] - probabilities[others[0]] < _MARGIN):
        return f"Perhaps {best}, or {_class_with_probability(names[others[0]], probabilities[others[0]])}"
    return f"Probably {best}"


def no_text(title: str) -> str:
    hint = "Type a text, or choose one of the example rows. The probability of each class appears here as you type."
    return f'<h3 class="em-prediction">No text yet</h3><p class="em-quiet">{hint}</p>{_model_line(title)}'


def no_model() -> str:
    return (
        '<h3 class="em-prediction">No model yet</h3><p class="em-quiet">Once a training is finished, type a text here to see the prediction of the '
        "model and the probability of each class.</p>"
    )


def examples(rows: Sequence[ExampleRow]) -> str:
    """Example rows with their labels; an empty string if there are none."""
    if not rows:
        return ""
    buttons = "".join(
        f'<button type="button" class="em-row-to-try" data-action="example" data-code="{index}"><span dir="auto">{html_pieces.text(row.text)}</span>'
        f'<strong dir="auto">{html_pieces.text(row.label, max_length=40)}</strong></button>'
        for index, row in enumerate(rows)
    )
    return f'<h3>Test rows <small>with their labels</small></h3><div class="em-rows-to-try">{buttons}</div>'


def _class_with_probability(name: str, probability: float) -> str:
    return f"{html_pieces.isolated(name, max_length=60)} <span>({percent(float(probability), 0)})</span>"


def _model_line(title: str) -> str:
    return f'<p class="em-quiet em-small">Predicted by <strong>{html_pieces.isolated(title)}</strong>.</p>'


def _notes(prediction: "Prediction") -> str:
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
