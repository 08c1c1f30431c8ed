"""A plain file of JSON lines that is read slice by slice has the rows that the reader finds; anything odd in it is left to the reader."""

import json

import pytest

from tests.data.files.test_plain_text import rows_of
from trainer.data.files import plain_text
from trainer.data.files.plain_json_lines import open_plain_json_lines
from trainer.data.files.plain_text import NotPlainError
from trainer.data.files.read_table import read_table
from trainer.data.files.table import Limits


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_text, "SLICE_BYTES", 4_000)


def lines_of(count: int = 400, *, newline: str = "\n", mark: str = "", ascii_only: bool = False) -> bytes:
    rows = [{"id": int(n), "text": text, "seen": None, "sure": n == "3"} for n, text, _ in rows_of(count)]
    return (mark + "".join(json.dumps(row, ensure_ascii=ascii_only) + newline for row in rows)).encode()


def read_slices(data: bytes, **options: object) -> list[tuple[str, ...]] | None:
    plain = open_plain_json_lines(data, Limits(), **options)
    try:
        return None if plain is None else [row for part in plain.slices() for row in part.rows]
    except NotPlainError:
        return None


@pytest.mark.parametrize(("newline", "mark", "ascii_only"), [("\n", "", False), ("\r\n", "\ufeff", False), ("\n\n", "", True)])
def test_slices_have_the_rows_of_the_reader(newline: str, mark: str, ascii_only: bool) -> None:
    data = lines_of(newline=newline, mark=mark, ascii_only=ascii_only)
    plain = open_plain_json_lines(data, Limits())
    assert plain is not None
    parts = list(plain.slices())
    table = read_table(data)
    assert len(parts) > 3
    assert plain.head.columns == table.columns
    assert [row for part in parts for row in part.rows] == table.rows
    assert "".join(part.text for part in parts).encode() == data


@pytest.mark.parametrize(
    "odd",
    [
        '{"id": 5, "text": "another key", "seen": null, "sure": true, "more": 1}',
        '{"id": 5, "text": "a key less", "seen": null}',
        '{"id": 5, "text": ["a list"], "seen": null, "sure": true}',
        '{"id": 5, "text": "x", "seen": {"a": 1}, "sure": true}',
        '{"id": 5, "text": "x", "seen": "[\'joy\']", "sure": true}',
        '{"id": null, "text": "", "seen": null, "sure": null}',
        '{"id": 5, "text": "torn',
        "[1, 2, 3, 4]",
        "no JSON",
    ],
)
def test_one_odd_line_far_below_the_beginning_makes_a_file_not_plain(odd: str) -> None:
    assert read_slices(lines_of() + odd.encode() + b"\n" + lines_of()) is None


def test_small_files_other_files_and_stated_options_are_left_to_the_reader() -> None:
    assert read_slices(lines_of(20)) is None
    assert read_slices(lines_of(), encoding="utf-8") is None
    assert read_slices(b"[" + b",".join(lines_of().splitlines()) + b"]") is None
    assert read_slices(lines_of() + b'{"id": 1, "text": "caf\xe9", "seen": null, "sure": true}\n') is None
