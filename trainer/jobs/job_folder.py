"""The folder of a job that is no training: its log, what it was asked, and whatever its work keeps there to go on after a restart.

Knows no queue and no types; ``in_this_thread`` lets a function work in it.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from trainer.atomic import make_folder, move, sync_tree
from trainer.jobs.execution import take_turn
from trainer.jobs.job import Job, Progress
from trainer.jobs.job_type import JobServices, Turn
from trainer.runs.event_schema import Event
from trainer.runs.event_types import End, Finished, JobCreated, Progressed, Queued, Started, Stopped
from trainer.runs.events import EventLog, LogContent, parse
from trainer.runs.ids import random_id
from trainer.runs.run_files import LOG
from trainer.runs.stop_request import StoppableFolder
from trainer.settings import LOCAL_OWNER

_LOGGED_STEP = 0.002
"""The part of a job after which its progress is logged again: at most 500 lines for an attempt, however often it is reported."""


class JobStopped(Exception):
    """Raised by a job's work when it ends because of a stop; the text says what is done, for the user."""


@dataclass(frozen=True)
class JobFolder(StoppableFolder):
    """A JobRecord."""

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def log(self) -> EventLog:
        return EventLog(self.path / LOG)

    @property
    def traceback(self) -> Path:
        """Where the traceback of an unexpected error is written; it never goes to the page."""
        return self.path / "error.log"

    def read_view(self) -> Job:
        """What the log says; a job that started and has not ended is "running". Never raises."""
        try:
            return build_job(self.path, parse(self.log.content()))
        except OSError as error:
            return _damaged(self.path, f"Its log cannot be read ({error.strerror or error}). Allow reading it.")


def create_folder(
    root: Path, *, job_type: str, owner: str, name: str, parameters: Mapping[str, Any], fill: Callable[[Path], None]
) -> JobFolder:
    """Make the folder of a queued job in ``root``, completely or not at all; it is on the disk when this returns. Raises OSError,
    and ValueError for parameters that the log cannot hold.

    ``fill`` writes what the job needs into the given folder; ``parameters`` are JSON values, a megabyte at most, with texts of at most 10,000
    characters: larger ones belong into a file.
    """
    job_id = random_id()
    partial_folder, target = root / f".new-{job_id}", root / job_id
    make_folder(partial_folder)
    try:
        fill(partial_folder)
        log = EventLog(partial_folder / LOG)
        log.append(JobCreated(job=job_id, job_type=job_type, owner=owner, name=name, parameters=parameters))
        log.append(Queued())
        sync_tree(partial_folder)
        move(partial_folder, target)
    except BaseException:
        for folder in (partial_folder, target):
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return JobFolder(target)


def build_job(folder: Path, content: LogContent) -> Job:
    """The job with these events. Never raises: a job whose log has lost its beginning is "damaged" and belongs to the local owner."""
    job = Job(id=folder.name, type="", owner=LOCAL_OWNER, name="", folder=folder, status="damaged")
    for event in content.events:
        job = _after(job, event)
    if not job.type or job.id != folder.name:
        return _damaged(folder, "Its log has lost its beginning, or is that of another job. Start it again.")
    queued_at = max((position for position, event in enumerate(content.events, 1) if isinstance(event, Queued)), default=0)
    if job.status == "queued" and any(position >= queued_at for position in content.damaged):
        # It may have started or even ended. What was damaged before somebody resumed it no longer matters.
        return replace(job, status="running")
    return job


def _damaged(folder: Path, message: str) -> Job:
    return Job(folder.name, "", LOCAL_OWNER, f"damaged job {folder.name[:8]}", folder, "damaged", message=message, code="job_damaged")


def _after(job: Job, event: Event) -> Job:
    """The job after one more event; those of other logs change nothing."""
    match event:
        case JobCreated():
            facts = {"id": event.job, "type": event.job_type, "owner": event.owner, "name": event.name, "parameters": event.parameters}
            return replace(job, created=event.time, **facts)
        case Queued():
            return replace(job, status="queued", queued=event.time, progress=None, message="", code="", ended_at=None)
        case Started():
            return replace(job, status="running", starts_without_progress=job.starts_without_progress + 1)
        case Progressed():
            return replace(job, progress=Progress(event.what, event.done), starts_without_progress=0)
        case End():
            result = event.result or {} if isinstance(event, Finished) else None
            facts = {"message": event.message or "", "code": event.code or "", "result": result}
            return replace(job, status=event.type, progress=None, ended_at=event.time, starts_without_progress=0, **facts)
    return job


class RunningJob:
    """What the work of a job is handed."""

    def __init__(self, turn: Turn, folder: JobFolder) -> None:
        self.folder = folder.path
        """Whatever is written here must go through ``atomic.py``: after a kill the work begins again with what is there."""
        self.parameters = folder.read_view().parameters
        self.services: JobServices = turn.services
        self._record = folder
        self._notify = turn.notify
        self._reported: Progress | None = None

    def report(self, what: str, done: float | None = None) -> None:
        """Say what is being done, as the end of a sentence, and which fraction of the job is done (0..1). Raises OSError."""
        last = self._reported
        small_step = done is not None and last is not None and last.done is not None and 0 <= done - last.done < _LOGGED_STEP
        if last is not None and last.what == what and (done == last.done or small_step):
            return
        self._reported = Progress(what, done)
        self._record.log.append(Progressed(what=what, done=done))
        self._notify()

    def is_stop_requested(self) -> bool:
        """Whether the work should save what it has and raise JobStopped. Cheap enough for every block of work."""
        return self._record.is_stop_requested()


def in_this_thread(work: Callable[[RunningJob], Mapping[str, Any]]) -> Callable[[Turn], None]:
    """The ``JobType.run`` of jobs whose ``work`` runs in the thread of their lane and returns the result, as JSON values.

    It raises JobStopped after a stop and UserError for what the user can fix; other exceptions are recorded as unexpected.
    """

    def run(turn: Turn) -> None:
        folder = JobFolder(turn.record.path)
        take_turn(folder, partial(_work_and_record, work, turn, folder), turn.type.words)

    return run


def _work_and_record(work: Callable[[RunningJob], Mapping[str, Any]], turn: Turn, folder: JobFolder) -> None:
    folder.log.append(Started(), durable=True)
    turn.notify()
    try:
        result = work(RunningJob(turn, folder))
    except JobStopped as stopped:
        folder.log.append(Stopped(message=f"{folder.stop_reason()} {stopped}".strip()), durable=True)
    else:
        folder.log.append(Finished(result=result), durable=True)
