"""What more rows would bring: the accuracy on the validation rows of a cheap model that learns from a quarter, half and all of the training rows.

The model counts words. Test rows play no part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.evaluation.intervals import CONFIDENCE, Interval, proportion_interval

_SHARES = (0.25, 0.5, 1.0)
_MIN_VALIDATION, _MIN_TRAINING = 50, 60
_MAX_WORK = 150_000
"""Training rows times classes that are read, which takes seconds; of more rows a part is drawn."""
_MAX_VALIDATION = 3_000
_MAX_CHARACTERS = 2_000
_SEED = 20_240_229


@dataclass(frozen=True)
class CurveStep:
    """The accuracy on the validation rows after learning from ``rows`` rows, the mean of so many ``draws`` of them."""

    rows: int
    accuracy: Interval
    draws: int

    def to_dict(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "accuracy": self.accuracy.value,
            "interval": [self.accuracy.low, self.accuracy.high],
            "draws": self.draws,
        }


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """``gain``: by how much all rows are better than half of them, with its 95 % interval. ``class_gain`` (k,): the same of each class's recall, without
    interval; NaN without validation rows. Compared by identity."""

    steps: tuple[CurveStep, ...]
    gain: Interval
    class_gain: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """As JSON; classes are not in it."""
        return {"steps": [step.to_dict() for step in self.steps], "gain": self.gain.value, "gain_interval": [self.gain.low, self.gain.high]}


def learning_curve(
    train: tuple[Sequence[str], np.ndarray], validation: tuple[Sequence[str], np.ndarray], classes: int
) -> LearningCurve | None:
    """The curve of texts and int (n,) class ids below ``classes``; None for too few rows, or if some of the parts have a single
    class or no words."""
    (texts, labels), (held_out, truth) = _at_most(train, max(_MIN_TRAINING, _MAX_WORK // classes)), _at_most(validation, _MAX_VALIDATION)
    if len(texts) < _MIN_TRAINING or len(held_out) < _MIN_VALIDATION:
        return None
    order = np.random.default_rng(_SEED).permutation(len(texts))
    right: list[np.ndarray] = []
    steps = []
    for share in _SHARES:
        size, draws = int(len(texts) * share), round(1 / share)
        parts = [order[number * size : (number + 1) * size] for number in range(draws)]
        if any(len(np.unique(labels[part])) < 2 for part in parts):
            return None
        try:
            hits = np.mean([_predict([texts[i] for i in part], labels[part], held_out) == truth for part in parts], axis=0)
        except ValueError:  # no words, as in texts of emoji
            return None
        right.append(hits)
        accuracy = float(hits.mean())
        ends = proportion_interval(round(accuracy * len(truth)), len(truth))
        steps.append(CurveStep(size, Interval(accuracy, min(accuracy, ends.low), max(accuracy, ends.high)), draws))
    gained = right[-1] - right[-2]
    with np.errstate(invalid="ignore", divide="ignore"):
        class_gain = np.bincount(truth, gained, classes) / np.bincount(truth, minlength=classes)
    return LearningCurve(tuple(steps), _mean_interval(gained), class_gain)


def _at_most(rows: tuple[Sequence[str], np.ndarray], limit: int) -> tuple[Sequence[str], np.ndarray]:
    texts, labels = rows
    if len(texts) <= limit:
        return texts, np.asarray(labels)
    chosen = np.sort(np.random.default_rng(_SEED).permutation(len(texts))[:limit])
    return [texts[i] for i in chosen], np.asarray(labels)[chosen]


def _predict(texts: Sequence[str], labels: np.ndarray, held_out: Sequence[str]) -> np.ndarray:
    """Class ids of ``held_out`` by a linear support vector machine on TF-IDF of words. Raises ValueError if ``texts`` have no words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b", max_features=50_000)
    features = vectorizer.fit_transform(text[:_MAX_CHARACTERS] for text in texts)
    model = LinearSVC(random_state=_SEED, dual=True).fit(features, labels)
    return model.predict(vectorizer.transform(text[:_MAX_CHARACTERS] for text in held_out))


def _mean_interval(values: np.ndarray) -> Interval:
    """The mean of n values with Student's interval."""
    from scipy.stats import t

    mean, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    half = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * error
    return Interval(mean, mean - half, mean + half)
