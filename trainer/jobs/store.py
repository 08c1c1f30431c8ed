"""JobStore: all jobs of a runs folder: trainings, each of which is a run, and all others, each of which has a folder in ``jobs/``.

Reads and creates; whoever changes a job has its lock.
"""

import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainer.atomic import REMOVED_PREFIX, remove_folder
from trainer.cache import SingleFlightCache
from trainer.errors import NotFoundError
from trainer.jobs.job import Job, JobRecord, Progress
from trainer.jobs.job_folder import JobFolder, create_folder
from trainer.jobs.job_type import JobType, Resumption
from trainer.jobs.queue import Lane
from trainer.jobs.train.train_job import TRAIN
from trainer.runs.event_types import Queued
from trainer.runs.exclusive_access import exclusive_access
from trainer.runs.ids import is_id
from trainer.runs.run import Run
from trainer.runs.seal import file_signature
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.runs.writer_lock import is_being_written, maintenance_lock

MAX_ENDED_JOBS = 100
"""Of one owner, trainings not counted; older ones are removed when a new one is created."""
_MAX_VIEWS = 3 * MAX_ENDED_JOBS
MAX_STARTS = 2
"""Starts without any progress after which an interrupted job does not go on by itself: it may be what ends the server."""


class JobStore:
    """The jobs of one runs folder."""

    def __init__(self, runs: RunStore, job_types: Iterable[JobType]) -> None:
        self._runs = runs
        self._types = {job_type.name: job_type for job_type in job_types}
        self.root = runs.root / "jobs"
        self._views: SingleFlightCache[Job] = SingleFlightCache(_MAX_VIEWS)
        """What the log of a job says, by its folder and the signature of its log: a page that watches one job asks for all of them each second."""

    def type_named(self, name: str) -> JobType:
        """The type with this name. Raises KeyError for an unknown one."""
        return self._types[name]

    def find_type(self, job: Job) -> JobType | None:
        """The type of a job; None if it is unknown, or lost with the beginning of the job's log."""
        return self._types.get(job.type)

    def record(self, job_id: str) -> JobRecord:
        """The folder of a job, which may be missing."""
        run = Run(self._runs.root / job_id)
        return run if run.path.is_dir() else JobFolder(self.root / job_id)

    def lane_of(self, job_id: str) -> Lane:
        """The lane in which a job waits. Never raises."""
        job_type = self.find_type(self.view(self.record(job_id)))
        return Lane.TRAINING if job_type is None else job_type.lane

    def owner_of(self, job_id: str) -> str:
        """Whose job it is. Never raises."""
        return self.view(self.record(job_id)).owner

    def view(self, record: JobRecord) -> Job:
        """The present state of a job. Never raises."""
        if isinstance(record, Run):
            return self._with_words(_training_job(record, self._runs.view(record)))
        job = self._read(record)
        if job.status == "running" and not is_being_written(record.path):
            # Its end may have been logged between the two.
            job = self._read(record)
            job = replace(job, status="interrupted", progress=None) if job.status == "running" else job
        return self._with_words(replace(job, stop_requested=job.live and record.is_stop_requested()))

    def _read(self, record: JobFolder) -> Job:
        job = self._views.get((record.path, *file_signature(record.log.path)), record.read_view)
        # Whether a log may be read does not show in its signature.
        return record.read_view() if job.status == "damaged" else job

    def get(self, job_id: object, owner: str) -> JobRecord:
        """The folder of the owner's job with this id. Raises UserError ``unknown_job``; for jobs of other owners too."""
        if is_id(job_id):
            record = self.record(str(job_id))
            if record.path.is_dir() and self.view(record).owner == owner:
                return record
        raise NotFoundError("There is no such job. Choose one from the list.", code="unknown_job")

    def exclusive_access(self, record: JobRecord) -> AbstractContextManager[tuple[Any, ExitStack | None]]:
        """``exclusive_access`` of a job; the view is that of a run for a training."""
        return exclusive_access(self._runs, record) if isinstance(record, Run) else exclusive_access(self, record)

    def list_jobs(self, owner: str) -> list[Job]:
        """The owner's jobs of all types, newest first."""
        jobs = [*map(self._training, self._runs.list(owner)), *self.list_folders(owner)]
        return sorted(jobs, key=lambda job: (job.created, job.id), reverse=True)

    def list_live(self) -> list[Job]:
        """The jobs of all types and owners that wait or run, in any order."""
        return [job for job in (*map(self._training, self._runs.list_all()), *self.list_all()) if job.live]

    def list_folders(self, owner: str) -> list[Job]:
        """The owner's jobs that are no trainings, in any order."""
        return [job for job in self.list_all() if job.owner == owner]

    def owners(self) -> set[str]:
        """All owners of jobs that are no trainings."""
        return {job.owner for job in self.list_all()}

    def create(
        self, job_type: JobType, *, owner: str, name: str, parameters: Mapping[str, Any], fill: Callable[[Path], None] = lambda _: None
    ) -> JobFolder:
        """A queued job in a new folder; see ``create_folder``. Removes the owner's oldest ended jobs beyond MAX_ENDED_JOBS. Raises OSError."""
        ended = sorted((job for job in self.list_folders(owner) if not job.live), key=lambda job: job.created, reverse=True)
        for job in ended[MAX_ENDED_JOBS:]:
            with suppress(OSError):
                remove_folder(job.folder)
        return create_folder(self.root, job_type=job_type.name, owner=owner, name=name, parameters=parameters, fill=fill)

    def clean_up(self, created_before: float) -> None:
        """At a server's start: remove what a crash left of folders being removed and, if older (Unix time), of folders being created."""
        for folder in self.root.glob(".*"):
            with suppress(OSError):
                is_old = folder.name.startswith(".new-") and folder.stat().st_mtime < created_before
                if is_old or folder.name.startswith(REMOVED_PREFIX):
                    shutil.rmtree(folder, ignore_errors=True)

    def waiting(self) -> list[Job]:
        """At a server's start: the jobs of all owners that are to be queued, first in, first out.

        Interrupted ones whose type goes on by itself are queued in their logs, unless they have started MAX_STARTS times without progress.
        """
        for job in self.list_all():
            if job.status != "damaged" and self._goes_on(job):
                with suppress(OSError), maintenance_lock(job.folder) as lock:
                    record = JobFolder(job.folder)
                    if lock is not None and self.view(record).status == "interrupted":
                        record.log.append(Queued(), durable=True)
        jobs = [*map(self._training, self._runs.list_all()), *self.list_all()]
        return sorted((job for job in jobs if job.status == "queued"), key=lambda job: (job.queued, job.created))

    def list_all(self) -> list[Job]:
        """The jobs of all owners that are no trainings, in any order."""
        return [self.view(JobFolder(path)) for path in self.root.glob("*") if is_id(path.name)]

    def _training(self, view: RunView) -> Job:
        return self._with_words(_training_job(Run(self._runs.root / view.id), view))

    def _goes_on(self, job: Job) -> bool:
        """Whether an interrupted job goes on by itself."""
        if job.status != "interrupted" or self._types[job.type].resumption is not Resumption.AUTOMATIC:
            return False
        return job.starts_without_progress < MAX_STARTS and not self.record(job.id).is_stop_requested()

    def _with_words(self, job: Job) -> Job:
        """The job with what its type says about its state."""
        job_type = self.find_type(job)
        if job_type is None:
            message = job.message or f"This version does not know jobs of the type {job.type}. Use the version that made it."
            return replace(job, status="damaged", message=message, code="job_damaged", stop_requested=False)
        if job.status != "interrupted" or job.message or self._goes_on(job):
            return job
        if job_type.resumption is not Resumption.AUTOMATIC:
            return replace(job, message=job_type.words.interrupted)
        why = f"was interrupted {job.starts_without_progress} times without getting any further"
        if job.starts_without_progress < MAX_STARTS:
            why = "was to be stopped when it was interrupted"
        return replace(job, message=f"It {why}, so it does not go on by itself. Resume it to let it go on.")


def _training_job(run: Run, view: RunView) -> Job:
    """A run as a job; its result is the run."""
    progress = None
    if view.status == "running":
        progress = Progress(view.phase or "training", view.last_logged_step / view.total_steps if view.total_steps else None)
    return Job(
        id=view.id,
        type=TRAIN.name,
        owner=view.owner,
        name=view.name,
        folder=run.path,
        status=view.status,
        created=view.created,
        queued=view.queued,
        ended_at=view.ended_at,
        progress=progress,
        stop_requested=view.stop_requested,
        message=view.message,
        code=view.code,
        result={"run": view.id} if view.has_model and not view.live else None,
    )
