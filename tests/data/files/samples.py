"""Makes small workbooks and archives in memory, and checks that bytes give a table or a proper UserError."""

import io
import struct
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

from trainer.data.files.read_table import read_table
from trainer.data.files.table import Table
from trainer.errors import UserError

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def outcome(data: bytes, **options) -> Table | None:
    """The table in ``data``; None if it is refused with a code and a message of whole sentences."""
    try:
        return read_table(data, **options)
    except UserError as refusal:
        if not refusal.code or not refusal.message.endswith(".") or "\n" in refusal.message:
            raise ValueError(f"a poor refusal: {refusal.code}: {refusal.message}") from refusal
        return None


def make_zip(files: dict[str, bytes | str]) -> bytes:
    """A zip file with these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            # An .ods file states its type uncompressed near its beginning.
            archive.writestr(name, content, zipfile.ZIP_STORED if name == "mimetype" else None)
    return file.getvalue()


def make_workbook(sheets: dict[str, list[list[object]]], *, xml: str = "", hidden: tuple[str, ...] = ()) -> bytes:
    """An .xlsx with one sheet per entry. ``xml`` is inserted unchanged before the rows of each sheet."""
    links = "".join(
        f'<Relationship Id="r{n}" Type="{_LINKS}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in range(1, len(sheets) + 1)
    )
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="r{n}"{" state=" + chr(34) + "hidden" + chr(34) if name in hidden else ""}/>'
        for n, name in enumerate(sheets, 1)
    )
    types = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_CONTENT_TYPE}.worksheet+xml"/>' for n in range(1, len(sheets) + 1)
    )
    formats = f'<styleSheet {_MAIN}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
    parts = {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_CONTENT_TYPE}.sheet.main+xml"/>{types}</Types>',
        "_rels/.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_LINKS}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'{_HEAD}<workbook {_MAIN} xmlns:r="{_LINKS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{links}'
        f'<Relationship Id="s" Type="{_LINKS}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _HEAD + formats,
    }
    for n, rows in enumerate(sheets.values(), 1):
        body = "".join(f'<row r="{r}">{"".join(_cell(r, c, value) for c, value in enumerate(row))}</row>' for r, row in enumerate(rows, 1))
        parts[f"xl/worksheets/sheet{n}.xml"] = f"{_HEAD}<worksheet {_MAIN}><sheetData>{xml}{body}</sheetData></worksheet>"
    return make_zip(parts)


class Day(float):
    """A number displayed as a date."""


def _cell(row: int, column: int, value: object) -> str:
    reference = f"{chr(65 + column)}{row}"
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{reference}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, Day):
        return f'<c r="{reference}" s="1"><v>{float(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{reference}"><v>{value}</v></c>'
    return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(str(value))}</t></is></c>'


def make_ods(rows: list[list[object]], *, hidden: Sequence[int] = ()) -> bytes:
    """An .ods with one sheet; ``hidden`` are positions of rows."""
    office = "urn:oasis:names:tc:opendocument:xmlns"
    body = "".join(
        f"<table:table-row{' table:visibility=' + chr(34) + 'filter' + chr(34) if number in hidden else ''}>"
        + "".join(f'<table:table-cell office:value-type="string"><text:p>{escape(str(value))}</text:p></table:table-cell>' for value in row)
        + "</table:table-row>"
        for number, row in enumerate(rows)
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content xmlns:office="{office}:office:1.0" xmlns:table="{office}:table:1.0" '
        f'xmlns:text="{office}:text:1.0"><office:body><office:spreadsheet><table:table table:name="S">{body}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    media_type = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = (
        f'<manifest:manifest xmlns:manifest="{office}:manifest:1.0"><manifest:file-entry manifest:full-path="/"/></manifest:manifest>'
    )
    return make_zip({"mimetype": media_type, "content.xml": content, "META-INF/manifest.xml": manifest})


def make_xls(rows: list[list[object]], *, hidden: Sequence[int] = ()) -> bytes:
    """An .xls (BIFF8 in a compound file) with one sheet of texts and numbers; ``hidden`` are positions of rows."""

    def record(record_type: int, content: bytes) -> bytes:
        return struct.pack("<HH", record_type, len(content)) + content

    def begin(stream_type: int) -> bytes:
        return record(0x0809, struct.pack("<HHHHII", 0x0600, stream_type, 0x0DBB, 0x07CC, 0, 6))

    def cell(row: int, column: int, value: object) -> bytes:
        cell_header = struct.pack("<HHH", row, column, 0)
        if isinstance(value, int | float):
            return record(0x0203, cell_header + struct.pack("<d", value))
        text = str(value)
        return record(0x0204, cell_header + struct.pack("<HB", len(text.encode("utf-16-le")) // 2, 1) + text.encode("utf-16-le"))

    end = record(0x000A, b"")
    heights = b"".join(record(0x0208, struct.pack("<6HI", row, 0, 2, 255, 0, 0, 0x20 if row in hidden else 0)) for row in range(len(rows)))
    sheet = begin(0x10) + heights + b"".join(cell(r, c, value) for r, row in enumerate(rows) for c, value in enumerate(row)) + end
    head = begin(0x05) + record(0x0042, struct.pack("<H", 1200))
    listed = len(record(0x0085, bytes(8) + b"S"))
    book = head + record(0x0085, struct.pack("<IHBB", len(head) + listed + len(end), 0, 1, 0) + b"S") + end + sheet
    return _compound(book.ljust(4096, b"\0"))


def _compound(stream: bytes) -> bytes:
    """A compound file with one stream called Workbook."""
    sectors = [stream[start : start + 512].ljust(512, b"\0") for start in range(0, len(stream), 512)]
    chain = [*range(1, len(sectors)), 0xFFFFFFFE]
    tables = (len(sectors) + 2 + 126) // 127  # sectors of the allocation table, which lists itself and the directory too
    folder = len(sectors)
    links = [*chain, 0xFFFFFFFE, *[0xFFFFFFFD] * tables]
    table = struct.pack(f"<{128 * tables}I", *links, *[0xFFFFFFFF] * (128 * tables - len(links)))

    def entry(name: str, entry_type: int, child: int, start: int, size: int) -> bytes:
        written = name.encode("utf-16-le") + b"\0\0"
        head = written.ljust(64, b"\0") + struct.pack("<HBBIII", len(written), entry_type, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        return head + bytes(36) + struct.pack("<IQ", start, size)

    folders = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry("Workbook", 2, 0xFFFFFFFF, 0, len(stream)) + bytes(256)
    first = folder + 1
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, tables, folder, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", *range(first, first + tables), *[0xFFFFFFFF] * (109 - tables))
    return header + b"".join(sectors) + folders + table
