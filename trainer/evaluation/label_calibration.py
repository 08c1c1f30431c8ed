"""The calibration of a model for several labels a text: a scale and a shift for each label, and whether they make its probabilities better.

Fitted on validation rows. calibration.py has the temperature of one label a text.
"""

import numpy as np

from trainer.data.label_scaling import fit_label_scaling, label_losses
from trainer.evaluation.calibration import MIN_ROWS, Calibration

_FOLDS = 5
_SEED = 20_170_806


def calibrate_labels(logits: np.ndarray, labels: np.ndarray) -> Calibration | None:
    """The scale and shift of each label for logits (n, k) of validation rows with multi-hot labels; None below 30 rows. Deterministic.

    Losses are means over rows and labels, as in the charts.
    """
    logits, labels = np.asarray(logits, dtype=float), np.asarray(labels, dtype=float)
    n = len(labels)
    if n < MIN_ROWS or not np.isfinite(logits).all():
        return None
    folds = np.random.default_rng(_SEED).permutation(n) % _FOLDS
    after = 0.0
    for fold in range(_FOLDS):
        left_out = folds == fold
        scales, shifts = fit_label_scaling(logits[~left_out], labels[~left_out])
        after += float(label_losses(logits[left_out] * scales + shifts, labels[left_out]).sum())
    scales, shifts = fit_label_scaling(logits, labels)
    return Calibration(
        temperature=float(np.mean(1 / scales)),
        nll_before=float(label_losses(logits, labels).mean()),
        nll_after=after / labels.size,
        rows=n,
        temperatures=tuple((1 / scales).tolist()),
        shifts=tuple(shifts.tolist()),
    )
