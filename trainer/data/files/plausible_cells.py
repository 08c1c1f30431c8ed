"""Whether cells look whole: with another delimiter inside, a part of a quotation mark, of an HTML entity or of a smiley, they were probably cut wrongly.

Knows no columns; ``dialect.py`` compares delimiters by it.
"""

import re

from trainer.data.files.preamble import is_numeric

_ENTITY = re.compile(r"&(?:#\d{1,6}|#[xX][0-9a-fA-F]{1,5}|[A-Za-z]{2,8});")
_CUT_ENTITY = re.compile(r"&(?:#\d{1,6}|#[xX][0-9a-fA-F]{1,5}|amp|lt|gt|quot|apos|nbsp)$")
_LINK = re.compile(r"(?:https?://|www\.)[^\s,]+")  # what follows a comma may be the next cell
_WINK = re.compile(r";(?=['^o-]?\)|-[(DPp|/\\*](?!\w))")
"""The semicolon of ;) and ;-) and ;-P."""
_SMILEY = re.compile(r"[;:=]['^o-]?[()\[\]DPp|/\\*](?!\w)")
_SMILEY_REST = re.compile(r"['^o-]?\)(?!\w)|-[(DPp|/\\*](?!\w)")
_ENTITY_END = "\x1c"  # cannot occur: control characters are removed before
_SMILEY_STARTS = frozenset(")-'^o")
_MIN_CUT_RECORDS, _MAX_CONSTANT_CHARS = 5, 200
_MAX_PART_CHARS = 24  # of a list in a cell


def clean_share(cells: list[str], others: list[str]) -> float:
    """The fraction of cells in which no other delimiter is, except in prose, numbers, lists, links and HTML entities."""
    return sum(_is_clean(cell, others) for cell in cells) / len(cells)


def are_cut_at_a_constant(records: list[list[str]], others: list[str]) -> bool:
    """Whether the few values of a column all begin, or end, with the same words beside another delimiter: text; thanks,joy cut at the semicolon."""
    if len(records) < _MIN_CUT_RECORDS:
        return False
    width = min(map(len, records))
    if width == 2 and any(len({record[position] for record in records}) == 1 for position in range(2)):
        return True  # one column that says the same in each row, and another
    for position in range(width):
        for other in others:
            cell = records[0][position]
            if other not in cell:
                continue
            column = [record[position] for record in records]
            start, end = cell[: cell.index(other) + 1], cell[cell.rindex(other) :]
            begin_alike = position > 0 and _is_constant(start[:-1]) and all(other_cell.startswith(start) for other_cell in column)
            end_alike = position < width - 1 and _is_constant(end[1:]) and all(other_cell.endswith(end) for other_cell in column)
            if (begin_alike or end_alike) and 1 < len(set(column)) <= len(column) // 3:
                return True
    return False


def _is_constant(words: str) -> bool:
    return len(words) <= _MAX_CONSTANT_CHARS and not is_numeric(words)


def is_sound(record: list[str]) -> bool:
    """Whether no cell has one of two quotation marks of a quoted cell."""
    return not any('"' in cell and cell.count('"') % 2 for cell in record)


def hide_entities(line: str) -> str:
    """The line with another character for the semicolon that ends an HTML code or begins a smiley, which a delimiter may be."""
    if "&" in line:
        line = _ENTITY.sub(lambda match: match[0][:-1] + _ENTITY_END, line)
    return _WINK.sub(_ENTITY_END, line) if ";" in line else line


def show_entities(cell: str) -> str:
    """A cell of a line of ``hide_entities`` as it was written."""
    return cell.replace(_ENTITY_END, ";") if _ENTITY_END in cell else cell


def _is_clean(cell: str, others: list[str]) -> bool:
    if cell[:1] in _SMILEY_STARTS and _SMILEY_REST.match(cell):
        return False
    if "&" in cell:
        if _CUT_ENTITY.search(cell):
            return False
        cell = _ENTITY.sub("", cell)
    if "://" in cell or "www." in cell:
        cell = _LINK.sub("", cell)
    if ";" in cell or "|" in cell:
        cell = _SMILEY.sub("", cell)
    for other in others:
        position = cell.find(other)
        if position >= 0 and not cell[position + 1 : position + 2].isspace() and not is_numeric(cell) and not _is_list(cell, other):
            return False
    return True


def _is_list(cell: str, separator: str) -> bool:
    """Whether a cell is a list of words or of numbers: ``joy|anger``, ``0;1;0``, ``["a","b"]``."""
    parts = [part.strip("[](){}'\"") for part in cell.strip().split(separator)]
    if any(len(part) > _MAX_PART_CHARS or " " in part for part in parts):
        return False
    n_numeric = sum(is_numeric(part) for part in parts if part)
    return n_numeric in (0, sum(map(bool, parts)))
