"""What a simple model of word counts reaches on the same rows: the score that a fine-tuned one has to beat.

Trained on training rows and scored on test rows; it chooses nothing, and nothing is chosen by it.
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
_STEPS = 400_000
"""Rows, the same ones again included, after which more passes bring next to nothing."""
_MOST_PASSES = 500
_SEED = 20_240_229


@dataclass(frozen=True)
class Baseline:
    """Shares in 0..1 on the test rows, the training rows it learned from (all, or a sample of a large file) and its seconds."""

    accuracy: float
    macro_f1: float
    rows: int
    seconds: float


def word_count_baseline(
    train_texts: Sequence[str], train_labels: np.ndarray, test_texts: Sequence[str], test_labels: np.ndarray
) -> Baseline:
    """TF-IDF over words (Salton & Buckley 1988; sublinear counts) with a linear support vector machine, the same each time.

    It is trained by stochastic gradient descent with scikit-learn's regularisation (Zhang 2004, Solving large scale linear prediction
    problems using stochastic gradient descent algorithms). Labels are int (n,) class ids. It reads all training rows where that takes a
    core about five seconds, else as many as do, drawn at random. Raises ValueError where the training rows have one class only or no
    words at all.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.metrics import accuracy_score, f1_score

    begun = time.monotonic()
    train_labels, test_labels = np.asarray(train_labels), np.asarray(test_labels)
    lengths = np.array([min(len(text), _MOST_CHARACTERS) for text in train_texts])
    rows, passes = _plan(lengths, len(np.unique(train_labels)))
    words = TfidfVectorizer(sublinear_tf=True, max_features=_MOST_FEATURES, token_pattern=r"(?u)\b\w+\b", dtype=np.float32)
    counts = words.fit_transform(train_texts[i][:_MOST_CHARACTERS] for i in rows)
    model = SGDClassifier(loss="hinge", max_iter=passes, tol=None, random_state=_SEED)
    model.fit(counts, train_labels[rows])
    predicted = model.predict(words.transform(text[:_MOST_CHARACTERS] for text in test_texts))
    return Baseline(
        accuracy=float(accuracy_score(test_labels, predicted)),
        macro_f1=float(f1_score(test_labels, predicted, average="macro", zero_division=0)),
        rows=len(rows),
        seconds=round(time.monotonic() - begun, 3),
    )


def learned_from(rows: int, training_rows: int | None) -> str:
    """On how many rows a baseline learned, as a sentence's end; ``training_rows`` are those of the model beside it, None if not known."""
    if training_rows is None or rows > training_rows:
        return f"{rows:,} training rows"
    return f"the same {rows:,} training rows" if rows == training_rows else f"{rows:,} of the {training_rows:,} training rows"


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
