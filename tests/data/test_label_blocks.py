"""Labels that stand on the first row of each block only."""

import pytest

from trainer.data.label_blocks import fill_blocks, may_be_blocks


def test_blocks_are_filled_from_above():
    assert fill_blocks(["bad", "", "", "good", " ", "", "meh", "", ""]) == ["bad"] * 3 + ["good"] * 3 + ["meh"] * 3


def test_labels_that_come_again_may_be_blocks_and_are_not_filled():
    cells = ["good", "", "", "bad", "", ""] * 4
    assert fill_blocks(cells) is None
    assert may_be_blocks(cells)


@pytest.mark.parametrize(
    "cells",
    [
        [],
        ["good", "bad"] * 5,
        ["good", "", "", "good", "", "", "bad", "", ""],  # labels here and there
        ["", "good", "", "", "bad", "", ""],
        ["good", "bad", "meh", *[""] * 20],  # the first rows are labelled
        ["good", *[""] * 20],
        ["good", "", "", "bad", "", "", "good", "", ""],  # a few labels come again by chance
        ["good", "", "bad", "", "meh", ""],  # every second row
        ["a text that is far too long to be the label of a block of rows in a table", "", "", "other", "", ""],
    ],
)
def test_other_gaps_stay(cells):
    assert fill_blocks(cells) is None


@pytest.mark.parametrize(
    "cells",
    [
        [],
        ["good", "", "", "good", "", "", "bad", "", ""],
        ["good", "bad", "meh", *[""] * 20],
        ["", "good", "", "bad", "", "", ""],
        ["good", *[""] * 9],
    ],
)
def test_no_blocks(cells):
    assert not may_be_blocks(cells)
