"""A big file of one plain object a line, read slice by slice: the rows of ``read_content``, without all of them in memory at once.

Plain is an object with the keys of the first slice, each with a text, a number, yes or no in all slices, or with lists and objects among its values from the first
slice on. What the reader makes of these depends on all rows, so ``nested`` keys can hold anything but the texts. Lines that are left out are not plain.
"""

import json
from collections.abc import Iterator
from typing import Any

from trainer.data.files import plain_text
from trainer.data.files.formats import detect_format
from trainer.data.files.plain_text import NotPlainError, Slice
from trainer.data.files.read_table import open_content, read_content
from trainer.data.files.table import Limits, Table
from trainer.errors import UserError

BRACKETS = "[{("
"""With these begin cells in which the reader looks for lists and objects, for which all rows count."""


class PlainJsonLines:
    """A plain file of JSON lines. ``head``: the table of its first slice, as the reader makes it; ``nested``: keys of its first slice with lists or objects."""

    def __init__(self, data: bytes, limits: Limits, head: Table) -> None:
        self.head = head
        self._data = data
        self._limits = limits
        self._keys: frozenset[str] | None = None
        self.nested: frozenset[str] = frozenset()

    def holds_text(self, column: str) -> bool:
        """Whether a column of the table is a key whose values are neither lists nor objects."""
        return self._keys is not None and column in self._keys - self.nested

    def slices(self) -> Iterator[Slice]:
        """All rows, in order. Raises NotPlainError as soon as something is odd."""
        rows = 0
        for start, end in _spans(self._data):
            part = self._parse(self._data[start:end])
            rows += len(part.rows)
            if rows > self._limits.max_rows:
                raise NotPlainError("too many rows")
            yield part

    def _parse(self, data: bytes) -> Slice:
        try:
            text = data.decode()
            objects = [json.loads(line, object_pairs_hook=_members) for line in text.removeprefix("\ufeff").split("\n") if line.strip()]
            table = read_content(open_content(data, self._limits), self._limits)
        except (UserError, ValueError, RecursionError) as error:
            raise NotPlainError("lines that are no plain objects") from error
        if not all(isinstance(found, dict) for found in objects):
            raise NotPlainError("lines that are no objects")
        nested = frozenset(key for found in objects for key, value in found.items() if _is_nested(value))
        if self._keys is None:
            self._keys, self.nested = frozenset(objects[0]), nested
        if nested - self.nested or any(found.keys() != self._keys for found in objects):
            raise NotPlainError("objects of other keys")
        if (
            table.columns != self.head.columns
            or table.warnings
            or table.dropped
            or table.part is not None
            or len(table.rows) != len(objects)
        ):
            raise NotPlainError("rows that are left out or put in order")
        return Slice(text, table.rows, table.lines)


def open_plain_json_lines(data: bytes, limits: Limits, **options: object) -> PlainJsonLines | None:
    """The file, if its beginning is plain and nothing about it is stated; whether the rest is, its slices tell."""
    if any(value is not None for value in options.values()) or len(data) < 2 * plain_text.SLICE_BYTES or detect_format(data) != "text":
        return None
    if data[:200].decode("utf-8-sig", errors="replace").lstrip()[:1] != "{":
        return None
    start, end = next(_spans(data))
    try:
        plain = PlainJsonLines(data, limits, read_content(open_content(data[start:end], limits), limits))
        next(plain.slices())
    except (NotPlainError, UserError):
        return None
    return plain


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Raises ValueError if it has a key twice."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key stands twice")
    return members


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list) or (isinstance(value, str) and value.lstrip()[:1] in BRACKETS and bool(value.strip()))


def _spans(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each slice begins and ends, at the end of a line; the last is never short."""
    start, total = 0, len(data)
    while start < total:
        end = data.find(b"\n", min(start + plain_text.SLICE_BYTES, total)) + 1
        if not end or total - end < plain_text.SLICE_BYTES:
            end = total
        yield start, end
        start = end
