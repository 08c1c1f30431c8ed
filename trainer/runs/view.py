"""RunView: the state of a run, built from its events by view_builder.py.

Plain values. Whether somebody writes the run now is passed in, since no event can tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Literal

from trainer.check import CheckCounts, CheckResult
from trainer.text_format import with_part

_SHOWN_TOKENS = 12

Status = Literal["queued", "running", "interrupted", "finished", "stopped", "failed", "cancelled", "damaged"]
"""A "damaged" run has lost the beginning of its log: what is intact can be viewed, and the run can be deleted."""


@dataclass(frozen=True)
class LogPoint:
    """One logged step: means over the training texts since the previous point, predicted with dropout during training."""

    step: int
    loss: float | None
    """Plain cross-entropy in nats, like the validation loss, whatever the training objective is."""
    accuracy: float | None


@dataclass(frozen=True)
class Evaluation:
    """The validation rows scored after a step."""

    step: int
    loss: float | None
    accuracy: float | None
    macro_f1: float | None
    classes: int | None = None
    """Distinct classes among the predictions."""
    unplanned: bool = False
    """Made because of a stop; dropped when the run resumes."""


@dataclass(frozen=True)
class KeptModel:
    """The model that is kept, and the training that produced it."""

    step: int | None = None
    """The step of its weights."""
    evaluation: Evaluation | None = None
    """The score of these weights on the validation rows."""
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
        """On the validation rows; None if they were not scored."""
        return self.evaluation.accuracy if self.evaluation else None

    @property
    def macro_f1(self) -> float | None:
        """On the validation rows; None if they were not scored."""
        return self.evaluation.macro_f1 if self.evaluation else None


@dataclass(frozen=True)
class Metrics:
    """Accuracy and macro F1 in 0..1 on the rows of one split."""

    accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class BaselineScores:
    """The scores of a simple model trained on ``rows`` training rows: what the training has to beat."""

    rows: int
    validation: Metrics
    test: Metrics

    def to_dict(self) -> dict[str, float]:
        """As JSON, with the scores on the test rows."""
        return {"accuracy": self.test.accuracy, "macro_f1": self.test.macro_f1, "rows": self.rows}


@dataclass(frozen=True)
class FittedTemperature:
    """A temperature for the probabilities, and the mean negative log-likelihood in nats of ``rows`` validation rows without it and with it.

    The model was given it only if ``kept``."""

    temperature: float
    kept: bool
    nll_before: float
    nll_after: float
    rows: int


@dataclass(frozen=True)
class Majority:
    """The most frequent class of the training rows, and its accuracy in 0..1 on the validation and the test rows."""

    name: str
    validation_accuracy: float
    test_accuracy: float


@dataclass(frozen=True)
class RunView:
    """The state of one run. Times are seconds, ``created`` is Unix time, rates are texts per second."""

    id: str
    name: str = ""
    owner: str = ""
    created: float = 0.0
    queued: float = 0.0
    """When it was last queued, Unix time."""
    renamed: bool = False
    """Whether the user named it."""
    level: str = ""
    """The level of its recipe ("Quick look", "Balanced", "Best"); empty for custom settings."""
    source_name: str = ""
    source_part: str = ""
    """The sheet, the file of a zip or the list of a JSON file that was read, if the file holds several."""
    task: str = ""
    """The key of its task (data/task.py); empty for one label a text in runs that name none."""
    labels_way: str = ""
    labels_between: str = ""
    """How its file writes the labels of a text that has several: see LabelForm (data/columns/label_form.py)."""
    labels_cut: float | None = None
    """The score from which on a text of its file has a label; None if labels are not read from scores."""
    draft: str = ""
    """The draft it was started from."""
    parent: str = ""
    """The run whose training it continues; that one keeps its own model."""
    parent_name: str = ""
    """The parent's name when this run was created."""
    parent_step: int | None = None
    """The last step trained in the parent: points and evaluations up to it are the parent's."""
    more_epochs: int = 0
    """Epochs added to those of its parent; 0 if it completes a stopped training."""
    split_notes: tuple[str, ...] = ()
    """Sentences about the split."""
    training_notes: tuple[str, ...] = ()
    """Sentences about the training: that it ended early, and why."""
    repairs: dict[str, int] = field(default_factory=dict)
    """Rows that each repair changed or removed, by its code."""
    findings: tuple[CheckResult, ...] = ()
    """What was found in the file and left as it was, each with code, severity, count and its sentences as the message."""
    checks: CheckCounts | None = None
    """The outcomes of all checks of the file; None if they are not known."""
    decisions: dict[str, int] = field(default_factory=dict)
    """Labels that were "changed" by hand in the rows that it learns from, and rows that were "dropped"; "test_changed" and "test_dropped" are those
    of test rows, which it does not use. Empty if no decision changed anything."""
    class_names: dict[str, str] = field(default_factory=dict)
    """The names in this run of classes that have another name in its file."""
    definitions: dict[str, str] = field(default_factory=dict)
    """What labels mean."""
    ordered: bool | None = None
    """Whether the user said that the labels are steps of a scale; None if their names alone tell."""
    compared_with: str = ""
    """The run that shows whether the decisions helped."""
    folds: int = 0
    """So many models are tested on parts of the rows, before one learns from all of them; 0 if some rows are kept aside for a test."""
    folds_done: float = 0.0
    """The fraction of their trainings that is done."""
    encoder: str = ""
    encoder_folder: str = ""
    """The folder of a local encoder."""
    base_model: str = ""
    """The encoder's repository on the Hugging Face Hub, if it has one."""
    status: Status = "queued"
    previous_status: Status | None = None
    """The status before it was queued again; it returns to this one if it leaves the queue."""
    texts_at_a_time: int | None = None
    """Set when a run resumes after running out of memory: batches are split into parts of this size; the training stays the same."""
    processes: int = 1
    phase: str = ""
    """The current phase, as the end of a sentence: "reading the texts"."""
    phase_done: float | None = None
    """Fraction of the phase that is done, if it is counted."""
    device: str = ""
    epochs: int = 0
    batch_size: int = 0
    learning_rate: float | None = None
    parameters: int = 0
    trainable_parameters: int = 0
    added_tokens: tuple[str, ...] = ()
    """Emoji and other signs that the encoder could not read, and that the training added to its vocabulary."""
    rows: dict[str, int] = field(default_factory=dict)
    """Number of training, validation and test rows."""
    last_logged_step: int = 0
    saved_step: int = 0
    """The step of the newest saved state, from which it can resume."""
    total_steps: int = 0
    epoch_steps: tuple[int, ...] = ()
    """The last step of each epoch."""
    samples_per_second: float | None = None
    seconds_left: float | None = None
    """From its last event to the report; at least 1 while it runs, None if unknown."""
    tail_seconds: float | None = None
    """The part of ``seconds_left`` after the last step: saving, scoring, comparing."""
    points: tuple[LogPoint, ...] = ()
    evaluations: tuple[Evaluation, ...] = ()
    best_step: int | None = None
    """The step of the best weights of this training so far; see ``kept`` for the model in the folder."""
    baseline: BaselineScores | None = None
    """None until it is known, or if it failed, which fails no run. Usually known before the first step."""
    linear: BaselineScores | None = None
    """A linear model on the unchanged encoder, from which fine-tuning may start; None until it is known, or if none was tried."""
    linear_seconds: float | None = None
    """The time that it took."""
    linear_learned_names: bool = False
    """Whether it learned from the names of the classes too."""
    majority: Majority | None = None
    """None until it is known."""
    predict_milliseconds: float | None = None
    """That the finished model takes for a text, in batches; None until it is known, or for runs of before."""
    model_megabytes: float | None = None
    """Of the model's files."""
    calibration: FittedTemperature | None = None
    """None until it is known, or if there are too few validation rows."""
    model: KeptModel | None = None
    """The model in the folder that has a report, possibly from before the run was resumed."""
    stop_requested: bool = False
    lacks_end: bool = False
    """Interrupted after its results were sealed and before its end was logged; ``message`` says so."""
    message: str = ""
    """Why it failed, for the user."""
    code: str = ""
    """The kind of failure: "disk", "out_of_memory", "loss_not_finite" ..."""
    retry_texts_at_a_time: int | None = None
    """After running out of memory: the largest ``texts_at_a_time`` that may fit."""
    ended_at: float | None = None
    """When it finished, stopped, failed or was cancelled, Unix time; None while it is live or if it was interrupted."""
    duration_seconds: float | None = None
    """From the first work on it to its end, without waiting in the queue; includes the earlier attempts of a resumed run."""
    train_seconds: float | None = None
    damage: tuple[str, ...] = ()
    """Sentences about damaged or missing files: which, what still works, what to do; empty for an intact run."""

    @property
    def source_title(self) -> str:
        """Its file, with the part of it that was read."""
        return with_part(self.source_name, self.source_part)

    @property
    def added_tokens_sentence(self) -> str:
        """How many signs were added to the encoder's vocabulary, with some of them; "" if none were."""
        if not self.added_tokens:
            return ""
        shown = " ".join(self.added_tokens[:_SHOWN_TOKENS])
        if len(self.added_tokens) == 1:
            return f"The encoder could not read the sign {shown}, which is now a token of its vocabulary."
        which = "such as" if len(self.added_tokens) > _SHOWN_TOKENS else "namely"
        return f"The encoder could not read {len(self.added_tokens):,} signs, {which} {shown}, which are now tokens of its vocabulary."

    @property
    def temperature(self) -> float | None:
        """What the logits of its model were divided by; None if by nothing."""
        return self.calibration.temperature if self.calibration and self.calibration.kept else None

    @property
    def progress(self) -> float:
        """The fraction of all steps that is done, of the models of folds and of its own."""
        own = self.last_logged_step / self.total_steps if self.total_steps else 0.0
        return (self.folds * self.folds_done + own) / (self.folds + 1)

    @property
    def live(self) -> bool:
        """Whether it is queued or running."""
        return self.status in ("queued", "running")

    @property
    def has_model(self) -> bool:
        """Whether the folder has a model with its report."""
        return self.model is not None

    @property
    def compared_linear(self) -> BaselineScores | None:
        """The linear model that the kept model is compared with; None if none was tried, or if it is the model that was kept."""
        return None if self.kept.step == 0 else self.linear

    @property
    def kept(self) -> KeptModel:
        """The best model so far while it trains; otherwise the model in the folder or, if there is none, the best of the last attempt.

        Points, evaluations and steps are always those of the last attempt. If that failed, the model is from the previous one.
        """
        if self.status == "running" or self.model is None:
            return best_so_far(self, self.evaluations)
        return self.model


def best_so_far(view: RunView, evaluations: Sequence[Evaluation]) -> KeptModel:
    """The best model of a training so far."""
    facts = {f.name: getattr(view, f.name) for f in fields(KeptModel) if f.name not in ("step", "evaluation")}
    scored = [e for e in evaluations if e.step == view.best_step]
    return KeptModel(view.best_step, scored[-1] if scored else None, **facts)


def with_liveness(view: RunView, *, is_alive: bool, stop_requested: bool) -> RunView:
    """The view with what no event tells: a run that started, has not ended and has no living writer is interrupted."""
    if view.status == "damaged" and is_alive:
        view = replace(view, status="running")
    if view.status == "running" and not is_alive:
        view = replace(view, status="interrupted", seconds_left=None, tail_seconds=None)
    if stop_requested and view.seconds_left is not None:
        view = replace(view, seconds_left=view.tail_seconds)
    return replace(view, stop_requested=stop_requested and view.live)
