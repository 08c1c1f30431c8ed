"""EXPORT: the job type that exports the model of a run. It waits for trainings, and trainings for it: it uses all cores as they do."""

import shutil
from collections.abc import Mapping
from typing import Any

from trainer.atomic import make_folder, remove_folder
from trainer.errors import RunError
from trainer.jobs.export.export_run import export_run, whole_exports_of
from trainer.jobs.job_folder import JobStopped, RunningJob, in_this_thread
from trainer.jobs.job_type import JobType, JobWords, Resumption
from trainer.jobs.queue import Lane
from trainer.runs.run import Run

_WORK = "work"


def _work(job: RunningJob) -> Mapping[str, Any]:
    def stop_if_asked() -> None:
        if job.is_stop_requested():
            raise JobStopped("Nothing was exported. Start it again when you like.")

    run = Run(job.services.runs.root / job.parameters["run"])
    if not run.path.is_dir() or not job.services.runs.view(run).has_model:
        raise RunError("The model that was to be exported is gone. Choose another one and start again.", code="no_model")
    work = job.folder / _WORK
    if work.is_dir():
        # What an attempt that was interrupted has left.
        remove_folder(work)
    exported = whole_exports_of(run)
    if exported is None:
        make_folder(work)
        try:
            exported = export_run(run, work, job.report, stop_if_asked)
        except BaseException:
            # It holds validation texts and weights, and the run may be deleted.
            shutil.rmtree(work, ignore_errors=True)
            raise
    return exported.to_dict()


EXPORT = JobType(
    name="export",
    lane=Lane.TRAINING,
    run=in_this_thread(_work),
    words=JobWords(noun="export", stops="after its current part; nothing is exported then"),
    resumption=Resumption.AUTOMATIC,
)
