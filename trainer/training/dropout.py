"""Dropout (Srivastava et al., 2014) whose masks cost little on a CPU and follow from the seed and the step alone.

torch draws one number after the other from a Mersenne Twister, in one thread: a seventh of a training step on two cores. Here 16 random
bits decide about each unit, 64 at a time. Knows nothing of models.
"""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import nn

_STEPS = 2**16


class DropoutMaskGenerator:
    """Random masks. After ``begin(step)`` they are the same again, so that a training resumed at a step goes on as it would have."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.begin(0)

    def begin(self, step: int) -> None:
        """Start the masks of an optimizer step, counted from 0."""
        self._bits = np.random.SFC64([self._seed, step])

    def kept(self, shape: "torch.Size", rate: float) -> "torch.Tensor":
        """A bool tensor of this shape, false with probability ``rate`` (to 1/65536)."""
        import torch

        count = shape.numel()
        drawn = self._bits.random_raw(-(-count // 4)).view(np.int16)[:count]
        return torch.from_numpy(drawn >= round(rate * _STEPS) - _STEPS // 2).view(shape)


def use_fast_dropout(model: "nn.Module", seed: int) -> DropoutMaskGenerator:
    """Put dropout with cheap masks in the place of every ``nn.Dropout`` of a model; returns the source of the masks."""
    from torch import nn

    source = DropoutMaskGenerator(seed)
    cheap = _fast_dropout()
    for module in model.modules():
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, cheap(child.p, source))
    return source


def _fast_dropout() -> type:
    """The class, made late: torch takes seconds to import."""
    from torch import Tensor, nn

    class FastDropout(nn.Dropout):
        def __init__(self, rate: float, source: DropoutMaskGenerator) -> None:
            super().__init__(rate)
            self._source = source

        def forward(self, units: Tensor) -> Tensor:
            if not self.training or self.p == 0.0:
                return units
            return units * self._source.kept(units.shape, self.p).to(units.dtype).mul_(1 / (1 - self.p))

    return FastDropout
