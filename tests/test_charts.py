import itertools
import json
import math
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer import charts
from trainer.charts import Curves, plain, smoothed
from trainer.colours import class_colours
from trainer.evaluation.report import make_report

EMOTIONS = ("sadness", "joy", "love", "anger", "fear", "surprise")
NASTY = ("<b>bold</b>", "<a href='http://x'>x</a> & co", "%{x} %{customdata}", "var(--chart-ink)", "line\nbreak", "y" * 300)


def valid(figure):
    """The figure as the browser gets it, after plotly's own validation."""
    text = json.dumps(figure, allow_nan=False)
    go.Figure(json.loads(text))
    return json.loads(text)


def run(steps=150, evaluations=6, **more):
    generator = np.random.default_rng(0)
    at = tuple(range(10, 10 * steps + 1, 10))
    eval_at = tuple(range(250, 250 * evaluations + 1, 250))
    return Curves(
        **{
            "key": "brisk otter",
            "steps": at,
            "loss": tuple(0.1 + 1.5 * math.exp(-s / 200) + 0.05 * generator.random() for s in at),
            "accuracy": tuple(0.95 - 0.6 * math.exp(-s / 200) for s in at),
            "eval_steps": eval_at,
            "eval_loss": tuple(0.2 + 1.4 * math.exp(-s / 200) for s in eval_at),
            "eval_accuracy": tuple(0.93 - 0.5 * math.exp(-s / 200) for s in eval_at),
            "eval_macro_f1": tuple(0.91 - 0.5 * math.exp(-s / 200) for s in eval_at),
            "total_steps": 1500,
            "epoch_steps": (500, 1000, 1500),
            "best_step": eval_at[-1] if eval_at else None,
        }
        | more
    )


def report_of(names, rows=1000, right=0.8, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, len(names), rows)
    return make_report(labels, np.where(generator.random(rows) < right, labels, generator.integers(0, len(names), rows)), tuple(names))


def trace(figure, **wanted):
    return next(t for t in figure["data"] if all(t.get(key) == value for key, value in wanted.items()))


def texts(figure):
    return [a["text"] for a in figure["layout"]["annotations"]]


# Names


def test_names_are_escaped_for_plotlys_markup():
    assert plain("<b>a</b> & <a href='x'>") == "&lt;b&gt;a&lt;/b&gt; &amp; &lt;a href='x'&gt;"
    assert plain("a\n b\tc") == "a b c"


@given(name=st.text())
def test_no_name_can_open_a_tag_or_an_entity(name):
    for shown in (plain(name), charts._short(name)):
        assert not set(shown) & set("<>\n")
        assert not re.search("&(?!amp;|lt;|gt;)", shown)


def test_long_names_are_shortened_on_axes_and_whole_on_hover():
    assert charts._short("y" * 300) == "y" * 21 + "…"
    assert charts._short("surprise") == "surprise"
    assert charts._short("感" * 30) == "感" * 10 + "…"  # these are twice as wide
    # An entity is never cut in two.
    assert charts._short("<" * 40) == "&lt;" * 21 + "…"
    figure = charts.class_counts_chart(["y" * 300, "b"], [3, 2])
    assert "y" * 300 in figure["data"][0]["hovertext"][0]


@pytest.mark.parametrize("names", [NASTY, EMOTIONS])
def test_class_names_reach_plotly_escaped_only(names):
    figures = [
        charts.class_counts_chart(names, range(1, len(names) + 1)),
        charts.text_lengths_chart(names, [[1, 2, 3]] * len(names)),
        charts.confusion_chart(report_of(names), by_row=False),
    ]
    for figure in map(valid, figures):
        shown = {**figure, "layout": {**figure["layout"], "meta": None}}  # the description is no markup: it becomes an attribute
        assert "<b>" not in json.dumps(shown)
        assert "<a " not in json.dumps(shown)
        # %{...} is filled in by plotly in templates only, and no name stands in one.
        templates = {t["hovertemplate"] for t in figure["data"] if "hovertemplate" in t}
        assert templates == {"%{hovertext}<extra></extra>"}
        assert not any("texttemplate" in t for t in figure["data"])


# Curves


@pytest.mark.parametrize("chart", [charts.loss_chart, charts.accuracy_chart])
@pytest.mark.parametrize(
    "points",
    [
        Curves("empty"),
        Curves("planned", total_steps=900, epoch_steps=(300, 600, 900)),
        Curves("first", (5,), (1.7,), (0.2,), total_steps=900),
        Curves("validation only", eval_steps=(5,), eval_loss=(0.5,), eval_accuracy=(0.7,), eval_macro_f1=(None,), best_step=5),
        Curves("broken", (1, 2, 3), (math.nan, math.inf, None), (None, None, None), total_steps=3),
        Curves("zero", (1, 2), (0.0, 0.0), (0.0, 0.0), total_steps=2),
        run(),
        run(30, 1),
    ],
    ids=lambda points: getattr(points, "key", None),
)
def test_any_curves_make_a_valid_chart(chart, points):
    figure = valid(chart(points))
    layout = figure["layout"]
    assert layout["uirevision"] == points.key
    assert layout["height"] == 280
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert layout["meta"]["description"].startswith("Chart of the ")
    assert "title" not in layout


def test_an_empty_chart_has_axes_and_a_sentence():
    figure = charts.loss_chart(Curves("k"))
    assert figure["data"] == []
    assert texts(figure) == ["The loss appears here<br>a few seconds after<br>you press Start."]
    assert figure["layout"]["xaxis"]["title"]["text"] == "step"


def test_both_charts_share_the_whole_run_as_x_and_have_fixed_ranges():
    loss, accuracy = charts.loss_chart(run(40)), charts.accuracy_chart(run(40))
    assert loss["layout"]["xaxis"]["range"] == accuracy["layout"]["xaxis"]["range"] == [0, 1500]
    assert accuracy["layout"]["yaxis"]["range"] == [0, 1]
    # A range given from here would end the reader's zoom whenever it changed.
    assert loss["layout"]["yaxis"]["rangemode"] == "tozero"
    assert "range" not in loss["layout"]["yaxis"]
    longer = charts.loss_chart(run(200))  # a run may go past what was planned
    assert longer["layout"]["xaxis"]["range"] == [0, 2000]


def test_training_is_faint_and_smoothed_and_validation_has_dots():
    figure = charts.loss_chart(run())
    raw, bold, validation = figure["data"][:3]
    assert raw["opacity"] < 0.5
    assert raw["hoverinfo"] == "skip"
    assert bold["line"]["width"] > raw["line"]["width"]
    assert np.std(np.diff(bold["y"][50:])) < np.std(np.diff(raw["y"][50:]))
    assert validation["mode"] == "lines+markers"
    assert trace(charts.accuracy_chart(run()), name="validation macro F1")["line"]["dash"] == "dash"


def test_hover_gives_step_and_value_in_words():
    accuracy = trace(charts.accuracy_chart(run()), name="validation accuracy")
    assert accuracy["hovertemplate"] == "step %{x:,}<br>validation accuracy %{customdata[0]:.1f} %<extra></extra>"
    assert accuracy["customdata"][-1] == [pytest.approx(100 * run().eval_accuracy[-1], abs=0.01)]


def test_ends_are_labelled_with_their_values_and_do_not_overlap():
    figure = charts.accuracy_chart(run(eval_accuracy=(0.9,) * 6, eval_macro_f1=(0.899,) * 6, accuracy=(0.9,) * 150))
    labels = [a for a in figure["layout"]["annotations"] if "●" in a["text"]]
    assert {re.sub(".*</span> ", "", a["text"]) for a in labels} == {"training 90.0 %", "validation 90.0 %", "macro F1 89.9 %"}
    margin = figure["layout"]["margin"]
    height = figure["layout"]["height"] - margin["t"] - margin["b"]
    places = sorted(a["y"] * height + a["yshift"] for a in labels)
    assert np.diff(places).min() >= 15.9
    assert places[0] >= 0
    assert places[-1] <= height


@given(wanted=st.lists(st.floats(0, 200), max_size=5).map(sorted))
def test_labels_are_pushed_apart_in_order_and_within_the_chart(wanted):
    places = charts._pushed_apart(wanted, 16, 0, 200)
    assert all(b - a >= 16 - 1e-6 for a, b in itertools.pairwise(places))
    assert all(-1e-6 <= place <= 200 + 1e-6 for place in places)
    if all(b - a >= 16 for a, b in itertools.pairwise(wanted)):
        assert places == pytest.approx(wanted)


def test_the_best_checkpoint_is_ringed_and_named_clear_of_the_other_line():
    figure = charts.accuracy_chart(run(best_step=500, eval_macro_f1=(0.8,) * 6))
    ring = figure["data"][-1]
    assert (ring["x"], ring["marker"]["symbol"]) == ([500], "circle-open")
    label = next(a for a in figure["layout"]["annotations"] if a["text"] == "best")
    accuracy = run().eval_accuracy[1]
    macro_f1_below = (accuracy - 0.8) * 220
    assert label["yshift"] < 0
    assert abs(-label["yshift"] - macro_f1_below) >= 12
    assert "best" not in texts(charts.accuracy_chart(run(best_step=None)))
    assert "best" not in texts(charts.accuracy_chart(run(best_step=123)))


def test_epochs_are_named_and_never_more_than_fit():
    assert [t for t in texts(charts.loss_chart(run())) if t.startswith("epoch")] == ["epoch 1", "epoch 2", "epoch 3"]
    assert len(charts.loss_chart(run())["layout"]["shapes"]) == 2  # the end of the last epoch is the end of the chart
    many = charts.loss_chart(run(epoch_steps=tuple(range(15, 1501, 15))))
    assert len([t for t in texts(many) if t.startswith("epoch")]) <= 4
    assert many["layout"]["shapes"] == []


def test_smoothing_is_unbiased_at_the_start_and_passes_over_gaps():
    assert smoothed([0.5] * 100) == pytest.approx([0.5] * 100)
    assert smoothed([1.0, 0.0]) == [1.0, 0.0]
    assert smoothed([2.0, None, 2.0]) == [2.0, None, 2.0]
    assert smoothed([]) == []
    noisy = [1 + 0.5 * (-1) ** i for i in range(400)]
    assert all(abs(value - 1) < 0.1 for value in smoothed(noisy)[50:])


def test_a_long_run_stays_light():
    n = 20_000
    figure = charts.loss_chart(run(n, 6, total_steps=10 * n))
    assert len(json.dumps(figure)) < 100_000
    assert figure["data"][0]["x"][-1] == 10 * n


# Classes and confusion


def test_counts_are_sorted_and_labelled():
    figure = valid(charts.class_counts_chart(("few", "joy", "many"), (10, 335, 655)))
    bars = figure["data"][0]
    assert bars["x"] == [655, 335, 10]
    assert bars["text"] == ["655 · 65.5 %", "335 · 33.5 %", "10 · 1.0 %"]
    assert figure["layout"]["yaxis"]["ticktext"] == ["many", "joy", "few"]
    assert figure["layout"]["yaxis"]["range"] == [2.5, -0.5]  # the first on top
    assert bars["marker"]["color"][1] == class_colours(("few", "joy", "many"))[1]
    assert figure["layout"]["height"] == 220
    assert charts.class_counts_chart(range(77), [5] * 77)["layout"]["height"] > 77 * 17
    assert valid(charts.class_counts_chart((), ()))["data"][0]["x"] == []


def test_text_lengths_send_five_numbers_per_class_in_the_order_of_the_counts():
    lengths = [[4, 5, 6], [1, 2, 3, 4, 100], [], [7]]
    figure = valid(charts.text_lengths_chart(("a", "b", "c", "d"), lengths))
    assert figure["layout"]["yaxis"]["ticktext"] == ["b", "a", "d", "c"]
    boxes = [t for t in figure["data"] if t["type"] == "box"]
    assert [box["y"] for box in boxes] == [[0], [1], [2]]  # "c" has no texts, and no box
    b = boxes[0]
    assert (b["lowerfence"], b["q1"], b["median"], b["q3"], b["upperfence"]) == ([1], [2], [3], [4], [4])
    assert figure["data"][-1]["hovertext"][0] == "b: half of the texts have 2 to 4 words, the median is 3, the longest has 100"
    generator = np.random.default_rng(0)
    big = charts.text_lengths_chart(EMOTIONS, [generator.integers(1, 60, 40_000) for _ in EMOTIONS])
    assert len(json.dumps(big)) < 10_000


@settings(deadline=None)
@given(lengths=st.lists(st.lists(st.integers(0, 500)), min_size=1, max_size=5))
def test_whiskers_enclose_their_box(lengths):
    figure = valid(charts.text_lengths_chart([str(i) for i in range(len(lengths))], lengths))
    for box in figure["data"][:-1]:
        numbers = [box[key][0] for key in ("lowerfence", "q1", "median", "q3", "upperfence")]
        assert numbers == sorted(numbers)


def test_confusion_says_in_a_sentence_what_a_cell_means():
    rows = [(0, 0)] * 569 + [(0, 1)] * 12 + [(1, 1)] * 100
    report = make_report(np.array([t for t, _ in rows]), np.array([p for _, p in rows]), ("sadness", "joy", "love"))
    figure = valid(charts.confusion_chart(report, by_row=False))
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
    by_row = valid(charts.confusion_chart(report, by_row=True))
    assert by_row["data"][1]["text"] == ["98 %", "2 %", "100 %"]
    assert by_row["data"][0]["z"][1][1] == 1


def test_many_classes_have_no_numbers_and_small_names():
    assert len(charts.confusion_chart(report_of([str(i) for i in range(25)]), by_row=True)["data"]) == 2
    figure = valid(charts.confusion_chart(report_of([f"intent {i}" for i in range(77)], 3000), by_row=True))
    assert len(figure["data"]) == 1
    assert 1000 <= figure["layout"]["height"] <= 1200
    assert len(figure["layout"]["xaxis"]["ticktext"]) == 77


@pytest.mark.parametrize("classes", [1, 2, 77, 500])
def test_charts_of_many_classes_are_valid_and_quick(classes):
    names = [f"class {i}" for i in range(classes)]
    report = report_of(names, 6000)
    counts, lengths = report.confusion.sum(axis=1), [np.arange(1, 30)] * classes
    makers = {
        "counts": lambda: charts.class_counts_chart(names, counts),
        "lengths": lambda: charts.text_lengths_chart(names, lengths),
        "confusion": lambda: charts.confusion_chart(report, by_row=True),
    }
    for name, make in makers.items():
        times = []
        for _ in range(3):
            start = time.perf_counter()
            figure = make()
            times.append(time.perf_counter() - start)
        assert min(times) < 0.2, name
        valid(figure)


# What the script is left to do


def test_tokens_stand_only_where_the_script_replaces_them():
    script = (Path(charts.__file__).parents[1] / "assets" / "live_chart.js").read_text()
    tokens = (charts.INK, charts.MUTED, charts.FAINT, charts.SURFACE, charts.ACCENT, charts.ON_ACCENT)
    assert all(f'"{token}"' in script for token in tokens)

    def walk(node, path):
        if isinstance(node, dict):
            for key, value in node.items():
                walk(value, [*path, key])
        elif isinstance(node, list | tuple):
            for value in node:
                walk(value, path)
        elif isinstance(node, str) and "var(--" in node:
            own = "annotations" in path and path[-1] == "text"
            assert own or any("color" in key for key in path), path
            assert set(re.findall(r"var\([^)]*\)", node)) <= set(tokens)

    report = report_of(EMOTIONS)
    for figure in (
        charts.loss_chart(run()),
        charts.accuracy_chart(run()),
        charts.loss_chart(Curves("k")),
        charts.class_counts_chart(EMOTIONS, (1, 2, 3, 4, 5, 6)),
        charts.text_lengths_chart(EMOTIONS, [[1, 2]] * 6),
        charts.confusion_chart(report, by_row=True),
    ):
        walk(figure, [])


def test_start_up_needs_neither_plotly_nor_scikit_learn():
    code = "import sys, trainer.charts, trainer.evaluation.predictions; print(sorted({'plotly', 'sklearn', 'pyarrow', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(charts.__file__).parents[1], check=True)
    assert done.stdout.strip() == "[]"
