"""RunView: what a person asks about a run; see folding.py for how its events give that.

Plain values. Whether the writer lives is handed in, as no event can tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Literal

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
class Metrics:
    """Accuracy and macro F1 in 0..1 on the rows of one split."""

    accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class BaselineScores:
    """What a simple model of word counts reached, having learned from so many training rows: what the training has to beat."""

    rows: int
    validation: Metrics
    test: Metrics

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
    """What was odd in the file when the run was started: code, severity ("warning", "error"), count, and all that is said of it."""

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
    baseline: BaselineScores | None = None
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
            return best_so_far(self, self.evaluations)
        return self.model


def best_so_far(view: RunView, evaluations: Sequence[Evaluation]) -> KeptModel:
    """The model whose weights a training keeps so far."""
    facts = {f.name: getattr(view, f.name) for f in fields(KeptModel) if f.name not in ("step", "evaluation")}
    scored = [e for e in evaluations if e.step == view.best_step]
    return KeptModel(view.best_step, scored[-1] if scored else None, **facts)


def with_liveness(view: RunView, *, living: bool, stop_asked: bool) -> RunView:
    """The view with what no event tells: a run that began, has not ended and has no living writer is interrupted."""
    if view.status == "damaged" and living:
        view = replace(view, status="running")
    if view.status == "running" and not living:
        view = replace(view, status="interrupted", seconds_left=None, tail_seconds=None)
    if stop_asked and view.seconds_left is not None:
        view = replace(view, seconds_left=view.tail_seconds)
    return replace(view, stop_asked=stop_asked and view.live)
