"""Which weights are trained when, and how fast: parameter groups of the optimizer, and an encoder that is frozen at first.

All of it follows from the recipe and the step, so that a resumed training needs no saved state of it.
"""

import re
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from trainer.recipe import Recipe
from trainer.training.classifier import Classifier, in_head

_LAYER = re.compile(r"\.(?:layers?|h|blocks?)\.(\d+)\.")


def parameter_groups(model: Classifier, recipe: Recipe, *, decaying: Collection[str]) -> list[dict[str, Any]]:
    """Parameter groups for torch's optimizers, by peak learning rate and weight decay; the encoder's top layer first.

    ``decaying`` names the weights to which weight decay applies. With layer-wise decay (discriminative fine-tuning, Howard & Ruder 2018) the
    top layer learns at the recipe's rate, each below at ``layer_decay`` times the rate of the one above, the embeddings slowest.
    """
    layers = _layers(model)
    groups: dict[tuple[float, float], list[Any]] = defaultdict(list)
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            if in_head(model, name):
                rate = recipe.head_learning_rate or recipe.learning_rate
            else:
                rate = recipe.learning_rate * recipe.layer_decay ** _depth(name, layers)
            groups[rate, recipe.weight_decay if name in decaying else 0.0].append(parameter)
    # The Trainer reports the learning rate of the first group.
    order = sorted(groups, key=lambda group: (group[0] != recipe.learning_rate, -group[0], -group[1]))
    return [{"params": groups[rate, decay], "lr": rate, "weight_decay": decay} for rate, decay in order]


def _layers(model: Classifier) -> int:
    numbers = [int(match[1]) for name, _ in model.named_parameters() if not in_head(model, name) and (match := _LAYER.search(name))]
    return max(numbers, default=-1) + 1


def _depth(name: str, layers: int) -> int:
    """Layers between this weight and the top one; embeddings count as one below the lowest layer, other weights as the top."""
    if match := _LAYER.search(name):
        return layers - 1 - int(match[1])
    return layers if "embeddings" in name else 0


class EncoderFreezer:
    """Freezes the encoder for the first ``steps`` steps: gradual unfreezing in two stages (after Howard & Ruder 2018)."""

    def __init__(self, model: Classifier, steps: int) -> None:
        self.steps = steps
        self._parameters = [p for name, p in model.named_parameters() if not in_head(model, name) and p.requires_grad]

    def apply(self, step: int) -> None:
        """Freeze or unfreeze after ``step`` steps. The optimizer skips weights without a gradient."""
        trainable = step >= self.steps
        if self.steps and self._parameters and self._parameters[0].requires_grad != trainable:
            for parameter in self._parameters:
                parameter.requires_grad_(trainable)
