"""Distillation from a linear model: a part of each training target is what logistic regressions on the unchanged encoder say of that text.

They have learned from other texts, so that a wrong label does not teach itself; what they find unlikely the encoder then does not learn by heart.
The teacher and the student of Hinton, Vinyals & Dean 2015; targets that trust a label only in part, as those of Reed et al. 2014.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from trainer.data.folds import TASK_FOLDS
from trainer.data.task import find_task
from trainer.training.hardware import Hardware
from trainer.training.linear_fits import sample_rows
from trainer.training.linear_model import MAX_ROWS, embed
from trainer.training.losses import TRAINING_TASKS
from trainer.training.tokenized_dataset import TokenizedDataset

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from trainer.training.heads import PooledClassifier

_FOLDS = 5
_SEED = 20_261_201


def with_teacher(
    model: "PooledClassifier",
    train: TokenizedDataset,
    tokenizer: "PreTrainedTokenizerBase",
    hardware: Hardware,
    *,
    is_stop_requested: Callable[[], bool],
) -> TokenizedDataset | None:
    """The training rows with what linear models on the vectors of ``model`` that have not learned from a row, nor from one that reads alike, say of it.

    Classes count as they are: the loss weights what the teacher says as it weights labels. None if a stop was requested meanwhile. The same rows give
    the same numbers.
    """
    features = embed(model, train, tokenizer, hardware, is_stop_requested=is_stop_requested)
    if features is None:
        return None
    task, classes = find_task(model.config.problem_type), model.config.num_labels
    fit_linear = TRAINING_TASKS[task.key].fit_linear
    fold_of_rows = TASK_FOLDS[task.key].assign(train.labels.astype(np.int64), _equal_texts(train), _FOLDS, _SEED)
    probabilities = np.empty((len(train), classes), dtype=np.float32)
    for fold in np.unique(fold_of_rows):
        taught, others = np.flatnonzero(fold_of_rows == fold), np.flatnonzero(fold_of_rows != fold)
        if not len(others):
            # A single row has no others: all classes are as likely.
            probabilities[taught] = task.probabilities(np.zeros((len(taught), classes), dtype=np.float32))
            continue
        learned = others[sample_rows(train.labels[others], MAX_ROWS, task)]
        linear = fit_linear(features[learned], train.labels[learned], classes, is_stop_requested=is_stop_requested)
        if linear is None:
            return None
        probabilities[taught] = task.probabilities(linear.logits(features[taught]))
    return replace(train, teacher=probabilities)


def _equal_texts(dataset: TokenizedDataset) -> np.ndarray:
    """The number of its group for each row, (n,): rows of the same tokens are in one, so that a wrong label that was copied does not confirm itself."""
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(dataset[row]["input_ids"].tobytes(), len(numbers)) for row in range(len(dataset))])
