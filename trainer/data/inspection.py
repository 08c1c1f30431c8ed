"""One file looked at from end to end, as plain values that JSON can hold: what was read, which columns, which labels, what is odd.

Trains nothing and writes nothing; a refusal is an answer here, not an exception.
"""

from collections import Counter
from pathlib import Path
from typing import Any

from trainer.data.checks import check
from trainer.data.columns import find_column, guess_columns
from trainer.data.corpus import Corpus, build_corpus
from trainer.data.reading import Table, read_file
from trainer.errors import UserError

_MOST_DROPPED = 1_000  # dropped rows listed one by one; the count is always whole


def inspect_file(
    path: str | Path,
    *,
    text: str | None = None,
    label: str | None = None,
    max_bytes: int = 100 * 1024 * 1024,
    max_rows: int = 1_000_000,
    max_columns: int = 1_000,
    max_classes: int = 500,
) -> dict[str, Any]:
    """What ``python -m trainer inspect`` prints: ``{"file", "ok": true, ...}`` or ``{"file", "ok": false, "code", "message", ...}``.

    ``text`` and ``label`` name a column or give its position from 0; without them they are guessed. rows_seen is always
    rows_kept + rows_dropped_count, and the dropped rows are those of the reader and those without text or label.
    """
    answer: dict[str, Any] = {"file": str(path)}
    try:
        table = read_file(path, max_bytes=max_bytes, max_rows=max_rows, max_columns=max_columns)
    except UserError as error:
        return answer | {"ok": False, "code": error.code, "message": error.message}
    try:
        columns = guess_columns(
            table,
            text=None if text is None else find_column(table, text, "text"),
            label=None if label is None else find_column(table, label, "label"),
        )
        corpus = build_corpus(table, text=columns.text, label=columns.label, max_classes=max_classes)
    except UserError as error:
        return answer | {"ok": False, "code": error.code, "message": error.message} | _reading(table, None)
    counts = Counter(corpus.label_ids.tolist())
    return (
        answer
        | {"ok": True}
        | _reading(table, corpus)
        | {
            "text": {"name": table.columns[columns.text], "index": columns.text},
            "label": {"name": table.columns[columns.label], "index": columns.label},
            "labels": {name: counts[number] for number, name in enumerate(corpus.label_names)},
            "findings": [
                {"code": found.code, "severity": found.severity, "count": found.count, "message": found.message}
                for found in check(table, columns, corpus)
            ],
        }
    )


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
