"""Which delimiter a file uses, and whether its first record names the columns.

Judges by the content of a sample alone, never by the file's name; no cell is changed here.
"""

from collections import Counter
from dataclasses import dataclass

from trainer.data.records import NO_DELIMITER, split_records
from trainer.errors import UserError

CANDIDATES = ("\t", "|", ";", ",")  # the rarer in prose, the earlier: it wins a tie
NAMES = {"\t": "tab", "|": "vertical bar", ";": "semicolon", ",": "comma"}

_SAMPLE_LINES = 2_000
_SAMPLE_CHARS = 300_000
_NUMBER_SIGNS = "0123456789.,:/-+%eE \t"


@dataclass(frozen=True)
class Dialect:
    """How the lines are cut into cells. ``delimiter`` is None where there is a single column; ``skip`` lines come before the records."""

    delimiter: str | None
    width: int
    spaced: bool = False
    skip: int = 0

    @property
    def cut(self) -> str:
        return NO_DELIMITER if self.delimiter is None else self.delimiter


def find_dialect(lines: list[str], *, max_columns: int) -> Dialect:
    """The dialect of a file from its first lines; raises UserError ``too_many_columns``.

    A delimiter is good when it gives nearly all records the same number of cells, and cells that hold no other delimiter
    (except in prose, where a blank follows).
    """
    _refuse_wide(lines, max_columns)
    hint = lines[0].rstrip("\n")
    if hint[:4].lower() == "sep=" and len(hint) == 5 and len(lines) > 1:  # Excel's own line
        delimiter = hint[4]
        width = _common_width([cells for _, cells in split_records(_sample(lines[1:]), delimiter)])
        return Dialect(delimiter, width, skip=1)
    sample = _sample(lines)
    best, best_score = Dialect(None, 1), 0.0
    for delimiter in CANDIDATES:
        for spaced in (False, True):
            if spaced and not any(f'{delimiter} "' in line for line in sample):
                continue
            records = [cells for _, cells in split_records(sample, delimiter, spaced=spaced)]
            if len(sample) < len(lines) and len(records) > 1:
                records.pop()  # it may be cut
            width, score = _score(records, delimiter)
            if score > best_score + 0.005:
                best, best_score = Dialect(delimiter, width, spaced), score
    if best.width > max_columns:
        raise _too_wide(best.width, max_columns)
    return best


def _refuse_wide(lines: list[str], max_columns: int) -> None:
    """Count before parsing: thousands of columns would cost time and memory just to be refused later."""
    first = next((line for line in lines if not line.isspace()), "")
    if '"' not in first:
        most = max(first.count(delimiter) for delimiter in CANDIDATES) + 1
        if most > max_columns:
            raise _too_wide(most, max_columns)


def _too_wide(width: int, max_columns: int) -> UserError:
    return UserError(
        f"The file has {width:,} columns; at most {max_columns:,} can be read. "
        "Keep the column with the texts and the column with the labels, and upload that.",
        code="too_many_columns",
    )


def _sample(lines: list[str]) -> list[str]:
    size = 0
    for count, line in enumerate(lines[:_SAMPLE_LINES], 1):
        size += len(line)
        if size >= _SAMPLE_CHARS:
            return lines[:count]
    return lines[:_SAMPLE_LINES]


def _common_width(records: list[list[str]]) -> int:
    """How many cells a record should have: as many as the first one where a fair share agrees, else the most common number."""
    if not records:
        return 1
    counts = Counter(map(len, records))
    first = len(records[0])
    return first if counts[first] >= 0.3 * len(records) else counts.most_common(1)[0][0]


def _score(records: list[list[str]], delimiter: str) -> tuple[int, float]:
    """``(width, score)``; a score of 0 means that the delimiter is none."""
    width = _common_width(records)
    if width < 2:
        return width, 0.0
    fitting = sum(len(cells) == width or (len(cells) > width and not any(map(str.strip, cells[width:]))) for cells in records)
    consistency = fitting / len(records)
    enough = 0.8 if len(records) >= 10 else 0.6
    if consistency < enough and not (consistency >= 0.3 and _is_plausible_start(records, width, delimiter)):
        return width, 0.0
    others = [other for other in CANDIDATES if other != delimiter]
    cells = [cell for record in records[:500] for cell in record[:50]]
    clean = sum(_is_clean(cell, others) for cell in cells) / len(cells)
    return width, consistency * (0.4 + 0.6 * clean)


def _is_plausible_start(records: list[list[str]], width: int, delimiter: str) -> bool:
    """Ragged, but the first record reads like column names: texts with unquoted delimiters make the other records longer."""
    cells = records[0]
    if len(cells) != width or any(cell != cell.strip() or len(cell) > 30 or len(cell.split()) > 3 for cell in cells):
        return False
    return len(set(cells)) == len(cells) and not any(is_numeric(cell) for cell in cells)


def _is_clean(cell: str, others: list[str]) -> bool:
    for other in others:
        at = cell.find(other)
        if at >= 0 and not cell[at + 1 : at + 2].isspace() and not is_numeric(cell):
            return False
    return True


def is_numeric(cell: str) -> bool:
    """Whether a cell is a number, a date or a time of day."""
    return not cell.strip(_NUMBER_SIGNS) and any(c in "0123456789" for c in cell[:40])


# --- the header -----------------------------------------------------------------------------------------------------

# Words that name columns and are seldom values.
_COLUMN_WORDS = frozenset(
    "text texts label labels label_name category class target id sentiment emotion message tweet comment review sentence utterance content "
    "intent topic title split date name texte étiquette catégorie classe satz klasse kategorie stimmung nachricht texto etiqueta categoría "
    "clase testo etichetta categoria tekst klasa текст метка класс категория 文本 标签 类别 テキスト ラベル 텍스트 라벨".split()
)


def has_header(first: list[str], body: list[list[str]]) -> bool:
    """Whether the first record names the columns, by evidence from each column: its type, its lengths, its repeated values."""
    score = 0.0
    for position, name in enumerate(first):
        name = name.strip()
        if name:
            score += _evidence(name, [cells[position].strip() for cells in body if len(cells) > position and cells[position].strip()])
    names = [name.strip().casefold() for name in first if name.strip()]
    score -= len(names) - len(set(names))
    if score != 0:
        return score > 0
    return bool(names) and all(len(name) <= 40 and len(name.split()) <= 2 and not is_numeric(name) for name in names)


def _evidence(name: str, column: list[str]) -> float:
    """How much one cell of the first record looks like a column name (above 0) or like one more value (below 0)."""
    if is_numeric(name):
        return -2.0
    score = 3.0 if name.casefold() in _COLUMN_WORDS else 0.0
    if not column:
        return score
    if sum(map(is_numeric, column)) > 0.9 * len(column):
        return score + 2.0
    distinct = set(column)
    if len(column) >= 6 and len(distinct) <= len(column) / 3:
        return score + (-3.0 if name in distinct else 1.5)
    if name in distinct:
        return score - 1.0
    words = len(name.split())
    if sum(len(cell.split()) for cell in column) >= 4 * len(column):
        return score + (1.0 if words <= 2 else -1.5 if words <= 6 else -2.0)
    return score - (2.0 if words > 6 or len(name) > 60 else 0.0)
