"""When to log and when to evaluate: plain arithmetic on row counts, so that the same file gives the same steps everywhere."""

import math
from dataclasses import dataclass

_POINTS = 200
"""Logged points in a run: enough for a smooth curve, few enough to redraw each second."""

_CHEAP_ROWS = 512
"""So few validation rows are scored in a second or two whatever the machine."""

_EVALUATION_SHARE = 0.35
"""Evaluations may read at most about this share of the training rows of an epoch; reading costs a third of training."""

_MOST_PER_EPOCH = 4


@dataclass(frozen=True)
class Schedule:
    """Steps are counted from 1."""

    total_steps: int
    epoch_steps: tuple[int, ...]
    log_steps: frozenset[int]
    evaluation_steps: frozenset[int]


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
    """The schedule of a run, the last step always logged and evaluated.

    Where it is not said, about 200 log points, and one to four evaluations an epoch.
    """
    per_epoch = math.ceil(math.ceil(train_rows / batch_size) / gradient_accumulation)
    total = per_epoch * epochs
    if evaluations_per_epoch is not None:
        times = evaluations_per_epoch
    elif validation_rows <= _CHEAP_ROWS:
        times = _MOST_PER_EPOCH
    else:
        times = max(1, min(_MOST_PER_EPOCH, int(_EVALUATION_SHARE * train_rows / validation_rows)))
    every = log_every or max(1, round(total / _POINTS))
    return Schedule(
        total_steps=total,
        epoch_steps=tuple(per_epoch * (e + 1) for e in range(epochs)),
        log_steps=frozenset({*range(every, total + 1, every), 1, total}),
        evaluation_steps=frozenset(per_epoch * e + math.ceil(per_epoch * k / times) for e in range(epochs) for k in range(1, times + 1)),
    )
