"""Pools of made-up probabilities, whose quality is known."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from tests.audit.examples import corpus_of
from trainer.audit.deep_check import pool_evidence
from trainer.audit.pooling import pool
from trainer.audit.ranking import Evidence
from trainer.audit.suspects import NoiseEstimate
from trainer.data.duplicates.near_duplicates import NearDuplicates

EVERY = np.ones(3_000, dtype=bool)


def models(rows: int = 3_000, wrong: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two models that each see another half of what says the class, and given and true labels, of which ``wrong`` differ."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 3, rows)
    parts = [np.eye(3)[true] * 1.5 + rng.normal(size=(rows, 3)) for _ in range(2)]
    given = np.where(rng.random(rows) < wrong, (true + 1) % 3, true)
    # The exact posterior of these normal observations.
    first, second = (np.exp(1.5 * part) / np.exp(1.5 * part).sum(axis=1, keepdims=True) for part in parts)
    return first, second, given, true


def accuracy(probabilities: np.ndarray, true: np.ndarray) -> float:
    return float((probabilities.argmax(axis=1) == true).mean())


@pytest.mark.parametrize("wrong", [0.0, 0.2])
def test_models_that_know_different_things_know_more_together(wrong: float):
    first, second, given, true = models(wrong=wrong)
    pooled = pool((first, second), given, EVERY)
    assert accuracy(pooled, true) > max(accuracy(first, true), accuracy(second, true)) + 0.05
    # Bayes' rule with both, as the classes are equally frequent.
    best = first * second / (first * second).sum(axis=1, keepdims=True)
    assert np.abs(pooled - best).mean() < 0.02


def test_a_model_that_knows_nothing_is_left_out():
    first, _, given, true = models()
    nonsense = np.random.default_rng(1).dirichlet([0.3] * 3, len(true))
    assert np.abs(pool((first, nonsense), given, EVERY) - first).mean() < 0.02


def test_models_that_are_too_unsure_are_sharpened():
    first, _, given, _ = models()
    flat = first**0.3 / (first**0.3).sum(axis=1, keepdims=True)
    assert np.abs(pool((flat,), given, EVERY) - first).mean() < 0.02


def test_only_known_rows_choose_the_weights():
    first, second, given, _ = models()
    known = np.arange(len(given)) < 2_000
    other = np.where(known, given, (given + 1) % 3)
    assert np.array_equal(pool((first, second), given, known), pool((first, second), other, known))


def test_labels_that_no_model_explains_make_the_pool_say_nothing():
    first, second, given, _ = models()
    shuffled = np.random.default_rng(2).permutation(given)
    assert np.abs(pool((first, second), shuffled, EVERY) - 1 / 3).mean() < 0.05


def test_a_deep_check_is_better_than_either_of_its_models():
    quick, deep, given, true = models(wrong=0.1)
    corpus = corpus_of([f"text {row}" for row in range(len(true))], [f"class {label}" for label in given])
    none, rows = np.zeros(len(true), dtype=bool), np.arange(len(true))
    near = NearDuplicates(rows, rows, none, none)
    evidence = Evidence(quick, near, csr_matrix((len(true), 1)), EVERY, NoiseEstimate(0.0, 0.0, 0.0), False)
    pooled = pool_evidence(corpus, evidence, deep, min_texts=5)
    assert accuracy(pooled.probabilities, true) > max(accuracy(quick, true), accuracy(deep, true)) + 0.05
    assert pooled.noise.low <= 0.1 <= pooled.noise.high
    assert not pooled.unrelated
