"""A plain file that is read slice by slice has the rows that the reader finds; anything odd in it is left to the reader."""

import csv
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data.files import plain_text
from trainer.data.files.plain_text import NotPlainError, open_plain
from trainer.data.files.read_table import read_table
from trainer.data.files.table import Limits

WORDS = "so happy today we cry and sing 3.5 «née» 😀 it's a=b C:\\new".split()


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_text, "SLICE_BYTES", 4_000)


def rows_of(count: int, seed: int = 1) -> list[list[str]]:
    draw = random.Random(seed)
    return [[str(n), " ".join(draw.choices(WORDS, k=draw.randint(3, 12))), draw.choice(("joy", "anger"))] for n in range(count)]


def csv_of(rows: list[list[str]], *, delimiter: str = ",", newline: str = "\n", mark: str = "", header: bool = True) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator=newline).writerows([*([["id", "text", "label"]] if header else []), *rows])
    return (mark + file.getvalue()).encode()


def read_slices(data: bytes, **options: object) -> list[tuple[str, ...]] | None:
    plain = open_plain(data, Limits(), **options)
    try:
        return None if plain is None else [row for part in plain.slices() for row in part.rows]
    except NotPlainError:
        return None


@pytest.mark.parametrize(("delimiter", "newline", "mark"), [(",", "\n", ""), (";", "\r\n", "\ufeff"), ("\t", "\n", "")])
@pytest.mark.parametrize("header", [True, False])
def test_slices_have_the_rows_of_the_reader(delimiter: str, newline: str, mark: str, header: bool) -> None:
    rows = rows_of(700)
    rows[300][1] = 'she said "no",\nand; went\n' + "on " * 30
    data = csv_of(rows, delimiter=delimiter, newline=newline, mark=mark, header=header)
    plain = open_plain(data, Limits())
    assert plain is not None
    assert plain.head.columns == read_table(data).columns
    parts = list(plain.slices())
    assert len(parts) > 3
    assert [row for part in parts for row in part.rows] == read_table(data).rows
    assert plain.form.mark + "".join(part.text for part in parts).encode(plain.form.codec) == data


@pytest.mark.parametrize(
    "odd",
    [
        b'599,5" wide and more,joy\n',
        b"599,caf\xe9,joy\n",
        b"599,a cell too many,joy,x\n",
        b"599,null \x00 here,joy\n",
        b"599,\\N,joy\n",
        b"599,continued \\\nhere,joy\n",
        b"599,old mac\rline end,joy\n",
        b"id,text,label\n",
        b"# a comment,between the rows,\n",
        b",,\n",
        b"label,text,id\n",
        b'599,"never closed,joy\n',
    ],
    ids=lambda odd: odd.decode(errors="replace").strip()[:20],
)
def test_one_odd_row_far_below_the_beginning_makes_a_file_not_plain_unless_its_rows_are_the_same(odd: bytes) -> None:
    data = csv_of(rows_of(599)) + odd + csv_of(rows_of(300, seed=2), header=False)
    rows = read_slices(data)
    assert rows is None or rows == read_table(data).rows


@pytest.mark.parametrize("end", [b"\n\nTotal,599,\n", b"\nExported on 3 May 2024,,\n"])
def test_what_stands_below_a_table_is_left_to_the_reader(end: bytes) -> None:
    rows = read_slices(csv_of(rows_of(599)) + end)
    assert rows is None or rows == read_table(csv_of(rows_of(599)) + end).rows


def test_what_is_small_or_stated_is_left_to_the_reader() -> None:
    data = csv_of(rows_of(700))
    assert read_slices(data[:5_000]) is None
    assert read_slices(data, delimiter=";") is None
    assert read_slices(data, delimiter=None, part=None) is not None


cells = st.text(st.sampled_from('ab ,;"\n\t\\N#1é=|\r'), max_size=12)


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=6), st.sampled_from(",;\t"), st.integers(0, 600))
@settings(max_examples=60, deadline=None)
def test_whatever_the_cells_the_rows_are_those_of_the_reader(odd: list[tuple[str, str]], delimiter: str, place: int) -> None:
    rows = rows_of(600)
    for number, (first, second) in enumerate(odd):
        rows.insert(min(place + number, 600), [first, second, "joy"])
    data = csv_of(rows, delimiter=delimiter)
    sliced = read_slices(data)
    assert sliced is None or sliced == read_table(data).rows


def test_a_slice_never_ends_inside_a_quoted_cell() -> None:
    # The quotation mark of row 0 makes the count of marks odd at the end of each row and even inside each quoted cell.
    rows = [f'{n},joy,"so happy today, and glad\nor, not, so"\n' for n in range(600)]
    data = ("id,label,text\n" + '0,joy,a 13.5" screen\n' + "".join(rows)).encode()
    sliced = read_slices(data)
    assert len(read_table(data).rows) == 601
    assert sliced is None or sliced == read_table(data).rows


raw_cells = st.sampled_from(
    (
        "",
        "joy",
        'a 13.5" screen',
        '"so\nglad, and\nor, not"',
        '"so\r\nglad"',
        '"she said ""no"""',
        ' "spaced"',
        '"a,b"',
        '"x" y',
        '""',
        "5'",
        '"never',
    )
)


@given(st.lists(st.tuples(raw_cells, raw_cells), min_size=1, max_size=40), st.sampled_from(("\n", "\r\n")), st.sampled_from(("", "\ufeff")))
@settings(max_examples=25, deadline=None)
def test_whatever_the_quotation_marks_the_rows_are_those_of_the_reader(odd: list[tuple[str, str]], newline: str, mark: str) -> None:
    usual = "".join(f"{n},joy,so happy today and sing with all of us{newline}" for n in range(110))
    repeated = "".join(f"{n},{odd[n % len(odd)][0]},{odd[n % len(odd)][1]}{newline}" for n in range(400))
    data = f"{mark}id,label,text{newline}{usual}{repeated}{usual}".encode()
    sliced = read_slices(data)
    assert sliced is None or sliced == read_table(data).rows
