"""Logits and the probabilities of labels that are not shared out among classes: each label of a text is there or not. Pure numpy."""

from collections.abc import Sequence

import numpy as np


def probabilities_of(logits: np.ndarray) -> np.ndarray:
    """The probabilities, of the same shape and type, as transformers' pipeline computes them for several labels a text."""
    # The exponential of a large negative logit is infinite, and its probability 0.
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-logits))


def logits_of(probabilities: np.ndarray | Sequence[float]) -> np.ndarray:
    """The logits, float64, of these probabilities."""
    given = np.asarray(probabilities, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return np.log(given) - np.log1p(-given)
