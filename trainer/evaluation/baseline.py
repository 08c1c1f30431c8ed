"""Cheap baselines on the same rows: a linear model of word counts, and always predicting the most frequent class.

They learn from training rows and are scored on validation and test rows; nothing is chosen by them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainer.runs.view import BaselineScores, Metrics

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
"""Texts and the int (n,) class ids of their labels."""


@dataclass(frozen=True)
class MajorityClass:
    """The most frequent class of the training rows, and the accuracy in 0..1 of always predicting it on each split."""

    class_id: int
    accuracies: tuple[float, ...]


def word_count_baseline(train: Rows, validation: Rows, test: Rows) -> BaselineScores:
    """The scores of TF-IDF over words (Salton & Buckley 1988; sublinear counts) with a linear support vector machine; deterministic.

    It is trained by stochastic gradient descent with scikit-learn's regularisation (Zhang 2004, Solving large scale linear prediction
    problems using stochastic gradient descent algorithms). It reads all training rows if that takes a core about five seconds, otherwise
    a random sample that does. Raises ValueError if the training rows have only one class or no words.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier

    texts, labels = train[0], np.asarray(train[1])
    rows, passes = _choose_rows_and_passes(_lengths(texts), len(np.unique(labels)))
    vectorizer = TfidfVectorizer(sublinear_tf=True, max_features=_MAX_FEATURES, token_pattern=r"(?u)\b\w+\b", dtype=np.float32)
    features = vectorizer.fit_transform(texts[i][:_MAX_CHARACTERS] for i in rows)
    model = SGDClassifier(loss="hinge", max_iter=passes, tol=None, random_state=_SEED)
    model.fit(features, labels[rows])

    def score(split: Rows) -> Metrics:
        texts, labels = split
        return _metrics(labels, model.predict(vectorizer.transform(text[:_MAX_CHARACTERS] for text in texts)))

    return BaselineScores(rows=len(rows), validation=score(validation), test=score(test))


def estimate_baseline_seconds(train: Rows, *splits: Rows) -> float:
    """Seconds that ``word_count_baseline`` takes on one core, computed from its work and not measured: the same on every machine."""
    lengths, classes = _lengths(train[0]), len(np.unique(train[1]))
    rows, passes = _choose_rows_and_passes(lengths, classes)
    training = int(lengths[rows].sum()) * (_VECTORIZING_WORK + passes * classes)
    scoring = sum(int(_lengths(texts).sum()) for texts, _ in splits) * (_VECTORIZING_WORK + classes)
    return (training + scoring) / _WORK_PER_SECOND


def majority_class(train_labels: np.ndarray, *split_labels: np.ndarray) -> MajorityClass:
    """The most frequent class of the training rows (of equally frequent ones, the first) and its accuracy on the other splits."""
    class_id = int(np.bincount(train_labels).argmax())
    return MajorityClass(class_id, tuple(float(np.mean(np.asarray(labels) == class_id)) for labels in split_labels))


def describe_training_rows(rows: int, training_rows: int | None) -> str:
    """How many rows a baseline learned from, as the end of a sentence; ``training_rows`` are those of the model beside it, None if unknown."""
    if training_rows is None or rows > training_rows:
        return f"{rows:,} training rows"
    return f"the same {rows:,} training rows" if rows == training_rows else f"{rows:,} of the {training_rows:,} training rows"


def _lengths(texts: Sequence[str]) -> np.ndarray:
    """Characters that are read of each text, (n,) int."""
    return np.fromiter((min(len(text), _MAX_CHARACTERS) for text in texts), dtype=np.int64, count=len(texts))


def _metrics(labels: np.ndarray, predicted: np.ndarray) -> Metrics:
    from sklearn.metrics import accuracy_score, f1_score

    return Metrics(float(accuracy_score(labels, predicted)), float(f1_score(labels, predicted, average="macro", zero_division=0)))


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
