"""The events of a run, of a job that is no training, and of decisions on labels, each with what it says: the one place that defines them. event_schema.py has their base and the types of their fields.

What they mean for the view of a run is decided in view_builder.py and time_left.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from trainer.check import CheckCounts, CheckResult, Severity
from trainer.runs.event_schema import (
    Count,
    Event,
    Fraction,
    Json,
    Name,
    Number,
    Positive,
    Rate,
    Seconds,
    Step,
    Text,
)


@dataclass(frozen=True)
class RecordedFinding:
    """What is recorded of a finding about the file that was left as it was: code, severity, affected rows, and its sentences."""

    code: Name
    severity: Severity
    count: Count
    message: Text

    @classmethod
    def of(cls, finding: CheckResult) -> Self:
        return cls(**finding.to_dict())


@dataclass(frozen=True)
class RecordedCounts:
    """The outcomes of all checks of the file."""

    passed: Count
    found: Count
    not_applicable: Count

    @classmethod
    def of(cls, counts: CheckCounts) -> Self:
        return cls(counts.passed, counts.found, counts.not_applicable)


class Created(Event, type="created"):
    """The run was created, with these facts about its file, its encoder, the run that it continues and the decisions on labels.

    ``decisions`` counts the labels of training and validation rows that were changed by hand, the rows that were dropped and the texts that were added; and those of
    test rows, which the training did not use. ``class_names`` are the present names of classes that were renamed or merged, ``definitions`` say what labels mean, and ``compared_with`` is
    the run that shows whether the decisions helped. ``labels_way`` and ``labels_between`` say how the file writes the labels of a text that has several (LabelForm), ``labels_cut`` from which score on a text has one, in columns of scores. ``folds``: so many models are tested, each on rows that it has not seen, before one learns from
    all rows."""

    run: Name | None = None
    name: Name
    owner: Name
    encoder: Name | None = None
    encoder_folder: Text | None = None
    base_model: Name | None = None
    draft: Name | None = None
    source_name: Name | None = None
    source_part: Name | None = None
    parent: Name | None = None
    parent_name: Name | None = None
    parent_step: Step | None = None
    more_epochs: Positive | None = None
    rows: Mapping[Literal["train", "validation", "test"], Count] | None = None
    split_notes: tuple[Text, ...] | None = None
    repairs: Mapping[Name, Count] | None = None
    findings: tuple[RecordedFinding, ...] | None = None
    checks: RecordedCounts | None = None
    level: Name | None = None
    task: Name | None = None
    labels_way: Literal["cells", "lists", "columns"] | None = None
    labels_between: Text | None = None
    labels_cut: Number | None = None
    forecast_seconds: Seconds | None = None
    decisions: Mapping[Literal["changed", "dropped", "test_changed", "test_dropped", "added"], Count] | None = None
    class_names: Mapping[Text, Text] | None = None
    definitions: Mapping[Text, Text] | None = None
    compared_with: Name | None = None
    folds: Positive | None = None


class Queued(Event, type="queued"):
    """It waits for its turn; after it ran out of memory, with batches in parts of so many texts."""

    texts_at_a_time: Positive | None = None


class Renamed(Event, type="renamed"):
    """The user gave it a name."""

    name: Name


class LabelsOrdered(Event, type="labels ordered"):
    """The user said whether the labels are steps of a scale, by the numbers in their names."""

    ordered: Literal["yes", "no"]


class Phase(Event, type="phase"):
    """What is done now, as the end of a sentence ("reading the texts"), how much of it is done, and the stage before the first step ("folds") or after
    the last one, if it is one."""

    what: Text
    stage: Literal["folds", "saving", "scoring", "comparing"] | None = None
    done: Fraction | None = None


class Started(Event, type="started"):
    """The training begins, or begins again: on which device, with which plan and size, and which signs it added to the encoder's vocabulary."""

    device: Name | None = None
    processes: Positive | None = None
    epochs: Positive | None = None
    batch_size: Positive | None = None
    learning_rate: Rate | None = None
    total_steps: Step | None = None
    epoch_steps: tuple[Positive, ...] | None = None
    evaluations: Count | None = None
    parameters: Count | None = None
    trainable_parameters: Count | None = None
    added_tokens: tuple[Name, ...] | None = None


class Resumed(Event, type="resumed"):
    """It continues after this step: what was logged beyond it no longer counts."""

    step: Step
    best_step: Step | None = None


class Logged(Event, type="log"):
    """A point of the curves: means over the training texts since the previous one. ``loss`` is the plain cross-entropy in nats, ``train_objective``
    what is minimised, if it differs; ``elapsed`` counts from the first step, ``train_seconds`` without evaluations and saving."""

    step: Step
    epoch: Rate | None = None
    loss: Number | None = None
    train_objective: Number | None = None
    accuracy: Fraction | None = None
    learning_rate: Rate | None = None
    grad_norm: Number | None = None
    elapsed: Seconds | None = None
    train_seconds: Seconds | None = None
    samples_per_second: Rate | None = None


class Evaluated(Event, type="eval"):
    """The validation rows were scored: ``classes`` are the distinct ones among the predictions; ``unplanned`` if a stop was the reason."""

    step: Step
    epoch: Rate | None = None
    loss: Number | None = None
    accuracy: Fraction | None = None
    macro_f1: Fraction | None = None
    classes: Count | None = None
    seconds: Seconds | None = None
    unplanned: Literal[True] | None = None


class BestSaved(Event, type="checkpoint"):
    """The weights of this step are the best so far, and are kept."""

    step: Step
    macro_f1: Fraction | None = None


class StateSaved(Event, type="saved"):
    """A state was saved from which the training can resume."""

    step: Step


class Notice(Event, type="notice"):
    """A sentence about the training for the user."""

    step: Step | None = None
    message: Text


class MajorityScored(Event, type="majority"):
    """The most frequent class of the training rows, and how often it is right on the validation and the test rows."""

    name: Text
    validation_accuracy: Fraction
    accuracy: Fraction


class BaselineScored(Event, type="baseline"):
    """The scores of a word-count model trained on ``rows`` rows, on the test and the validation rows; or why there are none."""

    accuracy: Fraction | None = None
    macro_f1: Fraction | None = None
    validation_accuracy: Fraction | None = None
    validation_macro_f1: Fraction | None = None
    rows: Count | None = None
    seconds: Seconds | None = None
    problem: Text | None = None


class LinearScored(Event, type="linear"):
    """The scores of a linear model on the unchanged encoder, trained on ``rows`` rows, and on the names of the classes or not, on the test and the
    validation rows: fine-tuning may start from it."""

    accuracy: Fraction
    macro_f1: Fraction
    validation_accuracy: Fraction
    validation_macro_f1: Fraction
    rows: Count
    seconds: Seconds
    class_names: Literal[True] | None = None


class Calibrated(Event, type="calibration"):
    """A temperature for the probabilities was fitted on ``rows`` validation rows, and whether the model was given it: only if their mean negative
    log-likelihood in nats, cross-validated, is lower with it than without."""

    temperature: Rate
    kept: Literal[True] | None = None
    nll_before: Number
    nll_after: Number
    rows: Count


class Predicted(Event, type="predicted"):
    """The finished model predicted so many ``rows`` in so many ``seconds``, in batches, and its files take so many ``bytes``."""

    rows: Positive
    seconds: Seconds
    bytes: Count


class End(Event):
    """How an attempt ended. ``seconds`` count from the first work on the run, ``retry_texts_at_a_time`` may fit into memory at a time."""

    message: Text | None = None
    code: Name | None = None
    best_step: Step | None = None
    train_seconds: Seconds | None = None
    samples_per_second: Rate | None = None
    seconds: Seconds | None = None
    retry_texts_at_a_time: Positive | None = None


class Finished(End, type="finished"):
    """It was done to its end; a job that is no training has a result."""

    result: Json | None = None


class Stopped(End, type="stopped"):
    """It was stopped, and its best model so far is kept."""


class Failed(End, type="failed"):
    """It failed; ``message`` and ``code`` say why."""


class Cancelled(End, type="cancelled"):
    """It left the queue, or stopped before its first step; nothing was trained."""


class JobCreated(Event, type="job"):
    """A job that is no training was created, of a type and with what was requested."""

    job: Name
    job_type: Name
    owner: Name
    name: Name
    parameters: Json


class RowDecided(Event, type="label"):
    """What somebody decided about the label of a row, or took back. ``row`` counts the rows of its file from 0, ``before`` and ``after`` are labels."""

    file: Literal["main", "validation", "test"]
    row: Count
    text: Text
    action: Literal["keep", "relabel", "drop", "undo"]
    before: Text
    after: Text
    reason: Text


class ClassRenamed(Event, type="class renamed"):
    """A class got another name; if another class has that name already, the two are one from now on."""

    before: Text
    after: Text


class ClassesNamed(Event, type="classes named"):
    """The classes of the file, called ``before``, are called ``after`` now on the tab Data, in the same order and all at once."""

    before: tuple[Text, ...]
    after: tuple[Text, ...]


class ClassRestored(Event, type="class restored"):
    """A class of the file has the name again that it has there."""

    name: Text


class ClassAdded(Event, type="class added"):
    """A class that no row of the file has can be chosen."""

    name: Text


class LabelDefined(Event, type="definition"):
    """What a label means, in words; an empty text removes the definition."""

    label: Text
    definition: Text


class TextLabelled(Event, type="new text"):
    """A text that is no row of the file got a label, so that trainings learn it too. An empty label takes that back."""

    text: Text
    label: Text


class Progressed(Event, type="progress"):
    """What a job that is no training does now, as the end of a sentence, and how much of it is done."""

    what: Text
    done: Fraction | None = None


EVENT_TYPES: Mapping[str, type[Event]] = Event.types
"""Every event of this module by its name in the log."""


def load_event(values: dict[str, Any]) -> Event | None:
    """The event in a JSON object, which is used up; None if it is none of this module, or not as it is defined. ``dump_event`` is its inverse."""
    event_type = values.pop("type", None)
    event_class = EVENT_TYPES.get(event_type) if type(event_type) is str else None
    return None if event_class is None else event_class.load(values)


@dataclass(frozen=True)
class EventField:
    """One field of an event, for the documentation: which values it may have, in words."""

    event: str
    field: str
    values: str
    required: bool


def describe_events() -> tuple[EventField, ...]:
    """The fields of all events, besides the time that each has. What an event says is the docstring of its class."""
    return tuple(
        EventField(event_type, name, values.words, name in event.required)
        for event_type, event in EVENT_TYPES.items()
        for name, values in event.fields.items()
        if name != "time"
    )
