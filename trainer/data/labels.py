"""What is in a label cell: a spelling of a label, several labels, or a measurement, which is no class.

Works on label strings and how often each occurs; knows neither tables nor columns.
"""

import json
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
_FASTTEXT = re.compile(r"__[A-Za-z]+__(?=.)")
_EMPTY_SETS = frozenset(("set()", "frozenset()", "()"))
_MIN_COMBINATIONS = 3  # of words that are labels: fewer may be names of two words
_MAX_DECIMALS = 4  # of a scale: quarters, or the 3 and 7 of grades
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


def find_separator(counts: Mapping[str, int], *, wanted: bool = False) -> str | None:
    """The separator of several labels in one cell ("joy;anger", "4,27", "['joy', 'anger']"), given how often each cell occurs.

    None if cells are single labels. A name with a comma or a slash in it ("Arts, Crafts & Sewing", "N/A", "1,000", a date) is one
    label: parts count as labels only if they occur alone elsewhere, or in other combinations. A blank separates labels only if each part occurs
    alone, or has fastText's prefix. ``wanted``: for somebody who says that cells have several labels, one cell is evidence enough.
    """
    cells = {cell: n_rows for item, n_rows in _sample(counts) if (cell := item.strip())}
    rows = sum(cells.values())
    if len(cells) < 2:
        return None
    if sum(n_rows for cell, n_rows in cells.items() if is_list(cell)) >= 0.8 * rows:
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
    if _separates_at_blanks(cells):
        return " "
    return _possible_separator(cells) if wanted else None


def split_labels(cell: str, separator: str, options: Sequence[str] = ()) -> tuple[str, ...]:
    """The labels in one cell: stripped, without brackets, quotation marks, fastText's prefix and empty labels.

    ``options``: labels that hold the separator themselves, and stay whole.
    """
    parts = _parts(cell, separator)
    if len(parts) < 2 or not options or is_list(cell.strip()):
        return parts
    whole = {_parts(option, separator): option for option in options}
    longest, labels = max(map(len, whole)), []
    while parts:
        length = next((n for n in range(min(longest, len(parts)), 1, -1) if parts[:n] in whole), 1)
        labels.append(whole.get(parts[:length], parts[0]))
        parts = parts[length:]
    return tuple(labels)


def whole_options(cells: Mapping[str, Sequence[str]], separator: str) -> tuple[str, ...]:
    """The labels that ``split_cells`` found and that hold the separator themselves."""
    labels = dict.fromkeys(label for parts in cells.values() for label in parts)
    return tuple(label for label in labels if separator in label and len(_parts(label, separator)) > 1)


def _parts(cell: str, separator: str) -> tuple[str, ...]:
    cell = cell.strip()
    if cell in _EMPTY_SETS:
        return ()
    if is_list(cell):
        cell = cell[1:-1].strip()
        if cell[:1] in ("'", '"'):
            return tuple(part for single, double in _QUOTED.findall(cell) if (part := _unescaped(single or double).strip()))
    parts = [_FASTTEXT.sub("", part, count=1) for part in cell.split()] if separator == " " else cell.split(separator)
    return tuple(part for raw in parts if (part := _unquoted(raw)))


def split_cells(counts: Mapping[str, int], separator: str | None = None) -> dict[str, tuple[str, ...]]:
    """The labels in each cell, given how often each cell occurs; {} if cells are single labels. The separator is found if none is given.

    An option such as "Prices, fees" stays whole if its parts never stand apart.
    """
    separator = separator or find_separator(counts)
    if separator is None:
        return {}
    cells = {cell: split_labels(cell, separator) for cell in counts}
    if separator in _UNRELIABLE_SEPARATORS and not any(is_list(cell.strip()) for cell in counts):
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


def _unescaped(quoted: str) -> str:
    """What is between quotation marks, without the backslashes of JSON or Python; unchanged if they are neither's."""
    if "\\" not in quoted:
        return quoted
    try:
        return str(json.loads('"' + quoted.replace("\\'", "'").replace('"', '\\"').replace('\\\\"', '\\"') + '"', strict=False))
    except ValueError:
        return quoted


def _unquoted(part: str) -> str:
    part = part.strip()
    while len(part) > 1 and part[0] in _QUOTES and part[-1] in _QUOTES:
        part = part[1:-1].strip()
    return "" if part in _QUOTES else part


def _separates_at_blanks(cells: Mapping[str, int]) -> bool:
    """Whether cells hold several words each of which is a label elsewhere, in three combinations at least, or has fastText's prefix."""
    combinations = set()
    for cell in cells:
        parts = cell.split()
        if len(parts) > 1:
            if len(set(parts)) < len(parts) or not all(part in cells or _FASTTEXT.match(part) for part in parts):
                return False
            combinations.add(frozenset(parts))
    return len(combinations) >= _MIN_COMBINATIONS


def may_be_names(cells: Mapping[str, tuple[str, ...]], separator: str) -> bool:
    """Whether the labels in each cell (``split_cells``) may be the words of one name: "sales support"."""
    several = [parts for cell, parts in cells.items() if len(parts) > 1 and not (is_list(cell) or _FASTTEXT.match(cell))]
    return separator == " " and bool(several) and not _are_combined_freely(several)


def _are_combined_freely(several: Sequence[tuple[str, ...]]) -> bool:
    """Whether words come in both orders, by threes, or each with half of the others before and after them, as the words of names do not."""
    different = set(several)
    if any(len(parts) > 2 or parts[::-1] in different for parts in several):
        return True
    partners = defaultdict(set)
    for first, second in several:
        partners[first].add(second)
        partners[second].add(first)
    in_both_places = {first for first, _ in several} & {second for _, second in several}
    return bool(in_both_places) and all(len(others) >= (len(partners) - 1) / 2 for others in partners.values())


def _may_be_decimals(several: Sequence[tuple[str, ...]]) -> bool:
    """Whether pairs of numbers are few decimals of a scale without gaps: 1,3 and 1,7 and 2,3."""
    if not all(len(parts) == 2 and all(part.isdecimal() for part in parts) for parts in several):
        return False
    wholes = {int(whole) for whole, _ in several}
    return len({decimals for _, decimals in several}) <= _MAX_DECIMALS and len(wholes) > 1 and max(wholes) - min(wholes) < len(wholes)


def _possible_separator(cells: Mapping[str, int]) -> str | None:
    """What may separate labels, for want of evidence: a semicolon or a bar anywhere, or another sign between two parts that are labels elsewhere."""
    for separator in _RELIABLE_SEPARATORS + _UNRELIABLE_SEPARATORS:
        several = [parts for cell in cells if separator in cell and len(parts := _parts(cell, separator)) > 1]
        if several and (separator in _RELIABLE_SEPARATORS or any(part in cells for parts in several for part in parts)):
            return separator
    return None


def is_list(cell: str) -> bool:
    """Whether a cell is a list or a set in brackets."""
    # A colon outside of quotation marks stands between a name and its value: {"joy": 1}.
    return cell[:1] + cell[-1:] in ("[]", "{}") and (":" not in cell or ":" not in _QUOTED.sub("", cell))


def _separates(cells: Mapping[str, int], separator: str, rows: int) -> bool:
    split_cells = {cell: split_labels(cell, separator) for cell in cells if separator in cell}
    split_cells = {cell: parts for cell, parts in split_cells.items() if len(parts) > 1}
    # Once in a hundred rows is a typo or a name; and once in all is no habit, unless each part is a label elsewhere.
    is_sure = separator in _RELIABLE_SEPARATORS and all(part in cells for parts in split_cells.values() for part in parts)
    if sum(cells[cell] for cell in split_cells) < max(1 if is_sure else 2, 0.01 * rows):
        return False
    combinations: dict[str, set[frozenset[str]]] = defaultdict(set)
    first, later = set(), set()
    for parts in split_cells.values():
        combination = frozenset(parts)
        for part in combination:
            combinations[part].add(combination)
        first.add(parts[0])
        later.update(parts[1:])
    if len(combinations) > _MAX_PARTS or (separator in _UNRELIABLE_SEPARATORS and _are_numbers(split_cells, separator, cells)):
        return False
    if separator in "/+" and len(split_cells) < 2:
        return False
    single_labels = combinations.keys() & cells.keys()
    uses = Counter(part for parts in split_cells.values() for part in parts)
    known = sum(n_uses for part, n_uses in uses.items() if part in single_labels or len(combinations[part]) > 1)
    # "Paris, France": such parts never change places and never occur alone.
    free = sum(n_uses for part, n_uses in uses.items() if part in single_labels or (part in first and part in later))
    return known >= 0.8 * uses.total() and (separator in _RELIABLE_SEPARATORS or free >= 0.3 * uses.total())


def _are_numbers(split_cells: Mapping[str, tuple[str, ...]], separator: str, cells: Collection[str]) -> bool:
    """Whether the split ones of ``cells`` are decimals, thousands, dates or fractions rather than lists of label numbers ("4,27")."""
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
    # Beside 1, 2 and 3 the 7 of "1,7" is no label of its own.
    if _may_be_decimals([*split_cells.values()]) and not {parts[1] for parts in numbers} <= set(cells):
        return True
    return (
        len(split_cells) > 0.95 * len(cells)
        or unordered > 0.05 * len(numbers)
        or (len(numbers) > 2 and len({parts[1] for parts in numbers}) == 1)
    )


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
