"""A scale and a shift for the logits of each label of a text that may have several: Platt scaling, shrunk towards one for all. Pure numpy and scipy.

Fitted on validation rows. calibration.py has the temperature of one label a text.
"""

import numpy as np

from trainer.data.task import SEVERAL_LABELS
from trainer.evaluation.calibration import MIN_ROWS, Calibration

_FOLDS = 5
_SEED = 20_170_806
_SCALE_SPREAD, _SHIFT_SPREAD = 0.2, 0.5
"""How far, in standard deviations, the log scale and the shift of a label are thought to be from those of all labels: rows of a rare label say little."""
_MAX_LOG_SCALE = 3.0


def calibrate_labels(logits: np.ndarray, labels: np.ndarray) -> Calibration | None:
    """The scale and shift of each label for logits (n, k) of validation rows with multi-hot labels; None below 30 rows. Deterministic.

    Platt 2000, Probabilistic outputs for support vector machines, for each label; with a normal prior around the common scale and shift, whose
    likelihood is that of all labels. Losses are means over rows and labels, as in the charts.
    """
    logits, labels = np.asarray(logits, dtype=float), np.asarray(labels, dtype=float)
    n = len(labels)
    if n < MIN_ROWS or not np.isfinite(logits).all():
        return None
    folds = np.random.default_rng(_SEED).permutation(n) % _FOLDS
    after = 0.0
    for fold in range(_FOLDS):
        left_out = folds == fold
        scales, shifts = _fit(logits[~left_out], labels[~left_out])
        after += float(_losses(logits[left_out] * scales + shifts, labels[left_out]).sum())
    scales, shifts = _fit(logits, labels)
    return Calibration(
        temperature=float(np.mean(1 / scales)),
        nll_before=float(_losses(logits, labels).mean()),
        nll_after=after / labels.size,
        rows=n,
        temperatures=tuple((1 / scales).tolist()),
        shifts=tuple(shifts.tolist()),
    )


def _fit(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scales and shifts, (k,) each."""
    # Imported late: it takes a tenth of a second.
    from scipy.optimize import minimize

    k = logits.shape[1]

    def parts(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log_scales = np.clip(flat[0] + flat[2 : 2 + k], -_MAX_LOG_SCALE, _MAX_LOG_SCALE)
        return np.exp(log_scales), flat[1] + flat[2 + k :]

    def loss_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        scales, shifts = parts(flat)
        calibrated = logits * scales + shifts
        error = SEVERAL_LABELS.probabilities(calibrated) - labels
        by_scale, by_shift = (error * logits).sum(axis=0) * scales, error.sum(axis=0)
        own_scales, own_shifts = flat[2 : 2 + k] / _SCALE_SPREAD, flat[2 + k :] / _SHIFT_SPREAD
        gradient = np.concatenate(
            [[by_scale.sum(), by_shift.sum()], by_scale + own_scales / _SCALE_SPREAD, by_shift + own_shifts / _SHIFT_SPREAD]
        )
        prior = (own_scales @ own_scales + own_shifts @ own_shifts) / 2
        return float(_losses(calibrated, labels).sum() + prior), gradient

    return parts(minimize(loss_and_gradient, np.zeros(2 + 2 * k), jac=True, method="L-BFGS-B").x)


def _losses(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The binary cross entropy of each label of each row, (n, k), in nats."""
    return np.logaddexp(0, logits) - labels * logits
