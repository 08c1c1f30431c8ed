"""Lines that begin or end with their label."""

import pytest

from tests.cpu_time import cpu_time
from tests.data.files.samples import outcome
from trainer.data.files.read_table import read_table

TEXTS = [f"this is text {n}, of {'good' if n % 2 else 'bad'} things" for n in range(12)]
LABELS = ["joy", "anger", "fear"] * 4


@pytest.mark.parametrize(
    "line",
    [
        "__label__{label} {text}",
        "__label__{label}\t{text}",
        "__label__{label} , {text}",
        "__label__{label}, {text}",
        "__class__{label} {text}",
    ],
)
def test_the_label_of_fasttext_stands_without_its_prefix(line):
    table = read_table("\n".join(line.format(label=label, text=text) for text, label in zip(TEXTS, LABELS, strict=True)).encode())
    assert table.rows == list(zip(LABELS, TEXTS, strict=True))


def test_the_label_may_be_at_the_end():
    table = read_table("\n".join(f"{text} __label__{label}" for text, label in zip(TEXTS, LABELS, strict=True)).encode())
    assert table.rows == list(zip(TEXTS, LABELS, strict=True))


def test_the_label_behind_an_at_sign():
    lines = [f"profit , said the firm , rose to EUR {n}.1 mn .@{('positive', 'neutral')[n % 2]}" for n in range(12)]
    table = read_table("\n".join(lines).encode("latin-1"))
    assert table.rows == [tuple(line.rsplit("@", 1)) for line in lines]
    tweets = [f"{('good', 'bad')[n % 2]},what a day it was @user{n}" for n in range(12)]
    assert read_table("\n".join(tweets).encode()).rows == [tuple(line.split(",")) for line in tweets]


@pytest.mark.parametrize("between", [" ", ", ", "\t"])
def test_several_labels_of_a_line(between):
    lines = [
        f"__label__{label}{between}__label__more {text}" if n % 2 else f"__label__{label} {text}"
        for n, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))
    ]
    table = read_table("\n".join(lines).encode())
    assert [row[0] for row in table.rows] == [f"{label};more" if n % 2 else label for n, label in enumerate(LABELS)]
    assert [row[1] for row in table.rows] == TEXTS


@pytest.mark.parametrize("names", [["NUM:dist", "HUM:ind", "LOC:city"], ["SPAM", "HAM", "OTHER"], ["0", "1", "2"], ["+1", "-1", "0"]])
def test_codes_before_the_text(names):
    codes = dict(zip(["joy", "anger", "fear"], names, strict=True))
    texts = [text.replace(",", "") + " ?" for text in TEXTS]
    table = read_table("\n".join(f"{codes[label]} {text}" for text, label in zip(texts, LABELS, strict=True)).encode())
    assert table.rows == [(codes[label], text) for text, label in zip(texts, LABELS, strict=True)]


def test_prose_has_no_labels():
    table = read_table("\n".join(f"A day of sun number {n} and more" for n in range(12)).encode())
    assert len(table.columns) == 1


@pytest.mark.parametrize("line", [" " * 20_000 + "x", "a __label__b" + " " * 20_000 + "x", "a" + " __label__b" * 8_000 + " x"])
def test_lines_of_blanks_or_of_marks_take_linear_time(line):
    with cpu_time() as spent:
        outcome("\n".join([line, *(f"__label__joy {text}" for text in TEXTS)]).encode())
    assert spent.seconds < 1


def test_a_long_word_where_other_lines_have_a_code_takes_linear_time():
    lines = [f"{'NUM' if n % 2 else 'LOC'}:city how far is the town number {n}" for n in range(3_000)]
    with cpu_time() as spent:
        outcome("\n".join([*lines, "x" * 50_000]).encode())
    assert spent.seconds < 1


PROSE = [f"I saw number {n}, and was {n} times so, {n} days ago" for n in range(16)]
FEELINGS = ["joy", "deep anger", "fear", "joy"] * 4


@pytest.mark.parametrize("line", ["{label},{text}", "{text},{label}", "{label};{text}"])
def test_a_label_beside_texts_with_equally_many_commas(line):
    delimiter = ";" if ";" in line else ","
    texts = [text.replace(",", delimiter) for text in PROSE]
    table = read_table("\n".join(line.format(label=label, text=text) for text, label in zip(texts, FEELINGS, strict=True)).encode())
    rows = list(zip(FEELINGS, texts, strict=True))
    assert table.rows == ([(text, label) for label, text in rows] if line.endswith("label}") else rows)
    assert not table.header


@pytest.mark.parametrize(
    "lines",
    [
        ["label,text, more, when", *(f"joy,{text}" for text in PROSE)],
        [f"{label},{n}, {n + 1}, {n + 2}" for n, label in enumerate(FEELINGS)],
        [f"{label},the text number {n}, yes, of course" for n, label in enumerate(FEELINGS)],
        [f"{label}, the text number {n}, of many, and {n} more" for n, label in enumerate(FEELINGS)],
        [f'{label},"the text number {n}", of many others, and {n} more' for n, label in enumerate(FEELINGS)],
    ],
)
def test_cells_that_are_no_prose_stay_apart(lines):
    assert len(read_table("\n".join(lines).encode()).columns) in (1, 4)
