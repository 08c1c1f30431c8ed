"""The command ``predict``."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from trainer.errors import ModelError, NotFoundError, RecipeError
from trainer.settings import Settings
from trainer.terminal import terminal_line
from trainer.text_format import percent

_TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".xlsx", ".xls", ".ods", ".parquet", ".json", ".jsonl"})
"""Files that hold more than one text a line."""


def predict(options: argparse.Namespace) -> int:
    """Print the probabilities of each class for texts."""
    from trainer.trained_models import predict_with_folder

    folder = model_folder(options.model)
    if options.out:
        return _label_whole_file(options, folder)
    if options.text or options.part or options.probabilities or options.engine == "16-bit":
        message = "--text, --part, --probabilities and --engine 16-bit are for a whole file: name --out FILE too."
        raise RecipeError(message, code="unknown_setting")
    texts = _texts(options)
    label_names, predictions = predict_with_folder(folder, texts, engine=options.engine)
    results = [{"text": text, **prediction.to_dict(label_names)} for text, prediction in zip(texts, predictions, strict=True)]
    if options.json:
        print(json.dumps({"results": results}))
        return 0
    for result in results:
        print(_prediction_text(result))
    return 0


def _label_whole_file(options: argparse.Namespace, folder: Path) -> int:
    from trainer.cli.label_file import label_file

    if options.texts or not options.file or str(options.file) == "-":
        raise RecipeError("--out labels the rows of a file: give --file FILE, and no texts.", code="unknown_setting")
    return label_file(options, folder)


def extend_texts(options: argparse.Namespace, unknown: list[str]) -> list[str]:
    """Add the texts that argparse left in ``unknown`` because they stand behind an option; returns what is no text."""
    end = unknown.index("--") if "--" in unknown else len(unknown)
    options.texts += [word for word in unknown[:end] if not word.startswith("-")] + unknown[end + 1 :]
    return [word for word in unknown[:end] if word.startswith("-")]


def run_folder(run: str) -> Path | None:
    """The folder of a run, named by its id, by itself or by its model; None if there is no such run with a model."""
    from trainer.runs.run_files import LOG

    folder = model_folder(run).parent
    return folder if (folder / LOG).is_file() else None


def model_folder(model: str) -> Path:
    """The folder of a model, named by a run's id, by the run's folder or by its own. Raises UserError if there is none."""
    from trainer.runs.ids import is_id

    folder, place = Path(model), ""
    if is_id(model) and not folder.exists():
        runs_dir = Settings.from_environment().runs_dir
        folder, place = runs_dir / model, f" in {runs_dir}"
    if (folder / "model").is_dir():
        folder = folder / "model"
    if not any((folder / name).is_file() for name in ("config.json", "head.json")):
        raise NotFoundError(
            f"{model} is neither a run with a model{place} nor a model folder. See: python -m trainer runs", code="unknown_run"
        )
    return folder


def _texts(options: argparse.Namespace) -> list[str]:
    """The texts of the command line, else those of a file or of the standard input, one a line."""
    from trainer.data.files.decoding import decode
    from trainer.data.files.file_bytes import read_bytes

    if options.texts and options.file:
        raise RecipeError("Give texts or --file, not both.", code="unknown_setting")
    if options.texts:
        return options.texts
    source = options.file or Path("-")
    if str(source) == "-":
        if not options.file and sys.stdin.isatty():
            raise ModelError(
                "There is no text. Name one, or --file FILE with one text a line, or send them in: cat texts.txt | python -m trainer predict RUN",
                code="no_texts",
            )
        content = sys.stdin.buffer.read()
    elif source.suffix.lower() in _TABLE_SUFFIXES:
        message = f"{source} is a table. To label its rows, say where the result goes: --out FILE. Alone, --file takes a text file with one text a line."
        raise ModelError(message, code="not_texts")
    else:
        content = read_bytes(source, max_bytes=Settings.from_environment().max_file_bytes)
    if not content.strip():
        raise ModelError("There is no text: the file or the input is empty. Give one text a line.", code="no_texts")
    # Empty lines stay, so that the n-th prediction belongs to the n-th line.
    return decode(content).text.removesuffix("\n").split("\n")


def _prediction_text(result: dict[str, Any]) -> str:
    from trainer.data.task import most_probable_first

    lines = [terminal_line(result["text"])]
    if "reason" in result:
        return "\n".join([*lines, f"  {result['reason']}"])
    if result["cut"]:
        lines.append(f"  cut: the model read {result['tokens_read']:,} of {result['tokens']:,} tokens")
    if result.get("unsure"):
        lines.append("  unsure: no class reaches the probability from which on this model answers")
    names, probabilities = list(result["probabilities"]), list(result["probabilities"].values())
    ordered = most_probable_first(probabilities)
    said, cuts = result.get("labels", ()), result.get("cuts", {})
    if cuts and not said:
        lines.append("  no label: none reaches its cut")

    def line(i: int) -> str:
        cut = f", said from {percent(cuts[names[i]])} on" if cuts else ""
        return f"{'*' if names[i] in said else ' '} {percent(probabilities[i]):>8}  {terminal_line(names[i])}{cut}"

    return "\n".join([*lines, *map(line, ordered)])
