"""JobRunner: does the jobs of a queue, each as its type says, and makes sure that a job's log says how it ended."""

from collections.abc import Callable
from contextlib import suppress

from trainer.errors import is_failure
from trainer.jobs import execution
from trainer.jobs.job_type import JobServices, Resumption, Turn
from trainer.jobs.owner_jobs import OwnerJobs
from trainer.jobs.queue import JobQueue
from trainer.jobs.store import JobStore


class JobRunner:
    """Owns the queue of one runs folder; trainings and short jobs have a thread each."""

    def __init__(self, store: JobStore, services: JobServices) -> None:
        self._store = store
        self._services = services
        self.queue = JobQueue(self.run, store.lane_of, store.owner_of, still_waits=self._waits)

    def run(self, job_id: str) -> str:
        """Do a job whose turn it is. Returns "", or why it could not begin and still waits; never raises, so the next jobs are done."""
        if not self._services.settings.runs_dir.is_dir():
            # A disk that was unplugged comes back with all queued jobs.
            return "the folder of all runs is not there"
        record = self._store.record(job_id)
        job = self._store.view(record)
        # Another process on the same folder may have taken it meanwhile.
        if job.status != "queued":
            return ""
        job_type = self._store.type_named(job.type)
        reason = f"another process is writing this {job_type.words.record}"
        try:
            # A measurement beside a job would be too slow, and it would slow the job.
            with self._services.machine.speeds.no_measurement(), execution.time_limit(record, self._services.settings.max_training_seconds):
                job_type.run(Turn(job_type, record, self._services, self.queue.notify))
        except OSError as error:
            execution.record_failure(record, error, execution.describe_disk_error(error, job_type.words), "disk")
            reason = f"its folder cannot be written ({error.strerror or error})"
        except BaseException as error:
            if not is_failure(error):
                raise
            message = f"The {job_type.words.noun} could not begin. {execution.what_to_do(job_type.words)}"
            execution.record_failure(record, error, message, "unexpected")
            reason = "it could not start, and this could not be written into its folder"
        return reason if self._waits(job_id) else ""

    def _waits(self, job_id: str) -> bool:
        return self._store.view(self._store.record(job_id)).status == "queued"

    def for_owner(self, owner: str, admit: Callable[[], None] = lambda: None) -> OwnerJobs:
        """The jobs of one owner; ``admit`` raises UserError if no job may be started now."""
        return OwnerJobs(self._store, self.queue, self._services, owner, admit)

    def recover(self) -> None:
        """At a server's start: queue the jobs of all owners that wait, and those that go on after a restart."""
        for job in self._store.waiting():
            self.queue.put(job.id)

    def close(self) -> None:
        """Stop what is under way and end the threads after it; jobs that have not begun, and those that go on, wait for the next server."""
        records = [self._store.record(job_id) for job_id in self.queue.close()]
        before = [(record, self._store.view(record)) for record in records]
        for record in records:
            with suppress(OSError):  # its folder may have been removed
                record.request_stop()
        self.queue.join()
        for record, job in before:
            # A job that a user has stopped does not go on.
            if job.live and not job.stop_requested:
                goes_on = self._store.type_named(job.type).resumption is Resumption.AUTOMATIC
                with suppress(OSError):
                    execution.requeue(record, also_stopped=goes_on)
