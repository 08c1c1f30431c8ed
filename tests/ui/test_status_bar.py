"""The status bar shows one run: what runs, what has just ended, what was interrupted."""

import dataclasses

import pytest

from trainer.evaluation.intervals import Interval
from trainer.evaluation.report import Scores, SplitScores
from trainer.jobs.queue import Delay
from trainer.runs.view import RunView
from trainer.ui.status_bar import find_subject, status_bar_html

NOW = 10_000.0
RUNNING = RunView(
    id="a", name="brisk otter", status="running", phase="training", last_logged_step=3, total_steps=12, seconds_left=200, queued=900.0
)
SCORES = Scores(*[SplitScores(204, Interval(0.676, 0.61, 0.736), Interval(0.6, 0.5, 0.7))] * 2)


def ended_run(status: str = "finished", *, ago: float = 60, run: str = "a", **facts: object) -> RunView:
    return RunView(id=run, name=run, status=status, ended_at=NOW - ago, queued=NOW - ago - 100, **facts)


def bar_html(*views: RunView, scores: Scores | None = None) -> str:
    return status_bar_html(views, {v.id: f"file {v.id}" for v in views}, scores, now=NOW)


def test_without_a_run_there_is_no_bar() -> None:
    assert bar_html() == ""
    assert bar_html(ended_run(ago=3 * 3600)) == ""
    assert bar_html(ended_run("cancelled")) == ""


def test_what_runs_says_how_far_it_is_and_names_what_stop_would_stop() -> None:
    html = bar_html(RUNNING)
    assert "Training <strong>file a</strong>" in html
    assert 'aria-valuenow="25"' in html
    assert "3 min 20 s left" in html
    assert 'data-action="stop" data-code="a"' in html


def test_what_waits_is_counted() -> None:
    waiting = dataclasses.replace(RUNNING, id="b", status="queued")
    assert "1 waiting" in bar_html(waiting, RUNNING)
    assert "waiting in the queue" in bar_html(waiting)


def test_what_could_not_begin_says_why_it_waits() -> None:
    waiting = dataclasses.replace(RUNNING, status="queued", last_logged_step=0, total_steps=0)
    html = status_bar_html([waiting], {"a": "file a"}, None, now=NOW, delay=Delay("another process is writing this run", 8.0))
    assert "waiting: another process is writing this run" in html
    assert "waiting in the queue" not in html
    assert 'data-action="stop" data-code="a"' in html


def test_a_stop_that_was_asked_for_cannot_be_asked_for_again() -> None:
    html = bar_html(dataclasses.replace(RUNNING, stop_requested=True))
    assert "stopping" in html
    assert " disabled>" in html


def test_the_end_of_a_training_says_its_score_and_the_way_to_it() -> None:
    html = bar_html(ended_run(), scores=SCORES)
    assert "Trained: 67.6 % right on 204 test rows" in html
    assert 'data-action="results" data-code="a"' in html
    few = Scores(*[SplitScores(4, Interval(0.75, 0.3, 0.95), Interval(0.7, 0.2, 0.9))] * 2)
    assert "3 of 4 test rows right" in bar_html(ended_run(), scores=few)
    assert "%" not in bar_html(ended_run(), scores=few)


def test_a_failure_says_what_happened() -> None:
    html = bar_html(ended_run("failed", message="The disk is full. Free some <b>space</b>.", code="disk"))
    assert "file a failed. The disk is full. Free some &lt;b&gt;space&lt;/b&gt;." in html


def test_an_interrupted_run_is_shown_however_long_ago() -> None:
    view = RunView(id="a", status="interrupted", queued=1.0, last_logged_step=60, total_steps=138, code="")
    assert "was interrupted at step 60 of 138" in bar_html(view)
    assert 'data-action="resume"' in bar_html(view)


@pytest.mark.parametrize("order", [1, -1])
def test_the_latest_end_counts_wherever_it_stands_in_the_list(order: int) -> None:
    views = [ended_run(ago=600, run="old"), ended_run(ago=10, run="new")][::order]
    assert find_subject(views, now=NOW).id == "new"
    assert find_subject([*views, RUNNING], now=NOW).id == "a"
