"""What is in a label cell: a spelling of a label, several labels, or a measurement, which is no class.

Works on label strings and how often each occurs; knows neither tables nor columns.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice, pairwise

from trainer.data.combining_marks import limit_marks

# Reliable separators first: a semicolon or a bar is rarely part of a name, a comma or a slash often is.
_RELIABLE_SEPARATORS = (";", "|", "；", "؛", "\n")
_UNRELIABLE_SEPARATORS = (",", "、", "，", "،", "/", "+", "#")
_MAX_OPTION_PARTS = 5  # commas in an option such as "Prices, fees"
_QUOTES = "\"'`“”‘’«»"
_MAX_CELLS = 50_000  # distinct cells that are examined, evenly spaced
_MAX_PARTS = 1_000  # with more different parts, they are words of a text, not labels

# Word processors and phones write these for the ones of a keyboard.
_TYPOGRAPHIC = str.maketrans(dict.fromkeys("‘’‚‛′ʼ´", "'") | dict.fromkeys("“”„‟«»″", '"') | dict.fromkeys("‐‑‒–—―−﹣", "-"))

_MONTH = (
    "(?:jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|févr?|m[aä]r(?:ch|z|s)?|mrz|apr(?:il)?|avr(?:il)?|may|mai|mei|maj|jun[ei]?|juin|jul[iy]?|juil(?:let)?|aug(?:ust)?|août"
    "|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?|déc|ene|abr|ago|dic|fev|set|out|mag|giu|lug|янв|фев|мар|апр|мая|июн|июл|авг|сен|окт|ноя|дек)"
)
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[ t]0{1,2}:00(?::00)?)?|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{2}|\d{4})"
    rf"|\d{{1,2}}\.?[-/ ]?{_MONTH}\.?(?:[-/ ]\d{{2}}(?:\d{{2}})?)?|{_MONTH}\.?[-/ ]\d{{1,2}}"
)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([,.]\d{3})+")
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|['"][\s\S]*""")  # the last: what never ends is looked at once
_NUMBER = re.compile(r"[+-]?(\d+)(?:[.,٫](\d+))?(?:[eE]([+-]?\d+))?\s?%?|[+-]?[.,](\d+)")


# --- spellings ----------------------------------------------------------------------------------------------------------


def normalize_label(label: str) -> str:
    """The label without regard to case, Unicode form, invisible characters and the kind of apostrophes, dashes and blanks. Idempotent.

    Removes blanks at the ends; others become one space. They are not removed altogether, since different labels would
    become equal ("no table", "notable").
    """
    if label.isascii():
        return " ".join(label.casefold().split())
    label = limit_marks(label)
    while True:
        normalized = unicodedata.normalize("NFKC", "".join(c for c in label if not _is_invisible(c)).translate(_TYPOGRAPHIC)).casefold()
        normalized = " ".join(unicodedata.normalize("NFKC", normalized).translate(_TYPOGRAPHIC).split())
        # Lower-case letters may compose again: repeat until nothing changes.
        if normalized == label:
            return normalized
        label = normalized


def _is_invisible(c: str) -> bool:
    if c < "\x7f":
        return False
    # Tag characters (E00xx) distinguish the flags of England and Scotland.
    return (unicodedata.category(c) == "Cf" and c < "\U000e0000") or "\ufe00" <= c <= "\ufe0f" or c in "\u034f\u115f\u1160\u3164\uffa0"


# --- several labels in one cell -----------------------------------------------------------------------------------------


def find_separator(counts: Mapping[str, int]) -> str | None:
    """The separator of several labels in one cell ("joy;anger", "4,27", "['joy', 'anger']"), given how often each cell occurs.

    None if cells are single labels. A name with a comma or a slash in it ("Arts, Crafts & Sewing", "N/A", "1,000", a date) is one
    label: parts count as labels only if they occur alone elsewhere, or in other combinations.
    """
    cells = {cell: n_rows for item, n_rows in _sample(counts) if (cell := item.strip())}
    rows = sum(cells.values())
    if len(cells) < 2:
        return None
    if sum(n_rows for cell, n_rows in cells.items() if _is_list(cell)) >= 0.8 * rows:
        # NumPy writes its lists without commas.
        return next(
            (
                separator
                for separator in (",", ";", "|", " ")
                if any(separator in cell and len(split_labels(cell, separator)) > 1 for cell in cells)
            ),
            None,
        )
    for separator in _RELIABLE_SEPARATORS + _UNRELIABLE_SEPARATORS:
        if _separates(cells, separator, rows):
            return separator
    return None


def split_labels(cell: str, separator: str) -> tuple[str, ...]:
    """The labels in one cell: stripped, without brackets, quotation marks and empty labels."""
    cell = cell.strip()
    if _is_list(cell):
        cell = cell[1:-1].strip()
        if cell[:1] in ("'", '"'):
            return tuple(part for single, double in _QUOTED.findall(cell) if (part := (single or double).strip()))
    parts = cell.split() if separator == " " else cell.split(separator)
    return tuple(part for raw in parts if (part := _unquoted(raw)))


def split_cells(counts: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    """The labels in each cell, given how often each cell occurs; {} if cells are single labels.

    An option such as "Prices, fees" stays whole if its parts never stand apart.
    """
    separator = find_separator(counts)
    if separator is None:
        return {}
    cells = {cell: split_labels(cell, separator) for cell in counts}
    if separator in _UNRELIABLE_SEPARATORS and not any(_is_list(cell.strip()) for cell in counts):
        for _ in range(_MAX_OPTION_PARTS):
            pairs = _inseparable_pairs(cells.values())
            if not pairs:
                break
            cells = {cell: _joined(parts, pairs, separator) for cell, parts in cells.items()}
    return cells if any(len(parts) > 1 for parts in cells.values()) else {}


def _inseparable_pairs(cells: Collection[tuple[str, ...]]) -> dict[str, str]:
    """Parts that always follow one another, in two different cells at least: the second one of each first one. No part is in two pairs."""
    followers, leaders, uses = defaultdict(set), defaultdict(set), Counter()
    for parts in cells:
        for first, second in zip(("", *parts), (*parts, ""), strict=True):
            followers[first].add(second)
            leaders[second].add(first)
            uses[first, second] += 1
    pairs = [
        (first, second)
        for (first, second), n_cells in uses.items()
        if first and second and n_cells > 1 and followers[first] == {second} and leaders[second] == {first}
    ]
    seconds = {second for _, second in pairs}
    return {first: second for first, second in pairs if first not in seconds}  # of "a, b, c" first "a, b", then with "c"


def _joined(parts: tuple[str, ...], pairs: Mapping[str, str], separator: str) -> tuple[str, ...]:
    """The parts, with those of a pair as one."""
    seconds = {position + 1 for position, pair in enumerate(pairwise(parts)) if pairs.get(pair[0]) == pair[1]}
    return tuple(
        f"{part}{separator} {parts[position + 1]}" if position + 1 in seconds else part
        for position, part in enumerate(parts)
        if position not in seconds
    )


def _unquoted(part: str) -> str:
    part = part.strip()
    while len(part) > 1 and part[0] in _QUOTES and part[-1] in _QUOTES:
        part = part[1:-1].strip()
    return "" if part in _QUOTES else part


def _is_list(cell: str) -> bool:
    return cell[:1] + cell[-1:] in ("[]", "{}") and ":" not in cell


def _separates(cells: Mapping[str, int], separator: str, rows: int) -> bool:
    split_cells = {cell: split_labels(cell, separator) for cell in cells if separator in cell}
    split_cells = {cell: parts for cell, parts in split_cells.items() if len(parts) > 1}
    # Once in a hundred rows is a typo or a name; and once in all is no habit.
    if sum(cells[cell] for cell in split_cells) < max(2, 0.01 * rows):
        return False
    combinations: dict[str, set[frozenset[str]]] = defaultdict(set)
    first, later = set(), set()
    for parts in split_cells.values():
        combination = frozenset(parts)
        for part in combination:
            combinations[part].add(combination)
        first.add(parts[0])
        later.update(parts[1:])
    if len(combinations) > _MAX_PARTS or (
        separator in _UNRELIABLE_SEPARATORS and _are_numbers(split_cells, separator, len(split_cells) / len(cells))
    ):
        return False
    if separator in "/+" and len(split_cells) < 2:
        return False
    single_labels = combinations.keys() & cells.keys()
    uses = Counter(part for parts in split_cells.values() for part in parts)
    known = sum(n_uses for part, n_uses in uses.items() if part in single_labels or len(combinations[part]) > 1)
    # "Paris, France": such parts never change places and never occur alone.
    free = sum(n_uses for part, n_uses in uses.items() if part in single_labels or (part in first and part in later))
    return known >= 0.8 * uses.total() and (separator in _RELIABLE_SEPARATORS or free >= 0.3 * uses.total())


def _are_numbers(split_cells: Mapping[str, Sequence[str]], separator: str, ratio: float) -> bool:
    """Whether the cells are decimals, thousands, dates or fractions rather than lists of label numbers ("4,27").

    ``ratio``: the split cells to all cells.
    """
    numbers = [parts for parts in split_cells.values() if all(part.isdecimal() for part in parts)]
    if len(numbers) < 0.5 * len(split_cells):
        return False
    if separator != ",":
        return True
    if any(", " in cell for cell in split_cells):
        return False
    # A list of labels has no label twice, and its numbers have no leading zeros and are mostly in order.
    unlike_labels = sum(len(set(parts)) < len(parts) or any(len(part) > 1 and part[0] == "0" for part in parts) for parts in numbers)
    if unlike_labels > 0.05 * len(numbers) or all(len(part) == 3 for parts in numbers for part in parts[1:]):
        return True
    if any(len(parts) > 2 for parts in numbers):
        return False
    unordered = sum(int(parts[0]) > int(parts[1]) for parts in numbers)
    return ratio > 0.95 or unordered > 0.05 * len(numbers) or (len(numbers) > 2 and len({parts[1] for parts in numbers}) == 1)


# --- dates --------------------------------------------------------------------------------------------------------------


def is_date(label: str) -> bool:
    """Whether a label is a day: "2025-01-03", "3.1.2025", "03. Jan", "Jan-03"."""
    return len(label) < 30 and _DATE.fullmatch(label.strip().casefold()) is not None


# --- measurements -------------------------------------------------------------------------------------------------------


def is_measurement(counts: Mapping[str, int]) -> bool:
    """Whether the labels are amounts (3.25, 2.8, "3,25"): many different numbers with decimals, so no classes.

    Ratings with halves (1.0, 1.5 ... 5.0), and any few numbers that occur often, are classes all the same.
    """
    rows = numeric = fractional = 0
    values: set[float] = set()
    for cell, n_rows in _sample(counts):
        rows += n_rows
        value = _parse_number(cell.strip())
        if value is not None:
            numeric += n_rows
            fractional += n_rows * (value != int(value))
            values.add(value)
    if not rows or numeric < 0.9 * rows or fractional < 0.2 * numeric or len(values) < 3:
        return False
    halves = all((2 * value).is_integer() for value in values)
    rows_per_value = numeric / len(values)
    if (halves and len(values) <= 21 and rows_per_value >= 2) or (len(values) <= 12 and rows_per_value >= 5):
        return False
    return find_separator(counts) is None


def _parse_number(cell: str) -> float | None:
    if len(cell) > 40:
        return None
    if _THOUSANDS.fullmatch(cell) and ("," in cell or cell.count(".") > 1):
        return float(re.sub("[,.]", "", cell))
    match = _NUMBER.fullmatch(cell)
    if match is None:
        return None
    whole, decimals, power, bare_decimals = match.groups()
    value = float(f"{whole or 0}.{decimals or bare_decimals or 0}e{max(-30, min(30, int(power or 0)))}")
    return -value if cell[0] == "-" else value


def _sample(counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    return islice(counts.items(), 0, None, -(-len(counts) // _MAX_CELLS) or 1)
