"""The probability of each label to be the right one, given what models say and which label a row has."""

import numpy as np


def posterior(probabilities: np.ndarray, label_ids: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """P(true | text, given), (n, k): Bayes' rule with the out-of-fold ``probabilities`` (n, k) as P(true | text) and ``noise`` (k, k),
    P(given | true), rows by true label. A row to which models give no probability at all keeps its label."""
    weighted = probabilities * noise[:, label_ids].T
    sums = weighted.sum(axis=1, keepdims=True)
    result = np.divide(weighted, sums, out=np.zeros_like(weighted), where=sums > 0)
    nothing = sums[:, 0] <= 0
    result[nothing, label_ids[nothing]] = 1.0
    return result
