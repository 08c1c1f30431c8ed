"""What texts say about each other's labels: the same text, or nearly the same, with another label, and the most similar rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainer.data.duplicates.near_duplicates import NearDuplicates

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

N_NEIGHBOURS = 10
_MIN_SIMILARITY = 0.1
"""Cosine; a row that shares less with another one says nothing about it."""
_BLOCK_ROWS = 500


@dataclass(frozen=True)
class Neighbours:
    """The labels of the rows that are most similar to one row, not counting copies of it."""

    labels: tuple[int, ...]
    """Class ids, most similar row first."""


@dataclass(frozen=True)
class Contradiction:
    """A row with (nearly) the same text as another one, and another label."""

    other: int
    """Position of the other row."""
    same: bool
    """Whether the texts are the same but for case, punctuation and blanks."""


def find_neighbours(
    features: "csr_matrix", label_ids: np.ndarray, groups: np.ndarray, learned: np.ndarray, rows: Sequence[int]
) -> dict[int, Neighbours]:
    """The ``N_NEIGHBOURS`` most similar ``learned`` rows of other ``groups`` for each of ``rows``, by the cosine of their features (rows of
    length 1)."""
    found: dict[int, Neighbours] = {}
    transposed = features.T.tocsc()
    for begin in range(0, len(rows), _BLOCK_ROWS):
        block = np.asarray(rows[begin : begin + _BLOCK_ROWS])
        similarities = (features[block] @ transposed).tocsr()
        for position, row in enumerate(block.tolist()):
            inside = slice(similarities.indptr[position], similarities.indptr[position + 1])
            others, values = similarities.indices[inside], similarities.data[inside]
            kept = (values >= _MIN_SIMILARITY) & learned[others] & (groups[others] != groups[row])
            others, values = others[kept], values[kept]
            # Of equally similar rows the first one.
            nearest = others[np.lexsort((others, -values))[:N_NEIGHBOURS]]
            found[row] = Neighbours(tuple(label_ids[nearest].tolist()))
    return found


def find_contradictions(near: NearDuplicates, learned_labels: np.ndarray, label_ids: np.ndarray) -> dict[int, Contradiction]:
    """For each row the first copy with another label, among those that may say something about others (``learned_labels`` -1 if not);
    one that is the same comes before one that is nearly so."""
    found: dict[int, Contradiction] = {}
    for numbers, same in ((near.normalized, True), (near.groups, False)):
        order = np.argsort(numbers, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
            if len(members) < 2:
                continue
            known = members[learned_labels[members] >= 0]
            # Of the first known copy and the first one with another label one contradicts each row that is contradicted at all.
            differing = known[learned_labels[known] != learned_labels[known[:1]]] if len(known) else known
            firsts = [*known[:1].tolist(), *differing[:1].tolist()]
            for row in members.tolist() if firsts else ():
                other = next((other for other in firsts if learned_labels[other] != label_ids[row]), None)
                if row not in found and other is not None:
                    found[row] = Contradiction(other, same)
    return found
