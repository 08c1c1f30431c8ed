"""A repaired corpus as a CSV file, and the log of its changes. Only formats."""

from collections.abc import Iterable
from pathlib import Path

from trainer.data.checks.repairs import Repaired, RowChange
from trainer.data.columns.guess import Columns
from trainer.data.corpus import Corpus
from trainer.data.csv_text import csv_bytes
from trainer.data.files.table import Table


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
    joined from several columns is in a column of its own at the end.
    """
    names = _header(table, columns)
    rows = [list(table.rows[row]) for row in corpus.source_rows.tolist()]
    for cells, text, label in zip(rows, corpus.texts, corpus.labels, strict=True):
        cells[columns.label] = label
        if columns.extra_text_columns:
            cells.append(text)
        else:
            cells[columns.text] = text
    return csv_bytes(names, rows, spreadsheet=spreadsheet)


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
