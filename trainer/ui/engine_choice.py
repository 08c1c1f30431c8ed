"""What computes the answers of the Try it tab: a choice once the model is exported, each with its time and what it changes of the answers."""

from collections.abc import Mapping

import gradio as gr

from trainer.jobs.export.answering import AnsweringEngine, AnsweringWish
from trainer.text_format import percent
from trainer.training.export.exported import EXACT_TO, Exported, Measured
from trainer.workspace import Workspace

_NAMES: Mapping[AnsweringEngine, str] = {
    "torch": "PyTorch",
    "onnx": "ONNX Runtime, 32 bits",
    "onnx-int8": "ONNX Runtime, 8 bits",
}


def build() -> gr.Dropdown:
    """The choice; hidden, and without a value, until there is something to choose from."""
    return gr.Dropdown([], value=None, label="Answers computed by", visible=False, elem_id="try-engine")


def choices(workspace: Workspace, run_id: str) -> gr.Dropdown:
    """The choice for the model of a run, beginning with what answers unless somebody says otherwise."""
    exported = workspace.models.exports(run_id) if run_id else None
    if exported is None or workspace.exports.is_damaged(run_id):
        return gr.Dropdown([], value=None, visible=False)
    return gr.Dropdown(engine_names(exported), value=workspace.models.engine(run_id), visible=True)


def engine_names(exported: Exported) -> list[tuple[str, AnsweringEngine]]:
    """What may answer for an exported model, each as a name for people."""
    measured: dict[AnsweringEngine, Measured] = {"torch": exported.saved, "onnx": exported.onnx, "onnx-int8": exported.int8}
    return [(f"{_NAMES[engine]} ({', '.join(_facts(engine, values))})", engine) for engine, values in measured.items()]


def _facts(engine: AnsweringEngine, measured: Measured) -> list[str]:
    facts = [f"{measured.ms_per_text:.1f} ms a text"]
    if engine == "torch":
        return [*facts, "as it was trained"]
    return [*facts, "the same answers" if measured.is_exact else f"{percent(measured.agreement)} same label"]


def used_engine(workspace: Workspace, run_id: str, wish: AnsweringWish | None) -> AnsweringEngine:
    """What answers: what was chosen, unless it is the choice for another model that is exported and this one is not."""
    return workspace.models.engine(run_id, "auto" if wish is None or workspace.models.exports(run_id) is None else wish)


def computed_by(exported: Exported | None, engine: AnsweringEngine) -> str:
    """What computed the answers, as sentences; "" for PyTorch, which trained the model."""
    if engine == "torch" or exported is None:
        return ""
    measured = exported.measured(engine)
    difference = (
        f"No probability differs from the saved model's by more than {EXACT_TO:g}." if measured.is_exact else exported.difference(engine)
    )
    return f"Computed by {_NAMES[engine]}: {measured.ms_per_text:.1f} ms a text instead of {exported.saved.ms_per_text:.1f}. {difference}"
