"""Cuts of labels: the best on their rows, near the common one where a label is rare."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.cuts import choose_cuts, choose_cuts_by_counting
from trainer.data.task import SEVERAL_LABELS


def rows(n: int, shares: tuple[float, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels with these shares, and probabilities that are right as often as they say."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(np.log(np.array(shares) / (1 - np.array(shares))), 2.0, (n, len(shares)))
    probabilities = 1 / (1 + np.exp(-logits))
    return (generator.random(probabilities.shape) < probabilities).astype(np.int64), probabilities


def macro_f1(labels: np.ndarray, probabilities: np.ndarray, cuts: tuple[float, ...]) -> float:
    from sklearn.metrics import f1_score

    said = SEVERAL_LABELS.with_cuts(cuts).decide(probabilities)
    return f1_score(labels, said, average="macro", zero_division=np.nan)


def test_they_say_more_right_of_other_rows_than_even_ones() -> None:
    labels, probabilities = rows(4000, (0.3, 0.1, 0.05, 0.02))
    cuts = choose_cuts(labels[:2000], probabilities[:2000])
    assert macro_f1(labels[2000:], probabilities[2000:], cuts) > macro_f1(labels[2000:], probabilities[2000:], ()) + 0.02
    # The best cut of a calibrated label is half of its best F1 (Lipton, Elkan & Naryanaswamy 2014).
    assert all(0.15 < cut < 0.5 for cut in cuts)


def test_a_label_of_few_rows_has_nearly_the_common_cut() -> None:
    labels, probabilities = rows(3000, (0.3, 0.3, 0.3, 0.3))
    labels[:, 3] = 0
    labels[np.argsort(probabilities[:, 3])[:2], 3] = 1  # two rows, where nothing speaks for it
    common = choose_cuts(labels[:, :3], probabilities[:, :3])
    rare = choose_cuts(labels, probabilities)[3]
    assert abs(rare - np.mean(common)) < 0.15
    assert choose_cuts(labels[:, 3:], probabilities[:, 3:])[0] != pytest.approx(rare, abs=1e-3)


def test_they_say_more_right_of_other_rows_than_those_that_count_best() -> None:
    gains = []
    for seed in range(8):
        labels, probabilities = rows(4400, (0.2, 0.1, 0.05, 0.05), seed)
        first, other = slice(0, 400), slice(400, None)
        tried = np.linspace(0.02, 0.98, 49)
        counted = tuple(
            float(max(tried, key=lambda cut, j=j: macro_f1(labels[first, j : j + 1], probabilities[first, j : j + 1], (cut,))))
            for j in range(4)
        )
        of_others = labels[other], probabilities[other]
        gains.append(macro_f1(*of_others, choose_cuts(labels[first], probabilities[first])) - macro_f1(*of_others, counted))
    assert np.mean(gains) > 0.005


def test_where_scores_are_no_probabilities_right_answers_are_counted() -> None:
    """Half of the rows have scores close together, of which the highest are right; the others far higher ones, of which few are."""
    generator = np.random.default_rng(0)
    close, scores = generator.random((4000, 3)) < 0.5, generator.uniform(0.3, 0.4, (4000, 3))
    labels = (close & (scores > 0.37) | ~close & (generator.random((4000, 3)) < 0.1)).astype(np.int64)
    scores = np.where(close, scores, generator.uniform(0.4, 0.99, (4000, 3)))
    first, other = slice(0, 2000), slice(2000, None)
    counted, expected = (
        macro_f1(labels[other], scores[other], cuts(labels[first], scores[first])) for cuts in (choose_cuts_by_counting, choose_cuts)
    )
    assert counted > expected + 0.02


def test_there_is_one_for_each_label_of_a_model_that_has_diverged_or_is_sure() -> None:
    labels, probabilities = rows(50, (0.3, 0.1))
    for given_ in (
        np.full_like(probabilities, np.nan),
        np.zeros_like(probabilities),
        np.ones_like(probabilities),
        labels.astype(np.float32),
    ):
        cuts = choose_cuts(labels, given_)
        assert len(cuts) == 2
        assert all(0 < cut < 1 for cut in cuts)


@given(st.integers(1, 30), st.integers(1, 5), st.integers(0, 1000))
def test_there_is_one_for_each_label_whatever_the_rows(n: int, k: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    labels, probabilities = generator.integers(0, 2, (n, k)), generator.random((n, k)).round(1)
    cuts = choose_cuts(labels, probabilities)
    assert len(cuts) == k
    assert all(0 < cut < 1 for cut in cuts)
    assert cuts == choose_cuts(labels, probabilities)
