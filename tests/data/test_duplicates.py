"""Folding texts, and groups of near-duplicates."""

import random
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trainer.data.corpus import normal_form
from trainer.data.duplicates import LARGEST_GROUP, fold_text, near_groups

QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ODD = st.text(
    alphabet=st.one_of(st.characters(), st.sampled_from("aeEßİǰ \t'’.:;=-()[]/\\dpo@<3rtwW&_(\u0301\u0323\u200d\ufe0fﬁ①Å・।…")), max_size=40
)
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def some_words(rng: random.Random, count: int) -> str:
    return " ".join("".join(rng.choices(ALPHABET, k=rng.randint(3, 8))) for _ in range(count))


def distinct_groups(groups: np.ndarray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(groups == number).tolist()) for number in np.unique(groups)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Great day", "  great   DAY "),
        ("Great day!", "great, day..."),
        ("I don't know", "I don’t know"),
        ("I don't know", "i dont know"),
        ("I don´t know", "I don＇t know"),
        ("so happy http://t.co/abc", "so happy"),
        ("so happy https://example.com/a?b=c#d", "so happy www.example.com"),
        ("so happyhttps://t.co/abc", "so happy"),
        ("@anna so happy", "@bob_2 so happy"),
        ("RT @anna: so happy", "so happy"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("Straße", "STRASSE"),
        ("cafe\u0301", "café"),
        ("❤️ you", "❤ you"),
        ("zero\u200bwidth", "zerowidth"),
        ("@anna今天真开心https://t.co/a", "@bob_2今天真开心https://t.co/b"),
        ("//@小明:开心", "//@小红：开心"),
        ("你好，世界！", "你好 世界"),
        ("great :)", "great 🙂"),
        ("great :-)))", "great :)"),
        ("(: great", "🙂 great"),
        ("#happy", "happy"),
    ],
)
def test_the_same_after_folding(one, other):
    assert fold_text(one) == fold_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (":)", ":("),
        ("great :)", "great :("),
        ("great :-)", "great ;)"),
        ("great :D", "great :/"),
        ("great :'(", "great :)"),
        ("great 😀", "great 😡"),
        ("great", "great 😡"),
        ("???", "!!!"),
        ("http://example.com/a", "http://example.com/b"),
        ("@anna", "@bob"),
        ("i paid 5", "i paid 6"),
        ("C", "C++"),
        ("कल", "काल"),
        ("ไม่ดี", "ไม่ดู"),
        ("a<3", "a</3"),
        ("@小明今天真开心 哈", "@小红今天好难过 哈"),
        ("https://t.co/a今天真开心", "https://t.co/a今天好难过"),
        ("สวัสดี@สมชายวันนี้ดีมาก", "สวัสดี@สมชายวันนี้แย่มาก"),
    ],
)
def test_different_after_folding(one, other):
    assert fold_text(one) != fold_text(other)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("see the note:(below)", "see the note below"),
        ("from 12:30 to 1:30", "from 12 30 to 1 30"),
        ("ratio 3:d", "ratio 3 d"),
        ("a path c:/windows", "a path c windows"),
        ("Aww. so cute", "aww so cute"),
        ("anna@example.com wrote", "anna example com wrote"),
        ("josé@example.com wrote", "josé example com wrote"),
        ("@10 each, see (https://x.com/a). Great!", "10 each see great"),
        ("हिन्दी में!", "हिन्दी में"),
        ("", ""),
    ],
)
def test_what_stays(text, folded):
    assert fold_text(text) == folded


@QUICK
@given(text=ODD)
def test_folding_twice_is_folding_once(text):
    assert fold_text(fold_text(text)) == fold_text(text)


@QUICK
@given(text=ODD)
def test_doubles_are_near_duplicates(text):
    assert fold_text(normal_form(text)) == fold_text(text)
    assert fold_text(f" {text.upper()}\n") == fold_text(normal_form(text.upper()))


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


def test_beyond_the_limit_only_equal_folds_are_joined():
    texts = ["i went home and cried all evening", "i went home and cryed all evening", "I went home and cried all evening!"]
    assert near_groups(texts, fuzzy_rows=2).tolist() == [0, 0, 0]
    assert near_groups(texts, fuzzy_rows=1).tolist() == [0, 1, 0]


def test_planted_typos_are_found():
    rng = random.Random(5)
    originals = [some_words(rng, rng.randint(6, 40)) for _ in range(500)]
    changed = []
    for text in originals:
        words = text.split()
        place = rng.randrange(len(words))
        words[place] = words[place][:-1] + rng.choice(ALPHABET) if rng.random() < 0.5 else words[place] + "s"
        changed.append(" ".join(words))
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
    assert 2 <= sizes.max() <= LARGEST_GROUP[1] * len(texts)
    small = np.bincount(near_groups(texts[:300]))
    assert small.max() <= LARGEST_GROUP[0]


def test_many_equal_texts_are_one_group_and_keep_their_near_duplicate():
    texts = ["i have no complaints about it at all"] * 500 + ["i have no complaint about it at all"] + [f"text {n}" for n in range(500)]
    groups = near_groups(texts)
    assert set(groups[:501].tolist()) == {0}
    assert groups.max() == 500


def test_of_many_long_texts_the_ends_decide_and_the_rest_is_compared():
    rng = random.Random(7)
    head, tail = some_words(rng, 60), some_words(rng, 60)
    templated = [f"{head} {some_words(rng, 40)} {tail}" for _ in range(2_500)]  # of 4 million letters, each may have 800
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
@given(texts=_texts, rng=st.randoms(use_true_random=False))
def test_nor_do_they_where_time_is_short(texts, rng):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("_LONG", 36), ("_LETTERS", 300), ("_CLOSEST", 4), ("_PAIRS", 10)):
            patch.setattr(f"trainer.data.duplicates.{name}", value)
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
    folds = [fold_text(text) for text in texts]
    assert all(groups[a] == groups[b] for a in range(len(texts)) for b in range(a) if folds[a] == folds[b])


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
    start = time.process_time()
    assert near_groups(texts).shape == (len(texts),)
    assert time.process_time() - start < 3


def test_twenty_thousand_tweets_take_seconds():
    rng = random.Random(3)
    words = some_words(rng, 4_000).split()
    texts = [" ".join(rng.choices(words, weights=range(1, 4_001), k=rng.randint(5, 30))) for _ in range(20_000)]
    start = time.process_time()
    near_groups(texts)
    assert time.process_time() - start < 6  # twice what it may take, for a busy machine


@pytest.mark.parametrize(("words", "each"), [(60, 31), (60, 160), (4_000, 160)])
def test_twenty_thousand_longer_texts_do_too(words, each):
    rng = random.Random(3)
    known = some_words(rng, words).split()
    texts = [" ".join(rng.choices(known, k=each)) for _ in range(20_000)]
    start = time.process_time()
    near_groups(texts)
    assert time.process_time() - start < 7
