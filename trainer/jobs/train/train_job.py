"""TRAIN: the job type of trainings. The folder of such a job is its run."""

from contextlib import suppress

from trainer.errors import UserError
from trainer.jobs import execution
from trainer.jobs.job_type import JobServices, JobType, Resumption, Turn
from trainer.jobs.queue import Lane
from trainer.jobs.train import pipeline, zero_gpu
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
    settings, queued = services.settings, run.read_view().queued
    processes = 1 if ProcessGroup.from_environment().world_size > 1 or _has_folds(run) else settings.processes or services.machine.devices
    if processes < 2 and not _has_folds(run) and zero_gpu.fits(run) and _is_trained_on_lent_gpu(run, services):
        pass
    elif processes < 2:
        pipeline.run_job(run, services.encoders, save_seconds=settings.save_seconds)
    elif not train_in_processes(run, processes, save_seconds=settings.save_seconds):
        _log_end(run, services.runs, queued)
    with suppress(OSError):
        services.after_training(run)


def _is_trained_on_lent_gpu(run: Run, services: JobServices) -> bool:
    """False if it was not, or not to the end: then it waits, and goes on here."""
    try:
        encoder = pipeline.find_run_encoder(run, run.read_view(), services.encoders)
    except UserError:
        return False  # what is wrong is said where it is trained
    return zero_gpu.train_on_lent_gpu(run, encoder, save_seconds=services.settings.save_seconds)


def _has_folds(run: Run) -> bool:
    """Whether it trains a model for each fold, which one process does."""
    with suppress(UserError):
        return run.recipe().folds is not None
    return False


def _log_end(run: Run, runs: RunStore, queued: float) -> None:
    """Log the end of a run whose processes failed without logging it. One that was to be stopped did not fail: it was cancelled or interrupted. And
    one that was ``queued`` at another time has been resumed since its processes ended."""
    with maintenance_lock(run.path) as lock:
        view = runs.view(run)
        if lock is None or view.status not in ("queued", "interrupted") or view.queued != queued:
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
