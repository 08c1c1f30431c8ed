"""Charts of classes, and the confusion matrix."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.charts.examples import EMOTIONS, report_of, valid
from trainer.charts import classes
from trainer.charts.colours import class_colours
from trainer.charts.layout import shorten_names
from trainer.data.corpus import build_corpus
from trainer.data.files.read_table import read_table
from trainer.evaluation.report import build_report


def test_classes_stand_in_the_order_of_their_counts_in_their_colours():
    names = ("few", "joy", "many")
    figure = valid(classes.text_lengths_chart(names, [range(1, 11), range(1, 336), range(1, 656)]))
    assert figure["layout"]["yaxis"]["ticktext"] == ["many", "joy", "few"]
    assert figure["layout"]["yaxis"]["range"] == [2.5, -0.5]  # the first on top
    assert figure["data"][1]["line"]["color"] == class_colours(names)[1]
    assert figure["layout"]["height"] == 220
    assert [trace["type"] for trace in valid(classes.text_lengths_chart((), ()))["data"]] == ["scatter"]


def test_text_lengths_send_five_numbers_per_class_in_the_order_of_the_counts():
    lengths = [[4, 5, 6], [1, 2, 3, 4, 100], [], [7]]
    figure = valid(classes.text_lengths_chart(("a", "b", "c", "d"), lengths))
    assert figure["layout"]["yaxis"]["ticktext"] == ["b", "a", "d", "c"]
    boxes = [t for t in figure["data"] if t["type"] == "box"]
    assert [box["y"] for box in boxes] == [[0], [1], [2]]  # "c" has no texts, and no box
    b = boxes[0]
    assert (b["lowerfence"], b["q1"], b["median"], b["q3"], b["upperfence"]) == ([1], [2], [3], [4], [4])
    assert figure["data"][-1]["hovertext"][0] == "b: half of the texts have 2 to 4 words, the median is 3, the longest has 100"
    generator = np.random.default_rng(0)
    big = classes.text_lengths_chart(EMOTIONS, [generator.integers(1, 60, 40_000) for _ in EMOTIONS])
    assert len(json.dumps(big)) < 10_000


@settings(deadline=None)
@given(lengths=st.lists(st.lists(st.integers(0, 500)), min_size=1, max_size=5))
def test_whiskers_enclose_their_box(lengths):
    figure = valid(classes.text_lengths_chart([str(i) for i in range(len(lengths))], lengths))
    for box in figure["data"][:-1]:
        numbers = [box[key][0] for key in ("lowerfence", "q1", "median", "q3", "upperfence")]
        assert numbers == sorted(numbers)


def test_confusion_says_in_a_sentence_what_a_cell_means():
    rows = [(0, 0)] * 569 + [(0, 1)] * 12 + [(1, 1)] * 100
    report = build_report(np.array([t for t, _ in rows]), np.array([p for _, p in rows]), ("sadness", "joy", "love"))
    figure = valid(classes.confusion_chart(report, by_row=False))
    heat, numbers = figure["data"]
    assert heat["z"][0][0] > 0 > heat["z"][0][1]  # right answers have one colour, mistakes the other
    assert heat["hovertext"][0][1] == "true sadness, predicted joy: 12 of 581 (2.1 %)"
    assert heat["customdata"][0][1] == [0, 1]
    assert heat["z"][1][0] is None  # nobody said sadness for joy: an empty cell
    assert dict(zip(zip(numbers["y"], numbers["x"], strict=True), numbers["text"], strict=True)) == {
        ("sadness", "sadness"): "569",
        ("sadness", "joy"): "12",
        ("joy", "joy"): "100",
    }
    assert figure["layout"]["yaxis"]["range"] == [2.5, -0.5]  # the diagonal runs down
    by_row = valid(classes.confusion_chart(report, by_row=True))
    assert by_row["data"][1]["text"] == ["98 %", "2 %", "100 %"]
    assert by_row["data"][0]["z"][1][1] == 1


def test_a_cell_of_a_row_with_one_mistake_is_not_a_hundred_per_cent():
    labels = np.zeros(3200, int)
    predicted = np.where(np.arange(3200) == 7, 1, labels)
    report = build_report(labels, predicted, ("sadness", "joy"))
    heat, numbers = classes.confusion_chart(report, by_row=True)["data"]
    assert numbers["text"] == ["&gt;99 %", "&lt;1 %"]
    assert "(99.97 %)" in heat["hovertext"][0][0]
    assert "(0.03 %)" in heat["hovertext"][0][1]


def test_a_confusion_matrix_fills_its_width_and_has_numbers_where_they_fit():
    def confusion(n):
        return valid(classes.confusion_chart(report_of([f"intent number {i} of many more" for i in range(n)], 3000), by_row=True))

    assert [len(confusion(n)["data"]) for n in (2, 15, 16, 77)] == [2, 2, 1, 1]
    assert "without" not in confusion(8)["layout"]["meta"]["phone"]
    assert confusion(9)["layout"]["meta"]["phone"]["without"] == [confusion(9)["data"][1]["name"]] == ["numbers"]
    layout = confusion(77)["layout"]
    assert not {"max_width", "min_width"} & layout["meta"].keys()
    assert layout["height"] < 620
    assert layout["meta"]["phone"]["height"] < 420
    # Categories: plotly leaves out names that do not fit, and writes them when the reader zooms in.
    assert layout["xaxis"]["type"] == layout["yaxis"]["type"] == "category"
    assert layout["yaxis"]["categoryarray"] == confusion(77)["data"][0]["y"]
    assert len(set(layout["yaxis"]["categoryarray"])) == 77
    assert "ticktext" not in layout["yaxis"]


def test_the_table_of_a_confusion_matrix_has_every_pair_and_of_very_many_classes_those_with_rows():
    table = classes.confusion_chart(report_of(("a", "<b>", "c" * 99)), by_row=True)["layout"]["meta"]["table"]
    assert table["header"] == ["true", "predicted", "rows"]
    assert table["names"] == ["a", "<b>", "c" * 99]
    assert [row[:2] for row in table["rows"]] == [[i, j] for i in range(3) for j in range(3)]
    assert sum(row[2] for row in table["rows"]) == 1000
    many = classes.confusion_chart(report_of([str(i) for i in range(200)], 500), by_row=True)["layout"]["meta"]["table"]
    assert 0 < len(many["rows"]) <= 500
    assert all(row[2] for row in many["rows"])


def test_of_very_many_classes_both_ends_are_drawn_and_the_rest_is_counted():
    names = [f"intent {i}" for i in range(77)]
    counts = [100 - i for i in range(77)]
    boxes = valid(classes.text_lengths_chart(names, [list(range(n)) for n in counts]))
    axis = boxes["layout"]["yaxis"]
    assert axis["ticktext"] == [*names[:10], "<i>57 more</i>", *names[-10:]]
    assert axis["range"] == [20.5, -0.5]
    assert [row[0] for row in boxes["layout"]["meta"]["table"]["rows"]] == list(range(77))
    assert boxes["layout"]["height"] < 560
    assert [t["y"] for t in boxes["data"] if t["type"] == "box"] == [[i] for i in (*range(10), *range(11, 21))]
    assert len(classes.text_lengths_chart(names[:25], [[1]] * 25)["layout"]["yaxis"]["ticktext"]) == 25


@pytest.mark.parametrize("n", [1, 2, 77, 500])
def test_charts_of_any_number_of_classes_are_valid(n):
    names = [f"class {i}" for i in range(n)]
    report = report_of(names, 6000)
    assert valid(classes.text_lengths_chart(names, [np.arange(1, 30)] * n))
    assert valid(classes.confusion_chart(report, by_row=True))


def test_seventy_seven_real_intents_have_names_that_are_told_apart(shared):
    table = read_table((shared / "data/quirks/banking77_test.csv").read_bytes())
    corpus = build_corpus(table, text=0, label=1)
    confusion = classes.confusion_chart(build_report(corpus.label_ids, np.roll(corpus.label_ids, 1), corpus.label_names), by_row=True)
    assert len(set(confusion["layout"]["yaxis"]["categoryarray"])) == 77
    for max_width in (16, 22):
        assert len(set(shorten_names(corpus.label_names, max_width))) == 77
