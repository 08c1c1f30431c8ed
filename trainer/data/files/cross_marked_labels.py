"""Tables in which each class has a column of its own, with a cross in one of them: the crossed one becomes a label in a column "choice".

The columns themselves stay as they are. Rows with several crosses name several labels.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from trainer.data.files.table import ReaderWarning, Table
from trainer.text_format import quote_names

CROSSES = frozenset("x ✓ ✔ ☑ ☒ ✗ ✘ √ × ja yes true 1 1.0 y oui sí si sim да".split())
NO_CROSSES = frozenset(("", "0", "0.0", "no", "false", "n", "nein", "non", "não", "нет", "☐", "-"))
_SAMPLE_ROWS = 50
_MIN_COLUMNS = 3
_MIN_CROSSED_COLUMNS = 2  # of crosses and blanks, which mean nothing else
PURE_CROSSES = frozenset("x ✓ ✔ ☑ ☒ ✗ ✘ √ ×".split())
_MIN_ONE_CROSS = 0.95  # of the rows; with fewer the columns are no parts of one question
_MIN_ONE_NUMBER = 0.999
_MIN_ROWS_PER_CLASS = 2
_BIT = r"(?:[01](?:\.0*)?|[Tt]rue|[Ff]alse)"
_LIST = re.compile(rf"\[\s*{_BIT}(?:(?:\s*,\s*|\s+){_BIT})+\s*\]")
_BITS = {"t": "1", "f": "0"}  # by the first letter of a word
_NAME = "choice"


def join_crosses(table: Table) -> Table:
    """The table with a column "choice" if some columns side by side have one cross in each row, and with lists such as [0, 1, 0] as the position of their 1."""
    return _with_choices(_with_positions(table))


def _with_choices(table: Table) -> Table:
    if not table.header or len(table.columns) <= _MIN_CROSSED_COLUMNS or len(table.rows) < _MIN_COLUMNS * _MIN_ROWS_PER_CLASS:
        return table
    sample = [[cell.strip().casefold() for cell in cells] for cells in table.rows[:_SAMPLE_ROWS]]
    marked = [
        all(cells[position] in CROSSES or cells[position] in NO_CROSSES for cells in sample) for position in range(len(table.columns))
    ]
    for start, end in _runs(marked):
        choices = _choices(table, start, end)
        if choices is not None:
            return _with_column(table, choices, table.columns[start:end])
    return table


def _runs(marked: Sequence[bool]) -> list[tuple[int, int]]:
    """Where two or more columns in a row are marked: ``(start, end)`` of each, without the end."""
    runs, start = [], None
    for position, is_marked in enumerate([*marked, False]):
        if is_marked and start is None:
            start = position
        elif not is_marked and start is not None:
            if position - start >= _MIN_CROSSED_COLUMNS:
                runs.append((start, position))
            start = None
    return runs


def _choices(table: Table, start: int, end: int) -> list[str] | None:
    """Per row, the names of the crossed columns; None if they are no classes of one question."""
    names = _class_names(table.columns[start:end])
    choices: list[str] = []
    counts = [0] * len(names)
    n_single = n_filled = 0
    all_numbers = are_pure = True
    for row in table.rows:
        cells = [cell.strip().casefold() for cell in row[start:end]]
        crossed = [position for position, cell in enumerate(cells) if cell in CROSSES]
        if any(cell not in CROSSES and cell not in NO_CROSSES for cell in cells):
            return None
        are_pure = are_pure and all(cell in PURE_CROSSES for cell in cells if cell)
        all_numbers = all_numbers and all(cell[:1] in "01" for cell in cells if cell)
        n_filled += bool(crossed)
        n_single += len(crossed) == 1
        for position in crossed:
            counts[position] += 1
        choices.append("; ".join(names[position] for position in crossed))
    has_blanks = any(not row[position].strip() for row in table.rows[:_SAMPLE_ROWS] for position in range(start, end))
    expected = _MIN_ONE_CROSS if has_blanks and not all_numbers else _MIN_ONE_NUMBER
    if end - start < _MIN_COLUMNS and not are_pure:
        return None
    if not n_filled or n_single < expected * (n_filled if has_blanks else len(table.rows)) or min(counts) < _MIN_ROWS_PER_CLASS:
        return None
    return choices


def _class_names(names: Sequence[str]) -> list[str]:
    """The names without the words that all begin with: "praise" and "fault" of "is_praise" and "is_fault"."""
    first, last = min(map(str.casefold, names)), max(map(str.casefold, names))
    common = first[: next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))]
    length = max((match.end() for match in re.finditer(r"[\s_.:\-/\[(]+", common)), default=0)
    shortened = [name[length:].strip(" ])") for name in names]
    return shortened if all(shortened) and len(set(shortened)) == len(shortened) else list(names)


def _with_column(table: Table, choices: list[str], names: Sequence[str]) -> Table:
    name = next(name for name in (_NAME, *(f"{_NAME} ({n})" for n in range(2, len(table.columns) + 3))) if name not in table.columns)
    message = f"Each row has a cross in one of the columns {quote_names(names, limit=6)}. They were read as classes: the new column “{name}” names the crossed one."
    warning = ReaderWarning("crosses_joined", "ok", len(names), message)
    rows = [(*cells, choice) for cells, choice in zip(table.rows, choices, strict=True)]
    return replace(table, columns=(*table.columns, name), rows=rows, warnings=(*table.warnings, warning))


def _with_positions(table: Table) -> Table:
    """Columns of lists of zeros with a single 1 as the position of the 1, counted from 0."""
    positions = [
        position for position in range(len(table.columns)) if _are_one_hot([cells[position] for cells in table.rows[:_SAMPLE_ROWS]])
    ]
    positions = [position for position in positions if _are_one_hot([cells[position] for cells in table.rows])]
    if not positions:
        return table
    rows = [tuple([_position_of_one(cell) if p in positions else cell for p, cell in enumerate(cells)]) for cells in table.rows]
    names = quote_names([table.columns[position] for position in positions], limit=5)
    message = f"The cells of {names} are lists of zeros with a single 1; each was read as the position of the 1, counted from 0."
    warning = ReaderWarning("one_hot_lists", "ok", len(rows), message)
    return replace(table, rows=rows, warnings=(*table.warnings, warning))


def _are_one_hot(cells: Sequence[str]) -> bool:
    filled = [cell.strip() for cell in cells if cell and not cell.isspace()]
    if not filled or filled[0][0] != "[":
        return False
    lists = [_parse_list(cell) for cell in filled]
    return all(len(items) == len(lists[0]) > 1 and items.count("1") == 1 for items in lists)


def _parse_list(cell: str) -> list[str]:
    items = re.findall(_BIT, cell) if _LIST.fullmatch(cell) else []
    return [_BITS.get(item[0].lower(), item[0]) for item in items]


def _position_of_one(cell: str) -> str:
    items = _parse_list(cell.strip())
    return str(items.index("1")) if items else cell
