"""Exports of annotation tools: nested labels become cells, rejected rows are dropped with a reason."""

import json

import pytest

from trainer.data.columns.guess import guess_columns
from trainer.data.files.annotations import unwrap_single
from trainer.data.files.read_table import read_table

SENTENCES = [f"this is sentence number {n} about {'good' if n % 2 else 'bad'} things" for n in range(30)]
LABELS = ["joy", "anger", "fear"] * 10
PAIRS = list(zip(SENTENCES, LABELS, strict=True))


def table_of(rows, *, lines: bool = True):
    return read_table(("\n".join(map(json.dumps, rows)) if lines else json.dumps(rows)).encode())


def chosen(table):
    columns = guess_columns(table)
    assert [row[columns.text] for row in table.rows] == SENTENCES
    return table.columns[columns.label], [row[columns.label] for row in table.rows], columns.confident


def test_a_list_of_one_scalar_becomes_the_scalar():
    assert [unwrap_single(value) for value in (["joy"], [1], [None], [], ["a", "b"], [["a"]], "a", {})] == [
        *("joy", 1, None, None, ["a", "b"], [["a"]], "a", {})
    ]


@pytest.mark.parametrize("key", ["label", "labels", "accept"])
def test_labels_of_doccano_and_prodigy(key):
    table = table_of({"id": n, "text": text, key: [label]} for n, (text, label) in enumerate(PAIRS))
    assert chosen(table) == (key, LABELS, True)


def test_no_label_is_an_empty_list_beside_several_which_stay_a_list():
    rows = [
        {"text": "a", "label": []},
        {"text": "b", "label": None},
        {"text": "c", "label": ["joy", "fear"]},
        {"text": "d", "label": [2.50]},
    ]
    assert [row[1] for row in table_of(rows).rows] == ["[]", "", '["joy", "fear"]', "2.5"]
    assert [row[1] for row in table_of(rows[:2] + rows[3:]).rows] == ["", "", "2.5"]


@pytest.mark.parametrize("lines", [True, False])
def test_choices_of_label_studio(lines):
    cancelled = {"was_cancelled": True, "result": [{"value": {"choices": ["fear"]}}]}
    rows = [
        {
            "id": n,
            "data": {"text": text, "id": 7},
            "annotations": [cancelled, {"result": [{"from_name": "mood", "value": {"choices": [label]}}]}],
        }
        for n, (text, label) in enumerate(PAIRS)
    ]
    table = table_of(rows, lines=lines)
    assert table.columns == ("id", "text", "data.id", "choice")
    assert chosen(table) == ("choice", LABELS, True)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ({"taxonomy": [["joy"]]}, "joy"),
        ({"taxonomy": [["mood", "joy"]]}, "mood > joy"),
        ({"rating": 4}, "4"),
        ({"start": 1, "labels": ["X"]}, None),
    ],
)
def test_taxonomies_and_ratings_of_label_studio(value, wanted):
    table = table_of([{"data": {"text": "a b"}, "annotations": [{"result": [{"from_name": "q", "value": value}]}]}] * 2)
    assert (wanted is None) == ("choice" not in table.columns)
    assert wanted is None or [row[table.columns.index("choice")] for row in table.rows] == [wanted] * 2


def test_two_questions_of_label_studio_are_two_columns():
    both = [{"from_name": "mood", "value": {"choices": ["joy"]}}, {"from_name": "tone", "value": {"choices": ["calm", "kind"]}}]
    table = table_of([{"data": {"text": "a b"}, "annotations": [{"result": both}]}, {"data": {"text": "c d"}, "annotations": []}])
    assert table.columns == ("text", "mood", "tone")
    assert table.rows == [("a b", "joy", '["calm", "kind"]'), ("c d", "", "")]


def test_cats_of_spacy():
    rows = [{"text": text, "cats": {name: float(name == label) for name in ("joy", "anger", "fear")}} for text, label in PAIRS]
    assert chosen(table_of(rows)) == ("cats", LABELS, True)
    several = table_of([{"text": "a", "cats": {"joy": 1, "fear": True}}, {"text": "b", "cats": {"joy": 0, "fear": False}}])
    assert [row[1] for row in several.rows] == ['["joy", "fear"]', "[]"]
    probabilities = table_of([{"text": "a", "cats": {"joy": 0.3}}, {"text": "b", "cats": {"joy": 0.6}}])
    assert (probabilities.columns, [row[1] for row in probabilities.rows]) == (("text", "cats.joy"), ["0.3", "0.6"])


@pytest.mark.parametrize("key", ["labels", "label"])
@pytest.mark.parametrize("yes_no", [int, bool])
def test_objects_of_yes_and_no_under_any_name(key, yes_no):
    rows = [{"text": text, key: {name: yes_no(name == label) for name in ("joy", "anger", "fear")}} for text, label in PAIRS]
    assert chosen(table_of(rows)) == (key, LABELS, True)


def test_rows_that_an_annotator_rejected_are_dropped_with_the_reason():
    decisions = ["accept", "reject", "ignore"]
    rows = [{"text": f"a b {n}", "_input_hash": n, "label": LABELS[n // 3], "answer": decisions[n % 3]} for n in range(9)]
    table = table_of(rows)
    assert (len(table.rows), table.rows_seen, table.lines) == (3, 9, [1, 4, 7])
    assert [(row.line, row.reason) for row in table.dropped[:2]] == [
        (2, "it was rejected by the annotator (answer: reject)"),
        (3, "it was ignored by the annotator (answer: ignore)"),
    ]


def test_an_answer_of_other_files_drops_nothing():
    rows = [{"text": text, "answer": ["accept", "reject"][n % 2]} for n, text in enumerate(SENTENCES)]
    assert chosen(table_of(rows)) == ("answer", ["accept", "reject"] * 15, True)
    # A yes/no question about one label.
    yes_no = table_of(row | {"_task_hash": 1, "label": "SPAM"} for row in rows)
    assert guess_columns(yes_no).label == 1


def test_the_majority_of_several_annotators_counts_and_their_disagreement_is_told():
    def annotation(label, user):
        return {"completed_by": user, "result": [{"from_name": "mood", "value": {"choices": [label]}}]}

    rows = [
        {"data": {"text": "all agree here"}, "annotations": [annotation("joy", 1), annotation("joy", 2)]},
        {"data": {"text": "two against one"}, "annotations": [annotation("anger", 1), annotation("joy", 2), annotation("joy", 3)]},
    ]
    table = table_of(rows, lines=False)
    assert table.rows == [("all agree here", "joy"), ("two against one", "joy")]
    assert [(warning.code, warning.count) for warning in table.warnings] == [("annotators_disagree", 1)]


def test_predictions_beside_annotations_are_no_labels():
    guess = [{"result": [{"from_name": "mood", "value": {"choices": ["fear"]}}]}]
    rows = [
        {"data": {"text": text}, "annotations": [{"result": [{"from_name": "mood", "value": {"choices": [label]}}]}], "predictions": guess}
        for text, label in PAIRS
    ]
    assert chosen(table_of(rows)) == ("choice", LABELS, True)


def test_a_structure_that_cannot_be_flattened_leaves_the_guess_unsure():
    rows = [{"text": text, "meta": [[{"label": "joy"}]], "source": ["web", "mail"][n % 2]} for n, text in enumerate(SENTENCES)]
    table = table_of(rows)
    columns = guess_columns(table)
    assert (table.columns, table.columns[columns.label], columns.confident) == (("text", "meta", "source"), "source", False)
