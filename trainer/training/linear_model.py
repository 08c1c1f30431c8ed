"""The linear rung: a logistic regression on what the unchanged encoder makes of each text, from which fine-tuning starts.

Its weights become the head's, so that the model before the first step is the linear model. It learns from training rows alone, and is scored
on validation and test rows, which choose nothing about it.
"""

import time
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
from trainer.training.linear_fits import LinearModel, sample_rows
from trainer.training.losses import TRAINING_TASKS
from trainer.training.tokenized_dataset import TokenizedDataset, tokenize_dataset

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_ROWS = 10_000
"""Training rows that it reads; more gain next to nothing, and reading as many takes about a fifteenth of the training."""
MAX_ROWS_A_CLASS_WITH_NAMES = 100
"""Below, the names of the classes are tried as rows: with 64 rows a class they gained 0.6 to 1.4 points, with 180 nothing."""
_BATCH = 64


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
    with_names: bool,
    is_stop_requested: Callable[[], bool],
) -> LinearScored | None:
    """Fit the linear model and make its weights the head's; returns its scores, or None without test rows, or, with the head unchanged, if a stop was
    requested.

    ``balanced`` weights the classes as the recipe does; ``with_names`` lets it learn from the names of the classes too.
    """
    started = time.monotonic()
    task = find_task(model.config.problem_type)
    train = rows.train.ordered(sample_rows(rows.train.labels, MAX_ROWS, task))
    features = []
    for split in (train, rows.validation, rows.test):
        embedded = embed(model, split, tokenizer, hardware, is_stop_requested=is_stop_requested)
        if embedded is None:
            return None
        features.append(embedded)
    linear = _fit(
        model, features[0], train, tokenizer, hardware, balanced=balanced, with_names=with_names, is_stop_requested=is_stop_requested
    )
    if linear is None:
        return None
    _set_head(model, linear)
    if not len(rows.test):
        return None
    probabilities = [task.probabilities(linear.logits(embedded)) for embedded in features[1:]]
    decided = task.with_cuts(task.choose_cuts(rows.validation.labels, probabilities[0]))
    validation, test = (
        TRAINING_TASKS[task.key].validation_metrics(split.labels, decided.decide(of_split))
        for split, of_split in zip((rows.validation, rows.test), probabilities, strict=True)
    )
    return LinearScored(
        accuracy=test["accuracy"],
        macro_f1=test["macro_f1"],
        validation_accuracy=validation["accuracy"],
        validation_macro_f1=validation["macro_f1"],
        rows=linear.rows,
        seconds=round(time.monotonic() - started, 3),
        class_names=True if linear.learned_names else None,
    )


def refit_head(
    model: PooledClassifier,
    train: TokenizedDataset,
    tokenizer: "PreTrainedTokenizerBase",
    hardware: Hardware,
    *,
    balanced: bool,
    with_names: bool,
    is_stop_requested: Callable[[], bool],
) -> bool:
    """Make a linear model on what the encoder now makes of the training rows the head; returns False, with the head unchanged, if a stop was requested."""
    task = find_task(model.config.problem_type)
    rows = train.ordered(sample_rows(train.labels, MAX_ROWS, task))
    features = embed(model, rows, tokenizer, hardware, is_stop_requested=is_stop_requested)
    if features is None:
        return False
    linear = _fit(model, features, rows, tokenizer, hardware, balanced=balanced, with_names=with_names, is_stop_requested=is_stop_requested)
    if linear is not None:
        _set_head(model, linear)
    return linear is not None


def _fit(
    model: PooledClassifier,
    features: np.ndarray,
    rows: TokenizedDataset,
    tokenizer: "PreTrainedTokenizerBase",
    hardware: Hardware,
    *,
    balanced: bool,
    with_names: bool,
    is_stop_requested: Callable[[], bool],
) -> LinearModel | None:
    """The linear model of vectors (n, hidden_size) of ``rows``; where these are few, also of the names of the classes."""
    classes, names = model.config.num_labels, None
    if with_names and len(rows) < MAX_ROWS_A_CLASS_WITH_NAMES * classes:
        names = embed(model, _tokenize_names(model, tokenizer), tokenizer, hardware)
    fit_linear = TRAINING_TASKS[find_task(model.config.problem_type).key].fit_linear
    return fit_linear(features, rows.labels, classes, names=names, balanced=balanced, is_stop_requested=is_stop_requested)


def _tokenize_names(model: PooledClassifier, tokenizer: "PreTrainedTokenizerBase") -> TokenizedDataset:
    names = [model.config.id2label[label_id].replace("_", " ") for label_id in range(model.config.num_labels)]
    return tokenize_dataset(tokenizer, names, np.arange(len(names)))


def _set_head(model: PooledClassifier, linear: LinearModel) -> None:
    with torch.no_grad():
        model.head.out_proj.weight.copy_(torch.from_numpy(linear.weight))
        model.head.out_proj.bias.copy_(torch.from_numpy(linear.bias))


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
    # The longest texts first: later batches fit into the memory that these leave, where growing ones each need more.
    for start in reversed(range(0, len(order), _BATCH)):
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
