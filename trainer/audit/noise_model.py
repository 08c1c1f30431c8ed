"""A model of how wrong labels come about, fitted to all rows: how sure the models may be, and which labels are mistaken for which."""

from dataclasses import dataclass

import numpy as np

from trainer.audit.noise_matrix import confident_joint, noise_matrix
from trainer.audit.posterior import posterior

_SHARPENINGS = tuple(1.25**step for step in range(11))
_ROUNDS = 30
_LEAST = 1e-6
"""A probability that is never undercut: no model is that sure."""


@dataclass(frozen=True, eq=False)
class NoiseModel:
    """``truth`` (n, k): the probability of each label to be right; ``noise`` (k, k): P(given | true); ``sharpening``: the exponent of the
    models' probabilities at which they explain the given labels best."""

    truth: np.ndarray
    noise: np.ndarray
    sharpening: float


def fit_noise_model(probabilities: np.ndarray, label_ids: np.ndarray, *, pseudo_rows: float) -> NoiseModel:
    """The most likely noise model for out-of-fold ``probabilities`` (n, k) and given labels ``label_ids`` (n,).

    Given labels are taken to be drawn from P(given | true), and true ones from the models' probabilities to the power of ``sharpening``,
    since models that learn from wrong labels, and averages of models, are less sure than they are right (the inverse of a temperature,
    Guo et al. 2017). Expectation maximisation (Dawid & Skene 1979) from the confident joint, once for each of a few sharpenings; P(given |
    true) is shrunk as in ``noise_matrix``.
    """
    start = noise_matrix(confident_joint(probabilities, label_ids), pseudo_rows=pseudo_rows)
    best: tuple[float, NoiseModel] | None = None
    for sharpening in _SHARPENINGS:
        sharp = np.maximum(probabilities, _LEAST) ** sharpening
        sharp /= sharp.sum(axis=1, keepdims=True)
        noise = start
        for _ in range(_ROUNDS):
            truth = posterior(sharp, label_ids, noise)
            joint = np.zeros_like(noise)
            np.add.at(joint, label_ids, truth)
            noise = noise_matrix(joint, pseudo_rows=pseudo_rows)
        likelihood = float(np.log(np.maximum((sharp * noise[:, label_ids].T).sum(axis=1), _LEAST**2)).sum())
        if best is None or likelihood > best[0]:
            best = likelihood, NoiseModel(truth, noise, sharpening)
    return best[1]


def calibrate(suspicion: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Probabilities (n,) in the order of ``suspicion`` (n,) that agree with the probabilities ``wrong`` (n,) as well as a logistic curve can
    (Platt 1999): the one ranks rows better, the other knows how many are wrong."""
    x = _logit(suspicion)
    intercept, slope = 0.0, 1.0
    for _ in range(50):
        predicted = _sigmoid(intercept + slope * x)
        weight = predicted * (1 - predicted) + 1e-9
        gradient = np.array([(wrong - predicted).sum(), ((wrong - predicted) * x).sum()])
        hessian = np.array([[weight.sum(), (weight * x).sum()], [(weight * x).sum(), (weight * x * x).sum()]])
        step = np.linalg.solve(hessian + 1e-6 * np.eye(2), gradient)
        intercept, slope = intercept + float(np.clip(step[0], -2, 2)), max(0.05, slope + float(np.clip(step[1], -1, 1)))
        if np.abs(step).max() < 1e-8:
            break
    return _sigmoid(intercept + slope * x)


def _logit(values: np.ndarray) -> np.ndarray:
    values = np.clip(values, 1e-9, 1 - 1e-9)
    return np.log(values) - np.log1p(-values)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))
