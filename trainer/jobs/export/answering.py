"""What computes the answers of a model: PyTorch, or ONNX Runtime if the model is exported."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from trainer.errors import RecipeError, RunError
from trainer.text_format import quote_names
from trainer.training.export.exported import Exported, OnnxEngine, is_intact, seems_intact

if TYPE_CHECKING:
    from trainer.training.export.onnx_predictor import OnnxPredictor

AnsweringEngine = Literal["torch", "onnx", "onnx-int8"]
AnsweringWish = Literal["auto", "torch", "onnx", "onnx-int8"]


def choose_answering_engine(exported: Exported | None, wish: AnsweringWish) -> AnsweringEngine:
    """What computes the answers: with "auto" ONNX Runtime, if there is an undamaged export that says what the saved model says.

    Raises UserError ``unknown_engine``, and ``no_exports`` for an engine whose model was not exported.
    """
    if wish not in get_args(AnsweringWish):
        known = quote_names(get_args(AnsweringWish))
        raise RecipeError(f"There is no engine {quote_names([str(wish)])}. Engines: {known}.", code="unknown_engine")
    if wish == "auto":
        return "onnx" if exported is not None and exported.onnx.is_exact and seems_intact(exported, "onnx") else "torch"
    if wish == "torch":
        return wish
    if exported is None:
        raise RunError("This model is not exported to ONNX yet. Export it first, or let PyTorch compute the answers.", code="no_exports")
    if not seems_intact(exported, wish):
        raise _damaged_export()
    return wish


def load_export(folder: Path, exported: Exported, engine: OnnxEngine) -> "OnnxPredictor":
    """The exported model of a folder. Raises UserError ``no_exports`` if it is damaged."""
    if not is_intact(exported, engine):
        raise _damaged_export()
    from trainer.training.export.onnx_predictor import OnnxPredictor

    return OnnxPredictor(folder, exported.file(engine), exported.tokens, exported.label_names)


def _damaged_export() -> RunError:
    return RunError("The exported model is damaged or missing. Export it again.", code="no_exports")
