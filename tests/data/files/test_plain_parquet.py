"""A plain Parquet file that is read slice by slice has the rows that the reader finds; anything odd in it is left to the reader."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.data.files.test_plain_text import rows_of
from trainer.data.files import plain_parquet
from trainer.data.files.plain_parquet import open_plain_parquet
from trainer.data.files.plain_text import NotPlainError
from trainer.data.files.read_table import read_table
from trainer.data.files.table import Limits


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_parquet, "SLICE_ROWS", 100)


def parquet_of(columns: dict[str, Any] | None = None, *, rows_of_group: int = 250, **last: object) -> bytes:
    """Rows of plain values; ``last`` are the cells of the last one."""
    ids, texts, labels = (list(column) for column in zip(*rows_of(600), strict=True))
    cells = {"id": list(map(int, ids)), "text": texts, "label": labels, "seen": [None, True, 1.5 > 2] * 200, "share": [0.25] * 600}
    for name, value in last.items():
        cells[name][-1] = value
    file = io.BytesIO()
    table = pa.table(cells | (columns or {}))
    pq.write_table(table.set_column(2, "label", table.column("label").dictionary_encode()), file, row_group_size=rows_of_group)
    return file.getvalue()


def read_slices(data: bytes, **options: object) -> list[tuple[str, ...]] | None:
    plain = open_plain_parquet(data, Limits(), **options)
    try:
        return None if plain is None else [row for part in plain.slices() for row in part.rows]
    except NotPlainError:
        return None


@pytest.mark.parametrize("rows_of_group", [90, 250, 1000])
def test_slices_have_the_rows_of_the_reader(rows_of_group: int) -> None:
    data = parquet_of(rows_of_group=rows_of_group)
    plain, table = open_plain_parquet(data, Limits()), read_table(data)
    assert plain is not None
    assert plain.head.columns == table.columns
    assert read_slices(data) == table.rows


@pytest.mark.parametrize(
    "last", [{"text": "['joy']"}, {"text": '{"a": 1}'}, {"id": None, "text": "", "label": None, "seen": None, "share": None}], ids=str
)
def test_one_odd_row_makes_a_file_not_plain(last: dict) -> None:
    assert read_slices(parquet_of(**last)) is None


def test_lists_small_and_damaged_files_and_stated_options_are_left_to_the_reader() -> None:
    data = parquet_of()
    assert read_slices(parquet_of({"more": [["joy"]] * 600})) is None
    assert read_slices(data, header=True) is None
    assert read_slices(data[:-20]) is None
    assert read_slices(b"PAR1" + data[4:2000] + b"x" * 200 + data[2200:]) is None
    small = io.BytesIO()
    pq.write_table(pa.table({"text": ["so happy"] * 150}), small)
    assert read_slices(small.getvalue()) is None
