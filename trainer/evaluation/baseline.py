"""Cheap baselines on the same rows: a linear model of word counts, and always predicting the most frequent class.

They learn from training rows and are scored on validation and test rows; nothing is chosen by them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.data.cuts import choose_cuts_by_counting
from trainer.data.splits import Splits
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL, Task
from trainer.evaluation.report import most_frequent
from trainer.runs.view import BaselineScores, Metrics

if TYPE_CHECKING:
    from sklearn.linear_model import SGDClassifier

_MAX_FEATURES = 50_000
_MAX_CHARACTERS = 5_000
"""Read of each text: whole books would take minutes."""
_VECTORIZING_WORK = 84
"""Cost of counting a text's words, in passes of one class over that text; measured."""
_MAX_WORK = 2_100_000_000
"""Characters times passes of one class over them, counting words included: about five seconds of one core."""
_WORK_PER_SECOND = 420_000_000
"""Such work that one core does in a second; measured."""
_ENOUGH_ROWS_READ = 400_000
"""Rows read, repeated passes included, after which more passes gain next to nothing."""
_MAX_PASSES = 500
_SEED = 20_240_229


Rows = tuple[Sequence[str], np.ndarray]
"""Texts and their labels, in the task's shape."""
_NEVER = -20.0
"""Instead of the distance from the machine of a label that no row has"""


@dataclass(frozen=True)
class MajorityClass:
    """The most frequent class of the training rows, or several labels that are together, in the task's shape; and the accuracy in 0..1 of always
    predicting it on each split."""

    labels: np.ndarray
    accuracies: tuple[float, ...]


def word_count_baseline(train: Rows, validation: Rows, test: Rows, task: Task = SINGLE_LABEL) -> BaselineScores:
    """The scores of TF-IDF over words (Salton & Buckley 1988; sublinear counts) with a linear support vector machine; deterministic.

    It is trained by stochastic gradient descent with scikit-learn's regularisation (Zhang 2004, Solving large scale linear prediction
    problems using stochastic gradient descent algorithms). It reads all training rows if that takes a core about five seconds, otherwise
    a random sample that does. For several labels a text there is one for each label, with a cut of its own chosen on the validation rows. Raises
    ValueError if the training rows have only one class or no words.
    """
    rows, (validated, tested) = _count_words(train, (validation, test), task)
    scores = (_metrics(labels, said, task) for (_, labels), said in ((validation, validated), (test, tested)))
    return BaselineScores(rows, *scores)


def word_count_baseline_in_folds(rows: Rows, folds: Sequence[Splits], validation: np.ndarray, task: Task = SINGLE_LABEL) -> BaselineScores:
    """The scores of ``word_count_baseline`` on all n rows, each judged by a model of the rows outside of its fold, and on the rows ``validation`` of them.

    ``folds``: the rows of each as "test". Where cuts are to be chosen, its validation rows do it, and are not learned. ``rows`` of the result are those of
    one model, on average. Raises ValueError as there.
    """
    texts, labels = rows

    def part_of(part: np.ndarray) -> Rows:
        return [texts[i] for i in part], labels[part]

    predicted, learned = np.zeros(labels.shape, dtype=np.int64), []
    for fold in folds:
        held_out = np.sort(fold.test)
        choosing = [fold.validation] if task.even_cuts(1) else []
        rest = np.setdiff1d(np.arange(len(texts)), np.concatenate([held_out, *choosing]))
        n_rows, said = _count_words(part_of(rest), [part_of(part) for part in (*choosing, held_out)], task)
        predicted[held_out] = said[-1]
        learned.append(n_rows)
    scores = (_metrics(labels[part], predicted[part], task) for part in (validation, np.arange(len(texts))))
    return BaselineScores(round(sum(learned) / len(learned)), *scores)


def _count_words(train: Rows, splits: Sequence[Rows], task: Task) -> tuple[int, list[np.ndarray]]:
    """How many rows the models of word counts have read, and what they say of the texts of each split, the first of which chooses the cuts."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts, labels = train[0], np.asarray(train[1])
    rows, passes = _choose_rows_and_passes(_lengths(texts), _count_classes(labels, task))
    vectorizer = TfidfVectorizer(sublinear_tf=True, max_features=_MAX_FEATURES, token_pattern=r"(?u)\b\w+\b", dtype=np.float32)
    features = vectorizer.fit_transform(texts[i][:_MAX_CHARACTERS] for i in rows)
    counted = (vectorizer.transform(text[:_MAX_CHARACTERS] for text in part) for part, _ in splits)
    return len(rows), _WORD_MODELS[task.key](features, labels[rows], passes, list(counted), np.asarray(splits[0][1]))


def _predict_classes(features: Any, labels: np.ndarray, passes: int, splits: Sequence[Any], _: np.ndarray) -> list[np.ndarray]:
    """The class ids that a machine for all classes predicts for the counted words of each split."""
    model = _machine(passes).fit(features, labels)
    return [model.predict(split) for split in splits]


def _predict_labels(features: Any, labels: np.ndarray, passes: int, splits: Sequence[Any], first: np.ndarray) -> list[np.ndarray]:
    """The labels, multi-hot, that a machine for each label predicts for the counted words of each split; the labels of the ``first`` choose the cuts."""
    logits = [np.full((split.shape[0], labels.shape[1]), _NEVER) for split in splits]
    for label_id in np.flatnonzero(labels.any(axis=0)).tolist():
        if labels[:, label_id].all():
            for found in logits:
                found[:, label_id] = -_NEVER
            continue
        model = _machine(passes).fit(features, labels[:, label_id])
        for split, found in zip(splits, logits, strict=True):
            found[:, label_id] = model.decision_function(split)
    probabilities = [SEVERAL_LABELS.probabilities(found) for found in logits]
    task = SEVERAL_LABELS.with_cuts(choose_cuts_by_counting(first, probabilities[0]))
    return [task.decide(found) for found in probabilities]


_WORD_MODELS = {SINGLE_LABEL.key: _predict_classes, SEVERAL_LABELS.key: _predict_labels}
"""By ``Task.key``."""


def _machine(passes: int) -> "SGDClassifier":
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(loss="hinge", max_iter=passes, tol=None, random_state=_SEED)


def _count_classes(labels: np.ndarray, task: Task) -> int:
    """How many classes these labels have, each of which is a model."""
    return len(np.unique(task.label_pairs(np.asarray(labels))[1]))


def estimate_baseline_seconds(train: Rows, *splits: Rows, task: Task = SINGLE_LABEL) -> float:
    """Seconds that ``word_count_baseline`` takes on one core, computed from its work and not measured: the same on every machine."""
    lengths, classes = _lengths(train[0]), _count_classes(train[1], task)
    rows, passes = _choose_rows_and_passes(lengths, classes)
    training = int(lengths[rows].sum()) * (_VECTORIZING_WORK + passes * classes)
    scoring = sum(int(_lengths(texts).sum()) for texts, _ in splits) * (_VECTORIZING_WORK + classes)
    return (training + scoring) / _WORK_PER_SECOND


def majority_class(train_labels: np.ndarray, *split_labels: np.ndarray, task: Task = SINGLE_LABEL) -> MajorityClass:
    """The most frequent class of the training rows, or set of labels (of equally frequent ones, the first), and its accuracy on the other splits."""
    majority, _ = most_frequent(train_labels)
    return MajorityClass(majority, tuple(float(np.mean(task.right(labels, majority))) for labels in split_labels))


def describe_training_rows(rows: int, training_rows: int | None) -> str:
    """How many rows a baseline learned from, as the end of a sentence; ``training_rows`` are those of the model beside it, None if unknown."""
    if training_rows is None or rows > training_rows:
        return f"{rows:,} training rows"
    return f"the same {rows:,} training rows" if rows == training_rows else f"{rows:,} of the {training_rows:,} training rows"


def _lengths(texts: Sequence[str]) -> np.ndarray:
    """Characters that are read of each text, (n,) int."""
    return np.fromiter((min(len(text), _MAX_CHARACTERS) for text in texts), dtype=np.int64, count=len(texts))


def _metrics(labels: np.ndarray, predicted: np.ndarray, task: Task) -> Metrics:
    from sklearn.metrics import accuracy_score, f1_score

    occurring = np.union1d(*(task.label_pairs(np.asarray(ids))[1] for ids in (labels, predicted)))
    f1 = f1_score(labels, predicted, labels=occurring, average="macro", zero_division=0) if len(occurring) else 0.0
    return Metrics(float(accuracy_score(labels, predicted)), float(f1))


def _choose_rows_and_passes(lengths: np.ndarray, classes: int) -> tuple[np.ndarray, int]:
    """Which training rows are read, in ascending order, and how often; ``lengths`` are their characters. Deterministic.

    More rows are worth more than more passes: all of them once beats half of them twice.
    """
    max_characters = _MAX_WORK / (_VECTORIZING_WORK + classes)
    rows = np.arange(len(lengths))
    if lengths.sum() > max_characters:
        shuffled = np.random.default_rng(_SEED).permutation(len(lengths))
        rows = np.sort(shuffled[: max(1, int(np.searchsorted(np.cumsum(lengths[shuffled]), max_characters, side="right")))])
    affordable = (_MAX_WORK / max(1, int(lengths[rows].sum())) - _VECTORIZING_WORK) / classes
    return rows, int(max(1, min(affordable, math.ceil(_ENOUGH_ROWS_READ / max(1, len(rows))), _MAX_PASSES)))
