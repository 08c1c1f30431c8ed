"""Inspection: one file prepared as a draft is, without keeping it, and described by plain values that JSON can hold.

Trains nothing. A file that cannot be used is a result here, not an exception.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.check import CheckResult, checks_to_dict, findings, run_checks, sort_by_severity
from trainer.data.checks.encoder import ENCODER_CHECKS, EncoderInfo, TextsAndEncoder, measure_lengths
from trainer.data.checks.repairs import rows_outside_given_splits
from trainer.data.columns.guess import Columns
from trainer.data.columns.label_form import AS_IT_LOOKS, LabelReading
from trainer.data.corpus import Corpus
from trainer.data.files.table import Table
from trainer.data.reader.file_reader import TableReader, read_file
from trainer.drafts.preparation import PreparedDraft, prepare
from trainer.drafts.store import Draft, SourceFile
from trainer.errors import UserError
from trainer.recipe import Recipe

_MAX_LISTED_ROWS = 1_000  # dropped rows that are listed one by one; the count is always complete


@dataclass(frozen=True)
class Inspection:
    """What was found in one file. ``prepared`` is None if it could not be read; ``problem`` says why it cannot be trained on.

    ``checks`` are those of the file and, if one was given, of the encoder.
    """

    file: str
    prepared: PreparedDraft | None
    problem: UserError | None
    checks: tuple[CheckResult, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the file can be trained on."""
        return self.problem is None

    def to_dict(self) -> dict[str, Any]:
        """``{"file", "ok": true, ...}`` or ``{"file", "ok": false, "code", "message", ...}``.

        rows_seen is always rows_kept + rows_dropped_count; the dropped rows are those of the reader and those without text or label.
        """
        if self.problem is not None:
            refusal = {"file": self.file, "ok": False, "code": self.problem.code, "message": self.problem.message}
            return refusal if self.prepared is None else refusal | _describe_reading(self.prepared.table, None)
        table, columns, corpus = self.prepared.table, self.prepared.columns, self.prepared.require_corpus()
        content = _describe_content(table, columns, corpus, self.checks)
        return {"file": self.file, "ok": True} | _describe_reading(table, corpus) | content


def inspect_file(
    path: str | Path,
    reader: TableReader,
    *,
    text_columns: Sequence[str] = (),
    label_column: str | tuple[str, ...] | None = None,
    part: str | None = None,
    reading: LabelReading = AS_IT_LOOKS,
    class_names: Mapping[str, str] | None = None,
    encoder: EncoderInfo | None = None,
    max_classes: int = 500,
    **limits: int,
) -> Inspection:
    """Read a file, find its columns and check it.

    ``text_columns`` (several are joined) and ``label_column`` are names or positions from 0; without them they are guessed. ``part``: the
    sheet of a workbook, the file of a zip or the list of a JSON file to read, by name. ``reading``: how labels are
    read. ``class_names`` gives labels as written ("0") a name. ``limits`` are those of ``read_table``.
    """
    try:
        table = read_file(path, reader, part=part, **limits)
    except UserError as error:
        return Inspection(str(path), None, error)
    source = SourceFile(Path(path).name, "", tuple(text_columns), label_column, part)
    draft = Draft("", "", source, class_names=class_names or {}, task=reading.task, cut=reading.cut)
    prepared = prepare(draft, {"main": table}, max_classes=max_classes)
    if prepared.problem is not None:
        return Inspection(str(path), prepared, prepared.problem)
    checks = prepared.checks
    if encoder is not None:
        checks = sort_by_severity([*checks, *_check_encoder(prepared.require_corpus(), encoder)])
    return Inspection(str(path), prepared, None, checks)


def _check_encoder(corpus: Corpus, encoder: EncoderInfo) -> tuple[CheckResult, ...]:
    # Given test rows must not be a reason to change a setting.
    free = rows_outside_given_splits(corpus)
    checked, noun = (corpus, "text") if corpus.given_split is None or not free.any() else (corpus.where(free), "training text")
    return run_checks(ENCODER_CHECKS, TextsAndEncoder(checked, encoder, measure_lengths(checked, encoder), Recipe().max_length, noun))


def _describe_content(table: Table, columns: Columns, corpus: Corpus, checks: Sequence[CheckResult]) -> dict[str, Any]:
    counts = corpus.label_counts.tolist()
    form = columns.label_form
    return {
        "text": {"name": table.columns[columns.text], "index": columns.text},
        "label": {"name": table.columns[columns.label], "index": columns.label},
        "labels": dict(zip(corpus.label_names, counts, strict=True)),
        "task": {
            "key": corpus.task.key,
            "name": corpus.task.name,
            "reason": None if form is None else form.reason,
            "columns": [table.columns[position] for position in columns.label_columns],
            "cut": columns.cut,
        },
        "findings": [finding.to_dict() for finding in findings(checks)],
        "checks": checks_to_dict(checks),
    }


def _describe_reading(table: Table, corpus: Corpus | None) -> dict[str, Any]:
    dropped = sorted([*table.dropped, *(corpus.dropped if corpus else ())], key=lambda row: row.line)
    return {
        "encoding": table.encoding,
        "delimiter": table.delimiter,
        "header": table.header,
        "part": table.part,
        "parts": [{"name": part.name, "kind": part.kind, "rows": part.rows, "hidden": part.hidden} for part in table.parts],
        "rows_seen": table.rows_seen,
        "rows_kept": table.rows_seen - len(dropped),
        "rows_dropped_count": len(dropped),
        "rows_dropped": [{"line": row.line, "reason": row.reason} for row in dropped[:_MAX_LISTED_ROWS]],
    }
