"""The curves of a training as values by step, and the steps at which they are judged. Judges nothing."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, isfinite
from statistics import fmean

from trainer.runs.view import RunView

_MIN_LIVE_FRACTION = 1 / 3
"""Of the steps, before a live run is judged: with many epochs the first one is mostly warmup."""


@dataclass(frozen=True)
class Curve:
    """Values by step, in the order of the steps, without missing ones."""

    steps: tuple[int, ...]
    values: tuple[float, ...]

    def until(self, step: int) -> tuple[float, ...]:
        return self.values[: bisect_right(self.steps, step)]

    def mean(self, after: int, until: int) -> float | None:
        """The mean of the values with ``after`` < step <= ``until``; None if there are none."""
        values = self.values[bisect_right(self.steps, after) : bisect_right(self.steps, until)]
        return fmean(values) if values else None


def logged_curve(points: Sequence[tuple[int, float | None]]) -> Curve:
    known = [(step, float(value)) for step, value in points if is_finite(value)]
    return Curve(tuple(step for step, _ in known), tuple(value for _, value in known))


def is_finite(value: object) -> bool:
    """A log from another program may hold anything."""
    return isinstance(value, int | float) and isfinite(value)


def fair_step(view: RunView) -> int:
    """The step after which the training had a fair chance: a whole epoch or half of the steps; while it is running, at least a third."""
    half = ceil(view.total_steps / 2)
    first = min(view.epoch_steps[0], half) if view.epoch_steps else half
    return first if view.status == "finished" else max(first, ceil(_MIN_LIVE_FRACTION * view.total_steps))


def steps_per_epoch(view: RunView) -> int:
    """Steps per epoch."""
    return view.epoch_steps[0] if view.epoch_steps else view.total_steps


def milestones(view: RunView) -> Iterator[int]:
    """The steps at which the training loss is judged: each tenth of the steps after the fair step, and the end of a finished run."""
    fair = fair_step(view)
    for tenth in range(1, 11):
        step = ceil(tenth * view.total_steps / 10)
        if fair <= step <= view.last_logged_step:
            yield step
    if view.status == "finished" and fair <= view.last_logged_step:
        yield view.last_logged_step
