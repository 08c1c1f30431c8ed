"""Pairs of texts that differ in one letter, substituted, inserted or deleted: all of them are found, whatever their number and length.

Folds nothing and groups nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from trainer.data.duplicates.letter_blocks import letter_blocks, text_lengths

_BASE = 0x5851F42D4C957F2D  # of the polynomial, odd, so that it has an inverse modulo 2 ** 64
_MIXER = np.uint64(0x9E3779B97F4A7C15)
_COMPARED = 200_000  # pairs at a time


@dataclass(frozen=True)
class _Places:
    """Texts, each with an interval of it in which alone it may differ from another.

    ``widths``: the letters of the longer text of the pair; a text is looked at with its own number and, as the shorter one, with one more.
    All are int32 of the same length; ``owners`` ascend.
    """

    owners: np.ndarray
    widths: np.ndarray
    lows: np.ndarray
    highs: np.ndarray

    def __len__(self) -> int:
        return len(self.owners)

    def where(self, keep: np.ndarray) -> "_Places":
        return _Places(self.owners[keep], self.widths[keep], self.lows[keep], self.highs[keep])

    def halves(self) -> "_Places":
        """Each interval in two."""
        middles = (self.lows + self.highs) // 2
        return _Places(
            np.repeat(self.owners, 2),
            np.repeat(self.widths, 2),
            np.stack((self.lows, middles), axis=1).ravel(),
            np.stack((middles, self.highs), axis=1).ravel(),
        )


def one_letter_pairs(texts: Sequence[str], digits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of positions, (p,) int64 each, among n different texts of at least two letters; ``digits``, (n,), are equal in both of a pair.

    Pairs that differ in one letter are linked through each other: where many texts differ at the same place, each is paired with the
    next only. Two texts with one difference are equal outside of one half of their length; so those that share no half with another
    text are done with, and the others are looked at again with the half of the half, until one letter is left. A text can have such
    a neighbour in few of its intervals unless there are exponentially many texts (edge-isoperimetry in the Hamming graph, Lindsey 1964),
    so that the work is of the order of the letters, and the memory of the texts.
    """
    lengths = text_lengths(texts).astype(np.int32)
    widths = np.stack((lengths, lengths + 1), axis=1).ravel()
    places = _Places(np.repeat(np.arange(len(texts), dtype=np.int32), 2), widths, np.zeros_like(widths), widths)
    one, other = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    while len(places):
        places = places.halves()
        keys = _keys(texts, digits, places)
        order = np.argsort(keys)
        sorted_keys = keys[order]
        starts = np.flatnonzero(np.append(True, sorted_keys[1:] != sorted_keys[:-1]))
        sizes = np.diff(np.append(starts, len(order)))
        whole = (lengths[places.owners] == places.widths)[order]  # two that are the shorter one of a pair make none
        shared = np.repeat((sizes > 1) & np.logical_or.reduceat(whole, starts), sizes)
        single = (places.highs - places.lows == 1)[order]
        linked = np.flatnonzero(shared[1:] & single[1:] & (sorted_keys[1:] == sorted_keys[:-1]))
        one.append(places.owners[order[linked]].astype(np.int64))
        other.append(places.owners[order[linked + 1]].astype(np.int64))
        again = np.empty(len(order), bool)
        again[order] = shared & ~single
        places = places.where(again)
    return _confirmed(texts, np.concatenate(one), np.concatenate(other))


def _keys(texts: Sequence[str], digits: np.ndarray, places: _Places) -> np.ndarray:
    """(places,) uint64: equal where digits, width, interval and all letters outside of the interval are.

    Polynomial hashes of every prefix give that of any run of letters (Karp & Rabin 1987).
    """
    keys = np.empty(len(places), np.uint64)
    owners = places.owners[np.append(True, places.owners[1:] != places.owners[:-1])]
    wanted = texts if len(owners) == len(texts) else [texts[at] for at in owners.tolist()]
    for block in letter_blocks(wanted):
        begin, end = np.searchsorted(places.owners, (owners[block.first], owners[block.stop - 1] + 1)).tolist()
        part = slice(begin, end)
        at = np.searchsorted(owners[block.first : block.stop], places.owners[part])
        powers, inverses = _powers(1 << len(block.codes).bit_length())
        sums = np.zeros(len(block.codes) + 1, np.uint64)
        np.cumsum(block.codes * powers[: len(block.codes)], out=sums[1:])
        starts = block.starts[at]
        ends = starts + block.lengths[at]
        before, behind = starts + places.lows[part], ends - (places.widths[part] - places.highs[part])
        keys[part] = _mixed(
            digits[places.owners[part]],
            places.widths[part],
            places.lows[part],
            (sums[before] - sums[starts]) * inverses[starts],
            (sums[ends] - sums[behind]) * inverses[behind],
        )
    return keys


def _mixed(*numbers: np.ndarray) -> np.ndarray:
    mixed = np.zeros(len(numbers[0]), np.uint64)
    for number in numbers:
        mixed = (mixed ^ number.astype(np.uint64)) * _MIXER
        mixed ^= mixed >> np.uint64(29)
    return mixed


@cache
def _powers(count: int) -> tuple[np.ndarray, np.ndarray]:
    """The powers of the base from 0 on and their inverses, modulo 2 ** 64."""
    return tuple(
        np.cumprod(np.append(np.uint64(1), np.full(count - 1, base % 2**64, np.uint64)), dtype=np.uint64)
        for base in (_BASE, pow(_BASE, -1, 2**64))
    )


def _confirmed(texts: Sequence[str], one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs, each once, without those that are no such pair but for equal hashes."""
    from rapidfuzz import process
    from rapidfuzz.distance import Levenshtein

    codes = np.unique(np.minimum(one, other) * len(texts) + np.maximum(one, other))
    one, other = codes // max(1, len(texts)), codes % max(1, len(texts))
    right = np.empty(len(codes), bool)
    for begin in range(0, len(codes), _COMPARED):
        part = slice(begin, begin + _COMPARED)
        pairs = ([texts[at] for at in one[part].tolist()], [texts[at] for at in other[part].tolist()])
        right[part] = process.cpdist(*pairs, scorer=Levenshtein.distance, score_cutoff=1) <= 1
    return one[right], other[right]
