"""Spellings of one label."""

import pytest

from tests.cpu_time import cpu_time
from trainer.data.checks.label_variants import find_variants


@pytest.mark.parametrize(
    ("variant", "common"),
    [
        ("GOOD", "good"),
        ("I’d return", "I'd return"),
        ("7–10", "7-10"),
        ("non‑fiction", "non-fiction"),
        ("so\xa0 so", "so so"),
        ("Good.", "good"),
        ("good!", "good"),
        ("**Good**", "good"),
        ('"good"', "good"),
        ("“good”", "good"),
        ("(good)", "good"),
        ("- good", "good"),
        ("Label: good", "good"),
        ("The answer is: good.", "good"),
        ("**Sentiment:** good", "good"),
        ("The label is good", "good"),
        ("Sentiment - good", "good"),
        ("`good`", "good"),
        ("very_good", "very good"),
        ("1.0", "1"),
        ("01", "1"),
        ("007", "7"),
        ("−1", "-1"),
        ("好。", "好"),
    ],
)
def test_variants_become_the_common_spelling(variant, common):
    assert find_variants({variant: 2, common: 9, "another": 5}) == {variant: common}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C", "C++"),
        ("C", "C#"),
        ("A", "A*"),
        ("A", "A-"),
        ("1.1", "1.10"),
        ("1", "10"),
        ("1", "-1"),
        ("sure", "sure?"),
        (".", "..."),
        ("?", "!"),
        ("not spam", "notspam"),
        ("topic: good", "sentiment: good"),
        ("", "."),
    ],
)
def test_labels_that_stay_apart(one, other):
    assert find_variants({one: 5, other: 5}) == {}


def test_of_as_many_rows_the_plain_spelling_is_kept():
    assert find_variants({"Good.": 4, "Good": 4}) == {"Good.": "Good"}
    assert find_variants({"Label: bad": 4, "bad": 4}) == {"Label: bad": "bad"}


def test_all_spellings_of_a_label_become_one():
    assert find_variants({"Good": 9, "good": 1, "**Good**": 2, "Label: Good": 1, "bad": 9}) == dict.fromkeys(
        ["good", "**Good**", "Label: Good"], "Good"
    )


@pytest.mark.parametrize("label", ["0" * 40_000 + "x", "(" * 20_000 + "x" + ")" * 20_000])
def test_a_label_of_many_signs_takes_linear_time(label):
    with cpu_time() as spent:
        assert find_variants({label: 1, "good": 5, "007": 1, "7": 3}) == {"007": "7"}
    assert spent.seconds < 0.5


def test_a_padded_zero_is_zero():
    assert find_variants({"000": 1, "0": 5, "+0": 2}) == {"000": "0"}
