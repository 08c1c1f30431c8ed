"""What the Try tab says: a model's answer to one text in words and bars, and rows to try.

Pure: from a prediction to HTML. It asks no model.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trainer.charts.colours import class_colours
from trainer.library import ExampleRow
from trainer.text_format import percent
from trainer.ui import markup

if TYPE_CHECKING:
    from trainer.training.predictor import Prediction

_SURE, _LEAD = 0.5, 0.1
"""An answer below this share, or before the next one by less than this, is one of two that may be right."""


def answer_to(run_id: str, checksum: int, html: str) -> str:
    """An answer together with its question, so that the page can tell whether it is still asked."""
    return f'<div data-run="{markup.text(run_id)}" data-text="{checksum}">{html}</div>'


def answer(names: Sequence[str], prediction: "Prediction", title: str, *, label: str = "") -> str:
    """What the model of that title says; ``label`` is the text's own, where it is one of the examples."""
    if prediction.probabilities is None:
        return f'<h3 class="em-prediction">No answer</h3><p dir="auto">{markup.text(prediction.problem, max_length=400)}</p>'
    shares = prediction.probabilities.tolist()
    met = "✓ The answer is right." if label == names[int(prediction.probabilities.argmax())] else "✗ The answer is wrong."
    own = f'<p class="em-own">Its label is {markup.isolated(label, max_length=60)}. {met}</p>' if label else ""
    return (
        f'<h3 class="em-prediction">{in_words(names, shares)}</h3>{markup.probability_bars(names, shares, class_colours(names))}{own}'
        f"{_says(title)}{_remarks(prediction)}"
    )


def in_words(names: Sequence[str], shares: Sequence[float]) -> str:
    """ "Probably joy (90 %)"; where nobody could be sure "Perhaps joy (41 %), or sadness (38 %)"."""
    first, *others = sorted(range(len(names)), key=lambda i: -shares[i])
    best = _likely(names[first], shares[first])
    if others and (shares[first] < _SURE or shares[first] - shares[others[0]] < _LEAD):
        return f"Perhaps {best}, or {_likely(names[others[0]], shares[others[0]])}"
    return f"Probably {best}"


def no_text(title: str) -> str:
    about = "Type a text, or take one of the rows beside: the probability of each class stands here as you type."
    return f'<h3 class="em-prediction">What do you want to know?</h3><p class="em-quiet">{about}</p>{_says(title)}'


def no_model() -> str:
    return (
        '<h3 class="em-prediction">No model yet</h3><p class="em-quiet">Once a training is finished, type a text and see here what the model makes '
        "of it: its answer in words, and how likely each class is.</p>"
    )


def examples(rows: Sequence[ExampleRow]) -> str:
    """Rows to try, each with its own label; nothing where there are none."""
    if not rows:
        return ""
    buttons = "".join(
        f'<button type="button" class="em-row-to-try" data-action="example" data-code="{place}"><span dir="auto">{markup.text(row.text)}</span>'
        f'<strong dir="auto">{markup.text(row.label, max_length=40)}</strong></button>'
        for place, row in enumerate(rows)
    )
    return f'<h3>Rows it never saw <small>and their labels</small></h3><div class="em-rows-to-try">{buttons}</div>'


def _likely(name: str, share: float) -> str:
    return f"{markup.isolated(name, max_length=60)} <span>({percent(float(share), 0)})</span>"


def _says(title: str) -> str:
    return f'<p class="em-quiet em-small">Answered by <strong>{markup.isolated(title)}</strong>.</p>'


def _remarks(prediction: "Prediction") -> str:
    """What the model did not read as it stands in the box."""
    remarks = ""
    if prediction.cut:
        message = (
            f"The text is {prediction.tokens:,} tokens (pieces of words) long, and the model reads the first {prediction.tokens_read:,}. "
            "The end plays no part in the answer."
        )
        remarks += markup.notice(message, "warning")
    if prediction.repaired:
        read = markup.isolated(prediction.text, max_length=160)
        remarks += f'<p class="em-quiet em-small">Changed as the texts of its training were, before the model reads it: “{read}”</p>'
    return remarks
