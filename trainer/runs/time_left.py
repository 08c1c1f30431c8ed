"""Estimates how long a run still takes: steps, evaluations, and what follows the last step until the report.

Uses only the events of a run: it knows neither whether somebody still works on it nor the current time.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from trainer.runs.event_schema import Event
from trainer.runs.event_types import BaselineScored, Created, Evaluated, Logged, Phase, Queued, Resumed, Started

_FORECAST_UNTIL, _STEPS_FROM = 0.05, 0.15
"""Before the first fraction of the steps the forecast is better, since the first steps allocate memory and choose kernels and take several times as
long. From the second fraction only the measured steps count. In between the estimate moves smoothly from one to the other."""

_MAX_FORECAST_USED = 0.5
"""If this fraction of the forecast has passed and the training is still at its first steps, the steps are trusted instead."""

_FORWARD_COST = 1 / 3
"""A forward pass costs a third of a training step."""

_SAVING, _SAVING_PER_PARAMETER = 1.0, 2e-8
"""Seconds to save the last state, write the model folder and load it again, and more for each parameter; measured."""

_COMPARING = 5.0
"""Seconds for the word-count baseline if it was left for the end: its time limit."""

_CLOSING = 0.3
"""Seconds for the model card and the seal."""

_MIN_SECONDS = 1.0
"""A run that has not ended is never said to be over."""

_TAIL = ("saving", "scoring", "comparing")
"""The stages after the last step, in order."""


@dataclass(frozen=True)
class TimeLeft:
    """Seconds from the last event to the report, and the part of them after the last step. Both at least 1."""

    seconds: float
    tail: float


class _Point(NamedTuple):
    """A logged point: its step, seconds since the first step, seconds of training alone, and the number of evaluations before it."""

    step: int
    elapsed: float
    train_seconds: float
    evaluations: int


@dataclass
class TimeLeftEstimator:
    """Collects what events tell about time, one event after the other."""

    now: float = 0.0
    forecast: float | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    started_at: float | None = None
    """When work on this attempt started."""
    stage: str | None = None
    stage_started_at: float = 0.0
    stage_done: float | None = None
    """Fraction of the stage that is done, if it is counted."""
    stage_began_with: float = 0.0
    """The fraction that was done when it was begun, or begun again."""
    folds: int = 0
    total_steps: int = 0
    planned_evaluations: int = 0
    parameters: int = 0
    samples_per_second: float = 0.0
    points: list[_Point] = field(default_factory=list)
    evaluations: list[tuple[int, float | None]] = field(default_factory=list)
    """Step and seconds of each planned evaluation."""
    has_baseline: bool = False

    @property
    def step(self) -> int:
        return self.points[-1].step if self.points else 0

    def add(self, event: Event) -> None:
        self.now = event.time
        match event:
            case Logged():
                _add_point(self, event)
            case Created():
                self.forecast, self.rows, self.folds = event.forecast_seconds, event.rows or {}, event.folds or 0
            case Queued():
                self.started_at = self.stage = None
            case Phase():
                _add_phase(self, event)
            case Started():
                self.total_steps, self.planned_evaluations = event.total_steps or 0, event.evaluations or 0
                self.parameters = event.parameters or 0
            case Resumed():
                self.points = [p for p in self.points if p.step <= event.step]
                self.evaluations = [e for e in self.evaluations if e[0] <= event.step and event.step]
            case Evaluated() if not event.unplanned:
                self.evaluations.append((event.step, event.seconds))
            case BaselineScored():
                self.has_baseline = True

    def estimate(self) -> TimeLeft | None:
        """The time that a running run takes from its last event; None if nothing is known."""
        if self.started_at is None:
            return None
        tail = _tail(self)
        if self.stage == "folds":
            return _left_of_folds(self)
        if self.stage is not None:
            left = _left_of_tail(self, tail)
            return _time_left(left, left)
        after, steps = sum(tail.values()) + _CLOSING, _steps_left(self)
        forecast = _left_of_forecast(self, has_steps=steps is not None)
        if steps is None and forecast is None:
            return None
        measured = forecast if steps is None else steps + after
        weight = 0.0 if forecast is None or steps is None else _forecast_weight(self)
        seconds = measured if forecast is None else weight * forecast + (1 - weight) * measured
        return _time_left(seconds, after)


def _time_left(seconds: float, tail: float) -> TimeLeft | None:
    """None if it overflows, which huge numbers in a log from elsewhere can cause."""
    return TimeLeft(max(_MIN_SECONDS, seconds), max(_MIN_SECONDS, tail)) if math.isfinite(seconds + tail) else None


def _left_of_forecast(clock: TimeLeftEstimator, *, has_steps: bool) -> float | None:
    """The forecast minus the elapsed time; None if there is no forecast, or if it was wrong and steps have been measured."""
    if clock.forecast is None or clock.started_at is None:
        return None
    elapsed, limit = max(0.0, clock.now - clock.started_at), _MAX_FORECAST_USED * clock.forecast
    return None if has_steps and elapsed >= limit else clock.forecast - min(elapsed, limit)


def _forecast_weight(clock: TimeLeftEstimator) -> float:
    """1 at the first steps, 0 once the measured steps are more reliable."""
    done = clock.step / max(1, clock.total_steps)
    return min(1.0, max(0.0, (_STEPS_FROM - done) / (_STEPS_FROM - _FORECAST_UNTIL)))


def _add_phase(clock: TimeLeftEstimator, event: Phase) -> None:
    clock.started_at = event.time if clock.started_at is None else clock.started_at
    if event.stage != clock.stage:
        if clock.stage == "folds" and (seconds := _fold_seconds(clock)) is not None:
            # What follows is one more training like those of the folds.
            clock.forecast, clock.started_at = seconds, event.time
        clock.stage_started_at, clock.stage_began_with = event.time, event.done or 0.0
    clock.stage, clock.stage_done = event.stage, event.done


def _fold_seconds(clock: TimeLeftEstimator) -> float | None:
    """Seconds of the training of one fold; None as long as too little of them is done to tell."""
    done = (clock.stage_done or 0.0) - clock.stage_began_with
    elapsed = clock.now - clock.stage_started_at
    return elapsed / done / clock.folds if clock.folds and done > 0 and elapsed > 0 else None


def _left_of_folds(clock: TimeLeftEstimator) -> TimeLeft | None:
    """The rest of the trainings of folds, and that of the model of all rows."""
    seconds = _fold_seconds(clock)
    if seconds is None:
        forecast = _left_of_forecast(clock, has_steps=False)
        return None if forecast is None else _time_left(forecast, _MIN_SECONDS)
    return _time_left(seconds * (clock.folds * (1 - (clock.stage_done or 0.0)) + 1), _MIN_SECONDS)


def _add_point(clock: TimeLeftEstimator, event: Logged) -> None:
    if event.samples_per_second is not None:
        clock.samples_per_second = event.samples_per_second
    elapsed, train_seconds = event.elapsed, event.train_seconds
    if elapsed is not None:
        clock.points.append(_Point(event.step, elapsed, elapsed if train_seconds is None else train_seconds, len(clock.evaluations)))


def _seconds_per_step(clock: TimeLeftEstimator) -> float | None:
    """Seconds of a recent step: the first ones are slow, and steps get slower when a frozen encoder starts to learn."""
    if not clock.step:
        return None
    first, last = clock.points[0], clock.points[-1]
    # Steps only grow; in a log from elsewhere where they do not, any point will do.
    half = bisect_right(clock.points, (first.step + last.step) / 2, hi=len(clock.points) - 1, key=lambda p: p.step)
    start = clock.points[half - 1] if half else _Point(0, 0.0, 0.0, 0)
    return max(0.0, last.train_seconds - start.train_seconds) / max(1, last.step - start.step)


def _steps_left(clock: TimeLeftEstimator) -> float | None:
    """Seconds of the remaining steps and evaluations."""
    step_seconds = _seconds_per_step(clock)
    if step_seconds is None:
        return None
    pending = max(0, clock.planned_evaluations - len(clock.evaluations))
    return max(0, clock.total_steps - clock.step) * step_seconds + pending * _seconds_per_evaluation(clock)


def _seconds_per_evaluation(clock: TimeLeftEstimator) -> float:
    """Seconds of an evaluation, with what is saved after it."""
    last = clock.points[-1]
    if last.evaluations:
        return max(0.0, last.elapsed - last.train_seconds) / last.evaluations
    return _scoring_seconds(clock, clock.rows.get("validation", 0))


def _scoring_seconds(clock: TimeLeftEstimator, rows: int) -> float:
    """Seconds to score ``rows`` rows, from the measured evaluations or, before the first one, from the speed of the steps."""
    measured = [seconds for _, seconds in clock.evaluations if seconds is not None]
    validation = clock.rows.get("validation", 0)
    if measured and validation:
        return sum(measured) / len(measured) * rows / validation
    step_seconds = _seconds_per_step(clock)
    texts = clock.samples_per_second * clock.points[-1].train_seconds if clock.points else 0.0
    return _FORWARD_COST * rows * step_seconds * clock.step / texts if step_seconds and texts else 0.0


def _tail(clock: TimeLeftEstimator) -> dict[str, float]:
    """Seconds of each stage after the last step."""
    rows = clock.rows.get("validation", 0) + clock.rows.get("test", 0)
    return {
        "saving": _SAVING + _SAVING_PER_PARAMETER * clock.parameters,
        "scoring": _scoring_seconds(clock, rows),
        "comparing": 0.0 if clock.has_baseline else _COMPARING,
    }


def _left_of_tail(clock: TimeLeftEstimator, tail: Mapping[str, float]) -> float:
    """Seconds left of a run that is in one of the stages after the last step."""
    # The system clock may be set back.
    elapsed = max(0.0, clock.now - clock.stage_started_at)
    in_stage = tail[clock.stage] - elapsed
    if clock.stage_done:
        in_stage = elapsed / clock.stage_done * (1 - clock.stage_done)
    return max(0.0, in_stage) + sum(tail[stage] for stage in _TAIL[_TAIL.index(clock.stage) + 1 :]) + _CLOSING
