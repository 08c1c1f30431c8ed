"""The named endpoints: the same jobs over HTTP. Described in the README and by the page's own API view."""

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr

from trainer.data.files.decoding import refuse_lone_surrogates
from trainer.drafts.advice import encoder_info
from trainer.drafts.inspection import inspect_file
from trainer.errors import MustFixError, UserError
from trainer.recipe import Recipe
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.ui.session import owner
from trainer.ui.uploads import NO_UPLOAD, resolve_upload

_ECHOED_CHARS = 200
"""Of a text in an answer: enough to know it again."""


def build(studio: Studio) -> None:
    """Add the endpoints to the Blocks being built."""

    def inspect(file: gr.FileData, text: str | None = None, label: str | None = None) -> dict:
        """What was found in a file: encoding, columns, classes, findings."""
        refuse_lone_surrogates(text, label)
        limits = studio.settings
        found = inspect_file(
            _uploaded(file),
            studio.reader,
            text=_named(text),
            label=label,
            encoder=encoder_info(studio.encoders[0]),
            max_classes=limits.max_classes,
            **limits.file_limits,
        )
        return {**found, "file": Path(found["file"]).name}

    def start(file: gr.FileData, text: str | None = None, label: str | None = None, recipe: dict | None = None) -> dict:
        """Train on a file; returns the run's id at once, with what is odd in the file.

        ``recipe`` holds settings by name, as ``--set`` on the terminal. What should be fixed first is refused, unless it also holds
        ``"as_it_is": true``.
        """
        refuse_lone_surrogates(text, label, recipe)
        wanted, as_it_is = _recipe(recipe)
        path = _uploaded(file)
        sources = {"main": (path.name, path)}
        try:
            view = studio.train_files(owner(), sources, wanted, text=_named(text), label=label, as_it_is=as_it_is)
        except MustFixError as error:
            named = ", ".join(f"“{code}”" for code in error.repairs)
            repair = f"Put repairs into the recipe ({{“repairs”: [{named}]}}), or" if named else "Mend the file, or put"
            raise UserError(f"{error.message} {repair} “as_it_is”: true to train on it as it is.", code=error.code) from error
        return {**_progress(view), "findings": [asdict(finding) for finding in view.findings]}

    def progress(run: str) -> dict:
        """How a run is getting on: status, step, last loss and scores, time left.

        train_loss and train_accuracy are means over the training texts since the point before (some steps), answered with dropout while they
        were learned from; loss and accuracy are their older names. validation_accuracy and validation_macro_f1 are those of the model that is
        kept, on all validation rows, after best_step; latest_validation_accuracy and latest_validation_macro_f1 those of the last evaluation.
        A loss is the plain cross-entropy in nats, whatever is minimised. None of them is of test rows: see /report.
        """
        return _progress(studio.view(owner(), run))

    def stop(run: str) -> dict:
        """Ask a run to end after its current step and keep the best model so far."""
        return _progress(studio.stop(owner(), run))

    def resume(run: str, more_epochs: int = 0) -> dict:
        """Go on with a run that was interrupted, stopped or failed, or train a finished one for more epochs.

        One that ended with a model keeps it: the answer is then of the child run that goes on.
        """
        if isinstance(more_epochs, bool) or not isinstance(more_epochs, int) or more_epochs < 0:
            raise UserError("more_epochs must be a whole number, at least 0.", code="setting_out_of_range")
        return _progress(studio.resume(owner(), run, more_epochs=more_epochs))

    def report(run: str) -> dict:
        """Scores of a finished run on its test and validation rows, the confusion matrix (rows: true class), what was odd in the file."""
        reports = studio.reports(owner(), run)
        view = studio.view(owner(), run)
        return {
            "run": run,
            "labels": list(reports.test.label_names),
            "test": reports.test.to_dict(),
            "validation": reports.validation.to_dict(),
            "confusion": reports.test.confusion.tolist(),
            "baseline": view.baseline and view.baseline.to_dict(),
            "findings": [asdict(finding) for finding in view.findings],
        }

    def predict(run: str, texts: list[str]) -> dict:
        """The probability of each class for each text, with its number of tokens and whether it was cut; a reason for an empty one.

        The answers stand in the order of the texts, each with the first 200 characters of its own. All texts together may have 200,000.
        """
        if isinstance(texts, str) or not isinstance(texts, list) or not all(isinstance(t, str) for t in texts):
            raise UserError("texts must be a list of strings.", code="not_texts")
        names, predictions = studio.predict(owner(), run, texts)
        return {"results": [{"text": text[:_ECHOED_CHARS], **p.to_dict(names)} for text, p in zip(texts, predictions, strict=True)]}

    for endpoint, at_once in ((inspect, 4), (start, 2), (progress, 8), (stop, 4), (resume, 2), (report, 4), (predict, 4)):
        # Not one at a time: whoever sends little does not wait for whoever sends much.
        gr.api(_sentences(endpoint), api_name=endpoint.__name__, concurrency_limit=at_once)


def _recipe(values: dict | None) -> tuple[Recipe, bool]:
    """The recipe, and whether the file is to be trained on as it is."""
    if not isinstance(values, dict):
        return Recipe.from_dict(values or {}), False
    settings = dict(values)
    as_it_is = settings.pop("as_it_is", False)
    if not isinstance(as_it_is, bool):
        raise UserError("as_it_is must be true or false.", code="setting_out_of_range")
    return Recipe.from_dict(settings), as_it_is


def _named(text: str | None) -> tuple[str, ...]:
    return () if text is None else (text,)


def _uploaded(file: Any) -> Path:
    """The path of a file that was uploaded to this server. A caller may write any path into its request; no other is read."""
    path = resolve_upload(file.get("path") if isinstance(file, dict) else getattr(file, "path", None))
    if path is None:
        raise UserError(NO_UPLOAD, code="not_uploaded")
    return path


def _sentences(endpoint: Callable) -> Callable:
    """A UserError reaches the caller in its own words, its code as the title of the error."""

    @wraps(endpoint)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return endpoint(*args, **kwargs)
        except UserError as error:
            raise gr.Error(error.message, title=error.code, print_exception=False) from error

    return guarded


def _progress(view: RunView) -> dict:
    last = view.points[-1] if view.points else None
    latest, kept = view.evaluations[-1] if view.evaluations else None, view.kept
    return {
        "run": view.id,
        "name": view.name,
        "status": view.status,
        "phase": view.phase,
        "step": view.step,
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
