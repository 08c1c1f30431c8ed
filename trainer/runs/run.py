"""Run: the paths of one run's folder and what is written there; RunStore: the folder of all runs.

Knows nothing of tables, models or pages; it hands out paths for them.
"""

import os
import re
import secrets
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Literal

from trainer.atomic import make_folder, move, remove_file
from trainer.cache import SingleFlightCache
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs import damage, integrity
from trainer.runs.checksums import read_json, write_json
from trainer.runs.events import EventLog, parse
from trainer.runs.log_follower import LogFollower
from trainer.runs.polling import FolderListing, RoundRobin
from trainer.runs.seal import Digest, file_digest, file_signature
from trainer.runs.view import RunView, with_liveness
from trainer.runs.view_builder import build_view
from trainer.runs.writer_lock import is_being_written, maintenance_lock

Event = Mapping[str, Any]

_RECIPE_FORMAT = 1
"""Of recipe.json; changes when a recipe of before no longer means the same training."""

_LOOKS = 2
"""At a run that is being written."""

_DIGESTS_KEPT = 10_000

_FOLLOWED = 32
"""Logs; only those of runs that are trained now, or were a moment ago, are read again and again."""

_TURNS = 20
"""Calls of ``version`` within which each run is looked at: with the page's tick of a second, so many seconds at most pass until it tells what
another process or the disk did to a run that is not live. What this process does, and what happens to live runs, it tells at once."""

_NO_END = "It was interrupted just before its end was noted. Its model and its scores are whole; Resume finishes it."

_ID = re.compile(r"[0-9a-f]{32}")


def new_run_id() -> str:
    """128 random bits: nobody guesses it."""
    return secrets.token_hex(16)


def is_run_id(text: object) -> bool:
    """Whether this may name a folder of ours; nothing else a person sends ever becomes a path."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


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
        return EventLog(self.path / damage.LOG, muted=self.muted)

    @property
    def rows(self) -> Path:
        """Exactly what was trained on: source row, text, label, split."""
        return self.path / damage.ROWS

    @property
    def predictions(self) -> Path:
        return self.path / damage.PREDICTIONS

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        return self.path / damage.MODEL

    @property
    def traceback(self) -> Path:
        """Where an unexpected error's traceback goes; never to the page."""
        return self.path / "error.log"

    def recipe(self) -> Recipe:
        """What was asked for. Raises UserError ``run_damaged`` where it is damaged, missing or of another run."""
        return self._recipe("asked")

    def resolved_recipe(self) -> Recipe:
        """What is trained: the recipe with every automatic choice as it was made when the run was. UserError as for ``recipe``."""
        return self._recipe("resolved")

    def _recipe(self, which: Literal["asked", "resolved"]) -> Recipe:
        try:
            values = read_json(self.path / damage.RECIPE)
            if values["run"] != self.id or values["format"] != _RECIPE_FORMAT:
                raise ValueError("it is the recipe of another run, or of another format")
            return Recipe.from_dict(values[which])
        except (OSError, ValueError, LookupError, UserError) as error:
            raise self._damaged((damage.RECIPE,)) from error

    def source_digest(self) -> str | None:
        """The SHA-256 of the file that it learns from, as it was handed in; None where nobody can tell."""
        return integrity.input_digest(self.path, damage.SOURCE)

    def seal_results(self, end: Event) -> None:
        """Once model, card and predictions are written, and before ``end`` goes into the log. They are never changed again. Raises OSError."""
        integrity.seal_results(self.path, end)

    def missing_end(self) -> Event | None:
        """The end of a run whose results are whole, and whose process died before the log could say so; None for any other."""
        seal = integrity.results_seal(self.path)
        if seal is None or self.folded().damage or any(event["kind"] in ("finished", "stopped") for event in self.log.read()):
            return None
        return dict(seal.facts["end"])

    def replace_card(self, text: str) -> None:
        """Put a card in the place of the old one, if there is one, in one step for whoever reads it or checks it. Raises OSError."""
        integrity.replace_file(self.path, damage.CARD, text.encode("utf-8", "replace"))

    def check(self, *parts: str) -> None:
        """Raise UserError ``run_damaged`` where files of these parts differ from their seal; parts are ROWS, PREDICTIONS, MODEL, CARD (damage.py)."""
        # What is being replaced at this moment may look damaged; a second look tells.
        if not integrity.damaged_parts(self.path, parts) or not (damaged := integrity.damaged_parts(self.path, parts)):
            return
        raise self._damaged(damaged)

    def check_sources(self) -> None:
        """Raise UserError ``run_damaged`` where the files that were handed in, or what was chosen for them, are missing or differ from their seal."""
        damaged = [name for name in integrity.damaged(self.path, has_model=False) if name != damage.ROWS]
        if not damaged and integrity.input_digest(self.path, damage.DRAFT) is None:
            damaged = [damage.DRAFT]
        if damaged:
            raise self._damaged(tuple(damaged))

    def model_files(self) -> tuple[Path, ...]:
        """The files of the model and its card as they were sealed, and no others. Raises UserError ``run_damaged`` where nobody can tell."""
        seal = integrity.results_seal(self.path)
        if seal is None:
            raise self._damaged((damage.RESULT_SEAL,))
        return tuple(self.path / name for name in integrity.model_files(seal))

    def damaged_files(self, *, has_model: bool, digest: Digest | None = file_digest) -> tuple[str, ...]:
        """All files that are damaged or missing, by their path in the folder; with ``digest`` None, as far as their sizes tell."""
        damaged = integrity.damaged(self.path, has_model=has_model, digest=digest)
        try:
            self.recipe()
        except UserError:
            return (damage.RECIPE, *damaged)
        return damaged

    def folded(self, log: LogFollower | None = None) -> RunView:
        """What the log says and, in ``damage``, what is wrong with the log. Never raises. ``log`` is the run's, if somebody follows it."""
        # The seal first: the log only grows.
        seal = integrity.results_seal(self.path)
        sealed = None if seal is None else integrity.sealed_log(seal)
        log, begins = log or LogFollower(self.id, self.log), False
        try:
            view = log.look()
            begins = sealed is not None and log.begins_with(*sealed)
        except OSError as error:
            view = build_view(self.id, ())
            view = replace(view, damage=(damage.log_unreadable(view.name, error.strerror or str(error)),))
        return view if seal is None else self._beside_its_seal(view, sealed[0] if begins else None)

    def _beside_its_seal(self, view: RunView, sealed: int | None) -> RunView:
        """The view of a log whose results are sealed: whether the log was cut, and what holds although it is damaged or lacks the run's end.

        ``sealed`` is the length of the log when it was sealed; None where it no longer begins with what stood there.
        """
        if sealed is None or view.damage:
            # The model stands for as long as its seal does.
            status = "interrupted" if view.status == "queued" and sealed is None else view.status
            return replace(view, model=view.model or view.kept, status=status, damage=view.damage or (damage.log_cut(view.name),))
        return view if view.has_model else self._without_its_end(view, sealed)

    def _without_its_end(self, view: RunView, sealed: int) -> RunView:
        """The view of a run that ended with its results and before the log could say so: its model stands."""
        content = self.log.content()
        before = parse(content[:sealed]).events
        since = parse(content).events[len(before) :]
        nothing_since = all(event["kind"] == "renamed" for event in since)
        # A living writer puts the end into the log right after the seal.
        if nothing_since and is_being_written(self.path):
            return view
        view = replace(view, model=build_view(self.id, before).kept)
        return replace(view, lacks_end=True, message=_NO_END) if nothing_since else view

    def _damaged(self, files: tuple[str, ...]) -> UserError:
        return UserError(" ".join((*damage.files(self.folded().name, files), damage.WHAT_TO_DO)), code="run_damaged")

    def ask_to_stop(self) -> None:
        """A power cut may forget it: it ends the training too."""
        (self.path / "stop").touch()

    def withdraw_stop(self) -> None:
        """For good: one that came back would stop the run that was put into the queue since."""
        remove_file(self.path / "stop")

    def stop_asked(self) -> bool:
        return (self.path / "stop").exists()


@dataclass(frozen=True)
class _Known:
    """A run as it was seen last."""

    log: tuple[int, ...]
    folder: int
    folded: RunView
    """What its log says."""
    view: RunView
    """With what is damaged of its files, as far as their sizes tell."""


@dataclass(frozen=True)
class _Shown:
    """What was told of a run last, and what that came from."""

    known: _Known
    living: bool
    stop_asked: bool
    view: RunView


class RunStore:
    """All runs of one folder. Reading many runs again is cheap: a log is folded anew only when it has changed.

    A damaged run is a run like any other, whose view says what is damaged; it takes nothing else down.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, _Known] = {}
        self._shown: dict[str, _Shown] = {}
        self._listing = FolderListing(root, is_run_id)
        self._turns = RoundRobin(_TURNS)
        self._changes = count(1)
        self._versions: dict[str, str] = defaultdict(str)
        """By owner; another process may count the same changes, so this one is named in them."""
        self._name = secrets.token_hex(4)
        self._digests: SingleFlightCache[str] = SingleFlightCache(_DIGESTS_KEPT)
        self._followed: SingleFlightCache[LogFollower] = SingleFlightCache(_FOLLOWED)

    def create(
        self,
        *,
        recipe: Recipe,
        resolved: Recipe,
        fill: Callable[[Path], None],
        run_id: str = "",
        history: Iterable[Event] = (),
        **facts: Any,
    ) -> Run:
        """Make a run's folder as a whole or not at all, on the disk when this returns; it waits for its turn. Raises OSError.

        ``recipe`` is what was asked for and ``resolved`` what is trained. ``fill`` writes the run's files into the folder it is handed;
        ``facts`` go into the ``created`` event, and ``history`` are the events of a training that it goes on from.
        """
        run_id = run_id or new_run_id()
        partial, place = self.root / f".new-{run_id}", self.root / run_id
        make_folder(partial)
        try:
            fill(partial)
            kept = {"format": _RECIPE_FORMAT, "asked": recipe.to_dict(), "resolved": resolved.to_dict(), "run": run_id}
            write_json(partial / damage.RECIPE, kept)
            integrity.seal_inputs(partial, run_id)
            log = EventLog(partial / damage.LOG)
            log.append("created", run=run_id, encoder=recipe.encoder, **facts)
            for event in history:
                log.append(**event)
            log.append("queued", durable=True)
            move(partial, place)
        except BaseException:
            for left in (partial, place):
                shutil.rmtree(left, ignore_errors=True)
            raise
        return Run(place)

    def get(self, run_id: object, owner: str) -> Run:
        """The owner's run of this id; unknown and foreign ids get the same answer."""
        if is_run_id(run_id):
            run = Run(self.root / str(run_id))
            if run.path.is_dir() and self.view(run).owner == owner:
                return run
        raise UserError("There is no such run. Choose one from the list.", code="unknown_run")

    def list(self, owner: str) -> list[RunView]:
        """The owner's runs, newest first."""
        views = [self.view(Run(self.root / run_id)) for run_id in self._ids()]
        return sorted((v for v in views if v.owner == owner), key=lambda v: (v.created, v.id), reverse=True)

    def version(self, owner: str) -> str:
        """Changes whenever anything does that is told of the owner's runs; cheap enough to ask each second, however many there are.

        New and live runs are looked at each time, the others in turn (see _TURNS).
        """
        ids = self._ids()
        shown = [(run_id, self._shown.get(run_id)) for run_id in ids]
        now = [run_id for run_id, last in shown if last is None or last.view.live]
        for run_id in (*now, *self._turns.next(ids)):
            self.view(Run(self.root / run_id))
        return self._versions[owner]

    def _ids(self) -> frozenset[str]:
        """The runs that are there; what was known of others is let go."""
        ids = self._listing.names()
        for gone in self._known.keys() - ids:
            self._known.pop(gone, None)
            if (last := self._shown.pop(gone, None)) is not None:
                self._changed(last.view.owner)
        return ids

    def _changed(self, owner: str) -> None:
        self._versions[owner] = f"{self._name}-{next(self._changes)}"

    def view(self, run: Run) -> RunView:
        """What is known of a run. ``damage`` is what its log and the sizes of its files tell; ``damage`` of this store reads the files too."""
        for _ in range(_LOOKS):
            known = self._look(run)
            view = known.view
            # The lock is looked at only where it decides; a finished run needs no system calls.
            living = view.status not in ("running", "damaged") or is_being_written(run.path)
            # Its end may have been written between the two.
            if living or run.log.size() == known.log[0]:
                break
        return self._show(run, known, living, view.live and run.stop_asked())

    def _show(self, run: Run, known: _Known, living: bool, stop_asked: bool) -> RunView:
        last = self._shown.get(run.id)
        if last is not None and last.known is known and (last.living, last.stop_asked) == (living, stop_asked):
            return last.view
        view = with_liveness(known.view, living=living, stop_asked=stop_asked)
        self._shown[run.id] = _Shown(known, living, stop_asked, view)
        if last is None or last.known.log != known.log or last.view != view:
            self._changed(view.owner)
        return view

    def damage(self, run: Run) -> tuple[str, ...]:
        """What is damaged of a run, in sentences, every sealed file read once for each state of it on the disk."""
        for _ in range(_LOOKS):
            known = self._look(run)
            damaged = run.damaged_files(has_model=known.folded.has_model, digest=self._digest)
            if not damaged:
                break
        told = known.folded.damage + damage.files(known.folded.name, damaged) + damage.what_is_left(damaged)
        # The list, which looks at sizes only, knows it too from now on.
        if told != known.view.damage:
            self._known[run.id] = replace(known, view=replace(known.view, damage=told))
        return told

    def is_whole(self, run: Run, *parts: str) -> bool:
        """Whether the files of these parts are as they were sealed, every one read once for each state of it on the disk."""
        return not integrity.damaged_parts(run.path, parts, digest=self._digest)

    def rename(self, run: Run, name: str) -> None:
        """Give a run a name. Raises OSError."""
        run.log.append("renamed", durable=True, name=name)
        with maintenance_lock(run.path, patient=False) as held:
            if held:
                integrity.reseal_log(run.path)

    def _look(self, run: Run) -> _Known:
        log, folder = file_signature(os.path.join(run.path, damage.LOG)), file_signature(run.path)[1]
        known = self._known.get(run.id)
        # A training run's folder changes with each beat of its writer, which tells nothing.
        if known is not None and known.log == log and (known.folder == folder or known.view.status == "running"):
            return known
        followed = self._followed.get(run.id, lambda: LogFollower(run.id, run.log))
        for _ in range(_LOOKS):
            folded = run.folded(followed)
            damaged = run.damaged_files(has_model=folded.has_model, digest=None)
            # What is being written at this moment may look damaged; a second look tells.
            if not (folded.damage or damaged):
                break
        if not folded.created:
            folded = replace(folded, created=folder / 1e9)
        view = replace(folded, damage=folded.damage + damage.files(folded.name, damaged))
        known = self._known[run.id] = _Known(log, folder, folded, view)
        return known

    def _digest(self, path: Path) -> str:
        """The SHA-256 of a file, known as long as the file system says that it is the same. Raises OSError."""
        return self._digests.get((str(path), *file_signature(path)), lambda: file_digest(path))
