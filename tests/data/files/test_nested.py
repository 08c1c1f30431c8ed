"""Objects inside JSON rows: columns with dotted names, lists of names, the majority of annotators."""

import json

import pytest

from tests.cpu_time import cpu_time
from tests.data.files.samples import outcome
from trainer.data.columns.guess import guess_columns
from trainer.data.files.read_table import read_table

SENTENCES = [f"this is sentence number {n} about {'good' if n % 2 else 'bad'} things" for n in range(30)]
LABELS = ["joy", "anger", "fear"] * 10


def table_of(rows):
    return read_table("\n".join(map(json.dumps, rows)).encode())


@pytest.mark.parametrize(
    ("make", "text_name", "label_name"),
    [
        (lambda text, label: {"text": text, "label": {"id": LABELS.index(label), "name": label}}, "text", "label.name"),
        (lambda text, label: {"body": text, "labels": [{"id": 7, "name": label, "color": "ff0000"}]}, "body", "labels"),
        (lambda text, label: {"tweet": {"id": "1", "full_text": text, "user": {"name": "a"}}, "label": label}, "tweet.full_text", "label"),
        (lambda text, label: {"_id": "1", "_source": {"text": text, "label": label}}, "text", "label"),
        (
            lambda text, label: {"content": text, "classifications": [{"classname": label, "annotators": ["a1"]}]},
            "content",
            "classifications.classname",
        ),
        (
            lambda text, label: {"freeText": text, "instances": [{"type": "tag", "className": label, "probability": 100}]},
            "freeText",
            "instances.className",
        ),
        (
            lambda text, label: {"textContent": text, "classificationAnnotation": {"displayName": label}},
            "textContent",
            "classificationAnnotation.displayName",
        ),
        (lambda text, label: {"text": text, "annotations": [{"id": 1, "label": label, "user": 1}]}, "text", "annotations.label"),
        (lambda text, label: {"text": text, "label": [{"user_id": "a", "value": label, "status": "submitted"}]}, "text", "label"),
        (
            lambda text, label: {"fields": {"text": text}, "responses": [{"values": {"label": {"value": label}}, "user_id": "a"}]},
            "text",
            "responses.values.label.value",
        ),
    ],
    ids=[
        "label.name",
        "GitHub",
        "tweets",
        "Elasticsearch",
        "LightTag",
        "SuperAnnotate",
        "Vertex",
        "doccano",
        "Argilla export",
        "Argilla records",
    ],
)
def test_texts_and_labels_in_objects_are_found(make, text_name, label_name):
    table = table_of([make(text, label) for text, label in zip(SENTENCES, LABELS, strict=True)])
    columns = guess_columns(table)
    assert (table.columns[columns.text], table.columns[columns.label]) == (text_name, label_name)
    assert [row[columns.text] for row in table.rows] == SENTENCES
    assert [row[columns.label] for row in table.rows] == LABELS


def test_several_names_are_a_list_and_none_is_an_empty_cell():
    table = table_of(
        [{"text": "a b", "labels": [{"name": "x"}, {"name": "y"}]}, {"text": "c d", "labels": []}, {"text": "e", "labels": [{"name": "x"}]}]
    )
    assert (table.columns, [row[1] for row in table.rows]) == (("text", "labels"), ['["x", "y"]', "", "x"])


def test_each_annotator_has_one_vote():
    def row(*labels):
        return {"text": "some words", "annotators": [{"label": label, "annotator_id": n} for n, label in enumerate(labels)]}

    table = table_of([row("joy", "anger", "anger"), row("joy", "joy", "joy"), row("fear", "joy")])
    assert [cells[1] for cells in table.rows] == ["anger", "joy", "fear"]
    (warning,) = table.warnings
    assert (warning.code, warning.severity, warning.count) == ("annotators_disagree", "warning", 2)
    one = table_of([{"text": "a b", "annotations": [{"label": "joy", "user": 1}, {"label": "fear", "user": 1}]}])
    assert (one.rows[0][1], one.warnings) == ('["joy", "fear"]', ())


def test_the_labels_of_equally_many_annotators_in_a_list_are_votes():
    rows = [{"text": text, "labels": [label, "joy", label]} for text, label in zip(SENTENCES, LABELS, strict=True)]
    table = table_of(rows)
    assert [row[1] for row in table.rows] == LABELS
    assert [(warning.code, warning.count) for warning in table.warnings] == [("annotators_disagree", 20)]
    several = table_of(
        [{"text": text, "labels": ["joy", "fear", label]} for text, label in zip(SENTENCES, ["calm", "anger", "awe"] * 10, strict=True)]
    )
    assert several.rows[0][1] == '["joy", "fear", "calm"]'


@pytest.mark.parametrize("marks", [(0, 1), (0.0, 1.0), (False, True)], ids=repr)
def test_lists_with_a_mark_for_the_class_of_a_text_are_no_votes(marks):
    no, yes = marks
    one_hot = table_of([{"text": text, "label": [yes if n % 3 == place else no for place in range(3)]} for n, text in enumerate(SENTENCES)])
    assert [row[1] for row in one_hot.rows] == [str(n % 3) for n in range(30)]
    assert [warning.code for warning in one_hot.warnings] == ["one_hot_lists"]
    # Several classes of a text, or none.
    many = table_of([{"text": text, "label": [yes if n % 4 > place else no for place in range(4)]} for n, text in enumerate(SENTENCES)])
    assert len({row[1] for row in many.rows}) == 4
    assert not many.warnings


def test_probabilities_of_classes_are_no_votes():
    shares = [[0.9 if n % 3 == place else 0.05 for place in range(3)] for n in range(30)]
    table = table_of(
        [{"text": text, "scores": scores, "label": n % 3} for n, (text, scores) in enumerate(zip(SENTENCES, shares, strict=True))]
    )
    assert (table.rows[1][1], table.warnings) == ("[0.05, 0.9, 0.05]", ())


def test_annotators_who_say_yes_or_no_vote():
    answers = [[1, 1, 1], [0, 0, 0], [1, 0, 1], [0, 0, 1], [0, 0, 0]]
    table = table_of([{"text": text, "label": answers[n % 5]} for n, text in enumerate(SENTENCES)])
    assert [row[1] for row in table.rows[:5]] == ["1", "0", "1", "0", "0"]


def test_an_answer_that_is_an_object_only_if_there_are_several_is_one_column():
    rows = [{"text": "a b", "mood": {"choices": ["joy", "fear"]}}, {"text": "c d", "mood": "joy"}, {"text": "e f", "mood": None}]
    assert [row[1] for row in table_of(rows).rows] == ['["joy", "fear"]', "joy", ""]


def test_a_dictionary_of_many_keys_stays_one_cell():
    table = table_of([{"text": "a b", "counts": {f"word{n}": n}} for n in range(100)])
    assert (table.columns, table.rows[3][1]) == (("text", "counts"), '{"word3": 3}')


MANY = [f"k{n}" for n in range(8_000)]


@pytest.mark.parametrize(
    "rows",
    [
        [{key: {"x": 1}} for key in MANY],
        [{"text": "some words here", "label": "joy", "n": {"m": [{key: 1} for key in MANY]}}] * 2,
        [{"text": "some words here", **{key: [1, 1, 1] for key in MANY}}, *([{"text": "a b c"}] * 9_000)],
        [{"text": "some words here", **{key: {"a": 2} for key in MANY}}, *([{"text": "a b c"}] * 9_000)],
    ],
    ids=["objects", "a list of objects", "lists", "objects in the first row"],
)
def test_thousands_of_keys_take_linear_time(rows):
    data = "\n".join(map(json.dumps, rows)).encode()
    with cpu_time() as spent:
        outcome(data)
    assert spent.seconds < 1.5


def test_lists_of_objects_in_one_another_end_at_a_depth():
    deep = 1
    for _ in range(400):
        deep = [{"a": deep}]
    table = table_of([{"text": text, "label": label, "more": deep} for text, label in zip(SENTENCES, LABELS, strict=True)])
    assert [row[:2] for row in table.rows] == list(zip(SENTENCES, LABELS, strict=True))
