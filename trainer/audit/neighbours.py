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

    def most_frequent(self) -> tuple[int, int]:
        """The class that most of them have, and how many have it; of equally frequent ones the nearest. ValueError without a neighbour."""
        best = max(self.labels, key=lambda label: (self.labels.count(label), -self.labels.index(label)))
        return best, self.labels.count(best)


@dataclass(frozen=True)
class Contradiction:
    """A row with (nearly) the same text as another one, and another label."""

    other: int
    """Position of the other row."""
    same: bool
    """Whether the texts are the same but for case, punctuation and blanks."""


def find_neighbours(features: "csr_matrix", label_ids: np.ndarray, groups: np.ndarray, rows: Sequence[int]) -> dict[int, Neighbours]:
    """The ``N_NEIGHBOURS`` most similar rows of other ``groups`` for each of ``rows``, by the cosine of their features (rows of length 1)."""
    found: dict[int, Neighbours] = {}
    transposed = features.T.tocsc()
    for begin in range(0, len(rows), _BLOCK_ROWS):
        block = np.asarray(rows[begin : begin + _BLOCK_ROWS])
        similarities = (features[block] @ transposed).tocsr()
        for position, row in enumerate(block.tolist()):
            inside = slice(similarities.indptr[position], similarities.indptr[position + 1])
            others, values = similarities.indices[inside], similarities.data[inside]
            kept = (values >= _MIN_SIMILARITY) & (groups[others] != groups[row])
            others, values = others[kept], values[kept]
            # Of equally similar rows the first one.
            nearest = others[np.lexsort((others, -values))[:N_NEIGHBOURS]]
            found[row] = Neighbours(tuple(label_ids[nearest].tolist()))
    return found


def find_contradictions(near: NearDuplicates, label_ids: np.ndarray) -> dict[int, Contradiction]:
    """For each row that has a copy with another label the first such copy; one that is the same comes before one that is nearly so."""
    found: dict[int, Contradiction] = {}
    for numbers, same in ((near.normalized, True), (near.groups, False)):
        order = np.argsort(numbers, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1):
            labels = label_ids[members]
            if len(members) < 2 or (labels == labels[0]).all():
                continue
            other = int(members[int(np.argmax(labels != labels[0]))])
            for row, label in zip(members.tolist(), labels.tolist(), strict=True):
                if row not in found:
                    found[row] = Contradiction(int(members[0]) if label != labels[0] else other, same)
    return found
