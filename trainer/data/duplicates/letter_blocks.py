"""Many texts as arrays of letters, a block at a time, so that what is done to each letter of a file is done by NumPy.

Nothing here knows what the letters are looked at for.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

_BLOCK = 200_000  # letters, so that what is worked out for each stays near the processor
_DIGITS = re.compile(r"\d+")
_FIRST_RARE_DIGIT = "\u0660"


@dataclass(frozen=True)
class Block:
    """Texts ``first`` to ``first + k``: ``codes``, the code points of all, each text with one blank behind it; where each starts, and its length."""

    first: int
    codes: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    @property
    def stop(self) -> int:
        return self.first + len(self.starts)

    def owners(self) -> np.ndarray:
        """(letters,) int32: the text of each letter, counted from 0 in this block; the blank behind a text is its own."""
        return np.repeat(np.arange(len(self.starts), dtype=np.int32), self.lengths + 1)


def text_lengths(texts: Sequence[str]) -> np.ndarray:
    """(n,) int64."""
    return np.fromiter(map(len, texts), np.int64, len(texts))


def letter_blocks(texts: Sequence[str]) -> Iterator[Block]:
    """All texts in turn, in blocks of some hundred thousand letters; a longer text is a block of its own."""
    lengths = text_lengths(texts)
    ends = np.cumsum(lengths + 1)
    first = 0
    while first < len(texts):
        before = int(ends[first - 1]) if first else 0
        stop = max(first + 1, int(np.searchsorted(ends, before + _BLOCK, side="right")))
        joined = "\n".join((*texts[first:stop], ""))
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        yield Block(first, codes, ends[first:stop] - lengths[first:stop] - 1 - before, lengths[first:stop])
        first = stop


def hash_digits(texts: Sequence[str]) -> np.ndarray:
    """(n,) uint32: a number for the digits of each text in order, 0 where there are none; texts with other digits get another one."""
    numbers = np.zeros(len(texts), np.uint32)
    for block in letter_blocks(texts):
        likely = (block.codes - np.uint32(ord("0")) < 10) | (block.codes >= ord(_FIRST_RARE_DIGIT))
        for at in np.flatnonzero(np.logical_or.reduceat(likely, block.starts)).tolist():
            digits = "".join(_DIGITS.findall(texts[block.first + at]))
            numbers[block.first + at] = zlib.crc32(digits.encode()) if digits else 0
    return numbers
