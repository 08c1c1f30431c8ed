"""The XML of a sheet of a .xlsx workbook, in pieces of some rows, each of which calamine reads as a workbook of its own.

Knows no tables. A piece becomes a workbook with the shared texts that its cells refer to, so that calamine never holds the whole sheet.
"""

import codecs
import io
import re
import struct
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from html import unescape
from typing import Literal

from trainer.data.files import plain_text
from trainer.data.files.calamine_workbook import Sheet, open_workbook, read_records
from trainer.data.files.plain_text import NotPlainError
from trainer.data.files.table import Limits
from trainer.errors import UserError

PieceKind = Literal["opening", "rows", "ending"]

_DECLARATION_BYTES = 200
_MAX_OPENING_BYTES = _MAX_PIECE_BYTES = 16 << 20
_MAX_TEXT_BYTES = 64 << 20
"""Of the shared texts of a piece: a long one may be referred to by every cell."""
_WORKBOOK, _RELATIONS, _TEXTS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml"
_KEPT = ("[Content_Types].xml", "_rels/.rels", _WORKBOOK, _RELATIONS, "xl/styles.xml")
_ENCODING = re.compile(rb"""<\?xml\b[^>]*\bencoding\s*=\s*["']([^"']*)""")
_DATA = re.compile(rb"<((?:\w+:)?)sheetData\b[^<>]*>")
_SIZE = re.compile(rb"<(?:\w+:)?dimension\b[^<>]*>")
# Without a way back: a file of texts that never end would otherwise be searched to its end from each of them.
_TEXT = re.compile(rb"<((?:\w+:)?)si\b[^<>]*+(?:(?<=/)>|>[^<]*+(?:<(?!/?(?:\w+:)?si\b)[^<]*+)*+</\1si>)")
_TEXT_BEGINS = re.compile(rb"<(?:\w+:)?si\b")
_SHARED_CELL = re.compile(
    rb"""(<(?:\w+:)?c(?=[^<>]*\st=["']s["'])(?:\s+[\w:]+=(?:"[^"<>]*"|'[^'<>]*'))++\s*>\s*<(?:\w+:)?v\b[^<>]*>\s*)(\d{1,9})(?=\s*</)"""
)
_SHARED = re.compile(rb"""\st=["']s["']""")
_DAMAGED = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, OSError, EOFError, NotImplementedError, RuntimeError, KeyError)


def sheet_path(archive: zipfile.ZipFile, name: str) -> str | None:
    """The part of a workbook that holds a sheet, by its name; None if it is not found, as in other forms than .xlsx."""
    try:
        workbook = archive.read(_WORKBOOK).decode("utf-8-sig")
        relations = archive.read(_RELATIONS).decode("utf-8-sig")
    except (KeyError, UnicodeDecodeError):
        return None
    sheets = [attributes(match[1]) for match in re.finditer(r"<(?:\w+:)?sheet\b([^>]*?)/?>", workbook)]
    key = next((value for sheet in sheets if sheet.get("name") == name for part, value in sheet.items() if part.endswith(":id")), None)
    targets = {
        rel.get("Id"): rel.get("Target", "") for rel in (attributes(m[1]) for m in re.finditer(r"<Relationship\b([^>]*?)/?>", relations))
    }
    target = targets.get(key, "")
    path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return path if target and path in archive.namelist() else None


def attributes(tag: str) -> dict[str, str]:
    """The attributes in a tag of XML."""
    return {name: unescape(value[1:-1]) for name, value in re.findall(r"""([\w:.-]+)\s*=\s*("[^"]*"|'[^']*')""", tag)}


def sheet_pieces(archive: zipfile.ZipFile, path: str) -> Iterator[tuple[PieceKind, bytes]]:
    """A sheet's XML: all that comes before its rows, whole rows again and again, and the rest. Raises NotPlainError if it has not this form."""
    try:
        with archive.open(path) as file:
            yield from _pieces(file)
    except _DAMAGED as error:
        raise NotPlainError("a damaged sheet") from error


def _pieces(file: "zipfile.ZipExtFile | io.BufferedIOBase") -> Iterator[tuple[PieceKind, bytes]]:
    waiting = file.read(plain_text.SLICE_BYTES)
    while not (match := _DATA.search(waiting)):
        chunk = file.read(plain_text.SLICE_BYTES)
        if not chunk or len(waiting) > _MAX_OPENING_BYTES:
            raise NotPlainError("no rows")
        waiting += chunk
    encoding = _ENCODING.match(waiting.removeprefix(codecs.BOM_UTF8)[:_DECLARATION_BYTES])
    if encoding and encoding[1].lower() != b"utf-8":
        raise NotPlainError("not UTF-8")
    yield "opening", waiting[: match.end()]
    waiting = waiting[match.end() :]
    if match[0].endswith(b"/>"):
        yield "ending", waiting + file.read()
        return
    row_end, data_end = b"</" + match[1] + b"row>", b"</" + match[1] + b"sheetData>"
    while (end := waiting.find(data_end)) < 0:
        if len(waiting) >= plain_text.SLICE_BYTES:
            cut = waiting.rfind(row_end) + len(row_end)
            if cut >= len(row_end):
                yield "rows", waiting[:cut]
                waiting = waiting[cut:]
            elif len(waiting) > _MAX_PIECE_BYTES:
                raise NotPlainError("a row of this size")
        chunk = file.read(plain_text.SLICE_BYTES)
        if not chunk:
            raise NotPlainError("rows without an end")
        waiting += chunk
    if waiting[:end].strip():
        yield "rows", waiting[:end]
    yield "ending", waiting[end:] + file.read()


class SmallWorkbooks:
    """Reads pieces of the sheets of a workbook. Raises NotPlainError, as ``read`` does, if it has not the usual parts."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        names = archive.namelist()
        try:
            self._kept = [(name, archive.read(name)) for name in _KEPT if name in names]
            self._texts = archive.read(_TEXTS) if _TEXTS in names else b""
        except _DAMAGED as error:
            raise NotPlainError("damaged parts") from error
        if b"<!" in self._texts or any(name != _TEXTS and name.lower() == _TEXTS.lower() for name in names):
            raise NotPlainError("unusual shared texts")
        # As numbers of Python a million spans would take 80 MB.
        self._starts, self._ends = array("Q"), array("Q")
        for match in _TEXT.finditer(self._texts):
            if self._ends and self._texts[self._ends[-1] : match.start()].strip():
                raise NotPlainError("something between the shared texts")
            self._starts.append(match.start())
            self._ends.append(match.end())
        if _TEXT_BEGINS.search(self._texts, self._ends[-1] if self._ends else 0):
            raise NotPlainError("a shared text without an end")

    def sheets(self) -> list[tuple[str, bool]]:
        """The name of each sheet with cells, and whether it is hidden."""
        from python_calamine import SheetTypeEnum, SheetVisibleEnum

        workbook = open_workbook(_packed([*self._kept, *self._texts_part([])]))
        found = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        return [(sheet.name, sheet.visible != SheetVisibleEnum.Visible) for sheet in found]

    def read(self, name: str, path: str, opening: bytes, rows: bytes, limits: Limits) -> Sheet:
        """The records in some ``rows`` of the sheet that has this name, stands at this path and begins with ``opening``."""
        from python_calamine import CalamineError

        if b"<!" in rows:
            raise NotPlainError("comments in the XML")
        numbers: dict[bytes, int] = {}
        written, count = _SHARED_CELL.subn(lambda match: b"%b%d" % (match[1], numbers.setdefault(match[2], len(numbers))), rows)
        if count != len(_SHARED.findall(rows)):
            raise NotPlainError("cells of another form")
        prefix = _DATA.findall(opening)[-1]
        sheet = _SIZE.sub(b"", opening) + written + b"</" + prefix + b"sheetData></" + prefix + b"worksheet>"
        try:
            return read_records(open_workbook(_packed([*self._kept, *self._texts_part([*map(int, numbers)]), (path, sheet)])), name, limits)
        except (UserError, CalamineError) as error:
            raise NotPlainError("a sheet that calamine cannot read") from error
        except BaseException as error:
            # calamine is written in Rust, and a Rust panic is not an Exception.
            if type(error).__name__ == "PanicException":
                raise NotPlainError("a damaged sheet") from error
            raise

    def _texts_part(self, numbers: list[int]) -> list[tuple[str, bytes]]:
        """The part with the shared texts of these numbers, in this order; none if the workbook has no shared texts."""
        if not self._starts:
            return []
        if max(numbers, default=0) >= len(self._starts):
            raise NotPlainError("a shared text that is missing")
        if sum(self._ends[number] - self._starts[number] for number in numbers) > _MAX_TEXT_BYTES:
            raise NotPlainError("long shared texts")
        texts = (self._texts[self._starts[number] : self._ends[number]] for number in numbers)
        return [(_TEXTS, b"".join([self._texts[: self._starts[0]], *texts, self._texts[self._ends[-1] :]]))]


def _packed(parts: list[tuple[str, bytes]]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in parts:
            archive.writestr(name, content)
    return packed.getvalue()
