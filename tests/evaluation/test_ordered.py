"""Scores of ordered labels, against scikit-learn; and how often their intervals hold the truth."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, confusion_matrix, mean_absolute_error

from trainer.evaluation.ordered import ordered_scores

STEPS = ("1", "2", "3", "4", "5")


def drawn_rows(rng: np.random.Generator, n: int, *, noise: float) -> tuple[np.ndarray, np.ndarray]:
    labels = rng.choice(5, n, p=[0.1, 0.1, 0.2, 0.35, 0.25])
    predicted = np.clip(labels + np.round(rng.normal(0, noise, n)).astype(int), 0, 4)
    return labels, predicted


def test_scores_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    labels, predicted = drawn_rows(rng, 300, noise=0.8)
    scores = ordered_scores(confusion_matrix(labels, predicted, labels=range(5)), STEPS, range(5))
    assert scores.mean_distance.value == pytest.approx(mean_absolute_error(labels, predicted), abs=1e-12)
    assert scores.within_one.value == pytest.approx(np.mean(np.abs(labels - predicted) <= 1), abs=1e-12)
    assert scores.quadratic_kappa.value == pytest.approx(cohen_kappa_score(labels, predicted, weights="quadratic"), abs=1e-12)
    # In another order of the ids the scores are the same.
    moved = [3, 0, 4, 1, 2]
    names = [STEPS[i] for i in moved]
    shuffled = confusion_matrix(labels, predicted, labels=moved)
    again = ordered_scores(shuffled, names, [moved.index(i) for i in range(5)])
    assert again.to_dict() == scores.to_dict()


def test_a_perfect_score_and_a_single_class_are_not_certain() -> None:
    perfect = ordered_scores(np.diag([3, 4, 5]), STEPS[:3], range(3))
    assert (perfect.mean_distance.value, perfect.quadratic_kappa.value) == (0.0, 1.0)
    assert perfect.mean_distance.high > 0.05
    assert perfect.quadratic_kappa.low < 0.98
    alone = ordered_scores(np.diag([0, 9, 0]), STEPS[:3], range(3))
    assert alone.quadratic_kappa is None
    assert alone.to_dict()["quadratic_kappa"] is None


@pytest.mark.parametrize(("n", "noise"), [(40, 0.6), (200, 0.6), (200, 1.2)])
def test_intervals_hold_the_truth(n: int, noise: float) -> None:
    rng = np.random.default_rng(7)
    labels, predicted = drawn_rows(rng, 400_000, noise=noise)
    truth = (np.abs(labels - predicted).mean(), cohen_kappa_score(labels, predicted, weights="quadratic"))
    held = np.zeros(2)
    for _ in range(400):
        rows = rng.integers(0, len(labels), n)
        scores = ordered_scores(np.bincount(labels[rows] * 5 + predicted[rows], minlength=25).reshape(5, 5), STEPS, range(5))
        held += [s.low <= t <= s.high for s, t in zip((scores.mean_distance, scores.quadratic_kappa), truth, strict=True)]
    assert (held / 400 >= 0.92).all(), held / 400
    assert (held / 400 <= 0.99).all(), held / 400
