"""RunView: a run's events folded into what a person asks about it.

Pure: the same events give the same view. Whether the writer lives is handed in, as no event can tell.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from trainer.runs import damage
from trainer.runs.remaining import Clock
from trainer.runs.schema import fits
from trainer.settings import LOCAL_OWNER

Status = Literal["queued", "running", "interrupted", "finished", "stopped", "failed", "cancelled", "damaged"]
"""Of a "damaged" one nobody can tell how it began: it can be looked at as far as it is whole, and deleted."""


@dataclass(frozen=True)
class LogPoint:
    """One logged moment of training: means over the training texts since the point before, answered with dropout while they were learned from."""

    step: int
    loss: float | None
    """Plain cross-entropy in nats, as the validation rows are scored by, whatever was minimised."""
    accuracy: float | None


@dataclass(frozen=True)
class Evaluation:
    """The validation rows scored after a step."""

    step: int
    loss: float | None
    accuracy: float | None
    macro_f1: float | None
    classes: int | None = None
    """Distinct classes among the answers."""
    extra: bool = False
    """Made because of a stop, not planned; gone once the run goes on."""


@dataclass(frozen=True)
class KeptModel:
    """The model that is kept, and the training that it comes from."""

    step: int | None = None
    """The step whose weights it has."""
    evaluation: Evaluation | None = None
    """How these weights scored on the validation rows."""
    device: str = ""
    processes: int = 1
    epochs: int = 0
    batch_size: int = 0
    learning_rate: float | None = None
    parameters: int = 0
    trainable_parameters: int = 0
    samples_per_second: float | None = None

    @property
    def accuracy(self) -> float | None:
        """Of the validation rows; None where nothing was scored."""
        return self.evaluation.accuracy if self.evaluation else None

    @property
    def macro_f1(self) -> float | None:
        """Of the validation rows; None where nothing was scored."""
        return self.evaluation.macro_f1 if self.evaluation else None


@dataclass(frozen=True)
class Scores:
    """Shares in 0..1 on the rows of one split."""

    accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class WordCounts:
    """What a simple model of word counts reached, having learned from so many training rows: what the training has to beat."""

    rows: int
    validation: Scores
    test: Scores

    def to_dict(self) -> dict[str, float]:
        """As programs are told it: the scores are those on the test rows."""
        return {"accuracy": self.test.accuracy, "macro_f1": self.test.macro_f1, "rows": self.rows}


@dataclass(frozen=True)
class Majority:
    """The most frequent class of the training rows, and the share in 0..1 of the validation and the test rows that have it."""

    name: str
    validation_accuracy: float
    test_accuracy: float


@dataclass(frozen=True)
class RecordedFinding:
    """What was odd in the file when the run was started: code, severity ("look", "must_fix"), count, and all that is said of it."""

    code: str
    severity: str
    count: int
    message: str


@dataclass(frozen=True)
class RunView:
    """What is known of one run. Times are seconds, ``created`` is Unix time, rates are texts per second."""

    id: str
    name: str = ""
    owner: str = ""
    created: float = 0.0
    queued: float = 0.0
    """When it was last put into the queue, Unix time."""
    renamed: bool = False
    """A person gave it its name."""
    level: str = ""
    """Of the dial, as it was when it was started ("Quick look", "Balanced", "Best"); empty for settings of one's own."""
    source_name: str = ""
    draft: str = ""
    """The draft it was started from."""
    parent: str = ""
    """The run whose training it goes on with; that one keeps its own model."""
    parent_name: str = ""
    """What that was called at the time."""
    parent_step: int | None = None
    """The last step that was trained there: up to it, points and evaluations are those of the parent."""
    more_epochs: int = 0
    """So many more than its parent had; 0 where it trains what its parent was stopped in."""
    notices: tuple[str, ...] = ()
    """What was said of the split, in sentences."""
    remarks: tuple[str, ...] = ()
    """What is to be said of the training itself, in sentences: that it ended early, and why."""
    repairs: dict[str, int] = field(default_factory=dict)
    """Rows that each repair changed or left out, by its code."""
    findings: tuple[RecordedFinding, ...] = ()
    """What was odd in the file, and left so."""
    encoder: str = ""
    encoder_folder: str = ""
    """Where it lies, if it is a person's own."""
    base_model: str = ""
    """Its repository on the Hugging Face Hub, if it has one."""
    status: Status = "queued"
    before: Status | None = None
    """For one that waits or goes on once more: what it was, and is again should it leave the queue."""
    texts_at_a_time: int | None = None
    """For one that goes on after it ran out of memory: its batches are read in parts of no more texts; the training stays the same."""
    processes: int = 1
    phase: str = ""
    """What is being done now, as a sentence's end: "reading the texts"."""
    phase_done: float | None = None
    """Share of the phase that is done, where the phase is counted."""
    device: str = ""
    epochs: int = 0
    batch_size: int = 0
    learning_rate: float | None = None
    parameters: int = 0
    trainable_parameters: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    """Rows in training, validation and test."""
    step: int = 0
    saved_step: int = 0
    """The run can go on from here, should it be interrupted."""
    total_steps: int = 0
    epoch_steps: tuple[int, ...] = ()
    samples_per_second: float | None = None
    seconds_left: float | None = None
    """From its last event to the report; at least 1 while it is worked at, None where nothing is known."""
    tail_seconds: float | None = None
    """What of them comes after the last step: saving, scoring, comparing."""
    points: tuple[LogPoint, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    best_step: int | None = None
    """Where the weights are from that this training keeps so far; see ``kept`` for those of the model in the folder."""
    baseline: WordCounts | None = None
    """None until it is known, and where it failed, which fails no run; most know it before their first step."""
    majority: Majority | None = None
    """None until it is known."""
    model: KeptModel | None = None
    """The model whose report stands in the folder, be it that of before while the run goes on or after it failed."""
    stop_asked: bool = False
    lacks_end: bool = False
    """Its results are whole, and only the note of its end is missing: it was interrupted between the two, as ``message`` says."""
    message: str = ""
    """Why it failed, in words for people."""
    code: str = ""
    """What kind of failure it was: "disk", "out_of_memory", "loss_not_finite" ..."""
    fewer_texts: int | None = None
    """For one that ran out of memory: so many texts at a time, fewer than those that did not fit, make the same training."""
    ended: float | None = None
    """When it finished, stopped, failed or was cancelled, Unix time; None while it is live and where it was interrupted."""
    seconds: float | None = None
    """From Start to the report."""
    train_seconds: float | None = None
    damage: tuple[str, ...] = ()
    """What of its files is damaged or missing, what still works and what to do, in sentences; empty for a whole run."""

    @property
    def live(self) -> bool:
        """Whether something is still to come without anybody's doing."""
        return self.status in ("queued", "running")

    @property
    def has_model(self) -> bool:
        """Whether a model and its report stand in the folder."""
        return self.model is not None

    @property
    def kept(self) -> KeptModel:
        """While it trains, the best model so far; else that of the folder, and in a run that has none yet the best it came to.

        The points, evaluations and steps of a run are those of its last attempt: where that failed, the model is of the one before.
        """
        if self.status == "running" or self.model is None:
            return _best_so_far(self, self.evaluations)
        return self.model


def _best_so_far(view: RunView, evaluations: Sequence[Evaluation]) -> KeptModel:
    facts = {f.name: getattr(view, f.name) for f in fields(KeptModel) if f.name not in ("step", "evaluation")}
    scored = [e for e in evaluations if e.step == view.best_step]
    return KeptModel(view.best_step, scored[-1] if scored else None, **facts)


_ENDS = {"finished": "finished", "stopped": "stopped", "failed": "failed", "cancelled": "cancelled"}


def fold(run_id: str, events: Iterable[dict[str, Any]], damaged: Sequence[int] = ()) -> RunView:
    """The view that these events give; a run that has begun and not ended is "running" here. Never raises.

    ``damaged`` has, for each damaged line of the log, the number of events before it. An event that is not as its kind must be (see schema.py)
    is passed over and is damage too. Without a whole ``created`` the run belongs to the local owner and is "damaged", as one
    is whose log is that of another run.
    """
    folding = Folding(run_id)
    folding.take(events)
    return folding.view(damaged)


class Folding:
    """A view that grows with its log: after each part of the events it is what ``fold`` gives of all, and no event is looked at twice."""

    def __init__(self, run_id: str) -> None:
        self._view = RunView(id=run_id)
        self._points: list[LogPoint] = []
        self._evaluations: list[Evaluation] = []
        self._moved: dict[str, Any] = {}
        """What logged points change in the view, which is costly to make: one for each row of them."""
        self._clock = Clock()
        self._ends: dict[str, float] = {}
        """When it ended last, by the kind of the end."""
        self._wrong: list[int] = []
        self._count = self._queued_at = 0
        self._created = self._foreign = False

    def take(self, events: Iterable[dict[str, Any]]) -> None:
        """Take the events that come next. Never raises."""
        for event in events:
            at, self._count = self._count, self._count + 1
            if not fits(event):
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
        """The view of all events so far; ``damaged`` as for ``fold``."""
        curves = {"points": tuple(self._points), "evaluations": tuple(self._evaluations)}
        view = replace(self._view, **self._moved, **curves, **self._times())
        if self._foreign:
            # Whether it is to be trained, nobody can tell.
            return replace(view, status="damaged", damage=(damage.log_of_another_run(view.name),))
        wrong = [*damaged, *self._wrong]
        return _with_damage(view, self._created, len(wrong), unsure=any(at >= self._queued_at for at in wrong))

    def with_more(self, events: Iterable[dict[str, Any]]) -> "Folding":
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


def with_life(view: RunView, *, living: bool, stop_asked: bool) -> RunView:
    """The view with what no event tells: a run that began, has not ended and has no living writer is interrupted."""
    if view.status == "damaged" and living:
        view = replace(view, status="running")
    if view.status == "running" and not living:
        view = replace(view, status="interrupted", seconds_left=None, tail_seconds=None)
    if stop_asked and view.seconds_left is not None:
        view = replace(view, seconds_left=view.tail_seconds)
    return replace(view, stop_asked=stop_asked and view.live)


def _ended(view: RunView, event: dict[str, Any], evaluations: Sequence[Evaluation]) -> RunView:
    status = _ENDS[event["kind"]]
    ended = replace(view, status=status, before=None, phase="", phase_done=None)
    if status == "cancelled" and view.before is not None:
        return replace(ended, status=view.before)
    ended = replace(ended, **{"message": "", "code": "", "fewer_texts": None, **_known(event, _END_FIELDS)})
    # Only these two ends put a model into the folder.
    return replace(ended, model=_best_so_far(ended, evaluations)) if status in ("finished", "stopped") else ended


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
    return replace(view, baseline=WordCounts(rows, validation=Scores(*scores[:2]), test=Scores(*scores[2:])))


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
