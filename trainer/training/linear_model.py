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
from trainer.runs.event_types import LinearScored
from trainer.training.batching import PaddingCollator
from trainer.training.hardware import Hardware
from trainer.training.heads import PooledClassifier, PoolerHead
from trainer.training.losses import TRAINING_TASKS
from trainer.training.tokenized_dataset import TokenizedDataset

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_ROWS = 10_000
"""Training rows that it reads; more gain next to nothing, and reading as many takes about a fifteenth of the training."""
_C = 30.0
"""Inverse strength of the regularisation, for vectors of length 1: chosen by folds within training rows."""
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
    linear = fit_linear_model(features[0], train.labels, model.config.num_labels, balanced=balanced)
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
    """What the last layer would read of each text, (n, hidden_size) float32, without dropout; None if a stop was requested meanwhile."""
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
    return features


def fit_linear_model(features: np.ndarray, labels: np.ndarray, classes: int, *, balanced: bool = False) -> LinearModel:
    """A multinomial logistic regression (scikit-learn's, with L2 regularisation) of vectors (n, hidden_size) of at least two classes."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=_C, max_iter=_MAX_ITERATIONS, class_weight="balanced" if balanced else None)
    with warnings.catch_warnings():
        # The last digits do not matter: training goes on from here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, labels)
    weight, bias = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        # scikit-learn has one logit, the difference of the two.
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    all_weights = np.zeros((classes, features.shape[1]), dtype=np.float32)
    all_biases = np.full(classes, bias.min() - _ABSENT_LOGIT, dtype=np.float32)
    all_weights[model.classes_], all_biases[model.classes_] = weight, bias
    return LinearModel(all_weights, all_biases, len(features))


def _sample(labels: np.ndarray, limit: int) -> np.ndarray:
    """Up to ``limit`` row numbers in ascending order, drawn at random, with about the same share of each class and a row of each at least."""
    if len(labels) <= limit:
        return np.arange(len(labels))
    order = np.random.default_rng(_SEED).permutation(len(labels))
    _, first = np.unique(labels[order], return_index=True)
    return np.sort(np.union1d(order[first], order[: limit - len(first)]))
