"""JobType: the one description of a kind of job: its lane, how it runs and stops, whether it goes on, and what it says if it cannot.

The types there are stand in registry.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from trainer.data.reader.file_reader import TableReader
from trainer.errors import RunError
from trainer.jobs.job import Job, JobRecord
from trainer.jobs.queue import Lane
from trainer.runs.event_types import Queued
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.settings import Settings
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.machine import Machine


@dataclass(frozen=True)
class JobServices:
    """What the work of any job may use."""

    settings: Settings
    runs: RunStore
    encoders: EncoderCatalogue
    machine: Machine
    after_training: Callable[[Run], None]
    """Called when the training of a run has ended, however it did: frees disk space."""
    reader: TableReader


class Resumption(Enum):
    """Whether a job that did not finish goes on from what its folder holds."""

    AUTOMATIC = "automatic"
    """At the next start of the server, and when asked."""
    ON_REQUEST = "on request"
    NEVER = "never"


@dataclass(frozen=True)
class JobWords:
    """What messages about a type of job say."""

    noun: str
    """What is done: "training"."""
    record: str = "job"
    """What its folder holds: "run"."""
    stops: str = "after its current part"
    """When a stop takes effect and what it leaves, as the end of a sentence."""
    again: str = "Start it again."
    """What to do after a failure, as a sentence."""
    disk_advice: str = "start it again"
    """What to do once the disk is fine, as the end of a sentence."""
    interrupted: str = "It was interrupted when the server ended, and cannot go on in the middle. Start it again."
    """What a job says that was interrupted and does not go on by itself."""


@dataclass(frozen=True)
class Turn:
    """A job whose turn it is, for ``JobType.run``."""

    type: "JobType"
    record: JobRecord
    services: JobServices
    notify: Callable[[], None]
    """Tells pages and others that wait that the job got further."""


def queue_again(request: "ResumeRequest") -> str:
    """The ``resume`` of types whose jobs go on in their own folder. UserError ``already_finished``, ``cannot_resume``, ``job_damaged``."""
    job, job_type = request.job, request.type
    if job.status == "damaged":
        raise RunError(job.message, code="job_damaged")
    if job.status == "finished":
        raise RunError(f"{job.name} is finished. Start a new {job_type.words.record} to do it again.", code="already_finished")
    if job_type.resumption is Resumption.NEVER:
        raise RunError(job_type.words.interrupted, code="cannot_resume")
    request.admit()
    request.record.clear_stop()
    request.record.log.append(Queued(), durable=True)
    return job.id


@dataclass(frozen=True)
class JobType:
    """One kind of job.

    ``run`` does the work of a queued job and records in its log how it ended, through ``execution.take_turn``; it leaves the job queued if
    another process holds its lock. ``job_folder.in_this_thread`` makes it from a function. A job that is resumed is run again with its
    folder: what it does with what it finds there is its own affair.

    Jobs of the short lane run beside a training, which must end with the same bytes: they draw no numbers from the global generators of
    random, numpy and torch, and set no number of threads.
    """

    name: str
    lane: Lane
    run: Callable[[Turn], None]
    words: JobWords
    resumption: Resumption
    takes_a_place: bool = True
    """Whether a waiting one counts among those that an owner may have; not if it was not asked for."""
    resume: Callable[["ResumeRequest"], str] = queue_again
    """Lets a job that has ended, or its continuation, wait in the log again; returns the id to put into the queue. The job's lock is held.
    Raises UserError if it cannot go on."""


@dataclass(frozen=True)
class ResumeRequest:
    """A job that has ended and is to go on."""

    type: JobType
    job: Job
    record: JobRecord
    services: JobServices
    choices: Mapping[str, Any]
    """What the caller of ``OwnerJobs.resume`` chose."""
    admit: Callable[[], None]
    """Raises UserError if none may go on now, and counts it: called last, when it is sure to go on."""
