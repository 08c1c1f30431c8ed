"""Label arrays: the labels of n rows among k, in the shape that ``Corpus.label_ids`` has for its task. Knows no names of labels.

One table by ``Task.key``, so that nothing else of this room has to ask how many labels a row may have.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL


@dataclass(frozen=True)
class LabelArrays:
    """What can be asked of the labels of n rows, whatever their shape: (n,) ids, or (n, k) of 0 and 1; int64."""

    build: Callable[[Sequence[Sequence[int]], int], np.ndarray]
    """(the ids of each row, k) -> labels."""
    ids: Callable[[np.ndarray], list[tuple[int, ...]]]
    """labels -> the ids of each row, in order; none for a row without labels."""
    counts: Callable[[np.ndarray, int], np.ndarray]
    """(labels, k) -> (k,) int64, the rows of each label."""
    rows_with: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """(labels, (k,) bool) -> (n,) bool, the rows that have one of these labels."""
    renumber: Callable[[np.ndarray, np.ndarray, int], np.ndarray]
    """(labels, (k,) new ids, new k) -> labels; those that get the same id become one. No row has a label of which the new id is -1."""
    remove: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """(labels, (k,) bool) -> labels without these; no row is left without one that needs one."""
    keys: Callable[[np.ndarray], Sequence[Hashable]]
    """labels -> something for each row that is equal for rows with the same labels."""


def _single_ids(labels: np.ndarray) -> list[tuple[int, ...]]:
    return [(label,) for label in labels.tolist()]


def _multi_hot(rows: Sequence[Sequence[int]], n_labels: int) -> np.ndarray:
    labels = np.zeros((len(rows), n_labels), dtype=np.int64)
    labels[np.repeat(np.arange(len(rows)), [len(ids) for ids in rows]), [label for ids in rows for label in ids]] = 1
    return labels


def _multi_hot_ids(labels: np.ndarray) -> list[tuple[int, ...]]:
    rows, ids = np.nonzero(labels)
    bounds, ids = np.searchsorted(rows, np.arange(len(labels) + 1)).tolist(), ids.tolist()
    return [tuple(ids[start:end]) for start, end in pairwise(bounds)]


def _renumber_multi_hot(labels: np.ndarray, new_ids: np.ndarray, n_labels: int) -> np.ndarray:
    rows, ids = np.nonzero(labels)
    renumbered = np.zeros((len(labels), n_labels), dtype=np.int64)
    renumbered[rows, new_ids[ids]] = 1
    return renumbered


LABEL_ARRAYS: Mapping[str, LabelArrays] = {
    SINGLE_LABEL.key: LabelArrays(
        build=lambda rows, n_labels: np.array([label for (label,) in rows], dtype=np.int64),
        ids=_single_ids,
        counts=lambda labels, n_labels: np.bincount(labels, minlength=n_labels),
        rows_with=lambda labels, wanted: wanted[labels],
        renumber=lambda labels, new_ids, n_labels: new_ids[labels],
        remove=lambda labels, removed: labels,
        keys=lambda labels: labels.tolist(),
    ),
    SEVERAL_LABELS.key: LabelArrays(
        build=_multi_hot,
        ids=_multi_hot_ids,
        counts=lambda labels, n_labels: labels.sum(axis=0, dtype=np.int64),
        rows_with=lambda labels, wanted: labels[:, wanted].any(axis=1),
        renumber=_renumber_multi_hot,
        remove=lambda labels, removed: labels * ~removed,
        keys=_multi_hot_ids,
    ),
}
