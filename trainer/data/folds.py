"""Folds: a division of rows for cross-validation, in which each class is spread evenly and near-duplicates stay together.

Knows no models; ``splits.py`` makes the split of a training.
"""

from collections import defaultdict

import numpy as np


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
