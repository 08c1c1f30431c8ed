"""A child run continues the training of a finished run from its last state. The parent does not change."""

from collections.abc import Iterator
from pathlib import Path

from trainer.atomic import link_file
from trainer.runs import integrity
from trainer.runs.checkpoints import Checkpoint, Checkpoints
from trainer.runs.event_schema import Event
from trainer.runs.event_types import (
    BaselineScored,
    BestSaved,
    Created,
    Evaluated,
    LinearScored,
    Logged,
    MajorityScored,
    RecordedCounts,
    RecordedFinding,
    Resumed,
    Started,
    StateSaved,
)
from trainer.runs.run import Run
from trainer.runs.view import RunView

_INHERITED = (Started, Resumed, Logged, Evaluated, BestSaved, StateSaved, MajorityScored, BaselineScored, LinearScored)
"""The events that the child inherits: its curves begin with those of its parent."""


def copy_parent_files(folder: Path, run_id: str, parent: Run, last: Checkpoint) -> None:
    """Put the parent's uploaded files, its rows and its ``last`` state into the child's folder, as hard links if possible. Raises OSError.

    Links are safe because files of a run are replaced, never written in place.
    """
    for name in integrity.sealed_input_files(parent.path):
        link_file(parent.path / name, folder / name)
    Checkpoints(folder / "checkpoints", run_id).adopt(Checkpoints(parent.checkpoints, parent.id), last)


def inherited_events(parent: Run) -> Iterator[Event]:
    """The events of the parent's training, with their times."""
    return (event for event in parent.log.read() if isinstance(event, _INHERITED))


def created_event(name: str, parent: RunView, last: Checkpoint, more_epochs: int) -> Created:
    """The first event of the child; facts about the file are the parent's."""
    return Created(
        name=name,
        owner=parent.owner,
        parent=parent.id,
        parent_name=parent.name,
        parent_step=last.step,
        more_epochs=more_epochs or None,
        source_name=parent.source_name,
        source_part=parent.source_part or None,
        encoder_folder=parent.encoder_folder or None,
        base_model=parent.base_model or None,
        draft=parent.draft,
        rows=parent.rows,
        split_notes=parent.split_notes,
        repairs=parent.repairs,
        findings=tuple(map(RecordedFinding.of, parent.findings)),
        checks=None if parent.checks is None else RecordedCounts.of(parent.checks),
        level=parent.level or None,
        task=parent.task or None,
        labels_way=parent.labels_way or None,
        labels_between=parent.labels_between or None,
        labels_cut=parent.labels_cut,
        decisions=parent.decisions or None,
        class_names=parent.class_names or None,
        definitions=parent.definitions or None,
        folds=parent.folds or None,
    )
