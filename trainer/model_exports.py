"""The exports of one owner's models, each made by a job. ``trained_models.py`` writes the zips, and predicts with them.

The work itself is in ``jobs/export`` and ``training/export``.
"""

from trainer.atomic import remove_folder
from trainer.jobs.export.export_job import EXPORT
from trainer.jobs.job import Job
from trainer.jobs.owner_jobs import OwnerJobs
from trainer.runs.writer_lock import maintenance_lock
from trainer.settings import Settings, disk_errors_as_user_error
from trainer.trained_models import TrainedModels
from trainer.training.export.exported import ONNX_FILES, Exported, seems_intact


class ModelExports:
    """The exports of the models of one owner."""

    def __init__(self, settings: Settings, models: TrainedModels, jobs: OwnerJobs) -> None:
        self._settings = settings
        self._models = models
        self._jobs = jobs

    def start(self, run_id: str) -> Job:
        """Start to export the model of a run, and return at once. Pressed twice, there is one job. UserError ``no_model`` or ``queue_full``."""
        run = self._models.run(run_id, to_read=False)
        # Nothing of the run but its id: the job may outlive it.
        return self._jobs.start(EXPORT.name, name="export", parameters={"run": run.id})

    def job(self, run_id: str) -> Job | None:
        """The newest job that exports the model of this run."""
        return max(self._of_run(run_id), key=lambda job: job.created, default=None)

    def get(self, run_id: str) -> Exported | None:
        """What the model of a run was exported to, and what was measured of it; None if it was not exported yet."""
        return self._models.exports(run_id)

    def is_damaged(self, run_id: str) -> bool:
        """Whether the model of a run was exported, and a file of that is missing or damaged; it is exported again then."""
        exported = self.get(run_id)
        return exported is not None and not all(seems_intact(exported, engine) for engine in ONNX_FILES)

    def stop(self, run_id: str) -> None:
        """Stop the export of a run that is to be deleted."""
        for job in self._of_run(run_id):
            if job.live:
                self._jobs.stop(job.id)

    def remove_jobs(self, run_id: str) -> None:
        """Delete the jobs that exported a run and have ended; of one that is being stopped only its log stays."""
        for job in self._of_run(run_id):
            if job.live:
                continue
            with maintenance_lock(job.folder) as lock, disk_errors_as_user_error(self._settings):
                if lock is not None and not self._jobs.get(job.id).live:
                    remove_folder(job.folder)

    def _of_run(self, run_id: str) -> list[Job]:
        return [job for job in self._jobs.list_folders() if job.type == EXPORT.name and job.parameters.get("run") == run_id]
