"""Which rows of a sheet are hidden, by a filter or by hand: .xlsx, .ods and .xls. calamine reads them like the others.

Reads no cell. What it does not understand hides nothing.
"""

import io
import re
import struct
import zipfile
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from html import unescape

_MAX_BYTES = 4 << 20
"""Read of each part of a workbook."""
_WORKBOOK, _RELATIONSHIPS, _ODS_CONTENT = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "content.xml"
_COMPOUND_FILE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_END_OF_CHAIN = 0xFFFFFFFA
"""Sector numbers from here on are marks."""
_BOUNDSHEET, _ROW, _EOF = 0x0085, 0x0208, 0x000A
_ROW_IS_HIDDEN = 0x20
_MAX_DIGITS = 7
"""Of the number of a row."""
_Rows = tuple[int, int]
"""Numbers of the first and the last of hidden rows that follow one another."""


def count_hidden_rows(data: bytes, sheet: str, numbers: Sequence[int]) -> int:
    """How many of the rows with these ``numbers``, counted from 1 and ascending, are hidden in the first megabytes of a sheet; 0 in other formats."""
    return sum(bisect_right(numbers, last) - bisect_left(numbers, first) for first, last in _hidden(data, sheet))


def _hidden(data: bytes, sheet: str) -> list[_Rows]:
    try:
        if data.startswith(_COMPOUND_FILE):
            return list(_hidden_in_xls(_workbook_stream(data), sheet))
        return _hidden_in_zip(data, sheet) if data.startswith(b"PK") else []
    except (struct.error, IndexError, zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError, RuntimeError):
        # calamine reads some damaged workbooks.
        return []


def _hidden_in_zip(data: bytes, sheet: str) -> list[_Rows]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = set(archive.namelist())
        if {_WORKBOOK, _RELATIONSHIPS} <= names:
            return _hidden_in_xlsx(archive, names, sheet)
        return list(_hidden_in_ods(archive, sheet)) if _ODS_CONTENT in names else []


def _hidden_in_xlsx(archive: zipfile.ZipFile, names: set[str], sheet: str) -> list[_Rows]:
    ids = {unescape(_attribute(tag, b"name")): _attribute(tag, b"r:id") for tag in _tags(archive, _WORKBOOK, b"sheet")}
    targets = {_attribute(tag, b"Id"): _attribute(tag, b"Target") for tag in _tags(archive, _RELATIONSHIPS, b"Relationship")}
    target = targets.get(ids.get(sheet, ""), "")
    path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    if path not in names:
        return []
    hidden = [tag for tag in _tags(archive, path, b"row") if _attribute(tag, b"hidden") in ("1", "true")]
    numbers = {_number(tag, b"r", 0) for tag in hidden}
    return [(number, number) for number in numbers]


def _hidden_in_ods(archive: zipfile.ZipFile, sheet: str) -> Iterator[_Rows]:
    """Rows have no numbers there; equal ones may be written once, with how often they are repeated."""
    number, is_sheet = 0, False
    for tag in _tags(archive, _ODS_CONTENT, b"table:table(?:-row)?"):
        if tag.startswith(b"<table:table-row"):
            rows = _number(tag, b"table:number-rows-repeated", 1)
            if is_sheet and _attribute(tag, b"table:visibility") in ("filter", "collapse"):
                yield number + 1, number + rows
            number += rows
        else:
            number, is_sheet = 0, unescape(_attribute(tag, b"table:name")) == sheet


def _tags(archive: zipfile.ZipFile, path: str, name: bytes) -> list[bytes]:
    with archive.open(path) as file:
        return re.findall(rb"<" + name + rb"(?=[\s/>])[^<>]*>", file.read(_MAX_BYTES))


def _attribute(tag: bytes, name: bytes) -> str:
    match = re.search(rb"\s" + re.escape(name) + rb"""\s*=\s*["']([^"']*)["']""", tag)
    return match[1].decode("utf-8", "replace") if match else ""


def _number(tag: bytes, name: bytes, default: int) -> int:
    value = _attribute(tag, name)
    return int(value) if value.isdecimal() and len(value) <= _MAX_DIGITS else default


def _workbook_stream(data: bytes) -> bytes:
    """The beginning of the stream of a compound file ([MS-CFB]) that holds a workbook; empty if there is none. Raises struct.error, IndexError."""
    size = 1 << struct.unpack_from("<H", data, 30)[0]
    first_folder, fat_sectors = struct.unpack_from("<I", data, 48)[0], struct.unpack_from("<109I", data, 76)
    if not 128 <= size <= 4096:
        return b""

    def sector(number: int) -> bytes:
        return data[(number + 1) * size : (number + 2) * size]

    fat = b"".join(sector(number) for number in fat_sectors if number < _END_OF_CHAIN)

    def stream(number: int) -> bytes:
        found = bytearray()
        # A damaged chain may run in a circle, or beyond the end.
        while number < _END_OF_CHAIN and len(found) < _MAX_BYTES and (content := sector(number)):
            found += content
            number = struct.unpack_from("<I", fat, 4 * number)[0]
        return bytes(found)

    folder = stream(first_folder)
    for start in range(0, len(folder) - 127, 128):
        entry = folder[start : start + 128]
        name = entry[: max(0, struct.unpack_from("<H", entry, 64)[0] - 2)].decode("utf-16-le", "replace")
        if name in ("Workbook", "Book"):
            return stream(struct.unpack_from("<I", entry, 116)[0])
    return b""


def _hidden_in_xls(book: bytes, sheet: str) -> Iterator[_Rows]:
    """The records ([MS-XLS]) of the sheet's own stream that describe a row, as far as they say that it is hidden."""
    for record, content in _records(book, 0):
        if record == _BOUNDSHEET and _sheet_name(content) == sheet:
            start = struct.unpack_from("<I", content)[0]
            rows = [content for record, content in _records(book, start) if record == _ROW]
            numbers = [struct.unpack_from("<H", row)[0] + 1 for row in rows if row[12] & _ROW_IS_HIDDEN]
            yield from zip(numbers, numbers, strict=True)
            return  # a damaged workbook may name a sheet a million times


def _records(book: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """The records of one stream of sheet or workbook, from its first to its end."""
    while start + 4 <= len(book):
        record, length = struct.unpack_from("<HH", book, start)
        if record == _EOF:
            return
        yield record, book[start + 4 : start + 4 + length]
        start += 4 + length


def _sheet_name(content: bytes) -> str:
    count, is_wide = content[6], content[7] & 1
    return content[8 : 8 + 2 * count].decode("utf-16-le", "replace") if is_wide else content[8 : 8 + count].decode("latin-1")
