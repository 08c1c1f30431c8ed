"""Labels and predictions -> the report: scores with their uncertainty, scores per class, the confusion matrix.

Which scores there are is in metrics.py. Knows neither texts nor probabilities; baselines are in baseline.py, except the most frequent class.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.data.task import SINGLE_LABEL, Task
from trainer.evaluation.confidence import ConfidenceReport
from trainer.evaluation.intervals import Interval, folds_design_effect
from trainer.evaluation.metrics import EVALUATIONS, ClassScore, LabelsTogether, Metric, ScoredRows
from trainer.evaluation.predictions import Predictions
from trainer.text_format import pluralize


@dataclass(frozen=True)
class Score:
    """A metric's value with its interval."""

    metric: Metric
    interval: Interval


@dataclass(frozen=True)
class ConfusedPair:
    """``rows`` of the ``support`` rows of class ``true`` were predicted as ``predicted``."""

    true: str
    predicted: str
    rows: int
    support: int


@dataclass(frozen=True)
class LabelMistake:
    """Of several labels a text: ``rows`` of the ``of`` rows that have the label ``name`` do not get it, or if ``surplus`` of those that get it do not
    have it."""

    name: str
    surplus: bool
    rows: int
    of: int


@dataclass(frozen=True, eq=False)
class Report:
    """The scores of one split, one for each metric of the task, the headline first.

    ``confusion`` int64 (k, k): rows are the true class, columns the predicted one; for one label a text it sums to ``rows``, for several see
    ``several_labels.missed_and_said``. ``per_class`` has all k classes in order of their ids, including those that do not occur.
    ``majority_share`` is the accuracy of always predicting ``majority_name``, the most frequent class of this split, or several labels that are
    together (of equally frequent ones, the first). ``accuracy`` is the share of rows with exactly their labels. ``folds``: 0, or the number of models of which each was scored on a part of
    the rows that it had not seen. Compared by identity.
    """

    rows: int
    scores: tuple[Score, ...]
    per_class: tuple[ClassScore, ...]
    confusion: np.ndarray
    majority_share: float
    majority_name: str
    label_names: tuple[str, ...]
    said: tuple[int, ...]
    """Of how many rows each class is predicted."""
    folds: int = 0
    task: Task = SINGLE_LABEL
    together: LabelsTogether | None = None
    """Which labels come together; None for one label a text."""

    def score(self, key: str) -> Interval:
        """The score of the metric with this key. Raises KeyError if the task has none."""
        return {score.metric.key: score.interval for score in self.scores}[key]

    @property
    def accuracy(self) -> Interval:
        return self.score(EVALUATIONS[self.task.key].all_right)

    @property
    def accuracy_name(self) -> str:
        """The name of ``accuracy``, as within a sentence: "accuracy", "exact match"."""
        return next(score.metric.name for score in self.scores if score.metric.key == EVALUATIONS[self.task.key].all_right)

    @property
    def macro_f1(self) -> Interval:
        return self.score("macro_f1")

    @property
    def weighted_f1(self) -> Interval:
        return self.score("weighted_f1")

    @property
    def worst(self) -> int | None:
        """The id of the class with the lowest F1 among those with true rows; None if there are fewer than two, or all are equal."""
        f1 = {i: score.f1.value for i, score in enumerate(self.per_class) if score.f1 is not None}
        return min(f1, key=f1.__getitem__) if len(set(f1.values())) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """As JSON; ``per_class`` is keyed by class name, None means undefined."""
        scores = {score.metric.key: score.interval for score in self.scores}
        return {
            **{key: interval.value for key, interval in scores.items()},
            "per_class": {c.name: c.to_dict() for c in self.per_class},
            "rows": self.rows,
            "folds": self.folds,
            "intervals": {key: [interval.low, interval.high] for key, interval in scores.items()},
            "majority": {"name": self.majority_name, "share": self.majority_share},
        }


@dataclass(frozen=True)
class Reports:
    """A run's scores on the rows kept aside for them."""

    test: Report
    validation: Report
    confidence: ConfidenceReport | None = None

    def to_dict(self) -> dict[str, Any]:
        confidence = {} if self.confidence is None else self.confidence.to_dict()
        return {"test": self.test.to_dict(), "validation": self.validation.to_dict(), **confidence}


@dataclass(frozen=True)
class SplitScores:
    """A model's scores on the ``rows`` rows of one split."""

    rows: int
    accuracy: Interval
    macro_f1: Interval

    def to_dict(self) -> dict[str, Any]:
        """As JSON, in the form of ``Report.to_dict``."""
        intervals = {"accuracy": self.accuracy, "macro_f1": self.macro_f1}
        return {
            "rows": self.rows,
            **{key: interval.value for key, interval in intervals.items()},
            "intervals": {key: [interval.low, interval.high] for key, interval in intervals.items()},
        }


@dataclass(frozen=True)
class Scores:
    """A model's scores in a list of runs. Runs are ordered and chosen by ``validation`` alone; ``test`` is only shown."""

    validation: SplitScores
    test: SplitScores

    def to_dict(self) -> dict[str, Any]:
        return {"validation": self.validation.to_dict(), "test": self.test.to_dict()}


def build_report(
    labels: np.ndarray,
    predicted: np.ndarray,
    label_names: tuple[str, ...],
    task: Task = SINGLE_LABEL,
    *,
    folds: int = 0,
    probabilities: np.ndarray | None = None,
) -> Report:
    """Compare ``labels`` with ``predicted``, both in the task's shape, (n,) of ids into ``label_names`` or (n, k); n is at least 1.

    Macro F1 is the unweighted mean of the F1 of the classes that occur in labels or predictions, scikit-learn's default: a class in neither
    says nothing about the model, and one that is predicted without true rows counts as 0. Weighted F1 weights by support. Raises ValueError
    for no rows, different lengths, or ids out of range.
    """
    labels, predicted, names = np.asarray(labels), np.asarray(predicted), tuple(label_names)
    if not len(labels):
        raise ValueError("A report needs at least one row.")
    for ids in (labels, predicted):
        task.check_labels(ids, len(labels), len(names))
    rows = ScoredRows(labels.astype(np.int64), predicted.astype(np.int64), names, folds_design_effect(folds), probabilities, task.cuts)
    majority, share = most_frequent(rows.labels)
    evaluation = EVALUATIONS[task.key]
    return Report(
        rows=len(rows),
        scores=tuple(Score(metric, metric.compute(rows)) for metric in evaluation.metrics),
        per_class=evaluation.class_scores(rows),
        confusion=evaluation.matrix(rows),
        majority_share=share / len(rows),
        majority_name=task.shown(majority, names),
        label_names=names,
        said=tuple(np.bincount(task.label_pairs(rows.predicted)[1], minlength=len(names)).tolist()),
        folds=folds,
        task=task,
        together=evaluation.together(rows),
    )


def most_frequent(labels: np.ndarray) -> tuple[np.ndarray, int]:
    """The most frequent label of rows in their task's shape, or several that are together (of equally frequent ones, the first), and its rows."""
    found, counts = np.unique(labels, axis=0, return_counts=True)
    most = int(counts.argmax())
    return found[most], int(counts[most])


def describe_tested_rows(rows: int, folds: int) -> str:
    """Which rows a score is of, as the end of a sentence; ``folds`` as in a report."""
    if folds:
        return f"{pluralize(rows, 'row')} in {folds} folds, each predicted by a model that had seen neither it nor its near-duplicates"
    return f"{pluralize(rows, 'test row')} that were never trained on, nor used to choose anything"


def describe_folds_model(*, stopped: bool) -> str:
    """What the model of a run in folds is, which was not scored itself, as the end of a sentence; ``stopped``: whether its own training was."""
    if stopped:
        return "learned from all rows, but its training was stopped, so it may be worse than they are"
    return "learned from all rows, in the same way"


def split_report(predictions: Predictions, split: str) -> Report:
    """The report of one split ("validation", "test") of a run's predictions."""
    part = predictions.for_split(split)
    return build_report(part.labels, part.predicted, part.label_names, part.task, folds=part.folds, probabilities=part.probabilities)


def main_scores(reports: Reports) -> Scores:
    """The few scores that a list of runs shows."""
    parts = (reports.validation, reports.test)
    return Scores(*(SplitScores(report.rows, report.accuracy, report.macro_f1) for report in parts))


def most_confused_pairs(report: Report, *, limit: int = 3) -> tuple[ConfusedPair, ...]:
    """The most frequent mistakes; of equally frequent ones first those of the smaller class."""
    mistakes = report.confusion.copy()
    np.fill_diagonal(mistakes, 0)
    support = [score.support for score in report.per_class]
    cells = sorted(zip(*np.nonzero(mistakes), strict=True), key=lambda cell: (-mistakes[cell], -mistakes[cell] / support[cell[0]], cell))
    names = report.label_names
    return tuple(ConfusedPair(names[i], names[j], int(mistakes[i, j]), support[i]) for i, j in cells[:limit])


def most_frequent_label_mistakes(report: Report, *, limit: int = 5) -> tuple[LabelMistake, ...]:
    """The labels that are missed most often, or said most often of texts that do not have them; for several labels a text."""
    mistakes = []
    for score, said, hits in zip(report.per_class, report.said, report.confusion.diagonal().tolist(), strict=True):
        mistakes += [
            LabelMistake(score.name, surplus=surplus, rows=of - hits, of=of) for surplus, of in ((False, score.support), (True, said))
        ]
    found = sorted(
        (mistake for mistake in mistakes if mistake.rows), key=lambda mistake: (-mistake.rows, -mistake.rows / mistake.of, mistake.name)
    )
    return tuple(found[:limit])
