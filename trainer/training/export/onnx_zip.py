"""The zip of an exported model: one folder with the model, its tokenizer, its labels and a program of a few lines that needs neither torch nor transformers."""

import json
import zipfile
from pathlib import Path
from string import Template
from typing import Any

from trainer.text_format import percent
from trainer.training.answers import read_answers
from trainer.training.export.exported import Exported, OnnxEngine
from trainer.training.temperature import config_file, read_config

_TEMPLATES = Path(__file__).resolve().parents[3] / "assets" / "onnx_folder"
_FIELDS = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
"""Inputs of a model, and what the tokenizer calls them."""


def write_onnx_zip(model: Path, exported: Exported, engine: OnnxEngine, name: str, target: Path) -> None:
    """Write the folder of one engine into the zip ``target``; ``model`` is the folder of the saved model. Raises OSError."""
    folder = f"{name}-{engine}"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        # Weights do not shrink.
        archive.write(exported.file(engine), f"{folder}/model.onnx", zipfile.ZIP_STORED)
        archive.write(model / "tokenizer.json", f"{folder}/tokenizer.json")
        archive.write(config_file(model), f"{folder}/config.json")
        archive.writestr(f"{folder}/labels.json", json.dumps(about_labels(model, exported), indent=1, ensure_ascii=False))
        archive.write(_TEMPLATES / "predict.py", f"{folder}/predict.py")
        archive.write(model / "README.md", f"{folder}/MODEL_CARD.md")
        archive.writestr(f"{folder}/README.md", _readme(exported, engine, name))


def about_labels(model: Path, exported: Exported) -> dict[str, Any]:
    """What a program needs to know besides the model: labels in their order, from which probabilities on it answers or says each, how texts become tokens."""
    answers = read_answers(model, {"id2label": dict(enumerate(exported.label_names))} | read_config(model))
    return {
        "labels": list(answers.label_names),
        "answer_from": answers.answer_from,
        "cuts": answers.answering.all_cuts(len(answers.label_names)) or None,
        "max_length": exported.tokens.max_length,
        "padding": exported.tokens.padding,
        "padding_token": exported.tokens.padding_token,
        "unknown": exported.tokens.unknown,
        "inputs": {name: _FIELDS[name] for name in exported.inputs},
        "text_repairs": list(answers.repairs),
    }


def _readme(exported: Exported, engine: OnnxEngine, title: str) -> str:
    measured = exported.measured(engine)
    return Template((_TEMPLATES / "README.md").read_text(encoding="utf-8")).substitute(
        title=title,
        bits="32 bits a number" if engine == "onnx" else "8 bits a number, per channel",
        size=f"{measured.size / 1e6:.1f} MB",
        difference=exported.difference(engine),
        limit=exported.limit_note(engine),
        saved_accuracy=percent(exported.saved.accuracy),
        accuracy=percent(measured.accuracy),
        saved_ms=f"{exported.saved.ms_per_text:.1f}",
        ms=f"{measured.ms_per_text:.1f}",
    )
