"""How long a training will take and how much memory it will need, computed from the machine's speed. Measures and trains nothing."""

from collections.abc import Callable

import numpy as np

from trainer.data.checks.encoder import Estimate
from trainer.recipe import Recipe
from trainer.training.encoders import Encoder
from trainer.training.hardware import Hardware, with_precision
from trainer.training.memory import estimate_megabytes, free_megabytes
from trainer.training.schedule import build_schedule
from trainer.training.speed import HIDDEN_SIZE

_FORWARD_COST = 0.35
"""Cost of a text in a forward pass alone, relative to a full training step."""
_LORA_COST = 0.75
"""Cost of a text with LoRA, which computes no gradients of the encoder's own weights."""
_LORA_TRAINED_FRACTION = 0.05
"""Upper bound of the weights that LoRA trains, relative to the encoder's."""
_OPTIMIZER_SECONDS = {"cpu": 1.6e-9, "cuda": 3e-11, "mps": 2e-10}
"""AdamW's time per parameter and step, in addition to the layers'."""
_TRAINING_TO_PROBE = 0.75
"""Time of a real training relative to the probe's: its attention suits short rows better (see acceleration.py). Compared on five trainings."""
_SAVE_SECONDS = 1e-8
"""Seconds per parameter to save the weights after an evaluation, which is nearly always the best so far."""
_FIXED_SECONDS = 7
"""Loading, the slow first steps, and at the end the model's folder, the card and the seal."""
_PADDING = 1.1
"""Tokens of a batch relative to those of its texts: batches are made of texts of similar length."""


def estimate_training(
    encoder: Encoder,
    tokens: np.ndarray,
    rows: tuple[int, int, int],
    recipe: Recipe,
    hardware: Hardware,
    speed_of: Callable[[Hardware], float],
    classes: int = 2,
    *,
    linear_start: bool = False,
) -> Estimate:
    """Seconds, from Start to the report, and megabytes of a training with this recipe.

    ``rows`` are the numbers of training, validation and test texts, whose lengths are distributed like ``tokens``, (n,). ``speed_of`` gives
    the speed of a device at one precision, as ``SpeedMeter.of`` does; ``linear_start`` is the task's. Raises UserError
    ``precision_unavailable``, and what ``speed_of`` raises.
    """
    # Imported late, as it imports torch.
    from trainer.training.linear_model import MAX_ROWS

    train_rows, validation_rows, test_rows = rows
    of_encoder = {"learning_rate": encoder.learning_rate, "pooling": encoder.pooling}
    resolved = recipe.resolved(train_rows=train_rows, classes=classes, linear_start=linear_start, **of_encoder)
    training_hardware = with_precision(hardware, recipe.precision)
    truncated = np.minimum(tokens, recipe.max_length)
    epochs = 0 if resolved.method == "frozen" else resolved.epochs
    schedule = build_schedule(
        train_rows=train_rows,
        validation_rows=validation_rows,
        batch_size=resolved.batch_size,
        epochs=epochs,
        gradient_accumulation=recipe.gradient_accumulation,
        evaluations_per_epoch=resolved.evaluations_per_epoch,
    )
    evaluations = len(schedule.evaluation_steps)
    frozen = 1.0 if resolved.never_trains_encoder else recipe.frozen_epochs / resolved.epochs
    cost = frozen * _FORWARD_COST + (1 - frozen) * (_LORA_COST if recipe.lora_rank else 1.0)
    text_cost = float(truncated.mean()) * _PADDING * encoder.layers
    # The method contrastive fits its head before each evaluation to what the encoder then makes of the training rows; a teacher reads them once.
    fitted_rows = min(train_rows, MAX_ROWS) if resolved.method == "contrastive" else 0
    scored = evaluations * (validation_rows + fitted_rows) + validation_rows + test_rows + (train_rows if resolved.distillation else 0)
    if resolved.starts_from_linear_model or encoder.pooling == "mean":
        # The linear model reads all rows once, and the model that it is before the first step is evaluated.
        scored += min(train_rows, MAX_ROWS) + validation_rows + test_rows
        scored += validation_rows if resolved.starts_from_linear_model else 0
    trained_parameters = encoder.parameters * (1 - frozen) * (_LORA_TRAINED_FRACTION if recipe.lora_rank else 1.0)
    speed = speed_of(training_hardware) * (HIDDEN_SIZE / encoder.hidden_size) ** 2
    seconds = _TRAINING_TO_PROBE * text_cost * (cost * epochs * train_rows + _FORWARD_COST * scored) / speed
    optimizer_seconds = schedule.total_steps * trained_parameters * _OPTIMIZER_SECONDS[hardware.device]
    seconds += optimizer_seconds + evaluations * encoder.parameters * _SAVE_SECONDS
    megabytes = estimate_megabytes(
        encoder,
        trained_parameters=trained_parameters,
        backward_fraction=cost,
        # The longest text makes its whole batch as long.
        batch_tokens=resolved.batch_size * float(truncated.max()),
    )
    # K folds train on (K - 1) / K of the rows each, before the model of all rows.
    seconds = (seconds + _FIXED_SECONDS) * (recipe.folds or 1)
    return Estimate(seconds, megabytes, free_megabytes(hardware), hardware.description)
