"""What cannot work on this machine, said before the training starts."""

from collections.abc import Sequence

from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.training.encoders import Encoder
from trainer.training.estimate import free_megabytes
from trainer.training.hardware import Hardware

_ACTIVATION_BYTES = 34
"""A transformer layer keeps at least so many for each token and unit of its width until the backward pass, in 16 bits and without
the attention scores (Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer Models")."""
_LEARNING_BYTES = 16
"""Weight, gradient and AdamW's two moments in float32."""
_RESTING_BYTES = 4


def refuse_what_cannot_fit(recipe: Recipe, encoder: Encoder, lengths: Sequence[int], hardware: Hardware) -> None:
    """Raise UserError where even the least that a step needs is more than the memory that is free.

    ``lengths`` are those of the training texts in tokens, as they are read. A batch that passes may still not fit: this is a lower
    bound, and what it refuses would surely fail.
    """
    texts, longest = min(recipe.batch_size, len(lengths)), max(lengths)
    still = bool(recipe.lora_rank) or recipe.frozen_epochs >= recipe.epochs
    weights = encoder.parameters * (_RESTING_BYTES if still else _LEARNING_BYTES)
    # A frozen encoder keeps nothing for a backward pass.
    kept = 0 if recipe.frozen_epochs >= recipe.epochs else encoder.layers * encoder.width * _ACTIVATION_BYTES
    needed = (weights + texts * longest * kept) / 2**20
    free = free_megabytes(hardware)
    if needed > free:
        raise UserError(
            f"A batch of {texts} texts of up to {longest} tokens needs at least {needed / 1024:.1f} GB with {encoder.name}, "
            f"and {free / 1024:.1f} GB are free on the {hardware.name}. "
            "Choose a smaller batch size, a shorter maximum length or a smaller encoder.",
            code="batch_too_large",
        )
