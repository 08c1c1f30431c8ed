"""PREDICT: the job type of whole files that are labelled. Its folder holds the file, what is labelled already, and the result.

It waits for trainings, and trainings for it: it uses all cores or the GPU as they do, and two at once would take twice as long each.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainer.errors import RunError, UserError
from trainer.evaluation.difference import MAX_COMPARED
from trainer.jobs.evaluate.training_difference import difference_from_training, text_repairs_of
from trainer.jobs.job_folder import JobStopped, RunningJob, in_this_thread
from trainer.jobs.job_type import JobServices, JobType, JobWords, Resumption
from trainer.jobs.predict.label_file import FileLabelling, LabelledFile, LabelRequest, Tools
from trainer.jobs.queue import Lane
from trainer.runs.run import Run
from trainer.runs.run_files import MODEL
from trainer.training.hardware import detect_hardware

SOURCE, RESULT = "source", "result"
"""The file as it was given, and as it is labelled."""


def label_request(parameters: Mapping[str, Any]) -> LabelRequest:
    """How the file of a job is to be labelled."""
    return LabelRequest(
        text_columns=tuple(parameters["text_columns"]),
        part=parameters["part"],
        probabilities=parameters["probabilities"],
        engine=parameters["engine"],
    )


def labelling_of(folder: Path, parameters: Mapping[str, Any], services: JobServices) -> FileLabelling:
    """The labelling in the folder of a job."""
    settings = services.settings
    tools = Tools(services.reader, settings.file_limits, settings.max_text_chars, services.machine.hardware or detect_hardware())
    return FileLabelling(folder, folder / SOURCE, label_request(parameters), tools)


def _work(job: RunningJob) -> Mapping[str, Any]:
    def stop_if_asked(done: int, total: int) -> None:
        if job.is_stop_requested():
            raise JobStopped(f"{done:,} of {total:,} rows are labelled. Resume it to label the others.")

    run = Run(job.services.runs.root / job.parameters["run"])
    if not run.path.is_dir() or not job.services.runs.view(run).has_model:
        raise RunError("The model that was to label this file is gone. Choose another one and start again.", code="no_model")
    run.check(MODEL)
    labelling = labelling_of(job.folder, job.parameters, job.services)
    labelled = labelling.run(run.model, job.folder / RESULT, job.report, stop_if_asked)
    job.report("comparing with the training rows", 1.0)
    return with_difference(labelled, labelling, run).to_dict()


def with_difference(labelled: LabelledFile, labelling: FileLabelling, run: Run) -> LabelledFile:
    """With how its texts differ from the training rows of the run, unless these are missing or damaged."""
    with suppress(UserError):
        texts = labelling.sample(MAX_COMPARED, text_repairs_of(run))
        return replace(labelled, difference=difference_from_training(run, texts, labelled.classes))
    return labelled


PREDICT = JobType(
    name="predict",
    lane=Lane.TRAINING,
    run=in_this_thread(_work),
    words=JobWords(
        noun="labelling", stops="after its current part and keeps the rows that are labelled", again="Resume it.", disk_advice="resume it"
    ),
    resumption=Resumption.AUTOMATIC,
)
