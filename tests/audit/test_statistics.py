"""The parts of a judgement on made-up probabilities, whose noise is known."""

import numpy as np
import pytest

from trainer.audit.judgement import judge
from trainer.audit.noise_matrix import confident_joint, noise_matrix
from trainer.audit.noise_model import calibrate, fit_noise_model
from trainer.audit.posterior import posterior

NOISE = np.array([[0.9, 0.1, 0.0], [0.0, 1.0, 0.0], [0.02, 0.02, 0.96]])


def drawn(rows: int = 6_000, flatten: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities of models, given labels and true ones; ``flatten`` below 1 makes models less sure than they are right."""
    rng = np.random.default_rng(seed)
    truth = rng.dirichlet([0.15] * 3, rows)
    true = np.array([rng.choice(3, p=p) for p in truth])
    given = np.array([rng.choice(3, p=NOISE[label]) for label in true])
    flat = truth**flatten
    return flat / flat.sum(axis=1, keepdims=True), given, true


@pytest.mark.parametrize("flatten", [1.0, 0.5])
def test_the_noise_model_finds_how_many_are_wrong_and_which_for_which(flatten: float):
    probabilities, given, true = drawn(flatten=flatten)
    model = fit_noise_model(probabilities, given, pseudo_rows=50)
    wrong = float((given != true).mean())
    assert model.estimate.low <= wrong <= model.estimate.high
    assert model.estimate.estimate == pytest.approx(wrong, abs=0.01)
    assert model.sharpening == pytest.approx(1 / flatten, rel=0.15)
    assert np.abs(model.noise - NOISE).max() < 0.05


def test_scores_are_probabilities():
    probabilities, given, true = drawn(flatten=0.5)
    judgement = judge(probabilities, given, np.ones(len(given), dtype=bool))
    for low, high in ((0.0, 0.1), (0.3, 0.7), (0.7, 1.0)):
        inside = (judgement.wrong >= low) & (judgement.wrong <= high)
        assert (given != true)[inside].mean() == pytest.approx(judgement.wrong[inside].mean(), abs=0.12)


def test_the_confident_joint_is_that_of_cleanlab():
    # cleanlab 2.9.0: count.compute_confident_joint(labels, pred_probs, calibrate=True) of these rows.
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    first = np.array([0.9, 0.8, 0.7, 0.1, 0.2, 0.1, 0.3, 0.6])
    joint = confident_joint(np.stack([first, 1 - first], axis=1), labels)
    assert joint.tolist() == CLEANLAB_JOINT


CLEANLAB_JOINT = [[3.0, 1.0], [0.0, 4.0]]


def test_few_rows_make_no_pair_suspicious():
    joint = np.array([[10.0, 2.0, 0.0], [0.0, 100.0, 0.0], [0.0, 0.0, 100.0]])
    shrunk = noise_matrix(joint, pseudo_rows=1_000)
    assert np.allclose(shrunk.sum(axis=1), 1)
    assert shrunk[1, 0] == pytest.approx(shrunk[1, 2], rel=0.35)
    assert noise_matrix(joint, pseudo_rows=0)[1, 0] == pytest.approx(2 / 102)


def test_a_row_without_any_probability_keeps_its_label():
    truth = posterior(np.array([[0.0, 0.0, 0.0], [0.2, 0.7, 0.1]]), np.array([2, 0]), NOISE)
    assert truth[0].tolist() == [0, 0, 1]
    assert truth.sum(axis=1) == pytest.approx([1, 1])


def test_calibration_keeps_the_order():
    suspicion = np.linspace(0.001, 0.6, 200)
    wrong = np.linspace(0, 1, 200) ** 2
    calibrated = calibrate(suspicion, wrong, np.ones(200, dtype=bool))
    assert (np.diff(calibrated) > 0).all()
    assert calibrated.mean() == pytest.approx(wrong.mean(), abs=0.02)
