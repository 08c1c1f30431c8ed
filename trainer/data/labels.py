"""What a label cell says: two spellings of one label, several labels in one cell, measurements that are no classes.

Knows neither tables nor columns: label strings in, answers out; how often each occurs stands for the rows.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

# Strong first: a semicolon or a bar is seldom part of a name, a comma or a slash often is.
_STRONG = (";", "|", "；", "؛", "\n")
_WEAK = (",", "、", "，", "،", "/", "+")
_QUOTES = "\"'`“”‘’«»"
_MOST_DISTINCT = 50_000  # as many distinct cells are looked at, evenly taken
_MOST_PARTS = 1_000  # more different parts are words of a text, not labels

_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}([,.]\d{3})+")
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""")
_NUMBER = re.compile(r"[+-]?(\d+)(?:[.,٫](\d+))?(?:[eE]([+-]?\d+))?\s?%?|[+-]?[.,](\d+)")


# --- spellings ----------------------------------------------------------------------------------------------------------


def normalize_label(label: str) -> str:
    """The label without regard to case, Unicode form, invisible characters and how blanks are written; ``fold(fold(x)) == fold(x)``.

    Blanks at the ends go, others become one space. A blank between words still counts: taken out altogether,
    different labels could meet ("no table", "notable"), while one that is there twice or is of another kind never means anything.
    """
    if label.isascii():
        return " ".join(label.casefold().split())
    while True:
        folded = unicodedata.normalize("NFKC", "".join(c for c in label if not _is_invisible(c))).casefold()
        folded = " ".join(unicodedata.normalize("NFKC", folded).split())
        # Small letters may compose anew, so once more until nothing changes.
        if folded == label:
            return folded
        label = folded


def _is_invisible(c: str) -> bool:
    if c < "\x7f":
        return False
    # Tag characters (E00xx) tell the flags of England and Scotland apart.
    return (unicodedata.category(c) == "Cf" and c < "\U000e0000") or "\ufe00" <= c <= "\ufe0f" or c in "\u034f\u115f\u1160\u3164\uffa0"


# --- several labels in one cell -----------------------------------------------------------------------------------------


def find_separator(counts: Mapping[str, int]) -> str | None:
    """What stands between several labels in one cell ("joy;anger", "4,27", "['joy', 'anger']"), given how often each cell occurs.

    None where cells are single labels. A name with a comma or a slash in it ("Arts, Crafts & Sewing", "N/A", "1,000", a date) is one
    label: parts count as labels only where they stand alone elsewhere, or come back in other combinations.
    """
    cells = {cell: count for item, count in _some(counts) if (cell := item.strip())}
    rows = sum(cells.values())
    if len(cells) < 2:
        return None
    if sum(count for cell, count in cells.items() if _is_list(cell)) >= 0.8 * rows:
        # NumPy writes its lists without commas.
        return next(
            (sign for sign in (",", ";", "|", " ") if any(sign in cell and len(split_labels(cell, sign)) > 1 for cell in cells)), None
        )
    for separator in _STRONG + _WEAK:
        if _separates(cells, separator, rows):
            return separator
    return None


def split_labels(cell: str, separator: str) -> tuple[str, ...]:
    """The labels in one cell: stripped, without brackets and quotation marks, empty ones left out."""
    cell = cell.strip()
    if _is_list(cell):
        cell = cell[1:-1].strip()
        if cell[:1] in ("'", '"'):
            return tuple(part for single, double in _QUOTED.findall(cell) if (part := (single or double).strip()))
    parts = cell.split() if separator == " " else cell.split(separator)
    return tuple(part for raw in parts if (part := _unquoted(raw)))


def _unquoted(part: str) -> str:
    part = part.strip()
    while len(part) > 1 and part[0] in _QUOTES and part[-1] in _QUOTES:
        part = part[1:-1].strip()
    return "" if part in _QUOTES else part


def _is_list(cell: str) -> bool:
    return cell[:1] + cell[-1:] in ("[]", "{}") and ":" not in cell


def _separates(cells: Mapping[str, int], separator: str, rows: int) -> bool:
    several = {cell: split_labels(cell, separator) for cell in cells if separator in cell}
    several = {cell: parts for cell, parts in several.items() if len(parts) > 1}
    # Once in a hundred rows is a slip of the pen or a name; twice at least, or it is no habit.
    if sum(cells[cell] for cell in several) < max(2, 0.01 * rows):
        return False
    combinations: dict[str, set[frozenset[str]]] = defaultdict(set)
    first, later = set(), set()
    for parts in several.values():
        kind = frozenset(parts)
        for part in kind:
            combinations[part].add(kind)
        first.add(parts[0])
        later.update(parts[1:])
    if len(combinations) > _MOST_PARTS or (separator in _WEAK and _are_numbers(several, separator, len(several) / len(cells))):
        return False
    if separator in "/+" and len(several) < 2:
        return False
    alone = combinations.keys() & cells.keys()
    used = Counter(part for parts in several.values() for part in parts)
    known = sum(count for part, count in used.items() if part in alone or len(combinations[part]) > 1)
    # "Paris, France": the places of such parts never change, and they never stand alone.
    free = sum(count for part, count in used.items() if part in alone or (part in first and part in later))
    return known >= 0.8 * used.total() and (separator in _STRONG or free >= 0.3 * used.total())


def _are_numbers(several: Mapping[str, Sequence[str]], separator: str, share: float) -> bool:
    """Whether the cells are decimals, thousands, dates or fractions rather than lists of label numbers ("4,27")."""
    numbers = [parts for parts in several.values() if all(part.isdecimal() for part in parts)]
    if len(numbers) < 0.5 * len(several):
        return False
    if separator != ",":
        return True
    if any(", " in cell for cell in several):
        return False
    # A list of labels names none twice, and its numbers are written without leading zeros, mostly in order.
    odd = sum(len(set(parts)) < len(parts) or any(len(part) > 1 and part[0] == "0" for part in parts) for parts in numbers)
    if odd > 0.05 * len(numbers) or all(len(part) == 3 for parts in numbers for part in parts[1:]):
        return True
    if any(len(parts) > 2 for parts in numbers):
        return False
    unordered = sum(int(parts[0]) > int(parts[1]) for parts in numbers)
    return share > 0.95 or unordered > 0.05 * len(numbers) or (len(numbers) > 2 and len({parts[1] for parts in numbers}) == 1)


# --- measurements -------------------------------------------------------------------------------------------------------


def is_measurement(counts: Mapping[str, int]) -> bool:
    """Whether the labels are amounts (3.25, 2.8, "3,25"): many different numbers with decimals, so no classes.

    Ratings with halves (1.0, 1.5 ... 5.0), and any few numbers that come back often, are classes all the same.
    """
    rows = numeric = fractional = 0
    values: set[float] = set()
    for cell, count in _some(counts):
        rows += count
        value = _number(cell.strip())
        if value is not None:
            numeric += count
            fractional += count * (value != int(value))
            values.add(value)
    if not rows or numeric < 0.9 * rows or fractional < 0.2 * numeric or len(values) < 3:
        return False
    halves = all((2 * value).is_integer() for value in values)
    often = numeric / len(values)
    if (halves and len(values) <= 21 and often >= 2) or (len(values) <= 12 and often >= 5):
        return False
    return find_separator(counts) is None


def _number(cell: str) -> float | None:
    if len(cell) > 40:
        return None
    if _THOUSANDS.fullmatch(cell) and ("," in cell or cell.count(".") > 1):
        return float(re.sub("[,.]", "", cell))
    match = _NUMBER.fullmatch(cell)
    if match is None:
        return None
    whole, decimals, power, bare = match.groups()
    value = float(f"{whole or 0}.{decimals or bare or 0}e{max(-30, min(30, int(power or 0)))}")
    return -value if cell[0] == "-" else value


def _some(counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    return islice(counts.items(), 0, None, -(-len(counts) // _MOST_DISTINCT) or 1)
