"""RunStore: the folder of all runs.

Reading many runs again is cheap: a log is read again only if it has changed.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from trainer.atomic import make_folder, move
from trainer.cache import SingleFlightCache
from trainer.errors import NotFoundError, RunError
from trainer.recipe import Recipe
from trainer.runs import damage_messages, integrity
from trainer.runs.event_schema import Event
from trainer.runs.event_types import Created, LabelsOrdered, Queued, Renamed
from trainer.runs.events import EventLog
from trainer.runs.ids import is_id, random_id
from trainer.runs.log_follower import LogFollower
from trainer.runs.polling import FolderListing, RoundRobin
from trainer.runs.run import Run, save_recipe
from trainer.runs.run_files import LOG
from trainer.runs.seal import file_digest, file_signature
from trainer.runs.view import RunView, with_liveness
from trainer.runs.writer_lock import is_being_written, maintenance_lock

_MAX_READS = 2
"""Of a run that is being written: it may look damaged, or ended without an end, between two writes."""

_MAX_DIGESTS = 10_000

_MAX_FOLLOWERS = 32
"""Only the logs of runs that are training, or were a moment ago, are read again and again."""

_ROUNDS = 20
"""Calls of ``version`` within which each run is checked once. With the page's timer of one second, a change of a run that is not live, made by
another process or on the disk, is noticed within that many seconds. Changes by this process and of live runs are noticed at once."""


@dataclass(frozen=True)
class _Read:
    """A run as it was last read."""

    log_signature: tuple[int, ...]
    folder_changed_at: int
    log_view: RunView
    """What its log says."""
    view: RunView
    """With damaged files, as far as their sizes tell."""


@dataclass(frozen=True)
class _Returned:
    """The view of a run that was last returned, and what it was made from."""

    read: _Read
    is_alive: bool
    stop_requested: bool
    view: RunView


class RunStore:
    """All runs of one folder. A damaged run is listed like any other, and its view says what is damaged; it does not affect other runs."""

    def __init__(self, root: Path, *, offered_by: str = "") -> None:
        """``offered_by``: the owner whose trained models everybody may look at and use; by default there is none."""
        self.root = root
        self._offered_by = offered_by
        self._read_runs: dict[str, _Read] = {}
        """Of every run that exists: with a cache's bound, each list of more runs would read all their logs again."""
        self._returned: dict[str, _Returned] = {}
        """Of every run that exists: a change is noticed by comparing with it."""
        self._listing = FolderListing(root, is_id)
        self._round_robin = RoundRobin(_ROUNDS)
        self._n_changes = count(1)
        self._versions: dict[str, str] = {}
        """By owner; the prefix tells apart processes that count the same changes."""
        self._prefix = secrets.token_hex(4)
        self._digests: SingleFlightCache[str] = SingleFlightCache(_MAX_DIGESTS)
        self._followers: SingleFlightCache[LogFollower] = SingleFlightCache(_MAX_FOLLOWERS)

    def create(
        self,
        *,
        recipe: Recipe,
        resolved: Recipe,
        created: Created,
        fill: Callable[[Path], None],
        run_id: str = "",
        history: Iterable[Event] = (),
    ) -> Run:
        """Create a queued run, completely or not at all; it is on the disk when this returns. Raises OSError.

        ``recipe`` is the requested one and ``resolved`` the one that is trained. ``fill`` writes the run's files into the given folder;
        ``created`` becomes its first event, with its id and its encoder; ``history`` are the events of a training that this run continues.
        """
        run_id = run_id or random_id()
        partial, target = self.root / f".new-{run_id}", self.root / run_id
        make_folder(partial)
        try:
            fill(partial)
            save_recipe(partial, run_id, requested=recipe, resolved=resolved)
            integrity.seal_input_files(partial, run_id)
            log = EventLog(partial / LOG)
            for event in (created.replace(run=run_id, encoder=recipe.encoder), *history):
                log.append(event)
            log.append(Queued(), durable=True)
            move(partial, target)
        except BaseException:
            for folder in (partial, target):
                shutil.rmtree(folder, ignore_errors=True)
            raise
        return Run(target)

    def get(self, run_id: object, owner: str, *, to_read: bool = False) -> Run:
        """The owner's run with this id, or ``to_read`` also one that is offered to everybody. Raises UserError ``unknown_run``; for runs of other
        owners too. Raises ``offered_model`` for an offered one that is not only read."""
        if is_id(run_id):
            run = Run(self.root / str(run_id))
            if run.path.is_dir():
                view = self.view(run)
                if view.owner == owner or (to_read and self._is_offered(view)):
                    return run
                if self._is_offered(view):
                    raise RunError(
                        "This model belongs to the server: everybody may try it, and it stays as it is. Train your own, on our sample or on your file.",
                        code="offered_model",
                    )
        raise NotFoundError("There is no such run. Choose one from the list.", code="unknown_run")

    def list(self, owner: str) -> list[RunView]:
        """The owner's runs, newest first."""
        return [view for view in self.list_all() if view.owner == owner]

    def list_offered(self) -> Sequence[RunView]:
        """The runs whose models are offered to everybody, newest first."""
        return [view for view in self.list_all() if self._is_offered(view)]

    def _is_offered(self, view: RunView) -> bool:
        return bool(self._offered_by) and view.owner == self._offered_by and view.has_model and not view.live

    def list_all(self) -> Sequence[RunView]:
        """The runs of all owners, newest first."""
        views = [self.view(Run(self.root / run_id)) for run_id in self._ids()]
        return sorted(views, key=lambda v: (v.created, v.id), reverse=True)

    def version(self, owner: str) -> str:
        """Changes when anything about the owner's runs, or those offered to everybody, changes; cheap enough to call every second, however many runs there are.

        New and live runs are checked each time, the others in turn (see _ROUNDS).
        """
        ids = self._ids()
        returned = [(run_id, self._returned.get(run_id)) for run_id in ids]
        urgent = [run_id for run_id, last in returned if last is None or last.view.live]
        # A deleted run may still have its turn; viewing it would change the version once more.
        in_turn = [run_id for run_id in self._round_robin.next(ids) if run_id in ids]
        for run_id in (*urgent, *in_turn):
            self.view(Run(self.root / run_id))
        return self._versions.get(owner, "") + self._versions.get(self._offered_by, "")

    def _ids(self) -> frozenset[str]:
        """The ids of the existing runs; forgets the others."""
        ids = self._listing.names()
        for missing in self._read_runs.keys() - ids:
            self._read_runs.pop(missing, None)
            if (last := self._returned.pop(missing, None)) is not None:
                self._change_version(last.view.owner)
        return ids

    def _change_version(self, owner: str) -> None:
        self._versions[owner] = f"{self._prefix}-{next(self._n_changes)}"

    def view(self, run: Run) -> RunView:
        """The current view of a run. Its ``damage`` is based on the log and the sizes of its files; ``damage()`` reads the files too."""
        for _ in range(_MAX_READS):
            read = self._read(run)
            view = read.view
            # The lock is checked only where it decides; a finished run needs no system calls.
            is_alive = view.status not in ("running", "damaged") or is_being_written(run.path)
            # Its end may have been logged between the two.
            if is_alive or run.log.size() == read.log_signature[0]:
                break
        return self._with_liveness(run, read, is_alive, view.live and run.is_stop_requested())

    def _with_liveness(self, run: Run, read: _Read, is_alive: bool, stop_requested: bool) -> RunView:
        last = self._returned.get(run.id)
        if last is not None and last.read is read and (last.is_alive, last.stop_requested) == (is_alive, stop_requested):
            return last.view
        view = with_liveness(read.view, is_alive=is_alive, stop_requested=stop_requested)
        self._returned[run.id] = _Returned(read, is_alive, stop_requested, view)
        if last is None or last.read.log_signature != read.log_signature or last.view != view:
            self._change_version(view.owner)
        return view

    def damage(self, run: Run) -> tuple[str, ...]:
        """Sentences about the damage of a run. Every sealed file is read once for each state of it on the disk."""
        for _ in range(_MAX_READS):
            read = self._read(run)
            damaged = run.damaged_files(has_model=read.log_view.has_model, digest=self._digest)
            if not damaged:
                break
        messages = (
            read.log_view.damage
            + damage_messages.damaged_files_messages(read.log_view.name, damaged)
            + damage_messages.remaining_uses_messages(damaged)
        )
        # From now on the list, which only compares sizes, says so too.
        if messages != read.view.damage:
            self._read_runs[run.id] = replace(read, view=replace(read.view, damage=messages))
        return messages

    def is_intact(self, run: Run, *parts: str) -> bool:
        """Whether the files of these parts match their seal. Every file is read once for each state of it on the disk."""
        return not integrity.damaged_files_of_parts(run.path, parts, digest=self._digest)

    def rename(self, run: Run, name: str) -> None:
        """Give a run a name. Raises OSError."""
        self._append_after_end(run, Renamed(name=name))

    def say_whether_ordered(self, run: Run, ordered: bool) -> None:
        """Note whether the labels of a run are steps of a scale. Raises OSError."""
        self._append_after_end(run, LabelsOrdered(ordered="yes" if ordered else "no"))

    def _append_after_end(self, run: Run, event: Event) -> None:
        run.log.append(event, durable=True)
        with maintenance_lock(run.path, patient=False) as acquired:
            if acquired:
                integrity.seal_appended_events(run.path)

    def _read(self, run: Run) -> _Read:
        log_signature, folder_changed_at = file_signature(os.path.join(run.path, LOG)), file_signature(run.path)[1]
        last = self._read_runs.get(run.id)
        # The folder of a running run changes with each heartbeat of its writer, which means nothing.
        if (
            last is not None
            and last.log_signature == log_signature
            and (last.folder_changed_at == folder_changed_at or last.view.status == "running")
        ):
            return last
        follower = self._followers.get(run.id, lambda: LogFollower(run.id, run.log))
        for _ in range(_MAX_READS):
            log_view = run.read_view(follower)
            damaged = run.damaged_files(has_model=log_view.has_model, digest=None)
            # A file that is just being written may look damaged, so look twice.
            if not (log_view.damage or damaged):
                break
        if not log_view.created:
            log_view = replace(log_view, created=folder_changed_at / 1e9)
        view = replace(log_view, damage=log_view.damage + damage_messages.damaged_files_messages(log_view.name, damaged))
        read = self._read_runs[run.id] = _Read(log_signature, folder_changed_at, log_view, view)
        return read

    def _digest(self, path: Path) -> str:
        """The SHA-256 of a file, cached until the file system says that the file has changed. Raises OSError."""
        return self._digests.get((str(path), *file_signature(path)), lambda: file_digest(path))
