"""Iterative stratification: units with several labels each, divided so that every part has its share of every label.

Knows no texts and no splits; the order of the units decides between equals, and nothing is random.
"""

import numpy as np


def stratify(labels: np.ndarray, sizes: np.ndarray, wanted: np.ndarray, wanted_rows: np.ndarray) -> np.ndarray:
    """The part of each of u units, (u,) int64 in 0..p - 1, by the algorithm of Sechidis, Tsoumakas and Vlahavas (2011), "On the stratification of
    multi-label data": the label with the fewest units left comes first, and each of its units goes to the part that wants most of it.

    ``labels`` (u, k): how many rows of a unit have each label; ``sizes`` (u,): its rows. ``wanted`` (p, k) and ``wanted_rows`` (p,): how many rows with
    each label, and how many in all, each part should get; of parts that want equally much of a label, the one that lacks most rows gets the unit. Units
    without labels come last.
    """
    has_label = labels > 0
    part_of_unit = np.full(len(sizes), -1, dtype=np.int64)
    missing, missing_rows = wanted.astype(float).tolist(), wanted_rows.astype(float).tolist()
    parts, n_left = range(len(missing_rows)), has_label.sum(axis=0)

    def assign(unit: int, part: int, label_ids: list[int]) -> None:
        part_of_unit[unit] = part
        missing_rows[part] -= size_list[unit]
        for label in label_ids:
            missing[part][label] -= int(labels[unit, label])

    size_list = sizes.tolist()
    while n_left.any():
        label = min(np.flatnonzero(n_left).tolist(), key=n_left.__getitem__)
        units = np.flatnonzero(has_label[:, label] & (part_of_unit < 0))
        for unit in units.tolist():
            part = max(parts, key=lambda part: (missing[part][label], missing_rows[part]))
            assign(unit, part, np.flatnonzero(has_label[unit]).tolist())
        n_left = n_left - has_label[units].sum(axis=0)
    for unit in np.flatnonzero(part_of_unit < 0).tolist():
        assign(unit, max(parts, key=missing_rows.__getitem__), [])
    return part_of_unit
