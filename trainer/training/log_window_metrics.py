"""Loss and accuracy of the training texts, summed between two points of the charts. Minimizes nothing and writes nothing."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from trainer.data.task import SINGLE_LABEL, Task
from trainer.training.losses import TRAINING_TASKS


@dataclass(frozen=True)
class TrainingScores:
    """Means over the training texts of one log window, each as it was predicted while the model learned from it, with dropout."""

    loss: float | None
    """Plain loss in nats, without class weights, label smoothing and a teacher; None if it was not measured."""
    accuracy: float | None
    """In 0..1; None without a text."""


class TrainingMetrics:
    """Sums loss and correct predictions on the device where they are: reading a number at each step would make a GPU wait."""

    def __init__(self, device: torch.device, *, measure_loss: bool, task: Task = SINGLE_LABEL) -> None:
        """``measure_loss`` if the minimized loss is not the task's plain one, which would otherwise be computed twice."""
        self._task = TRAINING_TASKS[task.key]
        self._loss = torch.zeros((), device=device) if measure_loss else None
        self._correct = torch.zeros((), device=device)
        self._texts = 0

    def update(self, logits: torch.Tensor, labels: torch.Tensor) -> None:
        """Count a batch: logits (n, classes) and its labels."""
        logits = logits.detach()
        if self._loss is not None:
            self._loss += self._task.loss(logits, labels, reduction="sum")
        self._correct += self._task.count_right(logits, labels)
        self._texts += len(labels)

    def compute_and_reset(self, gather: Callable[[torch.Tensor], torch.Tensor] = lambda sums: sums) -> TrainingScores:
        """The scores since the last call. ``gather`` adds up the sums of all processes, each of which must call this at the same step."""
        loss = torch.zeros_like(self._correct) if self._loss is None else self._loss
        sums = torch.stack([loss, self._correct, torch.full_like(self._correct, self._texts)])
        total_loss, correct, texts = gather(sums).tolist()
        for total in (self._loss, self._correct):
            if total is not None:
                total.zero_()
        self._texts = 0
        if not texts:
            return TrainingScores(None, None)
        return TrainingScores(None if self._loss is None else total_loss / texts, correct / texts)
