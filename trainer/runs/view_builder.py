"""Builds the view of a run from its events, one after the other. Never raises, whatever the events contain.

Decides what events mean; view.py has the fields of a view.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import fields, replace
from typing import Any

from trainer.check import CheckCounts, CheckResult
from trainer.runs import damage_messages
from trainer.runs.event_schema import Event
from trainer.runs.event_types import (
    BaselineScored,
    BestSaved,
    Calibrated,
    Cancelled,
    Created,
    End,
    Evaluated,
    Finished,
    LabelsOrdered,
    LinearScored,
    Logged,
    MajorityScored,
    Notice,
    Phase,
    Predicted,
    Queued,
    Renamed,
    Resumed,
    Started,
    StateSaved,
    Stopped,
)
from trainer.runs.time_left import TimeLeftEstimator
from trainer.runs.view import BaselineScores, Evaluation, FittedTemperature, LogPoint, Majority, Metrics, RunView, best_so_far
from trainer.settings import LOCAL_OWNER


def build_view(run_id: str, events: Iterable[Event], damaged: Sequence[int] = ()) -> RunView:
    """The view of a run with these events; one that started and has not ended is "running". Never raises.

    ``damaged`` has, for each damaged line of the log, the number of events before it. A run without a ``Created`` event belongs to the local
    owner and is "damaged"; so is one whose log belongs to another run.
    """
    builder = ViewBuilder(run_id)
    builder.add(events)
    return builder.view(damaged)


class ViewBuilder:
    """Builds a view incrementally: after each part of the events the view equals ``build_view`` of all of them. Each event is processed once."""

    def __init__(self, run_id: str) -> None:
        self._view = RunView(id=run_id)
        self._points: list[LogPoint] = []
        self._evaluations: list[Evaluation] = []
        self._pending: dict[str, Any] = {}
        """Changes of the view by logged points, applied together, since ``replace`` is slow."""
        self._time_left = TimeLeftEstimator()
        self._ends: dict[str, float] = {}
        """The last time of each type of end."""
        self._n_events = self._queued_at = 0
        self._created = self._of_another_run = False

    def add(self, events: Iterable[Event]) -> None:
        """Add the next events. Never raises."""
        for event in events:
            self._n_events += 1
            self._time_left.add(event)
            if type(event) is Logged:
                self._points.append(LogPoint(event.step, event.loss, event.accuracy))
                self._pending["last_logged_step"] = event.step
                if event.samples_per_second is not None:
                    self._pending["samples_per_second"] = event.samples_per_second
                continue
            if self._pending:
                self._view, self._pending = replace(self._view, **self._pending), {}
            self._add_other(event)

    def _add_other(self, event: Event) -> None:
        match event:
            case Created():
                self._created = True
                self._of_another_run = self._of_another_run or event.run not in (None, self._view.id)
            case Queued():
                self._queued_at = self._n_events
            case Evaluated():
                scores = (event.loss, event.accuracy, event.macro_f1, event.classes)
                self._evaluations.append(Evaluation(event.step, *scores, unplanned=event.unplanned is not None))
            case Resumed():
                # After a resume from step k, points and evaluations beyond k no longer count; from the start, none does.
                self._points = [p for p in self._points if p.step <= event.step]
                self._evaluations = [e for e in self._evaluations if e.step <= event.step and event.step and not e.unplanned]
            case End():
                self._ends[event.type] = event.time
                self._view = _ended(self._view, event, self._evaluations)
        change = _CHANGES.get(type(event))
        if change is not None:
            self._view = change(self._view, event)

    def view(self, damaged: Sequence[int] = ()) -> RunView:
        """The view of all events so far; ``damaged`` as in ``build_view``."""
        curves = {"points": tuple(self._points), "evaluations": tuple(self._evaluations)}
        view = replace(self._view, **self._pending, **curves, **self._times())
        if self._of_another_run:
            # Nobody can tell whether it is to be trained.
            return replace(view, status="damaged", damage=(damage_messages.foreign_log_message(view.name),))
        return _with_damage(view, self._created, len(damaged), after_queued=any(position >= self._queued_at for position in damaged))

    def with_events(self, events: Iterable[Event]) -> "ViewBuilder":
        """A copy with these events added."""
        extended = copy(self)
        extended._points, extended._evaluations = [*self._points], [*self._evaluations]
        extended._pending, extended._ends = {**self._pending}, {**self._ends}
        extended._time_left = replace(self._time_left, points=[*self._time_left.points], evaluations=[*self._time_left.evaluations])
        extended.add(events)
        return extended

    def _times(self) -> dict[str, Any]:
        if self._view.status == "running":
            left = self._time_left.estimate()
            return {} if left is None else {"seconds_left": left.seconds, "tail_seconds": left.tail}
        ended_at = self._ends.get(self._view.status)
        return {} if ended_at is None else {"ended_at": ended_at}


def _with_damage(view: RunView, created: bool, damaged_lines: int, *, after_queued: bool) -> RunView:
    """The view with the damage of its log; ``after_queued``: some damaged lines come after it was last queued."""
    if not created:
        view = replace(view, name=view.name or f"damaged run {view.id[:8]}", owner=LOCAL_OWNER, status="damaged")
        return replace(view, damage=(damage_messages.lost_beginning_message(view.name),))
    if not damaged_lines:
        return view
    # It may have started or even ended: only the user can queue it again.
    status = "interrupted" if view.status == "queued" and after_queued else view.status
    return replace(view, status=status, damage=(damage_messages.damaged_lines_message(view.name, damaged_lines),))


def _ended(view: RunView, event: End, evaluations: Sequence[Evaluation]) -> RunView:
    updated = replace(view, status=event.type, previous_status=None, phase="", phase_done=None)
    if type(event) is Cancelled and view.previous_status is not None:
        return replace(updated, status=view.previous_status)
    facts = {"message": "", "code": "", "retry_texts_at_a_time": None, **_facts(event, _END_FIELDS)}
    if event.seconds is not None:
        facts["duration_seconds"] = event.seconds
    updated = replace(updated, **facts)
    # Only these two ends put a model into the folder.
    return replace(updated, model=best_so_far(updated, evaluations)) if isinstance(event, Finished | Stopped) else updated


_VIEW_FIELDS = frozenset(field.name for field in fields(RunView))
_END_FIELDS, _CREATED_FIELDS = (tuple(name for name in event.fields if name in _VIEW_FIELDS) for event in (End, Created))
_START_FIELDS = (
    "device",
    "epochs",
    "batch_size",
    "learning_rate",
    "parameters",
    "trainable_parameters",
    "total_steps",
    "processes",
    "added_tokens",
)


def _facts(event: Event, names: Iterable[str]) -> dict[str, Any]:
    """The fields of these names that the event has."""
    return {name: value for name in names if (value := getattr(event, name)) is not None}


def _created(view: RunView, event: Created) -> RunView:
    checked = {
        "findings": tuple(CheckResult(**vars(finding)) for finding in event.findings or ()),
        "checks": None if event.checks is None else CheckCounts(**vars(event.checks)),
    }
    return replace(view, created=event.time, **(_facts(event, _CREATED_FIELDS) | checked))


def _queued(view: RunView, event: Queued) -> RunView:
    previous = view.previous_status or (view.status if view.queued else None)
    texts = event.texts_at_a_time or view.texts_at_a_time
    return replace(view, status="queued", previous_status=previous, queued=event.time, texts_at_a_time=texts)


def _renamed(view: RunView, event: Renamed) -> RunView:
    return replace(view, name=event.name, renamed=True) if event.name.strip() else view


def _labels_ordered(view: RunView, event: LabelsOrdered) -> RunView:
    return replace(view, ordered=event.ordered == "yes")


def _phase(view: RunView, event: Phase) -> RunView:
    folds_done = event.done if event.stage == "folds" and event.done is not None else view.folds_done
    return replace(view, status="running", phase=event.what, phase_done=event.done, folds_done=folds_done)


def _started(view: RunView, event: Started) -> RunView:
    # Messages of an earlier attempt no longer apply.
    cleared = {"previous_status": None, "training_notes": (), "message": "", "code": ""}
    started = replace(view, status="running", **cleared, epoch_steps=event.epoch_steps or (), **_facts(event, _START_FIELDS))
    return replace(started, training_notes=(started.added_tokens_sentence,)) if started.added_tokens else started


def _resumed(view: RunView, event: Resumed) -> RunView:
    step = event.step
    return replace(view, status="running", last_logged_step=step, saved_step=step, best_step=event.best_step, message="", code="")


def _best_saved(view: RunView, event: BestSaved) -> RunView:
    return replace(view, best_step=event.step)


def _state_saved(view: RunView, event: StateSaved) -> RunView:
    return replace(view, saved_step=event.step)


def _notice(view: RunView, event: Notice) -> RunView:
    return replace(view, training_notes=(*view.training_notes, event.message))


def _baseline(view: RunView, event: BaselineScored) -> RunView:
    values = (event.rows, event.validation_accuracy, event.validation_macro_f1, event.accuracy, event.macro_f1)
    # A failed baseline has none of them, but a problem.
    if None in values:
        return view
    rows, *scores = values
    return replace(view, baseline=BaselineScores(rows, validation=Metrics(*scores[:2]), test=Metrics(*scores[2:])))


def _calibrated(view: RunView, event: Calibrated) -> RunView:
    fitted = FittedTemperature(event.temperature, event.kept is True, event.nll_before, event.nll_after, event.rows)
    return replace(view, calibration=fitted)


def _predicted(view: RunView, event: Predicted) -> RunView:
    return replace(view, predict_milliseconds=1000 * event.seconds / event.rows, model_megabytes=event.bytes / 1e6)


def _linear(view: RunView, event: LinearScored) -> RunView:
    validation, test = Metrics(event.validation_accuracy, event.validation_macro_f1), Metrics(event.accuracy, event.macro_f1)
    linear = BaselineScores(event.rows, validation, test)
    return replace(view, linear=linear, linear_seconds=event.seconds, linear_learned_names=event.class_names is True)


def _majority(view: RunView, event: MajorityScored) -> RunView:
    return replace(view, majority=Majority(event.name, event.validation_accuracy, event.accuracy))


_CHANGES: Mapping[type[Event], Callable[[RunView, Any], RunView]] = {
    Created: _created,
    Queued: _queued,
    Renamed: _renamed,
    LabelsOrdered: _labels_ordered,
    Phase: _phase,
    Started: _started,
    Resumed: _resumed,
    BestSaved: _best_saved,
    StateSaved: _state_saved,
    Notice: _notice,
    MajorityScored: _majority,
    BaselineScored: _baseline,
    LinearScored: _linear,
    Calibrated: _calibrated,
    Predicted: _predicted,
}
"""How an event changes the view. One that is not here changes nothing that the page shows."""
