"""The linear rung: a logistic regression on what the unchanged encoder makes of each text, from which fine-tuning starts.

Its weights become the head's, so that the model before the first step is the linear model. It learns from training rows alone, and is scored
on validation and test rows, which choose nothing about it.
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from trainer.data.task import find_task
from trainer.errors import ModelError
from trainer.runs.event_types import LinearScored
from trainer.training.batching import PaddingCollator
from trainer.training.hardware import Hardware
from trainer.training.heads import PooledClassifier, PoolerHead
from trainer.training.losses import TRAINING_TASKS
from trainer.training.tokenized_dataset import TokenizedDataset

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression
    from transformers import PreTrainedTokenizerBase

MAX_ROWS = 10_000
"""Training rows that it reads; more gain next to nothing, and reading as many takes about a fifteenth of the training."""
_CS = (1.0, 3.0, 10.0, 30.0, 100.0)
"""Inverse strengths of the regularisation that are tried, for vectors of length 1: noisy labels want a small one, many clear classes a large one."""
_FOLDS = 3
_FOLDED_WORK = 100_000
"""Rows times classes up to which all folds are tried, which takes a second or two; above it, one is."""
_MAX_ITERATIONS = 300
_BATCH = 64
_SEED = 20_240_229
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

    def logits(self, features: np.ndarray) -> np.ndarray:
        """(n, hidden_size) -> (n, classes)."""
        return features @ self.weight.T + self.bias


@dataclass(frozen=True)
class LinearRows:
    """The rows of one training, tokenized."""

    train: TokenizedDataset
    validation: TokenizedDataset
    test: TokenizedDataset


def starts_from_linear_model(model: torch.nn.Module) -> bool:
    """Whether the model's head reads pooled vectors of length 1, so that a linear model can be its first weights."""
    return isinstance(model, PooledClassifier) and isinstance(model.head, PoolerHead)


def start_from_linear_model(
    model: PooledClassifier,
    rows: LinearRows,
    tokenizer: "PreTrainedTokenizerBase",
    hardware: Hardware,
    *,
    balanced: bool,
    is_stop_requested: Callable[[], bool],
) -> LinearScored | None:
    """Fit the linear model and make its weights the head's; returns its scores, or None, with the head unchanged, if a stop was requested.

    ``balanced`` weights the classes as the recipe does.
    """
    started = time.monotonic()
    train = rows.train.ordered(_sample(rows.train.labels, MAX_ROWS))
    features = []
    for split in (train, rows.validation, rows.test):
        embedded = embed(model, split, tokenizer, hardware, is_stop_requested=is_stop_requested)
        if embedded is None:
            return None
        features.append(embedded)
    linear = fit_linear_model(features[0], train.labels, model.config.num_labels, balanced=balanced, is_stop_requested=is_stop_requested)
    if linear is None:
        return None
    with torch.no_grad():
        model.head.out_proj.weight.copy_(torch.from_numpy(linear.weight))
        model.head.out_proj.bias.copy_(torch.from_numpy(linear.bias))
    task = find_task(model.config.problem_type)
    validation, test = (
        TRAINING_TASKS[task.key].validation_metrics(split.labels, task.decide(task.probabilities(linear.logits(embedded))))
        for split, embedded in zip((rows.validation, rows.test), features[1:], strict=True)
    )
    return LinearScored(
        accuracy=test["accuracy"],
        macro_f1=test["macro_f1"],
        validation_accuracy=validation["accuracy"],
        validation_macro_f1=validation["macro_f1"],
        rows=linear.rows,
        seconds=round(time.monotonic() - started, 3),
    )


def embed(
    model: PooledClassifier,
    dataset: TokenizedDataset,
    tokenizer: "PreTrainedTokenizerBase",
    hardware: Hardware,
    *,
    is_stop_requested: Callable[[], bool] = lambda: False,
) -> np.ndarray | None:
    """What the last layer would read of each text, (n, hidden_size) float32, without dropout; None if a stop was requested meanwhile.

    Raises UserError ``encoder_damaged`` if that is no number: some encoders compute what is too large for 16 bits.
    """
    model.to(hardware.device).eval()
    features = np.empty((len(dataset), model.config.hidden_size), dtype=np.float32)
    order, collate = np.argsort(dataset.lengths, kind="stable"), PaddingCollator(tokenizer)
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(hardware.precision)
    for start in range(0, len(order), _BATCH):
        if is_stop_requested():
            return None
        chosen = order[start : start + _BATCH]
        batch = {name: tensor.to(hardware.device) for name, tensor in collate([dataset[i] for i in chosen]).items() if name != "labels"}
        with torch.no_grad(), torch.autocast(hardware.device, dtype=dtype, enabled=dtype is not None):
            pooled = model.pooled(**batch)
        features[chosen] = model.head.read(pooled.float().unsqueeze(1)).cpu().numpy()
    if not np.isfinite(features).all():
        remedy = (
            "Choose another encoder"
            if hardware.precision == "fp32"
            else "Start a new run with the precision fp32, or choose another encoder"
        )
        raise ModelError(
            f"What the encoder makes of the texts, computed in {hardware.precision}, is not a number for some of them. {remedy}.",
            code="encoder_damaged",
        )
    return features


def fit_linear_model(
    features: np.ndarray,
    labels: np.ndarray,
    classes: int,
    *,
    balanced: bool = False,
    is_stop_requested: Callable[[], bool] = lambda: False,
) -> LinearModel | None:
    """A multinomial logistic regression (scikit-learn's, with L2 regularisation) of vectors (n, hidden_size); of a single class, it always says that one.

    Folds within these rows choose the regularisation. None if a stop was requested meanwhile: with many classes each of up to six fits takes
    seconds.
    """
    all_weights, present = np.zeros((classes, features.shape[1]), dtype=np.float32), np.unique(labels)
    if len(present) == 1:
        # A fold may lack the only row of the other class.
        return LinearModel(all_weights, np.where(np.arange(classes) == present, 0, -_ABSENT_LOGIT).astype(np.float32), len(features))
    c = _choose_c(features, labels, balanced=balanced, is_stop_requested=is_stop_requested)
    if c is None or is_stop_requested():
        return None
    model = _regression(c, features, labels, balanced=balanced)
    weight, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        # scikit-learn has one logit, the difference of the two.
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    all_biases = np.full(classes, bias.min() - _ABSENT_LOGIT, dtype=np.float32)
    all_weights[model.classes_], all_biases[model.classes_] = weight, bias
    return LinearModel(all_weights, all_biases, len(features))


def _choose_c(
    features: np.ndarray, labels: np.ndarray, *, balanced: bool, is_stop_requested: Callable[[], bool] = lambda: False
) -> float | None:
    """The regularisation with the lowest loss on rows that it did not learn from; the first if there are too few of them to tell, None if a stop
    was requested meanwhile."""
    from sklearn.model_selection import StratifiedKFold

    counts = np.bincount(labels)
    if counts[counts > 0].min() < 2:
        # Folds cannot have a row of each class: the class counts as seen elsewhere.
        usable = np.flatnonzero(counts[labels] >= 2)
        features, labels = features[usable], labels[usable]
    if len(np.unique(labels)) < 2:
        return _CS[0]
    with warnings.catch_warnings():
        # A class may have fewer rows than there are folds.
        warnings.simplefilter("ignore", UserWarning)
        folds = list(StratifiedKFold(min(_FOLDS, int(counts.max())), shuffle=True, random_state=_SEED).split(features, labels))
    if len(features) * len(np.unique(labels)) > _FOLDED_WORK:
        folds = folds[:1]
    losses = []
    for c in _CS:
        if is_stop_requested():
            return None
        losses.append(sum(_held_out_loss(c, features, labels, *fold, balanced=balanced) for fold in folds))
        if len(losses) > 1 and losses[-1] > losses[-2]:
            # Losses fall, and then rise.
            break
    return _CS[losses.index(min(losses))]


def _held_out_loss(c: float, features: np.ndarray, labels: np.ndarray, train: np.ndarray, held_out: np.ndarray, *, balanced: bool) -> float:
    """The mean loss in nats on the rows ``held_out`` of a regression of the rows ``train``, whose classes are the others' too."""
    model = _regression(c, features[train], labels[train], balanced=balanced)
    known = held_out[np.isin(labels[held_out], model.classes_)]
    probabilities = model.predict_proba(features[known])[np.arange(len(known)), np.searchsorted(model.classes_, labels[known])]
    return float(-np.log(np.maximum(probabilities, 1e-12)).mean())


def _regression(c: float, features: np.ndarray, labels: np.ndarray, *, balanced: bool) -> "LogisticRegression":
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=c, max_iter=_MAX_ITERATIONS, class_weight="balanced" if balanced else None)
    with warnings.catch_warnings():
        # The last digits do not matter: training goes on from here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(features, labels)


def _sample(labels: np.ndarray, limit: int) -> np.ndarray:
    """Up to ``limit`` row numbers in ascending order, drawn at random, with about the same share of each class and a row of each at least."""
    if len(labels) <= limit:
        return np.arange(len(labels))
    order = np.random.default_rng(_SEED).permutation(len(labels))
    _, first = np.unique(labels[order], return_index=True)
    return np.sort(np.union1d(order[first], order[: limit - len(first)]))
