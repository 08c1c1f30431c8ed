"""What would help a model for several labels a text most, each with its evidence from training and validation rows. ``suggestions.py`` does it for one.

Test rows play no part.
"""

from dataclasses import dataclass

import numpy as np

from trainer.data.task import SEVERAL_LABELS
from trainer.evaluation.intervals import proportion_interval
from trainer.evaluation.suggestions import MAX_SUGGESTIONS, SURE, Suggestion, raise_length, too_few_rows
from trainer.text_format import percent, percent_range, pluralize, quote_names

_MIN_CONTRADICTIONS = 5
_UNLIKELY = 0.05
_MIN_MISSED = 5


@dataclass(frozen=True, eq=False)
class LabelsEvidence:
    """The n validation rows of a run with k labels: ``labels``, ``predicted`` and ``probabilities`` (n, k), and which texts are ``cut`` (n,) bool; of the training
    rows the ``train_counts`` (k,) of the labels and ``train_cut``, the share of cut texts, None if lengths are not known."""

    labels: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray
    cut: np.ndarray
    train_counts: np.ndarray
    train_cut: float | None
    max_length: int
    longer: int | None
    label_names: tuple[str, ...]

    @property
    def right(self) -> np.ndarray:
        """Bool (n,): the rows with exactly their labels."""
        return SEVERAL_LABELS.right(self.labels, self.predicted)


def suggest_for_labels(evidence: LabelsEvidence) -> tuple[Suggestion, ...]:
    """The suggestions, first those that concern most of the mistakes; none if there are too few validation rows to tell."""
    if too_few_rows(evidence):
        return ()
    found = [suggestion for find in (_check_label, _label_more, raise_length) for suggestion in find(evidence)]
    return tuple(sorted(found, key=lambda suggestion: -suggestion.mistakes)[:MAX_SUGGESTIONS])


def _check_label(evidence: LabelsEvidence) -> list[Suggestion]:
    """The label that the model contradicts most often and surely: it may be missing or one too many there."""
    has = evidence.labels > 0
    missing, surplus = (~has & (evidence.probabilities >= SURE)).sum(axis=0), (has & (evidence.probabilities <= _UNLIKELY)).sum(axis=0)
    best = int((missing + surplus).argmax())
    if missing[best] + surplus[best] < _MIN_CONTRADICTIONS:
        return []
    name = quote_names([evidence.label_names[best]])
    return [
        Suggestion(
            "check_pair",
            f"Check where {name} is missing or too many",
            f"On {pluralize(int(missing[best]), 'validation row')} without {name} the model is at least {percent(SURE, 0)} sure of it, and on "
            f"{pluralize(int(surplus[best]), 'row')} with it it gives it at most {percent(_UNLIKELY, 0)}: the label may be wrong there.",
            int(missing[best] + surplus[best]),
            (evidence.label_names[best],),
        )
    ]


def _label_more(evidence: LabelsEvidence) -> list[Suggestion]:
    """The rarer half's label that is missed most, if it is surely missed more often than labels are in all."""
    has, said = evidence.labels > 0, evidence.predicted > 0
    support, hits = has.sum(axis=0), (has & said).sum(axis=0)
    missed = support - hits
    overall, median = float(hits.sum() / max(1, support.sum())), float(np.median(evidence.train_counts))
    is_weak = [
        evidence.train_counts[label] <= median
        and missed[label] >= _MIN_MISSED
        and proportion_interval(int(hits[label]), int(support[label])).high < overall
        for label in range(len(support))
    ]
    worth = np.where(is_weak, missed, 0)
    best = int(worth.argmax())
    if not worth[best]:
        return []
    recall, name = proportion_interval(int(hits[best]), int(support[best])), quote_names([evidence.label_names[best]])
    return [
        Suggestion(
            "label_more",
            f"Label more texts with {name}",
            f"{name} is on {pluralize(int(evidence.train_counts[best]), 'training row')}, half of the labels on more than {median:,.0f}. Of its {int(support[best]):,} validation "
            f"rows {percent(recall.value)} are found ({percent_range(recall.low, recall.high)}), of those of all labels {percent(overall)}.",
            int(missed[best]),
            (evidence.label_names[best],),
        )
    ]
