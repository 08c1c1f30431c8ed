"""Columns that say what each label means, and columns that do not."""

import pytest

from trainer.data.label_definitions import columns_of_definitions, find_definitions

MEANINGS = {"joy": "the writer is glad", "fear": "the writer expects harm", "anger": "the writer blames somebody"}
LABELS = [*MEANINGS] * 4


def defined(table: list[tuple[str, ...]], labels: list[str | None] = LABELS, used: tuple[int, ...] = (0, 1)) -> dict[str, str]:
    """What the labels mean by the columns of a table that are not used."""
    return find_definitions(columns_of_definitions(table, labels, set(used)), {label for label in labels if label is not None})


def rows(cells: list[str]) -> list[tuple[str, str, str]]:
    return [(f"text {number}", label, cell) for number, (label, cell) in enumerate(zip(LABELS, cells, strict=True))]


def test_a_column_with_the_same_words_for_each_label_says_what_it_means():
    table = rows([MEANINGS[label] for label in LABELS])
    assert defined(table) == MEANINGS


def test_words_may_stand_once_a_label_and_rows_may_have_no_label():
    table = rows([MEANINGS[label] if number < 3 else " " for number, label in enumerate(LABELS)])
    assert defined([*table, ("text", "?", "something else")], [*LABELS, None]) == MEANINGS


@pytest.mark.parametrize(
    "cells",
    [
        [f"{MEANINGS[label]} {number}" for number, label in enumerate(LABELS)],
        ["all of them mean the same"] * 12,
        [f"{label} it is" if label != "joy" else "" for label in LABELS],
        [f"class {label}" for label in LABELS],
        [f"{MEANINGS[label]} {'x' * 500}" for label in LABELS],
    ],
    ids=["other words in each row", "one for all", "a label without", "names", "too long"],
)
def test_other_columns_define_nothing(cells: list[str]):
    assert defined(rows(cells)) == {}
    assert defined(rows(cells), used=(0, 1, 2)) == {}


def test_somebody_may_choose_names_and_a_column_that_leaves_a_label_out_but_no_numbers():
    shown = {"joy": "Freude", "anger": "Wut"}
    table = rows([shown.get(label, "") for label in LABELS])
    assert columns_of_definitions(table, LABELS, {0, 1}) == {2: shown}
    assert columns_of_definitions(rows([str(sorted(MEANINGS).index(label)) for label in LABELS]), LABELS, {0, 1}) == {}
    assert columns_of_definitions(rows([f"{label} {number}" for number, label in enumerate(LABELS)]), LABELS, {0, 1}) == {}
