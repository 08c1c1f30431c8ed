"""Lists of one in the cells of a CSV file."""

import pytest

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


def test_a_stated_dialect_gives_each_cell_as_it_stands():
    assert labels_of(["['joy']"] * 3, delimiter=";", header=True) == ["['joy']"] * 3
