"""StorageManager: what one owner's runs, drafts and uploads take of the disk, and everything that frees it."""

import shutil
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from trainer.atomic import remove_folder
from trainer.drafts.copies import Copies, find_copies, remove_copies, source_digests
from trainer.drafts.draft_cache import DraftCache
from trainer.drafts.history import DraftSummary
from trainer.errors import RunError, UserError
from trainer.runs.disk_space import (
    DraftStorage,
    Files,
    Storage,
    checkpoint_files,
    files_on_disk,
    remove_older,
    run_storage,
    runs_over_limit,
    total_bytes,
)
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.runs.writer_lock import maintenance_lock
from trainer.settings import Settings

_UPLOAD_SECONDS = 3600
"""Gradio copies an upload when it arrives, and a page reads it soon after."""
_ENDED = ("finished", "stopped", "failed", "cancelled")


class StorageManager:
    """The disk space of one owner. ``admission_lock`` is held while a run is created or resumed; ``job_folders`` gives the folders of the
    owner's jobs that are no trainings."""

    def __init__(
        self,
        settings: Settings,
        runs: RunStore,
        drafts: DraftCache,
        admission_lock: threading.Lock,
        owner: str,
        job_folders: Callable[[], Sequence[Path]],
    ) -> None:
        self._settings = settings
        self._runs = runs
        self._drafts = drafts
        self._admission_lock = admission_lock
        self._owner = owner
        self._job_folders = job_folders

    def kept_bytes(self) -> int:
        """The size of the owner's runs, drafts and other jobs, without the checkpoints of ended trainings, which go first."""
        runs, drafts = self._runs.list(self._owner), self._drafts.history.summaries(self._owner)
        folders = self._folders(runs, drafts)
        checkpoints = total_bytes(*(files for _, files in self._checkpoints(runs)))
        return total_bytes(*map(files_on_disk, [*folders, *self._job_folders()])) - checkpoints

    def usage(self) -> Storage:
        """What the owner's runs, drafts and other jobs take of the disk, and the page's copies of uploads."""
        runs, drafts = self._runs.list(self._owner), self._drafts.history.summaries(self._owner)
        folders = self._folders(runs, drafts)
        # Whose the copies are is not known from the disk.
        uploads = {} if self._settings.mode.separate_visitors else files_on_disk(self._settings.uploads_dir)
        jobs = [files_on_disk(folder) for folder in self._job_folders()]
        return Storage(
            total=total_bytes(uploads, *jobs, *map(files_on_disk, folders)),
            runs=tuple(run_storage(Run(self._settings.runs_dir / view.id), view.name) for view in runs),
            drafts=tuple(DraftStorage(draft.id, draft.name, draft.bytes) for draft in drafts),
            uploads=total_bytes(uploads),
            jobs=total_bytes(*jobs),
            free=shutil.disk_usage(self._settings.runs_dir).free,
            checkpoints=total_bytes(*(files for _, files in self._checkpoints(runs))),
            limit=self._settings.checkpoint_bytes,
            expiring_checkpoints=self.expiring_checkpoints(),
        )

    def run_bytes(self, run_id: str) -> int:
        """The size of a run's folder, its checkpoints and its model included."""
        return total_bytes(files_on_disk(self._runs.get(run_id, self._owner).path))

    def find_copies(self, run_ids: Collection[str]) -> Copies:
        """What is deleted together with runs, and where else the files that they were trained on stay."""
        folders = [self._runs.get(run_id, self._owner).path for run_id in run_ids]
        return find_copies(folders, self._drafts.store, self._other_runs(run_ids), self._owner, self._drafts.history.latest(self._owner))

    def delete_trash(self, folder: Path) -> None:
        """Delete what ``RunLibrary.move_to_trash`` returned, and what ``find_copies`` says is deleted with it."""
        with self._drafts.edit_lock, suppress(OSError, UserError):
            latest = self._drafts.history.latest(self._owner)
            for draft in find_copies([folder], self._drafts.store, self._other_runs(()), self._owner, latest).drafts_to_delete:
                self._drafts.remove(draft)
            remove_copies(self._settings.uploads_dir, source_digests(folder), partial(self._drafts.uploads.release, self._owner))
        # Last: until then the next start knows what to look for.
        shutil.rmtree(folder, ignore_errors=True)

    def delete_uploads(self) -> None:
        """Delete the page's copies of all files that the owner has sent, opened or not, but for those that somebody else has sent too."""
        for folder in self._drafts.uploads.release_all(self._owner):
            shutil.rmtree(folder, ignore_errors=True)

    def expiring_checkpoints(self) -> tuple[str, ...]:
        """The ids of the runs whose checkpoints are deleted when the next training ends, as all together take more than the settings allow.

        Those of the oldest go first, whether the training finished or not; an interrupted one has not ended.
        """
        return runs_over_limit(self._settings.checkpoint_bytes, self._checkpoints(self._runs.list(self._owner)))

    def prune_checkpoints(self, just_ended: str) -> None:
        """Delete the checkpoints that ``expiring_checkpoints`` has listed since before the run ``just_ended`` ended."""
        views = [view for view in self._runs.list(self._owner) if view.id != just_ended]
        for run_id in runs_over_limit(self._settings.checkpoint_bytes, self._checkpoints(views)):
            self._remove_checkpoints(Run(self._settings.runs_dir / run_id), _ENDED)

    def delete_checkpoints(self, run_id: str) -> str:
        """Delete the checkpoints of a run, which cannot be trained further then; returns a sentence for the user. The model stays.

        Raises UserError if the run is live, or if its checkpoints are all that is left of its training.
        """
        run = self._runs.get(run_id, self._owner)
        view = self._runs.view(run)
        if view.live:
            doing = "is training" if view.status == "running" else "waits in the queue"
            raise RunError(f"{view.name} {doing} and needs its checkpoints. Stop it first.", code="run_is_live")
        if view.status == "interrupted" or not view.has_model:
            raise RunError(
                f"{view.name} has only its checkpoints to continue from: without them its training would be lost. "
                "Resume it, or delete the whole run if you do not need it.",
                code="states_needed",
            )
        if not self._remove_checkpoints(run, (*_ENDED, "damaged")):
            raise RunError(f"{view.name} has just been resumed, so its checkpoints stay.", code="run_is_live")
        return f"{view.name} can no longer be trained further. Its model, its scores and its curves stay."

    def clear_uploads(self) -> int:
        """Remove the page's copies of uploads that are older than an hour: drafts and runs have their own. Returns the bytes removed."""
        return remove_older(self._settings.uploads_dir, time.time() - _UPLOAD_SECONDS)

    def _folders(self, runs: Sequence[RunView], drafts: Sequence[DraftSummary]) -> list[Path]:
        """The folders of these runs and drafts."""
        return [self._settings.runs_dir / view.id for view in runs] + [self._drafts.store.root / draft.id for draft in drafts]

    def _other_runs(self, run_ids: Collection[str]) -> list[Run]:
        return [Run(self._settings.runs_dir / view.id) for view in self._runs.list(self._owner) if view.id not in run_ids]

    def _checkpoints(self, views: Sequence[RunView]) -> list[tuple[str, Files]]:
        """The checkpoints of the runs that ended, the last one first."""
        ended_views = sorted((v for v in views if v.status in _ENDED), key=lambda v: v.ended_at or v.created, reverse=True)
        return [(view.id, checkpoint_files(Run(self._settings.runs_dir / view.id))) for view in ended_views]

    def _remove_checkpoints(self, run: Run, statuses: Collection[str]) -> bool:
        """Remove the checkpoints of a run that has one of these statuses; whether it still had."""
        # Somebody may be requesting more epochs at this moment.
        with self._admission_lock, maintenance_lock(run.path) as lock:
            if lock is None or self._runs.view(run).status not in statuses:
                return False
            if run.checkpoints.is_dir():
                # All at once: half of them would look like damaged ones.
                remove_folder(run.checkpoints, aside=self._settings.runs_dir)
        return True
