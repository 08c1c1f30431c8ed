"""Memory of a training: what it needs, what is free, and returning freed heap to the system. Loads and trains nothing."""

import ctypes
from collections.abc import Callable, Sequence
from functools import cache

from trainer.errors import NoMemoryError
from trainer.recipe import Recipe
from trainer.text_format import pluralize
from trainer.training.cgroups import available_bytes, used_share
from trainer.training.encoders import Encoder
from trainer.training.hardware import Hardware

_WEIGHT_BYTES = 4
"""A weight in float32."""
_TRAINED_WEIGHT_BYTES = 16
"""Weight, gradient and AdamW's two moments in float32."""
_MIN_ACTIVATION_BYTES = 34
"""Lower bound of what a transformer layer keeps for the backward pass per token and unit of its hidden size, in 16 bits and without
attention scores (Korthikanti et al. 2022, "Reducing Activation Recomputation in Large Transformer Models")."""
_ACTIVATION_BYTES = 85
"""The same as measured (49 at 24 tokens, 65 at 72, 70 to 75 at 128), with what stays in the heap for each batch shape."""
_LIBRARIES_MEGABYTES = 900


def estimate_megabytes(encoder: Encoder, *, trained_parameters: float, backward_fraction: float, batch_tokens: float) -> float:
    """Memory that a training is likely to need, the libraries included.

    ``trained_parameters`` are the weights that get gradients, ``backward_fraction`` (0..1) scales the activations kept for the backward pass,
    and ``batch_tokens`` are the tokens of the largest batch.
    """
    weights = encoder.parameters * _WEIGHT_BYTES + trained_parameters * (_TRAINED_WEIGHT_BYTES - _WEIGHT_BYTES)
    activations = backward_fraction * batch_tokens * encoder.layers * encoder.hidden_size * _ACTIVATION_BYTES
    return (weights + activations) / 2**20 + _LIBRARIES_MEGABYTES


def check_memory(recipe: Recipe, encoder: Encoder, lengths: Sequence[int], hardware: Hardware) -> None:
    """Raise NoMemoryError if even a lower bound of what a step needs exceeds the free memory.

    ``lengths`` are the tokens of the training texts, truncated as they are read. A batch that passes may still not fit.
    """
    texts, max_tokens = min(recipe.batch_size, len(lengths)), int(max(lengths))
    encoder_frozen = recipe.never_trains_encoder
    weights = encoder.parameters * (_WEIGHT_BYTES if recipe.lora_rank or encoder_frozen else _TRAINED_WEIGHT_BYTES)
    # A frozen encoder keeps nothing for a backward pass.
    token_bytes = 0 if encoder_frozen else encoder.layers * encoder.hidden_size * _MIN_ACTIVATION_BYTES

    def needed(texts_at_a_time: int) -> float:
        return (weights + texts_at_a_time * max_tokens * token_bytes) / 2**20

    free = free_megabytes(hardware)
    if needed(texts) > free:
        fitting = next((n for n in range(texts - 1, 0, -1) if recipe.batch_size % n == 0 and needed(n) <= free), None)
        raise NoMemoryError(
            f"A batch of {pluralize(texts, 'text')} of up to {max_tokens} tokens needs at least {needed(texts) / 1024:.1f} GB with {encoder.name}, "
            f"and {free / 1024:.1f} GB are free on this machine ({hardware.name}). {out_of_memory_advice(fitting, recipe)}",
            code="batch_too_large",
            retry_texts_at_a_time=fitting,
        )


def largest_divisor(batch_size: int, limit: int) -> int | None:
    """The largest number of texts, up to ``limit``, that divides a batch into equal parts, so that each step still learns from the same texts."""
    return next((texts for texts in range(min(batch_size, limit), 0, -1) if batch_size % texts == 0), None)


def effect_of_smaller_parts(recipe: Recipe) -> str:
    """What it does to a training to read each batch in smaller parts, in words."""
    if recipe.method == "contrastive":
        return "each text is then compared with fewer others, and the training takes a little longer"
    return "the same training, a little slower"


def out_of_memory_advice(retry_texts_at_a_time: int | None, recipe: Recipe) -> str:
    """What to do if memory runs out; None means that even one text at a time is too much."""
    if retry_texts_at_a_time is None:
        return "Start a new run with a shorter maximum length or a smaller encoder."
    return f"Train it again with {pluralize(retry_texts_at_a_time, 'text')} at a time: {effect_of_smaller_parts(recipe)}."


def free_megabytes(hardware: Hardware) -> float:
    """Memory that a training could use now, of the GPU or of this process and its container."""
    if hardware.device == "cuda":
        import torch

        return torch.cuda.mem_get_info()[0] / 2**20
    import psutil

    return min(psutil.virtual_memory().available, available_bytes()) / 2**20


def used_memory_share() -> float:
    """The share 0..1 of the memory that is in use, of this machine or of its container, whichever is fuller."""
    import psutil

    return max(psutil.virtual_memory().percent / 100, used_share())


def trim_heap() -> None:
    """Return freed heap memory to the system: hundreds of megabytes in hundredths of a second. Does nothing without glibc.

    Batches of ever new lengths fragment glibc's heap: for each new shape oneDNN keeps a few small kernels for good between the large tensors
    of a step, so that the space freed around them never joins into a block that a longer batch could use.
    """
    malloc_trim = _malloc_trim()
    if malloc_trim is not None:
        malloc_trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    try:
        return ctypes.CDLL(None).malloc_trim
    # macOS and musl lack the function, and Windows lacks the library.
    except (AttributeError, OSError, TypeError):
        return None
