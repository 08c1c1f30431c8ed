"""EVALUATE: the job type of evaluations on another file. Its folder holds the rows; what comes out is kept beside the run."""

from collections.abc import Mapping
from typing import Any

from trainer.errors import RunError
from trainer.evaluation.predictions import load_predictions
from trainer.evaluation.report import split_report
from trainer.jobs.evaluate.evaluate_file import JudgedFile, evaluate
from trainer.jobs.job_folder import JobStopped, RunningJob, in_this_thread
from trainer.jobs.job_type import JobType, JobWords, Resumption
from trainer.jobs.queue import Lane
from trainer.runs.evaluations import PREDICTIONS, Evaluations
from trainer.runs.run import Run
from trainer.runs.run_files import MODEL
from trainer.training.hardware import detect_hardware


def _work(job: RunningJob) -> Mapping[str, Any]:
    def stop_if_asked(done: int, total: int) -> None:
        if job.is_stop_requested():
            raise JobStopped(f"Stopped after {done:,} of {total:,} rows; nothing is kept of it.")

    run = Run(job.services.runs.root / job.parameters["run"])
    if not run.path.is_dir() or not job.services.runs.view(run).has_model:
        raise RunError("The model that was to be judged is gone. Choose another one and start again.", code="no_model")
    run.check(MODEL)
    about = evaluate(
        run,
        JudgedFile.load(job.folder),
        job.folder.name,
        job.services.machine.hardware or detect_hardware(),
        max_chars=job.services.settings.max_text_chars,
        report=job.report,
        stop_if_asked=stop_if_asked,
    )
    report = split_report(load_predictions(Evaluations(run).folder(about.id) / PREDICTIONS), "test")
    return {**about.to_dict(), "report": report.to_dict()}


EVALUATE = JobType(
    name="evaluate",
    lane=Lane.TRAINING,
    run=in_this_thread(_work),
    words=JobWords(noun="evaluation", stops="after its current part and keeps nothing"),
    resumption=Resumption.AUTOMATIC,
)
