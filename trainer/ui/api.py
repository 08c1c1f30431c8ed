"""The named endpoints: the same jobs over HTTP. Described in the README and by the page's own API view."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from trainer.advice import facts_of
from trainer.data.inspection import inspect_file
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.ui.session import owner


def build(studio: Studio) -> None:
    """Add the endpoints to the Blocks being built."""

    def inspect(file: gr.FileData, text: str | None = None, label: str | None = None) -> dict:
        """What was found in a file: encoding, columns, classes, findings."""
        limits = studio.settings
        found = inspect_file(
            _uploaded(file),
            text=_named(text),
            label=label,
            encoder=facts_of(studio.encoders[0]),
            max_classes=limits.max_classes,
            **limits.file_limits,
        )
        return {**found, "file": Path(found["file"]).name}

    def start(file: gr.FileData, text: str | None = None, label: str | None = None, recipe: dict | None = None) -> dict:
        """Train on a file; returns the run's id at once. ``recipe`` holds settings by name, as ``--set`` on the terminal."""
        wanted = Recipe.from_dict(recipe or {})
        path = _uploaded(file)
        return _progress(studio.train_files(owner(), {"main": (path.name, path)}, wanted, text=_named(text), label=label))

    def progress(run: str) -> dict:
        """How a run is getting on: status, step, last loss and scores, time left."""
        return _progress(studio.view(owner(), run))

    def stop(run: str) -> dict:
        """Ask a run to end after its current step and keep the best model so far."""
        return _progress(studio.stop(owner(), run))

    def resume(run: str, more_epochs: int = 0) -> dict:
        """Go on with a run that was interrupted, stopped or failed, or train a finished one for more epochs."""
        if isinstance(more_epochs, bool) or not isinstance(more_epochs, int) or more_epochs < 0:
            raise UserError("more_epochs must be a whole number, at least 0.", code="setting_out_of_range")
        return _progress(studio.resume(owner(), run, more_epochs=more_epochs))

    def report(run: str) -> dict:
        """Scores of a finished run on its test and validation rows, and the confusion matrix (rows: true class)."""
        reports = studio.reports(owner(), run)
        return {
            "run": run,
            "labels": list(reports.test.label_names),
            "test": reports.test.to_dict(),
            "validation": reports.validation.to_dict(),
            "confusion": reports.test.confusion.tolist(),
        }

    def predict(run: str, texts: list[str]) -> dict:
        """The probability of each class for each text."""
        if isinstance(texts, str) or not isinstance(texts, list) or not all(isinstance(t, str) for t in texts):
            raise UserError("texts must be a list of strings.", code="not_texts")
        names, probabilities = studio.predict(owner(), run, texts)
        rows = [dict(zip(names, map(float, row), strict=True)) for row in probabilities]
        return {"results": [{"text": t, "label": max(p, key=p.get), "probabilities": p} for t, p in zip(texts, rows, strict=True)]}

    for endpoint in (inspect, start, progress, stop, resume, report, predict):
        gr.api(_sentences(endpoint), api_name=endpoint.__name__)


def _named(text: str | None) -> tuple[str, ...]:
    return () if text is None else (text,)


def _uploaded(file: Any) -> Path:
    """The path of a file that was uploaded to this server. A caller may write any path into its request; no other is read."""
    named = file.get("path") if isinstance(file, dict) else getattr(file, "path", None)
    folder = Path(get_upload_folder()).resolve()
    if isinstance(named, str) and "\0" not in named:
        path = Path(named).resolve()
        if path.is_relative_to(folder) and path.is_file():
            return path
    raise UserError("There is no such upload. Send the file itself, with handle_file(...) of gradio_client.", code="not_uploaded")


def _sentences(endpoint: Callable) -> Callable:
    """A UserError reaches the caller in its own words."""

    @wraps(endpoint)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return endpoint(*args, **kwargs)
        except UserError as error:
            raise gr.Error(error.message, print_exception=False) from error

    return guarded


def _progress(view: RunView) -> dict:
    last = view.points[-1] if view.points else None
    evaluation = view.evaluations[-1] if view.evaluations else None
    return {
        "run": view.id,
        "name": view.name,
        "status": view.status,
        "phase": view.phase,
        "step": view.step,
        "total_steps": view.total_steps,
        "loss": last.loss if last else None,
        "accuracy": last.accuracy if last else None,
        "validation_accuracy": evaluation.accuracy if evaluation else None,
        "validation_macro_f1": evaluation.macro_f1 if evaluation else None,
        "samples_per_second": view.samples_per_second,
        "seconds_left": view.seconds_left,
        "message": view.message,
        "damage": list(view.damage),
    }
