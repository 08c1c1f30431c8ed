"""Out-of-fold probabilities: what linear models that have not seen a row say of its label.

Judges no label; ``posterior.py`` does.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainer.data.folds import assign_folds

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

N_FOLDS = 5
_TOLERANCE, _SPARSE_TOLERANCE = 0.1, 0.01
"""Of the solver; a smaller one changes no third digit."""
_MAX_ITERATIONS = 10_000
"""Never reached with this tolerance; scikit-learn warns about it."""
_LIBLINEAR = threading.Lock()
"""liblinear has one random generator for the whole process: two trainings at once would not be reproducible."""


class AuditStopped(Exception):
    """Raised if a stop was requested."""


@dataclass(frozen=True, eq=False)
class Voice:
    """Models on one kind of features: ``strength`` is the inverse of the regularisation (C), one model a fold for each of ``seeds``.

    ``sparse`` models use few features (L1, Tibshirani 1996): better where single words say the label, and hardly misled by wrong labels; dense
    ones (L2) where many words say a little each.
    """

    features: "csr_matrix"
    strength: float
    seeds: tuple[int, ...]
    sparse: bool = False


def out_of_fold(
    voices: Sequence[Voice],
    label_ids: np.ndarray,
    n_classes: int,
    groups: np.ndarray,
    *,
    weights: np.ndarray,
    on_progress: Callable[[float], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[np.ndarray, ...]:
    """The probabilities (n, ``n_classes``) of each voice, means of its fold seeds; each row's are by models that have learned neither it nor its group.

    One logistic regression a class against all others (Fan et al. 2008, LIBLINEAR). ``weights`` (n,) say how much
    each row counts in training; rows of weight 0 are judged, not learned. ``on_progress`` gets the fraction that is done. Raises AuditStopped if
    ``should_stop`` says so; it is asked before each model.
    """
    n_models = sum(len(voice.seeds) for voice in voices) * N_FOLDS
    learnable = weights > 0
    found = []
    done = 0
    for voice in voices:
        of_voice = np.zeros((len(label_ids), n_classes))
        for seed in voice.seeds:
            folds = assign_folds(np.where(learnable, label_ids, -1), groups, N_FOLDS, seed)
            for fold in range(N_FOLDS):
                if should_stop():
                    raise AuditStopped
                held_out = folds == fold
                learned = ~held_out & learnable
                if held_out.any():
                    of_voice[held_out] += _fit_and_predict(voice, label_ids, n_classes, learned, held_out, weights, seed)
                done += 1
                on_progress(done / n_models)
        found.append(of_voice / len(voice.seeds))
    return tuple(found)


def _fit_and_predict(
    voice: Voice, label_ids: np.ndarray, n_classes: int, learned: np.ndarray, held_out: np.ndarray, weights: np.ndarray, seed: int
) -> np.ndarray:
    """Probabilities of the held-out rows, (m, ``n_classes``); a class without a row to learn from gets 0, unless there is nothing to learn from."""
    labels = label_ids[learned]
    classes = np.unique(labels)
    probabilities = np.zeros((int(held_out.sum()), n_classes))
    if len(classes) < 2:
        probabilities[:, classes if len(classes) else slice(None)] = 1.0
        return probabilities / probabilities.sum(axis=1, keepdims=True)
    train, test = voice.features[learned], voice.features[held_out]
    row_weights = weights[learned]
    # With two classes one model says all.
    for label in classes if len(classes) > 2 else classes[1:]:
        model = _build_model(voice, seed)
        with _LIBLINEAR:
            model.fit(train, labels == label, sample_weight=row_weights)
        probabilities[:, label] = model.predict_proba(test)[:, 1]
    if len(classes) == 2:
        probabilities[:, classes[0]] = 1 - probabilities[:, classes[1]]
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def _build_model(voice: Voice, seed: int) -> "LogisticRegression":
    from sklearn.linear_model import LogisticRegression

    kind = {"l1_ratio": 1.0, "tol": _SPARSE_TOLERANCE} if voice.sparse else {"dual": True, "tol": _TOLERANCE}
    return LogisticRegression(C=voice.strength, solver="liblinear", max_iter=_MAX_ITERATIONS, random_state=seed, **kind)
