"""Pairs of texts one letter apart."""

import random

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from trainer.data.duplicates.letter_blocks import hash_digits
from trainer.data.duplicates.one_letter_pairs import one_letter_pairs


def components(n_texts: int, one, other) -> list[int]:
    return connected_components(coo_array((np.ones(len(one)), (one, other)), shape=(n_texts, n_texts)), directed=False)[1].tolist()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(st.text(alphabet="ab", min_size=2, max_size=9) | st.text(alphabet="ab 1é漢", min_size=2, max_size=6), max_size=60))
def test_they_link_the_same_texts_as_comparing_every_pair(texts):
    texts = sorted(set(texts))
    digits = hash_digits(texts)
    one, other = one_letter_pairs(texts, digits)
    every = [
        (at, to)
        for at in range(len(texts))
        for to in range(at)
        if digits[at] == digits[to] and Levenshtein.distance(texts[at], texts[to]) == 1
    ]
    assert {(int(b), int(a)) for a, b in zip(one, other, strict=True)} <= set(every)
    if texts:
        assert components(len(texts), one, other) == components(len(texts), *np.array(every, dtype=int).reshape(-1, 2).T)


def test_in_texts_of_thousands_of_letters_too():
    rng = random.Random(3)
    texts = ["".join(rng.choices("abcdefgh ", k=rng.randint(2_000, 9_000))) for _ in range(60)]
    places = [rng.randrange(len(text)) for text in texts]
    changed = [
        text[:at] + ("", "x", f"x{text[at]}")[n % 3] + text[at + 1 :] for n, (text, at) in enumerate(zip(texts, places, strict=True))
    ]
    one, other = one_letter_pairs(texts + changed, np.zeros(120, np.uint32))
    assert sorted(zip(one.tolist(), other.tolist(), strict=True)) == [(n, n + 60) for n in range(60)]
