"""A child run: what a run that has its model leaves to the one that trains on from its last state. The parent stays as it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainer.atomic import link_file
from trainer.runs import integrity
from trainer.runs.checkpoints import Checkpoint, Checkpoints
from trainer.runs.run import Run
from trainer.runs.view import RunView

_LEFT = frozenset({"started", "resumed", "log", "eval", "checkpoint", "saved", "majority", "baseline"})
"""The kinds of events that are true of the child too: its curves begin where those of its parent did."""


def fill(folder: Path, run_id: str, parent: Run, last: Checkpoint) -> None:
    """Put the parent's file, its rows and its ``last`` state into the folder of the child: linked where the disk allows. Raises OSError.

    Nobody writes into a file of either: what changes is replaced.
    """
    for name in integrity.input_files(parent.path):
        link_file(parent.path / name, folder / name)
    Checkpoints(folder / "checkpoints", run_id).adopt(Checkpoints(parent.checkpoints, parent.id), last)


def history(parent: Run) -> Iterator[dict[str, Any]]:
    """What happened in the parent's training, with the times of then."""
    return (event for event in parent.log.read() if event["type"] in _LEFT)


def facts(parent: RunView, last: Checkpoint, more_epochs: int) -> dict[str, Any]:
    """The child's ``created`` event but for its name: what was known of its parent's file is known of its own."""
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
    }
