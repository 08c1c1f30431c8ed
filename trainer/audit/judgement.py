"""From out-of-fold probabilities to one suspicion for each row: noise model, posterior, copies with other labels."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from trainer.audit.noise_matrix import confident_joint, noise_matrix
from trainer.audit.noise_model import NoiseModel, calibrate, fit_noise_model
from trainer.audit.posterior import posterior
from trainer.audit.suspects import NoiseEstimate
from trainer.data.duplicates.near_duplicates import NearDuplicates

_PSEUDO_SHARE = 1.0
"""Strength of the belief that all pairs of labels are mistaken equally often, in rows of a class of mean size. Without it errors at random
are found less well, with much more those between two classes: measured in tests/bench."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """Of n rows and k classes: ``wrong`` (n,), the probability of each given label to be wrong, by which rows are ranked; ``truth`` (n, k),
    the probability of each label to be right by the fitted noise model; ``noise``: how many labels are wrong."""

    wrong: np.ndarray
    truth: np.ndarray
    noise: NoiseEstimate

    def only(self, judged: np.ndarray, label_ids: np.ndarray) -> "Judgement":
        """The same for the ``judged`` rows, (n,) bool; the others keep their labels ``label_ids``."""
        truth = self.truth.copy()
        truth[~judged] = 0.0
        truth[~judged, label_ids[~judged]] = 1.0
        return replace(self, wrong=np.where(judged, self.wrong, 0.0), truth=truth)

    def with_copies(self, copies: Mapping[int, np.ndarray], label_ids: np.ndarray) -> "Judgement":
        """The same with what ``conflicting_copies`` says; a row becomes no less suspicious by it."""
        wrong, truth = self.wrong.copy(), self.truth.copy()
        for row, shares in copies.items():
            if 1 - shares[label_ids[row]] > wrong[row]:
                wrong[row], truth[row] = 1 - shares[label_ids[row]], shares
        return replace(self, wrong=wrong, truth=truth)


def judge(probabilities: np.ndarray, label_ids: np.ndarray, learned: np.ndarray) -> Judgement:
    """What out-of-fold ``probabilities`` (n, k) say of the labels ``label_ids`` (n,). Only rows that may be ``learned``, (n,) bool, say how
    labels are mistaken.

    Rows are ranked by the posterior with the confident joint, as it is the better ranking; how probable errors are is what the noise
    model says.
    """
    rows = np.arange(len(label_ids))
    known, known_labels = probabilities[learned], label_ids[learned]
    noise = noise_matrix(confident_joint(known, known_labels), pseudo_rows=_pseudo_rows(known))
    suspicion = 1 - posterior(probabilities, label_ids, noise)[rows, label_ids]
    model = fit_to(probabilities, label_ids, learned)
    truth = model.truth(probabilities, label_ids)
    return Judgement(calibrate(suspicion, 1 - truth[rows, label_ids], learned), truth, model.estimate)


def fit_to(probabilities: np.ndarray, label_ids: np.ndarray, learned: np.ndarray) -> NoiseModel:
    """The noise model of the ``learned`` rows, (n,) bool."""
    known = probabilities[learned]
    return fit_noise_model(known, label_ids[learned], pseudo_rows=_pseudo_rows(known))


def _pseudo_rows(probabilities: np.ndarray) -> float:
    return _PSEUDO_SHARE * len(probabilities) / probabilities.shape[1]


def conflicting_copies(
    probabilities: np.ndarray, label_ids: np.ndarray, near: NearDuplicates, learned: np.ndarray
) -> dict[int, np.ndarray]:
    """For each row whose text occurs with several labels the probability of each label to be right, (k,).

    One of the labels of the text is taken to be right, the more probable the more often it is given and the more models favour it.
    Rows that are not ``learned`` say nothing about others.
    """
    found: dict[int, np.ndarray] = {}
    order = np.argsort(near.normalized, kind="stable")
    ends = np.flatnonzero(np.diff(near.normalized[order])) + 1
    for begin, end in zip([0, *ends.tolist()], [*ends.tolist(), len(order)], strict=True):
        members = order[begin:end]
        if len(members) < 2 or len(np.unique(label_ids[members])) < 2:
            continue
        votes = np.bincount(label_ids[members[learned[members]]], minlength=probabilities.shape[1])
        favour = probabilities[members].mean(axis=0) + 1e-6
        for row in members.tolist():
            own = votes if learned[row] else votes + (np.arange(len(votes)) == label_ids[row])
            found[row] = own * favour / (own * favour).sum()
    return found
