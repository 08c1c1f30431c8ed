"""Undoes what programs do to whole lines: each line within quotation marks, a line continued after a backslash, a rule below each.

Changes nothing unless all lines then fit one table. The number of lines stays, so that line numbers remain right.
"""

import csv
import re
from collections import Counter
from itertools import islice

from trainer.data.files.table import Record

CONTINUATION = "\x1d"  # for a line end inside a cell without quotation marks; cannot occur: control characters are removed before
_DELIMITERS = ("\t", ";", "|", ",")
_NO_VALUE = "\\N"
_SAMPLE_LINES = 2_000
_RULE = re.compile(r"\+(?:[-=]+\+)+")
_MIN_RULES = 0.4  # of the lines


def repair_lines(text: str, lines: list[str]) -> list[str]:
    """The ``lines`` of a text without the quotation marks around each of them, and continued lines joined by ``CONTINUATION``."""
    lines = _without_grid(_unwrap(lines))
    # Searching for one character is many times as fast as for two.
    return _join_continued(lines) if "\\" in text and "\\\n" in text else lines


def _without_grid(lines: list[str]) -> list[str]:
    """The lines with blank ones in place of rules (``+-----+----+``), if there is one after nearly every row."""
    first = next((line for line in lines[:_SAMPLE_LINES] if line.strip()), "")
    if not _RULE.fullmatch(first.strip()) or sum(bool(_RULE.fullmatch(line.strip())) for line in lines) < _MIN_RULES * len(lines):
        return lines
    return ["\n" if _RULE.fullmatch(line.strip()) else line for line in lines]


def _unwrap(lines: list[str]) -> list[str]:
    """The content of the lines if each is one quoted cell that holds a whole row: ``"text,label"``."""
    sample = [line for line in lines[:_SAMPLE_LINES] if line[:1] == '"' or line.strip()]
    if sum(line[:1] == '"' for line in sample) < 0.95 * len(sample):
        return lines
    contents = [content for line in sample if (content := quoted_content(line)) is not None]
    if len(sample) < 3 or len(contents) < 0.95 * len(sample) or not any(_same_width(contents, delimiter) for delimiter in _DELIMITERS):
        return lines
    return [line if (content := quoted_content(line)) is None else content + line[len(line.rstrip("\n")) :] for line in lines]


def quoted_content(line: str) -> str | None:
    """What a line holds if it is a single quoted cell; None if it is not."""
    cell = line.rstrip("\n").strip()
    if len(cell) < 2 or cell[0] != '"' or cell[-1] != '"' or '"' in cell[1:-1].replace('""', ""):
        return None
    return cell[1:-1].replace('""', '"')


def _same_width(contents: list[str], delimiter: str) -> bool:
    """Whether nearly all contents are rows of one width, rather than prose, which has a blank after its commas."""
    rows = [next(csv.reader([content], delimiter=delimiter), []) for content in contents]
    width, count = Counter(map(len, rows)).most_common(1)[0]
    is_prose = all(cell[:1] == " " for row in rows for cell in row[1:])
    return width > 1 and count >= 0.9 * len(rows) and len(rows[0]) == width and not is_prose


def unwrap_records(records: list[Record], delimiter: str | None, width: int) -> list[Record]:
    """The records, those of one quoted cell that holds a whole row as that row: one with a quoted cell in it, or with a value of other rows.

    A quoted sentence alone on its line is no row, though it may have as many commas.
    """
    if width < 2 or not delimiter or len(delimiter) > 1 or not any(len(cells) == 1 and delimiter in cells[0] for cells in records):
        return records
    others = islice((cells for cells in records if len(cells) == width), _SAMPLE_LINES)
    known = [set(column) - {""} for column in zip(*others, strict=True)] or [set()] * width
    return [_unwrapped(cells, delimiter, known) if len(cells) == 1 else cells for cells in records]


def _unwrapped(cells: Record, delimiter: str, known: list[set[str]]) -> Record:
    try:
        row = next(csv.reader([cells[0]], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return cells
    if len(row) != len(known) or all(cell[:1] == " " for cell in row[1:]):
        return cells
    has_quoted_cell = cells[0][:1] == '"' or f'{delimiter}"' in cells[0]
    return tuple(row) if has_quoted_cell or any(cell in values for cell, values in zip(row, known, strict=True)) else cells


def restore_cells(text: str, records: list[Record]) -> list[Record]:
    """The records with line ends in continued cells, and without the databases' mark for no value (``\\N``); ``text``: the whole file.

    A backslash is also taken from line ends in quoted cells if all of them, and not only one, have one.
    """
    if "\\" not in text or ("\\N" not in text and "\\\n" not in text):
        return records
    records = [tuple("" if cell == _NO_VALUE else cell.replace(CONTINUATION, "\n") for cell in cells) for cells in records]
    line_ends = [cell.count("\n") for cells in records for cell in cells if "\n" in cell]
    escaped = sum(cell.count("\\\n") for cells in records for cell in cells if "\n" in cell)
    if escaped < 2 or escaped < sum(line_ends):
        return records
    return [tuple(cell.replace("\\\n", "\n") for cell in cells) for cells in records]


def _join_continued(lines: list[str]) -> list[str]:
    """MySQL writes a line end in a cell as a backslash and a line end: such lines as one, followed by blank lines.

    A line that is a whole row, whose last cell ends in a backslash, is not joined with the next row.
    """
    joined, runs, start = list(lines), [], 0
    while start < len(lines):
        end = start
        while end + 1 < len(lines) and _is_continued(lines[end]):
            end += 1
        if end > start:
            parts = [line.rstrip("\n").removesuffix("\\") for line in lines[start:end]]
            joined[start : end + 1] = [CONTINUATION.join([*parts, lines[end]]), *["\n"] * (end - start)]
            runs.append((start, end + 1))
        start = end + 1
    usual = _usual_count(lines) or _usual_count(joined)
    if usual is None:
        return lines
    delimiter, n_delimiters = usual
    for start, end in runs:
        are_rows = all(line.count(delimiter) == n_delimiters for line in lines[start:end])
        if are_rows or joined[start].count(delimiter) != n_delimiters:
            joined[start:end] = lines[start:end]
    return joined


def _is_continued(line: str) -> bool:
    if not line.endswith("\\\n"):
        return False
    body = line[:-1]
    return (len(body) - len(body.rstrip("\\"))) % 2 == 1


def _usual_count(lines: list[str]) -> tuple[str, int] | None:
    """The delimiter of which nearly all lines have equally many, and how many; None if there is none."""
    rows = [line for line in lines[:_SAMPLE_LINES] if line.strip()]
    for delimiter in _DELIMITERS if rows else ():
        n_delimiters, n_rows = Counter(row.count(delimiter) for row in rows).most_common(1)[0]
        if n_delimiters and n_rows >= 0.95 * len(rows):
            return delimiter, n_delimiters
    return None
