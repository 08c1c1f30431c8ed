"""Formats of text that are no tables of cells: ARFF is read; SQL, YAML and EBCDIC are refused by name."""

import gzip
import pickle

import pytest

from tests.cpu_time import cpu_time
from tests.data.files.samples import make_zip, outcome
from trainer.data.files.read_table import read_table
from trainer.errors import UserError

ARFF = """% made for a course
@relation reviews

@attribute text string
@attribute 'the class' {good,bad}

@data
'This is good, isn\\'t it',good
"said \\"no\\" to it",bad
% a comment
'three words here',?
plain,good,extra
"""


def test_arff_has_the_names_of_its_attributes():
    table = read_table(ARFF.encode())
    assert table.columns == ("text", "the class")
    assert table.rows == [("This is good, isn't it", "good"), ('said "no" to it', "bad"), ("three words here", "")]
    assert [(row.line, row.reason) for row in table.dropped] == [(12, "3 values instead of 2")]
    assert table.lines == [8, 9, 11]


def test_arff_with_apostrophes_in_double_quotation_marks():
    rows = ["\"it's a dog's life\",pos", "the dog's and the cat's,neg", "'he said \"no\"',neg", "'don\\'t, please',pos", '5" of rain, neg']
    table = read_table(("@relation r\n@attribute text string\n@attribute class {pos,neg}\n@data\n" + "\n".join(rows)).encode())
    assert table.rows == [
        ("it's a dog's life", "pos"),
        ("the dog's and the cat's", "neg"),
        ('he said "no"', "neg"),
        ("don't, please", "pos"),
        ('5" of rain', "neg"),
    ]


SQL = "-- dump\nCREATE TABLE r (body TEXT, label TEXT);\nINSERT INTO `r` VALUES\n('a b','x'),\n('c d','y');\n"
MYSQL = "SET NAMES utf8;\nCREATE TABLE `my notes` (\n  `body` text\n);\nINSERT IGNORE INTO `my notes` VALUES\n('a b');\n"
CONLL = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\nGerman JJ B-NP B-MISC\ncall NN I-NP O\n. . O O\n" * 3
TOML = "# settings\n[tool]\nname = 'a'\nsize = 3\n# more\nrate = 0.5\n[other]\nname = 'b'\n"
YAML = 'version: "3.1"\nnlu:\n- intent: good\n  examples: |\n    - some words here\n    - other words, here\n- intent: bad\n  examples: |\n    - more of them\n'

MAIL = "From: ann@x.org\nTo: ben@x.org\nSubject: the table\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n\nHello,\nhere it is.\nBest\n"
PRINTED = f"{'text':>30} label\n" + "\n".join(f"{n:<4}{'this is text number ' + str(n):>26}   {'ab'[n % 2]}" for n in range(12))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (SQL.encode(), "SQL dump"),
        (MYSQL.encode(), "SQL dump"),
        (CONLL.encode(), "CoNLL"),
        (TOML.encode(), "TOML"),
        (YAML.encode(), "YAML"),
        (b'- text: "some words here"\n  label: good\n' * 9, "YAML"),
        ("\n".join(f"{n % 2} 1:0.5 3:{n}.25 7:1" for n in range(9)).encode(), "LIBSVM"),
        (b"the DT O\nlamp NN O\n\nour PRP B-X\ntrain NN I-X\n" * 5, "a label for each word"),
        (b'[[rows]]\ntext = "a b c"\nlabel = "x"\n' * 4, "TOML"),
        (b"[section]\nname = some words here\nother = more words\n" * 3, "TOML"),
        (b"rate = 0.5\nname = 'a'\nsizes = [1, 2]\nis_on = true\nlast = \"b\"\nn = 3\n", "TOML"),
        (b"@article{x1,\n  title = {A title of some words},\n  keywords = {good},\n  year = 2020\n}\n" * 5, "BibTeX"),
        (MAIL.encode(), "e-mail"),
        (b"% a table\n\\begin{tabular}{ll}\nsome words & good \\\\\nmore words & bad \\\\\n\\end{tabular}\n", "LaTeX"),
        ("".join(f"{n % 2} |text some words here {n}\n" for n in range(12)).encode(), "Vowpal Wabbit"),
        (PRINTED.encode(), "pandas prints"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a pointer to it"),
        (b'{"url": "https://docs.google.com/open?id=abc", "doc_id": "abc"}', "a pointer to it"),
        (b"WEBVTT\n\n" + b"00:00:01.000 --> 00:00:02.500\nsome words here\n\n" * 9, "subtitles"),
        ("".join(f"[01.05.24, 10:{n}:00] {('Ann', 'Ben')[n % 2]}: some words\n" for n in range(10, 30)).encode(), "export of a chat"),
        (b"@prefix ex: <http://ex.org/> .\n" + b'ex:r ex:text "some words" ; ex:label "good" .\n' * 9, "Turtle"),
        ("\n".join(f"THIS IS TEXT {n},GOOD" for n in range(20)).encode("cp037"), "EBCDIC"),
    ],
)
def test_other_formats_are_refused_by_name(data, says):
    with pytest.raises(UserError, match=says) as refusal:
        read_table(data)
    assert refusal.value.code == "not_a_table"


def test_texts_with_equals_signs_are_no_settings():
    lines = [f"{word} = {n} nice words for it,{'pos' if n % 2 else 'neg'}" for n, word in enumerate("good fine well bad sad poor".split())]
    table = read_table("\n".join(lines).encode())
    assert table.rows == [tuple(line.split(",")) for line in lines]


BLOCKS = "\n\n".join(f"Text: this is: text {n}\nLabel: {'good' if n % 2 else 'bad'}" for n in range(6))


def test_blocks_of_fields_are_rows():
    table = read_table(BLOCKS.encode())
    assert (table.columns, table.lines) == (("Text", "Label"), [1, 4, 7, 10, 13, 16])
    assert table.rows == [(f"this is: text {n}", "good" if n % 2 else "bad") for n in range(6)]
    later = f"{BLOCKS}\n\nText: the last one\nLabel:\n"
    assert read_table(later.encode()).rows[-1] == ("the last one", "")


def test_labels_before_texts_and_speakers_are_no_fields():
    lines = [f"{label}: this is text number {n}" for n in range(6) for label in ("joy", "anger")]
    table = read_table("\n".join(lines).encode())
    assert [row[0] for row in table.rows] == ["joy", "anger"] * 6


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (pickle.dumps([{"text": "a b", "label": "c"}]), "pickle"),
        (pickle.dumps({"a": 1}, protocol=2), "pickle"),
        (b"$FL2@(#) SPSS DATA FILE" + bytes(99), "SPSS"),
        (b"<stata_dta><header><release>118</release>" + bytes(99), "Stata"),
        (gzip.compress(b"X\n\0\0\0\x03\0\x04\x02\0" + bytes(99), mtime=0), "a data file of R"),
        (make_zip({"Index/Document.iwa": b"x", "Metadata/Properties.plist": b"z"}), "Numbers"),
        (b'{"cells": [{"source": ["a b c d"]}], "nbformat": 4}', "Jupyter notebook"),
    ],
)
def test_files_of_other_programs_are_refused_by_name(data, says):
    with pytest.raises(UserError, match=says) as refusal:
        read_table(data)
    assert refusal.value.code == "not_a_table"
    assert refusal.value.message.endswith(".")


def test_the_examples_of_rasa_in_markdown():
    text = "## intent:good\n- this [lamp](thing) works\n- our train was fine\n\n## lookup:x\n- nothing\n\n## intent:bad\n- it broke\n"
    table = read_table(text.encode())
    assert (table.columns, table.lines) == (("text", "intent"), [2, 3, 9])
    assert table.rows == [("this lamp works", "good"), ("our train was fine", "good"), ("it broke", "bad")]


@pytest.mark.parametrize(
    "text",
    [
        "text,label\n" + "INSERT INTO is a command,sql\nCREATE TABLE is another,sql\nhello there you,chat\n" * 3,
        "".join(f"#tag{n} some words here,{('pos', 'neg')[n % 2]}\n" for n in range(80)),
        "".join(f"# a heading {n} = some words,{('pos', 'neg')[n % 2]}\n" for n in range(80)),
        "".join(f"new deals at the store {n}\tB-2\ni like this a lot {n}\tI-1\n" for n in range(12)),
        "".join(f"{'so ' * (n % 7)}good {n}\t{'A' if n == 40 else 'O'}\n" for n in range(91)),
        "Set an alarm for seven\talarm\nCreate table reservations for two at eight\tbooking\n" * 6,
        "create table notes (a int)\tddl\ninsert into notes values (1)\tdml\nselect all the notes\tquery\n" * 4,
        "@relation advice needed now,love\n@bob hi there to you,fun\n" * 6,
        'text,label\n"hello\n## intent: foo\n- bar",x\n' + "a good one here,y\n" * 8,
        "".join(f"## intent: {n} good words,{('pos', 'neg')[n % 2]}\n" for n in range(12)),
        "joy: what a lovely day\nanger: I hate all of this\njoy: so good to see you\nanger: go away now\njoy: we won the game\n" * 2,
        "- text\tlabel\n- hello you all\tjoy\n- bye to all\tsad\n" * 3,
        "".join(f"{n % 2}|How many words has text {n}\n" for n in range(12)),
        "\\begin{equation} a = b,math\nsome words here,prose\n" * 6,
    ],
)
def test_tables_of_such_words_are_tables(text):
    assert len(read_table(text.encode()).columns) == 2


@pytest.mark.parametrize(
    "text",
    [
        "a:\n- x\n- y\n- z\n- q\n" + " " * 20_000 + "x\nb\n",
        "COPY " + "x" * 40_000 + "\n\ntext,label\n" + "a b c,d\n" * 20,
        "## intent:x\n- " + "[" * 40_000 + "\n- b\n",
        "## intent:x\n- " + "[a](" * 40_000 + "\n- b\n",
    ],
    ids=["YAML", "SQL", "Rasa", "an entity of Rasa"],
)
def test_long_lines_take_linear_time(text):
    with cpu_time() as spent:
        outcome(text.encode())
    assert spent.seconds < 1
