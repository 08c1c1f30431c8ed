"""What the Train tab says of a run: which model its scores are of, and which rows they are on."""

import dataclasses

import pytest

from tests.runs.made import event
from trainer.runs.doctor import Diagnosis
from trainer.runs.view import Evaluation, RunView, fold, with_life
from trainer.ui import train_tab

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
    event("queued", epochs=4),
    event("started", device="1 GPU", epochs=4, batch_size=8, learning_rate=1e-3, total_steps=160, epoch_steps=[40, 80, 120, 160]),
    event("resumed", step=80, best_step=80),
    event("eval", step=120, loss=0.4, accuracy=0.95, macro_f1=0.94),
    event("checkpoint", step=120),
    event("log", step=130, loss=0.4, accuracy=0.9),
]


def said(view: RunView) -> str:
    return train_tab._state(view, None, ())


def test_beside_a_finished_model_stand_its_own_validation_scores_and_not_the_last_ones() -> None:
    html = said(fold("x", [*FIRST, event("finished", best_step=40)]))
    assert "<dt>Validation accuracy (kept model, step 40)</dt><dd>91.0 %</dd>" in html
    assert "<dt>Validation macro F1 (kept model, step 40)</dt><dd>90.0 %</dd>" in html
    assert "62.0 %" not in html


def test_while_it_trains_the_best_and_the_latest_are_told_apart() -> None:
    live = with_life(fold("x", FIRST), living=True, stop_asked=False)
    html = said(live)
    assert "Validation accuracy (best so far, step 40)</dt><dd>91.0 %" in html
    assert "Validation accuracy (latest, step 80)</dt><dd>62.0 %" in html
    # As many lines where they are the same, or the page would jump.
    assert said(dataclasses.replace(live, best_step=80)).count("<dt>") == html.count("<dt>")


@pytest.mark.parametrize("end", ["failed", None])
def test_more_epochs_that_fail_leave_ring_and_facts_on_the_model_of_the_folder(end: str | None) -> None:
    events = [*KEPT_80, *MORE, *([event(end, message="The disk is full.", code="disk")] if end else [])]
    view = with_life(fold("x", events), living=False, stop_asked=False)
    html = said(view)
    assert "<dt>Epochs</dt><dd>2</dd>" in html
    assert "<dt>Device</dt><dd>2 CPU cores</dd>" in html
    assert "(kept model, step 80)" in html
    assert "95.0 %" not in html
    assert train_tab._curves(view).best_step == 80


def test_while_more_epochs_train_the_tab_shows_that_training() -> None:
    view = with_life(fold("x", [*KEPT_80, *MORE]), living=True, stop_asked=False)
    assert "<dt>Epochs</dt><dd>4</dd>" in said(view)
    assert "Validation accuracy (best so far, step 120)" in said(view)
    assert train_tab._curves(view).best_step == 120


def test_a_gap_that_is_no_fault_is_no_warning() -> None:
    html = train_tab._state(fold("x", KEPT_80), None, [Diagnosis("generalization_gap", "More rows.", severity="info")])
    assert '<div class="em-notice em-info"><span class="em-sign" aria-hidden="true">i</span><span>More rows.</span>' in html


def test_every_accuracy_names_its_rows() -> None:
    html = said(dataclasses.replace(fold("x", KEPT_80), evaluations=(Evaluation(80, 0.9, 0.62, 0.6),)))
    for label in html.split("<dt>")[1:]:
        if "accuracy" in label or "F1" in label:
            assert label.startswith("Validation")
