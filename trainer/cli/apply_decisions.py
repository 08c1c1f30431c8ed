"""``audit FILE --apply LOG --to FILE``: a log of decisions applied to a file, which is written in its own form."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.errors import FileError, RecipeError, UnavailableError
from trainer.settings import LOCAL_OWNER, Settings

if TYPE_CHECKING:
    from trainer.audit.logged_changes import AppliedLog
    from trainer.data.reader.file_reader import FileReader
    from trainer.data.rewrite.edits import Rewritten


def apply_decisions(options: argparse.Namespace) -> int:
    """Write the corrected file and print what was applied. Uses ``file``, ``text``, ``label``, ``part``, ``task``, ``cut``, ``apply``, ``to`` and ``json`` of the options."""
    from trainer.data.reader.file_reader import FileReader

    if not options.apply or not options.to:
        raise RecipeError(
            "Give both: --apply LOG, the log of decisions, and --to FILE, where the corrected file goes.", code="unknown_setting"
        )
    if options.to.resolve() in {options.file.resolve(), options.apply.resolve()}:
        raise RecipeError(f"{options.to} is a file to be read; it is never overwritten. Name another one.", code="unknown_setting")
    with FileReader(replaces=False) as reader:
        reader.start()  # while this process imports the rest
        applied, rewritten = _corrected(options, reader)
    _write(options.to, rewritten.data)
    result: dict[str, Any] = {"file": str(options.to), **applied.to_dict(), "notes": list(rewritten.notes)}
    print(
        json.dumps(result) if options.json else "\n".join([*applied.sentences(), *rewritten.notes, f"The corrected file is {options.to}."])
    )
    return 0


def _corrected(options: argparse.Namespace, reader: "FileReader") -> "tuple[AppliedLog, Rewritten]":
    from dataclasses import replace

    from trainer.audit.corrected_edits import label_edits
    from trainer.audit.logged_changes import apply_change_log, read_change_log
    from trainer.cli.recipe import chosen_label
    from trainer.data.columns.label_form import LabelReading
    from trainer.data.files.file_bytes import read_bytes
    from trainer.data.reader.file_reader import read_file, rewrite_in_turn
    from trainer.studio import Studio

    settings = Settings.from_environment()
    log = read_change_log(read_file(options.apply, reader, header=True, **settings.file_limits))
    workspace = Studio(settings, reader=reader).for_owner(LOCAL_OWNER)
    inspection = workspace.inspect(
        options.file,
        text_columns=options.text,
        label_column=chosen_label(options.label),
        part=options.part,
        reading=LabelReading.of(options.task, options.cut),
    )
    prepared = inspection.prepared
    if prepared is None or prepared.columns is None or prepared.corpus is None:
        raise inspection.problem or FileError("This file has no texts and labels that decisions could be applied to.", code="not_a_table")
    applied = apply_change_log(log, prepared.corpus)
    edits, notes = label_edits(prepared.table, prepared.columns, prepared.corpus, applied.targets)
    data = read_bytes(options.file, max_bytes=settings.max_file_bytes)
    rewritten = rewrite_in_turn(reader, data, edits, part=options.part, **settings.file_limits)
    return applied, replace(rewritten, notes=(*notes, *rewritten.notes))


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise UnavailableError(f"{path} could not be written ({error.strerror or error}).", code="disk_not_writable") from error
