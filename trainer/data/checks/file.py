"""Findings about how a file was read: rows dropped, an encoding guessed, what the reader changed, empty cells."""

from trainer.data.checks.findings import MAX_EXAMPLES, Example, Finding
from trainer.data.columns.guess import Columns
from trainer.data.corpus import NO_LABEL, NO_SPLIT, NO_TEXT, Corpus
from trainer.data.files.table import DroppedRow, Table
from trainer.text_format import percent, pluralize


def check_file(table: Table, columns: Columns, corpus: Corpus) -> list[Finding]:
    """Findings about how the file that became this corpus was read."""
    checked = [
        _check_dropped_rows(table),
        _check_encoding(table),
        *(Finding(warning.code, warning.severity, warning.count, warning.message) for warning in table.warnings),
        _check_empty_cells(table, corpus, NO_TEXT, "empty_texts", "text", columns.label),
        _check_empty_cells(table, corpus, NO_LABEL, "empty_labels", "label", columns.text),
        _check_unknown_splits(table, corpus, columns.text),
    ]
    return [finding for finding in checked if finding]


def _check_dropped_rows(table: Table) -> Finding:
    n_dropped = len(table.dropped)
    if not n_dropped:
        return Finding("rows_read", "ok", len(table.rows), f"All {pluralize(len(table.rows), 'row')} could be read.")
    ratio = n_dropped / table.rows_seen
    first = table.dropped[0]
    message = f"{pluralize(n_dropped, 'row')} of {table.rows_seen:,} could not be read and will not be used ({percent(ratio)})."
    advice = f"The first is on line {first.line:,}: {first.reason}."
    shown = tuple(Example(row.line, "", row.reason) for row in table.dropped[:MAX_EXAMPLES])
    return Finding("rows_dropped", "error" if ratio > 0.1 else "warning", n_dropped, message, advice, shown)


def _check_encoding(table: Table) -> Finding | None:
    if not table.encoding_guessed:
        return None
    non_ascii = [row for row, cells in enumerate(table.rows) if not all(map(str.isascii, cells))]
    rows = pluralize(len(non_ascii), "row depends", "rows depend")
    message = f"The file does not say how its letters are encoded; {table.encoding} is the best guess, and {rows} on it."
    question = f"Look at line {table.lines[non_ascii[0]]:,}: are its letters right? " if non_ascii else ""
    shown = tuple(
        Example(table.lines[row], next(cell for cell in table.rows[row] if not cell.isascii())) for row in non_ascii[:MAX_EXAMPLES]
    )
    return Finding(
        "encoding_guessed", "warning", len(non_ascii), message, f"{question}If not, save the file as UTF-8 and upload it again.", shown
    )


def _check_empty_cells(table: Table, corpus: Corpus, reason: str, code: str, what: str, shown_column: int) -> Finding | None:
    lines = [row.line for row in corpus.dropped if row.reason == reason]
    if not lines:
        return None
    message = f"{pluralize(len(lines), 'row has', 'rows have')} no {what} and will not be used, the first on line {lines[0]:,}."
    shown = _examples(table, [row for row in corpus.dropped if row.reason == reason], shown_column)
    return Finding(code, "warning", len(lines), message, examples=shown)


def _check_unknown_splits(table: Table, corpus: Corpus, text: int) -> Finding | None:
    rows = [row for row in corpus.dropped if row.reason.startswith(NO_SPLIT)]
    if not rows:
        return None
    number = pluralize(len(rows), "row is", "rows are")
    message = f"{number} marked as neither training, validation nor test in the split column and will not be used."
    advice = "They may be meant for a test. Correct the column and upload the file again."
    return Finding("unknown_split", "warning", len(rows), message, advice, _examples(table, rows, text))


def _examples(table: Table, rows: list[DroppedRow], column: int) -> tuple[Example, ...]:
    lines = {row.line for row in rows[:MAX_EXAMPLES]}
    cells = {line: row[column] for line, row in zip(table.lines, table.rows, strict=True) if line in lines}
    return tuple(Example(row.line, cells.get(row.line, ""), row.reason) for row in rows[:MAX_EXAMPLES])
