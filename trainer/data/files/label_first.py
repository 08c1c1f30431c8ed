"""Lines that begin (or end) with their label: fastText's ``__label__joy text``, TREC's ``NUM:dist how far``, ``+1 text``, ``text@neutral``.

Only the first blank is a delimiter, so such a file has two columns and no quotation marks.
"""

import re
from dataclasses import dataclass

_MARK = r"__[A-Za-z]+__[^\s,]+"
_MARKS = rf"(?:{_MARK}(?:[ \t]*,)?[ \t]+){{0,100}}{_MARK}"
_MARKS_FIRST = re.compile(rf"(?<!\s)\s*({_MARKS})(?:[ \t]*,)?[ \t]+")
_MARKS_LAST = re.compile(rf"(?<![ \t])[ \t]+({_MARKS})[ \t]*$", re.MULTILINE)
_AT_LAST = re.compile(r"(?<![ \t@])[ \t]*@([A-Za-z][\w-]*)[ \t]*$", re.MULTILINE)
_NAME = re.compile(r"__[A-Za-z]+__([^\s,]+)")
_CODE = re.compile(r"((?:[A-Za-z_]+:[A-Za-z_]+)|[A-Z][A-Z_]+|[+-]?\d)[ \t]+")
_MIN_LINES = 5
_MIN_WORDS = 4
"""Of a text with commas, on average."""


@dataclass(frozen=True)
class LabelFirst:
    """How a line is split: ``pattern`` matches the labels with what is between them and the text; ``marked``: they have fastText's prefix."""

    pattern: re.Pattern[str]
    marked: bool
    at_end: bool = False

    def split(self, line: str, delimiter: str) -> str:
        """The line with ``delimiter`` between its labels (joined by semicolons) and its text, in the order of the line."""
        # A code is one at the start of the line only.
        match = self.pattern.search(line) if self.marked or self.at_end else self.pattern.match(line)
        if match is None:
            return line
        labels = ";".join(_NAME.findall(match[1])) if self.marked else match[1]
        if self.at_end:
            return line[: match.start()] + delimiter + labels + line[match.end() :]
        return labels + delimiter + line[match.end() :]


def find_label_first(sample: list[str], *, marked: bool) -> LabelFirst | None:
    """How the lines of a sample begin or end with a label; None if they do not. ``marked``: with fastText's prefix or behind an @, else with a code."""
    lines = [line for line in sample if line.strip()]
    if not lines:
        return None
    if not marked:
        codes = [match[1] for line in lines if (match := _CODE.match(line))]
        few = len(set(codes)) <= max(2, len(codes) // 3) and all("\t" not in line for line in lines)
        texts = sum(len(line.split()) for line in lines) >= 3 * len(lines)
        return LabelFirst(_CODE, marked=False) if len(lines) == len(codes) >= _MIN_LINES and few and len(set(codes)) > 1 and texts else None
    has_signs = all("@" in line for line in lines)  # a look at each line is much cheaper than the pattern
    names = [match[1] for line in lines if (match := _AT_LAST.search(line))] if has_signs else []
    # Of the Financial PhraseBank; a tweet ends with a user's name now and then.
    if len(names) == len(lines) >= _MIN_LINES and 1 < len(set(names)) <= len(lines) // 3:
        return LabelFirst(_AT_LAST, marked=False, at_end=True)
    for pattern, find in ((_MARKS_FIRST, _MARKS_FIRST.match), (_MARKS_LAST, _MARKS_LAST.search)):
        if sum(find(line) is not None for line in lines) >= 0.9 * len(lines) and not _is_delimited(lines):
            return LabelFirst(pattern, marked=True, at_end=pattern is _MARKS_LAST)
    return None


def find_label_beside(sample: list[str], delimiter: str) -> LabelFirst | None:
    """How lines of a label and a text are split at the first or at the last ``delimiter``, of which texts are full; None if no end has few values."""
    lines = [line.rstrip("\n") for line in sample if line.strip()]
    if len(lines) <= _MIN_LINES or lines[0].count(delimiter) != 1 or any(delimiter not in line for line in lines):
        return None
    for values, split in _splits_at_ends(lines[1:], delimiter):
        if 1 < len(set(values)) <= len(values) // 3:
            return split
    return None


def find_label_beside_prose(records: list[list[str]], delimiter: str) -> LabelFirst | None:
    """How lines without a header are split that are a label beside a text with equally many unquoted commas in each; None for others.

    A blank follows each comma of prose, and none the one beside the label. ``records`` are the lines split at each ``delimiter``.
    """
    rows = [cells for cells in records if cells != [""]]
    width = len(rows[0]) if rows else 0
    lines = [delimiter.join(cells) for cells in rows]
    if len(rows) <= _MIN_LINES or width < 3 or any(len(cells) != width for cells in rows) or any('"' in line for line in lines):
        return None
    columns = list(zip(*rows, strict=True))
    has_blanks = [all(cell[:1] == " " for cell in column) for column in columns]
    for values, split in _splits_at_ends(lines, delimiter):
        text = range(width - 1) if split.at_end else range(1, width)
        is_prose = all(has_blanks[position] for position in text[1:]) and not has_blanks[text[0]]
        differs = all(len(set(columns[position])) > len(rows) // 2 for position in text)
        n_words = sum(len(columns[position][row].split()) for position in text for row in range(len(rows)))
        # A first line whose label never comes again has column names.
        is_label = 1 < len(set(values)) <= len(values) // 2 and values[0] in values[1:] and not any(value[:1] == " " for value in values)
        if is_prose and differs and is_label and n_words >= _MIN_WORDS * len(rows):
            return split
    return None


def _splits_at_ends(lines: list[str], delimiter: str) -> tuple[tuple[list[str], LabelFirst], ...]:
    """What is behind the last ``delimiter`` of each line, and before the first one, each with the split at it."""
    mark = re.escape(delimiter)
    return (
        (
            [line.rsplit(delimiter, 1)[1] for line in lines],
            LabelFirst(re.compile(rf"{mark}([^{mark}\n]*)$", re.MULTILINE), marked=False, at_end=True),
        ),
        ([line.split(delimiter, 1)[0] for line in lines], LabelFirst(re.compile(rf"^([^{mark}]*){mark}", re.MULTILINE), marked=False)),
    )


def _is_delimited(lines: list[str]) -> bool:
    """Whether this is a CSV file whose labels have the prefix of fastText."""
    for delimiter in (",", ";"):
        if delimiter in lines[0] and "__" not in lines[0]:
            return True  # column names
        first = [line.split(delimiter, 1)[0] for line in lines if delimiter in line]
        is_mark = all(re.fullmatch(rf"\s*{_MARK}\s*", cell) for cell in first) and delimiter == "," and all(", " in line for line in lines)
        if len(first) == len(lines) >= 3 and len(set(first)) <= len(lines) // 3 and not is_mark:
            return True  # what precedes it is repeated, as labels are and beginnings of texts are not
    return False
