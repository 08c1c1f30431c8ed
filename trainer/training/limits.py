"""What cannot work on this machine, said before the training starts."""

from collections.abc import Sequence

from trainer.errors import NoMemoryError
from trainer.recipe import Recipe
from trainer.text_format import pluralize
from trainer.training.encoders import Encoder
from trainer.training.estimate import free_megabytes
from trainer.training.hardware import Hardware

_ACTIVATION_BYTES = 34
"""A transformer layer keeps at least so many for each token and unit of its width until the backward pass, in 16 bits and without
the attention scores (Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer Models")."""
_LEARNING_BYTES = 16
"""Weight, gradient and AdamW's two moments in float32."""
_RESTING_BYTES = 4


def largest_divisor(batch: int, most: int) -> int | None:
    """The most texts, ``most`` at most, of which a batch can be read in equal parts, so that each step still learns from the same texts."""
    return next((texts for texts in range(min(batch, most), 0, -1) if batch % texts == 0), None)


def oom_advice(fewer_texts: int | None) -> str:
    """What to do where the memory did not suffice; None where even one text at a time is too much."""
    if fewer_texts is None:
        return "Start it anew with a shorter maximum length, or with a smaller encoder."
    return f"Train it again with {pluralize(fewer_texts, 'text')} at a time: the same training, a little slower."


def check_memory(recipe: Recipe, encoder: Encoder, lengths: Sequence[int], hardware: Hardware) -> None:
    """Raise NoMemoryError where even the least that a step needs is more than the memory that is free.

    ``lengths`` are those of the training texts in tokens, as they are read. A batch that passes may still not fit: this is a lower
    bound, and what it refuses would surely fail.
    """
    texts, longest = min(recipe.batch_size, len(lengths)), int(max(lengths))
    still = bool(recipe.lora_rank) or recipe.frozen_epochs >= recipe.epochs
    weights = encoder.parameters * (_RESTING_BYTES if still else _LEARNING_BYTES)
    # A frozen encoder keeps nothing for a backward pass.
    kept = 0 if recipe.frozen_epochs >= recipe.epochs else encoder.layers * encoder.hidden_size * _ACTIVATION_BYTES

    def needed(at_a_time: int) -> float:
        return (weights + at_a_time * longest * kept) / 2**20

    free = free_megabytes(hardware)
    if needed(texts) > free:
        fits = next((n for n in range(texts - 1, 0, -1) if recipe.batch_size % n == 0 and needed(n) <= free), None)
        raise NoMemoryError(
            f"A batch of {pluralize(texts, 'text')} of up to {longest} tokens needs at least {needed(texts) / 1024:.1f} GB with {encoder.name}, "
            f"and {free / 1024:.1f} GB are free on the {hardware.name}. {oom_advice(fits)}",
            code="batch_too_large",
            fewer_texts=fits,
        )
