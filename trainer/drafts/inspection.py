"""One file looked at from end to end, as plain values that JSON can hold: what was read, which columns, which labels, what is odd.

Trains nothing; a refusal is an answer here, not an exception.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trainer.data.checks.encoder import EncoderInfo, check_encoder, measure_lengths
from trainer.data.checks.findings import Finding
from trainer.data.checks.repairs import drop_several_labels, not_in_given_split
from trainer.data.checks.run_checks import run_checks, sort_by_severity
from trainer.data.columns.guess import Columns, guess_split_column
from trainer.data.columns.resolve import resolve_columns
from trainer.data.corpus import Corpus, build_corpus, check_trainable
from trainer.data.duplicates.near_duplicates import find_near_duplicates
from trainer.data.files.reading import Table
from trainer.data.reader.file_reader import TableReader, read_file
from trainer.errors import UserError

_MOST_DROPPED = 1_000  # dropped rows listed one by one; the count is always whole


@dataclass(frozen=True)
class Inspection:
    """What was found in one file: in words and numbers (``answer``), and as far as it got, the things themselves."""

    answer: dict[str, Any] = field(default_factory=dict)
    table: Table | None = None
    columns: Columns | None = None
    corpus: Corpus | None = None


def inspect_file(path: str | Path, reader: TableReader, **how: Any) -> dict[str, Any]:
    """What ``python -m trainer inspect`` prints of a file: the ``answer`` of ``examine``, whose arguments it takes."""
    return examine(path, reader, **how).answer


def examine(
    path: str | Path,
    reader: TableReader,
    *,
    text: Sequence[str] = (),
    label: str | None = None,
    encoder: EncoderInfo | None = None,
    max_length: int = 128,
    max_classes: int = 500,
    **limits: int,
) -> Inspection:
    """Read a file, find its columns, and say what is odd: ``{"file", "ok": true, ...}`` or ``{"file", "ok": false, "code", "message", ...}``.

    ``text`` (several are joined) and ``label`` name columns or give positions from 0; without them they are guessed. ``limits`` are those
    of ``read_table``. rows_seen is always rows_kept + rows_dropped_count, and the dropped rows are those of the reader and those without
    text or label.
    """
    answer: dict[str, Any] = {"file": str(path)}
    try:
        table = read_file(path, reader, **limits)
    except UserError as error:
        return Inspection(answer | _refusal(error))
    try:
        columns = resolve_columns(table, text, label)
        where = {"text": columns.text, "label": columns.label, "extra_text_columns": columns.extra_text_columns}
        corpus = build_corpus(table, **where, split_column=guess_split_column(table))
        check_trainable(drop_several_labels(corpus), column=table.columns[columns.label], max_classes=max_classes)
    except UserError as error:
        return Inspection(answer | _refusal(error) | _reading(table, None), table)
    findings = run_checks(table, columns, corpus, find_near_duplicates(corpus.texts))
    if encoder is not None:
        # Rows that are given for a test are nobody's reason to change a setting.
        free = not_in_given_split(corpus)
        training, noun = (corpus, "text") if corpus.given_split is None or not free.any() else (corpus.where(free), "training text")
        lengths = measure_lengths(training, encoder)
        findings = sort_by_severity([*findings, *check_encoder(training, encoder, lengths, max_length=max_length, noun=noun)])
    return Inspection(
        answer | {"ok": True} | _reading(table, corpus) | _understood(table, columns, corpus, findings), table, columns, corpus
    )


def _refusal(error: UserError) -> dict[str, Any]:
    return {"ok": False, "code": error.code, "message": error.message}


def _understood(table: Table, columns: Columns, corpus: Corpus, findings: Sequence[Finding]) -> dict[str, Any]:
    counts = np.bincount(corpus.label_ids, minlength=len(corpus.label_names)).tolist()
    return {
        "text": {"name": table.columns[columns.text], "index": columns.text},
        "label": {"name": table.columns[columns.label], "index": columns.label},
        "labels": dict(zip(corpus.label_names, counts, strict=True)),
        "findings": [{"code": f.code, "severity": f.severity, "count": f.count, "message": f.sentence} for f in findings],
    }


def _reading(table: Table, corpus: Corpus | None) -> dict[str, Any]:
    dropped = sorted([*table.dropped, *(corpus.dropped if corpus else ())], key=lambda row: row.line)
    return {
        "encoding": table.encoding,
        "delimiter": table.delimiter,
        "header": table.header,
        "rows_seen": table.rows_seen,
        "rows_kept": table.rows_seen - len(dropped),
        "rows_dropped_count": len(dropped),
        "rows_dropped": [{"line": row.line, "reason": row.reason} for row in dropped[:_MOST_DROPPED]],
    }
