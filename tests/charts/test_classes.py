"""Charts of classes, and the confusion matrix."""

import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.charts.examples import EMOTIONS, report_of, valid
from trainer.charts import classes
from trainer.charts.colours import class_colours
from trainer.data.corpus import build_corpus
from trainer.data.files.reading import read_file
from trainer.evaluation.report import make_report


def test_counts_are_sorted_and_labelled():
    figure = valid(classes.class_counts_chart(("few", "joy", "many"), (10, 335, 655)))
    bars = figure["data"][0]
    assert bars["x"] == [655, 335, 10]
    assert bars["text"] == ["655 · 65.5 %", "335 · 33.5 %", "10 · 1.0 %"]
    assert figure["layout"]["yaxis"]["ticktext"] == ["many", "joy", "few"]
    assert figure["layout"]["yaxis"]["range"] == [2.5, -0.5]  # the first on top
    assert bars["marker"]["color"][1] == class_colours(("few", "joy", "many"))[1]
    assert figure["layout"]["height"] == 220
    assert classes.class_counts_chart(range(77), [5] * 77)["layout"]["height"] > 77 * 17
    assert valid(classes.class_counts_chart((), ()))["data"][0]["x"] == []


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
    report = make_report(np.array([t for t, _ in rows]), np.array([p for _, p in rows]), ("sadness", "joy", "love"))
    figure = valid(classes.confusion_chart(report, by_row=False))
    heat, numbers = figure["data"]
    assert heat["hovertext"][0][1] == "true sadness, said joy: 12 of 581 (2.1 %)"
    assert heat["customdata"][0][1] == [0, 1]
    assert heat["z"][1][0] is None  # nobody said sadness for joy: an empty cell
    assert dict(zip(zip(numbers["y"], numbers["x"], strict=True), numbers["text"], strict=True)) == {
        (0, 0): "569",
        (0, 1): "12",
        (1, 1): "100",
    }
    assert figure["layout"]["yaxis"]["range"] == [2.5, -0.5]  # the diagonal runs down
    by_row = valid(classes.confusion_chart(report, by_row=True))
    assert by_row["data"][1]["text"] == ["98 %", "2 %", "100 %"]
    assert by_row["data"][0]["z"][1][1] == 1


def test_a_cell_of_a_row_with_one_mistake_is_not_a_hundred_per_cent():
    labels = np.zeros(3200, int)
    predicted = np.where(np.arange(3200) == 7, 1, labels)
    report = make_report(labels, predicted, ("sadness", "joy"))
    heat, numbers = classes.confusion_chart(report, by_row=True)["data"]
    assert numbers["text"] == ["&gt;99 %", "&lt;1 %"]
    assert "(99.97 %)" in heat["hovertext"][0][0]
    assert "(0.03 %)" in heat["hovertext"][0][1]


def test_many_classes_have_no_numbers_and_small_names():
    assert len(classes.confusion_chart(report_of([str(i) for i in range(25)]), by_row=True)["data"]) == 2
    figure = valid(classes.confusion_chart(report_of([f"intent {i}" for i in range(77)], 3000), by_row=True))
    assert len(figure["data"]) == 1
    assert 1000 <= figure["layout"]["height"] <= 1200
    assert len(figure["layout"]["xaxis"]["ticktext"]) == 77


@pytest.mark.parametrize("count", [1, 2, 77, 500])
def test_charts_of_many_classes_are_valid_and_quick(count):
    names = [f"class {i}" for i in range(count)]
    report = report_of(names, 6000)
    counts, lengths = report.confusion.sum(axis=1), [np.arange(1, 30)] * count
    makers = {
        "counts": lambda: classes.class_counts_chart(names, counts),
        "lengths": lambda: classes.text_lengths_chart(names, lengths),
        "confusion": lambda: classes.confusion_chart(report, by_row=True),
    }
    for name, make in makers.items():
        times = []
        for _ in range(3):
            start = time.perf_counter()
            figure = make()
            times.append(time.perf_counter() - start)
        assert min(times) < 1.0, name
        valid(figure)


def test_seventy_seven_intents_are_drawn_in_under_a_second(shared):
    table = read_file(shared / "data/quirks/banking77_test.csv")
    corpus = build_corpus(table, text=0, label=1)
    begun = time.perf_counter()
    lengths = [np.array([len(t.split()) for t, label in zip(corpus.texts, corpus.label_ids, strict=True) if label == i]) for i in range(77)]
    counts = classes.class_counts_chart(corpus.label_names, [len(of) for of in lengths])
    boxes = classes.text_lengths_chart(corpus.label_names, lengths)
    confusion = classes.confusion_chart(make_report(corpus.label_ids, np.roll(corpus.label_ids, 1), corpus.label_names), by_row=True)
    assert time.perf_counter() - begun < 1
    for figure in (counts, boxes, confusion):
        ticks = figure["layout"]["yaxis"]["ticktext"]
        assert len(ticks) == 77
        # Each name has room for a line of its own.
        assert figure["layout"]["height"] / 77 > 11
