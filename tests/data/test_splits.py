"""Train, validation and test."""

import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cpu_time import cpu_time
from tests.data.examples import several_of
from trainer.data.corpus import Corpus
from trainer.data.duplicates.near_duplicates import find_near_duplicates
from trainer.data.duplicates.normalize import duplicate_key
from trainer.data.splits import Splits, split
from trainer.errors import UserError

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SHARES = {"validation_share": 0.1, "test_share": 0.2}


def corpus_of(texts, labels, given_split=None) -> Corpus:
    names = tuple(sorted(set(labels)))
    return Corpus(
        texts=tuple(texts),
        label_ids=np.array([names.index(label) for label in labels], dtype=np.int64),
        label_names=names,
        source_rows=np.arange(len(texts), dtype=np.int64),
        lines=np.arange(1, len(texts) + 1, dtype=np.int64),
        given_split=None if given_split is None else tuple(given_split),
        dropped=(),
    )


def parts(splits: Splits) -> list[np.ndarray]:
    return [splits.train, splits.validation, splits.test, splits.excluded]


def assert_partition(corpus: Corpus, splits: Splits) -> None:
    assert sorted(np.concatenate(parts(splits)).tolist()) == list(range(len(corpus)))
    for part in parts(splits):
        assert part.dtype == np.int64
        assert part.tolist() == sorted(part.tolist())
    groups = find_near_duplicates(corpus.texts).groups
    for keys in ([duplicate_key(text) for text in corpus.texts], groups.tolist()):
        train, validation, test = ({keys[row] for row in part} for part in parts(splits)[:3])
        assert not train & validation
        assert not train & test
        assert not validation & test


def test_shares_are_exact_and_every_class_keeps_its_own():
    labels = [
        name
        for name, n_rows in [("joy", 5_362), ("sad", 4_666), ("fear", 1_937), ("anger", 2_159), ("love", 1_304), ("wow", 572)]
        for _ in range(n_rows)
    ]
    corpus = corpus_of([f"text {n}" for n in range(16_000)], labels)
    splits = split(corpus, **SHARES, seed=42)
    assert_partition(corpus, splits)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (11_200, 1_600, 3_200)
    assert splits.split_notes == ()
    for label, n_rows in Counter(corpus.label_ids.tolist()).items():
        assert abs((corpus.label_ids[splits.test] == label).sum() - 0.2 * n_rows) <= 1
        assert abs((corpus.label_ids[splits.validation] == label).sum() - 0.1 * n_rows) <= 1


def test_the_seed_decides_and_the_order_of_rows_does_not():
    texts, labels = [f"text {n}" for n in range(300)], [f"class {n % 3}" for n in range(300)]
    one = split(corpus_of(texts, labels), **SHARES, seed=1)
    again = split(corpus_of(texts, labels), **SHARES, seed=1)
    other = split(corpus_of(texts, labels), **SHARES, seed=2)
    turned = split(corpus_of(texts[::-1], labels[::-1]), **SHARES, seed=1)
    assert one.test.tolist() == again.test.tolist() != other.test.tolist()
    assert sorted((299 - turned.test).tolist()) == one.test.tolist()


def test_a_corrected_label_moves_few_rows():
    texts, labels = [f"text {n}" for n in range(300)], [f"class {n % 3}" for n in range(300)]
    test_rows = set(split(corpus_of(texts, labels), **SHARES, seed=1).test.tolist())
    labels[7] = "class 2"
    assert len(test_rows ^ set(split(corpus_of(texts, labels), **SHARES, seed=1).test.tolist())) <= 4


def test_doubles_stay_together_whatever_their_case_blanks_and_label():
    texts = [f"text {n // 2}" if n % 2 else f" TEXT  {n // 2}" for n in range(200)]
    corpus = corpus_of(texts, ["joy" if n % 3 else "fear" for n in range(200)])
    assert_partition(corpus, split(corpus, **SHARES, seed=0))


NEAR = ["we waited {} hours and nobody came", "we waited {} hours and nobody cam", "We waited {} hours, and nobody came! http://t.co/x"]


def test_near_duplicates_stay_together_whatever_their_label():
    texts = [NEAR[n % 3].format(n // 3) for n in range(300)]
    corpus = corpus_of(texts, ["joy" if n % 2 else "fear" for n in range(300)])
    splits = split(corpus, **SHARES, seed=0)
    assert_partition(corpus, splits)
    assert {row // 3 for row in splits.test.tolist()} == {row // 3 for row in splits.test.tolist() if row % 3 == 0}
    assert 54 <= len(splits.test) <= 66


def test_in_twenty_one_thousand_rows_no_planted_pair_is_torn_apart():
    rng = random.Random(11)
    known = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 9))) for _ in range(3_000)]
    texts = [" ".join(rng.choices(known, k=rng.randint(8, 14))) for _ in range(21_000)]
    places = [rng.randrange(len(text)) for text in texts[:1_000]]
    changed = [
        text[:at] + ("", "q", f"q{text[at]}")[n % 3] + text[at + 1 :] for n, (text, at) in enumerate(zip(texts, places, strict=False))
    ]
    texts += [f"{text.upper()}!" for text in texts[1_000:1_500]] + changed
    splits = split(corpus_of(texts, [f"class {rng.randrange(3)}" for _ in texts]), **SHARES, seed=0)
    part = np.empty(len(texts), np.int64)
    for number, rows in enumerate(parts(splits)):
        part[rows] = number
    assert np.array_equal(part[1_000:1_500], part[21_000:21_500])
    assert np.array_equal(part[:1_000], part[21_500:])


def test_groups_that_are_known_are_not_sought_again(monkeypatch):
    corpus = corpus_of([f"text {n}" for n in range(100)], ["joy" if n % 2 else "fear" for n in range(100)])
    monkeypatch.delattr("trainer.data.splits.find_near_duplicates")
    splits = split(corpus, **SHARES, seed=0, groups=np.arange(100) // 5)
    for number in range(20):
        assert sum(bool({row // 5 for row in part.tolist()} & {number}) for part in parts(splits)) == 1


def test_small_classes():
    labels = ["big"] * 50 + ["one"] + ["two"] * 2 + ["three"] * 3
    corpus = corpus_of([f"text {n}" for n in range(len(labels))], labels)
    splits = split(corpus, **SHARES, seed=3)
    counts = {
        name: [sum(corpus.label_names[corpus.label_ids[row]] == name for row in part) for part in parts(splits)] for name in set(labels)
    }
    assert counts["one"] == [1, 0, 0, 0]
    assert counts["two"] == [1, 0, 1, 0]
    assert counts["three"] == [1, 1, 1, 0]
    assert len(splits.split_notes) == 2
    assert "The class “one” has only one text" in splits.split_notes[0]
    assert "The class “two” has only two different texts" in splits.split_notes[1]


def test_a_class_whose_texts_all_have_another_label_too_is_trained_on():
    texts = [f"text {n}" for n in range(40)] * 2
    labels = ["joy"] * 40 + ["fear"] * 20 + ["joy"] * 20
    corpus = corpus_of(texts, labels)
    splits = split(corpus, **SHARES, seed=0)
    assert_partition(corpus, splits)
    assert set(corpus.label_ids[splits.train].tolist()) == {0, 1}


@pytest.mark.parametrize("n_rows", [1, 2])
def test_too_few_rows(n_rows):
    corpus = corpus_of([f"text {n}" for n in range(n_rows)], ["joy", "fear"][:n_rows])
    with pytest.raises(UserError) as refusal:
        split(corpus, **SHARES, seed=0)
    assert refusal.value.code == "too_few_rows"


def test_one_training_class_is_too_few():
    corpus = corpus_of([f"text {n}" for n in range(10)], ["joy"] * 10)
    with pytest.raises(UserError) as refusal:
        split(corpus, **SHARES, seed=0)
    assert refusal.value.code == "too_few_rows"


def test_a_published_split_is_kept_and_doubles_leave_training():
    texts = [f"text {n}" for n in range(100)] + ["Text 3", "text  4", "text 95"] + [f"unseen {n}" for n in range(20)]
    given_split = ["train"] * 90 + ["validation"] * 10 + ["test"] * 2 + ["train"] + ["test"] * 20
    corpus = corpus_of(texts, ["joy" if n % 2 else "fear" for n in range(len(texts))], given_split)
    splits = split(corpus, **SHARES, seed=0)
    assert_partition(corpus, splits)
    assert splits.test.tolist() == [100, 101, *range(103, 123)]
    assert splits.excluded.tolist() == [3, 4, 102]
    assert splits.validation.tolist() == list(range(90, 100))
    assert splits.split_notes == (
        "2 rows left training because the same text is in the test rows.",
        "1 row left training because the same text is in the validation rows.",
    )


def test_near_duplicates_of_given_rows_leave_training_and_are_counted_apart():
    texts = [f"text {n}" for n in range(60)]
    texts += ["The train was late again!", "This train was late again", "the train was  late again", "text 7"]  # training rows
    texts += ["nobody told us a thing about it", "The train was late again @railway"]  # validation rows
    texts += ["the train was late again", "text 7", "nobody told us a thing about it :("]  # test rows
    given_split = ["train"] * 64 + ["validation"] * 2 + ["test"] * 3
    given_split[50:60] = ["validation"] * 10
    splits = split(corpus_of(texts, ["joy" if n % 2 else "fear" for n in range(len(texts))], given_split), **SHARES, seed=0)
    assert splits.test.tolist() == [66, 67, 68]
    assert splits.validation.tolist() == list(range(50, 60))
    assert splits.excluded.tolist() == [7, 60, 61, 62, 63, 64, 65]
    assert splits.split_notes == (
        "3 rows left training because the same text is in the test rows.",
        "2 rows left training because nearly the same text is in the test rows.",
        "2 rows left validation because nearly the same text is in the test rows.",
    )


def test_near_duplicates_of_validation_rows_leave_training():
    texts = [f"text {n}" for n in range(60)] + ["Text 55!", "text  56"]
    given_split = ["train"] * 50 + ["validation"] * 10 + ["train"] * 2
    splits = split(corpus_of(texts, ["joy" if n % 2 else "fear" for n in range(62)], given_split), **SHARES, seed=0)
    assert splits.excluded.tolist() == [60, 61]
    assert splits.split_notes[:2] == (
        "1 row left training because the same text is in the validation rows.",
        "1 row left training because nearly the same text is in the validation rows.",
    )


def test_validation_is_taken_from_training_where_none_is_given():
    corpus = corpus_of([f"text {n}" for n in range(300)], [f"class {n % 3}" for n in range(300)], ["train"] * 200 + ["test"] * 100)
    splits = split(corpus, **SHARES, seed=0)
    assert_partition(corpus, splits)
    assert (len(splits.train), len(splits.validation), len(splits.test)) == (180, 20, 100)
    assert "20 rows for it were taken from the training rows" in splits.split_notes[0]


def test_test_rows_are_taken_from_training_where_only_validation_is_given():
    corpus = corpus_of([f"text {n}" for n in range(300)], [f"class {n % 3}" for n in range(300)], ["train"] * 200 + ["validation"] * 100)
    splits = split(corpus, **SHARES, seed=0)
    assert_partition(corpus, splits)
    assert splits.validation.tolist() == list(range(200, 300))
    assert (len(splits.train), len(splits.test)) == (160, 40)
    assert splits.split_notes == ("No test rows are given: 40 rows for it were taken from the training rows.",)


def test_only_training_rows_given_means_a_split_of_our_own():
    corpus = corpus_of([f"text {n}" for n in range(100)], [f"class {n % 2}" for n in range(100)], ["train"] * 100)
    assert [len(part) for part in parts(split(corpus, **SHARES, seed=0))] == [70, 10, 20, 0]


def test_a_class_without_training_rows_is_refused():
    corpus = corpus_of(["a", "b", "c", "d", "e"], ["joy", "fear", "joy", "fear", "disgust"], ["train"] * 4 + ["test"])
    with pytest.raises(UserError) as refusal:
        split(corpus, **SHARES, seed=0)
    assert refusal.value.code == "unknown_class"
    assert "“disgust”" in refusal.value.message


@pytest.mark.parametrize("given_split", [["test"] * 20, ["validation"] * 20, ["validation", "test"] * 10])
def test_no_training_rows_at_all(given_split):
    corpus = corpus_of([f"text {n}" for n in range(20)], ["joy", "fear"] * 10, given_split)
    with pytest.raises(UserError) as refusal:
        split(corpus, **SHARES, seed=0)
    assert refusal.value.code == "too_few_rows"


_rows = st.lists(
    st.tuples(
        st.builds(lambda form, number: form.format(number), st.sampled_from(["text {}", "Text {}.", *NEAR]), st.integers(0, 30)),
        st.integers(0, 4),
        st.sampled_from(["train", "train", "validation", "test"]),
    ),
    min_size=1,
    max_size=120,
)


@QUICK
@given(
    rows=_rows,
    seed=st.integers(0, 2**31 - 1),
    validation_share=st.floats(0.01, 0.4),
    test_share=st.floats(0.01, 0.4),
    given_split=st.booleans(),
)
def test_any_split_is_a_partition_that_parts_no_doubles(rows, seed, validation_share, test_share, given_split):
    corpus = corpus_of(
        [text for text, _, _ in rows], [f"class {label}" for _, label, _ in rows], [o for *_, o in rows] if given_split else None
    )
    options = {"validation_share": validation_share, "test_share": test_share, "seed": seed}
    try:
        splits = split(corpus, **options)
    except UserError:  # too_few_rows or unknown_class
        return
    assert_partition(corpus, splits)
    assert min(map(len, parts(splits)[:3])) > 0
    again = split(corpus, **options)
    assert all((one == two).all() for one, two in zip(parts(splits), parts(again), strict=True))
    if not given_split:
        assert len(splits.excluded) == 0
        assert set(corpus.label_ids[splits.train].tolist()) == set(corpus.label_ids.tolist())
    else:
        test = [row for row, origin in enumerate(corpus.given_split) if origin == "test"]
        assert not test or splits.test.tolist() == test


@QUICK
@given(sizes=st.lists(st.integers(3, 80), min_size=2, max_size=6), seed=st.integers(0, 1000))
def test_without_doubles_every_class_has_its_share(sizes, seed):
    labels = [f"class {number}" for number, size in enumerate(sizes) for _ in range(size)]
    corpus = corpus_of([f"text {n}" for n in range(len(labels))], labels)
    splits = split(corpus, **SHARES, seed=seed)
    for label, size in enumerate(sizes):
        for part, ratio in ((splits.test, 0.2), (splits.validation, 0.1)):
            n_rows = (corpus.label_ids[part] == label).sum()
            assert n_rows >= 1
            assert abs(n_rows - size * ratio) <= 1


@QUICK
@given(rows=_rows, seed=st.integers(0, 1000), rng=st.randoms(use_true_random=False), given_split=st.booleans())
def test_which_texts_are_tested_does_not_depend_on_the_order_of_rows(rows, seed, rng, given_split):
    turned = sorted(rows, key=lambda _: rng.random())
    outcomes = []
    for order in (rows, turned):
        corpus = corpus_of(
            [text for text, _, _ in order], [f"class {label}" for _, label, _ in order], [o for *_, o in order] * given_split
        )
        try:
            splits = split(corpus if given_split else replace(corpus, given_split=None), **SHARES, seed=seed)
            outcomes.append(([sorted(corpus.texts[row] for row in part) for part in parts(splits)], splits.split_notes))
        except UserError as refusal:
            outcomes.append(refusal.code)
    assert outcomes[0] == outcomes[1]


# --- several labels a text ------------------------------------------------------------------------------------------------


def several(texts, label_sets, given_split=None) -> Corpus:
    parts_of_rows = given_split or [None] * len(texts)
    corpus = several_of(*zip(texts, label_sets, parts_of_rows, strict=True))
    return corpus if given_split else replace(corpus, given_split=None)


def test_every_label_has_its_share_of_each_part_and_a_rare_one_at_least_a_row():
    rng = np.random.default_rng(7)
    shares = {"joy": 0.4, "love": 0.2, "anger": 0.1, "fear": 0.03}
    labels = [[name for name, share in shares.items() if rng.random() < share] for _ in range(4_000)]
    labels[:3] = [["grief"], ["grief", "fear"], ["grief", "joy"]]
    corpus = several([f"text {n}" for n in range(4_000)], labels)
    splits = split(corpus, **SHARES, seed=42)
    assert_partition(corpus, splits)
    counts = corpus.label_counts
    assert not corpus.label_ids.any(axis=1).all()  # texts without labels
    for part, ratio in ((splits.train, 0.7), (splits.validation, 0.1), (splits.test, 0.2)):
        assert abs(len(part) - ratio * len(corpus)) <= 4
        assert (abs(corpus.label_ids[part].sum(axis=0) - ratio * counts) <= np.where(counts > 3, 1.5, 3)).all()
        assert corpus.label_ids[part].sum(axis=0).min() > 0


_label_sets = st.lists(st.tuples(st.integers(0, 40), st.sets(st.sampled_from("abcde"))), min_size=1, max_size=80)


@QUICK
@given(rows=_label_sets, seed=st.integers(0, 1000), rng=st.randoms(use_true_random=False), given=st.booleans())
def test_texts_with_several_labels_are_divided_alike_in_any_order(rows, seed, rng, given):
    rows = [(f"text {n} or so", labels, rng.choice(["train", "train", "validation", "test"])) for n, labels in rows]
    outcomes = []
    for order in (rows, sorted(rows, key=lambda _: rng.random())):
        corpus = several([text for text, *_ in order], [labels for _, labels, _ in order], [part for *_, part in order] * given or None)
        try:
            splits = split(corpus, **SHARES, seed=seed)
        except UserError as refusal:
            outcomes.append(refusal.code)
            continue
        assert_partition(corpus, splits)
        outcomes.append(([sorted((corpus.texts[row], corpus.label(row)) for row in part) for part in parts(splits)], splits.split_notes))
        if given and "test" in corpus.given_split:
            assert splits.test.tolist() == [row for row, part in enumerate(corpus.given_split) if part == "test"]
        if not given:
            assert corpus.label_ids[splits.train].any(axis=0).all()
    assert outcomes[0] == outcomes[1]


def test_fifty_thousand_rows_with_several_labels_take_seconds():
    labels = [{f"label {n % 28}", f"label {n % 27}"} for n in range(50_000)]
    corpus = several([f"text {n}" for n in range(50_000)], labels)
    with cpu_time() as spent:
        split(corpus, **SHARES, seed=0, groups=np.arange(50_000))
    assert spent.seconds < 10


def test_sixteen_thousand_rows_take_seconds():
    texts = [f"{NEAR[n % 2].format(n)} on platform {n % 97} of the station, {'so ' * (n % 13)}sad" for n in range(16_000)]
    with cpu_time() as spent:
        split(corpus_of(texts, [f"class {n % 6}" for n in range(16_000)]), **SHARES, seed=0)
    assert spent.seconds < 6
