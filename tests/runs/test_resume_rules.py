"""Which runs can be resumed, and for how many epochs."""

import pytest

from trainer.errors import UserError
from trainer.runs.resume_rules import epochs_after_resume, is_worth_resuming, resume_label
from trainer.runs.view import BaselineScores, Metrics, RunView


def view(status: str, **facts: object) -> RunView:
    return RunView(id="x", name="brisk otter", status=status, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "may"), [("interrupted", True), ("stopped", True), ("failed", True), ("finished", False), ("running", False)]
)
def test_what_ended_before_its_time_may_go_on(status: str, may: bool) -> None:
    assert is_worth_resuming(view(status)) is may


def test_what_went_astray_may_not() -> None:
    diverged = view("failed", code="loss_not_finite")
    assert not is_worth_resuming(diverged)
    with pytest.raises(UserError, match="smaller learning rate"):
        epochs_after_resume(diverged, 0)


@pytest.mark.parametrize("code", ["out_of_memory", "batch_too_large"])
def test_what_does_not_fit_into_the_memory_goes_on_with_fewer_texts_or_not_at_all(code: str) -> None:
    halved = view("failed", code=code, retry_texts_at_a_time=16)
    assert is_worth_resuming(halved)
    assert resume_label(halved) == "Train it again with 16 texts at a time"
    assert resume_label(view("failed", code=code, retry_texts_at_a_time=1, saved_step=7)) == "Resume from step 7 with one text at a time"
    in_folds = view("failed", code=code, retry_texts_at_a_time=16, folds=5, folds_done=0.4)
    assert resume_label(in_folds) == "Resume with the folds that are left, 16 texts at a time"
    hopeless = view("failed", code=code)
    assert not is_worth_resuming(hopeless)
    with pytest.raises(UserError, match="shorter maximum length"):
        epochs_after_resume(hopeless, 0)


def test_the_button_says_where_it_begins() -> None:
    assert resume_label(view("interrupted", saved_step=1_200)) == "Resume from step 1,200"
    assert resume_label(view("interrupted")) == "Train it again from the start"


def test_epochs_are_counted_from_where_it_ended() -> None:
    assert epochs_after_resume(view("finished", epochs=3, last_logged_step=30, epoch_steps=(10, 20, 30)), 2) == 5
    assert (
        epochs_after_resume(view("finished", epochs=9, last_logged_step=25, epoch_steps=(10, 20, 30)), 2) == 5
    )  # it ended early, in its third epoch
    assert epochs_after_resume(view("interrupted", epochs=3), 0) is None


@pytest.mark.parametrize(("status", "more_epochs", "message"), [("finished", 0, "how many more"), ("stopped", 2, "Resume it first")])
def test_what_makes_no_sense_is_said(status: str, more_epochs: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        epochs_after_resume(view(status, epochs=3), more_epochs)


def test_a_linear_model_has_no_epochs_to_go_on_with() -> None:
    linear = BaselineScores(100, Metrics(0.8, 0.8), Metrics(0.8, 0.8))
    frozen = view("finished", linear=linear)
    with pytest.raises(UserError, match=r"has no epochs.*method full"):
        epochs_after_resume(frozen, 1)
    tuned = view("finished", linear=linear, epochs=1, total_steps=10, last_logged_step=10, epoch_steps=(10,))
    assert epochs_after_resume(tuned, 1) == 2
