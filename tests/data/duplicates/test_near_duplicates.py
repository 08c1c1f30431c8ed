"""Groups of near-duplicates."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz, process
from rapidfuzz.distance import Levenshtein

from tests.cpu_time import cpu_time
from trainer.data.duplicates.near_duplicates import MAX_GROUP, MIN_LETTERS, find_near_duplicates, find_nearly_equal
from trainer.data.duplicates.normalize import normalize_text
from trainer.data.duplicates.similar_pairs import MIN_SIMILARITY

QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def some_words(rng: random.Random, n: int) -> str:
    return " ".join("".join(rng.choices(ALPHABET, k=rng.randint(3, 8))) for _ in range(n))


def near_groups(texts) -> np.ndarray:
    return find_near_duplicates(texts).groups


def distinct_groups(groups: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(groups == number).tolist()) for number in np.unique(groups)}


def test_numbers_follow_the_first_occurrence():
    groups = near_groups(["b", "a", "B!", "c", "a."])
    assert groups.dtype == np.int64
    assert groups.tolist() == [0, 1, 0, 2, 1]
    assert near_groups([]).shape == (0,)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("i went home and cried all evening", "i went home and cryed all evening", True),
        ("i went home and cried all evening long", "i went home and cried all evening", True),
        ("I am happy today with it", "I am not happy today with it", True),  # on one side of the split, whatever their labels
        ("i went home and cried all evening", "i went out and danced all evening", False),
        ("so sad today", "so mad today", False),
        ("order 123 has not arrived yet", "order 124 has not arrived yet", False),
        ("order 123 has not arrived yet", "order 123 has not arived yet", True),
        ("\ud800 lone surrogates are texts too", "\ud800 lone surrogates are text too", True),
    ],
)
def test_typos_and_single_words(one, other, together):
    assert (near_groups([one, other]).tolist() == [0, 0]) is together
    assert find_nearly_equal(one, ["something else", other, f"{one} !"]).tolist() == ([1, 2] if together else [2])


def typo(rng: random.Random, text: str) -> str:
    """One letter substituted, inserted or deleted; never a blank, which normalizing may remove."""
    position = rng.choice([number for number, letter in enumerate(text) if letter.isalpha()])
    return text[:position] + rng.choice([rng.choice("qxz"), rng.choice("qxz") + text[position], ""]) + text[position + 1 :]


def test_in_twenty_one_thousand_rows_no_planted_pair_is_missed():
    rng = random.Random(11)
    known = some_words(rng, 3_000).split()
    texts = [" ".join(rng.choices(known, k=rng.randint(8, 14))) for _ in range(21_000)]
    equal = [f"{text.title()}!! @someone" for text in texts[:500]]
    changed = [typo(rng, text) for text in texts[500:1_500]]
    near = find_near_duplicates(texts + equal + changed)
    assert np.array_equal(near.groups[:1_500], near.groups[21_000:])
    assert not near.separated.any()
    assert not near.unchecked.any()


_LETTERS = st.sampled_from("abcdeABC   éßжσ你好日कलไม่🙂👍٣7!.#")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    text=st.text(alphabet=_LETTERS, min_size=MIN_LETTERS, max_size=60)
    | st.text(alphabet=_LETTERS, min_size=1, max_size=40).map(lambda t: t * 60),
    others=st.lists(st.text(alphabet=_LETTERS, max_size=40), max_size=5),
    place=st.floats(0, 1),
    what=st.sampled_from(["substituted", "inserted", "left out"]),
    letter=_LETTERS,
)
def test_two_texts_one_letter_apart_are_always_one_group(text, others, place, what, letter):
    one = normalize_text(text)
    at = int(place * (len(one) - 1)) if one else 0
    other = normalize_text(one[:at] + ("" if what == "left out" else letter) + one[at + (what != "inserted") :])
    digits = ["".join(filter(str.isdigit, normalized)) for normalized in (one, other)]
    if min(len(one), len(other)) < MIN_LETTERS or digits[0] != digits[1] or Levenshtein.distance(one, other) > 1:
        return
    near = find_near_duplicates([one, *others, other])
    assert near.groups[0] == near.groups[-1]


def test_planted_typos_are_found():
    rng = random.Random(5)
    originals = [some_words(rng, rng.randint(6, 40)) for _ in range(500)]
    changed = []
    for text in originals:
        tokens = text.split()
        position = rng.randrange(len(tokens))
        tokens[position] = tokens[position][:-1] + rng.choice(ALPHABET) if rng.random() < 0.5 else tokens[position] + "s"
        changed.append(" ".join(tokens))
    groups = near_groups(originals + changed)
    assert np.array_equal(groups[:500], groups[500:])
    assert groups.max() == 499


@pytest.mark.parametrize("template", ["this is text number {}", "order {} has not arrived", "Ticket {}: the printer is on fire again!"])
def test_texts_that_differ_in_digits_are_not_joined(template):
    assert near_groups([template.format(number) for number in range(3_000)]).max() == 2_999


def test_a_chain_of_templated_texts_does_not_swallow_the_file():
    rng = random.Random(1)
    texts = [f"dear {''.join(rng.choices(ALPHABET, k=6))} your order was sent and will arrive at your door on monday" for _ in range(4_000)]
    sizes = np.bincount(near_groups(texts))
    assert 2 <= sizes.max() <= MAX_GROUP[1] * len(texts)
    small = np.bincount(near_groups(texts[:300]))
    assert small.max() <= MAX_GROUP[0]


def test_rows_that_the_largest_group_keeps_apart_are_counted():
    rng = random.Random(1)
    texts = [f"dear {''.join(rng.choices(ALPHABET, k=6))} your order was sent and will arrive at your door on monday" for _ in range(300)]
    near = find_near_duplicates([*texts, "nobody came to see the garden this year", "nobody came to see the gardens this year"])
    assert near.separated[:300].all()
    assert near.separated[300:].tolist() == [False, False]


def test_texts_of_which_too_many_have_the_same_words_are_counted_as_unchecked(monkeypatch):
    for limit in ("_MAX_EXHAUSTIVE", "_BUCKET_PAIRS"):
        monkeypatch.setattr(f"trainer.data.duplicates.similar_pairs.{limit}", 0)
    rng = random.Random(2)
    texts = [" ".join(rng.choices(["alpha", "bravo", "delta"], k=150)) for _ in range(400)]
    near = find_near_duplicates([*texts, "nobody came to see the garden this year"])
    assert near.unchecked[:400].mean() > 0.9
    assert not near.unchecked[400]


def templated_text(rng: random.Random, vocabulary: list[str]) -> str:
    one, two, three, four, five = rng.choices(vocabulary, k=5)
    return f"I bought the {one} from the {two} store and the {three} was {four} so I am very {five} about the whole experience"


@pytest.mark.parametrize(("rows", "at_most"), [(4_000, 0), pytest.param(7_000, 0.01, marks=pytest.mark.slow)])
def test_of_pairs_of_templated_texts_hardly_any_is_missed_in_silence(rows, at_most):
    rng = random.Random(rows + 60)
    vocabulary = ["".join(rng.choice("bcdfghjklmnp") + rng.choice("aeiou") for _ in range(3)) for _ in range(60)]
    texts = list(dict.fromkeys(normalize_text(templated_text(rng, vocabulary)) for _ in range(rows)))
    near = find_near_duplicates(texts)
    likeness = process.cdist(texts[:3_000], texts, scorer=fuzz.ratio, score_cutoff=MIN_SIMILARITY, dtype=np.uint8)
    one, other = np.nonzero(np.triu(likeness, 1))
    assert len(one) > 200
    reported = near.unchecked | near.separated
    missed = (near.groups[one] != near.groups[other]) & ~reported[one] & ~reported[other]
    assert missed.mean() <= at_most
    assert near.unchecked.mean() < 0.01


def test_links_joined_many_at_a_time_make_the_groups_of_one_at_a_time(monkeypatch):
    rng = random.Random(1)
    texts = [f"dear {''.join(rng.choices(ALPHABET, k=6))} your order was sent and will arrive at your door on monday" for _ in range(300)]
    groups = near_groups(texts)
    for links in (1, 70):
        monkeypatch.setattr("trainer.data.duplicates.near_duplicates._LINKS_PER_BATCH", links)
        assert np.array_equal(near_groups(texts), groups)


def test_a_text_of_over_a_million_letters_is_counted_as_unchecked(monkeypatch):
    monkeypatch.setattr("trainer.data.duplicates.near_duplicates._MAX_LETTERS", 50)
    near = find_near_duplicates(["we waited for an hour and nobody came " * 2, "we waited for an hour and nobody came", "Short one"])
    assert near.unchecked.tolist() == [True, False, False]


def test_many_equal_texts_are_one_group_and_keep_their_near_duplicate():
    texts = ["i have no complaints about it at all"] * 500 + ["i have no complaint about it at all"] + [f"text {n}" for n in range(500)]
    groups = near_groups(texts)
    assert set(groups[:501].tolist()) == {0}
    assert groups.max() == 500


def test_many_long_texts_with_the_same_ends_are_told_apart():
    rng = random.Random(7)
    head, tail = some_words(rng, 60), some_words(rng, 60)
    templated = [f"{head} {some_words(rng, 40)} {tail}" for _ in range(2_500)]
    others = [some_words(rng, 160) for _ in range(2_500)]
    changed = [text[:40] + "x" + text[41:] for text in templated[:20] + others[:20]]
    texts = templated + others + changed
    assert sum(map(len, texts)) > 4_000_000
    groups = near_groups(texts)
    assert np.array_equal(groups[2_500:2_520], groups[5_020:])
    assert len(set(groups[:5_000].tolist())) == 5_000


_texts = st.lists(
    st.builds(
        lambda base, cut, tail: base[:cut] + base[cut + 1 :] + tail,
        st.sampled_from(["we waited for an hour and nobody came", "we waited for two hours and nobody came to us", "Short one", "ok :) "]),
        st.integers(0, 45),
        st.sampled_from(["", "", "!", " @bob", " 7", " please", " 😀"]),
    ),
    max_size=40,
)


@QUICK
@given(texts=_texts, rng=st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order_of_rows(texts, rng):
    check_that_order_does_not_matter(texts, rng)


@QUICK
@given(texts=_texts, rng=st.randoms(use_true_random=False), max_exhaustive=st.sampled_from([0, 5_000]))
def test_nor_do_they_where_time_is_short(texts, rng, max_exhaustive):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (
            ("_MAX_EXHAUSTIVE", max_exhaustive),
            ("_CROWD", 2),
            ("_BUCKET_PAIRS", 0),
            ("_NEIGHBOURS", 1),
            ("_PAIRS", (4, 0)),
            ("_LETTER_PAIRS", 6_000),
            ("_SLICE", 5),
        ):
            patch.setattr(f"trainer.data.duplicates.similar_pairs.{name}", value)
        check_that_order_does_not_matter(texts, rng)


def check_that_order_does_not_matter(texts: list[str], rng: random.Random) -> None:
    order = list(range(len(texts)))
    rng.shuffle(order)
    groups = near_groups(texts)
    turned = near_groups([texts[row] for row in order])
    back = np.empty(len(texts), np.int64)
    back[order] = turned
    assert distinct_groups(groups) == distinct_groups(back)
    firsts = [np.flatnonzero(groups == number)[0] for number in range(len(distinct_groups(groups)))]
    assert firsts == sorted(firsts)
    normalized = [normalize_text(text) for text in texts]
    assert all(groups[a] == groups[b] for a in range(len(texts)) for b in range(a) if normalized[a] == normalized[b])


_LINE = "the quick brown fox jumps over the lazy dog and runs "


@pytest.mark.parametrize(
    "texts",
    [
        [_LINE * 200] * 3_000,
        [_LINE * 2_000 + str(number) for number in range(40)],
        list("abcdefgh") * 2_000,
        ["a" * length for length in range(20, 2_000)],
        [mark * 50_000 for mark in ("@", "www.", "http", ":(", "=-", "(:", "'", "\u0301", "e\u0301'", "rt ")],
        ["rt" + " " * 100_000 + "@", "http://" * 20_000, "@" + "a" * 100_000],
        [random.Random(seed).randbytes(80).decode("latin-1") for seed in range(3_000)],
    ],
    ids=["equal long texts", "100 kB", "one letter", "one letter repeated", "marks", "near misses", "random bytes"],
)
def test_odd_texts_take_no_time(texts):
    with cpu_time() as spent:
        assert near_groups(texts).shape == (len(texts),)
    assert spent.seconds < 3


def test_twenty_thousand_tweets_take_seconds():
    rng = random.Random(3)
    vocabulary = some_words(rng, 4_000).split()
    texts = [" ".join(rng.choices(vocabulary, weights=range(1, 4_001), k=rng.randint(5, 30))) for _ in range(20_000)]
    with cpu_time() as spent:
        near_groups(texts)
    assert spent.seconds < 6


@pytest.mark.parametrize(
    ("n_words", "length"), [pytest.param(60, 31, marks=pytest.mark.slow), (60, 160), pytest.param(4_000, 160, marks=pytest.mark.slow)]
)
def test_twenty_thousand_longer_texts_do_too(n_words, length):
    rng = random.Random(3)
    known = some_words(rng, n_words).split()
    texts = [" ".join(rng.choices(known, k=length)) for _ in range(20_000)]
    with cpu_time() as spent:
        near_groups(texts)
    assert spent.seconds < 7
