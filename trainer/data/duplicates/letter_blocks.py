"""Many texts as arrays of letters, a block at a time, so that NumPy does what is done to each letter of a file.

Does not know what the letters are used for.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

_BLOCK_LETTERS = 200_000  # so that what is computed for each letter fits into the processor's cache
_DIGITS = re.compile(r"\d+")
_FIRST_NON_ASCII_DIGIT = "\u0660"


@dataclass(frozen=True)
class Block:
    """Texts ``first`` to ``first + k``: ``codes`` are the code points of all of them, each text followed by one blank; ``starts`` and
    ``lengths`` are those of each text."""

    first: int
    codes: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray

    @property
    def stop(self) -> int:
        """The number of the text after the last one."""
        return self.first + len(self.starts)

    def owners(self) -> np.ndarray:
        """(letters,) int32: the text of each letter, counted from 0 in this block; the blank after a text belongs to it."""
        return np.repeat(np.arange(len(self.starts), dtype=np.int32), self.lengths + 1)


def text_lengths(texts: Sequence[str]) -> np.ndarray:
    """Letters of each text, (n,) int64."""
    return np.fromiter(map(len, texts), np.int64, len(texts))


def letter_blocks(texts: Sequence[str]) -> Iterator[Block]:
    """All texts in order, in blocks of some hundred thousand letters; a longer text is a block of its own."""
    lengths = text_lengths(texts)
    ends = np.cumsum(lengths + 1)
    first = 0
    while first < len(texts):
        offset = int(ends[first - 1]) if first else 0
        stop = max(first + 1, int(np.searchsorted(ends, offset + _BLOCK_LETTERS, side="right")))
        joined = "\n".join((*texts[first:stop], ""))
        codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        yield Block(first, codes, ends[first:stop] - lengths[first:stop] - 1 - offset, lengths[first:stop])
        first = stop


def hash_digits(texts: Sequence[str]) -> np.ndarray:
    """(n,) uint32: a hash of the digits of each text in order, 0 for a text without digits."""
    hashes = np.zeros(len(texts), np.uint32)
    for block in letter_blocks(texts):
        may_be_digit = (block.codes - np.uint32(ord("0")) < 10) | (block.codes >= ord(_FIRST_NON_ASCII_DIGIT))
        for position in np.flatnonzero(np.logical_or.reduceat(may_be_digit, block.starts)).tolist():
            digits = "".join(_DIGITS.findall(texts[block.first + position]))
            hashes[block.first + position] = zlib.crc32(digits.encode()) if digits else 0
    return hashes
