"""Small files that expand to much, and big ones that are not tables: each must be refused or read cheaply, and the server must survive.

Each is built when it is used. Most are refused; a few are unusual but valid.
"""

import bz2
import gzip
import io
import json
import lzma
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.attack.outcomes import AttackOptions, Outcome
from tests.attack.process_cost import Cost, child_processes, measure_cost
from tests.data.files.samples import make_ods, make_workbook, make_zip
from trainer.data.files.file_bytes import read_bytes
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError

MAX_CPU_SECONDS = 2.0
MAX_MEGABYTES = 500.0
_MB = 1_000_000
_SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


@dataclass(frozen=True)
class Bomb:
    """``valid``: it may be read; then only the size limits apply."""

    build: Callable[[], bytes]
    valid: bool = False


def attack(options: AttackOptions) -> Outcome:
    """Read all of them; with a smaller fraction only the fixed sample."""
    names = list(BOMBS) if options.fraction >= 1 else SAMPLE
    return read_all(names)


def read_all(names: list[str]) -> Outcome:
    """Read these bombs, one after the other, with a real reader."""
    children_before = len(child_processes())
    outcome = Outcome(figures={"refused": 0, "read": 0, "max_cpu_seconds": 0.0, "max_megabytes": 0.0})
    with tempfile.TemporaryDirectory() as folder, FileReader(replaces=False) as reader:
        for name in names:
            path = Path(folder) / "bomb"
            path.write_bytes(BOMBS[name].build())
            reader.read(b"text,label\na b c,x\n")  # warms up a child
            outcome.tries += 1
            result, cost = _read(reader, path)
            _record(outcome, name, result, cost)
            print(f"  {name:<24} {path.stat().st_size:>12,} {cost.cpu:6.2f} s {cost.megabytes:6.0f} MB  {result}", flush=True)
    if (left := len(child_processes()) - children_before) > 0:
        outcome.effects.append(f"{left} children were left behind")
    return outcome


def _read(reader: FileReader, path: Path) -> tuple[str, Cost]:
    with measure_cost() as cost:
        try:
            table = reader.read(read_bytes(path, max_bytes=100 << 20))
            result = f"read: {len(table.rows)} rows, {len(table.columns)} columns, {len(table.dropped)} dropped"
            del table
        except UserError as refusal:
            result = f"refused: {refusal.code}"
        except BaseException as error:
            result = f"failed: {error!r}"
    return result, cost


def _record(outcome: Outcome, name: str, result: str, cost: Cost) -> None:
    status = result.split(":")[0]
    valid = status == "read" and BOMBS[name].valid
    if status == "failed" or result.endswith(("reading_failed", "reader_unavailable")):
        outcome.effects.append(f"{name}: {result}")
    else:
        outcome.figures[status] += 1
    if not valid:
        outcome.figures["max_cpu_seconds"] = max(outcome.figures["max_cpu_seconds"], round(cost.cpu, 2))
        outcome.figures["max_megabytes"] = max(outcome.figures["max_megabytes"], round(cost.megabytes))
        if cost.cpu > MAX_CPU_SECONDS or cost.megabytes > MAX_MEGABYTES:
            outcome.effects.append(f"{name}: {result} took {cost.cpu:.1f} CPU seconds and {cost.megabytes:.0f} MB")


# --- archives -------------------------------------------------------------------------------------------------------


def _zeros(file_format: str, size: int) -> bytes:
    compressor = {"gz": zlib.compressobj(9, wbits=31), "bz2": bz2.BZ2Compressor(), "xz": lzma.LZMACompressor()}[file_format]
    chunk = bytes(_MB)
    return b"".join([*(compressor.compress(chunk) for _ in range(size // _MB)), compressor.flush()])


def _big_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as entry:
        for _ in range(1_000):
            entry.write(bytes(_MB))
    return file.getvalue()


def _zip_with_wrong_sizes() -> bytes:
    """It declares sizes of a hundred bytes."""
    data = bytearray(make_zip({"a.csv": b"text,label\n" * 20 * _MB}))
    central = data.rindex(b"PK\x01\x02")
    data[central + 24 : central + 28] = data[22:26] = struct.pack("<I", 100)
    return bytes(data)


def _many_entries(n_entries: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(n_entries):
            archive.writestr(zipfile.ZipInfo(f"{number}.csv"), b"")
    return file.getvalue()


def _zip_of(name: str, content: bytes, mode: int = stat.S_IFREG) -> bytes:
    file, entry = io.BytesIO(), zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (mode | 0o777) << 16
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(entry, content)
    return file.getvalue()


def _rows(n_rows: int) -> bytes:
    return b"text,label\n" + b"".join(b"this is text number %d,%s\n" % (n, b"joy" if n % 2 else b"sad") for n in range(n_rows))


# --- workbooks ------------------------------------------------------------------------------------------------------


def _with_parts(book: bytes, changed: dict[str, bytes | str], relation: str = "") -> bytes:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        parts: dict[str, bytes | str] = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    links = "xl/_rels/workbook.xml.rels"
    parts[links] = parts[links].replace(b"</Relationships>", relation.encode() + b"</Relationships>")  # type: ignore[union-attr]
    return make_zip(parts | changed)


def _shared_strings(strings: str, cells: int) -> bytes:
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, cells + 1))
    relationship_type = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    return _with_parts(
        make_workbook({"S": []}, xml=rows),
        {"xl/sharedStrings.xml": f'<sst xmlns="{_SHEETS}">{strings}</sst>'},
        f'<Relationship Id="t" Type="{relationship_type}" Target="sharedStrings.xml"/>',
    )


def _billion_laughs() -> bytes:
    entities = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    sheet = f'<!DOCTYPE x [{entities}]><worksheet xmlns="{_SHEETS}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&a9;</t></is></c></row></sheetData></worksheet>'
    return _with_parts(make_workbook({"S": []}), {"xl/worksheets/sheet1.xml": sheet})


def _external_entity() -> bytes:
    row = '<row r="1"><c r="A1" t="inlineStr"><is><t>&x;</t></is></c></row>'
    doctype = '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    sheet = f'{doctype}<worksheet xmlns="{_SHEETS}"><sheetData>{row}</sheetData></worksheet>'
    return _with_parts(make_workbook({"S": [["a"]]}), {"xl/worksheets/sheet1.xml": sheet})


def _cell(reference: str, row: int) -> str:
    return f'<row r="{row}"><c r="{reference}"><v>1</v></c></row>'


def _repeated_rows(n_rows: int, n_columns: int) -> bytes:
    """An .ods whose only row and whose cells are written once, with how often they come."""
    with zipfile.ZipFile(io.BytesIO(make_ods([["some words", "joy"]]))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    row, cell = (
        b'<table:table-row table:number-rows-repeated="%d"' % n_rows,
        b'<table:table-cell table:number-columns-repeated="%d"' % n_columns,
    )
    content = parts["content.xml"].replace(b"<table:table-row", row).replace(b"<table:table-cell", cell)
    return make_zip(parts | {"content.xml": content})


def _wide_sheet(n_columns: int) -> bytes:
    def name(number: int) -> str:
        letters = ""
        while number:
            number, rest = divmod(number - 1, 26)
            letters = chr(65 + rest) + letters
        return letters

    return make_workbook(
        {"S": []}, xml='<row r="1">' + "".join(f'<c r="{name(n)}1"><v>1</v></c>' for n in range(1, n_columns + 1)) + "</row>"
    )


# --- Parquet --------------------------------------------------------------------------------------------------------


def _parquet(table: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def _many_row_groups() -> bytes:
    return _parquet(pa.table({"text": [f"text number {n}" for n in range(60_000)], "label": ["a", "b"] * 30_000}), row_group_size=1)


def _one_text_repeated(rows: int, length: int) -> bytes:
    text = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * length]))
    return _parquet(pa.table({"text": text, "label": pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["a"])}))


def _nested_parquet() -> bytes:
    nested_type: pa.DataType = pa.string()
    for _ in range(60):
        nested_type = pa.list_(nested_type)
    return _parquet(
        pa.table({"text": pa.array([f"t {n}" for n in range(999)]), "label": ["a"] * 999, "deep": pa.array([None] * 999, nested_type)})
    )


# --- JSON and delimited text ----------------------------------------------------------------------------------------


def _deep_rows() -> bytes:
    return b"".join(json.dumps({"text": f"t {n}"}).encode()[:-1] + b', "x": ' + b"[" * 900 + b"]" * 900 + b"}\n" for n in range(2_000))


def _many_keys(n_keys: int) -> bytes:
    return b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(n_keys)) + b"}"


def _combining_marks() -> bytes:
    marks = "\u0301" * 50_000
    return b"text,label\n" + b"".join(f"a{marks} {n},x\n".encode() for n in range(100))


_LINK = b"/etc/passwd"
_PICKLE = b"\x80\x04\x95\x20\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x05touch\x94\x85\x94R\x94."

BOMBS: dict[str, Bomb] = {
    "zip 1 GB": Bomb(_big_zip),
    "zip with wrong sizes": Bomb(_zip_with_wrong_sizes),
    "zip of 300,000 entries": Bomb(lambda: _many_entries(300_000)),
    "zip with ..": Bomb(lambda: _zip_of("../../etc/cron.d/x", _rows(100)), valid=True),
    "zip with a root": Bomb(lambda: _zip_of("/etc/x.csv", _rows(100)), valid=True),
    "zip with a link": Bomb(lambda: _zip_of("a.csv", _LINK, stat.S_IFLNK)),
    "zip in zip": Bomb(lambda: make_zip({f"{n}.zip": make_zip({"a.csv": bytes(_MB)}) for n in range(16)})),
    "gz 1 GB": Bomb(lambda: _zeros("gz", 1_000 * _MB)),
    "bz2 1 GB": Bomb(lambda: _zeros("bz2", 1_000 * _MB)),
    "xz 1 GB": Bomb(lambda: _zeros("xz", 1_000 * _MB)),
    "gz 99 MB of lines": Bomb(lambda: gzip.compress(b"a,b\n" * 24_750_000)),
    "gz of 100,000 streams": Bomb(lambda: gzip.compress(b"") * 100_000),
    "gz of 2,000,000 streams": Bomb(lambda: gzip.compress(b"") * 2_000_000),
    "bz2 of 100,000 streams": Bomb(lambda: bz2.compress(b"") * 100_000),
    "xz of 100,000 streams": Bomb(lambda: lzma.compress(b"") * 100_000),
    "gz and zeros": Bomb(lambda: gzip.compress(_rows(10)) + bytes(95 * _MB), valid=True),
    "xlsx of a billion laughs": Bomb(_billion_laughs),
    "xlsx with an entity": Bomb(_external_entity),
    "xlsx stray cell": Bomb(lambda: make_workbook({"S": []}, xml=_cell("A1", 1) + _cell("XFD1048576", 1_048_576))),
    "xlsx stray row": Bomb(
        lambda: make_workbook({"S": [[f"text {n}", "a"] for n in range(60)]}, xml=_cell("B1048576", 1_048_576)), valid=True
    ),
    "xlsx 16,384 columns": Bomb(lambda: _wide_sheet(16_384)),
    "xlsx 1,000,000 columns": Bomb(lambda: _wide_sheet(1_000_000)),
    "xlsx with 900 MB of media": Bomb(lambda: _with_parts(make_workbook({"S": [["a", "b"]]}), {"xl/media/x.bin": bytes(900 * _MB)})),
    "ods rows without end": Bomb(lambda: _repeated_rows(2_147_483_647, 1)),
    "ods rows and columns": Bomb(lambda: _repeated_rows(1_048_576, 16_384)),
    "xlsx repeated text": Bomb(lambda: _shared_strings(f"<si><t>{'x' * _MB}</t></si>", 280)),
    "xlsx text repeated 20,000 times": Bomb(lambda: _shared_strings(f"<si><t>{'x' * 100_000}</t></si>", 20_000)),
    "xlsx 280 MB of strings": Bomb(lambda: _shared_strings("<si><t>x</t></si>" * 16_000_000, 10)),
    "xlsx 1 GB of strings": Bomb(lambda: _shared_strings(f"<si><t>{'x' * 600 * _MB}</t></si>", 1)),
    "parquet cut": Bomb(lambda: b"PAR1" + bytes(100) + struct.pack("<I", 96) + b"PAR1"),
    "parquet 81 GB": Bomb(lambda: _one_text_repeated(900_000, 90_000)),
    "parquet 20,000,000 rows": Bomb(lambda: _one_text_repeated(20_000_000, 3)),
    "parquet nested": Bomb(_nested_parquet, valid=True),
    "parquet 60,000 groups": Bomb(_many_row_groups),
    "json 100,000 deep": Bomb(lambda: b"[" * 100_000 + b"]" * 100_000),
    "jsonl 100,000 deep": Bomb(lambda: b'{"a":' * 150_000 + b"1" + b"}" * 150_000),
    "jsonl rows 900 deep": Bomb(_deep_rows),
    "jsonl big numbers": Bomb(lambda: b"".join(b'{"text":"t %d","n":%s}\n' % (n, b"9" * 40_000) for n in range(50)), valid=True),
    "json 1,000,000 keys": Bomb(lambda: _many_keys(1_000_000)),
    "json 20,000,000 brackets": Bomb(lambda: b"[" + b"[]," * 19_000_000 + b"[]]"),
    "csv 1,000,000 columns": Bomb(lambda: b",".join(b"c%d" % n for n in range(1_000_000)) + b"\n" + b",".join([b"1"] * 1_000_000)),
    "csv 1,000,000 equal names": Bomb(lambda: b"a," * 999_999 + b"a\n"),
    "csv 20,000 equal names": Bomb(lambda: b"a," * 19_999 + b"a\n" + b"1," * 19_999 + b"1\n"),
    "csv 10,000,000 quotes": Bomb(lambda: b'"' * 10_000_000),
    "csv 5 MB of commas": Bomb(lambda: b"," * 5_000_000),
    "csv line of 200 MB": Bomb(lambda: b"text,label\n" + b"x" * 209_715_200),
    "csv marks on letters": Bomb(_combining_marks, valid=True),
    "csv 100,000 labels": Bomb(lambda: b"text,label\n" + b"".join(b"text %d,label %d\n" % (n, n) for n in range(100_000)), valid=True),
    "pickle": Bomb(lambda: _PICKLE),
    "pickle in parquet": Bomb(lambda: b"PAR1" + _PICKLE + b"PAR1"),
    "tar": Bomb(lambda: b"a.csv".ljust(257, b"\0") + b"ustar\x0000" + bytes(10_240)),
    "torch model": Bomb(lambda: make_zip({"archive/data.pkl": _PICKLE, "archive/version": "3"})),
    "csv 95 MB of zeros": Bomb(lambda: bytes(95 << 20)),
    "csv 95 MB of newlines": Bomb(lambda: b"\n" * (95 << 20)),
    "csv alternating quotes": Bomb(lambda: b"text,label\n" + b'"ab" c,joy\n' * 1_000_001),
    "csv alternating quotes 2": Bomb(lambda: b"text,label\n" + b'"\n,"' * 2_750_000),
    "csv open quote of 50 MB": Bomb(lambda: b'text,label\n"' + b"abcd,\n" * 8_388_608),
    "csv 5,000,000 rows": Bomb(lambda: b"text,label\n" + b"a,b\n" * 5_000_000),
    "csv line of 95 MB": Bomb(lambda: b"text,label\n" + b"x y," * 24_641_531 + b"\n"),
    "csv cell of 95 MB": Bomb(lambda: b"text,label\n" + b"word " * 19_713_229 + b",a\n"),
    "csv 1,000,000 rows": Bomb(lambda: _rows(999_999), valid=True),
    "csv 50,000,000 cells": Bomb(lambda: (b"1," * 499 + b"1\n") * 95_000),
    "utf-16 of 95 MB": Bomb(lambda: "a,b\n".encode("utf-16-le") * 11_800_000),
}
SAMPLE = [
    "zip with a link",
    "gz of 100,000 streams",
    "xlsx stray cell",
    "xlsx text repeated 20,000 times",
    "parquet 81 GB",
    "json 100,000 deep",
    "csv alternating quotes 2",
]
"""Some of each format that are quick to build."""
