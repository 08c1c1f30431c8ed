"""When to log and when to evaluate, computed from row counts alone, so that the same file gives the same steps everywhere."""

import math
from dataclasses import dataclass

_LOG_POINTS = 200
"""Enough for a smooth curve, few enough to redraw each second."""

_CHEAP_ROWS = 512
"""Up to this many validation rows are scored within a second or two on any machine."""

_MAX_EVALUATION_RATIO = 0.35
"""Rows read by an epoch's evaluations relative to its training rows; a forward pass costs a third of a training step."""

_MAX_EVALUATIONS_PER_EPOCH = 4


@dataclass(frozen=True)
class Schedule:
    """Steps are counted from 1."""

    total_steps: int
    epoch_steps: tuple[int, ...]
    log_steps: frozenset[int]
    evaluation_steps: frozenset[int]

    @property
    def steps_per_epoch(self) -> int:
        """0 if there is no epoch."""
        return self.epoch_steps[0] if self.epoch_steps else 0


def build_schedule(
    *,
    train_rows: int,
    validation_rows: int,
    batch_size: int,
    epochs: int,
    gradient_accumulation: int = 1,
    evaluations_per_epoch: int | None = None,
    log_every: int | None = None,
) -> Schedule:
    """The schedule of a run; the last step is always logged and evaluated. With 0 ``epochs`` there is no step.

    The defaults are about 200 log points, and one to four evaluations per epoch.
    """
    per_epoch = math.ceil(math.ceil(train_rows / batch_size) / gradient_accumulation)
    total = per_epoch * epochs
    if evaluations_per_epoch is not None:
        evaluations = evaluations_per_epoch
    elif validation_rows <= _CHEAP_ROWS:
        evaluations = _MAX_EVALUATIONS_PER_EPOCH
    else:
        evaluations = max(1, min(_MAX_EVALUATIONS_PER_EPOCH, int(_MAX_EVALUATION_RATIO * train_rows / validation_rows)))
    every = log_every or max(1, round(total / _LOG_POINTS))
    return Schedule(
        total_steps=total,
        epoch_steps=tuple(per_epoch * (e + 1) for e in range(epochs)),
        log_steps=frozenset({*range(every, total + 1, every), 1, total} if total else ()),
        evaluation_steps=frozenset(
            per_epoch * e + math.ceil(per_epoch * k / evaluations) for e in range(epochs) for k in range(1, evaluations + 1)
        ),
    )
