"""The folder of a run in which evaluations on other files are kept, each in a folder of its own. Knows nothing of what they hold but one small file."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from trainer.atomic import REMOVED_PREFIX, make_folder, move, remove_folder, sync_tree
from trainer.errors import NotFoundError, UnavailableError
from trainer.runs.checksums import read_json_with_checksum, write_json_with_checksum
from trainer.runs.ids import is_id
from trainer.runs.run import Run
from trainer.runs.run_files import list_folder
from trainer.runs.writer_lock import maintenance_lock

ABOUT, ROWS, PREDICTIONS = "about.json", "data.parquet", "predictions.parquet"
_FOLDER = "evaluations"


class Evaluations:
    """The evaluations of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._folder = run.path / _FOLDER

    def list(self) -> list[dict[str, Any]]:
        """What each says about itself, newest first; damaged ones are left out."""
        found = []
        for folder in list_folder(self._folder):
            with suppress(OSError, ValueError):
                if is_id(folder.name):
                    found.append(read_json_with_checksum(folder / ABOUT))
        return sorted(found, key=lambda values: -float(values.get("created", 0.0)))

    def folder(self, evaluation_id: str) -> Path:
        """Where an evaluation is. Raises UserError ``unknown_evaluation``."""
        folder = self._folder / evaluation_id
        if not is_id(evaluation_id) or not (folder / ABOUT).is_file():
            raise NotFoundError("There is no such evaluation. Choose one of the list.", code="unknown_evaluation")
        return folder

    def has(self, evaluation_id: str) -> bool:
        """Whether there is an evaluation of this id."""
        return (self._folder / evaluation_id / ABOUT).is_file()

    def store(self, evaluation_id: str, about: Mapping[str, Any], fill: Callable[[Path], None]) -> None:
        """Keep an evaluation, as a whole or not at all; ``fill`` writes its other files. Raises UserError ``run_is_busy`` and OSError."""
        new = self._folder / f"{REMOVED_PREFIX}new-{evaluation_id}"
        with suppress(FileNotFoundError):
            remove_folder(new)
        make_folder(new)
        fill(new)
        write_json_with_checksum(new / ABOUT, about)
        sync_tree(new)
        with maintenance_lock(self._run.path) as lock:
            if lock is None:
                raise UnavailableError("Another program is writing this run. Try again in a moment.", code="run_is_busy")
            move(new, self._folder / evaluation_id)

    def remove(self, evaluation_id: str) -> None:
        """Remove an evaluation for good. Raises UserError ``unknown_evaluation`` and OSError."""
        remove_folder(self.folder(evaluation_id))
