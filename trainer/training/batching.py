"""The order in which training rows are read, batches of similar lengths, from (seed, epoch) alone; and how a batch is made of rows.

The Trainer's own grouping draws from torch's global generator, so that it does not resume bit-equal in mid-epoch; this does.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Sampler

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_BATCHES_PER_POOL = 50


def epoch_order(lengths: np.ndarray, *, batch_size: int, seed: int, epoch: int) -> np.ndarray:
    """Row indices, shape (n,), such that each consecutive ``batch_size`` of them have similar lengths.

    Rows are shuffled, cut into pools of 50 batches, sorted by length within each pool, and the batches shuffled; then the one with the
    longest row comes first, so that what an epoch needs of memory is known, or found to be missing, at its first step.
    A last batch that is not full stays last.
    """
    random = np.random.default_rng([seed, epoch])
    shuffled = random.permutation(len(lengths))
    pool = batch_size * _BATCHES_PER_POOL
    pools = [shuffled[i : i + pool] for i in range(0, len(shuffled), pool)]
    by_length = np.concatenate([p[np.argsort(-lengths[p], kind="stable")] for p in pools]) if pools else shuffled
    full = len(by_length) // batch_size * batch_size
    batches = random.permutation(by_length[:full].reshape(-1, batch_size))
    if len(batches):
        longest = int(lengths[batches].max(axis=1).argmax())
        batches[[0, longest]] = batches[[longest, 0]]
    return np.concatenate([batches.reshape(-1), by_length[full:]])


class LengthGroupedSampler(Sampler[int]):
    """``epoch_order`` as torch's data loader wants it; the Trainer calls ``set_epoch``."""

    def __init__(self, lengths: Sequence[int], *, batch_size: int, seed: int) -> None:
        self.lengths = np.asarray(lengths)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        return iter(epoch_order(self.lengths, batch_size=self.batch_size, seed=self.seed, epoch=self.epoch).tolist())


class PaddingCollator:
    """Makes a batch of tokenised rows: each filled up to the longest of them. A fifteenth of the time of the tokenizer's own ``pad``."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._fillers = {"input_ids": tokenizer.pad_token_id or 0, "token_type_ids": tokenizer.pad_token_type_id}
        self._left = tokenizer.padding_side == "left"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Rows of token ids, attention mask ... and a label -> int64 tensors (n, longest), and ``labels`` (n,)."""
        lengths = [len(row["input_ids"]) for row in rows]
        longest = max(lengths)
        batch = {}
        for name in rows[0]:
            if name == "labels":
                batch[name] = torch.tensor([row[name] for row in rows])
                continue
            filled = np.full((len(rows), longest), self._fillers.get(name, 0), dtype=np.int64)
            for row, length, line in zip(rows, lengths, filled, strict=True):
                line[longest - length if self._left else 0 :][:length] = row[name]
            batch[name] = torch.from_numpy(filled)
        return batch
