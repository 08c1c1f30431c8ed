"""How long a run will still take: steps, evaluations, and what comes after the last step until the report stands.

Pure: what the events of a run tell. Whether anybody still works at it, and what the clock says now, is not its business.
"""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

Event = Mapping[str, Any]

_EARLY, _SETTLED = 0.05, 0.15
"""Before the one share of the steps the forecast is better, as the first steps find memory and kernels and take several times as long; from the
other on only the steps count. Between the two it passes over from the one to the other, so that nothing jumps."""

_TRUSTED = 0.5
"""Share of a forecast that may pass with the training still at its first steps; then the steps know better."""

_FORWARD = 1 / 3
"""Reading a text costs a third of learning from it."""

_SAVING, _SAVING_A_WEIGHT = 1.0, 2e-8
"""Seconds to save the last state, make the model folder and load it again, and more of them for each parameter; measured."""

_COMPARING = 5.0
"""Seconds of the word-count model where it was left for last: the most that its plan allows."""

_CLOSING = 0.3
"""The card and the seal."""

_LEAST = 1.0
"""Seconds; nothing is over until it is."""

_TAIL = ("saving", "scoring", "comparing")
"""The stages after the last step, in their order."""


@dataclass(frozen=True)
class TimeLeft:
    """Seconds from the last event on: all that is still to come, and how much of it comes after the last step. Both at least 1."""

    seconds: float
    tail: float


@dataclass(frozen=True)
class _Point:
    """What a logged point tells: its step, seconds since the first step, those of training alone, and the evaluations before it."""

    step: int
    elapsed: float
    train_seconds: float
    evaluations: int


@dataclass
class TimeLeftEstimator:
    """What the events so far tell of the time; they are taken one after the other, and are whole (see event_schema.py)."""

    now: float = 0.0
    forecast: float | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    begun: float | None = None
    """When this attempt began to be worked at."""
    stage: str | None = None
    stage_begun: float = 0.0
    done: float | None = None
    total_steps: int = 0
    planned: int = 0
    """Evaluations in all."""
    parameters: int = 0
    samples_per_second: float = 0.0
    points: list[_Point] = field(default_factory=list)
    evaluations: list[tuple[int, float | None]] = field(default_factory=list)
    """Step and seconds of each that was planned."""
    compared: bool = False

    @property
    def step(self) -> int:
        return self.points[-1].step if self.points else 0

    def take(self, event: Event) -> None:
        self.now = event["time"]
        match event["kind"]:
            case "created":
                self.forecast, self.rows = event.get("forecast_seconds"), event.get("rows", {})
            case "queued":
                self.begun = self.stage = None
            case "phase":
                _take_phase(self, event)
            case "started":
                self.total_steps, self.planned = event.get("total_steps", 0), event.get("evaluations", 0)
                self.parameters = event.get("parameters", 0)
            case "resumed":
                self.points = [p for p in self.points if p.step <= event["step"]]
                self.evaluations = [e for e in self.evaluations if e[0] <= event["step"]]
            case "log":
                _take_point(self, event)
            case "eval" if not event.get("extra"):
                self.evaluations.append((event["step"], event.get("seconds")))
            case "baseline":
                self.compared = True

    def left(self) -> TimeLeft | None:
        """What a run that is under way will take from its last event on; None where nothing is known."""
        if self.begun is None:
            return None
        tail = _tail(self)
        if self.stage is not None:
            left = _left_of_tail(self, tail)
            return _told(left, left)
        after, steps = sum(tail.values()) + _CLOSING, _steps_left(self)
        forecast = _left_of_forecast(self, known=steps is not None)
        if steps is None and forecast is None:
            return None
        measured = forecast if steps is None else steps + after
        weight = 0.0 if forecast is None or steps is None else _trust(self)
        seconds = measured if forecast is None else weight * forecast + (1 - weight) * measured
        return _told(seconds, after)


def _told(seconds: float, tail: float) -> TimeLeft | None:
    """A log from elsewhere may hold numbers that lead beyond all numbers."""
    return TimeLeft(max(_LEAST, seconds), max(_LEAST, tail)) if math.isfinite(seconds + tail) else None


def _left_of_forecast(facts: TimeLeftEstimator, *, known: bool) -> float | None:
    """The forecast less what has passed; None where there is none, or where it has proven wrong and the steps are ``known``."""
    if facts.forecast is None or facts.begun is None:
        return None
    passed, most = max(0.0, facts.now - facts.begun), _TRUSTED * facts.forecast
    return None if known and passed >= most else facts.forecast - min(passed, most)


def _trust(facts: TimeLeftEstimator) -> float:
    """In the forecast, 1 at the first steps and 0 from the share on where the steps know better."""
    share = facts.step / max(1, facts.total_steps)
    return min(1.0, max(0.0, (_SETTLED - share) / (_SETTLED - _EARLY)))


def _take_phase(facts: TimeLeftEstimator, event: Event) -> None:
    facts.begun = event["time"] if facts.begun is None else facts.begun
    stage = event.get("stage")
    facts.stage_begun = facts.stage_begun if stage == facts.stage else event["time"]
    facts.stage, facts.done = stage, event.get("done")


def _take_point(facts: TimeLeftEstimator, event: Event) -> None:
    facts.samples_per_second = event.get("samples_per_second", facts.samples_per_second)
    if (elapsed := event.get("elapsed")) is not None:
        facts.points.append(_Point(event["step"], elapsed, event.get("train_seconds", elapsed), len(facts.evaluations)))


def _a_step(facts: TimeLeftEstimator) -> float | None:
    """Seconds of a step of late: the first ones are slow, and those of an encoder that has just begun to learn too are slower than those before."""
    if not facts.step:
        return None
    first, last = facts.points[0], facts.points[-1]
    # Steps only grow; a log from elsewhere, in which they do not, has some point for an answer too.
    half = bisect_right(facts.points, (first.step + last.step) / 2, hi=len(facts.points) - 1, key=lambda p: p.step)
    since = facts.points[half - 1] if half else _Point(0, 0.0, 0.0, 0)
    return max(0.0, last.train_seconds - since.train_seconds) / max(1, last.step - since.step)


def _steps_left(facts: TimeLeftEstimator) -> float | None:
    """Seconds of the steps and the evaluations that are still to come."""
    a_step = _a_step(facts)
    if a_step is None:
        return None
    pending = max(0, facts.planned - len(facts.evaluations))
    return max(0, facts.total_steps - facts.step) * a_step + pending * _evaluation(facts)


def _evaluation(facts: TimeLeftEstimator) -> float:
    """Seconds that an evaluation takes from the training, what is saved after it included."""
    last = facts.points[-1]
    if last.evaluations:
        return max(0.0, last.elapsed - last.train_seconds) / last.evaluations
    return _scoring(facts, facts.rows.get("validation", 0))


def _scoring(facts: TimeLeftEstimator, rows: int) -> float:
    """Seconds to read so many rows: as fast as validation rows were read or, before any were, by the speed of the steps."""
    known = [seconds for _, seconds in facts.evaluations if seconds is not None]
    validation = facts.rows.get("validation", 0)
    if known and validation:
        return fmean(known) * rows / validation
    a_step = _a_step(facts)
    texts = facts.samples_per_second * facts.points[-1].train_seconds if facts.points else 0.0
    return _FORWARD * rows * a_step * facts.step / texts if a_step and texts else 0.0


def _tail(facts: TimeLeftEstimator) -> dict[str, float]:
    """Seconds of each stage after the last step."""
    scored = facts.rows.get("validation", 0) + facts.rows.get("test", 0)
    return {
        "saving": _SAVING + _SAVING_A_WEIGHT * facts.parameters,
        "scoring": _scoring(facts, scored),
        "comparing": 0.0 if facts.compared else _COMPARING,
    }


def _left_of_tail(facts: TimeLeftEstimator, tail: Mapping[str, float]) -> float:
    """Seconds that are still to come of a run that is in one of these stages."""
    # A clock may be set back.
    passed = max(0.0, facts.now - facts.stage_begun)
    here = tail[facts.stage] - passed
    if facts.done:
        here = passed / facts.done * (1 - facts.done)
    return max(0.0, here) + sum(tail[stage] for stage in _TAIL[_TAIL.index(facts.stage) + 1 :]) + _CLOSING
