"""Whether cells look whole: with another delimiter inside, a part of a quotation mark or of an HTML entity, they were probably cut wrongly.

Knows no columns; ``dialect.py`` compares delimiters by it.
"""

import re

from trainer.data.files.preamble import is_numeric

_ENTITY = re.compile(r"&(?:#\d{1,6}|#[xX][0-9a-fA-F]{1,5}|[A-Za-z]{2,8});")
_CUT_ENTITY = re.compile(r"&(?:#\d{1,6}|#[xX][0-9a-fA-F]{1,5}|amp|lt|gt|quot|apos|nbsp)$")
_LINK = re.compile(r"(?:https?://|www\.)[^\s,]+")  # what follows a comma may be the next cell
_ENTITY_END = "\x1c"  # cannot occur: control characters are removed before
_MAX_PART_CHARS = 24  # of a list in a cell


def clean_share(cells: list[str], others: list[str]) -> float:
    """The fraction of cells in which no other delimiter is, except in prose, numbers, lists, links and HTML entities."""
    return sum(_is_clean(cell, others) for cell in cells) / len(cells)


def is_sound(record: list[str]) -> bool:
    """Whether no cell has one of two quotation marks of a quoted cell."""
    return not any('"' in cell and cell.count('"') % 2 for cell in record)


def hide_entities(line: str) -> str:
    """The line with another character for the semicolon that ends an HTML code, which a delimiter may be."""
    return _ENTITY.sub(lambda match: match[0][:-1] + _ENTITY_END, line) if "&" in line else line


def show_entities(cell: str) -> str:
    """A cell of a line of ``hide_entities`` as it was written."""
    return cell.replace(_ENTITY_END, ";") if _ENTITY_END in cell else cell


def _is_clean(cell: str, others: list[str]) -> bool:
    if "&" in cell:
        if _CUT_ENTITY.search(cell):
            return False
        cell = _ENTITY.sub("", cell)
    if "://" in cell or "www." in cell:
        cell = _LINK.sub("", cell)
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
