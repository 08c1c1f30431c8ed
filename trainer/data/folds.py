"""Folds: a division of rows for cross-validation, in which each class is spread evenly and near-duplicates stay together.

Knows no models; ``splits.py`` makes the split of a training that keeps rows aside for a test.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from trainer.data.corpus import Corpus
from trainer.data.iterative_stratification import stratify
from trainer.data.label_arrays import LABEL_ARRAYS
from trainer.data.splits import Splits
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL, Task
from trainer.errors import FileError
from trainer.text_format import pluralize

_MIN_VALIDATION_FOLDS, _MAX_VALIDATION_FOLDS = 3, 20
_MIN_ROWS_IN_FOLD = 2


def assign_folds(label_ids: np.ndarray, groups: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """The fold of each row, (n,) int64 in 0..``n_folds`` - 1, stratified by class; the same for the same seed.

    ``label_ids`` (n,) are class ids, -1 for rows whose label must have no influence; ``groups`` (n,) the numbers of groups of rows that stay
    in one fold, whatever their labels. A group belongs to the class of the highest id among its rows. Classes continue to be dealt where the class before them ended, so that small classes do not
    all begin in the first fold. A class of fewer groups than folds is missing in some folds, and one of a single group in all but one.
    """
    rng = np.random.default_rng(seed)
    _, numbers = np.unique(groups, return_inverse=True)
    sizes = np.bincount(numbers)
    class_of_group = np.full(len(sizes), -1, dtype=np.int64)
    np.maximum.at(class_of_group, numbers, label_ids)
    by_class: dict[int, list[int]] = defaultdict(list)
    for number, label in enumerate(class_of_group.tolist()):
        by_class[label].append(number)
    fold_of_group = np.zeros(len(sizes), dtype=np.int64)
    start = 0
    for label in sorted(by_class):
        order = rng.permutation(np.array(by_class[label]))
        # Large groups first: dealt last, they would make one fold larger than the others.
        order = order[np.argsort(-sizes[order], kind="stable")]
        fold_of_group[order] = (start + np.arange(len(order))) % n_folds
        start += len(order)
    return fold_of_group[numbers]


def assign_label_folds(labels: np.ndarray, groups: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """As ``assign_folds`` for multi-hot labels (n, k), by iterative stratification: each label is spread evenly, those of few rows first."""
    _, numbers = np.unique(groups, return_inverse=True)
    sizes = np.bincount(numbers)
    of_groups = np.zeros((len(sizes), labels.shape[1]), dtype=np.int64)
    np.add.at(of_groups, numbers, labels)
    order = np.random.default_rng(seed).permutation(len(sizes))
    # Large groups first, while there is room for them.
    order = order[np.argsort(-sizes[order], kind="stable")]
    wanted = np.repeat(of_groups.sum(axis=0)[None] / n_folds, n_folds, axis=0)
    fold_of_group = np.empty(len(sizes), dtype=np.int64)
    fold_of_group[order] = stratify(of_groups[order], sizes[order], wanted, np.full(n_folds, sizes.sum() / n_folds))
    return fold_of_group[numbers]


@dataclass(frozen=True)
class TaskFolds:
    """How rows with labels of one task are divided."""

    assign: Callable[[np.ndarray, np.ndarray, int, int], np.ndarray]
    """(labels of n rows, groups, n_folds, seed) -> the fold of each row."""
    only: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """(labels of n rows, (n,) bool) -> labels in which those of the other rows have no influence."""
    also_in: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """(labels of n rows, (n,) bool) -> (n,) bool, the rows of which every label is one of these rows' too."""


TASK_FOLDS: Mapping[str, TaskFolds] = {
    SINGLE_LABEL.key: TaskFolds(
        assign=assign_folds,
        only=lambda labels, rows: np.where(rows, labels, -1),
        also_in=lambda labels, rows: np.isin(labels, labels[rows]),
    ),
    SEVERAL_LABELS.key: TaskFolds(
        assign=assign_label_folds,
        only=lambda labels, rows: labels * rows[:, None],
        also_in=lambda labels, rows: ~labels[:, ~labels[rows].any(axis=0)].any(axis=1),
    ),
}
"""By ``Task.key``."""


def choose_validation(
    label_ids: np.ndarray, groups: np.ndarray, rows: np.ndarray, share: float, seed: int, *, task: Task = SINGLE_LABEL
) -> np.ndarray:
    """Which of ``rows`` (m,) validate, bool (m,): about the ``share`` of them and at least one, with each class that they have among the others too.

    ``label_ids`` and ``groups`` are those of all n rows. Raises FileError ``too_few_rows`` if each class is in one group of near-duplicates alone.
    """
    folds = TASK_FOLDS[task.key]
    parts = int(np.clip(round(1 / max(share, 0.01)), _MIN_VALIDATION_FOLDS, _MAX_VALIDATION_FOLDS))
    labels, part_of_rows = label_ids[rows], folds.assign(label_ids[rows], groups[rows], parts, seed)
    for part in range(parts):
        # A class that only validates would never be predicted.
        validates = (part_of_rows == part) & folds.also_in(labels, part_of_rows != part)
        if validates.any():
            return validates
    raise FileError(
        "No label has a second text, so none can be kept aside to choose the model. Use more texts of each label, or fewer folds.",
        code="too_few_rows",
        setting="folds",
    )


def given_splits(corpus: Corpus) -> tuple[str, ...]:
    """Which splits besides "train" the file itself gives: of "validation" and "test" those that have rows."""
    return tuple(name for name in ("validation", "test") if name in (corpus.given_split or ()))


def split_without_test(corpus: Corpus, groups: np.ndarray, *, n_folds: int, validation_share: float, seed: int) -> Splits:
    """The rows of the model that learns from all n rows of a corpus after ``n_folds`` others were tested: none is kept aside for a test.

    ``groups`` (n,) are the groups of near-duplicates. Raises FileError ``given_test`` if the file has test or validation rows of its own, and
    ``too_few_rows`` for too few rows or classes.
    """
    task, arrays = corpus.task, LABEL_ARRAYS[corpus.task.key]
    if given := given_splits(corpus):
        raise FileError(
            f"This file has {' and '.join(given)} rows of its own, and folds would learn and test all rows alike. Turn the folds off.",
            code="given_test",
            setting="folds",
        )
    n_groups = len(np.unique(groups))
    if n_groups < _MIN_ROWS_IN_FOLD * n_folds or len(corpus.label_names) < 2:
        raise FileError(
            f"{pluralize(n_groups, 'different text')} with {pluralize(len(corpus.label_names), 'label')} cannot be tested in {n_folds} folds. Use at least "
            f"{_MIN_ROWS_IN_FOLD} texts for each fold and two labels.",
            code="too_few_rows",
            setting="folds",
        )
    folds = TASK_FOLDS[task.key].assign(corpus.label_ids, groups, n_folds, seed)
    for fold in range(n_folds):
        rest = np.flatnonzero(folds != fold)
        if (arrays.counts(corpus.label_ids[rest], len(corpus.label_names)) > 0).sum() < 2:
            raise FileError(
                f"Without the texts of one of the {n_folds} folds only one label is left to learn. Use more texts of each label.",
                code="too_few_rows",
                setting="folds",
            )
        choose_validation(corpus.label_ids, groups, rest, validation_share, seed, task=task)
    rows, none = np.arange(len(corpus), dtype=np.int64), np.array([], dtype=np.int64)
    validates = choose_validation(corpus.label_ids, groups, rows, validation_share, seed, task=task)
    note = (
        f"No row is kept aside: {n_folds} models are each tested on a part of the rows that it has not seen, and one more learns from all rows "
        f"but the {pluralize(int(validates.sum()), 'validation row')}, which choose its best state."
    )
    return Splits(rows[~validates], rows[validates], none, none, (note,))
