"""Run: one run's folder, its paths and what is written there.

Knows nothing of tables, models or pages; it hands out paths for them.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from trainer.errors import RunError, UserError
from trainer.recipe import Recipe
from trainer.runs import damage_messages, integrity
from trainer.runs.checksums import read_json_with_checksum, write_json_with_checksum
from trainer.runs.event_schema import Event, dump_event
from trainer.runs.event_types import End, Finished, LabelsOrdered, Renamed, Stopped, load_event
from trainer.runs.events import EventLog, parse
from trainer.runs.log_follower import LogFollower
from trainer.runs.run_files import CARD, CHECKPOINTS, DRAFT, LOG, MODEL, PREDICTIONS, RECIPE, RESULT_SEAL, ROWS, SOURCE
from trainer.runs.seal import Digest, file_digest
from trainer.runs.stop_request import StoppableFolder
from trainer.runs.view import RunView
from trainer.runs.view_builder import build_view
from trainer.runs.writer_lock import is_being_written

_RECIPE_FORMAT = 1
"""Of recipe.json; changes when a recipe no longer means the same training."""

_NO_END = "It was interrupted just before its end was noted. Its model and its scores are intact; Resume finishes it."


def save_recipe(folder: Path, run_id: str, *, requested: Recipe, resolved: Recipe) -> None:
    """Write recipe.json into a run's folder: the requested recipe and the one with every automatic value filled in. Raises OSError."""
    values = {"format": _RECIPE_FORMAT, "asked": requested.to_dict(), "resolved": resolved.to_dict(), "run": run_id}
    write_json_with_checksum(folder / RECIPE, values)


@dataclass(frozen=True)
class Run(StoppableFolder):
    """One run's folder."""

    read_only: bool = False
    """For a worker process: another process writes the log."""

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def log(self) -> EventLog:
        return EventLog(self.path / LOG, read_only=self.read_only)

    @property
    def rows(self) -> Path:
        """The rows it was trained on: source row, text, label, split."""
        return self.path / ROWS

    @property
    def predictions(self) -> Path:
        return self.path / PREDICTIONS

    @property
    def checkpoints(self) -> Path:
        return self.path / CHECKPOINTS

    @property
    def model(self) -> Path:
        return self.path / MODEL

    @property
    def traceback(self) -> Path:
        """Where the traceback of an unexpected error is written; it never goes to the page."""
        return self.path / "error.log"

    def recipe(self) -> Recipe:
        """The requested recipe. Raises UserError ``run_damaged`` if it is damaged, missing or of another run."""
        return self._read_recipe("asked")

    def resolved_recipe(self) -> Recipe:
        """The recipe with every automatic value as it was filled in when the run was created. Raises UserError like ``recipe``."""
        return self._read_recipe("resolved")

    def _read_recipe(self, which: Literal["asked", "resolved"]) -> Recipe:
        try:
            values = read_json_with_checksum(self.path / RECIPE)
            if values["run"] != self.id or values["format"] != _RECIPE_FORMAT:
                raise ValueError("it is the recipe of another run, or of another format")
            return Recipe.from_dict(values[which])
        except (OSError, ValueError, LookupError, UserError) as error:
            raise self._damaged((RECIPE,)) from error

    def source_digest(self) -> str | None:
        """The SHA-256 of the uploaded file; None if it is unknown."""
        return integrity.sealed_input_digest(self.path, SOURCE)

    def seal_results_and_log(self, end: End) -> None:
        """Seal model, card, predictions and the log so far, which never change again; call it before ``end`` is logged. Raises OSError."""
        integrity.seal_results_and_log(self.path, dump_event(end))

    def missing_end(self) -> Event | None:
        """The end event of a run with intact results whose process died before it was logged; None for any other run."""
        seal = integrity.read_results_seal(self.path)
        if seal is None or self.read_view().damage or any(isinstance(event, Finished | Stopped) for event in self.log.read()):
            return None
        return load_event(dict(seal.facts["end"]))

    def replace_model_card(self, text: str) -> None:
        """Replace the model card atomically, with its seal. Raises OSError."""
        integrity.replace_result_file(self.path, CARD, text.encode("utf-8", "replace"))

    def replace_model_file(self, file: Path, content: bytes) -> None:
        """Replace a file of the model atomically, with its seal. Raises OSError."""
        integrity.replace_result_file(self.path, file.relative_to(self.path).as_posix(), content)

    def check(self, *parts: str) -> None:
        """Raise UserError ``run_damaged`` if files of these parts (ROWS, PREDICTIONS, MODEL, CARD) differ from their seal."""
        # A file that is just being replaced may look damaged, so look twice.
        if not integrity.damaged_files_of_parts(self.path, parts) or not (damaged := integrity.damaged_files_of_parts(self.path, parts)):
            return
        raise self._damaged(damaged)

    def check_sources(self) -> None:
        """Raise UserError ``run_damaged`` if the uploaded files or the draft's choices are missing or differ from their seal."""
        damaged = [name for name in integrity.damaged_run_files(self.path, has_model=False) if name != ROWS]
        if not damaged and integrity.sealed_input_digest(self.path, DRAFT) is None:
            damaged = [DRAFT]
        if damaged:
            raise self._damaged(tuple(damaged))

    def model_files(self) -> tuple[Path, ...]:
        """The sealed files of the model and its card, and no others. Raises UserError ``run_damaged`` if there is no valid seal."""
        seal = integrity.read_results_seal(self.path)
        if seal is None:
            raise self._damaged((RESULT_SEAL,))
        return tuple(self.path / name for name in integrity.sealed_model_files(seal))

    def damaged_files(self, *, has_model: bool, digest: Digest | None = file_digest) -> tuple[str, ...]:
        """Paths in the folder of all damaged or missing files; with ``digest`` None only sizes are compared."""
        damaged = integrity.damaged_run_files(self.path, has_model=has_model, digest=digest)
        try:
            self.recipe()
        except UserError:
            return (RECIPE, *damaged)
        return damaged

    def read_view(self, follower: LogFollower | None = None) -> RunView:
        """The view that the log gives, with damage of the log in ``damage``. Never raises. ``follower`` is one of this run's log, if there is one."""
        # The seal first: the log only grows.
        seal = integrity.read_results_seal(self.path)
        sealed = None if seal is None else integrity.log_size_and_digest(seal)
        follower, has_sealed_lines = follower or LogFollower(self.id, self.log), False
        try:
            view = follower.read_view()
            has_sealed_lines = sealed is not None and follower.begins_with(*sealed)
        except OSError as error:
            view = build_view(self.id, ())
            view = replace(view, damage=(damage_messages.unreadable_log_message(view.name, error.strerror or str(error)),))
        return view if seal is None else self._compared_with_seal(view, sealed[0] if has_sealed_lines else None)

    def _compared_with_seal(self, view: RunView, sealed_size: int | None) -> RunView:
        """The view of a run with sealed results: whether its log was cut, and what still counts if the log is damaged or lacks the end.

        ``sealed_size`` is the length of the log when it was sealed; None if the log no longer begins with the sealed lines.
        """
        if sealed_size is None or view.damage:
            # The model counts as long as it is sealed.
            status = "interrupted" if view.status == "queued" and sealed_size is None else view.status
            lines_lost = (damage_messages.cut_log_message(view.name),)
            return replace(view, model=view.model or view.kept, status=status, damage=view.damage or lines_lost)
        return view if view.has_model else self._without_end(view, sealed_size)

    def _without_end(self, view: RunView, sealed_size: int) -> RunView:
        """The view of a run that was interrupted between sealing its results and logging its end: it has a model."""
        content = self.log.content()
        sealed_events = parse(content[:sealed_size]).events
        later_events = parse(content).events[len(sealed_events) :]
        not_resumed = all(isinstance(event, Renamed | LabelsOrdered) for event in later_events)
        # A living writer logs the end right after the seal.
        if not_resumed and is_being_written(self.path):
            return view
        view = replace(view, model=build_view(self.id, sealed_events).kept)
        return replace(view, lacks_end=True, message=_NO_END) if not_resumed else view

    def _damaged(self, files: tuple[str, ...]) -> RunError:
        return RunError(
            " ".join((*damage_messages.damaged_files_messages(self.read_view().name, files), damage_messages.WHAT_TO_DO)),
            code="run_damaged",
        )
