"""Evaluations of one owner's models on other files with labels: start one as a job, list those of a run, read their scores and rows.

None of them is a score on test rows, and none chooses anything.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from trainer.data.files.decoding import refuse_lone_surrogates
from trainer.data.reader.file_reader import read_file
from trainer.data.rows import load_rows
from trainer.errors import NotFoundError, RunError
from trainer.evaluation.mistakes import PredictedRows, predicted_rows
from trainer.evaluation.other_file import EvaluatedFile
from trainer.evaluation.predictions import Predictions, load_predictions
from trainer.evaluation.report import Report, split_report
from trainer.jobs.evaluate.evaluate_file import JudgedFile, find_rows
from trainer.jobs.evaluate.evaluate_job import EVALUATE
from trainer.jobs.job import Job
from trainer.jobs.job_type import JobServices
from trainer.jobs.owner_jobs import OwnerJobs
from trainer.runs.evaluations import PREDICTIONS, ROWS, Evaluations
from trainer.runs.seal import file_digest
from trainer.settings import disk_errors_as_user_error
from trainer.trained_models import TrainedModels


class FileEvaluations:
    """The evaluations of one owner's models on other files."""

    def __init__(self, services: JobServices, models: TrainedModels, jobs: OwnerJobs) -> None:
        self._services = services
        self._settings = services.settings
        self._models = models
        self._jobs = jobs

    def find_rows(
        self,
        run_id: str,
        path: Path,
        *,
        name: str = "",
        text_columns: Sequence[str | int] = (),
        label_column: str | int | tuple[str, ...] | None = None,
        part: str | None = None,
        cut: float | None = None,
    ) -> JudgedFile:
        """The rows that ``start`` would judge the model on, how their labels are read among it. Raises what that raises but ``queue_full``."""
        refuse_lone_surrogates(list(text_columns), label_column, part)
        run = self._models.run(run_id, to_read=False)
        table = read_file(path, self._services.reader, part=part, **self._settings.file_limits)
        shown = (name or path.name)[:200]
        return find_rows(run, table, shown, text_columns=text_columns, label_column=label_column, cut=cut)

    def start(
        self,
        run_id: str,
        path: Path,
        *,
        name: str = "",
        text_columns: Sequence[str | int] = (),
        label_column: str | int | tuple[str, ...] | None = None,
        part: str | None = None,
        cut: float | None = None,
    ) -> Job:
        """Start to judge the model of a run on the rows of a file, and return at once. Pressed twice for the same, there is one job.

        ``name``: of the file for people; ``cut`` as for ``find_rows``. Raises UserError ``no_model``, ``queue_full`` and what ``find_rows`` raises.
        """
        judged = self.find_rows(run_id, path, name=name, text_columns=text_columns, label_column=label_column, part=part, cut=cut)
        parameters = {
            "run": run_id,
            "file": judged.file,
            "digest": file_digest(path),
            "text_columns": list(judged.text_columns),
            "label_column": judged.label_column,
            "part": part,
            "cut": cut,
        }
        return self._jobs.start(EVALUATE.name, name=f"scores on {judged.file}", parameters=parameters, fill=judged.save)

    def get(self, job_id: str) -> Job:
        """A job of this kind. Raises UserError ``unknown_job`` for any other."""
        job = self._jobs.get(job_id)
        if job.type != EVALUATE.name:
            raise NotFoundError("There is no such job. Choose one from the list.", code="unknown_job")
        return job

    def jobs(self) -> list[Job]:
        """The owner's jobs of this kind, newest first."""
        return [job for job in self._jobs.list() if job.type == EVALUATE.name]

    def list(self, run_id: str) -> list[EvaluatedFile]:
        """The files that the model of a run was judged on, newest first; damaged ones are left out."""
        found = []
        for about in Evaluations(self._models.run(run_id)).list():
            with suppress(TypeError, KeyError):
                found.append(EvaluatedFile.from_dict(about))
        return found

    def about(self, run_id: str, evaluation_id: str) -> EvaluatedFile:
        """One of them. Raises UserError ``unknown_evaluation``."""
        found = next((file for file in self.list(run_id) if file.id == evaluation_id), None)
        if found is None:
            raise NotFoundError("There is no such evaluation. Choose one of the list.", code="unknown_evaluation")
        return found

    def report(self, run_id: str, evaluation_id: str) -> Report:
        """The scores on the rows of a file. Raises UserError ``unknown_evaluation`` and ``run_damaged``."""
        return split_report(self._predictions(run_id, evaluation_id), "test")

    def predicted_rows(self, run_id: str, evaluation_id: str) -> PredictedRows:
        """The rows of a file with texts and predictions. Raises UserError as ``report``."""
        corpus, _ = load_rows(self._folder(run_id, evaluation_id) / ROWS)
        return predicted_rows(corpus, self._predictions(run_id, evaluation_id), "test")

    def remove(self, run_id: str, evaluation_id: str) -> None:
        """Forget an evaluation for good. Raises UserError ``unknown_evaluation``."""
        with disk_errors_as_user_error(self._settings):
            Evaluations(self._models.run(run_id, to_read=False)).remove(evaluation_id)

    def _folder(self, run_id: str, evaluation_id: str) -> Path:
        return Evaluations(self._models.run(run_id)).folder(evaluation_id)

    def _predictions(self, run_id: str, evaluation_id: str) -> Predictions:
        try:
            return load_predictions(self._folder(run_id, evaluation_id) / PREDICTIONS)
        except (OSError, ValueError) as error:
            raise RunError(
                "The predictions of this evaluation are missing or damaged. Evaluate the file again.", code="run_damaged"
            ) from error
