"""The endpoints of jobs that are no trainings: checks of labels, whole files that are labelled, models that are exported.

Docstrings as in ``endpoints``, which adds these to the page.
"""

import gradio as gr

from trainer.data.columns.label_form import LabelReading, cut_choice
from trainer.data.files.decoding import refuse_lone_surrogates
from trainer.errors import RecipeError
from trainer.jobs.export.forms import FORMS
from trainer.jobs.job import Job
from trainer.studio import Studio
from trainer.training.export.exported import ONNX_FILES
from trainer.ui.event_handling import current_workspace
from trainer.ui.uploads import text_columns_of, uploaded_path


class JobEndpoints:
    """One method per endpoint; its docstring is the description that the page's API view shows."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def audit(
        self,
        file: gr.FileData,
        text: str | None = None,
        label: str | None = None,
        part: str | None = None,
        task: str | None = None,
        cut: float | None = None,
    ) -> dict:
        """Check the labels of a file: which look wrong, and why. Returns the id of a job at once, whose result /audit_result gives.

        Args:
            file: An uploaded file, in any format that the page opens.
            text: The text column: its name, or its position from 0. Guessed without it.
            label: The label column, likewise.
            part: The sheet of a workbook, the file of a zip or the list of a JSON file to read. Guessed without it.
            task: Whether a text has one label (single) or may have several (several). As the file looks without it.
            cut: In columns of scores: a text has the labels from this score on. 0.5, or half of the highest score, without it.

        Returns:
            job: The id of the job.
            status: One of queued, running, interrupted, finished, stopped, failed, cancelled, damaged.
            phase: What it does at the moment, such as “counting words and letters”.
            done: The fraction of the check that is done, 0 to 1, while it runs.
            message: Why it failed, or what became of it.
        """
        refuse_lone_surrogates(text, label, part, task, cut)
        path = uploaded_path(file)
        checks = current_workspace(self._studio).label_checks
        return _job_state(
            checks.start_files(
                {"main": (path.name, path)},
                text_columns=text_columns_of(text),
                label_column=label,
                part=part,
                reading=LabelReading.of(task, cut),
            )
        )

    def audit_result(self, job: str, all_rows: bool = False) -> dict:
        """What a check of labels has found, or how far it is.

        Args:
            job: The id of a job that /audit has started.
            all_rows: Whether all rows are given, and not only those that look wrong.

        Returns:
            ...: All that /audit returns.
            rows: The number of rows checked; this and the keys below are absent until the check has finished.
            noise: The share of wrong labels, 0 to 1: the "estimate" with its 95 % interval from "low" to "high".
            seconds: How long the check took.
            suspects: Rows, most suspicious first, each with its "row" (counted from 0 over the rows of the file), "text", "label", the "suggested" label, "score" (the probability that the label is wrong) and "why", a sentence.
        """
        workspace = current_workspace(self._studio)
        found = workspace.jobs.get(job)
        state = _job_state(found)
        return state if found.status != "finished" else {**state, **workspace.label_checks.result(job).to_dict(all_rows=all_rows)}

    def audit_stop(self, job: str) -> dict:
        """Stop a check of labels; a check that was stopped has no result.

        Args:
            job: The id of a job that /audit has started.

        Returns:
            ...: All that /audit returns.
        """
        return _job_state(current_workspace(self._studio).jobs.stop(job))

    def predict_file(
        self, file: gr.FileData, run: str, text: str | None = None, part: str | None = None, probabilities: bool = False
    ) -> dict:
        """Label all rows of a table. Returns the id of a job at once, whose result /predict_file_result gives.

        Args:
            file: An uploaded file, in any format that the page opens.
            run: The id of a run that has a model.
            text: The text column: its name, or its position from 0. Guessed without it.
            part: The sheet of a workbook, the file of a zip or the list of a JSON file to read. Guessed without it.
            probabilities: Whether each class gets a column with its probability.

        Returns:
            ...: All that /audit returns.
        """
        refuse_lone_surrogates(text, part)
        if not isinstance(probabilities, bool):
            raise RecipeError("probabilities must be true or false.", code="setting_out_of_range")
        files = current_workspace(self._studio).files
        return _job_state(files.label(run, uploaded_path(file), text_columns=text_columns_of(text), part=part, probabilities=probabilities))

    def predict_file_result(self, job: str) -> dict:
        """What became of a file that is labelled, or how far it is.

        Args:
            job: The id of a job that /predict_file has started.

        Returns:
            ...: All that /audit returns.
            file: The path below this server's address from which the labelled file is downloaded, in the form of the given one; this and the keys below are absent until it is labelled.
            rows: The number of rows of the table.
            empty: Rows without anything to read; they have no label.
            cut: Texts of which the model read only the beginning.
            unsure: Rows below the confidence from which on the model answers; null if it answers all.
            classes: The number of rows of each class, by its name.
            text_columns: The columns that the texts are from.
            added: The names of the new columns.
            written_as: “itself”, or “csv” if the file cannot be written in its own form; the "notes" say why.
            notes: Sentences about what could not be kept.
            engine: How the labels were computed, as a sentence.
            agreement: The share of compared texts that got the label of the saved model; null if it computed itself.
            difference: How the texts differ from the training rows, as in /evaluate_file_result; empty if these are not known.
            least_sure: The twenty rows that the model is least sure of, each with "row" (counted from 0), "text", "label" and "confidence".
        """
        found = current_workspace(self._studio).files.get(job)
        state = _job_state(found)
        return state if found.result is None else {**state, "file": f"labelled/{found.id}/exact", **found.result}

    def predict_file_stop(self, job: str) -> dict:
        """Stop labelling a file. The rows that are labelled stay, and the job can be resumed on the page.

        Args:
            job: The id of a job that /predict_file has started.

        Returns:
            ...: All that /audit returns.
        """
        workspace = current_workspace(self._studio)
        return _job_state(workspace.jobs.stop(workspace.files.get(job).id))

    def evaluate_file(
        self,
        file: gr.FileData,
        run: str,
        text: str | None = None,
        label: str | None = None,
        part: str | None = None,
        cut: float | None = None,
    ) -> dict:
        """Judge a model on the labelled rows of another file. Returns the id of a job at once, whose result /evaluate_file_result gives.

        Args:
            file: An uploaded file, in any format that the page opens.
            run: The id of a run that has a model.
            text: The text column: its name, or its position from 0. Guessed without it.
            label: The column of the labels, likewise.
            part: The sheet of a workbook, the file of a zip or the list of a JSON file to read. Guessed without it.
            cut: In columns of scores: a text has the labels from this score on. Without it, the score of the file that the model learnt from.

        Returns:
            ...: All that /audit returns.
        """
        path = uploaded_path(file)
        evaluations = current_workspace(self._studio).evaluations
        refuse_lone_surrogates(cut)
        return _job_state(
            evaluations.start(run, path, text_columns=text_columns_of(text), label_column=label, part=part, cut=cut_choice(cut))
        )

    def evaluate_file_result(self, job: str) -> dict:
        """The scores of a model on another file, or how far they are. These are not its test rows.

        Args:
            job: The id of a job that /evaluate_file has started.

        Returns:
            ...: All that /audit returns.
            id: The id under which the evaluation is kept beside the run; this and the keys below are absent until it is there.
            name: Its name on the Results tab: that of the file, with a number if there are several.
            file: The name of the file.
            created: When it was made, in seconds since 1970.
            rows: The rows that count.
            text_columns: The columns that the texts are from.
            label_column: The column of the labels.
            labels_cut: In columns of scores, the score from which on a text has a label; null otherwise.
            left_out: Rows that do not count: "unusable" (no text or label), "unknown" (labels that the model does not know, by name), "learnt" (texts that it learnt from), "unreadable".
            notes: What was left out, in sentences.
            difference: How the texts differ from the training rows: "separation" (the area under the curve of a model that tells them apart, with "low" and "high"), "verdict" (alike, different, other, unknown), "unseen_words", "words", "classes", "shared" and "sentences".
            report: The scores, as "test" of /report.
        """
        found = current_workspace(self._studio).evaluations.get(job)
        return {**_job_state(found), **(found.result or {})}

    def export(self, run: str) -> dict:
        """Export the model of a run to ONNX, with 32 and with 8 bits a number, and measure it on validation rows. Returns the id of a job at once.

        Args:
            run: The id of a run that has a model.

        Returns:
            ...: All that /audit returns.
        """
        return _job_state(current_workspace(self._studio).exports.start(run))

    def export_result(self, run: str) -> dict:
        """What a model was exported to, or how far the export is.

        Args:
            run: The id of a run whose model /export exports.

        Returns:
            ...: All that /audit returns; empty texts and null without a job.
            rows: The number of validation rows that were compared; this and the keys below are absent until the model is exported.
            recommended: The form that is both small and says what the saved model says: “onnx-int8”, or “onnx” if 8 bits change too many answers.
            torch: The saved model: "size" in bytes, "ms_per_text" of texts that come one by one, and "accuracy".
            onnx: Likewise of ONNX with 32 bits, with "agreement" (the share of rows that get the label of the saved model), "mean_change" and "max_change" of a probability.
            onnx-int8: Likewise of ONNX with 8 bits.
            differences: What "onnx" and "onnx-int8" change, in sentences.
            files: The paths below this server's address from which each form is downloaded: "zip" (the model's folder), "onnx", "onnx-int8" and "web" (a page that classifies in the browser).
        """
        exports = current_workspace(self._studio).exports
        exported, job = exports.get(run), exports.job(run)
        state = {"job": "", "status": "", "phase": "", "done": None, "message": ""} if job is None else _job_state(job)
        if exported is None:
            return state
        differences = {engine: exported.difference(engine) for engine in ONNX_FILES}
        return {
            **state,
            **exported.to_dict(),
            "differences": differences,
            "files": {form: f"download/{run}{'' if form == 'zip' else f'/{form}'}" for form in FORMS},
        }


def _job_state(job: Job) -> dict:
    progress = job.progress
    return {
        "job": job.id,
        "status": job.status,
        "phase": progress.what if progress else "",
        "done": progress.done if progress else None,
        "message": job.message,
    }
