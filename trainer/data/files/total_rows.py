"""Rows of totals that a spreadsheet adds below, or between, the rows of a table."""

from collections import Counter
from collections.abc import Collection, Sequence

from trainer.data.files.preamble import is_numeric
from trainer.data.files.table import DroppedRow, Record

_WORDS = frozenset(
    "total totals subtotal subtotals sum count average mean median summe gesamt insgesamt gesamtsumme zwischensumme anzahl durchschnitt "
    "mittelwert somme totaux moyenne suma totales promedio media totale somma média totaal gemiddelde razem ogółem suma summa "
    "итого всего сумма среднее 合計 総計 总计 合计 總計 합계".split()
)
_PHRASES = ("grand total", "sub total", "sub-total", "total général", "total general", "n =", "n=", "number of rows", "anzahl zeilen")
_STARTS = frozenset(start[:3] for word in (*_WORDS, *_PHRASES) for start in (word, word.capitalize(), word.upper()))  # of the first cell
_MAX_WORDS = 4
_SAMPLE_ROWS = 2_000
_MAX_SEARCHED_ROWS = 50_000
_MAX_BELOW = 5  # notes below a total
_MIN_LABEL_ROWS = 2
_MIN_TALLIES, _MAX_TALLIES = 2, 200  # rows that count labels


def drop_totals(rows: list[Record], lines: list[int], dropped: list[DroppedRow]) -> tuple[list[Record], list[int]]:
    """The rows and lines without totals, which are added to ``dropped``, and without the notes below a total that ends the table.

    A total is a row that begins with a word for it, which is no label of other rows, with nothing but numbers beside it, where most other
    rows have words; or the last row, after a gap.
    """
    rows, lines = _without_tallies(rows, lines, dropped)
    # Only tables that people add up by hand have totals between their rows.
    tail = range(max(0, len(rows) - _MAX_BELOW - 1), len(rows))
    is_small = len(rows) <= _MAX_SEARCHED_ROWS
    candidates = [row for row, cells in enumerate(rows if is_small else ()) if cells[0][:3] in _STARTS and _is_total(cells)]
    candidates += [row for row in tail if row not in candidates and _is_total(rows[row])]
    candidates = _without_labels(rows, candidates)
    if not candidates or len(candidates) > 0.2 * len(rows):
        return rows, lines
    word_columns = _word_columns(rows, frozenset(candidates))
    totals = {row for row in candidates if any(is_numeric(rows[row][position]) for position in word_columns) or _ends_table(lines, row)}
    if not totals:
        return rows, lines
    last = max(totals)
    below = range(last + 1, len(rows))
    notes = below if len(below) <= _MAX_BELOW and all(_is_note(rows, row) for row in below) else range(0)
    dropped.extend(DroppedRow(lines[row], "it is a total, not a row of the table") for row in sorted(totals))
    dropped.extend(DroppedRow(lines[row], "it is a note below the table") for row in notes)
    kept = [row for row in range(len(rows)) if row not in totals and row not in notes]
    return [rows[row] for row in kept], [lines[row] for row in kept]


def _without_tallies(rows: list[Record], lines: list[int], dropped: list[DroppedRow]) -> tuple[list[Record], list[int]]:
    """The rows and lines without a count of the labels at the end: rows of a label and the number of its rows, which are added to ``dropped``."""
    tail: list[tuple[int, str, int]] = []
    for row in range(len(rows) - 1, max(-1, len(rows) - 1 - _MAX_TALLIES), -1):
        pair = _name_and_number(rows[row])
        if pair is None:
            break
        tail.append((row, *pair))
    first = len(rows) - len(tail)
    ends_with_total = len(tail) > _MIN_TALLIES and tail[0][2] == sum(number for _, _, number in tail[1:])
    counted = tail[1:] if ends_with_total else tail
    if len(counted) < _MIN_TALLIES or first < _MIN_TALLIES:
        return rows, lines
    counts = [Counter(cells[position].strip() for cells in rows[:first]) for position in range(len(rows[0]))]
    if not any(all(count[name] == number for _, name, number in counted) for count in counts):
        return rows, lines
    dropped.extend(DroppedRow(lines[row], "it counts the rows of a label, below the table") for row, _, _ in reversed(tail))
    return rows[:first], lines[:first]


def _name_and_number(cells: Record) -> tuple[str, int] | None:
    """The words and the whole number of a row that holds nothing else."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if len(filled) != 2:
        return None
    name, number = filled if is_numeric(filled[1]) else filled[::-1]
    number = number.removesuffix(".0")
    return (name, int(number)) if number.isdecimal() and len(number) < 10 and not is_numeric(name) else None


def _is_total(cells: Sequence[str]) -> bool:
    first = cells[0] or next(filter(None, cells), "")
    if len(first) > 40:
        return False
    words = first.casefold().strip(" :.=").split()
    if not words or len(words) > _MAX_WORDS or not (words[0] in _WORDS or " ".join(words).startswith(_PHRASES)):
        return False
    filled = [cell.strip() for cell in cells if cell.strip()]
    return len(cells) > 1 and all(is_numeric(cell) for cell in filled[1:]) and (len(filled) > 1 or len(words) == 1)


def _without_labels(rows: Sequence[Sequence[str]], candidates: list[int]) -> list[int]:
    """The candidates but those that begin with a label of other rows: a class may be called "average"."""
    if not candidates:
        return []
    total_rows = set(candidates)
    counts = Counter(cells[0] for row, cells in enumerate(rows) if row not in total_rows)
    return [row for row in candidates if counts[rows[row][0]] < _MIN_LABEL_ROWS]


def _word_columns(rows: Sequence[Sequence[str]], candidates: Collection[int]) -> list[int]:
    """The positions of the columns in which the rows that are no candidates have words, not numbers."""
    others = [cells for row, cells in enumerate(rows[:_SAMPLE_ROWS]) if row not in candidates]
    return [position for position in range(len(rows[0])) if sum(is_numeric(cells[position]) for cells in others) < 0.1 * len(others)]


def _ends_table(lines: Sequence[int], row: int) -> bool:
    return 0 < row >= len(lines) - 1 - _MAX_BELOW and lines[row] > lines[row - 1] + 1


def _is_note(rows: Sequence[Sequence[str]], row: int) -> bool:
    """Whether a row below a total is no row of the table: none of its cells but the first is a value of other rows."""
    cells = rows[row]
    if sum(bool(cell.strip()) for cell in cells) <= 1 or _is_total(cells):
        return True
    known = [{other[position] for other in rows[: min(row, _SAMPLE_ROWS)]} for position in range(len(cells))]
    return not any(cell and cell in known[position] for position, cell in enumerate(cells) if position)
