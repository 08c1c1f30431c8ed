"""A repaired corpus as a CSV file, and the log of its changes. Only formats."""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from trainer.data.checks.repairs import Repaired, RowChange
from trainer.data.columns.guess import Columns
from trainer.data.corpus import Corpus
from trainer.data.csv_text import csv_bytes
from trainer.data.files.table import Table
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL


def write_repaired(file: Path, table: Table, columns: Columns, repaired: Repaired, *, spreadsheet: bool = False) -> Path:
    """Write the repaired file and, in the same folder, the log of its changes ("clean.csv", "clean.changes.csv"); returns the log's path."""
    log = file.with_name(f"{file.stem}.changes.csv")
    file.write_bytes(repaired_csv(table, columns, repaired.corpus, spreadsheet=spreadsheet))
    log.write_bytes(change_log(repaired.changes, spreadsheet=spreadsheet))
    return log


def repaired_csv(table: Table, columns: Columns, corpus: Corpus, *, spreadsheet: bool = False) -> bytes:
    """The rows of a corpus with all columns of their table, text and label as the corpus has them; comma-separated, with a header.

    By default: UTF-8, each cell unchanged, so that reading it again gives the same texts and labels. ``spreadsheet``: UTF-8 with
    a byte order mark, which Excel needs, and an apostrophe before each cell that a spreadsheet would run as a formula. A text that is
    joined from several columns is in a column of its own at the end. Where a text may have several labels, they are a list in one column ("[]" for none),
    which stands for all columns of labels.
    """
    names = _header(table, columns)
    rows = [list(table.rows[row]) for row in corpus.source_rows.tolist()]
    written = _WRITTEN[corpus.task.key](corpus)
    for cells, text, label in zip(rows, corpus.texts, written, strict=True):
        cells[columns.label] = label
        if columns.extra_text_columns:
            cells.append(text)
        else:
            cells[columns.text] = text
    others = set(columns.label_columns) - {columns.label}
    if others:
        names[columns.label] = next(name for name in ("labels", "all labels", "labels of the text") if name not in names)
        names, *rows = ([cell for position, cell in enumerate(cells) if position not in others] for cells in (names, *rows))
    return csv_bytes(names, rows, spreadsheet=spreadsheet)


_WRITTEN: Mapping[str, Callable[[Corpus], list[str]]] = {
    SINGLE_LABEL.key: lambda corpus: corpus.labels,
    SEVERAL_LABELS.key: lambda corpus: [json.dumps(names, ensure_ascii=False) for names in corpus.label_sets],
}
"""How the label of each row is written in one cell."""


def change_log(changes: Iterable[RowChange], *, spreadsheet: bool = False) -> bytes:
    """A CSV file with a row for each change: the line of the original file, what was changed, before, after, and by which repair."""
    field_names = {"row": "row left out", "text": "text", "label": "label"}
    rows = [[str(c.line), field_names[c.field], c.old, c.new, c.repair] for c in changes]
    return csv_bytes(["line", "changed", "before", "after", "repair"], rows, spreadsheet=spreadsheet)


def _header(table: Table, columns: Columns) -> list[str]:
    names = list(table.columns)
    if not table.header:
        names = [f"column {position}" for position in range(1, len(names) + 1)]
        names[columns.text], names[columns.label] = "text", "label"
    if columns.extra_text_columns:
        names.append(next(name for name in ("text", "joined text", "joined text 2") if name not in names))
    return names
