"""What is minimised while training: cross-entropy with class weights and label smoothing, exact over accumulated batches."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from trainer.recipe import Recipe


@dataclass(frozen=True, eq=False)
class TrainingLoss:
    """Cross-entropy of the training texts, as it is minimised. What people are shown is the plain one, of training and validation rows
    alike (see meter.py): with smoothing a perfect model stops well above 0.
    """

    weights: torch.Tensor | None
    """(classes,), float32; None counts all alike."""
    smoothing: float
    """Share of each answer spread over all classes (Szegedy et al. 2016)."""

    @property
    def is_plain(self) -> bool:
        """Whether it is the plain cross-entropy, by which validation is scored."""
        return self.weights is None and not self.smoothing

    def to(self, device: torch.device) -> "TrainingLoss":
        """The same on the device of the logits: sent there once, not at each step."""
        return replace(self, weights=None if self.weights is None else self.weights.to(device))

    def __call__(self, logits: torch.Tensor, labels: torch.Tensor, *, texts: torch.Tensor | int) -> torch.Tensor:
        """The sum over a batch, logits (n, classes) and labels (n,), divided by the number of ``texts`` of the whole step."""
        total = torch.nn.functional.cross_entropy(
            logits.float(), labels, weight=self.weights, label_smoothing=self.smoothing, reduction="sum"
        )
        return total / texts


def training_loss(recipe: Recipe, label_ids: Sequence[int], classes: int) -> TrainingLoss | None:
    """The loss a recipe asks for, its weights from the training rows' labels; None where the model's own, the plain one, is meant.

    A sum over several batches is ours too: transformers' classifiers would take the mean of each batch and add the means.
    """
    weights = torch.tensor(balanced_weights(label_ids, classes)) if recipe.class_weights == "balanced" else None
    if weights is None and not recipe.label_smoothing and recipe.gradient_accumulation == 1:
        return None
    return TrainingLoss(weights, recipe.label_smoothing)


def balanced_weights(label_ids: Sequence[int], classes: int) -> tuple[float, ...]:
    """n / (classes that occur * rows of the class), as scikit-learn's "balanced" (King & Zeng 2001); 1 for a class without rows.

    Their mean over the rows is 1, so that a learning rate means the same with them and without.
    """
    counts = np.bincount(label_ids, minlength=classes)
    occurring = int((counts > 0).sum())
    return tuple(len(label_ids) / (occurring * int(count)) if count else 1.0 for count in counts)
