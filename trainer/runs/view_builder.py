"""Folding: a run's events, one after the other, into its view. Never raises, whatever stands in them.

What the events mean is decided here; what a view holds is ``view``'s business.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from trainer.runs import damage
from trainer.runs.event_schema import is_valid_event
from trainer.runs.time_left import TimeLeftEstimator
from trainer.runs.view import BaselineScores, Evaluation, LogPoint, Majority, Metrics, RecordedFinding, RunView, best_so_far
from trainer.settings import LOCAL_OWNER

_ENDS = {"finished": "finished", "stopped": "stopped", "failed": "failed", "cancelled": "cancelled"}


def build_view(run_id: str, events: Iterable[dict[str, Any]], damaged: Sequence[int] = ()) -> RunView:
    """The view that these events give; a run that has begun and not ended is "running" here. Never raises.

    ``damaged`` has, for each damaged line of the log, the number of events before it. An event that is not as its kind must be (see event_schema.py)
    is passed over and is damage too. Without a whole ``created`` the run belongs to the local owner and is "damaged", as one
    is whose log is that of another run.
    """
    folding = ViewBuilder(run_id)
    folding.take(events)
    return folding.view(damaged)


class ViewBuilder:
    """A view that grows with its log: after each part of the events it is what ``build_view`` gives of all, and no event is looked at twice."""

    def __init__(self, run_id: str) -> None:
        self._view = RunView(id=run_id)
        self._points: list[LogPoint] = []
        self._evaluations: list[Evaluation] = []
        self._moved: dict[str, Any] = {}
        """What logged points change in the view, which is costly to make: one for each row of them."""
        self._clock = TimeLeftEstimator()
        self._ends: dict[str, float] = {}
        """When it ended last, by the kind of the end."""
        self._wrong: list[int] = []
        self._count = self._queued_at = 0
        self._created = self._foreign = False

    def take(self, events: Iterable[dict[str, Any]]) -> None:
        """Take the events that come next. Never raises."""
        for event in events:
            at, self._count = self._count, self._count + 1
            if not is_valid_event(event):
                self._wrong.append(at)
                continue
            self._clock.take(event)
            kind = event["kind"]
            if kind == "log":
                self._points.append(LogPoint(event["step"], event.get("loss"), event.get("accuracy")))
                self._moved |= _log(event)
                continue
            if self._moved:
                self._view, self._moved = replace(self._view, **self._moved), {}
            self._take_step(kind, event)
            self._created = self._created or kind == "created"
            self._foreign = self._foreign or event.get("run", self._view.id) != self._view.id
            self._queued_at = at + 1 if kind == "queued" else self._queued_at

    def _take_step(self, kind: str, event: dict[str, Any]) -> None:
        if kind == "eval":
            self._evaluations.append(_evaluation(event))
        elif kind == "resumed":
            # After a resume from step k, what was seen beyond k did not happen.
            self._points = [p for p in self._points if p.step <= event["step"]]
            self._evaluations = [e for e in self._evaluations if e.step <= event["step"] and not e.extra]
            self._view = _resumed(self._view, event)
        elif kind in _ENDS:
            self._ends[kind] = event["time"]
            self._view = _ended(self._view, event, self._evaluations)
        else:
            self._view = _STEPS[kind](self._view, event)

    def view(self, damaged: Sequence[int] = ()) -> RunView:
        """The view of all events so far; ``damaged`` as for ``build_view``."""
        curves = {"points": tuple(self._points), "evaluations": tuple(self._evaluations)}
        view = replace(self._view, **self._moved, **curves, **self._times())
        if self._foreign:
            # Whether it is to be trained, nobody can tell.
            return replace(view, status="damaged", damage=(damage.log_of_another_run(view.name),))
        wrong = [*damaged, *self._wrong]
        return _with_damage(view, self._created, len(wrong), unsure=any(at >= self._queued_at for at in wrong))

    def with_more(self, events: Iterable[dict[str, Any]]) -> "ViewBuilder":
        """What it is with these events, which it does not keep itself."""
        more = copy(self)
        more._points, more._evaluations, more._wrong = [*self._points], [*self._evaluations], [*self._wrong]
        more._moved, more._ends = {**self._moved}, {**self._ends}
        more._clock = replace(self._clock, points=[*self._clock.points], evaluations=[*self._clock.evaluations])
        more.take(events)
        return more

    def _times(self) -> dict[str, Any]:
        """What is left to do, or when it was done."""
        if self._view.status == "running":
            left = self._clock.left()
            return {} if left is None else {"seconds_left": left.seconds, "tail_seconds": left.tail}
        ended = self._ends.get(self._view.status)
        return {} if ended is None else {"ended": ended}


def _with_damage(view: RunView, created: bool, lines: int, *, unsure: bool) -> RunView:
    """The view with what damaged lines of the log leave unknown; ``unsure``: some stand after it was last put into the queue."""
    if not created:
        view = replace(view, name=view.name or f"damaged run {view.id[:8]}", owner=LOCAL_OWNER, status="damaged")
        return replace(view, damage=(damage.log_lost_its_beginning(view.name),))
    if not lines:
        return view
    # It may have begun, or even ended: only a person can put it into the queue once more.
    status = "interrupted" if view.status == "queued" and unsure else view.status
    return replace(view, status=status, damage=(damage.log_lines(view.name, lines),))


def _evaluation(event: dict[str, Any]) -> Evaluation:
    scores = (event.get(name) for name in ("loss", "accuracy", "macro_f1", "classes"))
    return Evaluation(event["step"], *scores, extra=bool(event.get("extra")))


def _ended(view: RunView, event: dict[str, Any], evaluations: Sequence[Evaluation]) -> RunView:
    status = _ENDS[event["kind"]]
    ended = replace(view, status=status, before=None, phase="", phase_done=None)
    if status == "cancelled" and view.before is not None:
        return replace(ended, status=view.before)
    ended = replace(ended, **{"message": "", "code": "", "fewer_texts": None, **_known(event, _END_FIELDS)})
    # Only these two ends put a model into the folder.
    return replace(ended, model=best_so_far(ended, evaluations)) if status in ("finished", "stopped") else ended


_END_FIELDS = ("message", "code", "seconds", "train_seconds", "samples_per_second", "best_step", "fewer_texts")
_CREATED_FIELDS = (
    *("name", "owner", "source_name", "encoder", "encoder_folder", "base_model", "rows", "draft", "repairs", "level"),
    *("parent", "parent_name", "parent_step", "more_epochs"),
)
_START_FIELDS = ("device", "epochs", "batch_size", "learning_rate", "parameters", "trainable_parameters", "total_steps", "processes")


def _known(event: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: event[name] for name in names if name in event}


def _created(view: RunView, event: dict[str, Any]) -> RunView:
    facts = _known(event, _CREATED_FIELDS)
    findings = tuple(RecordedFinding(**finding) for finding in event.get("findings", ()))
    return replace(view, created=event["time"], notices=tuple(event.get("notices", ())), findings=findings, **facts)


def _queued(view: RunView, event: dict[str, Any]) -> RunView:
    before = view.before or (view.status if view.queued else None)
    texts = event.get("texts_at_a_time", view.texts_at_a_time)
    return replace(view, status="queued", before=before, queued=event["time"], texts_at_a_time=texts)


def _renamed(view: RunView, event: dict[str, Any]) -> RunView:
    return replace(view, name=event["name"], renamed=True) if event["name"].strip() else view


def _phase(view: RunView, event: dict[str, Any]) -> RunView:
    return replace(view, status="running", phase=event.get("what", ""), phase_done=event.get("done"))


def _started(view: RunView, event: dict[str, Any]) -> RunView:
    # What was said of an attempt before is no longer true of this one.
    fresh = {"before": None, "remarks": (), "message": "", "code": ""}
    return replace(view, status="running", **fresh, epoch_steps=tuple(event.get("epoch_steps", ())), **_known(event, _START_FIELDS))


def _resumed(view: RunView, event: dict[str, Any]) -> RunView:
    step = event["step"]
    return replace(view, status="running", step=step, saved_step=step, best_step=event.get("best_step"), message="", code="")


def _log(event: dict[str, Any]) -> dict[str, Any]:
    """What a logged point changes in the view."""
    return {"step": event["step"], **_known(event, ("samples_per_second",))}


def _checkpoint(view: RunView, event: dict[str, Any]) -> RunView:
    return replace(view, best_step=event["step"])


def _saved(view: RunView, event: dict[str, Any]) -> RunView:
    return replace(view, saved_step=event["step"])


def _notice(view: RunView, event: dict[str, Any]) -> RunView:
    return replace(view, remarks=(*view.remarks, event["message"]))


def _baseline(view: RunView, event: dict[str, Any]) -> RunView:
    found = tuple(map(event.get, ("rows", "validation_accuracy", "validation_macro_f1", "accuracy", "macro_f1")))
    # One that failed has none of them, but its problem.
    if None in found:
        return view
    rows, *scores = found
    return replace(view, baseline=BaselineScores(rows, validation=Metrics(*scores[:2]), test=Metrics(*scores[2:])))


def _majority(view: RunView, event: dict[str, Any]) -> RunView:
    return replace(view, majority=Majority(event["name"], event["validation_accuracy"], event["accuracy"]))


_STEPS = {
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
