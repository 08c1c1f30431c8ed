"""A scale and a shift for the logits of each label of a text that may have several: Platt scaling, shrunk towards one for all. Pure numpy and scipy.

Fitted on validation rows, for cuts (cuts.py) and for calibrated probabilities (evaluation/label_calibration.py).
"""

import numpy as np

from trainer.data.logits import probabilities_of

_SCALE_SPREAD, _SHIFT_SPREAD = 0.2, 0.5
"""How far, in standard deviations, the log scale and the shift of a label are thought to be from those of all labels: rows of a rare label say little."""
_MAX_LOG_SCALE = 3.0
_MAX_STEPS = 200
"""Of the fit: some 30 are enough where rows say something."""


def fit_label_scaling(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scales and shifts, (k,) each, that make finite logits (n, k) right of multi-hot labels as often as they say. Deterministic.

    Platt 2000, Probabilistic outputs for support vector machines, for each label; with a normal prior around the common scale and shift, whose
    likelihood is that of all labels.
    """
    # Imported late: it takes a tenth of a second.
    from scipy.optimize import minimize

    k = logits.shape[1]

    def parts(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log_scales = np.clip(flat[0] + flat[2 : 2 + k], -_MAX_LOG_SCALE, _MAX_LOG_SCALE)
        return np.exp(log_scales), flat[1] + flat[2 + k :]

    def loss_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        scales, shifts = parts(flat)
        scaled = logits * scales + shifts
        error = probabilities_of(scaled) - labels
        by_scale, by_shift = (error * logits).sum(axis=0) * scales, error.sum(axis=0)
        own_scales, own_shifts = flat[2 : 2 + k] / _SCALE_SPREAD, flat[2 + k :] / _SHIFT_SPREAD
        gradient = np.concatenate(
            [[by_scale.sum(), by_shift.sum()], by_scale + own_scales / _SCALE_SPREAD, by_shift + own_shifts / _SHIFT_SPREAD]
        )
        prior = (own_scales @ own_scales + own_shifts @ own_shifts) / 2
        return float(label_losses(scaled, labels).sum() + prior), gradient

    return parts(minimize(loss_and_gradient, np.zeros(2 + 2 * k), jac=True, method="L-BFGS-B", options={"maxiter": _MAX_STEPS}).x)


def label_losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The binary cross entropy of each label of each row, (n, k), in nats."""
    return np.logaddexp(0, logits) - labels * logits
