"""The loss that training minimizes: cross-entropy with class weights and label smoothing, exact over accumulated batches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from trainer.recipe import Recipe


@dataclass(frozen=True, eq=False)
class TrainingLoss:
    """The minimized cross-entropy. The charts show the plain one, of training and validation rows alike (see training_metrics.py): with smoothing a
    perfect model stays well above 0.
    """

    weights: torch.Tensor | None
    """(classes,), float32; None weights all classes equally."""
    smoothing: float
    """Fraction of each target that is spread over all classes (Szegedy et al. 2016)."""

    @property
    def is_plain(self) -> bool:
        """Whether it is the plain cross-entropy, by which validation is scored."""
        return self.weights is None and not self.smoothing

    def to(self, device: torch.device) -> "TrainingLoss":
        """The same loss on the device of the logits: moved there once, not at each step."""
        return replace(self, weights=None if self.weights is None else self.weights.to(device))

    def __call__(self, logits: torch.Tensor, labels: torch.Tensor, *, texts: torch.Tensor | int) -> torch.Tensor:
        """The sum over a batch, logits (n, classes) and labels (n,), divided by the number of ``texts`` of the whole step."""
        total = torch.nn.functional.cross_entropy(
            logits.float(), labels, weight=self.weights, label_smoothing=self.smoothing, reduction="sum"
        )
        return total / texts


def training_loss(recipe: Recipe, label_ids: Sequence[int], classes: int) -> TrainingLoss | None:
    """The recipe's loss, its weights computed from the training rows' labels; None for the plain one, which the model computes itself.

    With gradient accumulation the loss is ours too: transformers' classifiers would add the means of the batches.
    """
    weights = torch.tensor(balanced_weights(label_ids, classes)) if recipe.class_weights == "balanced" else None
    if weights is None and not recipe.label_smoothing and recipe.gradient_accumulation == 1:
        return None
    return TrainingLoss(weights, recipe.label_smoothing)


def balanced_weights(label_ids: Sequence[int], classes: int) -> tuple[float, ...]:
    """n / (classes that occur * rows of the class), scikit-learn's "balanced" (King & Zeng 2001); 1 for a class without rows.

    Their mean over the rows is 1, so that a learning rate means the same with them and without.
    """
    counts = np.bincount(label_ids, minlength=classes)
    occurring = int((counts > 0).sum())
    return tuple(len(label_ids) / (occurring * int(rows)) if rows else 1.0 for rows in counts)
