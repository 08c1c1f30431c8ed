"""A toy type of job, which shows what a new one takes: it counts, saves how far it is, and goes on from there."""

import threading
from collections.abc import Mapping
from typing import Any

from tests.workspace.steps import TIMEOUT_SECONDS
from trainer.atomic import write_file
from trainer.jobs.job_folder import JobStopped, RunningJob, in_this_thread
from trainer.jobs.job_type import JobType, JobWords, Resumption
from trainer.jobs.queue import Lane

TO = 4


class Counting:
    """Counts, each number once a test allows it, so that no test needs a clock."""

    def __init__(self) -> None:
        self.starts: list[tuple[str, int]] = []
        """The id of each job that has started, and the number from which it went on."""
        self.error: BaseException | None = None
        """If set, raised once the next number is allowed."""
        self._allowed = 0
        self._changed = threading.Condition()

    def job_type(self, lane: Lane, resumption: Resumption) -> JobType:
        words = JobWords(noun="count", interrupted="A count cannot go on in the middle. Start it again.")
        return JobType("count", lane, in_this_thread(self.work), words, resumption)

    def work(self, job: RunningJob) -> Mapping[str, Any]:
        """Count to ``parameters["to"]`` from the number in the job's folder."""
        file, to = job.folder / "number", job.parameters["to"]
        number = int(file.read_text()) if file.exists() else 0
        with self._changed:
            self.starts.append((job.folder.name, number))
            self._changed.notify_all()
        while number < to:
            self._wait_until_allowed(number + 1)
            if job.is_stop_requested():
                raise JobStopped(f"{number} of {to} counted.")
            number += 1
            write_file(file, str(number).encode())
            job.report("counting", number / to)
        return {"counted": number}

    def allow(self, number: int = TO + 1) -> None:
        """Let all jobs count up to this number."""
        with self._changed:
            self._allowed = number
            self._changed.notify_all()

    def wait_until_started(self, job_id: str) -> None:
        with self._changed:
            started = self._changed.wait_for(lambda: job_id in [job for job, _ in self.starts], timeout=TIMEOUT_SECONDS)
        assert started, "the job never began"

    def _wait_until_allowed(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._allowed >= number or self.error is not None, timeout=TIMEOUT_SECONDS)
        if self.error is not None:
            raise self.error
