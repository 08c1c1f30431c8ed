"""How labels are mistaken for each other: the confident joint and the noise matrix P(given | true). Judges no single row."""

import numpy as np

from trainer.data.task import SINGLE_LABEL


def confident_joint(probabilities: np.ndarray, label_ids: np.ndarray) -> np.ndarray:
    """Rows by given label and confidently predicted label, (k, k) float, calibrated so that each given label has all its rows.

    Northcutt, Jiang & Chuang 2021, Confident learning: estimating uncertainty in dataset labels (JAIR 70). A row counts for the most
    probable of the classes whose probability is at least the mean probability of that class among the rows that are given it; a row
    without such a class does not count. ``probabilities`` (n, k) are out-of-fold, ``label_ids`` (n,).
    """
    n_classes = probabilities.shape[1]
    counts = np.bincount(label_ids, minlength=n_classes).astype(float)
    given = probabilities[np.arange(len(label_ids)), label_ids]
    sums = np.bincount(label_ids, weights=given, minlength=n_classes)
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    confident = np.where(probabilities >= thresholds - 1e-12, probabilities, -1.0)
    best = SINGLE_LABEL.decide(confident)
    counted = confident.max(axis=1) >= 0
    joint = np.zeros((n_classes, n_classes))
    np.add.at(joint, (label_ids[counted], best[counted]), 1.0)
    # A class without a confident row is taken to be right.
    empty = joint.sum(axis=1) == 0
    joint[empty, empty.nonzero()[0]] = 1.0
    return joint * (counts / joint.sum(axis=1))[:, None]


def noise_matrix(joint: np.ndarray, *, pseudo_rows: float) -> np.ndarray:
    """P(given | true), (k true, k given), from rows by given and true label, (k, k).

    Each row of the result is shrunk towards "as often wrong as all labels are, and equally often with every other label": this counts as
    ``pseudo_rows`` more rows of each true label. Few rows then make no pair of labels suspicious.
    """
    n_classes = len(joint)
    total = joint.sum()
    # Never none: otherwise no label could ever be wrong again.
    wrong = (total - np.trace(joint) + 0.5) / (total + 1)
    even = np.full((n_classes, n_classes), wrong / max(1, n_classes - 1))
    np.fill_diagonal(even, 1 - wrong)
    counts = joint.T + pseudo_rows * even
    return counts / counts.sum(axis=1, keepdims=True)
