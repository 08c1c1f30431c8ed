"""The metrics of each task: which scores a report has, how each is computed, and the words for it. One table, ``EVALUATIONS``.

A metric in the table is in the report, its JSON, the terminal, the model card and the page. Knows neither texts nor runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from trainer.data.cuts import EVEN_CUT
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL, find_task
from trainer.evaluation import several_labels
from trainer.evaluation.calibration import Calibration, calibrate, without_temperature
from trainer.evaluation.intervals import Interval, f1_interval, macro_f1_interval, proportion_interval, weighted_f1_interval
from trainer.evaluation.label_calibration import calibrate_labels


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """What metrics are computed from: n rows, at least one, with their ``labels`` and what was ``predicted``, both in the task's shape.

    ``label_names`` has all k classes. Scores are as uncertain as if there were n / ``design_effect`` rows. ``probabilities`` (n, k) and ``cuts``
    are those that were decided by, if they are known.
    """

    labels: np.ndarray
    predicted: np.ndarray
    label_names: tuple[str, ...]
    design_effect: float = 1.0
    probabilities: np.ndarray | None = None
    cuts: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def effective_confusion(self) -> np.ndarray:
        """``confusion`` with as many rows as the scores are uncertain, (k, k), not whole."""
        return self.confusion / self.design_effect if self.design_effect > 1 else self.confusion

    @cached_property
    def confusion(self) -> np.ndarray:
        """int64 (k, k), for one label a text: rows are the true class, columns the predicted one."""
        k = len(self.label_names)
        # The same as scikit-learn's, which warns if there is only one class.
        return np.bincount(self.labels * k + self.predicted, minlength=k**2).reshape(k, k).astype(np.int64)


@dataclass(frozen=True)
class Metric:
    """One score of a split, in 0..1; higher is better, unless it is a loss."""

    key: str
    """In JSON."""
    name: str
    """For people, as within a sentence."""
    description: str
    """What it is, in a sentence; ``{classes}`` stands for the classes that count: "every class", "each of the 3 classes that occur"."""
    compute: Callable[[ScoredRows], Interval]
    hub_type: str = ""
    """Its name in the metadata of the Hub's model cards; without one it is only in the text of the card."""
    hub_arguments: Mapping[str, Any] | None = None

    @property
    def title(self) -> str:
        """The name at the beginning of a sentence."""
        return self.name[:1].upper() + self.name[1:]


@dataclass(frozen=True)
class ClassScore:
    """The scores of one class in 0..1, with 95 % intervals, and ``support``, its number of true rows.

    None means undefined: all three scores of a class without true rows, and the precision of a class that was never predicted, whose F1 is 0.
    """

    name: str
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None
    support: int
    average_precision: Interval | None = None
    """For several labels a text: None too if all rows have the label, or no probabilities are known."""
    threshold: float | None = None
    """Its cut, for several labels a text; None for one label a text."""

    def to_dict(self) -> dict[str, Any]:
        intervals = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        several = {} if self.threshold is None else {"threshold": self.threshold}
        if several:
            intervals["average_precision"] = self.average_precision
        return {
            **{name: interval and interval.value for name, interval in intervals.items()},
            **several,
            "support": self.support,
            "intervals": {name: interval and [interval.low, interval.high] for name, interval in intervals.items()},
        }


@dataclass(frozen=True, eq=False)
class LabelsTogether:
    """In how many rows two labels are together, int64 (k, k) with the rows of one label on the diagonal: as they are labelled, and as it is said."""

    labelled: np.ndarray
    said: np.ndarray


@dataclass(frozen=True)
class Evaluation:
    """How the models of one task are judged. The first of the ``metrics`` is the headline; ``class_scores`` has one entry per class.

    ``all_right`` is the key of the metric that counts the rows whose labels are exactly those predicted. ``matrix``: which classes are taken for
    which, int64 (k, k), the right ones on the diagonal. ``calibrate``: logits (n, k) and labels of validation rows -> what makes their
    probabilities right as often as they say, or None.
    """

    metrics: tuple[Metric, ...]
    all_right: str
    class_scores: Callable[[ScoredRows], tuple[ClassScore, ...]]
    matrix: Callable[[ScoredRows], np.ndarray]
    calibrate: Callable[[np.ndarray, np.ndarray], Calibration | None]
    calibration: str
    """What that gives the probabilities, after "have", with its source; "{:.3f}" stands for the temperature."""
    promised: str
    """What is promised of a "{share}" of the answers, after "so"."""
    answered: str
    """Which texts count as answered and as right, as a sentence; empty if that is plain."""
    uncalibrated: Callable[[np.ndarray, float], np.ndarray] | None = None
    """Probabilities (n, k) of a model with this temperature -> as they were without it; None where each label has its own."""
    together: Callable[[ScoredRows], LabelsTogether | None] = lambda rows: None
    """Which labels come together; None for one label a text."""


def _class_scores(rows: ScoredRows) -> tuple[ClassScore, ...]:
    """The scores of each class from its correct, its true and its predicted rows."""
    confusion = rows.confusion
    columns = (confusion.diagonal().tolist(), confusion.sum(axis=1).tolist(), confusion.sum(axis=0).tolist())
    uncertainty = {"design_effect": rows.design_effect}
    return tuple(
        ClassScore(
            name,
            precision=proportion_interval(correct, predicted, **uncertainty) if support and predicted else None,
            recall=proportion_interval(correct, support, **uncertainty) if support else None,
            f1=f1_interval(correct, support, predicted, **uncertainty) if support else None,
            support=support,
        )
        for name, correct, support, predicted in zip(rows.label_names, *columns, strict=True)
    )


def _label_scores(rows: ScoredRows) -> tuple[ClassScore, ...]:
    """The scores of each label, from its own rows."""
    labels, said, uncertainty = rows.labels, rows.predicted, {"design_effect": rows.design_effect}
    counts = zip((labels * said).sum(axis=0).tolist(), labels.sum(axis=0).tolist(), said.sum(axis=0).tolist(), strict=True)
    return tuple(
        ClassScore(
            rows.label_names[i],
            precision=proportion_interval(hits, predicted, **uncertainty) if support and predicted else None,
            recall=proportion_interval(hits, support, **uncertainty) if support else None,
            f1=f1_interval(hits, support, predicted, **uncertainty) if support else None,
            support=support,
            average_precision=None
            if rows.probabilities is None
            else several_labels.average_precision_interval(labels[:, i], rows.probabilities[:, i], **uncertainty),
            threshold=rows.cuts[i] if rows.cuts else EVEN_CUT,
        )
        for i, (hits, support, predicted) in enumerate(counts)
    )


def _of_rows(score: Callable[..., Interval]) -> Callable[[ScoredRows], Interval]:
    return lambda rows: score(rows.labels, rows.predicted, design_effect=rows.design_effect)


EVALUATIONS: Mapping[str, Evaluation] = {
    SINGLE_LABEL.key: Evaluation(
        metrics=(
            Metric(
                "accuracy",
                "accuracy",
                "The share of rows whose class is predicted.",
                lambda rows: proportion_interval(int(np.trace(rows.confusion)), len(rows), design_effect=rows.design_effect),
                hub_type="accuracy",
            ),
            Metric(
                "macro_f1",
                "macro F1",
                "The mean F1: {classes} counts the same.",
                lambda rows: macro_f1_interval(rows.effective_confusion),
                hub_type="f1",
                hub_arguments={"average": "macro"},
            ),
            Metric(
                "weighted_f1",
                "weighted F1",
                "The mean F1: each class counts by its rows.",
                lambda rows: weighted_f1_interval(rows.effective_confusion),
            ),
        ),
        all_right="accuracy",
        class_scores=_class_scores,
        matrix=lambda rows: rows.confusion,
        calibrate=calibrate,
        calibration="a temperature of {:.3f} (Guo et al. 2017)",
        promised="at least {share} of its answers are right",
        answered="",
        uncalibrated=without_temperature,
    ),
    SEVERAL_LABELS.key: Evaluation(
        metrics=(
            Metric(
                "macro_f1",
                "macro F1",
                "The mean F1: {classes} counts the same.",
                _of_rows(several_labels.macro_f1_interval),
                hub_type="f1",
                hub_arguments={"average": "macro"},
            ),
            Metric(
                "micro_f1",
                "micro F1",
                "The F1 of all labels of all rows together: each label counts by its rows.",
                _of_rows(several_labels.micro_f1_interval),
                hub_type="f1",
                hub_arguments={"average": "micro"},
            ),
            Metric(
                "samples_f1",
                "samples F1",
                "The mean over the rows of the F1 of their labels; a row that has none and gets none counts as right.",
                _of_rows(several_labels.samples_f1_interval),
            ),
            Metric(
                "exact_match",
                "exact match",
                "The share of rows that get exactly their labels, none missing and none too many.",
                _of_rows(several_labels.exact_match_interval),
                hub_type="accuracy",
            ),
            Metric(
                "hamming_loss",
                "Hamming loss",
                "The share of wrong answers if each row is asked for each label; lower is better.",
                _of_rows(several_labels.hamming_loss_interval),
            ),
        ),
        all_right="exact_match",
        class_scores=_label_scores,
        matrix=lambda rows: several_labels.missed_and_said(rows.labels, rows.predicted),
        calibrate=calibrate_labels,
        calibration="a scale and a shift for each label (Platt 2000)",
        promised="at least {share} of the texts that get a label get right ones only",
        answered="A text is answered if it gets a label, and that is right if it gets none that it does not have.",
        together=lambda rows: LabelsTogether(*map(several_labels.labels_together, (rows.labels, rows.predicted))),
    ),
}
"""By ``Task.key``."""


def main_score(task: str) -> str:
    """The key of the headline of a run's ``task``, which may be empty: "accuracy" or "macro_f1". Raises UserError ``unknown_task``."""
    return EVALUATIONS[find_task(task).key].metrics[0].key
