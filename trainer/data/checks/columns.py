"""Checks of the columns: whether it is clear which are meant, and further texts and labels beside those that are used."""

from collections.abc import Mapping, Sequence

from trainer.check import MAX_EXAMPLES, Check, CheckResult, Example
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.columns.guess import Columns
from trainer.data.columns.label_columns import name_stem
from trainer.data.files.table import Table
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL
from trainer.text_format import pluralize, quote_names

_SAMPLE_ROWS = 5_000
_MIN_SHARED_RATIO = 0.8  # of the cells of another column that are labels
_MAX_LABEL_CHARS = 80


def _check_certainty(file: CheckedFile) -> CheckResult | None:
    table, columns = file.table, file.columns
    if columns.confident:
        return None
    advice = (
        f"Text: “{table.columns[columns.text][:60]}” ({columns.text_reason}). "
        f"Label: “{table.columns[columns.label][:60]}” ({columns.label_reason}). Choosing them by hand settles it."
    )
    return CheckResult("columns_unsure", "warning", 1, "Please check the columns: it is not certain which are meant.", advice)


def _check_other_texts(file: CheckedFile) -> CheckResult | None:
    table, columns = file.table, file.columns
    others = [position for position in columns.text_candidates if position not in columns.extra_text_columns]
    if not others:
        return None
    names = quote_names([table.columns[position] for position in others], limit=5)
    message = f"{names} {'holds' if len(others) == 1 else 'hold'} texts too, beside “{table.columns[columns.text][:40]}”."
    advice = "If a model should read both, choose several columns as the text: they are joined, each on a line of its own."
    return CheckResult("other_texts", "info", len(others), message, advice)


def _check_other_labels(file: CheckedFile) -> CheckResult | None:
    """Further labels of the same rows: a column like the label's by name ("label 2") or of the same labels."""
    table, columns = file.table, file.columns
    used = {columns.text, *columns.label_columns, *columns.extra_text_columns}
    labels = {name.casefold() for name in file.corpus.label_names}
    rows = table.rows[:: max(1, -(-len(table.rows) // _SAMPLE_ROWS))]
    others = [
        position for position in range(len(table.columns)) if position not in used and _has_labels(table, columns, rows, position, labels)
    ]
    if not others:
        return None
    first = others[0]
    further = [
        row
        for row, cells in enumerate(table.rows)
        if cells[first].strip() and cells[first].strip().casefold() != cells[columns.label].strip().casefold()
    ]
    names = quote_names([table.columns[position] for position in others], limit=5)
    message = (
        f"{names} {'holds' if len(others) == 1 else 'hold'} labels too; in {pluralize(len(further), 'row')} the one in “{table.columns[first][:40]}” "
        f"differs from “{table.columns[columns.label][:40]}”."
    )
    advice = _OTHERS_UNUSED[file.corpus.task.key]
    if file.corpus.task is SINGLE_LABEL and any(_is_named_alike(table, columns, position) for position in others):
        advice += " Choose “several labels a text” if all of them are labels of the text."
    shown = tuple(
        Example(table.lines[row], table.rows[row][columns.text], table.rows[row][first].strip()) for row in further[:MAX_EXAMPLES]
    )
    return CheckResult("other_labels", "warning", len(further), message, advice, shown) if further else None


_OTHERS_UNUSED: Mapping[str, str] = {
    SINGLE_LABEL.key: "Here each text has one label, the one of the chosen column; these are not used.",
    SEVERAL_LABELS.key: "These are not used.",
}


def _has_labels(table: Table, columns: Columns, rows: Sequence[Sequence[str]], position: int, labels: set[str]) -> bool:
    cells = [cell.casefold() for row in rows if (cell := row[position].strip())]
    if len(cells) < 2 or any(len(cell) > _MAX_LABEL_CHARS for cell in cells):
        return False
    distinct = set(cells)
    if _is_named_alike(table, columns, position):
        return len(distinct) <= max(2, len(cells) / 2)
    # Numbers, and yes and no, have many meanings.
    are_words = len(labels) > 2 and all(any(map(str.isalpha, label)) for label in labels)
    return are_words and len(distinct) > 1 and sum(cell in labels for cell in cells) >= _MIN_SHARED_RATIO * len(cells)


def _is_named_alike(table: Table, columns: Columns, position: int) -> bool:
    return table.header and name_stem(table.columns[position]) == name_stem(table.columns[columns.label]) != ""


COLUMN_CHECKS: tuple[Check[CheckedFile], ...] = (
    Check("columns_unsure", "Clear text and label columns", _check_certainty),
    Check("other_texts", "One column of texts", _check_other_texts),
    Check("other_labels", "One column of labels", _check_other_labels),
)
