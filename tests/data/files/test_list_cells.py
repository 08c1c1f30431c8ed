"""Lists of one in the cells of a CSV file."""

import json

import pytest

from tests.cpu_time import cpu_time
from trainer.data.files.read_table import read_table


def labels_of(cells, **stated):
    lines = ["text;label", *(f"some words {n};{cell}" for n, cell in enumerate(cells))]
    return [row[1] for row in read_table("\n".join(lines).encode(), **stated).rows]


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (["['joy']", "['anger']", "[]", ""] * 3, ["joy", "anger", "", ""] * 3),
        (['["joy"]', '["it\\u2019s"]', '[ "x" ]'] * 3, ["joy", "it’s", "x"] * 3),
        (["[3]", "[-1]", "[2.50]"] * 3, ["3", "-1", "2.50"] * 3),
        (["['joy']", "['joy', 'fear']", "['it\\'s']"] * 3, ["joy", "['joy', 'fear']", "it's"] * 3),
    ],
)
def test_a_list_of_one_is_that_one(cells, wanted):
    assert labels_of(cells) == wanted


@pytest.mark.parametrize("cells", [["[3 4]", "[1]"], ["[deleted]", "['a']"], ["joy", "['joy']"], ["[]", "[]"], ["['a', 'b']", "[]"]])
def test_other_columns_stay_as_they_are(cells):
    assert labels_of(cells * 4) == cells * 4


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (['{"choices": ["good"]}', '{"choices": ["bad"]}', '{"choices": []}'] * 3, ["good", "bad", ""] * 3),
        (['{"choices": ["good", "meh"]}', "bad", "good"] * 3, ['["good", "meh"]', "bad", "good"] * 3),
        (["{'label': 'good', 'score': 0.5}", "{'label': 'bad', 'score': 1}"] * 4, ["good", "bad"] * 4),
        (
            ["[{'id': 28, 'name': 'Action'}, {'id': 12, 'name': 'Comedy'}]", "[{'id': 28, 'name': 'Action'}]"] * 4,
            ['["Action", "Comedy"]', "Action"] * 4,
        ),
        (['{"joy": 1, "anger": 0}', '{"joy": 0, "anger": 1}', '{"joy": 1, "anger": 1}'] * 3, ["joy", "anger", '["joy", "anger"]'] * 3),
        (["{'good'}", "{'good', 'loud'}", "{'bad'}"] * 3, ["good", '["good", "loud"]', "bad"] * 3),
        (["('good',)", "('bad',)"] * 4, ["good", "bad"] * 4),
        (['{"label": null}', '{"label": "x"}'] * 4, ["", "x"] * 4),
    ],
    ids=["choices", "one choice as it stands", "a name among others", "objects in a list", "yes and no", "sets", "tuples", "null"],
)
def test_the_labels_in_an_object_are_the_cell(cells, wanted):
    assert labels_of(cells) == wanted


@pytest.mark.parametrize(
    "cells", [["{name}", "hello"], ['{"a": 1, "b": 2}', '{"a": 3, "b": 4}'], ["{}", "{'x': {'y': {}}}"], ['{"choices": ["a"', "b"]]
)
def test_other_objects_stay_as_they_are(cells):
    assert labels_of(cells * 4) == cells * 4


def test_a_stated_dialect_gives_each_cell_as_it_stands():
    assert labels_of(["['joy']"] * 3, delimiter=";", header=True) == ["['joy']"] * 3


@pytest.mark.parametrize("inner", ["[" * 700 + "]" * 700, '{"a":' * 400 + "1" + "}" * 400])
def test_labels_deep_in_lists_and_objects_stay_as_they_are(inner):
    cells = [f'[{{"a": {inner}}}]'] * 5
    assert labels_of(cells) == cells


@pytest.mark.parametrize("cell", ["[{blanks}x]", "['a'{blanks}x]", "[1{blanks}]x]"])
def test_blanks_in_lists_take_linear_time(cell):
    cells = [cell.format(blanks=" " * 8_000)] * 12
    with cpu_time() as spent:
        assert labels_of(cells) == cells
    assert spent.seconds < 1


@pytest.mark.parametrize(
    "write", [lambda label: [[label]], lambda label: {label: 1.0}, lambda label: {label: True}, lambda label: {label: 1}]
)
def test_a_list_in_a_list_and_a_yes_to_one_label(write):
    labels = ["joy", "anger", "fear"] * 6
    assert labels_of([json.dumps(write(label)) for label in labels]) == labels
