"""Finds the lines above a table (titles, comments, "Exported on ...") and decides whether the first record is a header."""

from collections import Counter
from collections.abc import Sequence

from trainer.data.column_name_words import HEADER_WORDS, LABEL_WORDS, TEXT_WORDS

_MAX_RECORDS = 60
_MIN_OTHER_ROWS = 0.8  # than those that repeat the first one
_MAX_FACTS = 12  # lines of as many cells as the table, above its column names
_NUMBER_SIGNS = "0123456789.,:/-+%eE \t"


def is_numeric(cell: str) -> bool:
    """Whether a cell is a number, a date or a time of day."""
    return not cell.strip(_NUMBER_SIGNS) and any(c in "0123456789" for c in cell[:40])


def common_width(records: Sequence[Sequence[str]]) -> int:
    """The expected cells per record: as many as in the first one if 30% agree, else the most common number."""
    if not records:
        return 1
    counts = Counter(map(len, records))
    first = len(records[0])
    return first if counts[first] >= 0.3 * len(records) else counts.most_common(1)[0][0]


def count_short_rows_at_start(records: Sequence[Sequence[str]]) -> int:
    """How many of the first records have far fewer filled cells than the table below them; 0 if there is no such table."""
    below = records[len(records) // 2 :]
    width = Counter(map(len, below)).most_common(1)[0][0] if below else 1
    filled = sorted(sum(map(bool, map(str.strip, cells))) for cells in below if len(cells) == width)
    typical = filled[len(filled) // 2] if filled else 0
    if width < 2 or typical < 2:
        return 0
    n_short = 0
    for cells in records[:_MAX_RECORDS]:
        if not _is_short(cells, width, typical):
            break
        n_short += 1
    return n_short if n_short < min(len(records), _MAX_RECORDS) else 0


def _is_short(cells: Sequence[str], width: int, typical: int) -> bool:
    if len(cells) > 1 and len(cells) == width - 1 and width > 2:
        return False  # the header of a table with unnamed row names
    return sum(map(bool, map(str.strip, cells))) <= max(1, typical // 2)


def preamble_length(records: Sequence[Sequence[str]]) -> int:
    """How many records are above the table: short ones or comments, followed by a header."""
    comments = 0
    while comments < min(len(records) - 1, _MAX_RECORDS) and records[comments][0].lstrip().startswith("#"):
        comments += 1
    # Tweets begin with # too: lines as wide as the table are comments only if a header follows, and one may be the header itself.
    has_full_width = any(len(cells) == common_width(records) for cells in records[:comments])
    if comments and (not has_full_width or has_header(records[comments], records[comments + 1 :])):
        records = records[comments:]
    else:
        comments = 0
    n_short = count_short_rows_at_start(records)
    if n_short and has_header(records[n_short], records[n_short + 1 :]):
        return comments + n_short
    return comments + _full_width_title_length(records)


def _full_width_title_length(records: Sequence[Sequence[str]]) -> int:
    """How many records with as many delimiters as the table are above it: a title, or facts such as "Exported","2024-01-31"."""
    if len(records) < 4 or _count_header_words(records[0]):
        return 0
    is_header = header_score(records[0], records[1:]) > 0
    for position, cells in enumerate(records[1:_MAX_FACTS], 1):
        n_words, filled = _count_header_words(cells), sum(map(bool, map(str.strip, cells)))
        # Names that all say text, label and the like are no row, whatever stands above them.
        named = n_words >= 2 and n_words >= 0.5 * filled and len(records) > position + 3
        if named or (not is_header and position < 4 and n_words and header_score(cells, records[position + 1 :]) >= 4):
            return position
    return 0


def _count_header_words(cells: Sequence[str]) -> int:
    return sum(cell.strip().casefold() in HEADER_WORDS for cell in cells)


def has_header(first: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether ``first`` is a header, by comparing it with each column's type, lengths and repeated values."""
    if _is_numbered(first, body):
        return True
    score = header_score(first, body)
    if score != 0:
        return score > 0
    names = [name for name in map(str.strip, first) if name]
    return bool(names) and all(len(name) <= 40 and len(name.split()) <= 2 and not is_numeric(name) for name in names)


def _is_numbered(first: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether these are the names that pandas writes for columns without names, after the empty one of the row numbers: ,0,1"""
    if len(first) < 3 or first[0].strip() or [name.strip() for name in first[1:]] != [*map(str, range(len(first) - 1))]:
        return False
    return bool(body) and [cells[0].strip() for cells in body[:2]] == [*map(str, range(min(2, len(body))))]


def header_score(first: Sequence[str], body: Sequence[Sequence[str]]) -> float:
    """Above 0: probably a header; below 0: probably data."""
    same = [name.strip().casefold() for name in first]
    if not (TEXT_WORDS.isdisjoint(same) and LABEL_WORDS.keys().isdisjoint(same)):
        # Files put together repeat their column names.
        others = [cells for cells in body if [cell.strip().casefold() for cell in cells] != same]
        body = others if len(others) >= _MIN_OTHER_ROWS * len(body) else body
    score = 0.0
    for position, name in enumerate(first):
        name = name.strip()
        if name:
            score += _column_evidence(
                name, [cells[position].strip() for cells in body if len(cells) > position and cells[position].strip()]
            )
    names = [name.strip().casefold() for name in first if name.strip()]
    return score - (len(names) - len(set(names)))


def _column_evidence(name: str, column: list[str]) -> float:
    """How much one cell of the first record looks like a column name (above 0) or like one more value (below 0)."""
    if is_numeric(name):
        return -2.0
    score = 3.0 if name.casefold() in HEADER_WORDS else 0.0
    if not column:
        return score
    if sum(map(is_numeric, column)) > 0.9 * len(column):
        return score + 2.0
    distinct = set(column)
    n_words = len(name.split())
    if len(column) >= 6 and len(distinct) <= len(column) / 3:
        if name in distinct:
            return score - 3.0
        return score + (2.5 if n_words >= max(len(value.split()) for value in distinct) + 3 else 1.5)
    if name in distinct:
        return score - 1.0
    if name.endswith("?") and sum(cell.endswith("?") for cell in column) <= 0.1 * len(column):
        return score + 1.5  # a survey question above its answers
    if sum(len(cell.split()) for cell in column) >= 4 * len(column):
        return score + (1.0 if n_words <= 2 else -1.5 if n_words <= 6 else -2.0)
    return score - (2.0 if n_words > 6 or len(name) > 60 else 0.0)
