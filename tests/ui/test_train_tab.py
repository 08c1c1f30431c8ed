"""What the Train tab says of a run: which model its scores are of, and which rows they are on."""

import dataclasses

import pytest

from tests.runs.examples import event
from trainer.check import CheckResult
from trainer.evaluation.curves import RunCurves
from trainer.jobs.queue import Delay
from trainer.runs.view import Evaluation, RunView, with_liveness
from trainer.runs.view_builder import build_view
from trainer.ui import train_tab, train_view

FIRST = [
    event("created", name="brisk otter", owner="local", source_name="a.csv", encoder="tiny", rows={"train": 70}),
    event("queued"),
    event("started", device="2 CPU cores", epochs=2, batch_size=8, learning_rate=1e-3, total_steps=80, epoch_steps=[40, 80]),
    event("eval", step=40, loss=0.5, accuracy=0.91, macro_f1=0.9),
    event("checkpoint", step=40),
    event("eval", step=80, loss=0.9, accuracy=0.62, macro_f1=0.6),
]
KEPT_80 = [*FIRST, event("checkpoint", step=80), event("finished", best_step=80)]
MORE = [
    event("queued"),
    event("started", device="1 GPU", epochs=4, batch_size=8, learning_rate=1e-3, total_steps=160, epoch_steps=[40, 80, 120, 160]),
    event("resumed", step=80, best_step=80),
    event("eval", step=120, loss=0.4, accuracy=0.95, macro_f1=0.94),
    event("checkpoint", step=120),
    event("log", step=130, loss=0.4, accuracy=0.9),
]


def shown_html(view: RunView) -> str:
    return train_view.head(view, "my file") + train_view.details(view, ())


def test_beside_a_finished_model_stand_its_own_validation_scores_and_not_the_last_ones() -> None:
    html = shown_html(build_view("x", [*FIRST, event("finished", best_step=40)]))
    assert '<dt dir="auto">Validation accuracy (kept model, step 40)</dt><dd dir="auto">91.0 %</dd>' in html
    assert '<dt dir="auto">Validation macro F1 (kept model, step 40)</dt><dd dir="auto">90.0 %</dd>' in html
    assert "62.0 %" not in html


def test_during_a_training_the_best_and_the_latest_scores_are_distinguished() -> None:
    live = with_liveness(build_view("x", FIRST), is_alive=True, stop_requested=False)
    html = shown_html(live)
    assert 'Validation accuracy (best so far, step 40)</dt><dd dir="auto">91.0 %' in html
    assert 'Validation accuracy (latest, step 80)</dt><dd dir="auto">62.0 %' in html
    # As many lines where they are the same, or the page would jump.
    assert shown_html(dataclasses.replace(live, best_step=80)).count("<dt") == html.count("<dt")


@pytest.mark.parametrize("end", ["failed", None])
def test_more_epochs_that_fail_leave_ring_and_facts_on_the_model_of_the_folder(end: str | None) -> None:
    events = [*KEPT_80, *MORE, *([event(end, message="The disk is full.", code="disk")] if end else [])]
    view = with_liveness(build_view("x", events), is_alive=False, stop_requested=False)
    html = shown_html(view)
    assert "own settings, 2 epochs" in html
    assert '<dt dir="auto">Device</dt><dd dir="auto">2 CPU cores</dd>' in html
    assert "(kept model, step 80)" in html
    assert "95.0 %" not in html
    assert RunCurves.from_view(view).best_step == 80


def test_while_more_epochs_train_the_tab_shows_that_training() -> None:
    view = with_liveness(build_view("x", [*KEPT_80, *MORE]), is_alive=True, stop_requested=False)
    assert "own settings, 4 epochs" in shown_html(view)
    assert "Validation accuracy (best so far, step 120)" in shown_html(view)
    assert RunCurves.from_view(view).best_step == 120


def test_a_linear_model_alone_is_not_compared_with_itself_and_says_why_there_is_no_curve() -> None:
    score = {"accuracy": 0.5, "macro_f1": 0.4}
    linear = event("linear", **score, validation_accuracy=0.5, validation_macro_f1=0.4, rows=42, seconds=2.0)
    started = event("started", device="2 CPU cores", batch_size=16, learning_rate=3e-5, total_steps=0, epoch_steps=[])
    evaluated = [event("eval", step=0, loss=1.4, **score), event("checkpoint", step=0)]
    finished = build_view("x", [*FIRST[:2], linear, started, *evaluated, event("finished", best_step=0)])
    assert finished.status == "finished"
    html = shown_html(finished)
    assert "It is a linear model on the unchanged encoder: without epochs there are no curves." in html
    assert "ithout fine-tuning" not in html
    assert "texts/s" not in html
    assert RunCurves.from_view(finished).reference_lines == ()
    fine_tuned = build_view("x", [*FIRST[:2], linear, *KEPT_80[2:]])
    assert "Without fine-tuning: 50 %" in shown_html(fine_tuned)
    assert "no curves" not in shown_html(fine_tuned)
    assert [line.name for line in RunCurves.from_view(fine_tuned).reference_lines] == ["no fine-tuning"]


def test_a_gap_that_is_no_fault_is_no_warning() -> None:
    gap = CheckResult("generalization_gap", "info", message="A gap.", advice="More rows.", title="Gap")
    html = train_view.details(build_view("x", KEPT_80), [gap])
    assert '<li class="em-check em-info"><span class="em-severity">note</span><div><p dir="auto">A gap.</p>' in html
    assert "1 check: 1 to look at" in html


def test_checks_that_cannot_judge_yet_are_no_line() -> None:
    waiting = CheckResult("collapse", "ok", message="Only for others.", title="Classes", applies=False)
    passed = CheckResult("diverging", "ok", title="Loss")
    assert "em-checks" not in train_view.details(running(), [waiting])
    assert "2 checks: 1 passed, 1 not applicable yet" in train_view.details(running(), [passed, waiting])
    assert "2 checks: 1 passed, 1 not applicable here" in train_view.details(build_view("x", KEPT_80), [passed, waiting])


def test_every_accuracy_names_its_rows() -> None:
    html = shown_html(dataclasses.replace(build_view("x", KEPT_80), evaluations=(Evaluation(80, 0.9, 0.62, 0.6),)))
    for label in html.split('<dt dir="auto">')[1:]:
        if "accuracy" in label or "F1" in label:
            assert label.startswith("Validation")


def running(**facts: object) -> RunView:
    view = with_liveness(build_view("x", FIRST), is_alive=True, stop_requested=False)
    return dataclasses.replace(view, **facts)


def test_the_heading_says_what_the_model_is_right_on() -> None:
    assert "Right on 62 % of the validation rows." in train_view.head(running(), "my file")
    few = running(rows={"validation": 10})
    assert "Right on 6 of 10 of the validation rows" in train_view.head(few, "my file")
    assert "%" not in train_view.head(few, "my file").split("</strong>")[0]


def test_a_failure_says_what_happened_over_the_charts_and_in_the_footer() -> None:
    view = dataclasses.replace(build_view("x", FIRST), status="failed", message="The disk is full. Free some space.", code="disk")
    assert "my file failed." in train_view.head(view, "my file")
    assert "The disk is full. Free some space." in train_view.head(view, "my file")
    foot = train_view.footer(view, None, None)
    assert "role=alert" in foot
    assert "The disk is full." in foot
    assert 'data-action="resume"' in foot
    assert "em-primary" in foot


def test_the_footer_says_why_a_run_waits() -> None:
    view = build_view("x", FIRST[:2])
    assert "It starts in a moment." in train_view.footer(view, 0, None)
    assert "Waiting in the queue behind 2 runs." in train_view.footer(view, 2, None)
    foot = train_view.footer(view, 0, None, Delay("another process is writing this run", 7.6))
    assert "Waiting: another process is writing this run. Next try in about 8 s." in foot
    assert "starts in a moment" not in foot
    assert 'data-action="stop" data-code="x"' in foot


def test_a_footer_has_one_primary_button_at_most() -> None:
    for status in ("queued", "running", "interrupted", "finished", "stopped", "failed", "cancelled", "damaged"):
        for events in (FIRST, KEPT_80):
            view = dataclasses.replace(build_view("x", events), status=status)
            assert train_view.footer(view, 1, None).count("em-primary") <= 1, status


def test_what_nothing_is_known_of_is_no_number() -> None:
    assert train_tab.level_choices({"Best": 130.0})[:3] == [
        ("Quick look", "Quick look"),
        ("Balanced", "Balanced"),
        ("Best\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}2\N{NO-BREAK SPACE}min", "Best"),
    ]


def test_the_footer_of_the_form_says_what_start_would_do() -> None:
    foot = train_tab.start_footer("a.csv", 716, 37.0)
    assert "Trains on a.csv, 716 rows. Takes about 40 s." in foot
    assert "disabled" not in foot
    assert "It starts after the running one." in train_tab.start_footer("a.csv", 716, None, running="r")
    assert "716 rows. With your decisions on labels (3 rows)." in train_tab.start_footer(
        "a.csv", 716, None, decided="With your decisions on labels (3 rows)."
    )
    assert 'id="start"' not in train_tab.start_footer("a.csv", None, None)
    assert "role=alert" in train_tab.start_footer("a.csv", 716, None, error="Epochs must be a whole number.")
