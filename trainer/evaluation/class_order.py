"""An order of the classes in which those that are confused stand beside each other. Knows only a confusion matrix."""

from collections.abc import Sequence

import numpy as np

from trainer.data.files.dialect import is_numeric


def similar_classes_together(confusion: np.ndarray, label_names: Sequence[str]) -> tuple[int, ...]:
    """All k class ids, ordered by similarity; ``confusion`` (k, k) are counts, rows true and columns predicted.

    Two classes are as similar as they are often confused, relative to their rows (the geometric mean of both). Average linkage clusters them,
    and the leaves are put in the order in which neighbours are most similar (Bar-Joseph, Gifford & Jaakkola 2001, Fast optimal leaf ordering
    for hierarchical clustering, Bioinformatics 17). Classes that are all numbers (stars, grades) keep their order, and so do up to three.
    Deterministic.
    """
    k = len(label_names)
    if k <= 3 or all(is_numeric(name) for name in label_names):
        return tuple(range(k))
    # Imported late: it takes a third of a second.
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    counts = np.asarray(confusion, dtype=float)
    support = counts.sum(axis=0) + counts.sum(axis=1)
    similarity = (counts + counts.T) / np.sqrt(np.maximum(np.outer(support, support), 1.0))
    distance = 1.0 - np.minimum(similarity, 1.0)
    np.fill_diagonal(distance, 0.0)
    order = leaves_list(linkage(squareform(distance, checks=False), "average", optimal_ordering=True)).tolist()
    # An order and its reverse are equally good: the first class stands nearer to the top.
    return tuple(order if order.index(0) < k / 2 else order[::-1])
