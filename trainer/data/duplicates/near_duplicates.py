"""Near-duplicates: texts that say the same in nearly the same letters, as groups that a split keeps on one side.

Deletes no row and ignores labels. Pairs come from one_letter_pairs.py and similar_pairs.py; what could not be kept together or compared
is reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainer.data.duplicates.letter_blocks import hash_digits
from trainer.data.duplicates.normalize import normalize_text
from trainer.data.duplicates.one_letter_pairs import one_letter_pairs
from trainer.data.duplicates.similar_pairs import MIN_SIMILARITY, similar_pairs

MIN_LETTERS = 20  # of a normalized text; in shorter ones a typo is as large as another word
MAX_GROUP = (20, 0.01)  # rows, and ratio of all rows, that links may add to a group, whichever is more

_LINKS_PER_BATCH = 50_000
_MAX_LETTERS = 1_000_000  # of a normalized text; longer ones are only compared for equality


@dataclass(frozen=True)
class NearDuplicates:
    """The near-duplicates among n texts.

    ``groups``: (n,) int64, group numbers counted from 0 in the order of first occurrence. ``normalized``: (n,) int64, likewise, for texts
    that are equal when normalized. ``separated``: (n,) bool, rows that are nearly equal to a row of another group, since together the
    groups would have been too large. ``unchecked``: (n,) bool, rows for which not all texts that may be nearly equal were compared.
    """

    groups: np.ndarray
    normalized: np.ndarray
    separated: np.ndarray
    unchecked: np.ndarray


def find_near_duplicates(texts: Sequence[str]) -> NearDuplicates:
    """The groups of n texts; the result does not depend on the order of rows.

    Texts that are equal when normalized are always one group. Two texts of at least ``MIN_LETTERS`` letters with the same digits are
    linked if they differ in one letter, substituted, inserted or deleted (all such pairs are found), or if they are
    ``MIN_SIMILARITY`` per cent alike (a typo, a word more or less; most such pairs are found). Linked texts are one group. Chains of
    links could swallow a file of templated texts; therefore links of one letter come first, then the closest, and a link is ignored if
    it would bring a group more rows beyond its largest set of equal ones than ``MAX_GROUP`` allows.
    """
    numbers: dict[str, int] = {}
    normalized = np.fromiter((numbers.setdefault(normalize_text(text), len(numbers)) for text in texts), np.int64, len(texts))
    unique = list(numbers)
    order = np.array(
        [number for number in sorted(range(len(unique)), key=unique.__getitem__) if MIN_LETTERS <= len(unique[number]) <= _MAX_LETTERS],
        dtype=np.int64,
    )
    sorted_texts = [unique[number] for number in order.tolist()]
    digits = hash_digits(sorted_texts)
    close, similar = one_letter_pairs(sorted_texts, digits), similar_pairs(sorted_texts, digits)
    one, other = order[np.concatenate((close[0], similar.one))], order[np.concatenate((close[1], similar.other))]
    groups = _join(np.bincount(normalized, minlength=len(unique)), one, other)
    differ = groups[one] != groups[other]
    separated = np.zeros(len(unique), bool)
    separated[one[differ]] = separated[other[differ]] = True
    unchecked = np.fromiter((len(text) > _MAX_LETTERS for text in unique), bool, len(unique))
    unchecked[order[similar.unchecked]] = True
    return NearDuplicates(groups[normalized], normalized, separated[normalized], unchecked[normalized])


def find_nearly_equal(text: str, others: Sequence[str]) -> np.ndarray:
    """The positions, ascending, of all of n other texts that are equal to a text when normalized, or so close that ``find_near_duplicates`` links them.

    Compares the text with each of them: seconds for a million.
    """
    from rapidfuzz import fuzz, process
    from rapidfuzz.distance import Levenshtein

    key, keys = normalize_text(text), [normalize_text(other) for other in others]
    found = {position for position, other in enumerate(keys) if other == key}
    if MIN_LETTERS <= len(key) <= _MAX_LETTERS:
        comparable = {position: other for position, other in enumerate(keys) if MIN_LETTERS <= len(other) <= _MAX_LETTERS}
        one_letter = process.extract_iter(key, comparable, scorer=Levenshtein.distance, score_cutoff=1)
        similar = process.extract_iter(key, comparable, scorer=fuzz.ratio, score_cutoff=MIN_SIMILARITY)
        close = sorted({position for *_, position in (*one_letter, *similar)})
        digits = hash_digits([key, *(keys[position] for position in close)])
        found.update(position for position, number in zip(close, digits[1:], strict=True) if number == digits[0])
    return np.array(sorted(found), dtype=np.int64)


def _join(rows: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Group numbers, (k,), of k normalized texts after the links, applied in order; ``rows``, (k,), are the rows of each text."""
    parents, sizes, largest = list(range(len(rows))), rows.tolist(), rows.tolist()
    limit = max(MAX_GROUP[0], int(MAX_GROUP[1] * rows.sum()))

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = number = parents[parents[number]]
        return number

    for begin in range(0, len(one), _LINKS_PER_BATCH):
        batch = slice(begin, begin + _LINKS_PER_BATCH)
        first, second = one[batch], other[batch]
        if begin:  # of very many links hardly one joins anything, and groups that are too large together stay so as they grow
            roots, sizes_now, largest_now = _roots(parents), np.array(sizes), np.array(largest)
            first, second = roots[first], roots[second]
            added = sizes_now[first] + sizes_now[second] - np.maximum(largest_now[first], largest_now[second])
            may_join = (first != second) & (added < limit)
            first, second = first[may_join], second[may_join]
        for low, high in zip(first.tolist(), second.tolist(), strict=True):
            low, high = sorted((root(low), root(high)))
            larger = max(largest[low], largest[high])
            if low != high and sizes[low] + sizes[high] - larger < limit:
                parents[high] = low
                sizes[low] += sizes[high]
                largest[low] = larger
    roots = _roots(parents)
    # A root is the first of its group, so counting roots numbers the groups by their first occurrence.
    return (np.cumsum(roots == np.arange(len(roots))) - 1)[roots]


def _roots(parents: list[int]) -> np.ndarray:
    """The root of each text's group, (k,) int64."""
    roots = np.array(parents, dtype=np.int64)
    while not np.array_equal(above := roots[roots], roots):
        roots = above
    return roots
