"""The loss and accuracy charts of a run."""

import dataclasses
import json
import math
import re

import numpy as np
import pytest

from tests.charts.examples import run, texts, trace, valid
from trainer.charts import curves
from trainer.charts.layout import PHONE, WIDE
from trainer.charts.lines import smoothed
from trainer.evaluation.curves import ReferenceLine, RunCurves
from trainer.text_format import percent


@pytest.mark.parametrize("chart", [curves.loss_chart, curves.accuracy_chart])
@pytest.mark.parametrize(
    "points",
    [
        RunCurves("empty"),
        RunCurves("planned", total_steps=900, epoch_steps=(300, 600, 900)),
        RunCurves("first", (5,), (1.7,), (0.2,), total_steps=900),
        RunCurves("validation only", eval_steps=(5,), eval_loss=(0.5,), eval_accuracy=(0.7,), eval_macro_f1=(None,), best_step=5),
        RunCurves("broken", (1, 2, 3), (math.nan, math.inf, None), (None, None, None), total_steps=3),
        RunCurves("zero", (1, 2), (0.0, 0.0), (0.0, 0.0), total_steps=2),
        run(),
        run(30, 1),
    ],
    ids=lambda points: getattr(points, "key", None),
)
def test_any_curves_make_a_valid_chart(chart, points):
    figure = valid(chart(points))
    layout = figure["layout"]
    assert layout["uirevision"] == points.key
    assert (layout["height"], layout["meta"]["phone"]["height"]) == (300, 176)
    # The width is for the curves: what stands right of them is a ring's half and no more.
    assert layout["margin"]["r"] == 12
    assert layout["meta"]["phone"]["margin"]["r"] <= 12
    assert layout["meta"]["phone"]["margin"]["l"] <= 40
    assert layout["paper_bgcolor"] == layout["plot_bgcolor"] == "rgba(0,0,0,0)"
    assert layout["meta"]["description"].startswith("Chart of the ")
    assert "title" not in layout


def test_an_empty_chart_has_axes_and_a_sentence():
    figure = curves.loss_chart(RunCurves("k"))
    assert figure["data"] == []
    assert texts(figure) == ["The loss appears here<br>a few seconds after<br>you press Start."]
    assert not figure["layout"]["xaxis"]["showticklabels"]
    waiting = curves.loss_chart(RunCurves("k", total_steps=90, epoch_steps=(30, 60, 90)))
    assert texts(waiting) == ["The loss appears here<br>after its first steps."]
    assert waiting["layout"]["xaxis"]["ticktext"] == ["epoch 1", "2", "3"]


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
    raw, bold, validation, _ = figure["data"]
    assert raw["opacity"] < 0.5
    assert raw["hoverinfo"] == "skip"
    assert bold["line"]["width"] > raw["line"]["width"]
    assert np.std(np.diff(bold["y"][50:])) < np.std(np.diff(raw["y"][50:]))
    assert validation["mode"] == "lines+markers"
    accuracy = curves.accuracy_chart(run())
    assert trace(accuracy, name="validation macro F1")["line"]["dash"] == "dot"
    # The score that counts is the loudest line, and over all others but the ring.
    widths = [t["line"]["width"] for t in accuracy["data"][:-1]]
    assert widths[-1] == max(widths)
    assert widths.count(max(widths)) == 1
    assert accuracy["data"][-2]["name"] == "validation accuracy"


def test_hover_gives_step_and_value_in_words():
    accuracy = trace(curves.accuracy_chart(run()), name="validation accuracy")
    assert accuracy["hovertemplate"] == "step %{x:,}<br>validation accuracy %{customdata[0]}<extra></extra>"
    assert accuracy["customdata"][-1] == [percent(run().eval_accuracy[-1])]


def shown_on(figure, phone):
    return figure["layout"]["meta"]["phone"]["annotations"] if phone else figure["layout"]["annotations"]


def plain_text(annotation):
    return re.sub("<[^>]*>", "", annotation["text"])


def test_ends_are_labelled_with_their_values_and_the_newest_kept_says_so():
    figure = curves.accuracy_chart(run(eval_accuracy=(0.9,) * 6, eval_macro_f1=(0.899,) * 6, accuracy=(0.9,) * 150))
    assert {plain_text(a) for a in shown_on(figure, False)} == {"● training 90 %", "● validation 90 %, kept", "● macro F1 90 %"}
    assert [a["text"].startswith("<b>") for a in shown_on(figure, False)] == [True, False, False]
    # 3,199 of 3,200 are not all of them.
    assert plain_text(shown_on(curves.accuracy_chart(run(eval_accuracy=(0.99969,) * 6)), True)[0]) == "● validation 99.97 %, kept"


@pytest.mark.parametrize(("phone", "canvas"), [(False, WIDE), (True, PHONE)])
def test_labels_stand_right_of_the_newest_point_while_there_is_room_and_at_the_edge_then(phone, canvas):
    early = shown_on(curves.accuracy_chart(run(30, 1)), phone)
    assert {(a["x"], a["xanchor"], a["xshift"]) for a in early} == {(300, "left", 12)}
    late = shown_on(curves.accuracy_chart(run()), phone)
    assert {(a["x"], a["xanchor"]) for a in late} == {(1500, "right")}
    lowest_end = min(run().eval_macro_f1[-1], run().accuracy[-1]) * canvas.plot_height
    for annotation in late:
        place = annotation["y"] * canvas.plot_height + annotation["yshift"]
        assert place <= lowest_end - 4 or place >= 0.95 * canvas.plot_height + 4


def test_an_earlier_kept_checkpoint_is_ringed_and_named_clear_of_lines_and_labels():
    figure = curves.accuracy_chart(run(best_step=500, eval_macro_f1=(0.8,) * 6))
    ring = figure["data"][-1]
    assert (ring["x"], ring["marker"]["symbol"]) == ([500], "circle-open")
    accuracy = run().eval_accuracy[1]
    label = next(a for a in figure["layout"]["annotations"] if a["text"] == f"kept {percent(accuracy, 0)}")
    place = accuracy * WIDE.plot_height + label["yshift"]
    assert abs(label["yshift"]) >= 9 + 7  # half the ring, half the word
    for line in (0.8, run().accuracy[49]):
        assert abs(place - line * WIDE.plot_height) >= 7
    assert not any("kept" in text for text in texts(curves.accuracy_chart(run(best_step=None))))
    assert not any("kept" in text for text in texts(curves.accuracy_chart(run(best_step=123))))


def test_reference_lines_have_a_name_in_the_accuracy_chart_alone_and_from_the_first_moment():
    reference_lines = (ReferenceLine("counting words", 0.4706), ReferenceLine("most frequent class", 0.17))
    for points in (RunCurves("k", reference_lines=reference_lines), run(reference_lines=reference_lines)):
        figure = valid(curves.accuracy_chart(points))
        strokes = [(s["y0"], s["y1"], s["xref"]) for s in figure["layout"]["shapes"] if s.get("xref") == "paper"]
        assert strokes == [(0.4706, 0.4706, "paper"), (0.17, 0.17, "paper")]
        assert {"counting words 47 %", "most frequent class 17 %"} < set(texts(figure))
        assert "To be beaten: counting words 47.1 %, most frequent class 17.0 %." in figure["layout"]["meta"]["description"]
        loss = curves.loss_chart(points)
        assert not any("words" in text for text in texts(loss))
        assert "words" not in loss["layout"]["meta"]["description"]


@pytest.mark.parametrize("accuracies", [(0.5, 0.5), (0.47, 0.46), (0.98, 0.97), (0.01, 0.02), (0.0, 1.0)])
def test_labels_of_close_reference_lines_and_the_sentence_do_not_lie_over_each_other(accuracies):
    figure = curves.accuracy_chart(
        RunCurves("k", reference_lines=tuple(ReferenceLine(f"baseline {i}", accuracy) for i, accuracy in enumerate(accuracies)))
    )
    for phone, canvas in ((False, WIDE), (True, PHONE)):
        *reference_lines, sentence = shown_on(figure, phone)
        places = [a["y"] * canvas.plot_height + a["yshift"] for a in reference_lines]
        assert abs(places[0] - places[1]) >= canvas.font + 4 - 0.2
        assert all(0 <= place <= canvas.plot_height for place in places)
        half = 1.5 * 1.3 * (canvas.font + 2)
        middle = sentence["y"] * canvas.plot_height
        assert all(abs(middle - place) > half for place in (*places, *(accuracy * canvas.plot_height for accuracy in accuracies)))


@pytest.mark.parametrize(("n_epochs", "wide", "phone"), [(1, 1, 1), (3, 3, 3), (6, 6, 6), (7, 7, 4), (24, 5, 5), (400, 8, 4)])
def test_epochs_are_named_and_never_more_than_fit(n_epochs, wide, phone):
    layout = curves.loss_chart(run(epoch_steps=tuple(1500 * i // n_epochs for i in range(1, n_epochs + 1))))["layout"]
    for axis, shown in ((layout["xaxis"], wide), (layout["meta"]["phone"]["xaxis"], phone)):
        assert axis["ticktext"][0] == "epoch 1"
        assert [text.isdigit() for text in axis["ticktext"][1:]] == [True] * (shown - 1)
        assert len(axis["tickvals"]) == shown
    assert layout["xaxis"]["tickvals"][0] == pytest.approx(750 / n_epochs, abs=1)
    assert len(layout["shapes"]) == (n_epochs - 1 if n_epochs < 52 else 0)  # the end of the last epoch is the end of the chart


@pytest.mark.parametrize("chart", [curves.loss_chart, curves.accuracy_chart])
def test_a_child_run_shows_where_it_went_on(chart):
    whole = run()
    assert "continues here" not in json.dumps(chart(whole))
    figure = valid(chart(dataclasses.replace(whole, parent_step=whole.steps[3])))
    (line,) = [shape for shape in figure["layout"]["shapes"] if shape.get("x0") == shape.get("x1") == whole.steps[3]]
    assert (line["y0"], line["y1"]) == (0, 1)
    for annotations in (figure["layout"]["annotations"], figure["layout"]["meta"]["phone"]["annotations"]):
        (label,) = [label for label in annotations if label["text"] == "continues here"]
        assert (label["x"], label["xanchor"]) == (whole.steps[3], "left")  # towards the middle, where there is room
    late = chart(dataclasses.replace(whole, parent_step=whole.total_steps - 1))
    assert [label["xanchor"] for label in late["layout"]["annotations"] if label["text"] == "continues here"] == ["right"]
    assert f"Up to step {whole.steps[3]:,} another run trained" in json.dumps(figure)


def test_steps_stand_on_the_axis_where_no_epochs_are_known():
    axis = curves.loss_chart(run(epoch_steps=()))["layout"]["xaxis"]
    assert (axis["tickprefix"], axis["showtickprefix"], axis["showticklabels"]) == ("step ", "first", True)
    assert "tickvals" not in axis


def test_smoothing_is_unbiased_at_the_start_and_passes_over_gaps():
    assert smoothed([0.5] * 100) == pytest.approx([0.5] * 100)
    assert smoothed([1.0, 0.0]) == [1.0, 0.0]
    assert smoothed([2.0, None, 2.0]) == [2.0, None, 2.0]
    assert smoothed([]) == []
    noisy = [1 + 0.5 * (-1) ** i for i in range(400)]
    assert all(abs(value - 1) < 0.1 for value in smoothed(noisy)[50:])


def test_a_long_run_stays_light():
    n = 20_000
    figure = curves.accuracy_chart(run(n, 6, total_steps=10 * n, reference_lines=(ReferenceLine("counting words", 0.5),)))
    assert len(json.dumps(figure)) < 100_000
    assert trace(figure, name="training accuracy")["x"][-1] == 10 * n
