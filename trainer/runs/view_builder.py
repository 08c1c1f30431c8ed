"""Builds the view of a run from its events, one after the other. Never raises, whatever the events contain.

Decides what events mean; view.py has the fields of a view.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from trainer.runs import damage_messages
from trainer.runs.event_schema import is_valid_event
from trainer.runs.time_left import TimeLeftEstimator
from trainer.runs.view import BaselineScores, Evaluation, LogPoint, Majority, Metrics, RecordedFinding, RunView, best_so_far
from trainer.settings import LOCAL_OWNER

_ENDS = {"finished": "finished", "stopped": "stopped", "failed": "failed", "cancelled": "cancelled"}


def build_view(run_id: str, events: Iterable[dict[str, Any]], damaged: Sequence[int] = ()) -> RunView:
    """The view of a run with these events; one that started and has not ended is "running". Never raises.

    ``damaged`` has, for each damaged line of the log, the number of events before it. Events that do not match their schema
    (event_schema.py) are skipped and count as damage. A run without a valid ``created`` event belongs to the local owner and is
    "damaged"; so is one whose log belongs to another run.
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
        self._invalid: list[int] = []
        """For each invalid event, the number of events before it."""
        self._n_events = self._queued_at = 0
        self._created = self._of_another_run = False

    def add(self, events: Iterable[dict[str, Any]]) -> None:
        """Add the next events. Never raises."""
        for event in events:
            position, self._n_events = self._n_events, self._n_events + 1
            if not is_valid_event(event):
                self._invalid.append(position)
                continue
            self._time_left.add(event)
            event_type = event["type"]
            if event_type == "log":
                self._points.append(LogPoint(event["step"], event.get("loss"), event.get("accuracy")))
                self._pending |= _log(event)
                continue
            if self._pending:
                self._view, self._pending = replace(self._view, **self._pending), {}
            self._add_other(event_type, event)
            self._created = self._created or event_type == "created"
            self._of_another_run = self._of_another_run or event.get("run", self._view.id) != self._view.id
            self._queued_at = position + 1 if event_type == "queued" else self._queued_at

    def _add_other(self, event_type: str, event: dict[str, Any]) -> None:
        if event_type == "eval":
            self._evaluations.append(_evaluation(event))
        elif event_type == "resumed":
            # After a resume from step k, points and evaluations beyond k no longer count.
            self._points = [p for p in self._points if p.step <= event["step"]]
            self._evaluations = [e for e in self._evaluations if e.step <= event["step"] and not e.unplanned]
            self._view = _resumed(self._view, event)
        elif event_type in _ENDS:
            self._ends[event_type] = event["time"]
            self._view = _ended(self._view, event, self._evaluations)
        else:
            self._view = _HANDLERS[event_type](self._view, event)

    def view(self, damaged: Sequence[int] = ()) -> RunView:
        """The view of all events so far; ``damaged`` as in ``build_view``."""
        curves = {"points": tuple(self._points), "evaluations": tuple(self._evaluations)}
        view = replace(self._view, **self._pending, **curves, **self._times())
        if self._of_another_run:
            # Nobody can tell whether it is to be trained.
            return replace(view, status="damaged", damage=(damage_messages.log_of_another_run(view.name),))
        invalid = [*damaged, *self._invalid]
        return _with_damage(view, self._created, len(invalid), after_queued=any(position >= self._queued_at for position in invalid))

    def with_events(self, events: Iterable[dict[str, Any]]) -> "ViewBuilder":
        """A copy with these events added."""
        extended = copy(self)
        extended._points, extended._evaluations, extended._invalid = [*self._points], [*self._evaluations], [*self._invalid]
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
        return replace(view, damage=(damage_messages.log_lost_its_beginning(view.name),))
    if not damaged_lines:
        return view
    # It may have started or even ended: only the user can queue it again.
    status = "interrupted" if view.status == "queued" and after_queued else view.status
    return replace(view, status=status, damage=(damage_messages.log_lines(view.name, damaged_lines),))


def _evaluation(event: dict[str, Any]) -> Evaluation:
    scores = (event.get(name) for name in ("loss", "accuracy", "macro_f1", "classes"))
    return Evaluation(event["step"], *scores, unplanned=bool(event.get("unplanned")))


def _ended(view: RunView, event: dict[str, Any], evaluations: Sequence[Evaluation]) -> RunView:
    status = _ENDS[event["type"]]
    updated = replace(view, status=status, previous_status=None, phase="", phase_done=None)
    if status == "cancelled" and view.previous_status is not None:
        return replace(updated, status=view.previous_status)
    facts = {"message": "", "code": "", "retry_texts_at_a_time": None, **_present(event, _END_FIELDS)}
    if "seconds" in event:
        facts["duration_seconds"] = event["seconds"]
    updated = replace(updated, **facts)
    # Only these two ends put a model into the folder.
    return replace(updated, model=best_so_far(updated, evaluations)) if status in ("finished", "stopped") else updated


_END_FIELDS = ("message", "code", "train_seconds", "samples_per_second", "best_step", "retry_texts_at_a_time")
_CREATED_FIELDS = (
    *("name", "owner", "source_name", "encoder", "encoder_folder", "base_model", "rows", "draft", "repairs", "level", "task"),
    *("parent", "parent_name", "parent_step", "more_epochs"),
)
_START_FIELDS = ("device", "epochs", "batch_size", "learning_rate", "parameters", "trainable_parameters", "total_steps", "processes")


def _present(event: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: event[name] for name in names if name in event}


def _created(view: RunView, event: dict[str, Any]) -> RunView:
    facts = _present(event, _CREATED_FIELDS)
    findings = tuple(RecordedFinding(**finding) for finding in event.get("findings", ()))
    return replace(view, created=event["time"], split_notes=tuple(event.get("split_notes", ())), findings=findings, **facts)


def _queued(view: RunView, event: dict[str, Any]) -> RunView:
    previous = view.previous_status or (view.status if view.queued else None)
    texts = event.get("texts_at_a_time", view.texts_at_a_time)
    return replace(view, status="queued", previous_status=previous, queued=event["time"], texts_at_a_time=texts)


def _renamed(view: RunView, event: dict[str, Any]) -> RunView:
    return replace(view, name=event["name"], renamed=True) if event["name"].strip() else view


def _phase(view: RunView, event: dict[str, Any]) -> RunView:
    return replace(view, status="running", phase=event.get("what", ""), phase_done=event.get("done"))


def _started(view: RunView, event: dict[str, Any]) -> RunView:
    # Messages of an earlier attempt no longer apply.
    cleared = {"previous_status": None, "training_notes": (), "message": "", "code": ""}
    epoch_steps = tuple(event.get("epoch_steps", ()))
    return replace(view, status="running", **cleared, epoch_steps=epoch_steps, **_present(event, _START_FIELDS))


def _resumed(view: RunView, event: dict[str, Any]) -> RunView:
    step = event["step"]
    return replace(view, status="running", last_logged_step=step, saved_step=step, best_step=event.get("best_step"), message="", code="")


def _log(event: dict[str, Any]) -> dict[str, Any]:
    return {"last_logged_step": event["step"], **_present(event, ("samples_per_second",))}


def _checkpoint(view: RunView, event: dict[str, Any]) -> RunView:
    return replace(view, best_step=event["step"])


def _saved(view: RunView, event: dict[str, Any]) -> RunView:
    return replace(view, saved_step=event["step"])


def _notice(view: RunView, event: dict[str, Any]) -> RunView:
    return replace(view, training_notes=(*view.training_notes, event["message"]))


def _baseline(view: RunView, event: dict[str, Any]) -> RunView:
    values = tuple(map(event.get, ("rows", "validation_accuracy", "validation_macro_f1", "accuracy", "macro_f1")))
    # A failed baseline has none of them, but a problem.
    if None in values:
        return view
    rows, *scores = values
    return replace(view, baseline=BaselineScores(rows, validation=Metrics(*scores[:2]), test=Metrics(*scores[2:])))


def _majority(view: RunView, event: dict[str, Any]) -> RunView:
    return replace(view, majority=Majority(event["name"], event["validation_accuracy"], event["accuracy"]))


_HANDLERS = {
    "created": _created,
    "queued": _queued,
    "renamed": _renamed,
    "phase": _phase,
    "started": _started,
    "checkpoint": _checkpoint,
    "saved": _saved,
    "notice": _notice,
    "majority": _majority,
    "baseline": _baseline,
}
