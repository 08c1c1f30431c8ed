"""The method contrastive: the encoder learns which training texts belong together, and a linear model on what it then makes of them is the head.

It fits the head anew before each evaluation; linear_model.py does the fitting, and the Trainer the rest.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.utils.data import Sampler

from trainer.data.task import Task
from trainer.recipe import Recipe
from trainer.training.losses import TRAINING_TASKS

_TEMPERATURE = 0.1
"""That of Khosla et al. 2020."""
_NEVER = -1e4
"""Instead of a text's similarity to itself, so that it is not among those that are compared; minus infinity has no gradient in a batch of one text."""
_GROUP = 2
"""Texts of one class that are in a batch together at least."""


@dataclass(frozen=True, eq=False)
class ContrastiveLoss:
    """The supervised contrastive loss (Khosla et al. 2020, "out"): of all texts of a batch, those of a text's own class should be nearest to it.

    SetFit (Tunstall et al. 2022) learns from pairs of texts one by one; here each text of a batch is compared with all others.
    """

    weights: torch.Tensor | None
    """(classes,), float32: how much a text of each class counts; None weights all alike."""

    @property
    def is_plain(self) -> bool:
        """False: validation is scored by the task's plain loss."""
        return False

    def to(self, device: torch.device) -> "ContrastiveLoss":
        """The same loss on the device of the vectors."""
        return replace(self, weights=None if self.weights is None else self.weights.to(device))

    def __call__(self, features: torch.Tensor, labels: torch.Tensor, *, texts: torch.Tensor | int) -> torch.Tensor:
        """The sum over a batch, vectors (n, hidden_size) and labels (n,), divided by the number of ``texts`` of the whole step.

        A text without another one of its class in the batch counts only as a text of another class.
        """
        vectors = torch.nn.functional.normalize(features.float(), dim=-1)
        itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
        similarity = (vectors @ vectors.T / _TEMPERATURE).masked_fill(itself, _NEVER)
        log_probability = (similarity - similarity.logsumexp(1, keepdim=True)).masked_fill(itself, 0.0)
        same = (labels[:, None] == labels[None, :]) & ~itself
        losses = -(log_probability * same).sum(1) / same.sum(1).clamp(min=1)
        if self.weights is not None:
            losses = losses * self.weights[labels]
        return losses.sum() / texts


def contrastive_loss(recipe: Recipe, labels: np.ndarray, classes: int, task: Task) -> ContrastiveLoss:
    """The loss of a recipe, its weights computed from the training rows' labels, which have the task's shape."""
    balanced = TRAINING_TASKS[task.key].balanced_weights
    return ContrastiveLoss(torch.tensor(balanced(labels, classes)) if recipe.class_weights == "balanced" else None)


def paired_order(labels: np.ndarray, *, seed: int, epoch: int) -> np.ndarray:
    """Row numbers (n,) in a random order in which two or three texts of a class follow each other; a class of one row has no such neighbour."""
    generator = np.random.default_rng([seed, epoch])
    groups: list[np.ndarray] = []
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        groups += np.array_split(rows, max(1, len(rows) // _GROUP))
    return np.concatenate([groups[i] for i in generator.permutation(len(groups))])


class PairedSampler(Sampler[int]):
    """``paired_order`` as a sampler of torch's data loader; the Trainer calls ``set_epoch``."""

    def __init__(self, labels: np.ndarray, *, seed: int) -> None:
        self.labels, self.seed, self.epoch = labels, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[int]:
        return iter(paired_order(self.labels, seed=self.seed, epoch=self.epoch).tolist())
