"""Charts of classes, and the confusion matrix."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.charts.examples import EMOTIONS, report_of, valid
from trainer.charts import classes
from trainer.charts.colours import class_colours
from trainer.charts.confusion import confusion_chart
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
    assert valid(confusion_chart(report, share_of="true"))


def test_seventy_seven_real_intents_have_names_that_are_told_apart(shared):
    table = read_table((shared / "data/quirks/banking77_test.csv").read_bytes())
    corpus = build_corpus(table, text=0, label=1)
    matrix = confusion_chart(build_report(corpus.label_ids, np.roll(corpus.label_ids, 1), corpus.label_names), share_of="true")
    assert len(set(matrix["layout"]["yaxis"]["categoryarray"])) == 77
    for max_width in (16, 22):
        assert len(set(shorten_names(corpus.label_names, max_width))) == 77
