"""Several models' probabilities as one: a logarithmic pool whose weights the given labels decide. Judges no label."""

from collections.abc import Sequence

import numpy as np

from trainer.data.task import SINGLE_LABEL

_LEAST = 1e-6
"""A probability that is never undercut: no model is that sure."""
_MAX_WEIGHT = 5.0
_MOST_NOISE = 0.9
_MAX_ROWS = 10_000
"""From which the weights are fitted; more change nothing."""


def pool(probabilities: Sequence[np.ndarray], label_ids: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The probabilities (n, k) of m models, each (n, k), as one (n, k).

    A logarithmic opinion pool (Genest & Zidek 1986, Combining probability distributions; Hinton 1999, Products of experts): a model that is right
    where others doubt counts for more than in a mean. Its weights are those at which it explains the labels ``label_ids`` (n,) of the ``known``
    rows, (n,) bool, best if a share of all labels, fitted too, were given at random; so wrong labels hardly weaken a good model, and a poor model
    is left out. The weights also say how sure the pool is, as their sum is free.
    """
    logs = np.stack([np.log(np.maximum(given, _LEAST)) for given in probabilities])
    weights = _fit_weights(logs, label_ids, np.flatnonzero(known))
    return SINGLE_LABEL.probabilities(np.tensordot(weights, logs, axes=1))


def _fit_weights(logs: np.ndarray, label_ids: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Weights (m,), none negative, for the logarithms (m, n, k) of probabilities; ``rows`` are positions."""
    from scipy.optimize import minimize

    if len(rows) > _MAX_ROWS:
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:_MAX_ROWS])
    logs, labels = logs[:, rows], label_ids[rows]
    n_models, n_rows, n_classes = logs.shape
    given = logs[:, np.arange(n_rows), labels]

    def loss_and_gradient(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Of the weights and the share of labels at random: minus the mean log likelihood of a given label."""
        weights, noise = parameters[:-1], parameters[-1]
        pooled = SINGLE_LABEL.probabilities(np.tensordot(weights, logs, axes=1))
        right = pooled[np.arange(n_rows), labels]
        likelihood = (1 - noise) * right + noise / n_classes
        of_weights = (1 - noise) * right / likelihood * (given - np.einsum("nk,mnk->mn", pooled, logs))
        of_noise = (1 / n_classes - right) / likelihood
        return -float(np.log(likelihood).mean()), -np.append(of_weights.mean(axis=1), of_noise.mean())

    start = np.append(np.full(n_models, 1 / n_models), 0.1)
    bounds = [(0.0, _MAX_WEIGHT)] * n_models + [(1e-3, _MOST_NOISE)]
    return minimize(loss_and_gradient, start, jac=True, method="L-BFGS-B", bounds=bounds).x[:-1]
