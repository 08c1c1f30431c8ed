"""What a simple model of word counts reaches on the same rows: the score that a fine-tuned one has to beat.

Trained on training rows and scored on test rows; it chooses nothing, and nothing is chosen by it.
"""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_MOST_FEATURES = 50_000
_MOST_ROWS = 20_000
_MOST_WORK = 200_000
"""Training rows times classes: logistic regression's work for each word; with many classes fewer rows are read."""
_LEAST_ROWS = 2_000
_MOST_CHARACTERS = 5_000
"""Read of each text: whole books would take minutes."""
_MOST_STEPS = 100
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
    """TF-IDF over words and pairs of words (Salton & Buckley 1988; sublinear counts) with logistic regression, the same each time.

    Labels are int (n,) class ids. Of large files a random sample of at most 20,000 training rows is read, of fewer with many classes.
    Raises ValueError where the training rows have one class only or no words at all.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, f1_score

    begun = time.monotonic()
    train_labels, test_labels = np.asarray(train_labels), np.asarray(test_labels)
    rows = _sample(len(train_labels), len(np.unique(train_labels)))
    words = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, max_features=_MOST_FEATURES, token_pattern=r"(?u)\b\w+\b", dtype=np.float32
    )
    counts = words.fit_transform(train_texts[i][:_MOST_CHARACTERS] for i in rows)
    # Less regularised than scikit-learn's default, which is for longer texts; what does not settle in time is good enough here.
    model = LogisticRegression(C=10.0, max_iter=_MOST_STEPS, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(counts, train_labels[rows])
    said = model.predict(words.transform(text[:_MOST_CHARACTERS] for text in test_texts))
    return Baseline(
        accuracy=float(accuracy_score(test_labels, said)),
        macro_f1=float(f1_score(test_labels, said, average="macro", zero_division=0)),
        rows=len(rows),
        seconds=round(time.monotonic() - begun, 3),
    )


def _sample(count: int, classes: int) -> np.ndarray:
    """Which training rows are read, in their order: all, or a random sample that is always the same."""
    most = min(_MOST_ROWS, max(_LEAST_ROWS, _MOST_WORK // max(1, classes)))
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(_SEED).choice(count, size=most, replace=False))
