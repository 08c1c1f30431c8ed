"""Tokenised texts in a few flat arrays: about 60 bytes for a tweet, where a list of numbers for each takes 7,000."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_CHUNK_SIZE = 2_000
"""Texts that the tokenizer is given at once: what it hands back is a hundred times what is kept."""


@dataclass(frozen=True)
class TokenizedDataset:
    """Texts as an encoder reads them, cut at its maximum length and not padded; row by row what transformers' Trainer wants of a data set."""

    columns: dict[str, np.ndarray]
    """By the tokenizer's names ("input_ids", ...), the tokens of all texts one after the other; a single number where it is the same for all."""
    starts: np.ndarray
    """Where each text begins, shape (n,)."""
    lengths: np.ndarray
    """Tokens of each text, shape (n,)."""
    labels: np.ndarray
    """Class of each text, shape (n,)."""

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, row: int) -> dict[str, Any]:
        """Arrays (tokens,) by the tokenizer's names, and "labels", a number. Raises IndexError."""
        start, length = self.starts[row], self.lengths[row]
        tokens = {
            name: np.broadcast_to(ids, length) if ids.ndim == 0 else ids[start : start + length] for name, ids in self.columns.items()
        }
        return {**tokens, "labels": int(self.labels[row])}

    def ordered(self, rows: np.ndarray) -> "TokenizedDataset":
        """The same texts in another order; the tokens stay where they are."""
        return replace(self, starts=self.starts[rows], lengths=self.lengths[rows], labels=self.labels[rows])


def tokenize_dataset(tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], label_ids: Sequence[int]) -> TokenizedDataset:
    """All texts, each cut at the tokenizer's maximum length."""
    id_type = np.uint16 if len(tokenizer) <= 1 << 16 else np.int32
    parts: dict[str, list[np.ndarray]] = {}
    lengths: list[int] = []
    for begin in range(0, len(texts), _CHUNK_SIZE):
        encoded = tokenizer(list(texts[begin : begin + _CHUNK_SIZE]), truncation=True)
        here = [len(ids) for ids in encoded["input_ids"]]
        lengths += here
        for name in encoded:
            kind = id_type if name == "input_ids" else np.uint8
            parts.setdefault(name, []).append(np.fromiter(chain.from_iterable(encoded[name]), kind, sum(here)))
    counts = np.asarray(lengths, dtype=np.int32)
    starts = np.cumsum(counts, dtype=np.int64) - counts
    columns = {name: _short(np.concatenate(flats)) for name, flats in parts.items()}
    return TokenizedDataset(columns, starts, counts, np.asarray(label_ids, dtype=np.int32))


def _short(flat: np.ndarray) -> np.ndarray:
    """A single number for an array that holds no other."""
    return flat[:1].reshape(()).copy() if len(flat) and (flat == flat[0]).all() else flat
