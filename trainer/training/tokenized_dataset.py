"""Tokenized texts in a few flat arrays: about 60 bytes per tweet, where a list of numbers for each takes 7,000."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_CHUNK_SIZE = 2_000
"""Texts per call of the tokenizer: what it returns is a hundred times as large as what is kept."""


@dataclass(frozen=True)
class TokenizedDataset:
    """Texts as an encoder reads them, truncated and not padded; a dataset for transformers' Trainer."""

    columns: dict[str, np.ndarray]
    """By the tokenizer's names ("input_ids", ...), the values of all texts concatenated; a single number if all values are the same."""
    starts: np.ndarray
    """Where each text begins, shape (n,)."""
    lengths: np.ndarray
    """Tokens of each text, shape (n,)."""
    labels: np.ndarray
    """Of each text, in the task's shape: int32 (n,) class ids or, for several labels a text, float32 (n, classes), as transformers' loss wants them."""
    teacher: np.ndarray | None = None
    """Probabilities that another model gives the classes of each text, float32 (n, classes), if the training learns from them (distillation.py)."""

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, row: int) -> dict[str, Any]:
        """Arrays (tokens,) by the tokenizer's names, "labels", a class id or (classes,), and "teacher", (classes,), if there is one. Raises IndexError."""
        start, length = self.starts[row], self.lengths[row]
        tokens = {
            name: np.broadcast_to(ids, length) if ids.ndim == 0 else ids[start : start + length] for name, ids in self.columns.items()
        }
        label = self.labels[row]
        taught = {} if self.teacher is None else {"teacher": self.teacher[row]}
        return {**tokens, "labels": label if label.ndim else int(label), **taught}

    def ordered(self, rows: np.ndarray) -> "TokenizedDataset":
        """The same texts in another order; the tokens stay where they are."""
        teacher = None if self.teacher is None else self.teacher[rows]
        return replace(self, starts=self.starts[rows], lengths=self.lengths[rows], labels=self.labels[rows], teacher=teacher)


def tokenize_dataset(tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], label_ids: np.ndarray) -> TokenizedDataset:
    """Tokenize texts, each truncated at the tokenizer's maximum length; ``label_ids`` in the task's shape, (n,) or (n, classes)."""
    id_type = np.uint16 if len(tokenizer) <= 1 << 16 else np.int32
    chunks: dict[str, list[np.ndarray]] = {}
    all_lengths: list[int] = []
    for start in range(0, len(texts), _CHUNK_SIZE):
        encoded = tokenizer(list(texts[start : start + _CHUNK_SIZE]), truncation=True)
        chunk_lengths = [len(ids) for ids in encoded["input_ids"]]
        all_lengths += chunk_lengths
        for name in encoded:
            dtype = id_type if name == "input_ids" else np.uint8
            chunks.setdefault(name, []).append(np.fromiter(chain.from_iterable(encoded[name]), dtype, sum(chunk_lengths)))
    lengths = np.asarray(all_lengths, dtype=np.int32)
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    columns = {name: _as_scalar_if_constant(np.concatenate(arrays)) for name, arrays in chunks.items()}
    labels = np.asarray(label_ids)
    return TokenizedDataset(columns, starts, lengths, labels.astype(np.int32 if labels.ndim == 1 else np.float32))


def _as_scalar_if_constant(flat: np.ndarray) -> np.ndarray:
    return flat[:1].reshape(()).copy() if len(flat) and (flat == flat[0]).all() else flat
