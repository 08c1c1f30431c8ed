"""Pairs of texts that have nearly all letters in common."""

import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from tests.bench.duplicates import CHANGES, plant, realistic, templated
from trainer.data.duplicates.letter_blocks import hash_digits
from trainer.data.duplicates.normalize import normalize_text
from trainer.data.duplicates.similar_pairs import MIN_SIMILARITY, similar_pairs


@pytest.mark.parametrize("texts", [realistic, templated])
@pytest.mark.parametrize("max_exhaustive", [0, 10_000])
def test_of_planted_pairs_of_every_kind_at_least_ninety_nine_of_a_hundred_are_found(monkeypatch, texts, max_exhaustive):
    monkeypatch.setattr("trainer.data.duplicates.similar_pairs._MAX_EXHAUSTIVE", max_exhaustive)
    every, planted = plant(texts(4_000, seed=5), each=200, seed=6)
    every = [normalize_text(text) for text in every]
    del planted["equal when normalized"]
    by_alphabet = sorted(set(every))
    numbers = {text: number for number, text in enumerate(by_alphabet)}
    pairs = similar_pairs(by_alphabet, hash_digits(by_alphabet))
    pair_set = set(zip(pairs.one.tolist(), pairs.other.tolist(), strict=True))
    assert len(planted) == len(CHANGES) - 1
    for change, planted_pairs in planted.items():
        wanted = [tuple(sorted((numbers[every[one]], numbers[every[other]]))) for one, other in planted_pairs]
        assert np.mean([pair in pair_set for pair in wanted]) >= (1 if max_exhaustive else 0.99), change
    assert not pairs.unchecked.any()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("ab c", min_size=20, max_size=40), max_size=40, unique=True))
def test_of_few_texts_every_similar_pair_is_found(texts):
    texts.sort()
    pairs = similar_pairs(texts, hash_digits(texts))
    pair_set = set(zip(np.minimum(pairs.one, pairs.other).tolist(), np.maximum(pairs.one, pairs.other).tolist(), strict=True))
    every = combinations(range(len(texts)), 2)
    assert pair_set == {(one, other) for one, other in every if fuzz.ratio(texts[one], texts[other]) >= MIN_SIMILARITY}
    assert len(pair_set) == len(pairs.one)


def test_what_is_found_is_similar_and_the_most_similar_comes_first():
    every, _ = plant(templated(1_000, seed=1), each=50, seed=2)
    texts = sorted(set(every))
    pairs = similar_pairs(texts, hash_digits(texts))
    scores = [fuzz.ratio(texts[one], texts[other]) for one, other in zip(pairs.one, pairs.other, strict=True)]
    assert min(scores) >= MIN_SIMILARITY
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(("name", "value"), [("_PAIRS", (50, 0)), ("_LETTER_PAIRS", 100_000)])
def test_pairs_that_there_is_no_time_for_leave_their_texts_unchecked(monkeypatch, name, value):
    rng = random.Random(4)
    texts = sorted(
        {
            f"dear {rng.randbytes(4).hex().translate(str.maketrans('0123456789', 'ghijklmnop'))} your order will arrive at your door on monday"
            for _ in range(500)
        }
    )
    digits = hash_digits(texts)
    assert not similar_pairs(texts, digits).unchecked.all()
    monkeypatch.setattr(f"trainer.data.duplicates.similar_pairs.{name}", value)
    monkeypatch.setattr("trainer.data.duplicates.similar_pairs._SLICE", 1_000)
    assert similar_pairs(texts, digits).unchecked.mean() > 0.9


def test_no_text_at_all_and_one():
    for texts in ([], ["a text that stands alone here"]):
        pairs = similar_pairs(texts, hash_digits(texts))
        assert len(pairs.one) == len(pairs.other) == 0
        assert pairs.unchecked.tolist() == [False] * len(texts)
