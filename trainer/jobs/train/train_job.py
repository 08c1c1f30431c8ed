"""TRAIN: the job type of trainings. The folder of such a job is its run."""

from contextlib import suppress

from trainer.jobs import execution
from trainer.jobs.job_type import JobType, Resumption, Turn
from trainer.jobs.queue import Lane
from trainer.jobs.train import pipeline
from trainer.jobs.train.resume_training import resume_training
from trainer.jobs.train.torchrun import OUTPUT, train_in_processes
from trainer.runs.event_types import Failed
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.runs.writer_lock import maintenance_lock
from trainer.training.distributed import ProcessGroup

_PROCESSES_FAILED = (
    "One of the processes that share the training has failed. Resume the run: it continues from its last checkpoint. If it fails again, "
    f"the file {OUTPUT} in the run's folder contains the reason."
)


def train(turn: Turn) -> None:
    """Train a queued run in this thread, or in a process for each GPU."""
    services, run = turn.services, Run(turn.record.path)
    settings = services.settings
    processes = 1 if ProcessGroup.from_environment().world_size > 1 else settings.processes or services.machine.devices
    if processes < 2:
        pipeline.run_job(run, services.encoders, save_seconds=settings.save_seconds)
    elif not train_in_processes(run, processes, save_seconds=settings.save_seconds):
        _log_end(run, services.runs)
    with suppress(OSError):
        services.prune(run)


def _log_end(run: Run, runs: RunStore) -> None:
    """Log the end of a run whose processes failed without logging it. One that was to be stopped did not fail: it was cancelled or interrupted."""
    with maintenance_lock(run.path) as lock:
        view = runs.view(run)
        if lock is None or view.status not in ("queued", "interrupted"):
            return
        if not run.is_stop_requested():
            run.log.append(Failed(message=_PROCESSES_FAILED, code="unexpected"), durable=True)
        elif view.status == "queued":
            execution.cancel(run)


TRAIN = JobType(
    name="train",
    lane=Lane.TRAINING,
    run=train,
    words=pipeline.WORDS,
    resumption=Resumption.ON_REQUEST,
    resume=resume_training,
)
