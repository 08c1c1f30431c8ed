"""The command ``inspect``. It keeps nothing, so it needs no workspace, whose modules take longer to import than a small file to read."""

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trainer.check import CheckResult
from trainer.cli.checks import check_lines
from trainer.cli.recipe import chosen_label, parse_repairs
from trainer.errors import RecipeError, UnavailableError
from trainer.settings import Settings
from trainer.terminal import terminal_line
from trainer.text_format import pluralize

_MAX_PARTS = 20

if TYPE_CHECKING:
    from trainer.data.reader.file_reader import FileReader
    from trainer.drafts.preparation import PreparedDraft


def inspect(options: argparse.Namespace) -> int:
    """Print what is in each file, and write a repaired copy if that is requested."""
    from trainer.data.reader.file_reader import FileReader

    if bool(options.repair) != bool(options.out) or (options.out and len(options.files) > 1):
        raise RecipeError(
            "To repair, give one file, --repair CODES (or all) and --out FILE. Example: inspect mine.csv --repair all --out clean.csv",
            code="unknown_setting",
        )
    if options.out and options.out.resolve() in {file.resolve() for file in options.files}:
        raise RecipeError(f"{options.out} is the file to be repaired; it is never overwritten. Name another one.", code="unknown_setting")
    with FileReader(replaces=False) as reader:
        reader.start()  # while this process imports the rest
        return _inspect_all(options, reader)


def _inspect_all(options: argparse.Namespace, reader: "FileReader") -> int:
    from trainer.data.columns.label_form import LabelReading
    from trainer.data.numbered_names import read_numbered_names
    from trainer.drafts.inspection import inspect_file
    from trainer.training.encoder_catalogue import EncoderCatalogue

    repair_codes = parse_repairs(options.repair or "")
    class_names = None if options.label_names is None else read_numbered_names(options.label_names)
    settings, encoders = Settings.from_environment(), EncoderCatalogue()
    refused = False
    for file in options.files:
        inspection = inspect_file(
            file,
            reader,
            text_columns=options.text,
            label_column=chosen_label(options.label),
            part=options.part,
            reading=LabelReading.of(options.task, options.cut),
            class_names=class_names,
            encoder=encoders.info(encoders.default.name),
            max_classes=settings.max_classes,
            **settings.file_limits,
        )
        values = inspection.to_dict()
        if repair_codes and inspection.ok:
            values = values | {"repaired": _repair(options, inspection.prepared, repair_codes)}
        refused = refused or not values["ok"]
        print(json.dumps(values) if options.json else _inspection_text(values, inspection.checks), flush=True)
    return 2 if refused else 0


def _repair(options: argparse.Namespace, prepared: "PreparedDraft", repair_codes: Sequence[str]) -> dict[str, Any]:
    """Write the repaired file; returns what was done, for JSON."""
    from trainer.data.checks.repairs import apply_repairs
    from trainer.data.repaired_file import write_repaired

    repaired = apply_repairs(prepared.corpus, repair_codes)
    try:
        log = write_repaired(options.out, prepared.table, prepared.columns, repaired, spreadsheet=options.for_spreadsheets)
    except OSError as error:
        raise UnavailableError(f"{options.out} could not be written ({error.strerror or error}).", code="disk_not_writable") from error
    return {"file": str(options.out), "changes": str(log), "rows": len(repaired.corpus), "repairs": repaired.counts}


def _inspection_text(values: dict[str, Any], checks: Sequence[CheckResult]) -> str:
    if not values["ok"]:
        return "\n".join([f"{values['file']}: {values['message']}", *_part_lines(values)])
    lines = [
        f"{values['file']}: {values['rows_kept']:,} rows, {values['encoding']}, "
        f"delimiter {values['delimiter']!r}, {'with' if values['header'] else 'without'} header",
        *_part_lines(values),
        f"  text: {terminal_line(values['text']['name'])} (column {values['text']['index']})",
        *_label_lines(values),
        "  classes: " + ", ".join(f"{terminal_line(name)} {n_rows:,}" for name, n_rows in values["labels"].items()),
        *(f"  {line}" for line in check_lines(checks)),
    ]
    if "repaired" in values:
        done = ", ".join(f"{code} ({n_rows:,})" for code, n_rows in values["repaired"]["repairs"].items()) or "nothing to do"
        lines.append(f"  repaired: {done}; {values['repaired']['rows']:,} rows in {values['repaired']['file']}")
    return "\n".join(lines)


def _label_lines(values: dict[str, Any]) -> list[str]:
    """The label column, or the columns of labels, and why a text is taken to have several."""
    task = values["task"]
    line = f"  label: {terminal_line(values['label']['name'])} (column {values['label']['index']})"
    if len(task["columns"]) > 1:
        more = f" and {len(task['columns']) - _MAX_PARTS:,} more" if len(task["columns"]) > _MAX_PARTS else ""
        line = f"  labels: {', '.join(map(terminal_line, task['columns'][:_MAX_PARTS]))}{more}"
    if task["reason"] is None:
        return [line]
    other_cut = "" if task["cut"] is None else ", another score with --cut"
    return [line, f"  {task['name']}: {terminal_line(task['reason'])} (choose with --task single or several{other_cut})"]


def _part_lines(values: dict[str, Any]) -> list[str]:
    """Which part of a file was read, and all of them: each can be read with --part."""
    parts = values.get("parts") or []
    if not parts:
        return []
    shown = [
        terminal_line(part["name"]) + ("" if part["rows"] is None else f" ({pluralize(part['rows'], 'row')})")
        for part in parts[:_MAX_PARTS]
    ]
    more = f" and {len(parts) - _MAX_PARTS:,} more" if len(parts) > _MAX_PARTS else ""
    read = terminal_line(values["part"]) if values["part"] else "all together"
    return [f"  part: {read}; one of {', '.join(shown)}{more} (choose with --part)"]
