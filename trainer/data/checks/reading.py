"""Findings about how a file was read: rows lost, letters guessed, what its reader did, cells left empty."""

from trainer.data.checks.findings import MAX_EXAMPLES, Example, Finding
from trainer.data.columns.guess import Columns
from trainer.data.corpus import NO_LABEL, NO_SPLIT, NO_TEXT, Corpus
from trainer.data.files.table import DroppedRow, Table
from trainer.text_format import percent, pluralize


def check_reading(table: Table, columns: Columns, corpus: Corpus) -> list[Finding]:
    """What is to be said of the reading of a file that became this corpus."""
    found = [
        _rows_read(table),
        _encoding_guessed(table),
        *(Finding(r.code, r.severity, r.count, r.message) for r in table.warnings),
        _empty(table, corpus, NO_TEXT, "empty_texts", "text", columns.label),
        _empty(table, corpus, NO_LABEL, "empty_labels", "label", columns.text),
        _unknown_split(table, corpus, columns.text),
    ]
    return [finding for finding in found if finding]


def _rows_read(table: Table) -> Finding:
    count = len(table.dropped)
    if not count:
        return Finding("rows_read", "ok", len(table.rows), f"All {pluralize(len(table.rows), 'row')} could be read.")
    share = count / table.rows_seen
    first = table.dropped[0]
    message = f"{pluralize(count, 'row')} of {table.rows_seen:,} could not be read and will not be used ({percent(share)})."
    advice = f"The first is on line {first.line:,}: {first.reason}."
    shown = tuple(Example(row.line, "", row.reason) for row in table.dropped[:MAX_EXAMPLES])
    return Finding("rows_dropped", "error" if share > 0.1 else "warning", count, message, advice, shown)


def _encoding_guessed(table: Table) -> Finding | None:
    if not table.encoding_guessed:
        return None
    odd = [row for row, cells in enumerate(table.rows) if not all(map(str.isascii, cells))]
    rows = pluralize(len(odd), "row depends", "rows depend")
    message = f"The file does not say how its letters are written; {table.encoding} is my best guess, and {rows} on it."
    where = f"Look at line {table.lines[odd[0]]:,}: are its letters right? " if odd else ""
    shown = tuple(Example(table.lines[row], next(cell for cell in table.rows[row] if not cell.isascii())) for row in odd[:MAX_EXAMPLES])
    return Finding("encoding_guessed", "warning", len(odd), message, f"{where}If not, save the file as UTF-8 and upload it again.", shown)


def _empty(table: Table, corpus: Corpus, reason: str, code: str, what: str, other: int) -> Finding | None:
    lines = [row.line for row in corpus.dropped if row.reason == reason]
    if not lines:
        return None
    message = f"{pluralize(len(lines), 'row has', 'rows have')} no {what} and will not be used, the first on line {lines[0]:,}."
    shown = _shown(table, [row for row in corpus.dropped if row.reason == reason], other)
    return Finding(code, "warning", len(lines), message, examples=shown)


def _unknown_split(table: Table, corpus: Corpus, text: int) -> Finding | None:
    rows = [row for row in corpus.dropped if row.reason.startswith(NO_SPLIT)]
    if not rows:
        return None
    count = pluralize(len(rows), "row is", "rows are")
    message = f"{count} neither for training, validation nor test, as the split column says, and will not be used."
    advice = "They may be meant for a test. Correct the column and upload the file again."
    return Finding("unknown_split", "warning", len(rows), message, advice, _shown(table, rows, text))


def _shown(table: Table, rows: list[DroppedRow], column: int) -> tuple[Example, ...]:
    wanted = {row.line for row in rows[:MAX_EXAMPLES]}
    cells = {line: row[column] for line, row in zip(table.lines, table.rows, strict=True) if line in wanted}
    return tuple(Example(row.line, cells.get(row.line, ""), row.reason) for row in rows[:MAX_EXAMPLES])
