"""Several runs in one chart."""

import math
import re

import numpy as np
import pytest

from tests.charts.examples import NASTY, texts, valid
from trainer.charts import comparison
from trainer.charts.comparison import run_marks
from trainer.charts.layout import PHONE, WIDE
from trainer.charts.lines import SYMBOLS
from trainer.evaluation.curves import RunCurves

CHARTS = [comparison.loss_comparison, comparison.accuracy_comparison, comparison.macro_f1_comparison]


def made_run(key="a", name="brisk otter", evaluations=5, end=0.9):
    at = tuple(range(100, 100 * evaluations + 1, 100))
    accuracies = tuple(end - 0.5 * math.exp(-s / 200) for s in at)
    steps = tuple(range(10, 100 * evaluations + 1, 10))
    return RunCurves(
        key,
        steps,
        tuple(2 * math.exp(-s / 300) for s in steps),
        (),
        at,
        tuple(1 - s for s in accuracies),
        accuracies,
        accuracies,
        name=name,
    )


SIX = [made_run(f"key {i}", f"run number {i}", 3 + i, 0.85 + 0.01 * i) for i in range(6)]


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize(
    "runs",
    [
        [RunCurves("a", name="one"), RunCurves("b", name="two")],
        [made_run(), RunCurves("b", (10,), (1.5,), name="two")],
        [made_run(), RunCurves("b", (1, 2), (None, math.nan), (), (2,), (math.inf,), (None,), (0.5,), name="two")],
        [made_run(str(i), name) for i, name in enumerate(NASTY)],
        SIX,
    ],
)
def test_any_runs_make_a_valid_chart(chart, runs):
    figure = valid(chart(runs))
    assert figure["layout"]["uirevision"] == " ".join(c.key for c in runs)
    assert figure["layout"]["meta"]["description"].startswith("Chart of the validation ")
    assert figure["layout"]["xaxis"]["tickprefix"] == "step "
    assert figure["layout"]["meta"]["note"] in figure["layout"]["meta"]["description"]
    for trace in figure["data"]:
        assert "<b>" not in trace["name"]
        # A name in a template could be taken for one of plotly's variables.
        assert not any(c.name in trace.get("hovertemplate", "") for c in runs if c.name in NASTY)


@pytest.mark.parametrize("chart", CHARTS)
def test_every_run_has_its_colour_shape_and_label_in_every_chart(chart):
    figure = chart(SIX)
    scored = [t for t in figure["data"] if t["mode"] == "lines+markers"]
    marks = [(t["line"]["color"], t["marker"]["symbol"]) for t in scored]
    assert marks == list(run_marks([c.key for c in SIX]))
    assert len({colour for colour, _ in marks}) == len({symbol for _, symbol in marks}) == 6
    labels = [a for a in figure["layout"]["annotations"] if "span" in a["text"]]
    assert {re.sub("<[^>]*>", "", a["text"])[0] for a in labels} == set(SYMBOLS.values())
    y_max = figure["layout"]["yaxis"].get("range", [0, 2 * math.exp(-1 / 30) / 0.95])[1]
    for canvas, shown in ((WIDE, labels), (PHONE, figure["layout"]["meta"]["phone"]["annotations"])):
        # By their values from top to bottom, none over another, inside at the right edge.
        places = [a["y"] / y_max * canvas.plot_height + a["yshift"] for a in sorted(shown, key=lambda a: a["y"])]
        assert np.diff(places).min() >= canvas.font + 3.8
        assert {(a["x"], a["xanchor"]) for a in shown} == {(800, "right")}


def test_training_loss_is_faint_and_unlabelled_behind_the_validation_loss():
    figure = comparison.loss_comparison([made_run("a"), made_run("b", "calm fox")])
    faint, scored = figure["data"][:2], figure["data"][2:]
    assert {t["opacity"] for t in faint} == {0.4}
    assert {t["hoverinfo"] for t in faint} == {"skip"}
    assert [t["line"]["color"] for t in faint] == [t["line"]["color"] for t in scored]
    assert len(figure["layout"]["annotations"]) == 2
    assert [t["name"] for t in scored] == ["brisk otter", "calm fox"]
    assert "step %{x:,}<br>validation loss %{customdata[0]}" in scored[0]["hovertemplate"]


def test_the_longest_run_gives_the_axis_and_what_was_never_measured_is_said():
    figure = comparison.accuracy_comparison([made_run(evaluations=2), made_run("b", evaluations=7)])
    assert figure["layout"]["xaxis"]["range"] == [0, 700]
    assert figure["layout"]["yaxis"]["range"] == [0, 1]
    empty = comparison.macro_f1_comparison([RunCurves("a", name="one"), RunCurves("b", name="two")])
    assert texts(empty) == ["None of these runs has<br>a validation macro F1 yet."]
    assert "nothing has been measured yet" in empty["layout"]["meta"]["description"]
