"""One attempt at a job, under the lock of its folder, so that its log says how it ended.

The same for every type of job, in the server and in the processes of torchrun. Knows no queue.
"""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from trainer.errors import NoMemoryError, UserError, is_failure, traceback_without_texts
from trainer.jobs.job import JobRecord
from trainer.jobs.job_type import JobWords
from trainer.runs.event_types import Cancelled, Failed, Queued, Stopped
from trainer.runs.writer_lock import maintenance_lock, writer_lock
from trainer.text_format import approximate_duration
from trainer.timer import call_after


def take_turn(record: JobRecord, work: Callable[[], None], words: JobWords, *, skip: Callable[[], None] = lambda: None) -> bool:
    """Do the work of a queued job in this thread; returns False if another process holds its lock, so that it must wait.

    Never raises if the work fails: the log records the failure as a message, and a file holds its traceback. A job whose stop was requested
    is cancelled; ``skip`` is called before if there is nothing to do. Raises OSError if the lock cannot be taken at all.
    """
    with writer_lock(record.path) as acquired:
        if not acquired:
            return False
        # Only the lock makes this certain: another process may just have done the job or cancelled it.
        status = record.read_view().status
        if status == "queued" and not record.is_stop_requested():
            with _failures_recorded(record, words):
                work()
            return True
        skip()
        if status == "queued":
            cancel(record)
    return True


def cancel(record: JobRecord) -> None:
    """Take a queued job out of the queue for good; the caller holds its lock. Raises OSError."""
    record.log.append(Cancelled(message="Taken out of the queue."), durable=True)


def requeue(record: JobRecord, *, also_stopped: bool) -> None:
    """Let a job wait for the next server if this one has cancelled it before its start or, with ``also_stopped``, has stopped it. Raises OSError."""
    with maintenance_lock(record.path) as lock:
        if lock is None:
            return
        events = list(record.log.read())
        last = events[-1] if events else None
        was_ended = isinstance(last, Cancelled) or (also_stopped and isinstance(last, Stopped))
        if not was_ended and record.read_view().status != "queued":
            return
        record.clear_stop()
        if was_ended:
            # As it was queued before, but now.
            queued = next((event for event in reversed(events) if isinstance(event, Queued)), Queued())
            record.log.append(queued.replace(time=None), durable=True)


def record_failure(record: JobRecord, error: BaseException, message: str, code: str, *, retry_texts_at_a_time: int | None = None) -> None:
    """Write the end of a failed job: first the message, then the traceback of the error.

    On a full disk either may fail; without the message the job counts as interrupted.
    """
    with suppress(OSError):
        record.log.append(Failed(message=message, code=code, retry_texts_at_a_time=retry_texts_at_a_time), durable=True)
    with suppress(OSError):
        record.traceback.write_text(traceback_without_texts(error), encoding="utf-8")


def what_to_do(words: JobWords) -> str:
    """What to do after an unexpected failure."""
    return f"{words.again} If it fails again, the file error.log in the {words.record}'s folder has the details for the person who runs this program."


def describe_disk_error(error: OSError, words: JobWords) -> str:
    """What a user should know about a file that could not be written or read."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"The disk is full, so the {words.noun} could not be saved. Free some space and {words.disk_advice}."
    return f"A file could not be written or read ({error.strerror or error}). Fix that and {words.disk_advice}."


@contextmanager
def time_limit(record: JobRecord, seconds: float, gives: str = "this server gives to one") -> Iterator[None]:
    """Request that a job stops if the block takes longer; 0 is no limit. ``gives``: who sets the limit, in the sentence that tells it."""
    if not seconds:
        yield
        return
    limit = approximate_duration(seconds)

    def stop() -> None:
        with suppress(OSError):  # its folder may have been removed
            record.request_stop(f"It ended after {limit}, the most that {gives}.")

    with call_after(seconds, stop):
        yield


@contextmanager
def _failures_recorded(record: JobRecord, words: JobWords) -> Iterator[None]:
    try:
        yield
    except NoMemoryError as error:
        record_failure(record, error, error.message, error.code, retry_texts_at_a_time=error.retry_texts_at_a_time)
    except UserError as error:
        record_failure(record, error, error.message, error.code)
    except OSError as error:
        record_failure(record, error, describe_disk_error(error, words), "disk")
    except BaseException as error:
        if not is_failure(error):
            raise
        record_failure(record, error, f"The {words.noun} failed unexpectedly. {what_to_do(words)}", "unexpected")
