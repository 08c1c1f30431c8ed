"""Spellings of one label, several labels in one cell, measurements."""

import random
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cpu_time import cpu_time
from trainer.data.labels import find_separator, is_date, is_measurement, normalize_label, split_cells, split_labels


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Joy", "joy "),
        ("Joy", "J\u200boy"),
        ("Joy", "ＪＯＹ"),
        ("Joy", "\ufeffjoy"),
        ("Joy", "\tJOY\xa0"),
        ("not spam", "Not \u2009  spam"),
        ("not spam", "not\nspam"),
        ("café", unicodedata.normalize("NFD", "CAFÉ")),
        ("Straße", "STRASSE"),
        ("ΣΟΦΟΣ", "σοφος"),
        ("کتاب‌ها", "کتابها"),
        ("ｶﾞ", "ガ"),
        ("❤️", "❤"),
        ("don’t know", "Don't know"),
        ("7–10", "7-10"),
        ("non\u2011fiction", "non-fiction"),
        ("“good”", '"good"'),
        ("", "\u200b "),
    ],
)
def test_spellings_of_one_label(one, other):
    assert normalize_label(one) == normalize_label(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("not spam", "notspam"),
        ("no table", "notable"),
        ("a-b", "a b"),
        ("joy", "joie"),
        ("🏴\U000e0067\U000e007f", "🏴\U000e0077\U000e007f"),
    ],
)
def test_labels_that_stay_apart(one, other):
    assert normalize_label(one) != normalize_label(other)


@given(st.text())
def test_folding_twice_changes_nothing(label):
    folded = normalize_label(label)
    assert normalize_label(folded) == folded
    assert normalize_label(f" {label}\u200b\t") == folded


EMOTIONS = ("joy", "anger", "fear", "sadness")


@pytest.mark.parametrize(
    ("counts", "separator"),
    [
        ({"27": 900, "4": 300, "4,27": 60, "0,4": 40, "0": 200, "4,0,27": 9}, ","),
        ({"1": 90, "5": 80, "1, 5": 30, "5, 3": 20, "3": 9}, ","),
        (dict.fromkeys(("0", "1", "2", "0,1", "0,2", "1,2"), 10), ","),
        ({"joy;anger": 5, "joy;fear": 4, "anger;fear": 3}, ";"),
        ({"joy": 50, "fear": 40, "joy; fear": 20}, ";"),
        ({"joy|fear": 3, "joy": 9, "fear": 8}, "|"),
        ({"joy/anger": 5, "joy/fear": 5, "joy": 20, "anger": 20, "fear": 10}, "/"),
        ({"joy+fear": 5, "joy+anger": 5, "joy": 20, "anger": 20, "fear": 10}, "+"),
        ({"joy, fear": 5, "fear, anger": 4, "joy": 20, "anger": 9}, ","),
        ({"喜び、怒り": 5, "怒り": 9, "喜び": 9}, "、"),
        ({"فرح، غضب": 5, "فرح": 9, "غضب": 9}, "،"),
        ({"['joy', 'anger']": 4, "['joy']": 10, "['fear']": 3}, ","),
        ({'["joy","anger"]': 3, '["joy"]': 3}, ","),
        ({"['joy' 'anger']": 3, "['joy']": 3}, " "),
        ({"[27]": 9, "[ 4 27]": 3}, " "),
        ({"[4, 27]": 3, "[27]": 9, "[]": 1}, ","),
        ({"{'joy', 'anger'}": 4, "{'joy'}": 10}, ","),
        ({"['type: bug', 'area: docs']": 4, "['type: bug']": 10}, ","),
    ],
)
def test_several_labels_in_one_cell(counts, separator):
    assert find_separator(counts) == separator


@pytest.mark.parametrize(
    "counts",
    [
        {},
        {"joy": 3},
        {"joy": 30, "fear": 20, "anger": 10},
        {"Arts, Crafts & Sewing": 9, "Toys & Games": 8, "Health, fitness": 5, "Health, beauty": 5, "Books": 9},
        {"STYLE & BEAUTY": 9, "ARTS & CULTURE": 8, "CULTURE & ARTS": 7, "ARTS": 5, "STYLE": 5},
        {"N/A": 5, "yes": 9, "no": 3},
        {"and/or": 3, "and": 9, "or": 4},
        {"1,000": 5, "2,000": 4, "1": 4, "2": 3, "1,500": 2},
        {"3,5": 30, "4,5": 20, "2,5": 10, "4": 30, "5": 20, "3": 9, "2": 5},
        {"Paris, France": 4, "Lyon, France": 4, "Paris, Texas": 3},
        {"sport/football": 9, "sport/tennis": 8, "politics/eu": 7, "politics/us": 5},
        {f"{day:02}/{month:02}/2020": 3 for day in range(1, 28) for month in range(1, 12)},
        {f"May {day}, {year}": 1 for day in range(1, 28) for year in range(2000, 2020)},
        {f"{whole},{part}": 1 for whole in range(1, 5) for part in range(10, 90)},
        dict.fromkeys(("1", "1,3", "1,7", "2", "2,3", "2,7", "3", "3,7", "4"), 30),
        dict.fromkeys(("1", "1,25", "1,5", "1,75", "2", "2,25", "2,5", "2,75", "3"), 30),
        dict.fromkeys(("0", "0,25", "0,75", "1", "1,25"), 60),
        {"joy": 5_000, "anger": 5_000, "joy;anger": 1},
        {"['not spam']": 5, "['spam']": 5},
        {"['Arts, Crafts']": 5, "['Books']": 5},
        {"{'joy': 1, 'fear': 0}": 5, "{'joy': 0, 'fear': 1}": 5},
    ],
)
def test_one_label_in_each_cell(counts):
    assert find_separator(counts) is None


@pytest.mark.parametrize(
    ("cell", "separator", "parts"),
    [
        ("4,27", ",", ("4", "27")),
        (" 1, 5 ,", ",", ("1", "5")),
        ("joy", ";", ("joy",)),
        ("['joy', 'anger']", ",", ("joy", "anger")),
        ('["joy","anger"]', ",", ("joy", "anger")),
        ("['joy' 'anger']", " ", ("joy", "anger")),
        ("""["Can't tell", 'Arts, Crafts']""", ",", ("Can't tell", "Arts, Crafts")),
        ("[ 4 27]", " ", ("4", "27")),
        ('"joy";“fear”', ";", ("joy", "fear")),
        ("[]", ",", ()),
        ("", ",", ()),
        (" ; ", ";", ()),
    ],
)
def test_split(cell, separator, parts):
    assert split_labels(cell, separator) == parts


@given(st.text(), st.sampled_from([",", ";", "|", "/", " "]))
def test_any_cell_can_be_split(cell, separator):
    assert all(part == part.strip() and part for part in split_labels(cell, separator))


@pytest.mark.parametrize(
    "counts",
    [
        {"3.25": 1, "2.8": 1, "1.1": 1, "4": 1},
        {f"{n / 7:.3f}": 2 for n in range(100)},
        {f"{n / 7:.2f}".replace(".", ","): 2 for n in range(100)},
        {f"-{n / 7:.9f}": 1 for n in range(100)},
        {f"{n / 10}": 500 for n in range(50)},
        {f"{n / 9:.4e}": 2 for n in range(100)},
        {f"{n / 3:.1f} %": 2 for n in range(100)},
        {f"{n / 7:.3f}": 20 for n in range(100)} | {"unknown": 5},
    ],
)
def test_measurements(counts):
    assert is_measurement(counts)


@pytest.mark.parametrize(
    "counts",
    [
        {},
        {str(n / 2): 20 for n in range(2, 11)},
        {str(n / 2).replace(".", ","): 20 for n in range(2, 11)},
        {"1.0": 3, "2.0": 4, "3.0": 3},
        {"0.33": 50, "0.67": 40, "1.0": 90},
        {str(n): 1 for n in range(100)},
        {"1,000": 3, "2,500": 3, "12,750": 3, "3,125": 1},
        {"1.2.3": 3, "1.2.4": 4, "2.0.0": 3},
        {"2020-01-01": 3, "12:30": 4, "01/02/2020": 2},
        {"27": 900, "4": 300, "4,27": 260, "0,4": 240, "0": 200, "4,0,27": 90},
        {"joy": 30, "fear": 20, "3.14": 1},
        {f"{n / 7:.3f}": 2 for n in range(100)} | {"none": 400},
    ],
)
def test_classes_are_no_measurements(counts):
    assert not is_measurement(counts)


def test_a_million_different_cells_take_no_time():
    rng = random.Random(5)
    counts = {f"{rng.random()}, text {n}; a/b": 1 for n in range(1_000_000)}
    # What looking once at each cell takes on this machine, in this minute.
    start = time.process_time()
    assert sum("; a/b" in cell and cell.split(", ")[0] != "" for cell in counts) == len(counts)
    once = time.process_time() - start
    for function in (find_separator, is_measurement):
        start = time.process_time()
        assert not function(counts)
        assert time.process_time() - start < 20 * once


@pytest.mark.parametrize(
    ("cells", "parts"),
    [
        (["Prices, fees", "Prices, fees, Parking", "Parking", "Staff", "Staff, Parking"], ("Prices, fees", "Parking")),
        (["joy, fear", "joy, fear, awe", "awe", "joy", "joy, awe"], ("joy", "fear", "awe")),
        (["a, b, c", "a, b, c, d", "d", "e", "d, e"], ("a, b, c", "d")),
    ],
)
def test_parts_that_never_stand_apart_are_one_label(cells, parts):
    assert split_cells(dict.fromkeys(cells, 5))[cells[1]] == parts


def test_cells_with_one_label_each_are_not_split():
    assert split_cells({"joy": 5, "fear": 4}) == {}


@pytest.mark.parametrize(
    "label",
    ["2025-01-03", "2025-01-03 00:00:00", "3.1.2025", "03/01/25", "3-Jan", "03. Jan", "Jan-03", "6 Apr", "1. Mai", "2-Mrz", "Dec 24"],
)
def test_days(label):
    assert is_date(label)


@pytest.mark.parametrize("label", ["1-3", "7+", "2024", "May", "3", "1.5", "1.10", "1/2", "Jan", "marching", "12:30", "3-D"])
def test_no_days(label):
    assert not is_date(label)


def test_hundreds_of_inseparable_parts_in_thousands_of_cells_take_linear_time():
    # Each option "a7, b7" has a comma, and each cell three of them.
    cells = [",".join(f"a{part},b{part}" for part in (n % 400, n * 7 % 400, n * 11 % 400)) for n in range(4_000)]
    with cpu_time() as spent:
        split = split_cells(dict.fromkeys([*cells, *(cells[0] for _ in range(9))], 1) | {"c": 9, "d,c": 9, "c,d": 9})
    assert spent.seconds < 0.6
    assert all(part[0] in "cd" or ", b" in part for parts in split.values() for part in parts)


def test_a_list_of_quotation_marks_takes_linear_time():
    with cpu_time() as spent:
        split_labels("['" + "\\'" * 40_000 + "]", ",")
    assert spent.seconds < 0.5


def test_one_row_of_two_labels_that_stand_alone_elsewhere_names_several():
    assert find_separator({"Room, bed": 20, "Noise": 20, "Room, bed; Noise": 1}) == ";"
    assert find_separator({"Room, bed": 20, "Noise": 20, "Room; Noise": 1}) is None
    assert find_separator({"room": 100, "noise": 100, "room, noise": 1}) is None
