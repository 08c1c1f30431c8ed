"""Exports the model of a run to ONNX, and measures on its validation rows what that changes. Knows neither jobs nor the terminal, which both use it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.atomic import move, sync_tree, write_file
from trainer.errors import ModelError, UnavailableError
from trainer.evaluation.predictions import Predictions
from trainer.jobs.export.convert_process import run_conversion
from trainer.jobs.train.pipeline import load_run_predictions, load_run_rows, rewrite_model_card
from trainer.runs.integrity import read_results_seal
from trainer.runs.run import Run
from trainer.runs.run_files import CARD, EXPORTS, LOG, MODEL
from trainer.runs.seal import file_digest, files_in
from trainer.runs.writer_lock import maintenance_lock
from trainer.training.export.exported import ONNX_FILES, Exported, Measured, OnnxEngine, Tokens, is_intact, load_exported, save_exported

if TYPE_CHECKING:
    from trainer.training.export.onnx_predictor import OnnxPredictor

MAX_COMPARED_ROWS = 1_000
"""Of the validation rows, from all over them: an answer of each takes some milliseconds in every form."""
Report = Callable[[str, float | None], None]
"""(what is being done, fraction that is done)."""


def exports_of(run: Run) -> Exported | None:
    """The exports of the model of a run; None if there are none, or if the model is another one by now."""
    exported = load_exported(run.path / EXPORTS)
    return exported if exported is not None and dict(exported.source) == _source(run) else None


def whole_exports_of(run: Run) -> Exported | None:
    """As ``exports_of``; None also if a file of the exports is missing or damaged, which only another export mends. Reads them."""
    exported = exports_of(run)
    return exported if exported is not None and all(is_intact(exported, engine) for engine in ONNX_FILES) else None


def exports_beside(model: Path) -> Exported | None:
    """The exports of the model in a folder, if it is the model of a run."""
    return exports_of(Run(model.parent)) if model.name == MODEL and (model.parent / LOG).exists() else None


def onnx_predictors(model: Path) -> dict[OnnxEngine, "OnnxPredictor"]:
    """The exported models of a folder that are whole, loaded, by engine."""
    exported = exports_beside(model)
    if exported is None:
        return {}
    from trainer.training.export.onnx_predictor import OnnxPredictor

    return {
        engine: OnnxPredictor(model, exported.file(engine), exported.tokens, exported.label_names)
        for engine in ONNX_FILES
        if is_intact(exported, engine)
    }


def export_run(run: Run, work: Path, report: Report, stop_if_asked: Callable[[], None]) -> Exported:
    """Export the model of a run through an empty folder ``work`` on the same disk, measure it, and write it into its card.

    ``stop_if_asked`` raises to stop. Raises UserError ``run_damaged``, ``no_export`` or ``export_failed``, and OSError.
    """
    run.check(MODEL)
    report("reading the validation rows", 0.0)
    corpus, _ = load_run_rows(run)
    predictions = _compared(load_run_predictions(run).for_split("validation"))
    from trainer.training.export.convert_main import ANSWERS, TEXTS

    write_file(work / TEXTS, json.dumps([corpus.texts[row] for row in predictions.rows]).encode())
    made = run_conversion(run.model, work, report, stop_if_asked)
    report("writing the files", 1.0)
    with np.load(work / ANSWERS) as answers:
        exported = _measured(run, work, made, predictions, answers)
    for name in (TEXTS, ANSWERS):
        (work / name).unlink()
    save_exported(exported)
    sync_tree(work)
    with maintenance_lock(run.path) as acquired:
        if not acquired:
            raise UnavailableError("The run is being changed or deleted now. Try again in a moment.", code="run_is_busy")
        move(work, run.path / EXPORTS)
    rewrite_model_card(run)
    return load_exported(run.path / EXPORTS) or exported


def _compared(validation: Predictions) -> Predictions:
    from trainer.training.block_predictor import evenly_spaced

    if not len(validation):
        raise ModelError(
            "This run has no validation rows, so nobody could say whether an export answers alike. Take the model folder.", code="no_export"
        )
    chosen = evenly_spaced(len(validation), MAX_COMPARED_ROWS)
    return Predictions(
        validation.rows[chosen],
        validation.split[chosen],
        validation.labels[chosen],
        validation.probabilities[chosen],
        validation.label_names,
        validation.task,
    )


def _measured(
    run: Run, work: Path, made: Mapping[str, Any], predictions: Predictions, answers: Mapping[OnnxEngine, np.ndarray]
) -> Exported:
    times = made["ms_per_text"]

    def measure(engine: OnnxEngine) -> Measured:
        probabilities = answers[engine]
        if not np.isfinite(probabilities).all():
            raise ModelError("The exported model gives numbers that are none. Take the model folder.", code="no_export")
        change = np.abs(probabilities - predictions.probabilities)
        return Measured(
            size=(work / ONNX_FILES[engine]).stat().st_size,
            ms_per_text=times[engine],
            accuracy=_share(predictions.task.decide(probabilities), predictions.labels),
            agreement=_share(predictions.task.decide(probabilities), predictions.predicted),
            mean_change=float(change.mean()),
            max_change=float(change.max()),
        )

    saved = sum(file.stat().st_size for file in files_in(run.model) if file.suffix == ".safetensors")
    return Exported(
        folder=work,
        source=_source(run),
        files={name: file_digest(work / name) for name in ONNX_FILES.values()},
        tokens=Tokens(**made["tokens"]),
        inputs=tuple(made["inputs"]),
        label_names=tuple(made["label_names"]),
        rows=len(predictions),
        saved=Measured(saved, times["torch"], _share(predictions.predicted, predictions.labels)),
        onnx=measure("onnx"),
        int8=measure("onnx-int8"),
    )


def _share(said: np.ndarray, meant: np.ndarray) -> float:
    """The share of n rows for which all is the same."""
    return float((said == meant).reshape(len(meant), -1).all(axis=1).mean())


def _source(run: Run) -> dict[str, str]:
    """The sealed SHA-256 of what the exports are made from, by path: a promise of the config and the card change nothing of it."""
    seal = read_results_seal(run.path)
    names = [] if seal is None else [name for name in seal.files if name.startswith(f"{MODEL}/")]
    return {name: seal.files[name][1] for name in names if seal and name != CARD and not name.endswith("/config.json")}
