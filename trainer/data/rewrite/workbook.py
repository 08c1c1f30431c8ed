"""Changes cells of a .xlsx or .xlsm workbook in the XML of their sheet; other sheets, formulas, formats and pictures keep their bytes.

Knows cells and rows; how a changed cell is coloured is in ``workbook_styles``.
"""

import copy
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple
from xml.sax.saxutils import escape

from trainer.data.files.calamine_workbook import cell_text, open_workbook
from trainer.data.files.plain_text import Slice
from trainer.data.files.plain_workbook import PlainWorkbook
from trainer.data.files.sheet_slices import attributes, sheet_path
from trainer.data.files.table import Table
from trainer.data.rewrite.edits import AddedColumn, Appending, Cells, Edits, Rewritten, not_rewritable_error
from trainer.data.rewrite.pieces import Pieces, unpacked_pieces
from trainer.data.rewrite.workbook_styles import Styles

_ROW = re.compile(r"<((?:\w+:)?)row\b([^>]*?)(?:/>|>(.*?)</\1row>)", re.DOTALL)
_CELL = re.compile(r"<((?:\w+:)?)c\b([^>]*?)(?:/>|>(.*?)</\1c>)", re.DOTALL)
_COLUMN = re.compile(r"""<(?:\w+:)?c\b[^>]*?\sr=["']([A-Z]+)""")
_SHARED_FORMULA = re.compile(r"<(?:\w+:)?f\b[^>]*\bref=")
_FORMULA = re.compile(r"<(?:\w+:)?f\b")
_MERGED = re.compile(r'<(?:\w+:)?mergeCell\b[^>]*\bref="\$?([A-Z]+)\$?(\d+):\$?([A-Z]+)\$?(\d+)"')
_DIMENSION = re.compile(r'(<(?:\w+:)?dimension\b[^>]*\bref="[A-Z]+\d+:)[A-Z]+(\d+")')
_CHAIN = re.compile(r"<Override\b[^>]*calcChain[^>]*/>|<Relationship\b[^>]*calcChain[^>]*/>")
_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d+)?")
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def rewrite_workbook(data: bytes, table: Table, edits: Edits) -> Rewritten:
    """The workbook with ``edits`` in the sheet that was read; changed cells get a fill. Raises UserError ``not_rewritable``."""
    if not data.startswith(b"PK"):
        raise not_rewritable_error("it is a workbook of the old form (.xls)")
    if table.part is None:
        raise not_rewritable_error("its rows are joined from several sheets")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        path = sheet_path(archive, table.part)
        if path is None:
            raise not_rewritable_error("it is no workbook of the form .xlsx")
        sheet = archive.read(path).decode("utf-8-sig")
        styles = Styles(archive.read("xl/styles.xml").decode("utf-8-sig")) if "xl/styles.xml" in archive.namelist() else None
        form = _SheetForm(_first_column(data, table.part), table, edits, styles)
        form.check_merged(sheet)
        changed = {path: _changed_sheet(sheet, form).encode()}
        if styles is not None and styles.text is not None:
            changed["xl/styles.xml"] = styles.text.encode()
        notes = ("Rows that were left out are empty rows now, so that formulas still point at the right ones.",) if edits.dropped else ()
        return Rewritten(_repacked(archive, changed, without_chain=form.formulas_gone), notes)


def append_to_workbook(plain: PlainWorkbook, appending: Appending, cells: Cells) -> Iterator[bytes]:
    """The bytes of a workbook with new columns in its plain sheet, piece by piece: of the sheet only some rows are in memory.

    Raises NotPlainError if the sheet is not plain after all, UserError ``not_rewritable``.
    """
    sink = Pieces()
    with zipfile.ZipFile(sink, "w") as packed:
        for entry in plain.archive.infolist():
            pieces = _appended(plain, appending, cells) if entry.filename == plain.path else unpacked_pieces(plain.archive, entry)
            with packed.open(copy.copy(entry), "w") as part:
                for piece in pieces:
                    part.write(piece)
                    yield sink.take()
        packed.comment = plain.archive.comment
    yield sink.take()


def _appended(plain: PlainWorkbook, appending: Appending, cells: Cells) -> Iterator[bytes]:
    """The XML of the sheet with the new columns; rows that calamine does not read as they should be are refused."""
    opening = b""
    for xml, part in plain.pieces():
        if part is None:
            added = tuple(AddedColumn(name, ()) for name, _ in appending.columns)
            form = _SheetForm(plain.first_column, plain.head, Edits(added=added), None)
            yield xml if opening else _with_size(xml.decode("utf-8-sig"), form).encode()
            opening = opening or xml
            continue
        added = tuple(column.in_text() for column in appending.added(cells(len(part.rows))))
        form = _SheetForm(plain.first_column, replace(plain.head, rows=part.rows, lines=part.lines), Edits(added=added), None)
        changed = _changed_sheet(part.text, form).encode()
        _check_read_again(plain, opening, changed, part, added)
        yield changed


def _check_read_again(plain: PlainWorkbook, opening: bytes, changed: bytes, part: Slice, added: tuple[AddedColumn, ...]) -> None:
    width = len(plain.head.columns)
    texts = [number for number, column in enumerate(added) if column.kind == "text"]
    numbers, records = plain.read(opening, changed, width + len(added))
    again = [(record[:width], *(record[width + number] for number in texts)) for record in records[len(records) - len(part.rows) :]]
    expected = [(row, *(added[number].cells[at] for number in texts)) for at, row in enumerate(part.rows)]
    if numbers[len(numbers) - len(part.rows) :] != part.lines or again != expected:
        raise not_rewritable_error("reading the result again would give other rows")


def _first_column(data: bytes, name: str) -> int:
    """The first used column of a sheet, from 0, where the table's begins."""
    start = open_workbook(data).get_sheet_by_name(name).start
    return start[1] if start else 0


@dataclass
class _SheetForm:
    """What becomes of the cells of a sheet. ``formulas_gone``: whether a formula was taken out, which the workbook lists elsewhere."""

    first_column: int
    table: Table
    edits: Edits
    styles: Styles | None
    formulas_gone: bool = False

    def __post_init__(self) -> None:
        self.row_at = {line: row for row, line in enumerate(self.table.lines)}

    @property
    def width(self) -> int:
        return len(self.table.columns)

    @property
    def column_letters(self) -> str:
        return _letters(self.first_column + (self.edits.column or 0))

    def check_merged(self, sheet: str) -> None:
        """Raise UserError if a changed or dropped row shares a merged cell with other rows."""
        lines = {self.table.lines[row] for row in {*self.edits.cells, *self.edits.dropped}}
        for match in _MERGED.finditer(sheet):
            first, last = int(match[2]), int(match[4])
            if last > first and any(first <= line <= last for line in lines):
                raise not_rewritable_error("a row to be changed shares merged cells with other rows; unmerge them in the workbook")


def _changed_sheet(sheet: str, form: _SheetForm) -> str:
    pieces, last, line = [], 0, 0
    for match in _ROW.finditer(sheet):
        number = attributes(match[2]).get("r")
        line = int(number) if number else line + 1
        new = _changed_row(match, line, form)
        if new is not None:
            pieces += [sheet[last : match.start()], new]
            last = match.end()
    return _with_size("".join([*pieces, sheet[last:]]), form)


def _with_size(sheet: str, form: _SheetForm) -> str:
    """The sheet with room for the new columns in the range that it states, if it states one; a stated single cell says nothing."""
    end = _letters(form.first_column + form.width + len(form.edits.added) - 1)
    return _DIMENSION.sub(rf"\g<1>{end}\g<2>", sheet, count=1) if form.edits.added else sheet


def _changed_row(match: re.Match[str], line: int, form: _SheetForm) -> str | None:
    """The XML of a row after the edits; None if it stays as it is."""
    row = form.row_at.get(line)
    added = form.edits.added
    if row is None:
        if not added or line != form.table.header_line:
            return None
        cells = [(AddedColumn(column.name, ()), column.name) for column in added]
        return _with_added(match, match[3] or "", line, cells, form)
    if row in form.edits.dropped:
        _refuse_shared_formula(match[0])
        form.formulas_gone = form.formulas_gone or _FORMULA.search(match[0]) is not None
        return ""
    content = match[3] or ""
    if row in form.edits.cells:
        content = _with_cell(content, match[1], line, form, form.edits.cells[row])
        if not added:
            return f"<{match[1]}row{match[2].rstrip()}>{content}</{match[1]}row>"
    return _with_added(match, content, line, [(column, column.cells[row]) for column in added], form) if added else None


def _with_added(match: re.Match[str], content: str, line: int, cells: list[tuple[AddedColumn, str]], form: _SheetForm) -> str:
    prefix = match[1]
    start = form.first_column + form.width
    content, beside = _parted(content, start)
    written = "".join(
        _cell_xml(
            prefix,
            f"{_letters(position)}{line}",
            beside[position].style if position in beside and column.kind == "text" else "",  # a number may become a date
            cell,
            as_number=column.kind == "number",
            as_boolean=column.kind == "boolean",
        )
        if cell
        else beside[position].xml
        if position in beside
        else ""
        for position, (column, cell) in enumerate(cells, start)
    )
    written += "".join(cell.xml for position, cell in beside.items() if position >= start + len(cells))
    rest = re.sub(r'\s+spans="[^"]*"', "", match[2]).rstrip()
    return f"<{prefix}row{rest}>{content}{written}</{prefix}row>"


class _EmptyCell(NamedTuple):
    """A cell that only has a ``style``, as attribute; ``xml``: the whole cell."""

    style: str
    xml: str


def _parted(content: str, start: int) -> tuple[str, dict[int, _EmptyCell]]:
    """The cells of a row before a column, and those from there on by column. Raises UserError ``not_rewritable`` if one of these is not empty."""
    beside: dict[int, _EmptyCell] = {}
    end = len(content)
    if all(_column_number(letters) < start for letters in _COLUMN.findall(content)):
        return content, beside
    for cell in _CELL.finditer(content):
        stated = attributes(cell[2])
        position = _column_number(stated.get("r", ""))
        if position < start:
            continue
        if (cell[3] or "").strip():
            raise not_rewritable_error("there are cells to the right of the table")
        end = min(end, cell.start())
        beside[position] = _EmptyCell(f' s="{stated["s"]}"' if "s" in stated else "", cell[0])
    return content[:end], beside


def _with_cell(content: str, prefix: str, line: int, form: _SheetForm, new: str) -> str:
    reference = f"{form.column_letters}{line}"
    position = form.first_column - 1
    for cell in _CELL.finditer(content):
        stated = attributes(cell[2])
        position = _column_number(stated["r"]) if "r" in stated else position + 1
        if position == form.first_column + (form.edits.column or 0):
            _refuse_shared_formula(cell[0])
            form.formulas_gone = form.formulas_gone or _FORMULA.search(cell[0]) is not None
            style = _marked_style(stated.get("s"), form)
            return content[: cell.start()] + _label_xml(prefix, reference, style, stated.get("t", "n"), new) + content[cell.end() :]
        if position > form.first_column + (form.edits.column or 0):
            written = _label_xml(prefix, reference, _marked_style(None, form), "s", new)
            return content[: cell.start()] + written + content[cell.start() :]
    return content + _label_xml(prefix, reference, _marked_style(None, form), "s", new)


def _marked_style(style: str | None, form: _SheetForm) -> str:
    marked = form.styles.marked(int(style or 0)) if form.styles else None
    return f' s="{marked}"' if marked is not None else f' s="{style}"' if style else ""


def _label_xml(prefix: str, reference: str, style: str, old_type: str, new: str) -> str:
    is_number = old_type == "n" and bool(_NUMBER.fullmatch(new)) and cell_text(float(new)) == new
    return _cell_xml(prefix, reference, style, new, as_number=is_number, as_boolean=old_type == "b" and new in ("TRUE", "FALSE"))


def _cell_xml(prefix: str, reference: str, style: str, value: str, *, as_number: bool, as_boolean: bool) -> str:
    if as_number:
        return f'<{prefix}c r="{reference}"{style}><{prefix}v>{value}</{prefix}v></{prefix}c>'
    if as_boolean:
        return f'<{prefix}c r="{reference}"{style} t="b"><{prefix}v>{int(value.lower() == "true")}</{prefix}v></{prefix}c>'
    text = escape(_NO_XML.sub("", value))
    return f'<{prefix}c r="{reference}"{style} t="inlineStr"><{prefix}is><{prefix}t xml:space="preserve">{text}</{prefix}t></{prefix}is></{prefix}c>'


def _refuse_shared_formula(xml: str) -> None:
    if _SHARED_FORMULA.search(xml):
        raise not_rewritable_error("a row to be changed holds the formula of other rows")


def _letters(column: int) -> str:
    """The name of a column, counted from 0: A, ..., Z, AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _column_number(reference: str) -> int:
    number = 0
    for letter in reference.rstrip("0123456789"):
        number = 26 * number + ord(letter) - 64
    return number - 1


def _repacked(archive: zipfile.ZipFile, changed: dict[str, bytes], *, without_chain: bool) -> bytes:
    """The workbook with other content in some of its parts; ``without_chain``: without the list of cells with formulas, which is made anew."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for entry, content in _entries(archive, without_chain=without_chain):
            packed.writestr(entry, changed.get(entry.filename, content), compress_type=entry.compress_type)
    return buffer.getvalue()


def _entries(archive: zipfile.ZipFile, *, without_chain: bool) -> Iterator[tuple[zipfile.ZipInfo, bytes]]:
    for entry in archive.infolist():
        content = archive.read(entry)
        if without_chain and entry.filename.endswith("calcChain.xml"):
            continue
        if without_chain and entry.filename in ("[Content_Types].xml", "xl/_rels/workbook.xml.rels"):
            content = _CHAIN.sub("", content.decode("utf-8")).encode()
        yield entry, content
