"""Two lists of the Try it tab: what was tried in this visit, and the texts that the next training learns too; their HTML and how they change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainer.explanation import Explanation
from trainer.label_corrections import NewTexts
from trainer.text_format import percent, pluralize
from trainer.ui import html_pieces
from trainer.ui.buttons import Button
from trainer.ui.try_view import row_to_try

_MAX_VISITS = 20
_SHOWN_TEXTS = 50


@dataclass(frozen=True)
class TriedText:
    """A text that somebody tried, and what the model said."""

    run: str
    text: str
    said: tuple[tuple[str, float], ...]
    """Each label that it said, with its probability."""
    unsure: bool

    @classmethod
    def of(cls, run: str, text: str, explanation: Explanation) -> "TriedText":
        """Of a text that there was something to read of."""
        names, prediction = explanation.label_names, explanation.prediction
        ids = prediction.task.label_ids(prediction.task.decide(prediction.probabilities))
        return cls(run, text, tuple((names[i], float(prediction.probabilities[i])) for i in ids), prediction.unsure)

    @property
    def answer(self) -> str:
        """ "joy 90 %"."""
        return ", ".join(f"{name} {percent(probability, 0)}" for name, probability in self.said) or "no label"


def remember(tried: Sequence[TriedText], new: TriedText) -> tuple[TriedText, ...]:
    """The list with one more text in front; a text that is the beginning of the other takes its place, as somebody types it."""
    others = list(tried)
    if others and others[0].run == new.run and (new.text.startswith(others[0].text) or others[0].text.startswith(new.text)):
        others.pop(0)
    others = [other for other in others if (other.run, other.text) != (new.run, new.text)]
    return (new, *others)[:_MAX_VISITS]


def tried_html(tried: Sequence[TriedText]) -> str:
    """The list; empty before there are two. Its click event carries "again" and a position in the list."""
    if len(tried) < 2:
        return ""
    buttons = "".join(
        row_to_try("again", index, text.text, f"{'unsure: ' if text.unsure else ''}{text.answer}") for index, text in enumerate(tried)
    )
    return f'<h3>Tried <small>in this visit</small></h3><div class="em-rows-to-try">{buttons}</div>'


def new_texts_html(new: NewTexts, codes: Mapping[str, int]) -> str:
    """The texts with their labels, each with a button that takes it back; empty without any. ``codes``: of each text, the code of its "retract" event."""
    if not new.texts:
        return ""
    shown = list(new.texts.items())[::-1][:_SHOWN_TEXTS]
    items = "".join(
        f'<li><span dir="auto">{html_pieces.text(text, max_length=300)}</span><strong dir="auto">{html_pieces.text(label, max_length=60)}</strong>'
        f"{Button('retract', 'Take it back', code=str(codes[text]), link=True).html}</li>"
        for text, label in shown
    )
    more = f'<p class="em-quiet em-small">The newest {_SHOWN_TEXTS} of them.</p>' if len(shown) < len(new.texts) else ""
    check = Button("labels", "Train again and compare in Check labels", link=True).html
    link = f'<a href="labels/{new.draft}/texts" download>Download them (CSV)</a>'
    verb = "learns it" if len(new.texts) == 1 else "learns them"
    return (
        f"<h3>{pluralize(len(new.texts), 'text')} of yours <small>the next training on this file {verb} too</small></h3>"
        f'<ul class="em-new-texts">{items}</ul>{more}<p class="em-quiet em-small em-take-away">{link} · {check}</p>'
    )
