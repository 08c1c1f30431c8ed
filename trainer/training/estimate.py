"""How long a training will take here and how much memory it will need, from the machine's speed. Measures and trains nothing."""

from collections.abc import Callable

import numpy as np

from trainer.data.checks.encoder import Estimate
from trainer.recipe import Recipe
from trainer.training.container import available_bytes
from trainer.training.encoders import Encoder
from trainer.training.hardware import Hardware, with_precision
from trainer.training.schedule import build_schedule
from trainer.training.speed import HIDDEN_SIZE

_FROZEN_COST = 0.35
"""What a text costs while only the head learns: its way forward alone."""
_LORA_COST = 0.75
"""What a text costs with LoRA: no gradients of the encoder's own weights."""
_OPTIMIZER_SECONDS = {"cpu": 1.6e-9, "cuda": 3e-11, "mps": 2e-10}
"""AdamW's time for each parameter and step, beside what the layers take."""
_BETTER = 0.75
"""What a real training takes of the probe's time: its attention suits short rows better (see acceleration.py). Compared on five trainings."""
_WRITING = 1e-8
"""Seconds a parameter to keep the weights after an evaluation: it is nearly always the best so far."""
_FIXED_SECONDS = 7
"""Loading, the first steps, which are slow, and at the end the model's folder, the card and the seal."""
_LIBRARIES_MEGABYTES = 900
_PARAMETER_BYTES = 16
"""Weights, gradients and AdamW's two moments in float32."""
_ACTIVATION_BYTES = 85
"""For each token, layer and unit of its width: what the backward pass needs (measured: 49 at 24 tokens, 65 at 72, 70 to 75 at 128), and what
stays in the heap for each shape."""


def estimate_training(
    encoder: Encoder,
    tokens: np.ndarray,
    rows: tuple[int, int, int],
    recipe: Recipe,
    hardware: Hardware,
    speed_of: Callable[[Hardware], float],
) -> Estimate:
    """Seconds, from Start to the report, and megabytes of a training in this recipe.

    ``rows`` are the training, validation and test texts, whose lengths are distributed like ``tokens``, (n,). ``speed_of`` tells the speed
    of a device at one precision, as ``speed.SpeedMeter`` does. Raises UserError ``precision_unavailable``, and what ``speed_of`` does.
    """
    train_rows, validation_rows, test_rows = rows
    settled = recipe.settled(train_rows=train_rows, learning_rate=encoder.learning_rate)
    at_work = with_precision(hardware, recipe.precision)
    read = np.minimum(tokens, recipe.max_length)
    schedule = build_schedule(
        train_rows=train_rows,
        validation_rows=validation_rows,
        batch_size=settled.batch_size,
        epochs=settled.epochs,
        gradient_accumulation=recipe.gradient_accumulation,
        evaluations_per_epoch=recipe.evaluations_per_epoch,
    )
    evaluations = len(schedule.evaluation_steps)
    frozen = min(recipe.frozen_epochs / settled.epochs, 1.0)
    cost = frozen * _FROZEN_COST + (1 - frozen) * (_LORA_COST if recipe.lora_rank else 1.0)
    # Batches are made of texts of similar length, so that there is little padding.
    text_tokens = float(read.mean()) * 1.1 * encoder.layers
    read_only = _FROZEN_COST * (evaluations * validation_rows + validation_rows + test_rows)
    learning = encoder.parameters * (1 - frozen) * (0.05 if recipe.lora_rank else 1.0)
    speed = speed_of(at_work) * (HIDDEN_SIZE / encoder.hidden_size) ** 2
    seconds = _BETTER * text_tokens * (cost * settled.epochs * train_rows + read_only) / speed
    seconds += schedule.total_steps * learning * _OPTIMIZER_SECONDS[hardware.device] + evaluations * encoder.parameters * _WRITING
    # The longest text makes its whole batch as long.
    longest = settled.batch_size * float(read.max())
    held = (
        encoder.parameters * 4
        + learning * (_PARAMETER_BYTES - 4)
        + cost * longest * encoder.layers * encoder.hidden_size * _ACTIVATION_BYTES
    )
    return Estimate(seconds + _FIXED_SECONDS, held / 2**20 + _LIBRARIES_MEGABYTES, free_megabytes(hardware), hardware.description)


def free_megabytes(hardware: Hardware) -> float:
    """Memory that a training could take now."""
    if hardware.device == "cuda":
        import torch

        return torch.cuda.mem_get_info()[0] / 2**20
    import psutil

    return min(psutil.virtual_memory().available, available_bytes()) / 2**20
