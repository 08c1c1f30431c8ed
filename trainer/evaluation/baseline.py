"""What costs next to nothing reaches on the same rows: a simple model of word counts, and always the most frequent class.

Learned from training rows and scored on validation and test rows; it chooses nothing, and nothing is chosen by it.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_MOST_FEATURES = 50_000
_MOST_CHARACTERS = 5_000
"""Read of each text: whole books would take minutes."""
_READING = 84
"""What it costs to count a text's words, in passes of one class over that text; measured."""
_MOST_WORK = 2_100_000_000
"""Characters times passes of one class over them, reading included: about five seconds of one core."""
_WORK_A_SECOND = 420_000_000
"""Such work that one core does in a second; measured."""
_STEPS = 400_000
"""Rows, the same ones again included, after which more passes bring next to nothing."""
_MOST_PASSES = 500
_SEED = 20_240_229


Rows = tuple[Sequence[str], np.ndarray]
"""Texts and the int (n,) class ids of their labels."""


@dataclass(frozen=True)
class SplitScore:
    """Shares in 0..1 on the rows of one split."""

    accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class Baseline:
    """The scores on each split, the training rows it learned from (all, or a sample of a large file) and its seconds."""

    scores: tuple[SplitScore, ...]
    rows: int
    seconds: float


@dataclass(frozen=True)
class MajorityClass:
    """The most frequent class of the training rows, and the share in 0..1 of each split's rows that have it."""

    class_id: int
    accuracies: tuple[float, ...]


def word_count_baseline(train: Rows, *splits: Rows) -> Baseline:
    """TF-IDF over words (Salton & Buckley 1988; sublinear counts) with a linear support vector machine, the same each time.

    It is trained by stochastic gradient descent with scikit-learn's regularisation (Zhang 2004, Solving large scale linear prediction
    problems using stochastic gradient descent algorithms), and scored on each of ``splits``. It reads all training rows where that takes a
    core about five seconds, else as many as do, drawn at random. Raises ValueError where the training rows have one class only or no
    words at all.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier

    begun = time.monotonic()
    texts, labels = train[0], np.asarray(train[1])
    rows, passes = _plan(_lengths(texts), len(np.unique(labels)))
    words = TfidfVectorizer(sublinear_tf=True, max_features=_MOST_FEATURES, token_pattern=r"(?u)\b\w+\b", dtype=np.float32)
    counts = words.fit_transform(texts[i][:_MOST_CHARACTERS] for i in rows)
    model = SGDClassifier(loss="hinge", max_iter=passes, tol=None, random_state=_SEED)
    model.fit(counts, labels[rows])
    scores = tuple(_score(labels, model.predict(words.transform(text[:_MOST_CHARACTERS] for text in texts))) for texts, labels in splits)
    return Baseline(scores=scores, rows=len(rows), seconds=round(time.monotonic() - begun, 3))


def expected_seconds(train: Rows, *splits: Rows) -> float:
    """What ``word_count_baseline`` will take of one core, from its plan and not from a clock: the same on every machine."""
    lengths, classes = _lengths(train[0]), len(np.unique(train[1]))
    rows, passes = _plan(lengths, classes)
    learning = int(lengths[rows].sum()) * (_READING + passes * classes)
    reading = sum(int(_lengths(texts).sum()) for texts, _ in splits) * (_READING + classes)
    return (learning + reading) / _WORK_A_SECOND


def majority_class(train_labels: np.ndarray, *split_labels: np.ndarray) -> MajorityClass:
    """What always giving the most frequent class of the training rows would be right in; of equally frequent ones, the first."""
    most = int(np.bincount(train_labels).argmax())
    return MajorityClass(most, tuple(float(np.mean(np.asarray(labels) == most)) for labels in split_labels))


def learned_from(rows: int, training_rows: int | None) -> str:
    """On how many rows a baseline learned, as a sentence's end; ``training_rows`` are those of the model beside it, None if not known."""
    if training_rows is None or rows > training_rows:
        return f"{rows:,} training rows"
    return f"the same {rows:,} training rows" if rows == training_rows else f"{rows:,} of the {training_rows:,} training rows"


def _lengths(texts: Sequence[str]) -> np.ndarray:
    """Characters that are read of each text, (n,) int."""
    return np.fromiter((min(len(text), _MOST_CHARACTERS) for text in texts), dtype=np.int64, count=len(texts))


def _score(labels: np.ndarray, predicted: np.ndarray) -> SplitScore:
    from sklearn.metrics import accuracy_score, f1_score

    return SplitScore(float(accuracy_score(labels, predicted)), float(f1_score(labels, predicted, average="macro", zero_division=0)))


def _plan(lengths: np.ndarray, classes: int) -> tuple[np.ndarray, int]:
    """Which training rows are read, in their order, and how often; ``lengths`` are their characters. The same each time.

    Rows go before passes: all of them once are worth more than half of them twice.
    """
    most = _MOST_WORK / (_READING + classes)
    rows = np.arange(len(lengths))
    if lengths.sum() > most:
        drawn = np.random.default_rng(_SEED).permutation(len(lengths))
        rows = np.sort(drawn[: max(1, int(np.searchsorted(np.cumsum(lengths[drawn]), most, side="right")))])
    affordable = (_MOST_WORK / max(1, int(lengths[rows].sum())) - _READING) / classes
    return rows, int(max(1, min(affordable, math.ceil(_STEPS / max(1, len(rows))), _MOST_PASSES)))
