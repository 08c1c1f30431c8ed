"""Chooses which sheet of a workbook is the table, and finds workbooks that have a sheet for each class or for each split.

Opens no workbook: ``calamine_workbook`` does.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from trainer.data.column_name_words import LABEL_WORDS, RATING_WORDS, TEXT_WORDS, WEAK_TEXT_WORDS
from trainer.data.files.preamble import has_header, is_numeric, preamble_length
from trainer.data.files.table import Part, ReaderWarning
from trainer.text_format import quote_names

_SAMPLE_ROWS = 2_000
_EXCERPT_ROWS = 200
_EXCERPT_CHARS = 200
_HEADER_RECORDS = 6  # records among which the column names are
_MAX_LABEL_CHARS = 60
_MIN_TEXT_ROWS = 2
_SPLITS = frozenset("train training validation valid val dev test testing".split())
_DEFAULT_NAME = re.compile(r"(sheet|table|tabelle|blatt|feuil|feuille|hoja|foglio|planilha|blad|ark|arkusz|лист|工作表|シート)?[ _]*\d*")


@dataclass(frozen=True)
class SheetSummary:
    """What the choice needs to know of a sheet with cells.

    ``first``: its first record, in lower case. ``text_rows``: rows with a text of a few words. ``paired_rows``: those of them with another filled
    cell. ``has_labels``: whether a column repeats a few values. ``named_roles``: 2 if names of a text and of a label column are among
    the first records, 1 if one is, else 0. ``rows``: records below the column names.
    """

    name: str
    hidden: bool
    first: tuple[str, ...]
    text_rows: int
    paired_rows: int
    has_labels: bool
    named_roles: int
    rows: int

    @property
    def part(self) -> Part:
        return Part(self.name, "sheet", self.rows, self.hidden)

    @property
    def score(self) -> tuple[int, int, int]:
        """How much it looks like a table of texts and labels; a long page of guidance has texts, but neither labels nor column names."""
        is_table = self.paired_rows >= _MIN_TEXT_ROWS
        evidence = is_table * (self.has_labels + (self.named_roles == 2))
        # Behind a cover page the table itself may be hidden.
        visibility = (2 if evidence == 2 else 0) if self.hidden else 3 if is_table else 1
        return (visibility, evidence, self.paired_rows)


def summarize_sheet(name: str, records: Sequence[Sequence[str]], *, hidden: bool) -> SheetSummary:
    """The summary of a sheet of at least one record."""
    with_text = [record for record in records if any(cell.count(" ") >= 2 for cell in record)]
    words = [[set(re.findall(r"\w+", cell.casefold())) for cell in record if len(cell) <= 100] for record in records[:_HEADER_RECORDS]]
    return SheetSummary(
        name=name,
        hidden=hidden,
        first=tuple(cell.strip().casefold() for cell in records[0]),
        text_rows=len(with_text),
        paired_rows=sum(sum(map(bool, record)) >= 2 for record in with_text),
        has_labels=any(_repeats_labels(records, column) for column in range(len(records[0]))),
        named_roles=max(_count_roles(cells) for cells in words),
        rows=_count_rows(records),
    )


def _count_rows(records: Sequence[Sequence[str]]) -> int:
    """The records without those above the table and its column names."""
    sample = [tuple(cell[:_EXCERPT_CHARS] for cell in record) for record in records[:_EXCERPT_ROWS]]
    n_above = preamble_length(sample)
    return len(records) - n_above - has_header(sample[n_above], sample[n_above + 1 :])


def _count_roles(cells: Sequence[set[str]]) -> int:
    has_text = any(words & TEXT_WORDS or words & WEAK_TEXT_WORDS for words in cells)
    return has_text + any(words & LABEL_WORDS.keys() or words & RATING_WORDS for words in cells)


def _repeats_labels(records: Sequence[Sequence[str]], column: int) -> bool:
    """Whether a column holds a few short values again and again; numbers and dates count only under the name of a label."""
    cells = [cell for record in records[1:_SAMPLE_ROWS] if (cell := record[column].strip())]
    distinct = Counter(cells)
    if len(cells) < 4 or not 2 <= len(distinct) <= len(cells) / 2 or sum(map(len, cells)) > _MAX_LABEL_CHARS * len(cells):
        return False
    if sum(map(is_numeric, cells)) < 0.9 * len(cells):
        return True
    names = {word for record in records[:_HEADER_RECORDS] for word in re.findall(r"\w+", record[column].casefold())}
    return bool(names & LABEL_WORDS.keys() or names & RATING_WORDS)


def joined_sheets(sheets: Sequence[SheetSummary]) -> tuple[str, list[str]]:
    """The name of the column that the sheets' names are ("label", "split"), and the names of the sheets to be joined; ("", []) if each is a table of its own."""
    visible = [sheet for sheet in sheets if not sheet.hidden and sheet.text_rows >= _MIN_TEXT_ROWS]
    names = [sheet.name for sheet in visible]
    if len(visible) < 2 or len({len(sheet.first) for sheet in visible}) > 1:
        return "", []
    same_columns = len({sheet.first for sheet in visible}) == 1
    if same_columns and _SPLITS.issuperset(name.strip().casefold() for name in names):
        return "split", names
    without_header = all(any(cell.count(" ") >= 2 for cell in sheet.first) for sheet in visible)
    has_labels = any(sheet.has_labels or any(name in LABEL_WORDS or name in RATING_WORDS for name in sheet.first) for sheet in visible)
    are_classes = not has_labels and not any(_DEFAULT_NAME.fullmatch(name.strip().casefold()) for name in names)
    return ("label", names) if are_classes and (same_columns or without_header) else ("", [])


def joined_sheets_warning(column: str, names: Sequence[str]) -> ReaderWarning:
    """The warning that several sheets were read as one table."""
    what = "label" if column == "label" else "split"
    message = (
        f"The {len(names)} sheets {quote_names(names, limit=5)} have the same columns. They were read as one table, in which the name of its sheet is the "
        f"{what} of each row; rows are counted through all of them."
    )
    return ReaderWarning("sheets_joined", "warning", len(names), message)


def other_sheets_warning(chosen: Sequence[str], sheets: Sequence[SheetSummary]) -> list[ReaderWarning]:
    """The warning about the sheets that are not read."""
    others = [sheet for sheet in sheets if sheet.name not in chosen]
    if not others:
        return []
    hidden = [sheet.name for sheet in others if sheet.hidden]
    first, is_hidden = next((sheet.first, sheet.hidden) for sheet in sheets if sheet.name in chosen)
    name = f"“{chosen[0]}”" + (", which is hidden in the workbook," if is_hidden else "")
    read = f"{name} was read, because it looks most like a table of texts; not read" if len(chosen) == 1 else "Not read"
    message = f"The workbook has {len(sheets)} sheets. {read}: {quote_names([sheet.name for sheet in others], limit=3)}. "
    if hidden:
        message += f"Hidden in the workbook: {quote_names(hidden, limit=5)}. "
    if len(chosen) == 1 and any(sheet.first == first for sheet in others):
        message += "Sheets with the same columns may belong together: copy their rows into one sheet if they do. "
    message += "Choose another sheet if another one is meant."
    return [ReaderWarning("other_sheets", "warning", len(others), message)]
