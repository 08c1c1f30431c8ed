"""The order in which training rows are read: batches of similar lengths, from (seed, epoch) alone.

The Trainer's own grouping draws from torch's global generator, so that it does not resume bit-equal in mid-epoch; this does.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

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
