from itertools import pairwise

import numpy as np
import pytest

from trainer.evaluation.class_order import similar_classes_together


def confused(groups: list[int], rows: int = 20) -> np.ndarray:
    """Classes of one group are confused with each other, and with no other."""
    same = np.equal.outer(groups, groups)
    return np.where(np.eye(len(groups), dtype=bool), rows, 5 * same)


def test_classes_that_are_confused_stand_beside_each_other() -> None:
    groups = np.random.default_rng(3).permutation(np.arange(60) // 6).tolist()
    order = similar_classes_together(confused(groups), [f"c{i}" for i in range(60)])
    assert sorted(order) == list(range(60))
    changes = sum(groups[a] != groups[b] for a, b in pairwise(order))
    assert changes == 9


def test_numbers_and_few_classes_keep_their_order() -> None:
    matrix = confused([0, 1, 0, 1, 0])
    assert similar_classes_together(matrix, ("1", "2", "3", "4", "5")) == (0, 1, 2, 3, 4)
    assert similar_classes_together(matrix, tuple("abcde")) != (0, 1, 2, 3, 4)
    assert similar_classes_together(confused([0, 1, 0]), tuple("abc")) == (0, 1, 2)


@pytest.mark.parametrize("k", [1, 2, 4, 30])
def test_classes_without_rows_have_a_place_too(k: int) -> None:
    assert sorted(similar_classes_together(np.zeros((k, k), int), [f"c{i}" for i in range(k)])) == list(range(k))
