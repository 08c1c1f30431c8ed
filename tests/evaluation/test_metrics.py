"""A metric is one entry in a table, and whatever shows a report shows it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trainer.cli.report import report_text, run_json
from trainer.data.task import SINGLE_LABEL
from trainer.evaluation.intervals import proportion_interval
from trainer.evaluation.metrics import EVALUATIONS, Metric
from trainer.evaluation.report import Reports, build_report
from trainer.jobs.train.model_card import write_model_card
from trainer.recipe import Recipe
from trainer.runs.checksums import write_json_with_checksum
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.ui import results_view

VIEW = RunView("0" * 32, name="brisk otter", encoder="tiny", source_name="moods.csv")

FIRST_CLASS = Metric(
    "first_class",
    "first-class share",
    "The share of rows that are predicted as the first class.",
    lambda rows: proportion_interval(int((rows.predicted == 0).sum()), len(rows)),
    hub_type="first_class",
)


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Reports:
    """Of ten rows, four of which are predicted as the first class, with a metric more."""
    evaluation = EVALUATIONS[SINGLE_LABEL.key]
    monkeypatch.setitem(EVALUATIONS, SINGLE_LABEL.key, replace(evaluation, metrics=(*evaluation.metrics, FIRST_CLASS)))
    report = build_report(np.array([0, 1] * 5), np.array([0] * 4 + [1] * 6), ("joy", "anger"))
    return Reports(test=report, validation=report)


def test_a_new_metric_is_in_the_report_and_its_json(reports: Reports) -> None:
    assert reports.test.score("first_class").value == 0.4
    json = run_json(VIEW, Recipe(), reports, Path("runs"), called_at=0.0)
    for split in ("test", "validation"):
        assert json[split]["first_class"] == 0.4
        low, high = json[split]["intervals"]["first_class"]
        assert low < 0.4 < high


def test_a_new_metric_is_in_the_terminal(reports: Reports) -> None:
    assert ", first-class share 40.0 % (95 % interval 16.8 to 68.7 %)." in report_text(VIEW, reports.test, ())


def test_a_new_metric_is_in_the_card_and_its_metadata(reports: Reports, tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.model.mkdir()
    recipe = Recipe().to_dict()
    write_json_with_checksum(tmp_path / "recipe.json", {"format": 1, "asked": recipe, "resolved": recipe, "run": run.id})
    write_model_card(run, VIEW, reports.test)
    card = (run.model / "README.md").read_text(encoding="utf-8")
    assert ", first-class share 0.400 (0.168 to 0.687)." in card
    assert "type: first_class" in card
    assert "name: First-class share" in card


def test_a_new_metric_is_in_the_table_of_the_page(reports: Reports) -> None:
    html = results_view.classes(reports.test, ())
    assert "First-class share" in html
    assert FIRST_CLASS.description in html


def test_descriptions_have_no_other_placeholder() -> None:
    for metric in EVALUATIONS[SINGLE_LABEL.key].metrics:
        assert metric.description.format(classes="every class").endswith(".")
