"""Near-duplicates: texts that say the same in nearly the same letters, as groups that a split keeps on one side.

Nothing here deletes a row or looks at labels. Pairs are found in one_letter.py and similar.py; what could not be kept together or
looked for is counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainer.data.duplicates.letter_blocks import hash_digits
from trainer.data.duplicates.normalize import normalize_text
from trainer.data.duplicates.one_letter_pairs import one_letter_pairs
from trainer.data.duplicates.similar_pairs import similar_pairs

MIN_LETTERS = 20  # letters of a folded text; in shorter ones a typo is as large as another word
MAX_GROUP = (20, 0.01)  # rows, and share of all rows, that links may bring to a group, whichever is more

_LINKS_AT_ONCE = 50_000
_LONGEST = 1_000_000  # letters of a folded text; of longer ones only equal ones are found


@dataclass(frozen=True)
class NearDuplicates:
    """The near-duplicates among n texts.

    ``groups``: (n,) int64, group numbers counted from 0 in the order of first occurrence. ``folds``: (n,) int64, likewise, of texts that
    are equal when folded. ``parted``: (n,) bool, rows that are nearly equal to a row of another group, since together the groups would
    have been too large. ``unchecked``: (n,) bool, rows for which not all that may be nearly equal were compared.
    """

    groups: np.ndarray
    folds: np.ndarray
    parted: np.ndarray
    unchecked: np.ndarray


def find_near_duplicates(texts: Sequence[str]) -> NearDuplicates:
    """The groups of n texts; the result does not depend on the order of rows.

    Texts with equal folds are always one group. Two of at least ``MIN_LETTERS`` letters that have the same digits are linked where they
    differ in one letter, substituted, inserted or deleted, of which none is missed, and where they are ``MIN_SIMILARITY`` per cent alike
    (a typo, a word more or less), of which few are. What is linked is one group. As chains of links can swallow a file of templated
    texts, those of one letter come first, then the closest, and a link is ignored that would bring a group more rows beyond its largest
    set of equal ones than ``MAX_GROUP`` allows.
    """
    numbers: dict[str, int] = {}
    folds = np.fromiter((numbers.setdefault(normalize_text(text), len(numbers)) for text in texts), np.int64, len(texts))
    unique = list(numbers)
    order = np.array(
        [at for at in sorted(range(len(unique)), key=unique.__getitem__) if MIN_LETTERS <= len(unique[at]) <= _LONGEST], dtype=np.int64
    )
    by_content = [unique[at] for at in order.tolist()]
    digits = hash_digits(by_content)
    near, similar = one_letter_pairs(by_content, digits), similar_pairs(by_content, digits)
    one, other = order[np.concatenate((near[0], similar.one))], order[np.concatenate((near[1], similar.other))]
    groups = _join(np.bincount(folds, minlength=len(unique)), one, other)
    apart = groups[one] != groups[other]
    parted = np.zeros(len(unique), bool)
    parted[one[apart]] = parted[other[apart]] = True
    unchecked = np.fromiter((len(fold) > _LONGEST for fold in unique), bool, len(unique))
    unchecked[order[similar.unchecked]] = True
    return NearDuplicates(groups[folds], folds, parted[folds], unchecked[folds])


def _join(rows: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Group numbers, (k,), of k folds after the links, taken in order; ``rows``, (k,), counts the rows of each fold."""
    parents, sizes, largest = list(range(len(rows))), rows.tolist(), rows.tolist()
    allowed = max(MAX_GROUP[0], int(MAX_GROUP[1] * rows.sum()))

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = number = parents[parents[number]]
        return number

    for begin in range(0, len(one), _LINKS_AT_ONCE):
        part = slice(begin, begin + _LINKS_AT_ONCE)
        first, second = one[part], other[part]
        if begin:  # of very many links hardly one joins anything, and groups that are too large together stay so as they grow
            roots, rows_of, largest_of = _roots(parents), np.array(sizes), np.array(largest)
            first, second = roots[first], roots[second]
            joined = rows_of[first] + rows_of[second] - np.maximum(largest_of[first], largest_of[second])
            joins = (first != second) & (joined < allowed)
            first, second = first[joins], second[joins]
        for low, high in zip(first.tolist(), second.tolist(), strict=True):
            low, high = sorted((root(low), root(high)))
            most = max(largest[low], largest[high])
            if low != high and sizes[low] + sizes[high] - most < allowed:
                parents[high] = low
                sizes[low] += sizes[high]
                largest[low] = most
    roots = _roots(parents)
    # A root is the first of its group, so that counting roots counts groups by their first occurrence.
    return (np.cumsum(roots == np.arange(len(roots))) - 1)[roots]


def _roots(parents: list[int]) -> np.ndarray:
    """(k,) int64: of each fold the one at the top of its group."""
    roots = np.array(parents, dtype=np.int64)
    while not np.array_equal(above := roots[roots], roots):
        roots = above
    return roots
