"""Dropout (Srivastava et al., 2014) whose masks are cheap on a CPU and follow from the seed and the step alone.

torch draws numbers one by one from a Mersenne Twister, in one thread: a seventh of a training step on two cores. Here 16 random bits decide
about each unit, drawn 64 at a time. Knows nothing of models.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import nn

_RATE_STEPS = 2**16


class DropoutMaskGenerator:
    """Random masks. ``begin(step)`` always starts the same ones, so that a training resumed at a step continues as it would have."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.begin(0)

    def begin(self, step: int) -> None:
        """Start the masks of an optimizer step, counted from 0."""
        self._bits = np.random.SFC64([self._seed, step])

    def draw(self, size: "torch.Size", rate: float) -> "torch.Tensor":
        """A bool tensor of this size, false with probability ``rate`` (to 1/65536)."""
        import torch

        n_units = size.numel()
        numbers = self._bits.random_raw(-(-n_units // 4)).view(np.int16)[:n_units]
        return torch.from_numpy(numbers >= round(rate * _RATE_STEPS) - _RATE_STEPS // 2).view(size)


def use_fast_dropout(model: "nn.Module", seed: int) -> DropoutMaskGenerator:
    """Replace every ``nn.Dropout`` of a model by one with cheap masks; returns their generator."""
    from torch import nn

    masks = DropoutMaskGenerator(seed)
    fast_dropout = _fast_dropout_class()
    for module in model.modules():
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, fast_dropout(child.p, masks))
    return masks


def _fast_dropout_class() -> type:
    """Defined late: torch takes seconds to import."""
    from torch import Tensor, nn

    class FastDropout(nn.Dropout):
        def __init__(self, rate: float, masks: DropoutMaskGenerator) -> None:
            super().__init__(rate)
            self._masks = masks

        def forward(self, units: Tensor) -> Tensor:
            if not self.training or self.p == 0.0:
                return units
            return units * self._masks.draw(units.shape, self.p).to(units.dtype).mul_(1 / (1 - self.p))

    return FastDropout
