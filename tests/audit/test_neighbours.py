"""Copies with other labels, on made-up numbers of texts."""

import numpy as np

from tests.cpu_time import cpu_time
from trainer.audit.neighbours import Contradiction, find_contradictions
from trainer.data.duplicates.near_duplicates import NearDuplicates


def copies(normalized: np.ndarray, groups: np.ndarray) -> NearDuplicates:
    """Rows with the same number have the same text, or nearly."""
    none = np.zeros(len(groups), dtype=bool)
    return NearDuplicates(groups, normalized, none, none)


def compared_pair_by_pair(near: NearDuplicates, known: np.ndarray, labels: np.ndarray) -> dict[int, Contradiction]:
    """What ``find_contradictions`` promises."""
    found = {}
    for row in range(len(labels)):
        for numbers, same in ((near.normalized, True), (near.groups, False)):
            others = np.flatnonzero((numbers == numbers[row]) & (known >= 0) & (known != labels[row]))
            if len(others):
                found[row] = Contradiction(int(others[0]), same)
                break
    return found


def test_each_row_is_told_the_first_copy_with_another_label():
    rng = np.random.default_rng(0)
    for _ in range(50):
        normalized = rng.integers(0, 12, 40)
        labels = rng.integers(0, 3, 40)
        near = copies(normalized, normalized // 2)
        known = np.where(rng.random(40) < 0.7, labels, -1)
        assert find_contradictions(near, known, labels) == compared_pair_by_pair(near, known, labels)


def test_many_copies_of_one_text_take_no_time_that_grows_with_their_square():
    rows = 100_000
    labels = np.arange(rows) % 2
    one_text = np.zeros(rows, dtype=np.int64)
    with cpu_time() as spent:
        found = find_contradictions(copies(one_text, one_text), labels, labels)
    assert len(found) == rows
    # Pair by pair it took more than ten.
    assert spent.seconds < 2
