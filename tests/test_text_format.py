"""Number formats; 100 % and 0 % are shown for exact values only."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.text_format import (
    decimal,
    duration,
    file_size,
    millions,
    percent,
    percent_range,
    pluralize,
    points,
    split_first_sentence,
    time_ago,
)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (0.9034, "90.3 %"),
        (1.0, "100.0 %"),
        (0.0, "0.0 %"),
        (3199 / 3200, "99.97 %"),
        (1 / 3200, "0.03 %"),
        (0.00049, "0.05 %"),
        (99_999 / 100_000, "99.999 %"),
        (1 - 1e-9, "over 99.999 %"),
        (1e-9, "under 0.001 %"),
    ],
)
def test_percent(ratio: float, expected: str) -> None:
    assert percent(ratio) == expected


def test_whole_percentages() -> None:
    assert [percent(ratio, 0) for ratio in (0.708, 0.997, 1.0, 0.004, 0.0)] == ["71 %", "99.7 %", "100 %", "0.4 %", "0 %"]


def test_ranges_and_decimals() -> None:
    assert percent_range(0.891, 0.9143) == "89.1 to 91.4 %"
    assert percent_range(0.9982, 0.99999) == "99.8 to 99.999 %"
    assert percent_range(0.0, 1.0) == "0.0 to 100.0 %"
    assert [decimal(ratio) for ratio in (0.82, 1.0, 0.997, 0.9999, 0.0, 0.002)] == ["0.82", "1.00", "0.997", "0.9999", "0.00", "0.002"]


def test_points_have_a_real_minus_and_no_difference_that_is_one_is_zero() -> None:
    assert [points(d) for d in (0.05, -0.046, 0.0, -0.0, 1 / 3200, -0.0001)] == ["5.0", "−4.6", "0.0", "0.0", "0.03", "−0.01"]


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (12_480, "12,480 rows"), (1_000_000, "1,000,000 rows")]
)
def test_pluralize(number: int, expected: str) -> None:
    assert pluralize(number, "row") == expected


def test_pluralize_with_a_plural_of_its_own() -> None:
    assert pluralize(1, "class", "classes") == "1 class"
    assert pluralize(3, "class", "classes") == "3 classes"


@pytest.mark.parametrize(
    ("ratio", "expected"), [(None, ""), (0.0, "0.0 %"), (0.9034, "90.3 %"), (1.0, "100.0 %"), (3199 / 3200, "99.97 %")]
)
def test_percent_of_a_ratio_or_none(ratio: float | None, expected: str) -> None:
    assert percent(ratio) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, ""),
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 0 min"),
        (3660, "1 h 1 min"),
        (90_000, "25 h 0 min"),
    ],
)
def test_duration(seconds: float | None, expected: str) -> None:
    assert duration(seconds) == expected


def test_millions() -> None:
    assert millions(22_713_216) == "22.7 million"


@pytest.mark.parametrize(("size", "expected"), [(0, "0 KB"), (563_400, "563 KB"), (92_400_000, "92.4 MB"), (1_520_000_000, "1.5 GB")])
def test_file_size(size: int, expected: str) -> None:
    assert file_size(size) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "just now"),
        (40, "just now"),
        (400, "6 minutes ago"),
        (10_000, "2 hours ago"),
        (90_000, "1 day ago"),
        (200_000, "2 days ago"),
    ],
)
def test_how_long_ago(seconds: float, expected: str) -> None:
    assert time_ago(seconds) == expected


@settings(deadline=None)
@given(st.integers(1, 10_000_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.integers(0, 3))
def test_100_and_0_percent_are_exact(counts: tuple[int, int], digits: int) -> None:
    right, rows = counts
    for formatted, maximum in ((percent(right / rows, digits), 100), (decimal(right / rows, digits), 1)):
        number = float(re.sub("[^0-9.]", "", formatted))
        assert (number == maximum) == (right == rows)
        assert (number == 0) == (right == 0)
        if not formatted.startswith(("under", "over")):
            assert abs(number - maximum * right / rows) <= 0.5 * 10**-digits * 1.000001


def test_a_first_sentence_ends_before_the_next_and_not_at_a_decimal_point() -> None:
    assert split_first_sentence("3.5 % of rows are odd. Look at them. Twice.") == ("3.5 % of rows are odd.", "Look at them. Twice.")
    assert split_first_sentence("See file.csv for more") == ("See file.csv for more", "")
    assert split_first_sentence("") == ("", "")
