"""Workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods) to rows of text as a person sees them; calamine parses, in a process of its own.

Runs no formula and no macro: only the values that were stored. A few hundred bytes of workbook can ask for any amount of memory
(a cell far out, a long text named a million times), so the process may take no more than a multiple of what the file unpacks to.
"""

import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainer.data.files.table import Limits, Remark
from trainer.errors import UserError

_MOST_UNPACKED = 300 << 20
_MOST_RATIO = 100  # sheets shrink to a tenth or so, a bomb to a thousandth
_SMALL = 20 << 20  # up to here the ratio does not matter
_CHUNK = 1 << 20
_SECONDS = 120
_ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Sheet:
    """``records``: the used part of a sheet, all equally long. ``numbers``: the row of each, as the program shows it."""

    numbers: list[int]
    records: list[list[str]]
    remarks: tuple[Remark, ...]


def read_sheet(data: bytes, limits: Limits) -> Sheet:
    """The sheet of a workbook that looks most like a table of texts.

    Raises UserError ``spreadsheet_file`` (damaged, locked with a password, no workbook, or asking for far too much memory),
    ``file_too_large``, ``empty_file``, ``too_many_rows``, ``too_many_columns``, ``too_many_cells``.
    """
    unpacked = _measure(data) if data.startswith(b"PK") else len(data)
    memory = (400 << 20) + 40 * max(unpacked, len(data))
    order = json.dumps({"limits": asdict(limits), "memory": memory}).encode()
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "trainer.data.files.workbook"],
            input=order + b"\n" + data,
            capture_output=True,
            cwd=_ROOT,
            timeout=_SECONDS,
            check=False,
        )
        found: dict[str, Any] = json.loads(answer.stdout) if answer.returncode == 0 else {"code": "spreadsheet_file"}
    except (subprocess.TimeoutExpired, ValueError):
        found = {"code": "spreadsheet_file"}
    if "records" not in found:
        raise UserError(
            found.get("message")
            or str(
                unreadable(
                    "it is damaged, or asks for far too much memory (a cell far below or beside the table is enough: delete the empty rows and columns)"
                )
            ),
            code=found["code"],
        )
    return Sheet(found["numbers"], found["records"], tuple(Remark(**remark) for remark in found["remarks"]))


def unreadable(why: str) -> UserError:
    """The refusal of a workbook that cannot be opened."""
    return UserError(
        f"This looks like a workbook, but it cannot be opened: {why}. "
        "Open it in Excel or LibreOffice, save it as CSV (UTF-8), and upload that.",
        code="spreadsheet_file",
    )


def _measure(data: bytes) -> int:
    """What the parts of a workbook unpack to, found by unpacking them in pieces that are thrown away: stated sizes may be lies."""
    most = min(_MOST_UNPACKED, max(_SMALL, len(data) * _MOST_RATIO))
    size = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts) > most:
                raise _too_large()
            for part in parts:
                if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or part.flag_bits & 1:
                    raise unreadable("it is packed or locked in an unusual way")
                for chunk in _unpacked(data, part):
                    size += len(chunk)
                    if size > most:
                        raise _too_large()
    except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, OSError, NotImplementedError) as error:
        raise unreadable("it is damaged") from error
    return size


def _too_large() -> UserError:
    return UserError(
        f"This workbook is larger than {_MOST_UNPACKED >> 20:,} MB when unpacked, or packed suspiciously tightly. "
        "Save the sheet with the texts and the labels as CSV (UTF-8), and upload that.",
        code="file_too_large",
    )


def _unpacked(data: bytes, part: zipfile.ZipInfo) -> Iterator[bytes]:
    head = part.header_offset
    name, extra = struct.unpack("<HH", data[head + 26 : head + 30])
    begin = head + 30 + name + extra
    rest = data[begin : begin + part.compress_size]
    if part.compress_type == zipfile.ZIP_STORED:
        yield rest
        return
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    while not inflate.eof:
        chunk = inflate.decompress(rest, _CHUNK)
        rest = inflate.unconsumed_tail
        if not chunk and not rest:
            return
        yield chunk
