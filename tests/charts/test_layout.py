"""Names made safe for plotly, and the tokens that the script replaces."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.charts.examples import EMOTIONS, NASTY, report_of, run, valid
from trainer.charts import classes, curves, layout
from trainer.charts.comparison import accuracy_comparison
from trainer.charts.confusion import confusion_chart
from trainer.charts.layout import escape
from trainer.evaluation.curves import RunCurves


def test_names_are_escaped_for_plotlys_markup():
    assert escape("<b>a</b> & <a href='x'>") == "&lt;b&gt;a&lt;/b&gt; &amp; &lt;a href='x'&gt;"
    assert escape("a\n b\tc") == "a b c"


@given(name=st.text())
def test_no_name_can_open_a_tag_or_an_entity(name):
    for shown in (escape(name), layout.shorten(name)):
        assert not set(shown) & set("<>\n")
        assert not re.search("&(?!amp;|lt;|gt;)", shown)


def test_long_names_are_shortened_on_axes_and_whole_on_hover():
    assert layout.shorten("y" * 300) == "y" * 10 + "…" + "y" * 11
    assert layout.shorten("surprise") == "surprise"
    assert layout.shorten("感" * 30) == "感" * 5 + "…" + "感" * 5  # these are twice as wide
    # An entity is never cut in two.
    assert layout.shorten("<" * 40) == "&lt;" * 10 + "…" + "&lt;" * 11
    figure = classes.text_lengths_chart(["y" * 300, "b"], [[1] * 3, [1] * 2])
    assert "y" * 300 in figure["data"][-1]["hovertext"][0]


def test_names_that_begin_alike_are_told_apart_when_shortened():
    pair = ("balance_not_updated_after_bank_transfer", "balance_not_updated_after_cheque_or_cash_deposit")
    assert layout.shorten_names(pair) == ["balance_no…nk_transfer", "balance_no…ash_deposit"]
    middle = [f"a long beginning, {i}, and a long end" for i in range(12)]
    assert layout.shorten_names(middle)[:2] == ["a long…, 0, and a lon…", "a long…, 1, and a lon…"]
    assert layout.shorten_names([f"transfer_number_{i}_declined_by_the_bank" for i in (46, 47)], 16) == [
        "trans…_46_decli…",
        "trans…_47_decli…",
    ]
    assert layout.shorten_names(["joy", "joy 2", "joy", "joy"]) == ["joy", "joy 2", "joy… 2", "joy… 3"]


@given(names=st.lists(st.text(alphabet="ab<感 \n2…", max_size=40), max_size=8), max_width=st.integers(6, 24))
def test_shortened_names_are_distinct_and_fit(names, max_width):
    shown = layout.shorten_names(names, max_width)
    assert len(set(shown)) == len(names)
    for name in shown:
        whole = name.replace("&lt;", "<").replace("&amp;", "&")
        assert layout.display_width(whole) <= max_width


@pytest.mark.parametrize("names", [NASTY, EMOTIONS])
def test_class_names_reach_plotly_escaped_only(names):
    figures = [
        classes.text_lengths_chart(names, [[1, 2, 3]] * len(names)),
        confusion_chart(report_of(names), share_of=""),
    ]
    for figure in map(valid, figures):
        # The description becomes an attribute and the table a file: both have the names as they are.
        meta = {key: value for key, value in figure["layout"]["meta"].items() if key not in ("description", "table")}
        shown = {**figure, "layout": {**figure["layout"], "meta": meta}}
        assert "<b>" not in json.dumps(shown)
        assert "<a " not in json.dumps(shown)
        # %{...} is filled in by plotly in templates only, and no name stands in one.
        templates = {t["hovertemplate"] for t in figure["data"] if "hovertemplate" in t}
        assert templates == {"%{hovertext}<extra></extra>"}
        assert not any("texttemplate" in t for t in figure["data"])


def test_tokens_stand_only_where_the_script_replaces_them():
    script = (Path(curves.__file__).parents[2] / "assets" / "chart.js").read_text(encoding="utf-8")
    variables = (layout.INK, layout.MUTED, layout.FAINT, layout.SURFACE, layout.ACCENT, layout.ON_ACCENT, layout.WRONG, layout.ON_WRONG)
    assert all(f'"{variable}"' in script for variable in variables)

    def walk(node, path):
        if isinstance(node, dict):
            for key, value in node.items():
                walk(value, [*path, key])
        elif isinstance(node, list | tuple):
            for value in node:
                walk(value, path)
        elif isinstance(node, str) and "var(--" in node:
            is_annotation = "annotations" in path and path[-1] == "text"
            assert "table" not in path
            assert is_annotation or any("color" in key for key in path), path
            assert set(re.findall(r"var\([^)]*\)", node)) <= set(variables)

    report = report_of(EMOTIONS)
    for figure in (
        curves.loss_chart(run()),
        curves.accuracy_chart(run()),
        curves.loss_chart(RunCurves("k")),
        classes.text_lengths_chart(EMOTIONS, [[1, 2]] * 6),
        confusion_chart(report, share_of="true"),
        accuracy_comparison([RunCurves("a", name="one", eval_steps=(5,), eval_accuracy=(0.5,))]),
    ):
        walk(figure, [])


def test_start_up_needs_neither_plotly_nor_scikit_learn():
    code = "import sys, trainer.charts.curves, trainer.charts.classes, trainer.charts.confusion, trainer.evaluation.predictions; print(sorted({'plotly', 'sklearn', 'pyarrow', 'pandas'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(curves.__file__).parents[2], check=True)
    assert done.stdout.strip() == "[]"
