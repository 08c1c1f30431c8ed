"""Only the decided cells change: the bytes are compared over encodings, delimiters, quotation marks and line ends."""

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data.files.read_table import read_table
from trainer.data.files.table import Limits
from trainer.data.rewrite.edits import AddedColumn, Edits
from trainer.data.rewrite.rewrite_file import rewrite
from trainer.errors import FileError

LIMITS = Limits()
TEXTS = [
    "the room was cold",
    "what a lovely day",
    "nobody came to see us",
    "they sang all night",
    "I lost my keys again",
    "the soup was great",
]
LABELS = ["anger", "joy", "sadness", "joy", "anger", "joy"]
ENCODINGS = {
    "utf-8": b"",
    "utf-8-sig": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "cp1252": b"",
    "iso-8859-2": b"",
}
LETTERS = {"cp1252": "crème brûlée für Ångström", "iso-8859-2": "zażółć gęślą jaźń, już późno"}


def in_bytes(text: str, encoding: str) -> bytes:
    return ENCODINGS[encoding] + text.encode("utf-8" if encoding == "utf-8-sig" else encoding)


def cell(value: str, style: str, delimiter: str) -> str:
    must = delimiter in value or '"' in value or "\n" in value or "\r" in value
    return '"' + value.replace('"', '""') + '"' if style == "all" or must or (style == "texts" and " " in value) else value


def written(rows: list[list[str]], delimiter: str, style: str, newline: str) -> str:
    return newline.join(delimiter.join(cell(value, style, delimiter) for value in row) for row in rows) + newline


@settings(max_examples=60, deadline=None)
@given(
    encoding=st.sampled_from([*ENCODINGS]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    style=st.sampled_from(["all", "texts", "needed"]),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    label_first=st.booleans(),
    preamble=st.booleans(),
    data=st.data(),
)
def test_only_decided_cells_differ(encoding, delimiter, style, newline, label_first, preamble, data) -> None:
    extra = [
        "a text, with; a | few\tmarks",
        'she said "no" twice',
        f"two{newline}lines of it",
        LETTERS.get(encoding, "żółw und Ågren sind da"),
    ]
    texts = [*TEXTS, *TEXTS, *extra, *extra]
    labels = [LABELS[number % 6] for number in range(len(texts))]
    rows = [
        [str(number), *([label, text] if label_first else [text, label])]
        for number, (text, label) in enumerate(zip(texts, labels, strict=True))
    ]
    column = 1 if label_first else 2
    names = ["id", *(["label", "text"] if label_first else ["text", "label"])]
    decided = data.draw(
        st.dictionaries(st.integers(0, len(rows) - 1), st.sampled_from(["joy", "anger", "fear", f"a{delimiter}b"]), max_size=5)
    )
    dropped = data.draw(st.sets(st.integers(0, len(rows) - 1), max_size=3)) - decided.keys()
    head = f"Export of 2024{newline}" if preamble and delimiter != "|" else ""
    source = in_bytes(head + written([names, *rows], delimiter, style, newline), encoding)
    table = read_table(source)
    assert len(table.rows) == len(rows), (table.dropped, source)
    result = rewrite(source, Edits(column, decided, frozenset(dropped)), LIMITS)
    new_rows = [
        [*row[:column], decided.get(number, row[column]), *row[column + 1 :]] for number, row in enumerate(rows) if number not in dropped
    ]
    assert result.data == in_bytes(head + written([names, *new_rows], delimiter, style, newline), encoding)


@pytest.mark.parametrize("encoding", ["cp1252", "iso-8859-2"])
def test_a_letter_that_the_encoding_lacks_is_told(encoding: str) -> None:
    text = written([["text", "label"], *([LETTERS[encoding] + str(n), label] for n, label in enumerate(LABELS))], ";", "needed", "\n")
    with pytest.raises(FileError, match="has no “Ж”") as refusal:
        rewrite(text.encode(encoding), Edits(1, {0: "Жar"}), LIMITS)
    assert refusal.value.code == "letter_not_in_encoding"


def lines(*rows: str) -> bytes:
    return "\n".join([*rows, ""]).encode()


@pytest.mark.parametrize(
    ("source", "column", "expected"),
    [
        pytest.param(lines(*(f"{t},{name}" for t, name in zip(TEXTS, LABELS, strict=True))), 1, (b"cold,anger", b"cold,fear"), id="headerless"),
        pytest.param(lines("sep=;", "text;label", *(f"{t};{name}" for t, name in zip(TEXTS, LABELS, strict=True))), 1, (b"cold;anger", b"cold;fear"), id="sep-line"),
        pytest.param(lines("# made by hand", "text,label", *(f"{t},{name}" for t, name in zip(TEXTS, LABELS, strict=True))), 1, (b"cold,anger", b"cold,fear"), id="comment"),
        pytest.param(lines(*(f"__label__{name} {t}" for t, name in zip(TEXTS, LABELS, strict=True))), 0, (b"__label__anger the room", b"__label__fear the room"), id="fasttext"),
        pytest.param(lines("text,label", *(f"\"{t}\",['{name}']" for t, name in zip(TEXTS, LABELS, strict=True))), 1, (b"cold\",['anger']", b"cold\",['fear']"), id="printed lists"),
        pytest.param(lines("text,label", *(f"{t}, {name} " for t, name in zip(TEXTS, LABELS, strict=True))), 1, (b"cold, anger ", b"cold, fear "), id="blanks"),
        pytest.param(lines(*(f'"{t},""{name}"""' for t, name in zip(["text", *TEXTS], ["label", *LABELS], strict=True))), 1, (b'cold,""anger""', b'cold,""fear""'), id="wrapped lines"),
        pytest.param(lines("text,label", "well, they said, the room was cold,anger", *(f"{t},{name}" for t, name in zip(2 * TEXTS, 2 * LABELS, strict=True))), 1, (b"cold,anger\nthe", b"cold,joy\nthe"), id="unquoted commas"),
        pytest.param(lines(*(f"{name},{t}, number {n}, and more of {n}" for n, (t, name) in enumerate(zip(TEXTS, LABELS, strict=True)))), 0, (b"anger,", b"joy,"), id="prose with commas"),
        pytest.param(lines("text::label", *(f"{t}::{name}" for t, name in zip(TEXTS, LABELS, strict=True))), 1, (b"cold::anger", b"cold::fear"), id="two colons"),
        pytest.param(lines("'text','label'", *(f"'{t}','{name}'" for t, name in zip(TEXTS, LABELS, strict=True))), 1, (b"cold','anger'", b"cold','fear'"), id="single quotes"),
    ],
)  # fmt: skip
def test_odd_dialects(source: bytes, column: int, expected: tuple[bytes, bytes]) -> None:
    new = "joy" if b"joy" in expected[1] else "fear"
    assert rewrite(source, Edits(column, {0: new}), LIMITS).data == source.replace(*expected, 1)


def test_bytes_that_are_no_letters_stay() -> None:
    rows = b"".join(b"%s,%s\n" % (t.encode(), name.encode()) for t, name in zip(3 * TEXTS, 3 * LABELS, strict=True))
    source = "text,label\nschöne Grüße an euch alle zusammen für Ostern,joy\n".encode() + rows + b"caf\xe9 again,joy\n"
    assert rewrite(source, Edits(1, {0: "anger"}), LIMITS).data == source.replace(b"Ostern,joy", b"Ostern,anger")


def test_what_a_label_cannot_hold_is_told() -> None:
    source = lines(*(f"__label__{name} {t}" for t, name in zip(TEXTS, LABELS, strict=True)))
    with pytest.raises(FileError, match="has a blank"):
        rewrite(source, Edits(0, {0: "great joy"}), LIMITS)


def test_all_rows_cannot_be_dropped() -> None:
    source = lines("text,label", *(f"{t},{name}" for t, name in zip(TEXTS, LABELS, strict=True)))
    with pytest.raises(FileError, match="No row would be left"):
        rewrite(source, Edits(dropped=frozenset(range(6))), LIMITS)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_new_columns_stand_behind_the_others(newline: str) -> None:
    text = written(
        [["text", "label"], *([t, name] for t, name in zip([*TEXTS[:5], f"two{newline}lines"], LABELS, strict=True))],
        ";",
        "needed",
        newline,
    )
    added = (AddedColumn("class", [*LABELS[:5], ""]), AddedColumn("confidence", ["0.5"] * 5 + [""], "number"))
    result = rewrite(text.encode("utf-16"), Edits(added=added), LIMITS).data.decode("utf-16")
    expected = [["text", "label", "class", "confidence"], *([t, name, c, n] for t, name, c, n in zip([*TEXTS[:5], f"two{newline}lines"], LABELS, added[0].cells, added[1].cells, strict=True))]  # fmt: skip
    assert result == written(expected, ";", "needed", newline)
