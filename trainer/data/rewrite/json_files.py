"""Changes values of JSON, in a list of objects or one object a line, where they stand; all other characters stay.

Knows the plain shapes only: other ones (columns of lists, a list for each class) are refused.
"""

import json
import re
from collections.abc import Iterator
from json.decoder import JSONDecoder, scanstring
from typing import Any, NamedTuple

from trainer.data.files.decoding import clean
from trainer.data.files.json_text import parse_json, without_assignment
from trainer.data.files.list_cells import parse_list
from trainer.data.files.table import Table
from trainer.data.rewrite.delimited import spliced
from trainer.data.rewrite.edits import AddedColumn, Edits, not_rewritable_error
from trainer.data.rewrite.exact_text import ExactText

_BLANKS = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_DECODER = JSONDecoder(strict=False)
_MAX_DEPTH = 3
_SHAPE = "its JSON is neither a list of objects nor one object a line with the label as a value of its own"


class _Member(NamedTuple):
    """A key of an object and the span of its value; ``key_start``: where the key begins."""

    key: str
    key_start: int
    start: int
    end: int


def rewrite_json(exact: ExactText, table: Table, edits: Edits) -> bytes:
    """The bytes of a JSON file with ``edits``; ``table`` is what the reader makes of it. Raises UserError ``not_rewritable``."""
    text = exact.text
    normal = text.replace("\r\n", "\n").replace("\r", "\n")
    if without_assignment(normal) != normal:
        raise not_rewritable_error("its JSON stands inside of other text")
    try:
        spans = _object_spans(exact, table)
        return exact.encode(spliced(text, [*_changes(text, spans, table, edits)]))
    except (ValueError, IndexError, RecursionError) as error:
        raise not_rewritable_error(_SHAPE) from error


def _object_spans(exact: ExactText, table: Table) -> "_Spans":
    """Where each row's object is; ``table.lines`` are its line, or its position in the list."""
    text, last = exact.text, max(table.lines, default=0)
    if _are_lines(exact.text):
        starts = exact.line_starts()
        objects = {}
        for line in table.lines:
            start = _skip(text, starts[line - 1])
            objects[line] = (start, _end_of_value(text, start))
        return _Spans(objects, None)
    best: list[tuple[int, int]] = []
    for spans in _arrays(text, _start_of_part(text, _skip(text, 0), table.part), 0):
        if len(spans) >= last and len(spans) > len(best) and text[spans[0][0]] == "{":
            best = spans
    if not best:
        raise not_rewritable_error(_SHAPE)
    return _Spans(dict(enumerate(best, 1)), best)


class _Spans(NamedTuple):
    """``of_line``: the span of each object; ``elements``: those of the whole list, None if each object has a line of its own."""

    of_line: dict[int, tuple[int, int]]
    elements: list[tuple[int, int]] | None


def _are_lines(text: str) -> bool:
    start = _skip(text, 0)
    if text[start : start + 1] != "{":
        return False
    end = _end_of_value(text, start)
    return "\n" not in text[start:end] and "\r" not in text[start:end] and text[_skip(text, end) :][:1] == "{"


def _changes(text: str, spans: _Spans, table: Table, edits: Edits) -> Iterator[tuple[int, int, str]]:
    ascii_only = text.isascii() and "\\u" in text
    column = None if edits.column is None else table.columns[edits.column]
    for row in edits.touched:
        start, end = spans.of_line[table.lines[row]]
        if row in edits.dropped:
            yield _without_element(text, spans, table.lines[row], edits, table)
            continue
        if row in edits.cells and column is not None:
            found = _find_member(text, start, column)
            if found is None:
                raise not_rewritable_error(f"“{column[:60]}” is not a value of its own in each object")
            old = table.rows[row][edits.column or 0]
            yield found.start, found.end, _new_value(text[found.start : found.end], old, edits.cells[row], ascii_only=ascii_only)
        if edits.added:
            yield _added_members(text, start, end, row, edits.added, ascii_only=ascii_only)


def _without_element(text: str, spans: _Spans, line: int, edits: Edits, table: Table) -> tuple[int, int, str]:
    """The span of an object with its line end, or with the comma that parts it from a neighbour that stays."""
    start, end = spans.of_line[line]
    if spans.elements is None:
        match = re.compile(r"[ \t]*(?:\r\n|\r|\n)?").match(text, end)
        begin = start
        while begin and text[begin - 1] in " \t":
            begin -= 1
        return begin, match.end() if match else end, ""
    gone = {table.lines[row] for row in edits.dropped}
    last = len(spans.elements)
    if any(number not in gone for number in range(line + 1, last + 1)):
        return start, spans.elements[line][0], ""
    previous = spans.elements[line - 2][1] if line > 1 else start
    return previous, end, ""


def _added_members(text: str, start: int, end: int, row: int, added: tuple[AddedColumn, ...], *, ascii_only: bool) -> tuple[int, int, str]:
    members = _members(text, start)
    separator, colon = ", ", ": "
    if members:
        between = text[members[0].end : members[1].key_start] if len(members) > 1 else ", "
        separator = between if "," in between else ", "
        first = members[0]
        colon = text[_end_of_string(text, first.key_start) : first.start]
    written = separator.join(
        json.dumps(column.name, ensure_ascii=ascii_only) + colon + _literal(column, column.cells[row], ascii_only=ascii_only)
        for column in added
    )
    place = members[-1].end if members else start + 1
    return place, place, (separator if members else "") + written


def _literal(column: AddedColumn, cell: str, *, ascii_only: bool) -> str:
    if column.kind == "list" and cell:
        return json.dumps(json.loads(cell), ensure_ascii=ascii_only)
    if column.kind != "text":
        return cell or "null"
    return json.dumps(cell, ensure_ascii=ascii_only)


def _new_value(raw: str, old: str, new: str, *, ascii_only: bool) -> str:
    value = parse_json(raw)
    written = json.dumps(new, ensure_ascii=ascii_only)
    if isinstance(value, list) and (items := parse_list(new)) is not None:
        return _new_list(raw, value, items, ascii_only=ascii_only)
    if isinstance(value, list):
        inner = raw.strip()[1:-1]
        if len(value) != 1 or isinstance(value[0], list | dict):
            raise not_rewritable_error("a row has a list of several labels")
        lead, trail = inner[: len(inner) - len(inner.lstrip())], inner[len(inner.rstrip()) :]
        return f"[{lead}{_new_value(inner.strip(), old, new, ascii_only=ascii_only)}{trail}]"
    if isinstance(value, dict):
        items = parse_list(new)
        return _new_marks(raw, [new] if items is None else list(map(str, items)))
    if raw in ("true", "false") and new in ("true", "false"):
        return new
    if raw[:1] != '"' and _NUMBER.fullmatch(raw) and _NUMBER.fullmatch(new):
        return new
    return written


def _new_marks(raw: str, labels: list[str]) -> str:
    """An object that says yes or no of each label, with other answers: ``{"joy": true, "anger": false}``."""
    members = _members(raw, _skip(raw, 0))
    answers = {raw[member.start : member.end] for member in members}
    yes, no = next((pair for pair in (("true", "false"), ("1", "0")) if answers <= {*pair}), ("", ""))
    if not yes or not {*labels} <= {clean(member.key) for member in members}:
        raise not_rewritable_error("a row has an object as its label")
    return spliced(raw, [(member.start, member.end, yes if clean(member.key) in labels else no) for member in members])


def _new_list(raw: str, old: list[Any], items: list[Any], *, ascii_only: bool) -> str:
    """A list with other labels, as numbers where the old ones are numbers, and with the old one's blanks."""
    if any(isinstance(item, list | dict) for item in old):
        raise not_rewritable_error("a row has a list of lists or objects")
    numbers = bool(old) and all(isinstance(item, int | float) for item in old)
    written = [str(item) if numbers and _NUMBER.fullmatch(str(item)) else json.dumps(str(item), ensure_ascii=ascii_only) for item in items]
    inner = raw.strip()[1:-1]
    lead = inner[: len(inner) - len(inner.lstrip())]
    between = f",{lead}" if "\n" in lead else "," if re.search(r",\S", inner) and ", " not in inner else ", "
    return f"[{lead}{between.join(written)}{inner[len(inner.rstrip()) :] if inner.strip() else ''}]" if written else "[]"


# --- where things stand ---------------------------------------------------------------------------------------------------


def _arrays(text: str, start: int, depth: int) -> Iterator[list[tuple[int, int]]]:
    """The lists of a document, down to lists in objects in objects, as the spans of their elements."""
    if text[start] == "[":
        elements = _elements(text, start)
        if elements:
            yield elements
    elif text[start] == "{" and depth < _MAX_DEPTH:
        for member in _members(text, start):
            if text[member.start] in "[{":
                yield from _arrays(text, member.start, depth + 1)


def _start_of_part(text: str, start: int, part: str | None) -> int:
    """Where the list begins that has this name ("data.reviews"), or the document if it is that of no list in it."""
    for member in _members(text, start) if part is not None and text[start] == "{" else ():
        key = clean(member.key)
        if part == key:
            return member.start
        if part and part.startswith(f"{key}.") and text[member.start] == "{":
            inner = _start_of_part(text, member.start, part[len(key) + 1 :])
            if inner != member.start:
                return inner
    return start


def _find_member(text: str, start: int, name: str, depth: int = 0) -> _Member | None:
    """The value that the reader calls ``name``: of this key, of a dotted path, or of an object that the others stand in."""
    members = [member for member in _members(text, start) if member.key]
    for member in reversed(members):
        if " ".join(member.key.split()) == " ".join(name.split()):
            return member
    if depth > _MAX_DEPTH:
        return None
    objects = [member for member in members if text[member.start] == "{"]
    for member in objects:
        if name.startswith(f"{member.key}.") and (found := _find_member(text, member.start, name[len(member.key) + 1 :], depth + 1)):
            return found
    inner = [found for member in objects if (found := _find_member(text, member.start, name, depth + 1))]
    return inner[0] if len(inner) == 1 else None


def _members(text: str, start: int) -> list[_Member]:
    members: list[_Member] = []
    position = _skip(text, start + 1)
    while text[position] == '"':
        key_start = position
        key, position = scanstring(text, position + 1, False)
        position = _skip(text, position)
        if text[position] != ":":
            raise ValueError("no colon")
        value = _skip(text, position + 1)
        end = _end_of_value(text, value)
        members.append(_Member(key, key_start, value, end))
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return members


def _elements(text: str, start: int) -> list[tuple[int, int]]:
    elements = []
    position = _skip(text, start + 1)
    while text[position] != "]":
        end = _end_of_value(text, position)
        elements.append((position, end))
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)
    return elements


def _end_of_value(text: str, start: int) -> int:
    return _DECODER.raw_decode(text, start)[1]


def _end_of_string(text: str, start: int) -> int:
    return scanstring(text, start + 1, False)[1]


def _skip(text: str, position: int) -> int:
    match = _BLANKS.match(text, position)
    return match.end() if match else position
