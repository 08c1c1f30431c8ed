"""What would help a model most: at most five suggestions, each with its evidence from training and validation rows. None without evidence.

Test rows play no part. Which button a suggestion has, and where it leads, is the page's.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from trainer.evaluation.intervals import proportion_interval
from trainer.evaluation.learning_curve import LearningCurve
from trainer.text_format import percent, percent_range, pluralize, points, quote_names

MAX_SUGGESTIONS = 5
_MIN_VALIDATION = 50
SURE = 0.8
_MIN_PAIR_MISTAKES, _MIN_SURE_MISTAKES = 5, 3
_MIN_PAIR_ROWS = 20
_BARELY_APART = 0.75
"""Two classes that are told apart less often than this, at best, are hardly two for the model."""
_MIN_CUT = 0.05
_ENOUGH_GAIN = 0.01
"""If half of the rows are as good as all of them to within a point, as many again will bring even less."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The n validation rows of a run: ``labels``, ``predicted`` (n,), ``confidence`` (n,) of the predictions, and which texts are ``cut`` (n,) bool;
    of the training rows the ``train_counts`` (k,) of the classes and ``train_cut``, the share of cut texts, None if lengths are not known."""

    labels: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    cut: np.ndarray
    train_counts: np.ndarray
    train_cut: float | None
    max_length: int
    longer: int | None
    """The length at which nearly all texts are read whole; None if it is not more."""
    curve: LearningCurve | None
    label_names: tuple[str, ...]

    @property
    def right(self) -> np.ndarray:
        """Bool (n,): the rows with their label."""
        return self.labels == self.predicted

    @property
    def mistakes(self) -> int:
        return int((self.labels != self.predicted).sum())


class CutRows(Protocol):
    """What evidence of any task has: labels (n, ...), which rows are right and which texts are cut, (n,) bool."""

    @property
    def labels(self) -> np.ndarray: ...
    @property
    def right(self) -> np.ndarray: ...
    @property
    def cut(self) -> np.ndarray: ...
    @property
    def train_cut(self) -> float | None: ...
    @property
    def max_length(self) -> int: ...
    @property
    def longer(self) -> int | None: ...


@dataclass(frozen=True)
class Suggestion:
    """One thing to do. ``mistakes``: of the validation rows, those that it is about. ``classes``: the names of the classes that it is about; ``value``: of a setting."""

    code: str
    title: str
    evidence: str
    mistakes: int
    classes: tuple[str, ...] = ()
    value: int | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "title": self.title,
            "evidence": self.evidence,
            "mistakes": self.mistakes,
            "classes": list(self.classes),
            "value": self.value,
        }


def suggest(evidence: Evidence) -> tuple[Suggestion, ...]:
    """The suggestions, first those that concern most of the mistakes; none if there are too few validation rows to tell."""
    if len(evidence.labels) < _MIN_VALIDATION:
        return ()
    found = [suggestion for find in (_label_more, _check_pair, raise_length, _merge, _enough) for suggestion in find(evidence)]
    return tuple(sorted(found, key=lambda suggestion: -suggestion.mistakes)[:MAX_SUGGESTIONS])


def too_few_rows(evidence: CutRows) -> str:
    """Why nothing is suggested, if validation rows are too few; else ""."""
    rows = len(evidence.labels)
    if rows >= _MIN_VALIDATION:
        return ""
    return f"{pluralize(rows, 'validation row')} cannot tell what would help; about {_MIN_VALIDATION} can."


def _label_more(evidence: Evidence) -> list[Suggestion]:
    """The class whose recall rose most from half of the rows to all of them, if more rows surely help."""
    curve = evidence.curve
    if curve is None or curve.gain.low <= 0:
        return []
    wrong = evidence.labels != evidence.predicted
    missed = np.bincount(evidence.labels[wrong], minlength=len(evidence.label_names))
    worth = np.nan_to_num(np.maximum(curve.class_gain, 0.0)) * missed
    best = int(worth.argsort(kind="stable")[-1])
    if worth[best] <= 0:
        return []
    name, half, full = evidence.label_names[best], curve.steps[-2], curve.steps[-1]
    return [
        Suggestion(
            "label_more",
            f"Label more rows of {quote_names([name])}",
            f"A quick model learns {points(curve.gain.value)} points ({points(curve.gain.low)} to {points(curve.gain.high)}) from {half.rows:,} to {full.rows:,} "
            f"rows, and still rises. {quote_names([name])} has {pluralize(int(evidence.train_counts[best]), 'training row')}, and {pluralize(int(missed[best]), 'of its validation rows is', 'of its validation rows are')} missed.",
            int(missed[best]),
            (name,),
        )
    ]


def _pairs(evidence: Evidence) -> list[tuple[int, int, np.ndarray]]:
    """Pairs of classes that are mistaken for each other, the most frequent first, and where (n,) bool."""
    wrong = np.flatnonzero(evidence.labels != evidence.predicted)
    pairs = np.sort(np.stack([evidence.labels[wrong], evidence.predicted[wrong]], axis=1), axis=1)
    found, counts = np.unique(pairs, axis=0, return_counts=True) if len(pairs) else (pairs, np.array([]))
    result = []
    for index in np.argsort(-counts, kind="stable"):
        a, b = found[index].tolist()
        mask = np.zeros(len(evidence.labels), dtype=bool)
        mask[wrong[(pairs == found[index]).all(axis=1)]] = True
        result.append((a, b, mask))
    return result


def _check_pair(evidence: Evidence) -> list[Suggestion]:
    """The pair of classes with most mistakes of which the model is sure: labels are often wrong there."""
    best: Suggestion | None = None
    for a, b, mask in _pairs(evidence):
        mistakes, sure = int(mask.sum()), int((mask & (evidence.confidence >= SURE)).sum())
        if mistakes < _MIN_PAIR_MISTAKES or sure < _MIN_SURE_MISTAKES or (best is not None and mistakes <= best.mistakes):
            continue
        names = (evidence.label_names[a], evidence.label_names[b])
        best = Suggestion(
            "check_pair",
            f"Check the labels of {' and '.join(quote_names([name]) for name in names)}",
            f"{mistakes:,} of {evidence.mistakes:,} mistakes on validation rows are between the two; in {sure:,} of them the model is at least {percent(SURE, 0)} "
            "sure, so that the label may be wrong.",
            mistakes,
            names,
        )
    return [] if best is None else [best]


def raise_length(evidence: CutRows) -> list[Suggestion]:
    """A larger length, where texts are cut and the model is surely right less often on these."""
    cut = evidence.cut
    if evidence.train_cut is None or evidence.longer is None or evidence.train_cut < _MIN_CUT or not cut.any() or cut.all():
        return []
    right = evidence.right
    of_cut, of_whole = (proportion_interval(int(right[part].sum()), int(part.sum())) for part in (cut, ~cut))
    if of_cut.high >= of_whole.value:
        return []
    return [
        Suggestion(
            "raise_length",
            f"Read {evidence.longer:,} tokens of each text instead of {evidence.max_length:,}",
            f"{percent(evidence.train_cut)} of the training texts are cut. Of {pluralize(int(cut.sum()), 'cut validation text')} {percent(of_cut.value)} are right "
            f"({percent_range(of_cut.low, of_cut.high)}), of the whole ones {percent(of_whole.value)} ({percent_range(of_whole.low, of_whole.high)}).",
            int((cut & ~right).sum()),
            value=evidence.longer,
        )
    ]


def _merge(evidence: Evidence) -> list[Suggestion]:
    """Two classes that the model hardly tells apart."""
    for a, b, mask in _pairs(evidence):
        both = np.isin(evidence.labels, (a, b)) & np.isin(evidence.predicted, (a, b))
        rows = int(both.sum())
        if rows < _MIN_PAIR_ROWS:
            continue
        right = proportion_interval(int((evidence.labels == evidence.predicted)[both].sum()), rows)
        guessing = max(np.mean(evidence.labels[both] == a), np.mean(evidence.labels[both] == b))
        if right.high >= max(_BARELY_APART, guessing) or right.low > guessing:
            continue
        names = (evidence.label_names[a], evidence.label_names[b])
        shown = " and ".join(quote_names([name]) for name in names)
        evidence_text = (
            f"Where the choice is between the two, the model is right in {percent(right.value)} ({percent_range(right.low, right.high)}) of {rows:,} validation rows; "
            f"always taking the more frequent one would be in {percent(float(guessing))}."
        )
        return [
            Suggestion("merge_classes", f"Merge {shown}, if the difference does not matter to you", evidence_text, int(mask.sum()), names)
        ]
    return []


def _enough(evidence: Evidence) -> list[Suggestion]:
    """That more rows of the same kind would hardly help."""
    curve = evidence.curve
    if curve is None or curve.gain.high >= _ENOUGH_GAIN:
        return []
    half, full = curve.steps[-2], curve.steps[-1]
    return [
        Suggestion(
            "enough",
            "More rows of the same kind would hardly help",
            f"A quick model is as good with {half.rows:,} rows as with {full.rows:,}: it gains {points(curve.gain.value)} points ({points(curve.gain.low)} to "
            f"{points(curve.gain.high)}).",
            0,
        )
    ]
