"""Reads JSON as rows of text: one object per line (.jsonl), or a document in one of the shapes of ``json_shapes.py``.

Numbers stay as written (``1.0`` is not 1), NaN is an empty cell, a list of one scalar becomes the scalar, values that are neither
scalars nor objects of scalars become JSON text. ``json_text.py`` parses.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from trainer.data.files.annotations import flatten_annotations, unwrap_single
from trainer.data.files.decoding import clean
from trainer.data.files.json_in_cells import open_document, open_rows
from trainer.data.files.json_shapes import find_read_list, find_rows, named_lists
from trainer.data.files.json_text import JsonError, Number, parse_document, parse_json, parse_python, without_assignment
from trainer.data.files.list_cells import EMPTY_LIST
from trainer.data.files.nested import flatten_rows
from trainer.data.files.table import (
    MAX_PARTS,
    Cells,
    DroppedRow,
    Limits,
    Part,
    ReaderWarning,
    too_many_cells_error,
    too_many_columns_error,
    too_many_rows_error,
    unknown_part_error,
)
from trainer.errors import FileError
from trainer.text_format import quote_names

_SAMPLE_LINES = 20  # lines that decide whether a file holds one object per line
_PYTHON_STARTS = ("{'", "[{'", "[('", "[['", "[OrderedDict(")
_QUOTED_DOCUMENT = re.compile(r'\s*"\s*(?:\[|\{\s*\\")')  # a document as the only string of another
_TUPLE_STARTS = ("('", '("')
_SAMPLE_CHARS = 200_000
_JSON_START = re.compile(r"""\{"|\[\{|\[\[["\d\-\[{\]ntf]""")
_OTHER_CELLS = re.compile(r"""[^{}\[\]"]*[,;\t|] ?"?\w[^{}\[\]"]*"?""")
_MAX_BRACKETS_PER_ROW = 5  # on average
_MAX_DEPTH = 50


def read_json_rows(text: str, limits: Limits, *, part: str | None = None) -> Cells | None:
    """The table in a text that begins like JSON; None if it is not JSON (a CSV file may begin with a brace). ``part``: the list to read, by its key.

    Raises UserError ``unknown_part``, ``not_a_table`` (JSON without a table), ``too_many_rows``, ``too_many_columns``, ``too_many_cells``.
    """
    text = without_assignment(text)
    if _QUOTED_DOCUMENT.match(text) and isinstance(quoted := parse_json(text), str):
        text = quoted
    if text.lstrip()[:2] in _TUPLE_STARTS:
        return _from_tuples(text.split("\n"), limits)
    if text.lstrip()[:1] not in ("{", "["):
        return None
    if text.count("{") + text.count("[") > _MAX_BRACKETS_PER_ROW * limits.max_rows:
        raise too_many_cells_error(limits)  # before they become objects in memory
    stripped = text.strip()
    if stripped[0] == "{" and "\n" not in stripped:
        # Parsed only once: it may be a large file.
        return _from_single_object(text, limits, part)
    lines = text.split("\n")
    parse = _line_parser(lines)
    if parse is not None:
        return _from_lines(lines, parse, limits)
    document = _parse_document(text)
    if document is None and stripped.startswith(_PYTHON_STARTS):
        raise FileError(
            "These are objects as Python prints them, in single quotation marks, with something in them that only Python knows. "
            "Write them with json.dump, or as a table with pandas (to_csv), and upload that.",
            code="not_a_table",
        )
    return None if document is None else _from_document(open_document(document), limits, part=part)


def _parse_document(text: str) -> Any:
    """The whole text as one JSON value; None if it is not JSON."""
    try:
        return parse_document(text)
    except JsonError as error:
        if _looks_like_json(text):
            raise FileError(
                f"This JSON file is damaged or cut short{error}: it cannot be read beyond. Export or download it again, or save the table as CSV (UTF-8).",
                code="not_a_table",
            ) from error
        return None


def _from_single_object(text: str, limits: Limits, part: str | None) -> Cells | None:
    """A single object on one line: the only row, or an object that contains the table."""
    document = _parse_document(text)
    document = open_document(document)
    if isinstance(document, list):
        return _from_document(document, limits, part=part)
    if not isinstance(document, dict):
        return None
    number = text[: text.index("{")].count("\n") + 1
    if not document:
        return Cells([], [], [], [DroppedRow(number, "the object is empty")])
    is_row = part is None and find_rows(document) is None
    return _from_rows([number], [document], [], limits) if is_row else _from_document(document, limits, part=part)


def _no_table(why: str) -> FileError:
    return FileError(
        f"This is a JSON file, but it contains no table: {why}. "
        "Expected is one object per line, or a list of objects, each with the text and the label. Or save the table as CSV (UTF-8).",
        code="not_a_table",
    )


def _looks_like_json(text: str) -> bool:
    start = "".join(text[:2_000].split())
    return bool(_JSON_START.match(start)) and ('":' in start or start.startswith("[[")) and not _has_json_in_cells(text)


def _has_json_in_cells(text: str) -> bool:
    """Whether the lines are rows of a table, whose first cell is JSON without quotation marks around it: ``{"a": 1}<tab>good``."""
    lines = [line for line in text[:_SAMPLE_CHARS].split("\n")[: 10 * _SAMPLE_LINES] if line.strip()][:_SAMPLE_LINES]
    return len(lines) > 2 and sum(map(_is_row_with_json, lines)) >= 0.8 * len(lines)


def _is_row_with_json(line: str) -> bool:
    try:
        _, end = json.JSONDecoder().raw_decode(line)
    except (ValueError, RecursionError):
        return False
    return bool(_OTHER_CELLS.fullmatch(line, end))


def _line_parser(lines: list[str]) -> Callable[[str], Any] | None:
    """What parses each line as one object, as JSON or as Python writes it; None if lines are not objects."""
    sample = [line for line in lines[: 10 * _SAMPLE_LINES] if line.strip()][:_SAMPLE_LINES]
    if not sample or not sample[0].lstrip().startswith("{"):
        return None  # a list may be a large file: avoid parsing it twice
    for parse in (parse_json, parse_python):
        if sum(isinstance(parse(line), dict) for line in sample) * 2 >= len(sample):
            return parse
    return None


def _from_tuples(lines: list[str], limits: Limits) -> Cells | None:
    """Lines such as ``('some words', 'good'),`` as Python prints them; None if any is something else, as in a table whose first text is in brackets."""
    rows = []
    for line in lines:
        if not line.strip():
            continue
        row = parse_python(line.strip().removesuffix(","))
        if not isinstance(row, list) or len(row) < 2 or any(isinstance(cell, list | dict) for cell in row):
            return None
        rows.append(row)
        if len(rows) > limits.max_rows + 1:
            raise too_many_rows_error(limits)
    return _from_lists(rows, limits)


def _from_lines(lines: list[str], parse: Callable[[str], Any], limits: Limits) -> Cells | None:
    numbers: list[int] = []
    rows: list[dict[str, Any]] = []
    dropped: list[DroppedRow] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        row = parse(line)
        if not isinstance(row, dict):
            dropped.append(DroppedRow(number, "the line is not a whole JSON object"))
        elif not row:
            dropped.append(DroppedRow(number, "the object is empty"))
        else:
            numbers.append(number)
            rows.append(row)
        if len(rows) + len(dropped) > limits.max_rows:
            raise too_many_rows_error(limits)
    rows = open_rows(rows)
    expanded = find_rows(rows) or rows
    if len(expanded) != len(rows):  # each line holds a page of rows
        return _from_document(expanded, limits, dropped)
    return _from_rows(numbers, expanded, dropped, limits)


def _from_document(document: Any, limits: Limits, dropped: list[DroppedRow] | None = None, *, part: str | None = None) -> Cells:
    """The table in a document; ``part``: the list to read if it holds several."""
    if isinstance(document, dict) and {"cells", "nbformat"} <= document.keys():
        raise _no_table("it is a Jupyter notebook. Save the table from it (df.to_csv)")
    lists = named_lists(document)
    if part is not None and part not in lists:
        raise unknown_part_error(part, [*lists])
    rows = find_rows(document if part is None else lists[part])
    if rows is None:
        raise _no_table("it holds no list of rows with a text and a label in each")
    chosen = part or find_read_list(lists, rows)
    cells = _from_list(rows, limits, dropped)
    if chosen is None or len(lists) < 2:
        return replace(cells, part=part)
    parts = tuple(Part(name, "list", len(items)) for name, items in lists.items())
    warnings = cells.warnings if part else (_other_lists_warning(chosen, [*lists]), *cells.warnings)
    return replace(cells, warnings=warnings, part=chosen, parts=parts[:MAX_PARTS])


def _from_list(document: list[Any], limits: Limits, dropped: list[DroppedRow] | None) -> Cells:
    if len(document) > limits.max_rows + 1:
        raise too_many_rows_error(limits)
    if all(isinstance(row, list) for row in document):
        return _from_lists(document, limits)
    if sum(isinstance(row, dict) for row in document) * 2 < len(document):
        raise _no_table("its list does not hold objects")
    numbers, rows, dropped = [], [], [*(dropped or [])]
    for number, row in enumerate(document, 1):
        if isinstance(row, dict) and row:
            numbers.append(number)
            rows.append(row)
        else:
            dropped.append(DroppedRow(number, "the entry is not an object with keys"))
    return _from_rows(numbers, rows, dropped, limits)


def _other_lists_warning(chosen: str, names: list[str]) -> ReaderWarning:
    others = [name for name in names if name != chosen]
    message = (
        f"The JSON file holds {len(names)} lists with texts. {quote_names([chosen])} was read, because it is the longest or its keys say more; "
        f"not read: {quote_names(others, limit=5)}. Choose another list if another one is meant."
    )
    return ReaderWarning("other_lists", "warning", len(others), message)


def _from_lists(lists: list[list[Any]], limits: Limits) -> Cells:
    width = max(map(len, lists))
    _check_size(len(lists), width, limits)
    records = [[_cell_text(cell) for cell in row] for row in lists]
    return Cells(list(range(1, len(records) + 1)), records)


def _from_rows(numbers: list[int], rows: list[dict[str, Any]], dropped: list[DroppedRow], limits: Limits) -> Cells:
    numbers, rows, annotation_warnings = flatten_annotations(numbers, rows, dropped)
    rows, warnings = flatten_rows(rows)
    columns: dict[str, None] = {}
    for row in rows:
        if len(row) > limits.max_columns:
            raise too_many_columns_error(len(row), limits)
        if row.keys() - columns.keys():
            columns.update(dict.fromkeys(row))
            _check_size(len(rows), len(columns), limits)
    # Beside lists of several labels an empty one says that a text has none; elsewhere it is as good as nothing.
    lists = {key for row in rows for key, value in row.items() if isinstance(value, list) and len(value) > 1}
    records = [[_cell_text(row[column]) if column in row else "" for column in columns] for row in rows]
    for position, column in enumerate(columns):
        for record, row in zip(records, rows, strict=True) if column in lists else ():
            if row.get(column) == []:
                record[position] = EMPTY_LIST
    return Cells(numbers, records, [clean(column) for column in columns], dropped, (*annotation_warnings, *warnings))


def _check_size(rows: int, columns: int, limits: Limits) -> None:
    if columns > limits.max_columns:
        raise too_many_columns_error(columns, limits)
    if rows * columns > limits.max_cells:
        raise too_many_cells_error(limits)


def _cell_text(value: Any) -> str:
    if isinstance(value, str):
        # str(): Number must not leave this module.
        return str(value) if value.isprintable() else clean(value.replace("\r\n", "\n").replace("\r", "\n"))
    if isinstance(value, list) and unwrap_single(value) is not value:
        return _cell_text(unwrap_single(value))
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return clean(_dump_json(value))


def _dump_json(value: Any, depth: int = 0) -> str:
    """JSON text with numbers as written and an ellipsis below ``_MAX_DEPTH``."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict | list) and depth > _MAX_DEPTH:
        return "…"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {_dump_json(item, depth + 1)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([_dump_json(item, depth + 1) for item in value]) + "]"
    return json.dumps(value, ensure_ascii=False)
