"""What a task means in a training, on tensors (one table by task); and the loss that is minimized, exact over accumulated batches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch

from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL, Task
from trainer.recipe import Recipe
from trainer.training.linear_fits import LinearFit, balanced_positive_weights, fit_linear_model, fit_one_vs_rest
from trainer.training.validation_metrics import several_label_metrics, single_label_metrics


class LossFunction(Protocol):
    """The loss of a batch of n texts over k classes."""

    def __call__(
        self, logits: torch.Tensor, labels: torch.Tensor, *, weights: torch.Tensor | None = None, smoothing: float = 0.0, reduction: str
    ) -> torch.Tensor:
        """Logits (n, k), labels in the task's shape and the weight of each class (k,) -> a number: the "sum" or "mean" over the texts; "none": (n,).

        Instead of labels, their probabilities (n, k), float32, may be given."""


@dataclass(frozen=True)
class TrainingTask:
    """What differs by task in a training."""

    loss: LossFunction
    count_right: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    """Logits (n, k), labels -> on their device, how many texts would get exactly their labels."""
    log_probability: Callable[[torch.Tensor, int], torch.Tensor]
    """Logits (n, k), a class -> the log probability in nats of that class in each text, (n,)."""
    fit_linear: LinearFit
    balanced_weights: Callable[[np.ndarray, int], tuple[float, ...]]
    """Labels of the training rows, k -> the weight of each class with ``class_weights`` "balanced"."""
    validation_metrics: Callable[[np.ndarray, np.ndarray], dict[str, float]]
    """Labels, what is said of the same rows -> the scores that choose the checkpoint, and their standard errors."""


@dataclass(frozen=True, eq=False)
class TrainingLoss:
    """The minimized loss. The charts show the plain one, of training and validation rows alike (see log_window_metrics.py): with smoothing a
    perfect model stays well above 0.
    """

    weights: torch.Tensor | None
    """(classes,), float32; None weights all classes equally."""
    smoothing: float
    """Fraction of each label that is spread over all classes (Szegedy et al. 2016)."""
    task: Task = SINGLE_LABEL
    distillation: float = 0.0
    """Fraction of each target that is what the teacher says (Hinton et al. 2015, at temperature 1)."""

    @property
    def is_plain(self) -> bool:
        """Whether it is the plain loss, by which validation is scored."""
        return self.weights is None and not self.smoothing and not self.distillation

    def to(self, device: torch.device) -> "TrainingLoss":
        """The same loss on the device of the logits: moved there once, not at each step."""
        return replace(self, weights=None if self.weights is None else self.weights.to(device))

    def __call__(
        self, logits: torch.Tensor, labels: torch.Tensor, *, texts: torch.Tensor | int, teacher: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The sum over a batch, logits (n, classes) and its labels, divided by the number of ``texts`` of the whole step.

        ``teacher`` (n, classes) are another model's probabilities of the same texts; without them the labels alone count.
        """
        loss = TRAINING_TASKS[self.task.key].loss
        total = loss(logits, labels, weights=self.weights, smoothing=self.smoothing, reduction="sum")
        if teacher is not None:
            taught = loss(logits, teacher, weights=self.weights, reduction="sum")
            total = (1 - self.distillation) * total + self.distillation * taught
        return total / texts


def training_loss(recipe: Recipe, labels: np.ndarray, classes: int, task: Task = SINGLE_LABEL) -> TrainingLoss | None:
    """The recipe's loss, its weights computed from the training rows' labels; None for the plain one, which the model computes itself.

    With gradient accumulation the loss is ours too: transformers' classifiers would add the means of the batches.
    """
    balanced = TRAINING_TASKS[task.key].balanced_weights
    weights = torch.tensor(balanced(labels, classes)) if recipe.class_weights == "balanced" else None
    if weights is None and not (recipe.label_smoothing or recipe.distillation) and recipe.gradient_accumulation == 1:
        return None
    return TrainingLoss(weights, recipe.label_smoothing, task, recipe.distillation)


def balanced_weights(label_ids: np.ndarray, classes: int) -> tuple[float, ...]:
    """n / (classes that occur * rows of the class), scikit-learn's "balanced" (King & Zeng 2001); 1 for a class without rows.

    Their mean over the rows is 1, so that a learning rate means the same with them and without.
    """
    counts = np.bincount(label_ids, minlength=classes)
    occurring = int((counts > 0).sum())
    return tuple(len(label_ids) / (occurring * int(rows)) if rows else 1.0 for rows in counts)


def _cross_entropy(
    logits: torch.Tensor, labels: torch.Tensor, *, weights: torch.Tensor | None = None, smoothing: float = 0.0, reduction: str
) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(logits.float(), labels, weight=weights, label_smoothing=smoothing, reduction=reduction)


def _log_probability(logits: torch.Tensor, label_id: int) -> torch.Tensor:
    return -_cross_entropy(logits, torch.full((len(logits),), label_id, device=logits.device), reduction="none")


def _binary_cross_entropy(
    logits: torch.Tensor, labels: torch.Tensor, *, weights: torch.Tensor | None = None, smoothing: float = 0.0, reduction: str
) -> torch.Tensor:
    """The mean over the labels of a text, as transformers' classifiers compute it; ``weights`` are those of the positives."""
    targets = labels.to(torch.float32)
    if smoothing:
        # As for one label a text, a share of each label is spread over all (Szegedy et al. 2016): a text has as many labels as before.
        targets = targets * (1 - smoothing) + smoothing * targets.mean(-1, keepdim=True)
    losses = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), targets, pos_weight=weights, reduction="none").mean(-1)
    return {"none": losses, "sum": losses.sum(), "mean": losses.mean()}[reduction]


def _count_all_right(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    # With even cuts: those of the labels are chosen on validation rows.
    return ((logits >= 0) == labels.bool()).all(-1).sum()


def _count_right(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    # On the device: ``Task.decide`` would make a GPU wait at each step.
    return (logits.argmax(-1) == labels).sum()


TRAINING_TASKS: Mapping[str, TrainingTask] = {
    SINGLE_LABEL.key: TrainingTask(
        loss=_cross_entropy,
        count_right=_count_right,
        log_probability=_log_probability,
        fit_linear=fit_linear_model,
        balanced_weights=balanced_weights,
        validation_metrics=single_label_metrics,
    ),
    SEVERAL_LABELS.key: TrainingTask(
        loss=_binary_cross_entropy,
        count_right=_count_all_right,
        log_probability=lambda logits, label_id: torch.nn.functional.logsigmoid(logits[:, label_id].float()),
        fit_linear=fit_one_vs_rest,
        balanced_weights=balanced_positive_weights,
        validation_metrics=several_label_metrics,
    ),
}
