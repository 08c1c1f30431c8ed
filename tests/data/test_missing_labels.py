"""Labels that stand for none, and those that only look like it."""

import pytest

from trainer.data.missing_labels import explain_no_value, find_missing_labels, is_written_like


def counts(*names):
    return dict.fromkeys(names, 5)


@pytest.mark.parametrize(
    "mark",
    [
        "NULL",
        "null",
        "nan",
        "unsup",
        "Unlabeled",
        "not labelled",
        "todo",
        "skip",
        "SKIP",
        "skipped",
        "TBC",
        "not assigned",
        "no annotation",
        "to label",
        "needs label",
        "not yet coded",
        "not labelled yet",
        "uncoded",
        "not rated",
        "undefiniert",
        "не указано",
        "brak odpowiedzi",
        "tbd",
        "?",
        "-",
        "--",
        "N/A",
        "n/a",
        "na",
        "None",
        "-1",
        "99",
        "(blank)",
    ],
)
def test_marks_beside_words(mark):
    assert find_missing_labels(counts(mark, "good", "bad", "meh")).marks == (mark,)


@pytest.mark.parametrize(
    ("names", "marks"),
    [
        (("-1", "0", "1", "2"), ("-1",)),
        (("-1", "1", "2", "3"), ("-1",)),
        (("1", "2", "3", "4", "5", "99"), ("99",)),
        (("1", "2", "98", "99"), ("98", "99")),
        (("0", "1", "2", "-9", "-99"), ("-9", "-99")),
        (("?", "todo", "good", "bad"), ("?", "todo")),
        (("999", "10", "20", "30"), ("999",)),
    ],
)
def test_numbers_that_stand_for_no_answer(names, marks):
    assert find_missing_labels(counts(*names)).marks == marks


@pytest.mark.parametrize(
    "names",
    [
        ("NONE", "FAVOR", "AGAINST"),
        ("NA", "EU", "APAC"),
        ("none", "joy", "anger"),
        ("n/a", "yes", "no"),
        ("N/A", "Yes", "No"),
        ("brak", "dobry", "zły"),
        ("skip", "play", "pause"),
        ("skip", "next_track", "previous_track"),
        ("skip_song", "good", "bad"),
        ("None", "Good", "Bad"),
        ("0", "1", "2"),
        ("0", "good", "bad"),
        ("-1", "0", "1"),
        ("-1", "1"),
        ("-2", "-1", "0", "1", "2"),
        ("97", "98", "99", "100"),
        ("1", "2", "50", "99"),
        ("+", "-", "0"),
        (".", "?", "!"),
        ("other", "unknown", "neutral"),
        ("NULL", "spam"),
        ("no code", "bug", "feature"),
        ("not available", "delivery", "price"),
    ],
)
def test_classes_that_look_like_marks_stay(names):
    assert find_missing_labels(counts(*names)).marks == ()


def test_doubtful_classes_are_named():
    assert find_missing_labels(counts("NONE", "FAVOR", "AGAINST")).classes == ("NONE",)
    assert find_missing_labels(counts("-1", "0", "1")).classes == ("-1",)
    assert find_missing_labels(counts("good", "bad")).classes == ()


def test_the_style_of_a_word():
    assert is_written_like("NA", ["EU", "US", "1"])
    assert is_written_like("none", ["joy", "none"])
    assert not is_written_like("NA", ["good", "bad"])
    assert not is_written_like("None", ["joy", "anger"])


def test_cells_without_a_value():
    for error in ("#N/A", "#NAME?", "#ref!", "#WERT!", "#DIV/0!"):
        assert error in explain_no_value(error)
    assert "databases" in explain_no_value("\\N")
    assert [explain_no_value(cell) for cell in ("#happy", "#N/A today", "\\No", "", "N/A")] == [None] * 5
