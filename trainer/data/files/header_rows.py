"""Additional header rows: of survey tools (Qualtrics: questions, import ids; SurveyMonkey: "Response"), and of types ("string", "category").

And a row that says the names again in words for people. Any other second row is data.
"""

import re

from trainer.data.column_name_words import LABEL_WORDS, TEXT_WORDS
from trainer.data.files.preamble import is_numeric
from trainer.data.files.table import ReaderWarning, Record

_IMPORT_ID = '{"ImportId":'
_MAX_HEADER_ROWS = 3
_MAX_COMPARED_ROWS = 200
_NAMES = TEXT_WORDS | LABEL_WORDS.keys()
_MIN_ROWS_BELOW = 12
_STEM_CHARS = 4
_TYPE = re.compile(
    r"(?:var)?char(?:acter)?(?: varying)?(?:\(\d+\))?|n?varchar2?(?:\(\w+\))?|string|str|s|text|object|category|categorical|factor|enum|nominal|ordinal"
    r"|discrete|d|continuous|c|time|t|meta|int(?:eger)?(?:8|16|32|64)?|bigint|smallint|long|float(?:32|64)?|double|decimal(?:\(\d+(?:,\s?\d+)?\))?|real"
    r"|num(?:eric|ber)?|bool(?:ean)?|logical|date|datetime(?:64)?(?:\[\w+\])?|timestamp|json|uuid|chr|dbl|lgl|fct|dttm"
)
_ORANGE_FLAG = re.compile(r"(?:m|meta|c|class|i|ignore)(?: .*)?|\w+=.*")
_QUESTION_NAME = re.compile(r"[qQ]\d{1,3}(?:[._]\w+)?")
_ANSWER_TYPES = frozenset(("response", "open-ended response", "other (please specify)", "comments", "yes/no"))
_RESPONDENT_COLUMNS = frozenset(("respondent id", "respondentid", "collector id", "collectorid"))


def count_extra_header_rows(header: Record, records: list[Record]) -> int:
    """How many of the ``records`` below ``header`` belong to the header."""
    for n_rows, cells in enumerate(records[:_MAX_HEADER_ROWS], 1):
        filled = [cell for cell in cells if cell.strip()]
        if filled and 2 * sum(cell.replace(" ", "").startswith(_IMPORT_ID) for cell in filled) > len(filled):
            return n_rows
    if records and _is_question_row(header, records):
        return 1
    if records and (_is_answer_type_row(header, records[0]) or _is_second_name_row(header, records)):
        return 1
    return _count_type_rows(records)


def _count_type_rows(records: list[Record]) -> int:
    """How many rows say the type of each column, as Orange ("string", "discrete", then "meta", "class") and database tools write them."""
    if len(records) < 2 or not _holds_only(_TYPE, records[0]):
        return 0
    # A class of texts may be called "text" or "number": then it comes again.
    below = records[1:_MAX_COMPARED_ROWS]
    if any(
        cell.strip() and sum(cells[position : position + 1] == (cell,) for cells in below) > 1 for position, cell in enumerate(records[0])
    ):
        return 0
    return 2 if len(records) > 2 and _holds_only(_ORANGE_FLAG, records[1], may_be_blank=True) else 1


def _holds_only(pattern: re.Pattern[str], cells: Record, *, may_be_blank: bool = False) -> bool:
    filled = [cell.strip().casefold() for cell in cells if cell.strip()]
    return bool(filled) and (may_be_blank or len(filled) == len(cells)) and all(pattern.fullmatch(cell) for cell in filled)


def _is_question_row(header: Record, records: list[Record]) -> bool:
    """Whether the first record holds the questions below names such as "Q1" and "Q2": sentences that are no answers below."""
    columns = [position for position, name in enumerate(header) if _QUESTION_NAME.fullmatch(name.strip())]
    if len(columns) < 2 or len(records) < 3:
        return False
    below = records[1:_MAX_COMPARED_ROWS]
    questions = [records[0][position].strip() if position < len(records[0]) else "" for position in columns]
    answers = [{cells[position] for cells in below if position < len(cells)} for position in columns]
    return (
        all(" " in question for question in questions)
        and any(question.endswith(("?", ":")) for question in questions)
        and not any(records[0][position] in known for position, known in zip(columns, answers, strict=True))
        and any(2 * len(known) <= len(below) for known in answers)
    )


def _is_second_name_row(header: Record, records: list[Record]) -> bool:
    """Whether the first record names the columns again, in words for people: "Topic (coded)" below "topic_code".

    It does if it stands in each column of few values and is none of them, if such a cell shares a word with the name above, and if another cell does too or asks.
    """
    first, below = records[0], records[1:_MAX_COMPARED_ROWS]
    if len(below) < _MIN_ROWS_BELOW or len(first) != len(header) or not all(map(str.strip, first)) or first == header:
        return False
    columns = [[cells[position].strip() for cells in below if position < len(cells)] for position in range(len(header))]
    few = [position for position, column in enumerate(columns) if len(set(column)) <= max(2, len(column) // 6)]
    # In another language no word is shared.
    if few and len(first) > 1 and all(cell.strip().casefold() in _NAMES for cell in first):
        return not any(cell.strip() in column for cell, column in zip(first, columns, strict=True))
    if not few or any(first[position].strip() in columns[position] or is_numeric(first[position]) for position in range(len(header))):
        return False
    shared = [bool(_stems(name) & _stems(cell)) for name, cell in zip(header, first, strict=True)]
    is_question = [cell.strip().endswith(("?", ":")) for cell in first]
    says_more = [len(cell) > max(map(len, columns[position]), default=0) or shared[position] for position, cell in enumerate(first)]
    return (
        any(shared[position] and says_more[position] for position in few)
        and all(shared[position] or is_question[position] for position in few)
        and sum(map(bool, map(max, zip(shared, is_question, strict=True)))) >= 2
    )


def _stems(name: str) -> set[str]:
    """The beginnings of the words in a name."""
    return {word[:_STEM_CHARS] for word in re.split(r"[\W_]+", name.casefold()) if len(word) >= _STEM_CHARS}


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
    message = f"{rows} to the header, as some tools write it (questions, types, import ids), and {were} not read as data."
    return ReaderWarning("header_rows", "ok", len(below), message, line=line)
