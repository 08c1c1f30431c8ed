"""A child run continues the training of a finished run from its last state. The parent does not change."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainer.atomic import link_file
from trainer.runs import integrity
from trainer.runs.checkpoints import Checkpoint, Checkpoints
from trainer.runs.run import Run
from trainer.runs.view import RunView

_INHERITED = frozenset({"started", "resumed", "log", "eval", "checkpoint", "saved", "majority", "baseline"})
"""Types of events that the child inherits: its curves begin with those of its parent."""


def copy_files(folder: Path, run_id: str, parent: Run, last: Checkpoint) -> None:
    """Put the parent's uploaded files, its rows and its ``last`` state into the child's folder, as hard links if possible. Raises OSError.

    Links are safe because files of a run are replaced, never written in place.
    """
    for name in integrity.sealed_input_files(parent.path):
        link_file(parent.path / name, folder / name)
    Checkpoints(folder / "checkpoints", run_id).adopt(Checkpoints(parent.checkpoints, parent.id), last)


def inherited_events(parent: Run) -> Iterator[dict[str, Any]]:
    """The events of the parent's training, with their times."""
    return (event for event in parent.log.read() if event["type"] in _INHERITED)


def created_fields(parent: RunView, last: Checkpoint, more_epochs: int) -> dict[str, Any]:
    """The fields of the child's ``created`` event except its name; facts about the file are the parent's."""
    return {
        "owner": parent.owner,
        "parent": parent.id,
        "parent_name": parent.name,
        "parent_step": last.step,
        "more_epochs": more_epochs or None,
        "source_name": parent.source_name,
        "encoder_folder": parent.encoder_folder or None,
        "base_model": parent.base_model or None,
        "draft": parent.draft,
        "rows": parent.rows,
        "split_notes": list(parent.split_notes),
        "repairs": parent.repairs,
        "findings": [vars(finding) for finding in parent.findings],
        "level": parent.level or None,
        "task": parent.task or None,
    }
