"""Pairs of texts that differ in one letter, substituted, inserted or deleted: all are found, however many and long the texts are.

Expects normalized texts and forms no groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from trainer.data.duplicates.letter_blocks import letter_blocks, text_lengths

_BASE = 0x5851F42D4C957F2D  # of the polynomial, odd, so that it has an inverse modulo 2 ** 64
_MIXER = np.uint64(0x9E3779B97F4A7C15)
_PAIRS_PER_BATCH = 200_000  # pairs at a time


@dataclass(frozen=True)
class _Intervals:
    """Texts (``owners``), each with an interval (``lows`` to ``highs``) to which a difference from another text is confined.

    ``widths``: the letters of the longer text of the pair; each text is used with its own length and, as the shorter one, with one more.
    All are int32 of the same length; ``owners`` ascend.
    """

    owners: np.ndarray
    widths: np.ndarray
    lows: np.ndarray
    highs: np.ndarray

    def __len__(self) -> int:
        return len(self.owners)

    def where(self, keep: np.ndarray) -> "_Intervals":
        return _Intervals(self.owners[keep], self.widths[keep], self.lows[keep], self.highs[keep])

    def halves(self) -> "_Intervals":
        """Each interval in two."""
        middles = (self.lows + self.highs) // 2
        return _Intervals(
            np.repeat(self.owners, 2),
            np.repeat(self.widths, 2),
            np.stack((self.lows, middles), axis=1).ravel(),
            np.stack((middles, self.highs), axis=1).ravel(),
        )


def one_letter_pairs(texts: Sequence[str], digits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of positions, (p,) int64 each, among n different texts of at least two letters; both of a pair have the same ``digits``, (n,).

    Texts that differ in one letter are connected by the pairs: if many differ at the same place, each is paired with the next only. Two
    texts with one difference are equal outside one half of their length. Texts that share no half with another text are done; the
    others are searched again with a half of that half, until one letter is left. A text can have such
    a neighbour in few of its intervals unless there are exponentially many texts (edge-isoperimetry in the Hamming graph, Lindsey 1964),
    so the work is of the order of the letters, and the memory of the texts.
    """
    lengths = text_lengths(texts).astype(np.int32)
    widths = np.stack((lengths, lengths + 1), axis=1).ravel()
    intervals = _Intervals(np.repeat(np.arange(len(texts), dtype=np.int32), 2), widths, np.zeros_like(widths), widths)
    one, other = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    while len(intervals):
        intervals = intervals.halves()
        keys = _keys(texts, digits, intervals)
        order = np.argsort(keys)
        sorted_keys = keys[order]
        starts = np.flatnonzero(np.append(True, sorted_keys[1:] != sorted_keys[:-1]))
        sizes = np.diff(np.append(starts, len(order)))
        whole = (lengths[intervals.owners] == intervals.widths)[order]  # two shorter texts form no pair
        shared = np.repeat((sizes > 1) & np.logical_or.reduceat(whole, starts), sizes)
        single = (intervals.highs - intervals.lows == 1)[order]
        linked = np.flatnonzero(shared[1:] & single[1:] & (sorted_keys[1:] == sorted_keys[:-1]))
        one.append(intervals.owners[order[linked]].astype(np.int64))
        other.append(intervals.owners[order[linked + 1]].astype(np.int64))
        continue_with = np.empty(len(order), bool)
        continue_with[order] = shared & ~single
        intervals = intervals.where(continue_with)
    return _verify(texts, np.concatenate(one), np.concatenate(other))


def _keys(texts: Sequence[str], digits: np.ndarray, intervals: _Intervals) -> np.ndarray:
    """(intervals,) uint64: equal if digits, width, interval and all letters outside the interval are equal.

    Polynomial hashes of all prefixes give the hash of any run of letters (Karp & Rabin 1987).
    """
    keys = np.empty(len(intervals), np.uint64)
    owners = intervals.owners[np.append(True, intervals.owners[1:] != intervals.owners[:-1])]
    used = texts if len(owners) == len(texts) else [texts[number] for number in owners.tolist()]
    for block in letter_blocks(used):
        begin, end = np.searchsorted(intervals.owners, (owners[block.first], owners[block.stop - 1] + 1)).tolist()
        part = slice(begin, end)
        position = np.searchsorted(owners[block.first : block.stop], intervals.owners[part])
        powers, inverses = _powers(1 << len(block.codes).bit_length())
        sums = np.zeros(len(block.codes) + 1, np.uint64)
        np.cumsum(block.codes * powers[: len(block.codes)], out=sums[1:])
        starts = block.starts[position]
        ends = starts + block.lengths[position]
        low, high = starts + intervals.lows[part], ends - (intervals.widths[part] - intervals.highs[part])
        keys[part] = _mixed(
            digits[intervals.owners[part]],
            intervals.widths[part],
            intervals.lows[part],
            (sums[low] - sums[starts]) * inverses[starts],
            (sums[ends] - sums[high]) * inverses[high],
        )
    return keys


def _mixed(*numbers: np.ndarray) -> np.ndarray:
    mixed = np.zeros(len(numbers[0]), np.uint64)
    for number in numbers:
        mixed = (mixed ^ number.astype(np.uint64)) * _MIXER
        mixed ^= mixed >> np.uint64(29)
    return mixed


@cache
def _powers(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The first ``n`` powers of the base, from 0 on, and their inverses, modulo 2 ** 64."""
    return tuple(
        np.cumprod(np.append(np.uint64(1), np.full(n - 1, base % 2**64, np.uint64)), dtype=np.uint64)
        for base in (_BASE, pow(_BASE, -1, 2**64))
    )


def _verify(texts: Sequence[str], one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs that really differ in one letter, each once; equal hashes may be a coincidence."""
    if not len(one):
        return one, other
    from rapidfuzz import process
    from rapidfuzz.distance import Levenshtein

    codes = np.unique(np.minimum(one, other) * len(texts) + np.maximum(one, other))
    one, other = codes // max(1, len(texts)), codes % max(1, len(texts))
    correct = np.empty(len(codes), bool)
    for begin in range(0, len(codes), _PAIRS_PER_BATCH):
        part = slice(begin, begin + _PAIRS_PER_BATCH)
        pairs = ([texts[number] for number in one[part].tolist()], [texts[number] for number in other[part].tolist()])
        correct[part] = process.cpdist(*pairs, scorer=Levenshtein.distance, score_cutoff=1) <= 1
    return one[correct], other[correct]
