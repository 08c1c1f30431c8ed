"""The course of a run as charts."""

import itertools
import json
import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.charts.examples import run, texts, trace, valid
from trainer.charts import curves
from trainer.charts.curves import Curves
from trainer.charts.lines import pushed_apart, smoothed
from trainer.text_format import percent


@pytest.mark.parametrize("chart", [curves.loss_chart, curves.accuracy_chart])
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
    figure = curves.loss_chart(Curves("k"))
    assert figure["data"] == []
    assert texts(figure) == ["The loss appears here<br>a few seconds after<br>you press Start."]
    assert figure["layout"]["xaxis"]["title"]["text"] == "step"


def test_both_charts_share_the_whole_run_as_x_and_have_fixed_ranges():
    loss, accuracy = curves.loss_chart(run(40)), curves.accuracy_chart(run(40))
    assert loss["layout"]["xaxis"]["range"] == accuracy["layout"]["xaxis"]["range"] == [0, 1500]
    assert accuracy["layout"]["yaxis"]["range"] == [0, 1]
    # A range given from here would end the reader's zoom whenever it changed.
    assert loss["layout"]["yaxis"]["rangemode"] == "tozero"
    assert "range" not in loss["layout"]["yaxis"]
    longer = curves.loss_chart(run(200))  # a run may go past what was planned
    assert longer["layout"]["xaxis"]["range"] == [0, 2000]


def test_training_is_faint_and_smoothed_and_validation_has_dots():
    figure = curves.loss_chart(run())
    raw, bold, validation = figure["data"][:3]
    assert raw["opacity"] < 0.5
    assert raw["hoverinfo"] == "skip"
    assert bold["line"]["width"] > raw["line"]["width"]
    assert np.std(np.diff(bold["y"][50:])) < np.std(np.diff(raw["y"][50:]))
    assert validation["mode"] == "lines+markers"
    assert trace(curves.accuracy_chart(run()), name="validation macro F1")["line"]["dash"] == "dash"


def test_hover_gives_step_and_value_in_words():
    accuracy = trace(curves.accuracy_chart(run()), name="validation accuracy")
    assert accuracy["hovertemplate"] == "step %{x:,}<br>validation accuracy %{customdata[0]}<extra></extra>"
    assert accuracy["customdata"][-1] == [percent(run().eval_accuracy[-1])]


def test_ends_are_labelled_with_their_values_and_do_not_overlap():
    figure = curves.accuracy_chart(run(eval_accuracy=(0.9,) * 6, eval_macro_f1=(0.899,) * 6, accuracy=(0.9,) * 150))
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
    places = pushed_apart(wanted, 16, 0, 200)
    assert all(b - a >= 16 - 1e-6 for a, b in itertools.pairwise(places))
    assert all(-1e-6 <= place <= 200 + 1e-6 for place in places)
    if all(b - a >= 16 for a, b in itertools.pairwise(wanted)):
        assert places == pytest.approx(wanted)


def test_the_best_checkpoint_is_ringed_and_named_clear_of_the_other_line():
    figure = curves.accuracy_chart(run(best_step=500, eval_macro_f1=(0.8,) * 6))
    ring = figure["data"][-1]
    assert (ring["x"], ring["marker"]["symbol"]) == ([500], "circle-open")
    label = next(a for a in figure["layout"]["annotations"] if a["text"] == "kept")
    accuracy = run().eval_accuracy[1]
    macro_f1_below = (accuracy - 0.8) * 220
    assert label["yshift"] < 0
    assert abs(-label["yshift"] - macro_f1_below) >= 12
    assert "kept" not in texts(curves.accuracy_chart(run(best_step=None)))
    assert "kept" not in texts(curves.accuracy_chart(run(best_step=123)))


def test_epochs_are_named_and_never_more_than_fit():
    assert [t for t in texts(curves.loss_chart(run())) if t.startswith("epoch")] == ["epoch 1", "epoch 2", "epoch 3"]
    assert len(curves.loss_chart(run())["layout"]["shapes"]) == 2  # the end of the last epoch is the end of the chart
    many = curves.loss_chart(run(epoch_steps=tuple(range(15, 1501, 15))))
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
    figure = curves.loss_chart(run(n, 6, total_steps=10 * n))
    assert len(json.dumps(figure)) < 100_000
    assert figure["data"][0]["x"][-1] == 10 * n
