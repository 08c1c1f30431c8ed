"""The order of training rows: every row once, batches of similar lengths, from (seed, epoch) alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.training.batching import LengthGroupedSampler, PaddingCollator, epoch_order
from trainer.training.encoders import Encoder


@given(st.lists(st.integers(1, 500), max_size=400), st.integers(1, 64), st.integers(0, 2**31 - 1), st.integers(0, 20))
def test_every_row_once_and_the_same_each_time(lengths: list[int], batch: int, seed: int, epoch: int) -> None:
    order = epoch_order(np.array(lengths, dtype=int), batch_size=batch, seed=seed, epoch=epoch)
    assert sorted(order.tolist()) == list(range(len(lengths)))
    assert (order == epoch_order(np.array(lengths, dtype=int), batch_size=batch, seed=seed, epoch=epoch)).all()


def test_the_global_generators_play_no_part() -> None:
    lengths = np.arange(1000) % 37
    np.random.seed(1)
    first = epoch_order(lengths, batch_size=16, seed=5, epoch=1)
    np.random.seed(2)
    assert (first == epoch_order(lengths, batch_size=16, seed=5, epoch=1)).all()
    assert (first != epoch_order(lengths, batch_size=16, seed=5, epoch=2)).any()
    assert (first != epoch_order(lengths, batch_size=16, seed=6, epoch=1)).any()


def test_batches_need_little_padding() -> None:
    lengths = np.random.default_rng(0).integers(3, 120, size=16_000)

    def padded(order: np.ndarray) -> int:
        return sum(32 * lengths[order[i : i + 32]].max() for i in range(0, len(order), 32))

    grouped = padded(epoch_order(lengths, batch_size=32, seed=0, epoch=0))
    shuffled = padded(np.random.default_rng(1).permutation(len(lengths)))
    assert grouped < 1.06 * lengths.sum()
    assert grouped < 0.6 * shuffled


@given(st.lists(st.integers(1, 500), min_size=8, max_size=400), st.integers(1, 8), st.integers(0, 20))
def test_the_longest_full_batch_comes_first(lengths: list[int], batch: int, epoch: int) -> None:
    read = np.array(lengths)[epoch_order(np.array(lengths), batch_size=batch, seed=1, epoch=epoch)]
    full = read[: len(read) // batch * batch].reshape(-1, batch)
    assert full[0].max() == full.max()


def test_the_sampler_follows_the_epoch_it_is_told() -> None:
    sampler = LengthGroupedSampler([5, 1, 4, 2, 3, 9, 8, 7], batch_size=2, seed=3)
    first = list(sampler)
    sampler.set_epoch(1)
    assert list(sampler) == epoch_order(sampler.lengths, batch_size=2, seed=3, epoch=1).tolist()
    sampler.set_epoch(0)
    assert list(sampler) == first
    assert len(sampler) == 8


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_batch_is_what_the_tokenizer_would_make_of_it(tiny_encoder: Encoder, side: str) -> None:
    from transformers import DataCollatorWithPadding

    from trainer.training.encoder_loading import load_tokenizer
    from trainer.training.tokenized_dataset import tokenize_dataset

    tokenizer = load_tokenizer(tiny_encoder, max_length=8)
    tokenizer.padding_side = side
    rows = tokenize_dataset(tokenizer, ["happy", "we cry at home again", "so furious today and then it was very slam"], [2, 0, 1])
    wanted, made = DataCollatorWithPadding(tokenizer)([dict(row) for row in rows]), PaddingCollator(tokenizer)(rows)
    assert set(made) == set(wanted)
    for name, values in made.items():
        assert values.tolist() == wanted[name].tolist()
        assert values.dtype == wanted[name].dtype
