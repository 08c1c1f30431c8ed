"""Every form in which a file may write several labels of a text: what is written comes back, read without being told."""

import io
import json
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.columns.test_guess import SENTENCES
from tests.property_examples import examples
from trainer.data.checks.repairs import several_labels_mask
from trainer.data.columns.guess import guess_columns
from trainer.data.columns.label_form import TaskChoice, cut_choice, read_label_sets
from trainer.data.columns.resolve import resolve_columns
from trainer.data.corpus import build_corpus, join_repeated_texts
from trainer.data.csv_text import csv_bytes
from trainer.data.files.read_table import read_table
from trainer.data.repaired_file import repaired_csv
from trainer.errors import UserError

WORDS = ("joy", "anger", "love", "fear")
NAMES = ("joy", "very sad", "wörry", 'so "so"')
LabelSets = list[tuple[str, ...]]

# Each label alone, and in several combinations: what tells labels from names that hold a comma.
EVIDENCE = [(0,), (1,), (2,), (3,), (0, 1), (1, 2), (3, 0), (2, 3), (0, 2, 1), (2, 0)]
_sets = st.lists(st.permutations(range(4)).flatmap(lambda order: st.integers(1, 3).map(lambda n: tuple(order[:n]))), max_size=20)
_sets_or_none = st.lists(st.permutations(range(4)).flatmap(lambda order: st.integers(0, 3).map(lambda n: tuple(order[:n]))), max_size=20)


def texts_of(rows: Sequence) -> list[str]:
    return [f"{SENTENCES[n % len(SENTENCES)]} in place {n}" for n in range(len(rows))]


def csv_of(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    return csv_bytes(names, rows, spreadsheet=False)


def in_cells(write: Callable[[tuple[str, ...]], str]) -> Callable[[LabelSets], bytes]:
    return lambda rows: csv_of(["text", "label"], [[text, write(labels)] for text, labels in zip(texts_of(rows), rows, strict=True)])


def in_columns(names: Sequence[str], yes: str, no: str) -> Callable[[LabelSets], bytes]:
    return lambda rows: csv_of(
        ["text", *names],
        [[text, *(yes if name in labels else no for name in names)] for text, labels in zip(texts_of(rows), rows, strict=True)],
    )


def scored(rows: LabelSets) -> bytes:
    cells = [[f"{0.5 + n % 7 / 15 if name in labels else n % 9 / 20:.3f}" for name in WORDS] for n, labels in enumerate(rows)]
    return csv_of(["text", *WORDS], [[text, *scores] for text, scores in zip(texts_of(rows), cells, strict=True)])


def numbered(rows: LabelSets) -> bytes:
    cells = [[*labels, "", "", ""][:3] for labels in rows]
    return csv_of(["text", "label_1", "label_2", "label_3"], [[text, *row] for text, row in zip(texts_of(rows), cells, strict=True)])


def json_lines(rows: LabelSets) -> bytes:
    return "\n".join(json.dumps({"text": text, "labels": labels}) for text, labels in zip(texts_of(rows), rows, strict=True)).encode()


def json_objects(rows: LabelSets) -> bytes:
    objects = [{name: name in labels for name in WORDS} for labels in rows]
    return "\n".join(json.dumps({"text": text, "labels": marks}) for text, marks in zip(texts_of(rows), objects, strict=True)).encode()


def parquet(rows: LabelSets) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"text": texts_of(rows), "labels": pa.array(rows, pa.list_(pa.string()))}), file)
    return file.getvalue()


def fasttext(rows: LabelSets) -> bytes:
    lines = zip(texts_of(rows), rows, strict=True)
    return "\n".join(f"{' '.join(f'__label__{name}' for name in labels)} {text}" for text, labels in lines).encode()


def goemotions(rows: LabelSets) -> bytes:
    ids = [",".join(str(number) for number in sorted(map(WORDS.index, labels))) for labels in rows]
    return "\n".join(f"{text}\t{cell}\ted{n}x7" for n, (text, cell) in enumerate(zip(texts_of(rows), ids, strict=True))).encode()


FORMS_WITHOUT_EMPTY: dict[str, tuple[Sequence[str], Callable[[LabelSets], bytes]]] = {
    "semicolon": (NAMES, in_cells("; ".join)),
    "bar": (NAMES, in_cells("|".join)),
    "comma": (NAMES, in_cells(", ".join)),
    "slash": (WORDS, in_cells("/".join)),
    "plus": (WORDS, in_cells(" + ".join)),
    "blank": (WORDS, in_cells(" ".join)),
    "prefixed": (WORDS, in_cells(lambda labels: " ".join(f"__label__{name}" for name in labels))),
    "fastText": (WORDS, fasttext),
    "numbered columns": (NAMES, numbered),
    "GoEmotions": (WORDS, goemotions),
}
FORMS_WITH_EMPTY: dict[str, tuple[Sequence[str], Callable[[LabelSets], bytes]]] = {
    "JSON list": (NAMES, in_cells(lambda labels: json.dumps(labels))),
    "Python list": (NAMES, in_cells(lambda labels: repr([*labels]))),
    "Python set": (NAMES, in_cells(lambda labels: repr({*labels}))),
    "0 and 1": (NAMES, in_columns(NAMES, "1", "0")),
    "yes and no": (NAMES, in_columns(NAMES, "yes", "no")),
    "true and false": (WORDS, in_columns(WORDS, "True", "False")),
    "crosses": (NAMES, in_columns(NAMES, "x", "")),
    "scores": (WORDS, scored),
    "JSON lines": (NAMES, json_lines),
    "JSON objects": (WORDS, json_objects),
    "Parquet": (NAMES, parquet),
}


def read_back(content: bytes, task: TaskChoice = "") -> tuple[list[frozenset[str] | None], list[str]]:
    """The labels of each row, and the texts of the rows that are labelled."""
    table = read_table(content)
    columns = guess_columns(table, task=task)
    assert columns.several
    sets = read_label_sets(table, columns.label_form)
    corpus = build_corpus(table, text=columns.text, label=columns.label, label_sets=sets)
    return [None if labels is None else frozenset(labels) for labels in sets], list(corpus.texts)


def rows_of(names: Sequence[str], drawn: list[tuple[int, ...]], *, last: tuple[int, ...]) -> LabelSets:
    return [tuple(names[number] for number in ids) for ids in [*EVIDENCE, *EVIDENCE, *drawn, last]]


@pytest.mark.parametrize("form", FORMS_WITHOUT_EMPTY)
@examples(8)
@given(drawn=_sets)
def test_several_labels_come_back(form, drawn):
    names, write = FORMS_WITHOUT_EMPTY[form]
    rows = rows_of(names, drawn, last=(0,))
    names_read = {str(number): name for number, name in enumerate(names)} if form == "GoEmotions" else {}
    sets, texts = read_back(write(rows))
    assert [frozenset(names_read.get(name, name) for name in labels) for labels in sets] == [frozenset(labels) for labels in rows]
    assert texts == texts_of(rows)


@pytest.mark.parametrize("form", FORMS_WITH_EMPTY)
@examples(8)
@given(drawn=_sets_or_none)
def test_several_labels_or_none_come_back(form, drawn):
    names, write = FORMS_WITH_EMPTY[form]
    rows = rows_of(names, [(), *drawn], last=(0,))
    sets, texts = read_back(write(rows))
    assert sets == [frozenset(labels) for labels in rows]
    assert texts == texts_of(rows)


@examples(15)
@given(drawn=_sets)
def test_rows_with_the_same_text_are_joined_if_somebody_says_so(drawn):
    rows = rows_of(NAMES, drawn, last=(0,))
    lines = [[text, name] for text, labels in zip(texts_of(rows), rows, strict=True) for name in labels]
    table = read_table(csv_of(["text", "label"], lines))
    assert not guess_columns(table).several
    columns = guess_columns(table, task="several")
    assert columns.label_form.kind == "rows"
    corpus = join_repeated_texts(
        build_corpus(table, text=columns.text, label=columns.label, label_sets=read_label_sets(table, columns.label_form))
    )
    assert list(corpus.texts) == texts_of(rows)
    assert [frozenset(labels) for labels in corpus.label_sets] == [frozenset(labels) for labels in rows]
    assert len(corpus) + len(corpus.dropped) == len(table.rows)


@pytest.mark.parametrize(
    ("write", "not_labelled"),
    [
        (in_cells("; ".join), "in a cell that is empty"),
        (in_columns(WORDS, "1", "0"), "in a row without 0 and 1"),
        (in_columns(WORDS, "x", ""), "below the last cross"),
        (json_lines, "in a row with null"),
    ],
)
def test_not_labelled_yet_is_not_the_same_as_without_a_label(write, not_labelled):
    rows = rows_of(WORDS, [], last=(1,))
    content = write(rows).decode()
    blank = {
        "in a row without 0 and 1": "a new text,,,,",
        "below the last cross": "a new text,,,,",
        "in a row with null": '{"text": "a new text"}',
    }
    sets, texts = read_back(f"{content.rstrip()}\n{blank.get(not_labelled, 'a new text,')}\n".encode())
    assert sets[-1] is None
    assert texts == texts_of(rows)


@pytest.mark.parametrize(
    "content",
    [
        csv_of(["text", "label"], [[text, ("joy", "very sad")[n % 2]] for n, text in enumerate(SENTENCES)]),
        csv_of(["text", "label"], [[text, ("Arts, Crafts", "Home, Garden")[n % 2]] for n, text in enumerate(SENTENCES)]),
        csv_of(["text", "label", "label2"], [[text, WORDS[n % 3], WORDS[n % 4 and n % 3]] for n, text in enumerate(SENTENCES)]),
        csv_of(["text", "topic", "seen", "new"], [[text, WORDS[n % 3], str(n % 2), str(n % 3 % 2)] for n, text in enumerate(SENTENCES)]),
    ],
    ids=["names of two words", "names with commas", "two annotators", "two facts beside a label"],
)
def test_one_label_a_text_stays_so(content):
    columns = guess_columns(read_table(content))
    assert (columns.several, columns.label_columns) == (False, (1,))
    assert guess_columns(read_table(content), task="single") == columns


def test_facts_and_questions_beside_a_text_are_offered_as_labels_and_not_read_as_such():
    names = ["was it fast?", "was it dear?", "would you come again?"]
    rows = [[text, *(("yes", "no")[n % prime > 0] for prime in (2, 3, 5))] for n, text in enumerate(SENTENCES)]
    columns = guess_columns(read_table(csv_of(["text", *names], rows)))
    assert (columns.several, columns.label_columns) == (False, (1,))
    assert columns.label_form.columns == (1, 2, 3)
    assert guess_columns(read_table(csv_of(["text", *names], rows)), task="several").label_columns == (1, 2, 3)


def marks_of(names: Sequence[str], n_rows: int = 60) -> list[list[str]]:
    """Cells of 0 and 1, in which rows have several labels or none."""
    return [[str(int(n * (place + 3) % 7 < 3)) for place in range(len(names))] for n in range(n_rows)]


def with_texts(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    return csv_of(["text", *names], [[text, *cells] for text, cells in zip(texts_of(rows), rows, strict=True)])


@pytest.mark.parametrize(
    ("names", "label"),
    [
        (["label", "verified", "member"], "label"),
        (["verified", "member", "sentiment"], "sentiment"),
        (["class", "read", "starred", "urgent"], "class"),
        (["spam", "verified", "member"], "spam"),
        (["recommended", "member", "newsletter"], "recommended"),
    ],
)
def test_a_column_that_answers_is_the_label_beside_other_flags(names, label):
    columns = guess_columns(read_table(with_texts(names, marks_of(names))))
    assert (columns.several, columns.confident, columns.label) == (False, False, 1 + names.index(label))
    assert columns.label_form.columns == tuple(range(1, len(names) + 1))


@pytest.mark.parametrize("names", [["label", "has_url", "has_hashtag"], ["is_spam", "weight", "has_attachment"]])
def test_facts_beside_a_column_that_answers_are_not_offered(names):
    columns = guess_columns(read_table(with_texts(names, marks_of(names))))
    assert (columns.several, columns.label, columns.label_form) == (False, 1, None)


@pytest.mark.parametrize(
    ("names", "is_clear"),
    [
        (["politics", "sports", "health", "language", "country", "economy"], True),
        (["delivery", "price", "quality", "returns", "account"], True),
        (["battery", "screen", "camera", "weight", "price"], False),
        (["food", "service", "price", "ambience", "location", "time"], False),
        (["age", "gender", "race", "religion"], False),
    ],
)
def test_columns_of_marks_are_labels_together_or_not_at_all(names, is_clear):
    table = read_table(with_texts(names, marks_of(names)))
    columns = guess_columns(table)
    assert (columns.several, columns.label_form.columns) == (is_clear, tuple(range(1, len(names) + 1)))
    assert is_clear or not columns.confident
    sets = read_label_sets(table, guess_columns(table, task="several").label_form)
    assert sets == [tuple(name for name, mark in zip(names, marks, strict=True) if mark == "1") for marks in marks_of(names)]


def test_scores_of_prices_and_places_are_labels_if_somebody_says_so():
    names = ["food", "service", "price", "ambience", "location"]
    rows = [[f"{0.2 + 0.6 * (mark == '1') + n % 10 / 100:.2f}" for mark in marks] for n, marks in enumerate(marks_of(names))]
    table = read_table(with_texts(names, rows))
    sets = read_label_sets(table, guess_columns(table, task="several").label_form)
    assert sets == [tuple(name for name, mark in zip(names, marks, strict=True) if mark == "1") for marks in marks_of(names)]


def test_columns_of_marks_that_stand_apart_are_all_taken_if_somebody_says_so():
    names = ["joy", "comment_id", "anger", "fear", "shop", "love"]
    rows = [
        [marks[0], f"c{n}", *marks[1:3], ("north", "south", "west")[n % 3], marks[3]]
        for n, marks in enumerate(marks_of(["a", "b", "c", "d"]))
    ]
    columns = guess_columns(read_table(with_texts(names, rows)), label=1, task="several")
    assert columns.label_columns == (1, 3, 4, 6)


def test_measures_of_a_text_are_not_read_as_labels():
    names = ["readability", "polarity", "subjectivity"]
    table = read_table(with_texts(names, [[f"{(n * prime) % 97 / 97:.2f}" for prime in (5, 7, 11)] for n in range(60)]))
    with pytest.raises(UserError) as raised:
        guess_columns(table)
    assert raised.value.code == "label_is_measurement"
    assert guess_columns(table, task="several").label_columns == (1, 2, 3)


def test_of_columns_that_are_named_together_no_others_are_read():
    """A single one that was left of three was read as all three again."""
    marks = read_table(with_texts(["joy", "anger", "love"], marks_of(["joy", "anger", "love"])))
    for named in (("anger",), ("love", "joy"), ("joy", "anger", "love")):
        columns = resolve_columns(marks, label_column=named, task="several")
        assert [marks.columns[position] for position in columns.label_columns] == list(named)
        assert columns.label_form.kind == "marked"
    numbers = read_table(numbered(rows_of(WORDS, [], last=(0, 1))))
    assert resolve_columns(numbers, label_column=("label_2",)).label_columns == (2,)
    cells = read_table(in_cells("; ".join)(rows_of(WORDS, [], last=(0, 1))))
    assert resolve_columns(cells, label_column=("label",)).label_form.kind == "cells"


TWENTIETHS = [(20, 7, 0), (0, 20, 7), (7, 0, 20)]  # of each column its highest, its lowest, and one that is no mark


@examples(20)
@given(drawn=st.lists(st.tuples(*[st.integers(0, 20)] * 3), max_size=20), cut=st.integers(1, 20), comma=st.booleans())
def test_a_text_has_the_labels_from_the_cut_on_that_somebody_gives(drawn, cut, comma):
    rows = [*TWENTIETHS * 2, *drawn]
    table = read_table(with_texts(WORDS[:3], [[str(score / 20) for score in scores] for scores in rows]))
    typed = str(cut / 20).replace(".", "," if comma else ".")
    columns = resolve_columns(table, cut=cut_choice(typed))
    expected = [tuple(name for name, score in zip(WORDS, scores, strict=False) if score >= cut) for scores in rows]
    assert read_label_sets(table, columns.label_form) == expected
    assert (columns.several, columns.cut) == (True, cut / 20)
    n_several = sum(len(labels) > 1 for labels in expected)
    assert f"from {cut / 20:g} on; {n_several} row{' has' if n_several == 1 else 's have'} several" in columns.label_form.reason


def test_a_cut_adds_no_columns_to_those_that_are_read_anyway():
    rows = [[*map(str, scores), "north", str(scores[0])] for scores in [(1.0, 0.7, 0.0), (0.0, 1.0, 0.7), (0.7, 0.0, 1.0)] * 10]
    table = read_table(with_texts([*WORDS[:3], "place", "certainty"], rows))
    assert [resolve_columns(table, cut=cut).label_columns for cut in (None, 0.3)] == [(1, 2, 3)] * 2
    assert resolve_columns(table, task="several").label_columns == (1, 2, 3, 5)


def test_votes_have_a_cut_of_half_the_highest_or_another_one():
    rows = [(6, 0, 2), (1, 5, 3), (2, 4, 0), (0, 1, 6)] * 5
    table = read_table(with_texts(WORDS[:3], [list(map(str, votes)) for votes in rows]))
    for cut in (None, 1.0, 2.0, 6.0):
        columns = resolve_columns(table, label_column=("joy", "anger", "love"), cut=cut)
        expected = [tuple(name for name, votes in zip(WORDS, of_row, strict=False) if votes >= (cut or 3)) for of_row in rows]
        assert (columns.cut, read_label_sets(table, columns.label_form)) == (cut or 3, expected)


@pytest.mark.parametrize(
    ("write", "task", "typed", "code", "said"),
    [
        (scored, "", "many", "setting_out_of_range", "a number such as 0.5, not “many”"),
        (scored, "", "-0.5", "setting_out_of_range", "from 0 on"),
        (scored, "", "inf", "setting_out_of_range", "not “inf”"),
        (scored, "", "1.5", "setting_out_of_range", "No label reaches a cut of 1.5: the highest score in the file is 0.9"),
        (scored, "", "0", "setting_out_of_range", "each text has all labels"),
        (scored, "single", "0.5", "settings_disagree", "one label a text is chosen"),
        (in_columns(WORDS, "1", "0"), "", "0.5", "no_scores", "name the columns of scores"),
        (in_cells("; ".join), "", "0.5", "no_scores", "Leave the cut out"),
    ],
)
def test_a_cut_that_says_nothing_is_a_sentence(write, task, typed, code, said):
    table = read_table(write(rows_of(WORDS, [], last=(0,))))
    with pytest.raises(UserError) as raised:
        resolve_columns(table, task=task, cut=cut_choice(typed))
    assert (raised.value.code, said in raised.value.message) == (code, True)


def test_scores_without_another_label_are_labels_that_somebody_should_look_at():
    columns = guess_columns(read_table(scored(rows_of(WORDS, [], last=(0,)) * 3)))
    assert (columns.several, columns.confident) == (True, False)


@pytest.mark.parametrize(
    ("names", "is_clear"), [(["team1", "team2"], False), (["stage 1", "stage 2"], False), (["topic 1", "topic 2"], True)]
)
def test_numbered_columns_that_every_row_fills_are_labels_if_their_name_says_so(names, is_clear):
    table = read_table(with_texts(names, [[WORDS[n % 4], WORDS[(n + 1 + n % 3) % 4]] for n in range(60)]))
    columns = guess_columns(table)
    assert (columns.several, columns.label_form.columns) == (is_clear, (1, 2))
    assert is_clear or not columns.confident


@pytest.mark.parametrize(
    "names",
    [
        "red, orange, green, blue, yellow, purple, blue green, red orange, yellow green",
        "billing, technical, support, sales, technical support, billing support, sales support",
        "spam, not, good, bad, very, not spam, not good, very good, not bad, very bad",
        "New, York, Old, Town, New York, Old York, New Town, Old Town",
    ],
)
def test_names_of_two_words_are_offered_as_two_labels_and_not_read_as_such(names):
    labels = names.split(", ")
    table = read_table(with_texts(["label"], [[labels[n % len(labels)]] for n in range(90)]))
    columns = guess_columns(table)
    assert (columns.several, columns.confident, columns.label_form.separator) == (False, False, " ")
    assert "may have several labels" in columns.label_form.reason
    assert not several_labels_mask(build_corpus(table, text=columns.text, label=columns.label)).any()
    assert guess_columns(table, task="several").several


@pytest.mark.parametrize("task", ["", "several"])
@pytest.mark.parametrize("write", [json.dumps, repr])
@pytest.mark.parametrize("share", [5, 1])
def test_labels_with_a_colon_come_back_from_lists(task, write, share):
    names = ("type: bug", "area: docs", ":joy:")
    rows = [[names[n % 3], names[(n + 1) % 3]] if n % share == 0 else [names[n % 3]] for n in range(60)]
    sets, _ = read_back(with_texts(["labels"], [[write(labels)] for labels in rows]), task)
    assert sets == [frozenset(labels) for labels in rows]


def test_a_row_for_each_label_is_joined_even_if_a_few_labels_look_like_two():
    rows = [(text, name) for n, text in enumerate(texts_of(range(60))) for name in dict.fromkeys((WORDS[n % 4], WORDS[n * 3 % 4]))]
    rows += [(texts_of(range(60))[n], "joy/love") for n in (1, 2)]
    table = read_table(csv_of(["text", "label"], rows))
    columns = guess_columns(table, task="several")
    assert columns.label_form.kind == "rows"
    assert {name for labels in read_label_sets(table, columns.label_form) for name in labels} == {*WORDS, "joy/love"}


def test_labels_that_hold_the_separator_stay_whole_in_another_file_too():
    options = ["Service", "Prices, fees", "Opening hours"]
    cells = [", ".join(options[number] for number in ids) for ids in [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)] * 5]
    form = guess_columns(read_table(csv_of(["text", "topics"], list(map(list, zip(texts_of(cells), cells, strict=True)))))).label_form
    other = read_table(csv_of(["text", "topics"], [["a text of it", "Prices, fees"], ["another text", "Opening hours, Prices, fees"]]))
    assert read_label_sets(other, form) == [("Prices, fees",), ("Opening hours", "Prices, fees")]


@pytest.mark.parametrize(
    ("form", "way", "between"),
    [
        ("semicolon", "cells", "; "),
        ("bar", "cells", "|"),
        ("plus", "cells", " + "),
        ("blank", "cells", " "),
        ("GoEmotions", "cells", ","),
        ("numbered columns", "cells", None),
        ("JSON list", "lists", None),
        ("Parquet", "lists", None),
        ("crosses", "columns", None),
        ("scores", "columns", None),
    ],
)
def test_how_a_file_writes_its_labels_is_known(form, way, between):
    names, write = (FORMS_WITHOUT_EMPTY | FORMS_WITH_EMPTY)[form]
    table = read_table(write(rows_of(names, [], last=(0, 1))))
    found = guess_columns(table).label_form
    assert (found.way, found.between) == (way, between)


@pytest.mark.parametrize("form", FORMS_WITH_EMPTY)
def test_a_repaired_file_says_the_same_in_lists(form):
    names, write = FORMS_WITH_EMPTY[form]
    rows = rows_of(names, [(), (0, 1, 2)], last=(0,))
    table = read_table(write(rows))
    columns = guess_columns(table)
    corpus = build_corpus(table, text=columns.text, label=columns.label, label_sets=read_label_sets(table, columns.label_form))
    sets, texts = read_back(repaired_csv(table, columns, corpus))
    assert (sets, texts) == ([frozenset(labels) for labels in rows], texts_of(rows))
