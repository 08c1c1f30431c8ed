"""TrainingRunner: runs one queued training, in this thread or in a process for each GPU, and makes sure that the run's log says how it ended."""

from collections.abc import Callable
from contextlib import suppress

from trainer.jobs.train import pipeline
from trainer.jobs.train.torchrun import OUTPUT, train_in_processes
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.runs.writer_lock import maintenance_lock
from trainer.settings import Settings
from trainer.training.distributed import ProcessGroup
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.machine import Machine

_PROCESSES_FAILED = (
    "One of the processes that share the training has failed. Resume the run: it continues from its last checkpoint. If it fails again, "
    f"the file {OUTPUT} in the run's folder contains the reason."
)


class TrainingRunner:
    """Trains the runs of one runs folder. ``prune`` frees disk space after the training of a run."""

    def __init__(
        self, settings: Settings, runs: RunStore, encoders: EncoderCatalogue, machine: Machine, prune: Callable[[Run], None]
    ) -> None:
        self._settings = settings
        self._runs = runs
        self._encoders = encoders
        self._machine = machine
        self._prune = prune

    def run(self, run_id: str) -> str:
        """Train a run whose turn it is. Returns "", or why it could not begin and still waits; never raises, so the next runs are trained."""
        run, reason = Run(self._settings.runs_dir / run_id), "another process is writing this run"
        if not self._settings.runs_dir.is_dir():
            # A disk that was unplugged comes back with all queued runs.
            return "the folder of all runs is not there"
        try:
            # Another process on the same folder may have taken it meanwhile.
            if self._runs.view(run).status != "queued":
                return ""
            with self._machine.speeds.training():
                self._train(run)
            with suppress(OSError):
                self._prune(run)
        except OSError as error:
            pipeline.record_failure(run, pipeline.describe_disk_error(error), "disk")
            reason = f"its folder cannot be written ({error.strerror or error})"
        except Exception:
            pipeline.record_failure(run, f"The training could not begin. {pipeline.TRY_AGAIN}", "unexpected")
            reason = "it could not start, and this could not be written into its folder"
        return reason if self._runs.view(run).status == "queued" else ""

    def requeue_unstarted(self, run: Run, previous: RunView) -> None:
        """Let a run wait for the next server if this one ended before its first step. ``previous`` is its view before this server stopped it."""
        with maintenance_lock(run.path) as lock:
            cancelled = [event["type"] for event in run.log.read()][-1:] == ["cancelled"]
            if lock is None or not (cancelled or self._runs.view(run).status == "queued"):
                return
            run.clear_stop()
            if cancelled:
                run.log.append("queued", durable=True, texts_at_a_time=previous.texts_at_a_time)

    def _train(self, run: Run) -> None:
        processes = 1 if ProcessGroup.from_environment().world_size > 1 else self._settings.processes or self._machine.devices
        if processes < 2:
            pipeline.run_job(run, self._encoders, save_seconds=self._settings.save_seconds)
        elif not train_in_processes(run, processes, save_seconds=self._settings.save_seconds):
            self._log_end(run)

    def _log_end(self, run: Run) -> None:
        """Log the end of a run whose processes failed without logging it. One that was to be stopped did not fail: it was cancelled or interrupted."""
        with maintenance_lock(run.path) as lock:
            view = self._runs.view(run)
            if lock is None or view.status not in ("queued", "interrupted"):
                return
            if not run.is_stop_requested():
                run.log.append("failed", durable=True, message=_PROCESSES_FAILED, code="unexpected")
            elif view.status == "queued":
                pipeline.cancel(run)
