"""The words of a text as HTML, marked by how much they speak for a class, and the choice of that class. Computes no influence; attributions.py does."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from trainer.charts.colours import class_colours
from trainer.data.cuts import EVEN_CUT
from trainer.data.task import SINGLE_LABEL, Task, most_probable_first
from trainer.explanation import Explanation
from trainer.text_format import percent, pluralize
from trainer.ui import html_pieces, pages_by_task

if TYPE_CHECKING:
    from trainer.training.attributions import Attribution, WordAttribution

_STRENGTHS = (0.15, 0.35, 0.6)
"""A word is marked from the first on, as a fraction of the largest influence in the text, and more strongly from each further one on."""
_NAMED = 3
"""Words that are named for each sign."""
_MAX_BARS = 8
_LONG = 800
"""Characters from which on a text scrolls in its box."""


def words_html(explanation: Explanation) -> str:
    """The text with its words marked, what the marks mean, and the strongest words of each sign as a sentence."""
    attribution = explanation.attribution
    if attribution is None:
        return html_pieces.notice(explanation.problem, "info")
    unread = sum(not word.read for word in attribution.words)
    notes = f" {pluralize(unread, 'word')} at the end {'was' if unread == 1 else 'were'} not read." if unread else ""
    return (
        f"{text_box(attribution.text, _marked(attribution))}"
        f'<p class="em-small em-quiet em-words-key"><span class="em-for em-w2">underlined</span> speaks for {_name(explanation.label)}, '
        f'<span class="em-against em-w2">dashed</span> against it.{notes} {_strongest(attribution)}</p>'
    )


def text_box(text: str, html: str) -> str:
    """A text as HTML, in a box that scrolls if it is long."""
    long = ' class="em-words em-long" tabindex="0" role="group" aria-label="The text"' if len(text) > _LONG else ' class="em-words"'
    return f'<p{long} dir="auto">{html}</p>'


def class_choice_html(
    names: Sequence[str],
    probabilities: Sequence[float],
    chosen: str,
    button: Callable[[int], str],
    select: str,
    *,
    task: Task = SINGLE_LABEL,
) -> str:
    """The probabilities as bars, each with a button that asks for the words of its class; the other classes are in a list. Where labels have cuts,
    those above theirs come first, and each bar shows its cut.

    ``chosen`` is the class whose words are marked. ``button`` gives the data attributes of the button of a class, ``select`` those of the list,
    whose values are class ids; all as HTML.
    """
    colours, cuts = class_colours(names), _cuts(task, len(names))
    said = task.label_ids(task.decide(np.asarray(probabilities))) if cuts else []
    ranked = most_probable_first(probabilities)
    order = [*(i for i in ranked if i in said), *(i for i in ranked if i not in said)]
    first = order[:_MAX_BARS]
    bars = "".join(
        f'<li><button type="button" class="em-why" {button(i)} aria-pressed="{str(names[i] == chosen).lower()}"{_cut_attributes(cuts[i], is_said=i in said) if cuts else ""} '
        f'title="Which words speak for {html_pieces.text(names[i], max_length=80)}?">'
        f'<span class="em-name" dir="auto">{html_pieces.dot(colours[i])}{html_pieces.text(names[i], max_length=60)}</span>'
        f'<span class="em-track"><span class="em-fill" style="width:{100 * probabilities[i]:.2f}%;background:{html_pieces.text(colours[i])}"></span>'
        f"{_cut_mark(cuts[i]) if cuts else ''}</span>"
        f'<span class="em-share">{percent(float(probabilities[i]))}</span></button></li>'
        for i in first
    )
    others = sorted(order[_MAX_BARS:], key=lambda i: names[i].casefold())
    options = "".join(
        f'<option value="{i}"{" selected" if names[i] == chosen else ""}>{html_pieces.text(names[i], max_length=80)} '
        f"({percent(float(probabilities[i]))})</option>"
        for i in others
    )
    rest = "" if cuts else f", {percent(min(sum(float(probabilities[i]) for i in others), 1.0))} together"
    title = f"{pluralize(len(others), 'other class', 'other classes')}{rest}:"
    more = (
        f'<label class="em-small">{title} <select {select}><option value="">choose …</option>{options}</select></label>' if others else ""
    )
    return f'<ol class="em-bars em-whys" aria-label="Probability of each class; press one to see its words">{bars}</ol>{more}{_CUTS_KEY if cuts else ""}'


_CUTS_KEY = '<p class="em-small em-quiet em-cuts-key">The line in a bar is the cut of its label: from there on the label is said. Validation rows chose it.</p>'


def _cuts(task: Task, classes: int) -> tuple[float, ...]:
    """The cut of each label; () for a task without cuts."""
    return (task.cuts or (EVEN_CUT,) * classes) if pages_by_task.page_of(task.key).marks_cuts else ()


def _cut_mark(cut: float) -> str:
    return f'<i class="em-cut" style="left:{100 * cut:.2f}%"></i>'


def _cut_attributes(cut: float, *, is_said: bool) -> str:
    """Of the bar of a label that has a cut."""
    return f'{" data-said" if is_said else ""} aria-description="{"Above" if is_said else "Below"} its cut, {percent(cut)}"'


def _marked(attribution: "Attribution") -> str:
    """The text with a span around each word that matters."""
    largest = max((abs(word.value) for word in attribution.words), default=0.0) or 1.0
    pieces, at = [], 0
    for word in attribution.words:
        css_class = _css_class(word, largest)
        if not css_class:
            continue
        pieces.append(_plain(attribution.text[at : word.start]))
        title = "" if not word.read else f' title="{word.value:+.2f}"'
        pieces.append(f'<span class="{css_class}"{title}>{_plain(attribution.text[word.start : word.end])}</span>')
        at = word.end
    return "".join((*pieces, _plain(attribution.text[at:])))


def _css_class(word: "WordAttribution", largest: float) -> str:
    if not word.read:
        return "em-unread"
    strength = sum(abs(word.value) >= step * largest for step in _STRENGTHS)
    return f"{'em-for' if word.value > 0 else 'em-against'} em-w{strength}" if strength else ""


def _strongest(attribution: "Attribution") -> str:
    """ "Most for it: “lonely”, “grey”. Most against it: “happy”." """
    read = [word for word in attribution.words if word.read and any(map(str.isalnum, attribution.text[word.start : word.end]))]
    largest = max((abs(word.value) for word in read), default=0.0)
    sentences = []
    for sign, what in ((1, "Most for it"), (-1, "Most against it")):
        words = sorted((word for word in read if sign * word.value >= _STRENGTHS[0] * largest > 0), key=lambda word: -sign * word.value)
        if names := _quoted([attribution.text[word.start : word.end] for word in words[:_NAMED]]):
            sentences.append(f"{what}: {names}.")
    return " ".join(sentences)


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f"“{html_pieces.isolated(word, max_length=40)}”" for word in words)


def _name(label: str) -> str:
    return f"<strong>{html_pieces.isolated(label, max_length=60)}</strong>"


def _plain(text: str) -> str:
    return html_pieces.text(text, max_length=len(text) + 1)
