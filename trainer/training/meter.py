"""What the training texts were answered, summed up between two points of the charts. Minimises nothing and writes nothing."""

from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class TrainingScores:
    """Means over the training texts of one log window, as each was answered while it was learned from, with dropout."""

    loss: float | None
    """Their plain cross-entropy in nats, without class weights and label smoothing; None where it was not measured."""
    accuracy: float | None
    """Share of right answers; None without a text."""


class TrainingMeter:
    """Sums up the answers to training texts, on the device where they are: reading one at each step would make a GPU wait."""

    def __init__(self, device: torch.device, *, measure_loss: bool) -> None:
        """``measure_loss`` where what is minimised is not the plain cross-entropy, which would else be computed twice."""
        self._loss = torch.zeros((), device=device) if measure_loss else None
        self._correct = torch.zeros((), device=device)
        self._texts = 0

    def update(self, logits: torch.Tensor, labels: torch.Tensor) -> None:
        """Count a batch: logits (n, classes), labels (n,)."""
        logits = logits.detach()
        if self._loss is not None:
            self._loss += torch.nn.functional.cross_entropy(logits.float(), labels, reduction="sum")
        self._correct += (logits.argmax(-1) == labels).sum()
        self._texts += len(labels)

    def take(self, gather: Callable[[torch.Tensor], torch.Tensor] = lambda sums: sums) -> TrainingScores:
        """The scores since the last call. ``gather`` adds up the sums of all processes, each of which must call this then."""
        loss = torch.zeros_like(self._correct) if self._loss is None else self._loss
        sums = torch.stack([loss, self._correct, torch.full_like(self._correct, self._texts)])
        total, correct, texts = gather(sums).tolist()
        for kept in (self._loss, self._correct):
            if kept is not None:
                kept.zero_()
        self._texts = 0
        if not texts:
            return TrainingScores(None, None)
        return TrainingScores(None if self._loss is None else total / texts, correct / texts)
