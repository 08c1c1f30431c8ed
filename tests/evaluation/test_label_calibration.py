"""The scale and shift of each label."""

import numpy as np
import pytest

from trainer.data.task import SEVERAL_LABELS
from trainer.evaluation.label_calibration import calibrate_labels


def rows(n: int, k: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """True logits, and labels that are drawn from them."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(-1.5, 2.0, (n, k))
    return logits, (generator.random((n, k)) < SEVERAL_LABELS.probabilities(logits)).astype(np.int64)


def test_what_was_done_to_the_logits_is_undone() -> None:
    true, labels = rows(4000, 3)
    scales, shifts = np.array([2.0, 2.0, 3.0]), np.array([0.5, -0.3, 1.0])
    found = calibrate_labels((true - shifts) * scales, labels)
    assert found.temperatures == pytest.approx(scales, rel=0.15)
    assert found.shifts == pytest.approx(shifts, abs=0.2)
    assert found.kept
    assert np.abs(found.logits((true - shifts) * scales) - true).mean() < 0.2


def test_a_label_of_few_rows_is_moved_as_the_others_are() -> None:
    true, labels = rows(3000, 4)
    labels[:, 3] = 0
    labels[:2, 3] = 1
    alone = calibrate_labels(2 * true[:, 3:], labels[:, 3:])
    found = calibrate_labels(2 * true, labels)
    assert abs(found.temperatures[3] - 2) < abs(alone.temperatures[0] - 2) / 2


def test_a_calibrated_model_is_hardly_changed_and_few_rows_say_nothing() -> None:
    true, labels = rows(2000, 3)
    found = calibrate_labels(true, labels)
    assert found.temperatures == pytest.approx(np.ones(3), abs=0.15)
    assert found.nll_after == pytest.approx(found.nll_before, abs=0.002)
    assert calibrate_labels(true[:29], labels[:29]) is None
    assert calibrate_labels(true * np.inf, labels) is None


def test_its_cuts_say_the_same() -> None:
    true, labels = rows(500, 3)
    found, cuts = calibrate_labels(2 * true + 1, labels), (0.2, 0.5, 0.7)
    before = SEVERAL_LABELS.with_cuts(cuts).decide(SEVERAL_LABELS.probabilities(2 * true + 1))
    after = SEVERAL_LABELS.with_cuts(found.cuts(cuts)).decide(SEVERAL_LABELS.probabilities(found.logits(2 * true + 1)))
    assert (before == after).mean() > 0.999
    assert found.cuts(()) == ()
