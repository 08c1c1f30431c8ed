import numpy as np

from trainer.data.splits import Splits
from trainer.recipe import Recipe
from trainer.ui import data_tab, folds_offer

NONE = np.array([], dtype=np.int64)


def offer(test_rows: int, *, folds: int | None = None, has_given_rows: bool = False) -> str:
    splits = Splits(np.arange(100), NONE, np.arange(test_rows), NONE, ())
    return folds_offer.offer_html(splits, rows=150, has_given_rows=has_given_rows, folds=folds)


def test_folds_are_offered_for_few_test_rows_only() -> None:
    assert "The score of 30 test rows is uncertain by about 16.8 points either way." in offer(30)
    assert 'data-code="5 folds"' in offer(299)
    assert offer(300) == ""
    assert offer(30, has_given_rows=True) == ""


def test_folds_that_are_chosen_can_be_left_again() -> None:
    html = offer(0, folds=5)
    assert "Scored in 5 folds on all 150 rows" in html
    assert 'data-code="70 / 10 / 20"' in html


def test_a_recipe_and_the_four_fields_of_the_split_say_the_same() -> None:
    for choice in (("5 folds", 1, 2, 3), ("70 / 10 / 20", 1, 2, 3), ("Custom", 10, 25, 7), ("Custom", 10, 25, 0)):
        values = data_tab.split_fractions(*choice)
        recipe = Recipe.from_dict(values)
        assert data_tab.split_fractions(*data_tab.split_values(recipe)) == values
    assert data_tab.split_fractions("5 folds", 1, 2, 3)["folds"] == 5
