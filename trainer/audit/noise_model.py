"""A model of how wrong labels come about, fitted to all rows: how sure the models may be, and which labels are mistaken for which."""

from dataclasses import dataclass

import numpy as np

from trainer.audit.noise_matrix import confident_joint, noise_matrix
from trainer.audit.posterior import posterior
from trainer.audit.suspects import NoiseEstimate
from trainer.data.logits import logits_of, probabilities_of

_SHARPENINGS = tuple(1.12**step for step in reversed(range(22)))
"""Greatest first: from a model that is too unsure expectation maximisation learns that no label is wrong, and stays there."""
_FIRST_ROUNDS, _ROUNDS = 20, 8
"""Of expectation maximisation for the first sharpening, and for each further one, which begins where the one before ended."""
_LEAST = 1e-6
"""A probability that is never undercut: no model is that sure."""
_MAX_ROWS = 20_000
"""From which a noise model is fitted; more change nothing."""
_LIKELY = 1.92
"""Within so much of the greatest log likelihood a sharpening is plausible (95 %, chi squared with one degree of freedom)."""


@dataclass(frozen=True, eq=False)
class NoiseModel:
    """``noise`` (k, k): P(given | true); ``sharpening``: the exponent of the models' probabilities at which they explain the given labels best.
    ``estimate``: the share of wrong labels with its 95 % interval."""

    noise: np.ndarray
    sharpening: float
    estimate: NoiseEstimate

    def truth(self, probabilities: np.ndarray, label_ids: np.ndarray) -> np.ndarray:
        """The probability of each label to be right, (n, k), of rows with these out-of-fold ``probabilities`` and given labels."""
        return posterior(_sharpen(probabilities, self.sharpening), label_ids, self.noise)


def fit_noise_model(probabilities: np.ndarray, label_ids: np.ndarray, *, pseudo_rows: float) -> NoiseModel:
    """The most likely noise model for out-of-fold ``probabilities`` (n, k) and given labels ``label_ids`` (n,), n at least 1.

    Given labels are taken to be drawn from P(given | true), and true ones from the models' probabilities to the power of ``sharpening``,
    since models that learn from wrong labels, and averages of models, are less sure than they are right (the inverse of a temperature,
    Guo et al. 2017). Expectation maximisation (Dawid & Skene 1979) from the confident joint for a series of sharpenings; P(given | true) is
    shrunk as in ``noise_matrix``.

    The share of wrong labels is the mean over all sharpenings, weighted by their likelihood. Its interval covers the shares of all
    plausible sharpenings (profile likelihood), each with the normal error of a share among n rows. No further calibration. The constants were
    chosen while looking at part of the emotion tweets on which tests/bench measures (``measure_estimates``: 6,000 rows, up to 16 % flipped),
    so its figures say less about other files. The interval says nothing of how wrong the models' probabilities are in other ways: where texts
    are hard to tell apart by words, as in a file of few rows, right labels lie outside of it (of 500 tweets as published it said 7 to 27 %),
    and ``ranking`` tells no share.
    """
    if len(label_ids) > _MAX_ROWS:
        chosen = np.sort(np.random.default_rng(0).permutation(len(label_ids))[:_MAX_ROWS])
        pseudo_rows *= _MAX_ROWS / len(label_ids)
        probabilities, label_ids = probabilities[chosen], label_ids[chosen]
    noise = noise_matrix(confident_joint(probabilities, label_ids), pseudo_rows=pseudo_rows)
    logs, shares, noises = [], [], []
    for number, sharpening in enumerate(_SHARPENINGS):
        sharp = _sharpen(probabilities, sharpening)
        for _ in range(_ROUNDS if number else _FIRST_ROUNDS):
            truth = posterior(sharp, label_ids, noise)
            joint = np.zeros_like(noise)
            np.add.at(joint, label_ids, truth)
            noise = noise_matrix(joint, pseudo_rows=pseudo_rows)
        shares.append(float(1 - truth[np.arange(len(label_ids)), label_ids].mean()))
        logs.append(float(np.log(np.maximum((sharp * noise[:, label_ids].T).sum(axis=1), _LEAST**2)).sum()))
        noises.append(noise)
    best = max(range(len(logs)), key=logs.__getitem__)
    return NoiseModel(noises[best], _SHARPENINGS[best], _estimate(np.array(logs), np.array(shares), len(label_ids)))


def _estimate(logs: np.ndarray, shares: np.ndarray, rows: int) -> NoiseEstimate:
    """The share of wrong labels from the log likelihoods and shares of all sharpenings, (m,)."""
    weights = np.exp(logs - logs.max())
    estimate = float((weights * shares).sum() / weights.sum())
    plausible = np.append(shares[logs >= logs.max() - _LIKELY], estimate)
    errors = 1.96 * np.sqrt(plausible * (1 - plausible) / rows)
    return NoiseEstimate(estimate, float(max(0.0, (plausible - errors).min())), float(min(1.0, (plausible + errors).max())))


def _sharpen(probabilities: np.ndarray, sharpening: float) -> np.ndarray:
    sharp = np.maximum(probabilities, _LEAST) ** sharpening
    return sharp / sharp.sum(axis=1, keepdims=True)


def calibrate(suspicion: np.ndarray, wrong: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Probabilities (n,) in the order of ``suspicion`` (n,) that agree with the probabilities ``wrong`` (n,) as well as a logistic curve can
    (Platt 1999): the one ranks rows better, the other knows how many are wrong. The curve is that of the ``fitted`` rows, (n,) bool."""
    every = logits_of(np.clip(suspicion, 1e-9, 1 - 1e-9))
    x, wrong = every[fitted], wrong[fitted]
    intercept, slope = 0.0, 1.0
    for _ in range(50):
        predicted = probabilities_of(intercept + slope * x)
        weight = predicted * (1 - predicted) + 1e-9
        gradient = np.array([(wrong - predicted).sum(), ((wrong - predicted) * x).sum()])
        hessian = np.array([[weight.sum(), (weight * x).sum()], [(weight * x).sum(), (weight * x * x).sum()]])
        step = np.linalg.solve(hessian + 1e-6 * np.eye(2), gradient)
        intercept, slope = intercept + float(np.clip(step[0], -2, 2)), max(0.05, slope + float(np.clip(step[1], -1, 1)))
        if np.abs(step).max() < 1e-8:
            break
    return probabilities_of(intercept + slope * every)
