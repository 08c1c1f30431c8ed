"""From out-of-fold probabilities to one suspicion for each row: noise model, posterior, copies with other labels."""

from dataclasses import dataclass

import numpy as np

from trainer.audit.noise_matrix import confident_joint, noise_matrix
from trainer.audit.noise_model import calibrate, fit_noise_model
from trainer.audit.posterior import posterior
from trainer.data.duplicates.near_duplicates import NearDuplicates

_PSEUDO_SHARE = 0.5
"""Strength of the belief that all pairs of labels are mistaken equally often, in rows of a class of mean size. Without it errors at random
are found less well, with much more those between two classes: measured in tests/bench."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """Of n rows and k classes: ``wrong`` (n,), the probability of each given label to be wrong, by which rows are ranked; ``truth`` (n, k),
    the probability of each label to be right by the fitted noise model."""

    wrong: np.ndarray
    truth: np.ndarray


def judge(probabilities: np.ndarray, label_ids: np.ndarray) -> Judgement:
    """What out-of-fold ``probabilities`` (n, k) say of the labels ``label_ids`` (n,).

    Rows are ranked by the posterior with the confident joint, as it is the better ranking; how probable errors are is what the noise
    model says.
    """
    rows = np.arange(len(label_ids))
    pseudo_rows = _PSEUDO_SHARE * len(label_ids) / probabilities.shape[1]
    noise = noise_matrix(confident_joint(probabilities, label_ids), pseudo_rows=pseudo_rows)
    suspicion = 1 - posterior(probabilities, label_ids, noise)[rows, label_ids]
    truth = fit_noise_model(probabilities, label_ids, pseudo_rows=pseudo_rows).truth
    return Judgement(calibrate(suspicion, 1 - truth[rows, label_ids]), truth)


def conflicting_copies(probabilities: np.ndarray, label_ids: np.ndarray, near: NearDuplicates) -> dict[int, np.ndarray]:
    """For each row whose text occurs with several labels the probability of each label to be right, (k,).

    One of the labels of the text is taken to be right, the more probable the more often it is given and the more models favour it.
    """
    found: dict[int, np.ndarray] = {}
    order = np.argsort(near.normalized, kind="stable")
    ends = np.flatnonzero(np.diff(near.normalized[order])) + 1
    for begin, end in zip([0, *ends.tolist()], [*ends.tolist(), len(order)], strict=True):
        members = order[begin:end]
        if len(members) < 2 or len(np.unique(label_ids[members])) < 2:
            continue
        votes = np.bincount(label_ids[members], minlength=probabilities.shape[1])
        shares = votes * (probabilities[members].mean(axis=0) + 1e-6)
        found |= dict.fromkeys(members.tolist(), shares / shares.sum())
    return found
