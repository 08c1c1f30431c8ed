"""Checks of how a file was read: rows dropped, an encoding guessed, what the reader changed, empty cells, its own split, its columns."""

from collections import Counter
from dataclasses import replace

from trainer.check import MAX_EXAMPLES, Check, CheckResult, Example
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.corpus import NO_LABEL, NO_SPLIT, NO_TEXT
from trainer.data.files.table import DroppedRow, Table
from trainer.data.label_blocks import fill_blocks, may_be_blocks
from trainer.text_format import percent, pluralize

_RIVAL_ENCODING = "rival_encoding"  # told with the guess


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
    rival = "".join(f"{warning.message} " for warning in table.warnings if warning.code == _RIVAL_ENCODING)
    shown = tuple(
        Example(table.lines[row], next(cell for cell in table.rows[row] if not cell.isascii())) for row in non_ascii[:MAX_EXAMPLES]
    )
    return CheckResult(
        "encoding_guessed",
        "warning",
        len(non_ascii),
        message,
        f"{question}{rival}If they are wrong, save the file as UTF-8 and upload it again.",
        shown,
    )


def _check_reader_warnings(file: CheckedFile) -> list[CheckResult]:
    told = [warning for warning in file.table.warnings if warning.code != _RIVAL_ENCODING]
    return [CheckResult(warning.code, warning.severity, warning.count, warning.message) for warning in told]


def _check_empty_texts(file: CheckedFile) -> CheckResult | None:
    return _check_empty_cells(file, NO_TEXT, "empty_texts", "text", file.columns.label)


def _check_empty_labels(file: CheckedFile) -> CheckResult | None:
    result = _check_empty_cells(file, NO_LABEL, "empty_labels", "label", file.columns.text)
    if result is None or not may_be_blocks([cells[file.columns.label] for cells in file.table.rows]):
        return result
    hint = "If a label stands on the first row of a block and counts for the rows below it too, fill it down and upload the file again."
    return replace(result, advice=f"{result.advice} {hint}".strip())


def _check_empty_cells(file: CheckedFile, reason: str, code: str, what: str, shown_column: int) -> CheckResult | None:
    rows = [row for row in file.corpus.dropped if row.reason.startswith(reason)]
    if not rows:
        return None
    message = f"{pluralize(len(rows), 'row has', 'rows have')} no {what} and will not be used, the first on line {rows[0].line:,}."
    whys = Counter(row.reason.removeprefix(f"{reason}: ") for row in rows if row.reason != reason)
    advice = "; ".join(f"in {pluralize(n_rows, 'row')} {why}" for why, n_rows in whys.most_common(3))
    shown = _examples(file.table, rows, shown_column)
    return CheckResult(code, "warning", len(rows), message, advice and f"{advice[0].upper()}{advice[1:]}.", shown)


def _check_label_blocks(file: CheckedFile) -> CheckResult | None:
    labels = [cells[file.columns.label] for cells in file.table.rows]
    if fill_blocks(labels) is None:
        return None
    n_filled = sum(not label.strip() for label in labels)
    message = (
        f"The label stands on the first row of each block only: it was filled down into the {pluralize(n_filled, 'row')} below, so that each row "
        "has the label from above."
    )
    advice = "If rows without a label are not labelled yet, fill in those that are and take the others out."
    return CheckResult("labels_filled_down", "warning", n_filled, message, advice)


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
    Check("labels_filled_down", "A label for each row, not for a block", _check_label_blocks),
    Check("unknown_split", "A split column without gaps", _check_own_split, _has_own_split, "files that come with a split"),
)
"""Also of a given test or validation file."""
