"""Folding events into what a person asks about a run."""

import pytest

from trainer.runs.view import fold, with_life


def event(kind: str, **fields: object) -> dict:
    return {"kind": kind, "time": 100.0, **fields}


BEGUN = [
    event("created", name="brisk otter", owner="local", source_name="a.csv", encoder="tiny", rows={"train": 70}),
    event("queued"),
    event("started", device="2 CPU cores, bf16", epochs=2, batch_size=8, learning_rate=1e-3, total_steps=20, epoch_steps=[10, 20]),
    event("phase", what="training"),
    event("log", step=5, loss=1.0, accuracy=0.5, elapsed=10.0, samples_per_second=4.0),
    event("eval", step=5, loss=0.9, accuracy=0.6, macro_f1=0.5),
    event("checkpoint", step=5, macro_f1=0.5),
    event("log", step=10, loss=0.8, accuracy=0.7, elapsed=20.0),
]


def test_a_run_under_way() -> None:
    view = with_life(fold("id", BEGUN), living=True, stop_asked=True)
    assert (view.name, view.status, view.phase, view.step, view.best_step) == ("brisk otter", "running", "training", 10, 5)
    assert [p.loss for p in view.points] == [1.0, 0.8]
    assert view.seconds_left == pytest.approx(20.0)
    assert view.stop_asked
    assert view.live
    assert not view.has_model


def test_without_end_and_without_writer_it_is_interrupted_and_keeps_its_curve() -> None:
    view = with_life(fold("id", BEGUN), living=False, stop_asked=False)
    assert view.status == "interrupted"
    assert len(view.points) == 2
    assert not view.live
    assert view.seconds_left is None


def test_a_waiting_run_is_not_interrupted() -> None:
    assert with_life(fold("id", BEGUN[:2]), living=False, stop_asked=False).status == "queued"


@pytest.mark.parametrize(
    ("end", "status", "model"),
    [("finished", "finished", True), ("stopped", "stopped", True), ("failed", "failed", False), ("cancelled", "cancelled", False)],
)
def test_ends(end: str, status: str, model: bool) -> None:
    view = with_life(fold("id", [*BEGUN, event(end, message="why", seconds=9.0)]), living=False, stop_asked=True)
    assert (view.status, view.has_model, view.message, view.stop_asked) == (status, model, "why", False)


def test_after_a_resume_what_was_seen_beyond_its_step_is_gone() -> None:
    view = fold("id", [*BEGUN, event("resumed", step=5), event("log", step=10, loss=0.7)])
    assert [(p.step, p.loss) for p in view.points] == [(5, 1.0), (10, 0.7)]
    assert fold("id", [*BEGUN, event("resumed", step=4)]).best_step is None


def test_damaged_events_are_passed_over() -> None:
    view = fold("id", [*BEGUN, event("log"), event("eval", step="x"), event("checkpoint"), event("resumed"), event("unheard of")])
    assert len(view.points) == 2
    assert view.best_step == 5


def test_an_evaluation_that_only_a_stop_made_is_gone_once_the_run_goes_on() -> None:
    stopped = [*BEGUN, event("eval", step=3, accuracy=0.5, extra=True), event("stopped", best_step=3)]
    assert [e.step for e in fold("id", stopped).evaluations][-1] == 3
    assert 3 not in [e.step for e in fold("id", [*stopped, event("queued"), event("resumed", step=3)]).evaluations if e.extra]


@pytest.mark.parametrize("end", ["finished", "stopped", "failed"])
def test_who_leaves_the_queue_is_what_it_was_before(end: str) -> None:
    waiting = [BEGUN[0], event("queued"), *BEGUN, event(end), event("queued", epochs=7)]
    assert (fold("id", waiting).status, fold("id", waiting).wanted_epochs) == ("queued", 7)
    left = fold("id", [*waiting, event("cancelled", message="Taken out of the queue.")])
    assert (left.status, left.wanted_epochs) == (end, None)
    assert fold("id", [*BEGUN[:2], event("cancelled")]).status == "cancelled"


def test_a_run_has_the_name_that_it_was_given_last() -> None:
    assert fold("id", [event("created", name="a", owner="local"), event("renamed", name="b"), event("renamed", name=" ")]).name == "b"


def test_it_can_go_on_from_what_was_saved_last() -> None:
    assert fold("id", [*BEGUN, event("saved", step=4), event("saved", step=8)]).saved_step == 8
    assert fold("id", [*BEGUN, event("saved", step=8), event("resumed", step=4)]).saved_step == 4
