"""Cuts: from which probability on each label of a text is said, if it may have several. Chosen on validation rows, never on test rows."""

import numpy as np

from trainer.data.label_scaling import fit_label_scaling
from trainer.data.logits import logits_of, probabilities_of

EVEN_CUT = 0.5
"""Of a model without cuts of its own: what is more probable than not."""
_PRIOR_ROWS = 20.0
"""Rows with a label whose own cut counts as much as the common one. On GoEmotions' development rows 10 to 40 differed by less than chance; without any
the macro F1 lost 0.006."""
_LOGITS = np.linspace(-5.0, 4.0, 91)
_MAX_LOGIT = 30.0
"""Of a probability that is 0 or 1."""


def choose_cuts(labels: np.ndarray, probabilities: np.ndarray) -> tuple[float, ...]:
    """One cut for each of k labels, from multi-hot labels and probabilities (n, k) of the same rows. Deterministic.

    The common cut has the highest macro F1 of all. The own cut of a label has the highest F1 that is expected of it where calibrated probabilities say
    what is right: counting the labels themselves, a few rows more or less would move it. The cut lies, as a logit, between the two, the nearer to its
    own the more rows have the label: the best threshold of a rare label is mostly chance (Fan & Lin 2007, A study on threshold selection for
    multi-label classification; Lipton, Elkan & Naryanaswamy 2014, Optimal thresholding of classifiers to maximize F1 measure).
    """
    if not np.isfinite(probabilities).all():
        # Of a training that has diverged nothing can be expected.
        return choose_cuts_by_counting(labels, probabilities)
    logits = np.clip(logits_of(probabilities), -_MAX_LOGIT, _MAX_LOGIT)
    scales, shifts = fit_label_scaling(logits, labels)
    return _near_the_common(labels, probabilities, probabilities_of(logits * scales + shifts))


def choose_cuts_by_counting(labels: np.ndarray, scores: np.ndarray) -> tuple[float, ...]:
    """The same for scores (n, k) in 0..1 of a model without probabilities, such as a support vector machine: no scale and shift make them right as often
    as they say, and the own cut of a label is that with the highest F1 on these rows."""
    return _near_the_common(labels, scores, labels)


def _near_the_common(labels: np.ndarray, probabilities: np.ndarray, right: np.ndarray) -> tuple[float, ...]:
    """The cuts of ``choose_cuts``; ``right`` (n, k): how probable it is that a row has a label."""
    counted = _f1_by_cut(labels, probabilities)
    expected = counted if right is labels else _f1_by_cut(right, probabilities)
    common, own = _best_cut(counted.mean(axis=1)), np.array([_best_cut(of_label) for of_label in expected.T])
    support = labels.sum(axis=0)
    weight = support / (support + _PRIOR_ROWS)
    return tuple(round(float(cut), 4) for cut in probabilities_of(weight * own + (1 - weight) * common))


def _f1_by_cut(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The F1 of each label with each cut that is tried, (cuts, k); 0 for a label that no row can have. ``labels`` may be probabilities
    of them."""
    found = np.empty((len(_LOGITS), labels.shape[1]))
    for number, cut in enumerate(probabilities_of(_LOGITS)):
        said = probabilities >= cut
        found[number] = 2 * (labels * said).sum(axis=0) / np.maximum(labels.sum(axis=0) + said.sum(axis=0), 1)
    return found


def _best_cut(f1: np.ndarray) -> float:
    """The middle of the cuts with the highest F1, as a logit."""
    return float(np.median(_LOGITS[f1 == f1.max()]))
