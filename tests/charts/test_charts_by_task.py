"""Every task has charts that can be drawn."""

import pytest

from tests.charts.examples import report_of, run, valid
from trainer.charts.charts_by_task import charts_of
from trainer.data.task import TASKS
from trainer.errors import UserError


@pytest.mark.parametrize("task", TASKS)
def test_the_charts_of_every_task_are_drawn(task: str) -> None:
    charts, curves = charts_of(task), run()
    assert valid(charts.score(curves))
    assert [valid(chart([curves])) for chart in charts.score_comparisons.values()]
    report = report_of(("joy", "anger"))
    assert valid(charts.mistakes(report, share_of="true")) != valid(charts.mistakes(report, share_of=""))


def test_a_run_of_before_has_those_of_one_label_a_text_and_one_of_an_unknown_task_a_sentence() -> None:
    assert charts_of("") is charts_of("single_label_classification")
    with pytest.raises(UserError, match="ranking"):
        charts_of("ranking")
