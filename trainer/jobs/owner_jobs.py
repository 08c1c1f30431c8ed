"""OwnerJobs: the jobs of one owner, of whatever type: start, list, progress, stop, resume, wait, result.

What is special to trainings is in ``Workspace``, which hands their stop, resume and wait to this.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from trainer.errors import RunError, UserError
from trainer.jobs import execution
from trainer.jobs.job import Job, JobRecord
from trainer.jobs.job_type import JobServices, ResumeRequest
from trainer.jobs.queue import Delay, JobQueue
from trainer.jobs.queue_limits import check_job_capacity
from trainer.jobs.store import JobStore
from trainer.runs.writer_lock import is_being_written, maintenance_lock
from trainer.settings import disk_errors_as_user_error

_POLL_SECONDS = 1.0
"""How late ``wait`` may see what another process does with a job."""


class OwnerJobs:
    """Jobs of others do not exist in it: UserError ``unknown_job``, as for ids that were never given out."""

    def __init__(
        self, store: JobStore, queue: JobQueue, services: JobServices, owner: str, admit: Callable[[], None] = lambda: None
    ) -> None:
        """``admit`` raises UserError if the owner may start no job now."""
        self._admit = admit
        self._store = store
        self._queue = queue
        self._services = services
        self._settings = services.settings
        self._owner = owner

    def start(self, job_type: str, *, name: str, parameters: Mapping[str, Any], fill: Callable[[Path], None] = lambda _: None) -> Job:
        """Queue a job that is no training and return at once; ``fill`` and ``parameters`` as in ``create_folder``. Pressed twice with the same
        parameters, there is one job.

        Raises UserError ``queue_full``, ``disk_full`` or ``disk_not_writable``.
        """
        self._settings.ensure_writable()
        with self._queue.admission:
            jobs = self._store.list_folders(self._owner)
            for job in jobs:
                if job.live and not job.stop_requested and (job.type, job.parameters) == (job_type, parameters):
                    return job
            chosen = self._store.type_named(job_type)
            if chosen.takes_a_place:
                self._admit()
                counted = [job for job in jobs if (known := self._store.find_type(job)) is not None and known.takes_a_place]
                check_job_capacity(self._settings, counted, sum(job.status == "queued" for job in self._store.list_live()))
            with disk_errors_as_user_error(self._settings):
                record = self._store.create(chosen, owner=self._owner, name=name, parameters=parameters, fill=fill)
            self._queue.put(record.id)
        return self._store.view(record)

    def list_folders(self) -> list[Job]:
        """The owner's jobs that are no trainings, in any order."""
        return self._store.list_folders(self._owner)

    def list(self) -> list[Job]:
        """The owner's jobs of all types, trainings included, newest first; each with its progress and, once finished, its result."""
        return self._store.list_jobs(self._owner)

    def get(self, job_id: str) -> Job:
        """The present state of a job."""
        return self._store.view(self._record(job_id))

    def result(self, job_id: str) -> Mapping[str, Any]:
        """The result of a job that has one. Raises UserError ``no_result`` for others."""
        job = self.get(job_id)
        if job.result is None:
            why = job.message or f"It is {job.status}."
            raise RunError(f"{job.name} has no result. {why}", code="no_result")
        return job.result

    def position(self, job_id: str) -> int | None:
        """How many jobs of this server are done before a waiting one; None if it is not waiting here."""
        return self._queue.position(job_id) if self._owns(job_id) else None

    def delay(self, job_id: str) -> Delay | None:
        """Why a waiting job of this server could not begin when it was its turn, and when it is tried again; None if nothing delays it."""
        return self._queue.delay(job_id) if self._owns(job_id) else None

    def stop(self, job_id: str) -> Job:
        """Request that a job stops, as its type says; a waiting one leaves the queue."""
        record = self._record(job_id)
        was_queued = self._queue.discard(job_id)
        try:
            if (was_queued or self._is_orphaned(record)) and self._cancel(record):
                return self._store.view(record)
            # The process that holds its lock, or gets it next, reads the request.
            if self._store.view(record).live:
                with disk_errors_as_user_error(self._settings):
                    record.request_stop()
        finally:
            if was_queued and self._store.view(record).status == "queued":
                self._queue.put(job_id)
            self._queue.notify()
        return self._store.view(record)

    def resume(self, job_id: str, *, admit: Callable[[], None] = lambda: None, **choices: Any) -> Job:
        """Let a job that has ended or was interrupted go on, as its type says; it waits for its turn like any other. ``choices`` are the type's,
        and ``admit`` raises UserError if none may go on now; it is called only if this one is to be queued.

        The job that goes on is returned, which may be a new one. Raises UserError if it cannot go on. Pressed twice, it goes on once.
        """
        record = self._record(job_id)
        self._settings.ensure_writable()
        with self._queue.admission, self._store.exclusive_access(record) as (view, lock):
            job = self._store.view(record)
            if view.live:
                if lock and job.status == "queued" and self._is_orphaned(record):
                    # It was made for this process, or the process that made it is gone.
                    record.clear_stop()
                    lock.close()
                    self._queue.put(job.id)
                return job
            next_id = self._resume(job, record, admit, choices)
            # Its turn may come at once.
            lock.close()
            self._queue.put(next_id)
        return self.get(next_id)

    def wait(self, job_id: str, seconds: float) -> Job:
        """Sleep until a job has ended, also what this process does after its end, ``seconds`` at most, and return its state."""
        record, deadline = self._record(job_id), time.monotonic() + seconds
        while True:
            changes, is_here = self._queue.changes, self._queue.has(record.id)
            # Read after that: what is done after the end is part of it.
            job = self._store.view(record)
            left = deadline - time.monotonic()
            if left <= 0 or not (job.live or is_here):
                return job
            self._queue.wait(changes, min(left, _POLL_SECONDS))

    def _record(self, job_id: object) -> JobRecord:
        return self._store.get(job_id, self._owner)

    def _owns(self, job_id: object) -> bool:
        with suppress(UserError):
            return self._record(job_id).id == job_id
        return False

    def _is_orphaned(self, record: JobRecord) -> bool:
        """Whether a waiting job is in no queue of this process and has no writer anywhere."""
        return not self._queue.has(record.id) and not is_being_written(record.path)

    def _cancel(self, record: JobRecord) -> bool:
        """Cancel a waiting job; False if it does not wait any more, or if another process holds its lock."""
        with maintenance_lock(record.path) as lock, disk_errors_as_user_error(self._settings):
            if lock is None or self._store.view(record).status != "queued":
                return False
            execution.cancel(record)
        return True

    def _resume(self, job: Job, record: JobRecord, admit: Callable[[], None], choices: Mapping[str, Any]) -> str:
        job_type = self._store.find_type(job)
        if job_type is None:
            raise RunError(job.message, code="job_damaged")
        with disk_errors_as_user_error(self._settings):
            return job_type.resume(ResumeRequest(job_type, job, record, self._services, choices, admit))
