"""Run: the paths of one run's folder and what is written there; RunStore: the folder of all runs.

Knows nothing of tables, models or pages; it hands out paths for them.
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs.events import EventLog
from trainer.runs.view import RunView, fold, with_life
from trainer.runs.writer import has_living_writer

_ID = re.compile(r"[0-9a-f]{32}")


def new_id() -> str:
    """128 random bits: nobody guesses it."""
    return secrets.token_hex(16)


def is_id(text: object) -> bool:
    """Whether this may name a folder of ours; nothing else a person sends ever becomes a path."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def write_json(path: Path, value: Any) -> None:
    """Replace a small file as a whole: readers see the old one or the new one, never half of one."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with open(partial, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


@dataclass(frozen=True)
class Run:
    """One run's folder."""

    path: Path
    muted: bool = False
    """For a process that only lends a hand: the log is written by another one."""

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def log(self) -> EventLog:
        return EventLog(self.path / "events.jsonl", muted=self.muted)

    @property
    def rows(self) -> Path:
        """Exactly what was trained on: source row, text, label, split."""
        return self.path / "data.parquet"

    @property
    def predictions(self) -> Path:
        return self.path / "predictions.parquet"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        return self.path / "model"

    @property
    def traceback(self) -> Path:
        """Where an unexpected error's traceback goes; never to the page."""
        return self.path / "error.log"

    def recipe(self) -> Recipe:
        return Recipe.from_dict(json.loads((self.path / "recipe.json").read_text(encoding="utf-8")))

    def keep_recipe(self, recipe: Recipe) -> None:
        """From now on this is what was asked for."""
        write_json(self.path / "recipe.json", recipe.to_dict())

    def ask_to_stop(self) -> None:
        (self.path / "stop").touch()

    def withdraw_stop(self) -> None:
        (self.path / "stop").unlink(missing_ok=True)

    def stop_asked(self) -> bool:
        return (self.path / "stop").exists()


class RunStore:
    """All runs of one folder. Reading many runs again is cheap: a log is folded anew only when it has grown."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folded: dict[str, tuple[int, RunView]] = {}

    def create(self, *, recipe: Recipe, fill: Callable[[Path], None], **facts: Any) -> Run:
        """Make a run's folder as a whole or not at all; it waits for its turn.

        ``fill`` writes the run's files into the folder it is handed; ``facts`` go into the ``created`` event.
        """
        run_id = new_id()
        partial = self.root / f".new-{run_id}"
        partial.mkdir(parents=True, mode=0o700)
        try:
            fill(partial)
            write_json(partial / "recipe.json", recipe.to_dict())
            log = EventLog(partial / "events.jsonl")
            log.append("created", encoder=recipe.encoder, **facts)
            log.append("queued", durable=True)
            os.replace(partial, self.root / run_id)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        return Run(self.root / run_id)

    def get(self, run_id: object, owner: str) -> Run:
        """The owner's run of this id; unknown and foreign ids get the same answer."""
        if is_id(run_id):
            run = Run(self.root / str(run_id))
            if run.log.size() and self.view(run).owner == owner:
                return run
        raise UserError("There is no such run. Choose one from the list.", code="unknown_run")

    def list(self, owner: str) -> list[RunView]:
        """The owner's runs, newest first."""
        folders = (Run(p) for p in self.root.iterdir() if is_id(p.name)) if self.root.is_dir() else ()
        views = [self.view(run) for run in folders]
        return sorted((v for v in views if v.owner == owner), key=lambda v: (v.created, v.id), reverse=True)

    def size(self, run_id: str) -> int:
        """Bytes of a run's log: grows with everything that happens to it."""
        return Run(self.root / run_id).log.size()

    def view(self, run: Run) -> RunView:
        size = run.log.size()
        known = self._folded.get(run.id)
        if known is None or known[0] != size:
            known = (size, fold(run.id, run.log.read()))
            self._folded[run.id] = known
        view = known[1]
        # The lock is looked at only where it decides; a finished run needs no system calls.
        living = view.status != "running" or has_living_writer(run.path)
        if view.status == "running" and not living and run.log.size() != size:
            return self.view(run)
        return with_life(view, living=living, stop_asked=view.live and run.stop_asked())
