"""Whole files of one owner that a model labels: their columns, the jobs that label them, and the results.

The work itself is in ``jobs/predict``.
"""

import io
from collections.abc import Sequence
from pathlib import Path, PurePath

from trainer.atomic import remove_folder
from trainer.data.files.decoding import refuse_lone_surrogates
from trainer.data.files.file_bytes import read_bytes
from trainer.data.text_rows import TextRows
from trainer.errors import FileError, NotFoundError, RunError
from trainer.jobs.evaluate.evaluate_job import EVALUATE
from trainer.jobs.job import Job
from trainer.jobs.job_type import JobServices
from trainer.jobs.owner_jobs import OwnerJobs
from trainer.jobs.predict.label_file import EngineWish
from trainer.jobs.predict.predict_job import PREDICT, RESULT, SOURCE, labelling_of
from trainer.runs.seal import file_digest
from trainer.runs.writer_lock import maintenance_lock
from trainer.settings import disk_errors_as_user_error
from trainer.trained_models import TrainedModels


class WholeFiles:
    """The whole files of one owner."""

    def __init__(self, services: JobServices, models: TrainedModels, jobs: OwnerJobs) -> None:
        self._services = services
        self._settings = services.settings
        self._models = models
        self._jobs = jobs

    def find_texts(self, path: Path, *, text_columns: Sequence[str | int] = (), part: str | None = None) -> TextRows:
        """The columns of a file and the one with the texts, guessed if it is not named. Raises UserError for a file that is no table."""
        refuse_lone_surrogates(list(text_columns), part)
        limits = self._settings.file_limits
        data = read_bytes(path, max_bytes=limits["max_bytes"])
        return self._services.reader.read_texts(data, text_columns, with_texts=False, part=part, **limits).rows

    def label(
        self,
        run_id: str,
        path: Path,
        *,
        text_columns: Sequence[str | int] = (),
        part: str | None = None,
        probabilities: bool = False,
        engine: EngineWish = "auto",
    ) -> Job:
        """Start to label all rows of a file with the model of a run, and return at once. Pressed twice for the same, there is one job.

        Raises UserError ``no_model``, ``queue_full`` and what ``find_texts`` raises, so that a wrong file or column is told at once.
        """
        run = self._models.run(run_id)
        rows = self.find_texts(path, text_columns=text_columns, part=part)
        data = read_bytes(path, max_bytes=self._settings.max_file_bytes)
        parameters = {
            "run": run.id,
            "file": path.name[:200],
            "digest": file_digest(path),
            # By position: the name of another column may be the same but for blanks, or the number of this one.
            "text_columns": list(text_columns or rows.text),
            "part": part,
            "probabilities": probabilities,
            "engine": engine,
        }
        return self._jobs.start(
            PREDICT.name, name=path.name[:200], parameters=parameters, fill=lambda folder: (folder / SOURCE).write_bytes(data) and None
        )

    def get(self, job_id: str) -> Job:
        """A job of this kind. Raises UserError ``unknown_job`` for any other."""
        job = self._jobs.get(job_id)
        if job.type != PREDICT.name:
            raise NotFoundError("There is no such job. Choose one from the list.", code="unknown_job")
        return job

    def jobs(self) -> list[Job]:
        """The owner's jobs of this kind, newest first."""
        return [job for job in self._jobs.list() if job.type == PREDICT.name]

    def of_run(self, run_id: str) -> list[Job]:
        """The jobs that label, or labelled, a file with the model of a run, or judge the model on one, newest first."""
        return [job for job in self.of_both_kinds() if job.parameters.get("run") == run_id]

    def refuse_live_jobs(self, run_id: str) -> None:
        """Raise UserError ``job_is_live`` if a file is labelled with the model of a run, or the model judged on it, or waits for that."""
        for job in self.of_run(run_id):
            if job.live:
                raise RunError(f"{job.name} is at work with this model. Stop it first, on the tab Try it.", code="job_is_live")

    def of_both_kinds(self) -> list[Job]:
        """The owner's jobs of this kind, and those that judge a model on a file, newest first."""
        return [job for job in self._jobs.list() if job.type in (PREDICT.name, EVALUATE.name)]

    def export(self, job_id: str, form: str) -> tuple[str, bytes]:
        """A file name and the content of the result: "exact", or "spreadsheet" (CSV in which no cell is run as a formula). Raises UserError."""
        job = self.get(job_id)
        self._jobs.result(job_id)
        name = PurePath(str(job.parameters["file"]))
        if form == "exact":
            suffix = ".csv" if job.result and job.result["written_as"] == "csv" else name.suffix
            return f"{name.stem} labelled{suffix}", _read(job.folder / RESULT)
        if form != "spreadsheet":
            raise FileError("There is no such download. Choose one of the links on the page.", code="unknown_form")
        sink = io.BytesIO()
        labelling_of(job.folder, job.parameters, self._services).write(sink, "spreadsheet")
        return f"{name.stem} labelled for spreadsheets.csv", sink.getvalue()

    def remove(self, job_id: str) -> None:
        """Delete a job of either kind with its file and its result for good; an evaluation stays beside its run. UserError ``job_is_live``."""
        job = self._jobs.get(job_id)
        if job.type not in (PREDICT.name, EVALUATE.name):
            raise NotFoundError("There is no such job. Choose one from the list.", code="unknown_job")
        with maintenance_lock(job.folder) as lock, disk_errors_as_user_error(self._settings):
            if lock is None or job.live:
                raise RunError(f"{job.name} is still at work. Stop it first.", code="job_is_live")
            remove_folder(job.folder)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RunError(
            f"The labelled file cannot be read ({error.strerror or error}). Label the file again.", code="job_damaged"
        ) from error
