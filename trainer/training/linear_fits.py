"""Logistic regressions of vectors of length 1: of the classes together, or of each label for itself. linear_model.py makes heads of them.

Folds within the rows that they learn from choose the regularisation, and whether the names of the classes help; a stop that is requested meanwhile
ends them between two fits.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from trainer.data.task import Task

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

_CS = (1.0, 3.0, 10.0, 30.0, 100.0)
"""Inverse strengths of the regularisation that are tried, for vectors of length 1: noisy labels want a small one, many clear classes a large one."""
_FOLDS = 3
_FOLDED_WORK = 100_000
"""Rows times classes up to which all folds are tried, which takes a second or two; above it, one is."""
_MAX_ITERATIONS = 300
_TOLERANCE = 1e-8
"""Of the mean loss of a label, below which its change ends the search: the last digits do not matter, as training goes on from here."""
_MAX_POSITIVE_WEIGHT = 10.0
_SEED = 20_240_229
_NAME_ROWS = 4.0
"""As how many rows of its class a name counts. With 8 rows a class, and folds that decided, it gained 7.7, 5.1 and 5.3 points on three sets of emotions
and lost nothing on Banking77 (ten draws each, one there); 8 gained a point more on emotions, but lost 0.2 there. Names of other classes or numbers
instead lost up to ten points, of which folds left 0.5 at most."""
_ABSENT_LOGIT = 5.0
"""How far below all others the logit of a class without training rows is."""


@dataclass(frozen=True, eq=False)
class LinearModel:
    """Logits of vectors x (n, hidden_size) are ``x @ weight.T + bias``; it learned from ``rows`` rows."""

    weight: np.ndarray
    """(classes, hidden_size), float32."""
    bias: np.ndarray
    """(classes,), float32."""
    rows: int
    learned_names: bool = False
    """Whether it learned from the names of the classes too."""

    def logits(self, features: np.ndarray) -> np.ndarray:
        """(n, hidden_size) -> (n, classes)."""
        return features @ self.weight.T + self.bias


class LinearFit(Protocol):
    """How the linear model of a task is fitted."""

    def __call__(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        classes: int,
        *,
        names: np.ndarray | None = None,
        balanced: bool = False,
        is_stop_requested: Callable[[], bool] = lambda: False,
    ) -> LinearModel | None:
        """Vectors (n, hidden_size), labels in the task's shape and vectors of the names of the classes (classes, hidden_size), from which it may learn
        too -> the model; None if a stop was requested meanwhile."""


@dataclass(frozen=True)
class _Regularisation:
    c: float
    loss: float
    """On rows that were not learned from, relative to that of others; infinite if there are too few rows to tell."""


def fit_linear_model(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    *,
    names: np.ndarray | None = None,
    balanced: bool = False,
    is_stop_requested: Callable[[], bool] = lambda: False,
) -> LinearModel | None:
    """A multinomial logistic regression (scikit-learn's, with L2 regularisation) of vectors (n, hidden_size); of a single class, it always says that one.

    Folds within these rows choose the regularisation and, if there are ``names`` (classes, hidden_size), whether each counts as some more rows of its
    class: a name that says what the class is about helps where rows are few. None if a stop was requested meanwhile: with many classes each of up to
    a dozen fits takes seconds.
    """
    all_weights, present = np.zeros((classes, features.shape[1]), dtype=np.float32), np.unique(labels)
    if len(present) == 1:
        # A fold may lack the only row of the other class.
        return LinearModel(all_weights, np.where(np.arange(classes) == present, 0, -_ABSENT_LOGIT).astype(np.float32), len(features))
    chosen = _choose_c(features, labels, balanced=balanced, is_stop_requested=is_stop_requested)
    if chosen is not None and names is not None:
        with_names = _choose_c(features, labels, names=names, balanced=balanced, is_stop_requested=is_stop_requested)
        if with_names is not None and with_names.loss < chosen.loss:
            chosen = with_names
        else:
            names = None
    if chosen is None or is_stop_requested():
        return None
    model = _regression(chosen.c, features, labels, names=names, balanced=balanced)
    weight, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        # scikit-learn has one logit, the difference of the two.
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    all_biases = np.full(classes, bias.min() - _ABSENT_LOGIT, dtype=np.float32)
    all_weights[model.classes_], all_biases[model.classes_] = weight, bias
    return LinearModel(all_weights, all_biases, len(features), learned_names=names is not None)


def _choose_c(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    names: np.ndarray | None = None,
    balanced: bool,
    is_stop_requested: Callable[[], bool] = lambda: False,
) -> _Regularisation | None:
    """The regularisation with the lowest loss on rows that it did not learn from; the first if there are too few of them to tell, None if a stop
    was requested meanwhile."""
    from sklearn.model_selection import StratifiedKFold

    counts = np.bincount(labels)
    if counts[counts > 0].min() < 2:
        # Folds cannot have a row of each class: the class counts as seen elsewhere.
        usable = np.flatnonzero(counts[labels] >= 2)
        features, labels = features[usable], labels[usable]
    if len(np.unique(labels)) < 2:
        return _Regularisation(_CS[0], math.inf)
    with warnings.catch_warnings():
        # A class may have fewer rows than there are folds.
        warnings.simplefilter("ignore", UserWarning)
        folds = list(StratifiedKFold(min(_FOLDS, int(counts.max())), shuffle=True, random_state=_SEED).split(features, labels))
    if len(features) * len(np.unique(labels)) > _FOLDED_WORK:
        folds = folds[:1]
    return _lowest_loss(
        lambda c: sum(_held_out_loss(c, features, labels, *fold, names=names, balanced=balanced) for fold in folds), is_stop_requested
    )


def _lowest_loss(loss_of: Callable[[float], float], is_stop_requested: Callable[[], bool]) -> _Regularisation | None:
    """The regularisation with the lowest loss; None if a stop was requested meanwhile."""
    losses = []
    for c in _CS:
        if is_stop_requested():
            return None
        losses.append(loss_of(c))
        if len(losses) > 1 and losses[-1] > losses[-2]:
            # Losses fall, and then rise.
            break
    return _Regularisation(_CS[losses.index(min(losses))], min(losses))


def _held_out_loss(
    c: float,
    features: np.ndarray,
    labels: np.ndarray,
    train: np.ndarray,
    held_out: np.ndarray,
    *,
    names: np.ndarray | None,
    balanced: bool,
) -> float:
    """The mean loss in nats on the rows ``held_out`` of a regression of the rows ``train``, whose classes are the others' too."""
    model = _regression(c, features[train], labels[train], names=names, balanced=balanced)
    known = held_out[np.isin(labels[held_out], model.classes_)]
    probabilities = model.predict_proba(features[known])[np.arange(len(known)), np.searchsorted(model.classes_, labels[known])]
    return float(-np.log(np.maximum(probabilities, 1e-12)).mean())


def _regression(
    c: float, features: np.ndarray, labels: np.ndarray, *, names: np.ndarray | None = None, balanced: bool
) -> "LogisticRegression":
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=c, max_iter=_MAX_ITERATIONS, class_weight="balanced" if balanced else None)
    with warnings.catch_warnings():
        # The last digits do not matter: training goes on from here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        if names is None:
            return model.fit(features, labels)
        present = np.unique(labels)
        weights = np.concatenate([np.ones(len(labels)), np.full(len(present), _NAME_ROWS)])
        return model.fit(np.concatenate([features, names[present]]), np.concatenate([labels, present]), sample_weight=weights)


def fit_one_vs_rest(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    *,
    names: np.ndarray | None = None,
    balanced: bool = False,
    is_stop_requested: Callable[[], bool] = lambda: False,
) -> LinearModel | None:
    """A logistic regression for each label, with L2 regularisation as scikit-learn's, of vectors (n, hidden_size) and multi-hot labels (n, ``classes``).

    The names teach it nothing: one says what its label is about, and not that the other labels are wrong. All have the same regularisation, which folds within these rows choose. ``balanced`` weights the rows with a label as the recipe's loss does.
    None if a stop was requested meanwhile.
    """
    weights = np.array(balanced_positive_weights(labels, classes)) if balanced else np.ones(classes)
    fold_of_rows = np.random.default_rng(_SEED).permutation(len(labels)) % _FOLDS
    folds = range(_FOLDS if labels.size <= _FOLDED_WORK else 1)

    def held_out_loss(c: float) -> float:
        losses = 0.0
        for fold in folds:
            learned, held_out = fold_of_rows != fold, fold_of_rows == fold
            model = _label_regressions(c, features[learned], labels[learned], weights)
            logits, truth = torch.from_numpy(model.logits(features[held_out])), torch.from_numpy(labels[held_out])
            losses += float((torch.where(truth > 0, torch.from_numpy(weights), 1.0) * _label_losses(logits, truth)).mean())
        return losses

    chosen = _lowest_loss(held_out_loss, is_stop_requested) if len(labels) > _FOLDS else _Regularisation(_CS[0], math.inf)
    if chosen is None or is_stop_requested():
        return None
    return _label_regressions(chosen.c, features, labels, weights)


def _label_regressions(c: float, features: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> LinearModel:
    """The regressions of all labels in one minimisation: none depends on another's weights."""
    inputs, targets = torch.from_numpy(features).double(), torch.from_numpy(labels).double()
    row_weights = torch.where(targets > 0, torch.from_numpy(weights), 1.0)
    (n, size), classes = inputs.shape, targets.shape[1]
    matrix = torch.zeros(classes, size, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    # By torch and not scipy: the threads of scipy's BLAS wait in a loop, and beside another program that takes ten times as long.
    search = torch.optim.LBFGS([matrix, bias], max_iter=_MAX_ITERATIONS, line_search_fn="strong_wolfe", tolerance_change=_TOLERANCE)

    def loss() -> torch.Tensor:
        search.zero_grad()
        found = (row_weights * _label_losses(inputs @ matrix.T + bias, targets)).sum() + matrix.square().sum() / (2 * c)
        found = found / targets.numel()
        found.backward()
        return found

    with torch.enable_grad():
        search.step(loss)
    return LinearModel(matrix.detach().float().numpy(), bias.detach().float().numpy(), n)


def _label_losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The binary cross entropy in nats of each label of each text, (n, k)."""
    return torch.nn.functional.softplus(logits) - labels * logits


def balanced_positive_weights(labels: np.ndarray, classes: int) -> tuple[float, ...]:
    """How much a text with a label counts against one without it: the square root of the ratio of their numbers, from 1 to 10; multi-hot labels (n, k).

    The whole ratio, a hundred for a label of every hundredth row, would let a few rows rule the gradient.
    """
    rows = np.asarray(labels).sum(axis=0)
    return tuple(float(weight) for weight in np.clip(np.sqrt((len(labels) - rows) / np.maximum(rows, 1)), 1.0, _MAX_POSITIVE_WEIGHT))


def sample_rows(labels: np.ndarray, limit: int, task: Task) -> np.ndarray:
    """Up to ``limit`` row numbers in ascending order, drawn at random, with about the same share of each class and a row of each at least."""
    if len(labels) <= limit:
        return np.arange(len(labels))
    order = np.random.default_rng(_SEED).permutation(len(labels))
    rows, label_ids = task.label_pairs(labels[order])
    _, first = np.unique(label_ids, return_index=True)
    of_each_class = np.unique(rows[first])
    return np.sort(np.union1d(order[of_each_class], order[: limit - len(of_each_class)]))
