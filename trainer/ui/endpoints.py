"""The named endpoints: the same jobs over HTTP.

Their docstrings have the form that gradio reads: they are the page's own API view and, written by ``make docs``, the tables of docs/http.md.
"""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr

from trainer.data.columns.label_form import LabelReading
from trainer.data.files.decoding import refuse_lone_surrogates
from trainer.errors import ModelError, MustFixError, RecipeError, UserError
from trainer.recipe import Recipe
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.ui.event_handling import current_workspace
from trainer.ui.job_endpoints import JobEndpoints
from trainer.ui.uploads import text_columns_of, uploaded_path

_ECHOED_CHARS = 200
"""Of each text in a result: enough to recognise it."""


def build(studio: Studio) -> None:
    """Add the endpoints to the Blocks being built."""
    endpoints, jobs = _Endpoints(studio), JobEndpoints(studio)
    for endpoint, concurrency in (
        (endpoints.inspect, 4),
        (endpoints.start, 2),
        (endpoints.progress, 8),
        (endpoints.stop, 4),
        (endpoints.resume, 2),
        (endpoints.report, 4),
        (endpoints.predict, 4),
        (endpoints.explain, 2),
        (jobs.audit, 2),
        (jobs.audit_result, 4),
        (jobs.audit_stop, 4),
        (jobs.predict_file, 2),
        (jobs.predict_file_result, 8),
        (jobs.predict_file_stop, 4),
        (jobs.evaluate_file, 2),
        (jobs.evaluate_file_result, 8),
        (jobs.export, 2),
        (jobs.export_result, 8),
    ):
        # More than one at a time: a small request does not wait for a large one.
        gr.api(_with_gradio_errors(endpoint), api_name=endpoint.__name__, concurrency_limit=concurrency)


class _Endpoints:
    """One method per endpoint; its docstring is the description that the page's API view shows."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def inspect(
        self,
        file: gr.FileData,
        text: str | None = None,
        label: str | None = None,
        part: str | None = None,
        task: str | None = None,
        cut: float | None = None,
    ) -> dict:
        """What a file holds: encoding, columns, classes, findings.

        Args:
            file: An uploaded file, in any format that the page opens.
            text: The text column: its name, or its position from 0. Guessed without it.
            label: The label column, likewise.
            part: The sheet of a workbook, the file of a zip or the list of a JSON file to read, by its name. Guessed without it.
            task: Whether a text has one label (single) or may have several (several). As the file looks without it.
            cut: In columns of scores: a text has the labels from this score on. 0.5, or half of the highest score, without it.

        Returns:
            file: The name of the file.
            ok: Whether it can be trained on. If not, "code" and "message" say why, and what is not known is left out.
            encoding: The encoding of its characters.
            delimiter: The character between two cells.
            header: Whether the first row holds the names of the columns.
            part: The part that was read, by its name; null if the file holds a single table, or if several parts were joined.
            parts: The parts of a file that holds several, up to 500, each with "name", "kind" (sheet, file, list), "rows" (null: not counted) and "hidden".
            rows_seen: Rows in the file: rows_kept and rows_dropped_count together.
            rows_kept: Rows with a text and a label.
            rows_dropped_count: Rows that cannot be used.
            rows_dropped: Up to 1,000 of them, each with its "line" and the "reason".
            text: The text column, with "name" and "index".
            label: The label column, likewise.
            labels: The number of rows of each class, by its name.
            task: Whether a text may have several labels: the "key" of transformers, its "name", the "reason" for several or null, all "columns" of labels, and the "cut" of their scores or null.
            findings: What is notable, each with "code", "severity" (ok, info, warning, error), "count" and "message".
            checks: A "summary", the numbers "passed", "found" and "not_applicable", and all "results", each with "title" and "outcome" too.
        """
        refuse_lone_surrogates(text, label, part, task, cut)
        inspection = current_workspace(self._studio).inspect(
            uploaded_path(file),
            text_columns=text_columns_of(text),
            label_column=label,
            part=part,
            reading=LabelReading.of(task, cut),
        )
        return inspection.to_dict() | {"file": Path(inspection.file).name}

    def start(
        self,
        file: gr.FileData,
        text: str | None = None,
        label: str | None = None,
        recipe: dict | None = None,
        part: str | None = None,
        task: str | None = None,
        cut: float | None = None,
    ) -> dict:
        """Train on a file. Returns the run's id at once, with the findings in the file.

        A file with errors to fix is refused, unless the recipe holds the repairs that fix them, or "as_it_is": true.

        Args:
            file: An uploaded file, in any format that the page opens.
            text: The text column: its name, or its position from 0. Guessed without it.
            label: The label column, likewise.
            recipe: Settings by name, such as {"epochs": 3, "repairs": ["label_variants"]}; what is not named has its default.
            part: The sheet of a workbook, the file of a zip or the list of a JSON file to read, by its name. Guessed without it.
            task: Whether a text has one label (single) or may have several (several). As the file looks without it.
            cut: In columns of scores: a text has the labels from this score on. 0.5, or half of the highest score, without it.

        Returns:
            findings: What is notable in the file, each with "code", "severity", "count" and "message".
            ...: All that /progress returns; "run" is the id that the other endpoints take.
        """
        refuse_lone_surrogates(text, label, recipe, part, task, cut)
        settings, ignore_findings = _parse_recipe(recipe)
        path = uploaded_path(file)
        sources = {"main": (path.name, path)}
        try:
            view = current_workspace(self._studio).train_files(
                sources,
                settings,
                text_columns=text_columns_of(text),
                label_column=label,
                part=part,
                reading=LabelReading.of(task, cut),
                ignore_findings=ignore_findings,
            )
        except MustFixError as error:
            codes = ", ".join(f"“{code}”" for code in error.repair_codes)
            repair = f"Put repairs into the recipe ({{“repairs”: [{codes}]}}), or" if codes else "Fix the file, or put"
            raise error.with_message(f"{error.message} {repair} “as_it_is”: true to train on it as it is.") from error
        return {**_progress(view), "findings": [finding.to_dict() for finding in view.findings]}

    def progress(self, run: str) -> dict:
        """The progress of a run: status, step, last loss and scores, time left.

        A loss is the plain cross-entropy in nats, whatever loss is minimised. No score is measured on test rows: see /report.

        Args:
            run: The id of a run.

        Returns:
            run: The id.
            name: Its name on the page.
            status: One of queued, running, interrupted, finished, stopped, failed, cancelled, damaged.
            phase: What it does at the moment, such as “reading the texts”.
            step: Steps done, up to the last point of the charts.
            total_steps: Steps of the whole training.
            train_loss: Mean loss of the training texts since the previous point, computed with dropout during training.
            train_accuracy: Their accuracy, likewise.
            loss: An older name of train_loss.
            accuracy: An older name of train_accuracy.
            best_step: The step whose model is kept.
            validation_accuracy: Of the model that is kept, on all validation rows.
            validation_macro_f1: Likewise.
            latest_validation_accuracy: Of the last evaluation.
            latest_validation_macro_f1: Likewise.
            samples_per_second: Texts per second while training.
            seconds_left: Until the report is there.
            message: Why it failed, or what became of it.
            damage: Sentences about damaged files of the run.
        """
        return _progress(current_workspace(self._studio).library.view(run))

    def stop(self, run: str) -> dict:
        """Stop a run after its current step and keep the best model so far.

        Args:
            run: The id of a run.

        Returns:
            ...: All that /progress returns.
        """
        return _progress(current_workspace(self._studio).stop(run))

    def resume(self, run: str, more_epochs: int = 0) -> dict:
        """Resume a run that was interrupted, stopped or failed, or train a finished one for more epochs.

        A run that has a model keeps it: the result is then that of the child run that continues the training.

        Args:
            run: The id of a run.
            more_epochs: For how many epochs a finished run is trained further.

        Returns:
            ...: All that /progress returns.
        """
        if isinstance(more_epochs, bool) or not isinstance(more_epochs, int) or more_epochs < 0:
            raise RecipeError("more_epochs must be a whole number, at least 0.", code="setting_out_of_range")
        return _progress(current_workspace(self._studio).resume(run, more_epochs=more_epochs))

    def report(self, run: str) -> dict:
        """The scores of a finished run on its test and validation rows, the confusion matrix, and the findings in its file.

        Args:
            run: The id of a run.

        Returns:
            run: The id.
            name: Its name.
            labels: The names of the classes, in the order of the matrix.
            labels_cut: In columns of scores, the score from which on a text has a label; null otherwise.
            test: "accuracy", "macro_f1" and the other metrics, their "intervals" (95 %), "per_class", "rows", and "majority", the most frequent class.
            validation: Likewise.
            calibration: How well confidence and accuracy agree on the test rows, "after" the temperature and "before" it (null without one): "expected_calibration_error" and "bins".
            promises: For each share of right answers that may be promised: whether and above which confidence, chosen by validation rows, and what came of it on the test rows.
            ordered: For labels that are steps of a scale, from the lowest in "order": the "mean_distance" of predictions in steps, the share "within_one" step, the "quadratic_kappa", and their "intervals"; null for other labels.
            subgroups: Groups of test rows, by the values of a column and by length, each with its "accuracy", its "interval", that of all "others", and whether it is "surely_worse" (Fisher's exact test, with Holm's correction).
            suggestions: What would help most, by training and validation rows: "title", "evidence", the number of "mistakes" that it is about, "classes" and "value".
            confusion: The matrix of the test rows: one list for each true class, with the number of rows for each predicted one.
            baseline: "accuracy" and "macro_f1" on the test rows of a model that counts words, and the "rows" that it learned from.
            linear_model: The same of a linear model on the unchanged encoder, without fine-tuning; null without one.
            findings: What is notable in the file, each with "code", "severity", "count" and "message".
            checks: The same of the "file" (without "results"), of the "training" and of the "result".
            html: The path below this server's address from which the report is downloaded as one HTML file that requests nothing; with "?texts=1" with the most confident mistakes.
        """
        workspace = current_workspace(self._studio)
        return workspace.reports.report(run).to_dict() | {"html": f"report/{run}"}

    def predict(self, run: str, texts: list[str], engine: str = "auto") -> dict:
        """The probability of each class for each text, its number of tokens and whether it was cut; a reason for an empty text.

        Args:
            run: The id of a run that has a model.
            texts: Up to 256 texts with 200,000 characters in total.
            engine: How they are computed: “torch”, “onnx” or “onnx-int8”, the last two if the model is exported; “auto” takes onnx if it says what torch says.

        Returns:
            results: One for each text, in their order: the first 200 characters of its "text", "label" and "probabilities", or the "reason" why there are none; "unsure": true and no label if the model answers only from a higher probability on; "tokens", "tokens_read" and "cut".
            engine: What has computed them: “torch”, “onnx” or “onnx-int8”.
        """
        if isinstance(texts, str) or not isinstance(texts, list) or not all(isinstance(t, str) for t in texts):
            raise ModelError("texts must be a list of strings.", code="not_texts")
        models = current_workspace(self._studio).models
        used = models.engine(run, engine)
        names, predictions = models.predict(run, texts, engine=used)
        results = [{"text": text[:_ECHOED_CHARS], **p.to_dict(names)} for text, p in zip(texts, predictions, strict=True)]
        return {"results": results, "engine": used}

    def explain(self, run: str, text: str, label: str | None = None) -> dict:
        """How much each word of a text speaks for a class, by integrated gradients on the embeddings of its tokens.

        Args:
            run: The id of a run that has a model.
            text: One text; of a longer one than 20,000 characters the beginning is read.
            label: The class that the words speak for or against; the predicted one without it.

        Returns:
            text: The text as the model read it.
            class: The class that is explained; null if there is nothing to read.
            words: Each word in its order: "word", "start" and "end" in the text, "influence" (what it adds to the logarithm of the class's probability) and "read" (false beyond the maximum length); null with a "reason" if there are none.
            label: The predicted class; null if the model is unsure, or if there is nothing to read.
            probabilities: Of each class; null if there is nothing to read.
            tokens: Of the whole text.
            tokens_read: Those of them that the model reads.
            cut: Whether it misses the end.
        """
        if not isinstance(text, str) or not isinstance(label, str | None):
            raise ModelError("text must be a string, and label the name of a class.", code="not_texts")
        return current_workspace(self._studio).models.explain(run, text, label or None).to_dict()


def _parse_recipe(values: dict | None) -> tuple[Recipe, bool]:
    """The recipe, and whether to train even if findings should be fixed first."""
    if not isinstance(values, dict):
        return Recipe.from_dict(values or {}), False
    settings = dict(values)
    ignore_findings = settings.pop("as_it_is", False)
    if not isinstance(ignore_findings, bool):
        raise RecipeError("as_it_is must be true or false.", code="setting_out_of_range")
    return Recipe.from_dict(settings), ignore_findings


def _with_gradio_errors(endpoint: Callable) -> Callable:
    """Turn a UserError into a gr.Error with the same message and the code as its title."""

    @wraps(endpoint)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return endpoint(*args, **kwargs)
        except UserError as error:
            raise gr.Error(error.message, title=error.code, print_exception=False) from error

    return wrapper


def _progress(view: RunView) -> dict:
    last = view.points[-1] if view.points else None
    latest, kept = view.evaluations[-1] if view.evaluations else None, view.kept
    return {
        "run": view.id,
        "name": view.name,
        "status": view.status,
        "phase": view.phase,
        "step": view.last_logged_step,
        "total_steps": view.total_steps,
        "train_loss": last.loss if last else None,
        "train_accuracy": last.accuracy if last else None,
        "loss": last.loss if last else None,
        "accuracy": last.accuracy if last else None,
        "best_step": kept.step,
        "validation_accuracy": kept.accuracy,
        "validation_macro_f1": kept.macro_f1,
        "latest_validation_accuracy": latest.accuracy if latest else None,
        "latest_validation_macro_f1": latest.macro_f1 if latest else None,
        "samples_per_second": view.samples_per_second,
        "seconds_left": view.seconds_left,
        "message": view.message,
        "damage": list(view.damage),
    }
