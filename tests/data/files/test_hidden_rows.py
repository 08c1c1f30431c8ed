"""Rows that a workbook hides: read like the others, and told. Those of .xlsx are in test_spreadsheets.py."""

import io
import struct
import zipfile
from collections.abc import Callable

import pytest

from tests.data.files.samples import make_ods, make_xls
from trainer.data.files.hidden_rows import _hidden_in_xls, count_hidden_rows
from trainer.data.files.read_table import read_table

ROWS = [["text", "label"], *([f"it is a long day {n}", "joy" if n % 2 else "fear"] for n in range(9))]


@pytest.mark.parametrize("make", [make_ods, make_xls])
def test_hidden_rows_are_read_and_told(make: Callable[..., bytes]) -> None:
    table = read_table(make(ROWS, hidden=(3, 4, 7)))
    assert len(table.rows) == 9
    (warning,) = [warning for warning in table.warnings if warning.code == "hidden_rows"]
    assert warning.count == 3
    assert warning.message.startswith("3 rows are hidden in the workbook")
    assert not [warning for warning in read_table(make(ROWS)).warnings if warning.code == "hidden_rows"]


def test_rows_that_are_written_once_count_as_often_as_they_are_repeated() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(make_ods(ROWS, hidden=(2,)))) as archive, zipfile.ZipFile(file, "w") as changed:
        for name in archive.namelist():
            changed.writestr(name, archive.read(name).replace(b'"filter"', b'"filter" table:number-rows-repeated="6"'))
    assert count_hidden_rows(file.getvalue(), "S", range(1, 20)) == 6
    assert count_hidden_rows(file.getvalue(), "S", [1, 2, 8, 9, 10]) == 1
    assert count_hidden_rows(file.getvalue(), "another sheet", range(1, 20)) == 0


def test_a_sheet_that_is_named_again_and_again_is_looked_at_once() -> None:
    sheet = struct.pack("<HH", 0x0085, 9) + bytes(6) + b"\1\0S"
    rows = struct.pack("<HH6HI", 0x0208, 16, 3, 0, 2, 255, 0, 0, 0x20)
    assert list(_hidden_in_xls(sheet * 20_000 + rows, "S")) == [(4, 4)]


def test_a_damaged_xls_ends() -> None:
    data = make_xls(ROWS, hidden=(2,))
    assert count_hidden_rows(data, "S", range(1, 20)) == 1
    counts = {count_hidden_rows(data[:end], "S", range(1, 20)) for end in range(8, len(data), 97)}
    counts |= {count_hidden_rows(data[:at] + b"\x01\x00\x00\x00" + data[at + 4 :], "S", range(1, 20)) for at in range(0, len(data), 31)}
    assert counts <= set(range(11))
