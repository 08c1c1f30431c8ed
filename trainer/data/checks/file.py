"""Checks of how a file was read: rows dropped, an encoding guessed, what the reader changed, empty cells, its own split, its columns."""

from collections import Counter

from trainer.check import MAX_EXAMPLES, Check, CheckResult, Example
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.corpus import NO_LABEL, NO_SPLIT, NO_TEXT
from trainer.data.files.table import DroppedRow, Table
from trainer.text_format import percent, pluralize


def _check_dropped_rows(file: CheckedFile) -> CheckResult:
    table = file.table
    n_dropped = len(table.dropped)
    if not n_dropped:
        return CheckResult("rows_read", "ok", len(table.rows), f"All {pluralize(len(table.rows), 'row')} could be read.")
    ratio = n_dropped / table.rows_seen
    first = table.dropped[0]
    message = f"{pluralize(n_dropped, 'row')} of {table.rows_seen:,} could not be read and will not be used ({percent(ratio)})."
    advice = f"The first is on line {first.line:,}: {first.reason}."
    shown = tuple(Example(row.line, "", row.reason) for row in table.dropped[:MAX_EXAMPLES])
    return CheckResult("rows_dropped", "error" if ratio > 0.1 else "warning", n_dropped, message, advice, shown)


def _check_encoding(file: CheckedFile) -> CheckResult | None:
    table = file.table
    if not table.encoding_guessed:
        return None
    non_ascii = [row for row, cells in enumerate(table.rows) if not all(map(str.isascii, cells))]
    rows = pluralize(len(non_ascii), "row depends", "rows depend")
    message = f"The file does not say how its letters are encoded; {table.encoding} is the best guess, and {rows} on it."
    question = f"Look at line {table.lines[non_ascii[0]]:,}: are its letters right? " if non_ascii else ""
    shown = tuple(
        Example(table.lines[row], next(cell for cell in table.rows[row] if not cell.isascii())) for row in non_ascii[:MAX_EXAMPLES]
    )
    return CheckResult(
        "encoding_guessed", "warning", len(non_ascii), message, f"{question}If not, save the file as UTF-8 and upload it again.", shown
    )


def _check_reader_warnings(file: CheckedFile) -> list[CheckResult]:
    return [CheckResult(warning.code, warning.severity, warning.count, warning.message) for warning in file.table.warnings]


def _check_empty_texts(file: CheckedFile) -> CheckResult | None:
    return _check_empty_cells(file, NO_TEXT, "empty_texts", "text", file.columns.label)


def _check_empty_labels(file: CheckedFile) -> CheckResult | None:
    return _check_empty_cells(file, NO_LABEL, "empty_labels", "label", file.columns.text)


def _check_empty_cells(file: CheckedFile, reason: str, code: str, what: str, shown_column: int) -> CheckResult | None:
    rows = [row for row in file.corpus.dropped if row.reason == reason]
    if not rows:
        return None
    message = f"{pluralize(len(rows), 'row has', 'rows have')} no {what} and will not be used, the first on line {rows[0].line:,}."
    return CheckResult(code, "warning", len(rows), message, examples=_examples(file.table, rows, shown_column))


def _has_own_split(file: CheckedFile) -> bool:
    return file.corpus.given_split is not None or any(row.reason.startswith(NO_SPLIT) for row in file.corpus.dropped)


def _check_own_split(file: CheckedFile) -> list[CheckResult]:
    """Rows that its split column calls neither training, validation nor test, and the number of rows in each part."""
    results = []
    unknown = [row for row in file.corpus.dropped if row.reason.startswith(NO_SPLIT)]
    if unknown:
        number = pluralize(len(unknown), "row is", "rows are")
        message = f"{number} marked as neither training, validation nor test in the split column and will not be used."
        advice = "They may be meant for a test. Correct the column and upload the file again."
        shown = _examples(file.table, unknown, file.columns.text)
        results.append(CheckResult("unknown_split", "warning", len(unknown), message, advice, shown))
    if file.corpus.given_split is not None:
        counts = Counter(file.corpus.given_split)
        parts = ", ".join(f"{pluralize(counts[part], 'row')} for {part}" for part in ("train", "validation", "test") if counts[part])
        message = f"The rows come with their own split, which is respected: {parts}."
        results.append(CheckResult("split_given", "ok", len(file.corpus), message))
    return results


def _check_columns(file: CheckedFile) -> CheckResult | None:
    table, columns = file.table, file.columns
    if columns.confident:
        return None
    advice = (
        f"Text: “{table.columns[columns.text][:60]}” ({columns.text_reason}). "
        f"Label: “{table.columns[columns.label][:60]}” ({columns.label_reason}). Choosing them by hand settles it."
    )
    return CheckResult("columns_unsure", "warning", 1, "Please check the columns: it is not certain which are meant.", advice)


def _examples(table: Table, rows: list[DroppedRow], column: int) -> tuple[Example, ...]:
    lines = {row.line for row in rows[:MAX_EXAMPLES]}
    cells = {line: row[column] for line, row in zip(table.lines, table.rows, strict=True) if line in lines}
    return tuple(Example(row.line, cells.get(row.line, ""), row.reason) for row in rows[:MAX_EXAMPLES])


READING_CHECKS: tuple[Check[CheckedFile], ...] = (
    Check("rows_dropped", "All rows can be read", _check_dropped_rows),
    Check("encoding_guessed", "A known encoding", _check_encoding),
    Check("reader_warnings", "Read as it is written", _check_reader_warnings),
    Check("empty_texts", "A text in every row", _check_empty_texts),
    Check("empty_labels", "A label in every row", _check_empty_labels),
    Check("unknown_split", "A split column without gaps", _check_own_split, _has_own_split, "files that come with a split"),
)
"""Also of a given test or validation file."""

COLUMN_CHECKS: tuple[Check[CheckedFile], ...] = (Check("columns_unsure", "Clear text and label columns", _check_columns),)
