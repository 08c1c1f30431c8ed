"""Additional header rows of survey tools: Qualtrics (questions, import ids) and SurveyMonkey ("Response").

Recognises only these two; any other second row is data.
"""

from trainer.data.files.table import ReaderWarning, Record

_IMPORT_ID = '{"ImportId":'
_MAX_HEADER_ROWS = 3
_ANSWER_TYPES = frozenset(("response", "open-ended response", "other (please specify)", "comments", "yes/no"))
_RESPONDENT_COLUMNS = frozenset(("respondent id", "respondentid", "collector id", "collectorid"))


def count_extra_header_rows(header: Record, records: list[Record]) -> int:
    """How many of the ``records`` below ``header`` belong to the header."""
    for n_rows, cells in enumerate(records[:_MAX_HEADER_ROWS], 1):
        filled = [cell for cell in cells if cell.strip()]
        if filled and 2 * sum(cell.replace(" ", "").startswith(_IMPORT_ID) for cell in filled) > len(filled):
            return n_rows
    return int(bool(records) and _is_answer_type_row(header, records[0]))


def _is_answer_type_row(header: Record, cells: Record) -> bool:
    """Whether this is SurveyMonkey's second row: empty below the respondent columns, "Response" or an option below the questions."""
    filled = [cell.strip().casefold() for cell in cells if cell.strip()]
    if not filled or len(cells) < 2:
        return False
    n_types = sum(cell in _ANSWER_TYPES for cell in filled)
    if n_types == len(filled) and "response" in " ".join(filled):
        return True
    has_respondent_column = any(name.strip().casefold() in _RESPONDENT_COLUMNS for name in header)
    return has_respondent_column and n_types > 0 and not cells[0].strip()


def merge_header_rows(header: Record, below: list[Record]) -> Record:
    """The first header row, with blank names filled from the row below (the options of a multiple-choice question)."""
    if not below or any(cell.replace(" ", "").startswith(_IMPORT_ID) for cells in below for cell in cells):
        return header
    width = max(len(header), len(below[0]))
    first, second = (cells + ("",) * (width - len(cells)) for cells in (header, below[0]))
    return tuple(
        [name if name.strip() or other.strip().casefold() == "response" else other for name, other in zip(first, second, strict=True)]
    )


def header_rows_warning(below: list[Record], line: int) -> ReaderWarning:
    """The warning that the rows ``below`` the header, from ``line`` on, were not read as data."""
    rows = "1 more row below the column names belongs" if len(below) == 1 else f"{len(below)} more rows below the column names belong"
    were = "was" if len(below) == 1 else "were"
    message = f"{rows} to the header, as survey tools write it (questions, answer types, import ids), and {were} not read as data."
    return ReaderWarning("header_rows", "ok", len(below), message, line=line)
