"""What each column of a table contains, from a sample of its rows: words, numbers, dates, keys, how often values repeat.

Ignores column names and decides nothing.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from trainer.data.files.preamble import is_numeric
from trainer.data.files.table import Table
from trainer.data.label_blocks import fill_blocks
from trainer.data.labels import find_separator, is_measurement, split_cells
from trainer.data.missing_labels import is_written_like

_SAMPLE_ROWS = 20_000
_SAMPLE_CELLS = 400_000

_COMMON_VALUES = 50  # beside which a word such as "NA" is judged

_EMPTY = frozenset("null nan na n/a nil undefined - -- ? . []".split())
_YES_NO = frozenset("0 1 0.0 1.0 yes no y n true false t f ja nein oui non si sì sí sim não да нет evet hayır 是 否".split())
_LANGUAGES = frozenset(
    "ar am bg bn ca cs da de el en es et fa fi fr ha he hi hr hu id ig it ja ko lt lv ml ms mr ne nl no pl pt ro ru sk sl sr sv sw ta te th "
    "tr uk ur vi yo zh zu eng deu ger fra fre spa ita por rus zho chi jpn kor ara hin ben tur und".split()
)
_DATE = re.compile(r"\d{1,2}:\d{2}|\b(19|20)\d{2}\b|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
_STRUCTURE = re.compile(r"""\[?\{\s*(["'][^"']*["']\s*:|\}\]?$)""")
_WHOLE = re.compile(r"[+-]?\d+(\.0+)?")


@dataclass(frozen=True)
class ColumnProfile:
    """One column. ``filled`` is the ratio of filled cells; ``numeric`` and ``dates`` are ratios of the ``n_filled`` filled cells.

    ``counts`` says how often each value occurs.
    """

    position: int
    filled: float
    n_filled: int
    mean_words: float
    mean_chars: float
    numeric: float
    dates: float
    counts: Mapping[str, int] = field(repr=False)

    @cached_property
    def separator(self) -> str | None:
        """The separator of several labels in one cell, if cells have several."""
        return find_separator(self.counts) if self.mean_chars <= 80 else None

    @cached_property
    def n_distinct(self) -> int:
        """Number of different values; if cells are lists, of different list members."""
        if self.separator is None:
            return len(self.counts)
        return len({part for parts in split_cells(self.counts).values() for part in parts}) or len(self.counts)

    @cached_property
    def is_measurement(self) -> bool:
        """Whether the values are amounts rather than classes."""
        return self.numeric > 0.8 and is_measurement(self.counts)

    @cached_property
    def is_yes_no(self) -> bool:
        """Whether the values are yes and no, 1 and 0 or the like."""
        return 0 < len(self.counts) <= 2 and all(value.casefold() in _YES_NO for value in self.counts)

    @cached_property
    def holds_json(self) -> bool:
        """Whether most cells are the JSON text of an object or of a list of objects, which are neither texts nor labels."""
        n_json = sum(n_cells for value, n_cells in self.counts.items() if _STRUCTURE.match(value) and value[-1] in "}]")
        return n_json > 0.5 * self.n_filled

    @cached_property
    def is_dominated(self) -> bool:
        """Whether nearly all rows have the same value, so that there is hardly anything to learn."""
        return self.n_filled > 0 and max(self.counts.values()) >= 0.97 * self.n_filled

    @cached_property
    def are_language_codes(self) -> bool:
        """Whether the values are language codes: two small letters are rarely a class."""
        return bool(self.counts) and all(value in _LANGUAGES for value in self.counts)

    @cached_property
    def are_keys(self) -> bool:
        """Whether the values are keys such as "gj04" or "B001E4KFG0": one word of letters and digits."""
        sample = list(self.counts)[:1_000]
        n_mixed = sum(" " not in value and any(map(str.isdigit, value)) and any(map(str.isalpha, value)) for value in sample)
        return bool(sample) and n_mixed > 0.9 * len(sample)

    @cached_property
    def whole_numbers(self) -> tuple[int, ...]:
        """The different values in order if nearly all are whole numbers, else ()."""
        if self.numeric < 0.9 or self.separator:
            return ()
        whole = [value for value in self.counts if len(value) < 16 and _WHOLE.fullmatch(value)]
        return tuple(sorted({int(float(value)) for value in whole})) if len(whole) >= 0.9 * len(self.counts) else ()


def profile_columns(table: Table) -> list[ColumnProfile]:
    """A profile of every column, from at most 20,000 evenly spaced rows."""
    max_rows = max(200, min(_SAMPLE_ROWS, _SAMPLE_CELLS // len(table.columns)))
    rows = table.rows[:: -(-len(table.rows) // max_rows)]
    return [
        _profile(position, _filled_blocks(table, position) or [cells[position].strip() for cells in rows])
        for position in range(len(table.columns))
    ]


def _filled_blocks(table: Table, position: int) -> list[str] | None:
    """The whole column with empty cells filled from above if its values stand on the first row of each block; most columns cost two cells."""
    first = [cells[position].strip() for cells in table.rows[:2]]
    return fill_blocks([cells[position] for cells in table.rows]) if len(first) == 2 and first[0] and not first[1] else None


def _profile(position: int, column: list[str]) -> ColumnProfile:
    counts = Counter(column)
    for value in [value for value in counts if not value or value.casefold() in _EMPTY]:
        # One of two values may well be a class of its own, and so may "NA" beside "EU".
        if not value or (len(counts) > 2 and not is_written_like(value, _common_values(counts))):
            del counts[value]
    n_filled = counts.total()
    scale = 1 / max(1, n_filled)
    n_words = n_chars = n_numeric = n_dates = 0.0
    for value, n_cells in counts.items():
        n_words += n_cells * count_words(value)
        n_chars += n_cells * len(value)
        n_numeric += n_cells * is_numeric(value)
        n_dates += n_cells * (len(value) < 40 and _DATE.search(value) is not None and not _WHOLE.fullmatch(value))
    return ColumnProfile(
        position=position,
        filled=n_filled / max(1, len(column)),
        n_filled=n_filled,
        mean_words=scale * n_words,
        mean_chars=scale * n_chars,
        numeric=scale * n_numeric,
        dates=scale * n_dates,
        counts=counts,
    )


def _common_values(counts: Counter[str]) -> list[str]:
    return [value for value, _ in counts.most_common(_COMMON_VALUES)]


def count_words(cell: str) -> float:
    """Words with a letter in them; two characters of a script without blanks (Chinese, Japanese, Thai, Khmer) count as one."""
    tokens = cell.split()
    n_words = sum(word.isalpha() or any(map(str.isalpha, word[:20])) for word in tokens)
    if not n_words and not is_numeric(cell):
        return len(tokens)  # letters that an earlier conversion lost: "???? ??"
    if cell.isascii():
        return n_words
    n_unspaced = sum(
        "\u0e00" <= c <= "\u109f" or "\u1780" <= c <= "\u17ff" or "\u3040" <= c <= "\u30ff" or "\u3400" <= c <= "\u9fff"
        for c in cell[:2_000]
    )
    return max(n_words, n_unspaced / 2)
