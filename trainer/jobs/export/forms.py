"""The forms in which the model of a run can be taken away, each a zip. Exports nothing; see export_run.py."""

import re
from pathlib import Path
from typing import Literal, get_args

from trainer.errors import FileError, RunError
from trainer.jobs.export.export_run import exports_of
from trainer.runs.run import Run
from trainer.runs.run_files import CARD, MODEL
from trainer.text_format import quote_names
from trainer.training.export.exported import OnnxEngine, is_intact
from trainer.training.export.onnx_zip import write_onnx_zip
from trainer.training.export.web_zip import write_web_zip
from trainer.training.export.zip import write_model_zip

Form = Literal["zip", "onnx", "onnx-int8", "web"]
FORMS: tuple[Form, ...] = get_args(Form)
"""The folder of transformers, ONNX with 32 and with 8 bits, and the web page."""


def write_form(run: Run, form: str, target: Path) -> str:
    """Write the model of a run in one form into the zip ``target`` and return a file name for it.

    Raises UserError ``unknown_form``, ``no_exports`` before the export, ``run_damaged``, or ``no_npm_package`` if what a web page needs cannot be
    fetched; and OSError.
    """
    if form not in FORMS:
        raise FileError(f"There is no such form of a model. Forms: {quote_names(FORMS)}.", code="unknown_form")
    name = file_name(run)
    run.check(MODEL, CARD)
    if form == "zip":
        write_model_zip(run.model_files(), run.model, name, target)
        return f"{name}.zip"
    exported, engine = exports_of(run), _ENGINES[form]
    if exported is None:
        raise RunError("This model is not exported to ONNX yet. Export it first.", code="no_exports")
    if not is_intact(exported, engine):
        raise RunError("The exported model is damaged or missing. Export it again.", code="no_exports")
    if form == "web":
        write_web_zip(run.model, exported, name, target)
    else:
        write_onnx_zip(run.model, exported, engine, name, target)
    return f"{name}-{form}.zip"


_ENGINES: dict[str, OnnxEngine] = {"onnx": "onnx", "onnx-int8": "onnx-int8", "web": "onnx-int8"}


def file_name(run: Run) -> str:
    """The name of a run for a file or folder. A user typed it: nothing of it may lead to another folder when a zip is opened."""
    return re.sub(r"[^\w-]+", "-", run.read_view().name).strip("-") or "model"
