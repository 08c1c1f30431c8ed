"""Diagnoses: silent about healthy curves, however noisy, and clear about unhealthy ones, at every moment of a run and without wavering."""

import json
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.addresses import TIMEOUT_SECONDS
from tests.conftest import small_rows, write_rows
from trainer.check import CheckResult, found
from trainer.evaluation.diagnostics import check_training
from trainer.evaluation.remedies import against_ignorance
from trainer.recipe import Recipe
from trainer.runs.event_types import load_event
from trainer.runs.view import Evaluation, LogPoint, RunView
from trainer.runs.view_builder import build_view
from trainer.studio import Studio

TOTAL = 300
ROWS = {"train": 1600, "validation": 200, "test": 400}


@dataclass(frozen=True)
class Curves:
    """A made-up training: each value as a function of the share of the steps that are done."""

    loss: Callable[[float], float]
    accuracy: Callable[[float], float]
    eval_loss: Callable[[float], float]
    eval_accuracy: Callable[[float], float]
    classes: Callable[[float], int | None] = lambda t: 4
    epochs: int = 3
    every: int = 2
    evaluations: int = 12
    rate: float | None = 2e-5
    rows: dict[str, int] | None = None


def run(course: Curves, noise: float = 0.0, seed: int = 0) -> RunView:
    """The finished run of a course, with noise in its values."""
    source = random.Random(seed)

    def shaken(value: float, sigma: float) -> float:
        return value + source.gauss(0, sigma)

    texts = course.every * course.epochs * ROWS["train"] / TOTAL
    points = [
        LogPoint(
            s, max(0.001, shaken(course.loss(s / TOTAL), noise)), min(1.0, max(0.0, shaken(right, math.sqrt(right * (1 - right) / texts))))
        )
        for s in sorted({1, *range(course.every, TOTAL + 1, course.every), TOTAL})
        for right in [course.accuracy(s / TOTAL)]
    ]
    steps = [math.ceil(TOTAL * k / course.evaluations) for k in range(1, course.evaluations + 1)]
    evaluations = [
        Evaluation(
            s, shaken(course.eval_loss(t), noise / 20), min(1.0, shaken(course.eval_accuracy(t), noise / 30)), 0.5, course.classes(t)
        )
        for s in steps
        for t in [s / TOTAL]
    ]
    return RunView(
        id="x",
        status="finished",
        rows=ROWS if course.rows is None else course.rows,
        last_logged_step=TOTAL,
        total_steps=TOTAL,
        epoch_steps=tuple(math.ceil(TOTAL * (e + 1) / course.epochs) for e in range(course.epochs)),
        epochs=course.epochs,
        learning_rate=course.rate,
        points=tuple(points),
        evaluations=tuple(evaluations),
        best_step=max(evaluations, key=lambda e: e.accuracy).step,
    )


def at(view: RunView, step: int) -> RunView:
    """The same run while it was under way."""
    evaluations = tuple(e for e in view.evaluations if e.step <= step)
    points = tuple(p for p in view.points if p.step <= step)
    best = max(evaluations, key=lambda e: e.accuracy or 0).step if evaluations else None
    return replace(
        view, status="running", last_logged_step=points[-1].step if points else 0, points=points, evaluations=evaluations, best_step=best
    )


RECIPE = Recipe()
"""With label smoothing, without early stopping and class weights."""


def diagnose(view: RunView, recipe: Recipe | None) -> tuple[CheckResult, ...]:
    return found(check_training(view, recipe))


def codes(view: RunView, recipe: Recipe | None = RECIPE) -> list[str]:
    return [d.code for d in diagnose(view, recipe)]


def story(view: RunView) -> list[list[str]]:
    """What is said from the first step to the end, without repetitions."""
    diagnoses = [codes(at(view, step)) for step in range(0, TOTAL, 4)] + [codes(at(view, TOTAL)), codes(view)]
    return [current for i, current in enumerate(diagnoses) if not i or diagnoses[i - 1] != current]


def message_of(view: RunView, code: str, recipe: Recipe | None = RECIPE) -> str:
    (message,) = [d.sentence for d in diagnose(view, recipe) if d.code == code]
    return message


def healthy(
    classes: int = 6, floor: float = 0.1, speed: float = 6.0, warmup: float = 0.1, gap: float = 0.05, rise: float = 1.1, **options: object
) -> Curves:
    """Loss from that of guessing down to a share of it; validation a little worse, its loss a little up again at the end."""
    start_loss = math.log(classes)

    def left(t: float) -> float:
        return floor + (1 - floor) * math.exp(-speed * max(0.0, t - warmup))

    def accuracy(t: float) -> float:
        return 1 - (1 - 1 / classes) * left(t)

    return Curves(
        loss=lambda t: start_loss * left(t),
        accuracy=accuracy,
        eval_loss=lambda t: start_loss * (left(t) + 0.05) * (1 + (rise - 1) * t),
        eval_accuracy=lambda t: accuracy(t) - gap * t,
        classes=lambda t: 1 if t < warmup else min(classes, 4),
        **options,
    )


def still(level: float = math.log(4), accuracy: float = 0.25, classes: int | None = 2, **options: object) -> Curves:
    """A model that stays as it is."""
    return Curves(lambda t: level, lambda t: accuracy, lambda t: level, lambda t: accuracy, lambda t: classes, **options)


# Healthy runs


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    noise=st.floats(0, 0.2),
    epochs=st.integers(1, 12),
    every=st.integers(1, 12),
    evaluations=st.integers(1, 40),
    course=st.fixed_dictionaries(
        {
            "classes": st.integers(2, 40),
            "floor": st.floats(0.02, 0.6),
            "speed": st.floats(4, 40),
            "warmup": st.floats(0, 0.15),
            "gap": st.floats(0, 0.1),
            "rise": st.floats(1, 1.15),
        }
    ),
)
def test_a_loss_that_falls_is_never_ill(seed: int, noise: float, epochs: int, every: int, evaluations: int, course: dict) -> None:
    view = run(healthy(**course, epochs=epochs, every=every, evaluations=evaluations), noise=noise * math.log(course["classes"]), seed=seed)
    assert codes(view) == []
    for step in range(0, TOTAL, 23):
        assert codes(at(view, step)) == [], step


@pytest.mark.parametrize("rows", [{"train": 28, "validation": 4, "test": 8}, {"train": 70, "validation": 10, "test": 20}])
def test_with_few_rows_scores_may_wander(rows: dict[str, int]) -> None:
    for seed in range(25):
        source = random.Random(seed)
        view = run(healthy(classes=3, rows=rows), noise=0.2, seed=seed)
        few = rows["validation"]
        wandering = [
            replace(e, accuracy=sum(source.random() < e.accuracy for _ in range(few)) / few, loss=e.loss + source.gauss(0, 0.3 / few**0.5))
            for e in view.evaluations
        ]
        assert story(replace(view, evaluations=tuple(wandering))) == [[]]


def test_a_loss_that_was_low_from_the_start_is_no_flat_loss() -> None:
    # A run that continues with a trained model, with little or much noise in its labels.
    for level, accuracy in ((0.05, 0.99), (0.3, 0.9), (0.6, 0.75), (1.2, 0.6), (2.5, 0.45)):
        for seed in range(10):
            assert story(run(still(level, accuracy), noise=0.05 * level, seed=seed)) == [[]]


def test_a_loss_that_falls_at_once_and_stays_is_no_flat_loss() -> None:
    for seed in range(10):
        assert story(run(healthy(floor=0.6, speed=60, warmup=0), noise=0.05, seed=seed)) == [[]]


def test_nothing_is_said_of_a_run_without_curves() -> None:
    for status in ("queued", "running", "cancelled", "failed", "interrupted"):
        assert diagnose(RunView(id="x", status=status), RECIPE) == ()
        assert diagnose(RunView(id="x", status=status, total_steps=100, epoch_steps=(50, 100)), RECIPE) == ()


def test_a_loss_that_is_no_number_has_said_all() -> None:
    view = run(still(classes=1), noise=0.01)
    assert codes(view)
    assert diagnose(replace(view, status="failed", code="loss_not_finite"), RECIPE) == ()


def test_missing_and_damaged_values_are_passed_over() -> None:
    view = run(healthy(), noise=0.1)
    holes = [replace(p, loss=None, accuracy=None) if p.step % 3 else p for p in view.points]
    damaged = [replace(e, loss="x", accuracy=math.nan, classes=None) for e in view.evaluations[::2]]  # type: ignore[arg-type]
    assert diagnose(replace(view, points=tuple(holes), evaluations=tuple(damaged), best_step=None), RECIPE) == ()
    wild = tuple(replace(p, loss=-1e6, accuracy=40.0) for p in view.points)
    odd_scores = tuple(replace(e, accuracy=-7.0) for e in view.evaluations)
    diagnose(replace(view, points=wild, evaluations=odd_scores, rows={"validation": 0}), RECIPE)
    empty = tuple(replace(p, loss=None, accuracy=None) for p in view.points)
    assert diagnose(replace(view, points=empty, evaluations=(), rows={}), RECIPE) == ()


# Collapse


def test_one_class_for_every_row_is_a_collapse() -> None:
    view = run(replace(healthy(), eval_accuracy=lambda t: 0.34, classes=lambda t: 1), noise=0.05)
    assert story(view) == [[], ["collapse"]]
    message = message_of(view, "collapse")
    assert "predicts the same class for all 200 validation rows and is right for 34 % of them" in message
    assert "class weights “balanced”" in message
    assert "0.00002" in message


def test_a_collapse_waits_for_a_fair_chance() -> None:
    view = run(replace(still(classes=1), epochs=10, evaluations=40))
    assert "collapse" not in codes(at(view, TOTAL // 3 - 1))
    assert "collapse" in codes(at(view, TOTAL // 3 + 8))
    view = run(replace(still(classes=1), epochs=1, evaluations=40))
    assert "collapse" not in codes(at(view, TOTAL // 2 - 1))
    assert "collapse" in codes(at(view, TOTAL // 2 + 8))


def test_one_evaluation_is_enough_only_at_the_end() -> None:
    view = run(replace(still(classes=1), epochs=1, evaluations=1))
    assert "collapse" not in codes(at(view, TOTAL))
    assert "collapse" in codes(view)


def test_a_model_that_recovers_is_no_longer_called_collapsed() -> None:
    view = run(replace(healthy(), classes=lambda t: 1 if t < 0.6 else 3))
    assert story(view) == [[], ["collapse"], []]


def test_a_model_that_forgets_the_classes_keeps_its_best_weights() -> None:
    view = run(replace(healthy(), classes=lambda t: 4 if t < 0.5 else 1, eval_accuracy=lambda t: 0.8 if t < 0.5 else 0.3))
    assert codes(view) == ["collapse"]
    assert "does not distinguish the classes any more" in message_of(view, "collapse")
    assert f"the model that is kept is an earlier one, of step {view.best_step}." in message_of(view, "collapse")


def test_what_an_untrained_head_says_at_first_is_no_knowledge() -> None:
    view = run(replace(healthy(), classes=lambda t: 3 if t < 0.2 else 1, eval_accuracy=lambda t: 0.3))
    assert codes(view) == ["collapse"]
    assert "any more" not in message_of(view, "collapse")


def test_single_evaluations_with_one_class_are_no_collapse() -> None:
    view = run(replace(healthy(), classes=lambda t: 1 if round(t * 12) % 3 == 0 else 4))
    assert story(view) == [[]]


def test_where_all_validation_rows_are_of_one_class_the_model_is_right() -> None:
    for accuracy in (1.0, 0.996):  # not one row or a single one is missed
        assert codes(run(replace(healthy(), classes=lambda t: 1, eval_accuracy=lambda t, a=accuracy: a))) == []


def test_runs_that_did_not_count_the_classes_are_not_judged_by_them() -> None:
    assert codes(run(replace(healthy(), classes=lambda t: None))) == []


# Flat loss


def test_a_loss_that_stays_is_found_and_not_unsaid() -> None:
    diagnosed, wavering = 0, 0
    for seed in range(60):
        classes = 2 + seed % 9
        view = run(
            still(math.log(classes), 1 / classes, every=1 + seed % 4), noise=(0.02 + 0.05 * (seed % 4)) * math.log(classes), seed=seed
        )
        diagnoses = story(view)
        diagnosed += diagnoses[-1] == ["flat_loss"]
        wavering += len(diagnoses) > 2
        assert all(codes in ([], ["flat_loss"]) for codes in diagnoses)
    assert diagnosed >= 50
    assert wavering <= 6


def test_the_words_for_a_flat_loss_turn_the_learning_rate_the_right_way() -> None:
    for rate, advice in (
        (1e-7, "a larger learning rate (it is 0.0000001"),
        (1e-2, "a smaller learning rate (it is 0.01; a tenth of that is 0.001)"),
    ):
        message = message_of(run(still(rate=rate), noise=0.05), "flat_loss", Recipe(learning_rate=rate))
        assert advice in message
        assert "1.39 in the first third of the steps so far, 1.39 in the last" in message
    assert "Try another learning rate or more epochs" in message_of(run(still(rate=None)), "flat_loss")


def test_with_a_collapse_the_advice_is_given_once() -> None:
    view = run(still(classes=1), noise=0.05)
    assert codes(view) == ["collapse", "flat_loss"]
    assert "learning rate" in message_of(view, "collapse")
    assert "learning rate" not in message_of(view, "flat_loss")


# Diverging


def diverging(highest: float = 5.0, back: float | None = None) -> Curves:
    def loss(t: float) -> float:
        if back is not None and t > 0.6:
            return back
        return 1.4 + (highest - 1.4) * min(1.0, max(0.0, t - 0.15) * 4)

    return replace(still(rate=1e-2), loss=loss, eval_loss=loss)


def test_a_loss_that_rises_far_above_its_start_diverges() -> None:
    for seed in range(10):
        view = run(diverging(), noise=0.2, seed=seed)
        assert story(view) == [[], ["diverging"]]
    message = message_of(view, "diverging")
    assert "a tenth of that is 0.001" in message
    assert "risen from 1." in message


def test_a_loss_that_comes_down_again_no_longer_diverges() -> None:
    diagnoses = story(run(replace(diverging(back=0.3), accuracy=lambda t: 0.9, eval_accuracy=lambda t: 0.88), noise=0.1))
    assert diagnoses[:2] == [[], ["diverging"]]
    assert diagnoses[-1] == []


def test_batches_far_above_the_others_are_no_divergence() -> None:
    view = run(healthy(), noise=0.1)
    spikes = tuple(replace(p, loss=9.0) if i % 7 == 3 else p for i, p in enumerate(view.points))
    assert "diverging" not in codes(replace(view, points=spikes))


# Few steps


def after_one_step() -> RunView:
    """Four rows to learn from, read once."""
    return RunView(
        id="x",
        status="finished",
        rows={"train": 4, "validation": 4, "test": 4},
        last_logged_step=1,
        total_steps=1,
        epoch_steps=(1,),
        epochs=1,
        batch_size=16,
        learning_rate=2e-5,
        points=(LogPoint(1, 1.1, 0.25),),
        evaluations=(Evaluation(1, 1.1, 0.25, 0.1, classes=1),),
        best_step=1,
    )


def test_after_one_of_one_steps_nobody_advises_another_learning_rate() -> None:
    message = message_of(after_one_step(), "collapse")
    assert message.startswith(
        "After 1 of 1 steps the model predicts the same class for all 4 validation rows and is right for 25 % of them"
    )
    assert "Try more epochs, a smaller batch size (it is 16) or more rows." in message
    assert "learning rate" not in message


def test_few_steps_and_less_than_an_epoch_are_too_few_for_the_learning_rate_to_be_judged() -> None:
    collapsed = run(still(classes=1, epochs=1, evaluations=12), noise=0.02)
    for total, rate_is_named in ((19, False), (20, True)):
        few = replace(
            collapsed,
            last_logged_step=total,
            total_steps=total,
            epoch_steps=(total,),
            points=tuple(replace(p, step=i) for i, p in enumerate(collapsed.points[:total], 1)),
            evaluations=tuple(replace(e, step=total - 1 + i) for i, e in enumerate(collapsed.evaluations[-2:])),
        )
        assert codes(few) == ["collapse", "flat_loss"]
        assert ("learning rate" in message_of(few, "collapse")) is rate_is_named
    stopped = replace(at(replace(collapsed, epoch_steps=(90, 180, 270), epochs=3), 80), status="stopped", total_steps=150)
    assert codes(stopped)[0] == "collapse"
    assert "learning rate" not in message_of(stopped, "collapse")
    # In the first epoch of a large file many steps were made: there it is the learning rate.
    assert "learning rate" in message_of(replace(collapsed, total_steps=400, epoch_steps=(400,), status="stopped"), "collapse")


# What the recipe does already is not advised


def test_the_advice_for_a_collapse_follows_the_recipe() -> None:
    view = run(still(classes=1), noise=0.05)
    assert "class weights “balanced” or more rows" in message_of(view, "collapse")
    weighted = message_of(view, "collapse", Recipe(class_weights="balanced"))
    assert "balanced" not in weighted
    assert "more rows of the rare classes" in weighted
    assert "frozen" not in message_of(view, "collapse") + message_of(view, "flat_loss")
    for frozen in (Recipe(frozen_epochs=3), Recipe(frozen_epochs=50)):
        assert "an encoder that learns too (it is frozen now)" in message_of(view, "collapse", frozen)
    assert "frozen" not in message_of(view, "collapse", Recipe(frozen_epochs=1))
    assert "an encoder that learns too" in message_of(run(still(), noise=0.05), "flat_loss", Recipe(frozen_epochs=3))


def test_the_advice_for_a_divergence_follows_the_recipe() -> None:
    view = run(diverging(), noise=0.2)
    assert "Try a smaller learning rate (it is 0.01; a tenth of that is 0.001) or more warmup." in message_of(view, "diverging")
    assert "gradient clipping (it is off)" in message_of(view, "diverging", Recipe(max_grad_norm=0))
    assert "warmup" not in message_of(view, "diverging", Recipe(warmup=0.5))
    small = replace(view, learning_rate=1e-6)
    assert "learning rate" not in message_of(small, "diverging")
    assert "Try a larger batch size." in message_of(small, "diverging", Recipe(warmup=0.5))


def test_a_learning_rate_that_we_chose_is_not_called_large() -> None:
    view = run(still(rate=1e-3), noise=0.05)
    assert "a tenth of that" in message_of(view, "flat_loss", Recipe(learning_rate=1e-3))
    assert "a tenth of that" not in message_of(view, "flat_loss", Recipe(lora_rank=8))


# Overfitting


def past_its_best(**options: object) -> Curves:
    """Training accuracy rises to 95 %, validation accuracy falls from 70 to 60 % after a third of the steps."""
    course = healthy(speed=40, **options)
    return replace(course, accuracy=lambda t: 0.95, eval_accuracy=lambda t: 0.70 if t < 0.4 else 0.60)


def test_training_accuracy_far_above_a_validation_accuracy_that_falls() -> None:
    view = run(past_its_best())
    assert view.kept.step == 25
    assert story(view) == [[], ["overfitting"]]
    message = message_of(view, "overfitting")
    assert (
        "right for 94 % of the training rows (counted while it learned from them, with dropout), but for 60 % of the validation rows"
        in message
    )
    assert "the model that is kept is an earlier one, of step 25." in message
    assert "Try fewer epochs, early stopping or, best of all, more rows." in message
    assert "the model that is kept so far is an earlier one, of step 25." in message_of(at(view, TOTAL - 1), "overfitting")
    # Kept is the last one: nothing has been lost by training on.
    assert codes(replace(view, best_step=TOTAL)) == ["generalization_gap"]
    assert codes(replace(at(view, TOTAL - 1), best_step=TOTAL - 25)) == []


def test_what_is_on_already_is_not_advised_against_overfitting() -> None:
    view = run(past_its_best())
    nothing_on = message_of(view, "overfitting", Recipe(label_smoothing=0, weight_decay=0, dropout=0))
    assert (
        "Try fewer epochs, early stopping, some label smoothing, dropout of the head, some weight decay or, best of all, more rows."
        in nothing_on
    )
    assert "early stopping" not in message_of(view, "overfitting", Recipe(early_stopping=3))
    # A run that ended early has trained fewer epochs than requested.
    early = replace(view, total_steps=TOTAL + 100)
    assert message_of(early, "overfitting", Recipe(early_stopping=3)).endswith("More rows would help most.")
    unknown = message_of(view, "overfitting", None)
    assert "Try fewer epochs or, best of all, more rows." in unknown


def test_validation_loss_well_above_its_lowest_while_training_loss_falls() -> None:
    rising = replace(healthy(speed=4), eval_loss=lambda t: 0.6 + max(0.0, t - 0.4))
    for seed in range(10):
        view = run(rising, noise=0.15, seed=seed)
        assert story(view) == [[], ["overfitting"]]
    assert "while the training loss keeps falling" in message_of(view, "overfitting")
    # If the training loss rises as well, the rows are not memorized.
    assert "overfitting" not in codes(run(replace(rising, loss=lambda t: 0.6 + max(0.0, t - 0.4))))


def test_fewer_epochs_are_not_advised_where_the_last_evaluation_is_the_best() -> None:
    view = run(replace(healthy(speed=4), eval_loss=lambda t: 0.6 + max(0.0, t - 0.4), eval_accuracy=lambda t: 0.5 + 0.3 * t))
    assert view.kept.step == TOTAL
    message = message_of(view, "overfitting")
    assert "is as high as ever, except for chance; it becomes too confident where it is wrong. More rows would help most." in message
    assert "Nothing is lost" not in message
    assert "Try some label smoothing or, best of all, more rows." in message_of(view, "overfitting", Recipe(label_smoothing=0))


def test_what_was_read_once_is_not_known_by_heart() -> None:
    for course in (past_its_best(), replace(healthy(speed=40), accuracy=lambda t: 0.95, eval_accuracy=lambda t: 0.70)):
        assert codes(run(replace(course, epochs=1))) == []


def test_a_gap_about_the_threshold_does_not_make_it_waver() -> None:
    for seed in range(15):
        course = replace(past_its_best(), eval_accuracy=lambda t: 0.86 if t < 0.4 else 0.80, evaluations=60)
        assert len(story(run(course, noise=0.3, seed=seed))) <= 3


# The gap at the end


def test_a_gap_while_validation_still_gains_is_told_at_the_end_and_as_what_it_is() -> None:
    course = replace(healthy(), accuracy=lambda t: 0.5 + 0.4 * t, eval_accuracy=lambda t: 0.5 + 0.1 * t, eval_loss=lambda t: 1.4 - 0.4 * t)
    view = run(course)
    assert story(view) == [[], ["generalization_gap"]]
    (diagnosis,) = diagnose(view, RECIPE)
    assert diagnosis.severity == "info"
    assert "The kept model is right for 60 % of the 200 validation rows (step 300), while 83 % of the training rows" in diagnosis.sentence
    assert diagnosis.sentence.endswith("It knows its training rows better than new ones: more rows would help most.")
    assert message_of(view, "generalization_gap", Recipe(label_smoothing=0)).endswith(
        "more rows would help most, then some label smoothing."
    )
    assert codes(replace(view, status="stopped")) == ["generalization_gap"]
    for status in ("running", "failed", "interrupted"):
        assert codes(replace(view, status=status)) == []


def test_a_small_gap_is_no_word_worth() -> None:
    course = replace(healthy(speed=40), accuracy=lambda t: 0.95, eval_accuracy=lambda t: 0.85)
    assert codes(run(course)) == []


def test_so_few_validation_rows_prove_no_gap() -> None:
    course = replace(healthy(speed=40), accuracy=lambda t: 0.95, eval_accuracy=lambda t: 0.70, rows={"train": 80, "validation": 10})
    last = replace(run(course), best_step=TOTAL)
    assert codes(last) == []
    assert codes(replace(last, rows=ROWS)) == ["generalization_gap"]
    falling = replace(run(past_its_best(rows={"train": 80, "validation": 10})), best_step=25)
    assert codes(falling) == []
    assert codes(replace(falling, rows=ROWS)) == ["overfitting"]


def test_all_of_the_training_rows_are_said_only_where_all_are_right() -> None:
    for accuracy, shown in ((1.0, "100 %"), (0.999, "99.9 %")):
        view = run(replace(healthy(speed=40), accuracy=lambda t, s=accuracy: s, eval_accuracy=lambda t: 0.70))
        exact = replace(view, best_step=TOTAL, points=tuple(replace(p, accuracy=accuracy) for p in view.points))
        assert f"while {shown} of the training rows" in message_of(exact, "generalization_gap")


# Real ones


def sample_run() -> list[dict]:
    """The events of a training of our own sample with the settings that everybody begins with (138 steps, seed 42)."""
    curves = json.loads((Path(__file__).parent / "sample_run.json").read_text(encoding="utf-8"))
    names = {"log": ("step", "loss", "accuracy"), "eval": ("step", "loss", "accuracy", "macro_f1", "classes")}
    steps = [{"type": event_type, **dict(zip(names[event_type], row, strict=True))} for event_type in names for row in curves[event_type]]
    steps += [{"type": "checkpoint", "step": step} for step in curves["checkpoint"]]
    order = ["log", "eval", "checkpoint"]
    events = [
        {"type": "created", "name": "n", "owner": "local", "rows": curves["rows"]},
        {"type": "queued"},
        {"type": "started", **curves["started"]},
        *sorted(steps, key=lambda e: (e["step"], order.index(e["type"]))),
        {"type": "finished", "best_step": curves["best_step"]},
    ]
    return [load_event({"time": 1.7e9 + i, **event}) for i, event in enumerate(events)]


def test_of_our_own_sample_nothing_is_said_while_it_trains_and_at_its_end_what_is_so() -> None:
    events = sample_run()
    for seen in range(len(events)):
        assert diagnose(build_view("x", events[:seen]), RECIPE) == (), seen
    view = build_view("x", events)
    assert view.kept.step == view.last_logged_step == view.total_steps
    (diagnosis,) = diagnose(view, RECIPE)
    assert (diagnosis.code, diagnosis.severity) == ("generalization_gap", "info")
    assert diagnosis.sentence == (
        "The kept model is right for 72 % of the 102 validation rows (step 138), while 100 % of the training rows were predicted right in the "
        "epoch up to that step (counted while it learned from them, with dropout). It knows its training rows better than new ones: more rows "
        "would help most."
    )


UNEVEN = [row for row in small_rows(240) if row[1] == "joy"] + [row for row in small_rows(240) if row[1] != "joy"][:12]
GUESSES = [(text, label) for (text, _), (_, label) in zip(small_rows(160), small_rows(160, seed=2), strict=True)]
"""Texts with the labels of others: what can be learned of them is of no use for new ones."""


@pytest.mark.parametrize(
    ("rows", "asked", "expected", "mentioned", "unmentioned"),
    [
        (small_rows(240), {"epochs": 12, "batch_size": 16, "learning_rate": 5e-3}, set(), [], []),
        (
            small_rows(240),
            {"epochs": 4, "batch_size": 8, "learning_rate": 1e-7},
            {"flat_loss"},
            ["a larger learning rate (it is 0.0000001, which is very small)"],
            ["frozen"],
        ),
        (UNEVEN, {"epochs": 4, "batch_size": 8, "learning_rate": 1e-4}, {"collapse"}, ["class weights “balanced”"], ["fewer epochs"]),
        (
            GUESSES,
            {"epochs": 25, "batch_size": 16, "learning_rate": 5e-3, "label_smoothing": 0, "evaluations_per_epoch": 1}
            | {"validation_share": 0.3, "test_share": 0.1},
            {"overfitting"},
            ["some label smoothing or, best of all, more rows"],
            [],
        ),
        (small_rows(12), {"epochs": 1, "batch_size": 16, "learning_rate": 1e-3}, {"collapse"}, ["1 of 1 steps"], ["learning rate"]),
    ],
    ids=["healthy", "flat", "uneven", "overfitting", "one step"],
)
def test_real_trainings(
    studio: Studio, tmp_path: Path, rows: list, asked: dict, expected: set[str], mentioned: list[str], unmentioned: list[str]
) -> None:
    workspace = studio.for_owner("local")
    file = write_rows(tmp_path / "moods.csv", rows)
    recipe = Recipe(encoder=studio.encoders.default.name, max_length=32, seed=7, **asked)
    view = workspace.wait(workspace.train_files({"main": ("moods.csv", file)}, recipe).id, TIMEOUT_SECONDS)
    assert view.status == "finished", view.message
    diagnoses = found(workspace.library.training_checks(view.id))
    diagnosed = {d.code for d in diagnoses}
    # What does not learn may give the same class for all rows, too.
    assert diagnosed - ({"collapse"} if "flat_loss" in expected else set()) == expected
    messages = " ".join(d.sentence for d in diagnoses)
    assert [w for w in mentioned if w not in messages] == []
    assert [w for w in unmentioned if w in messages] == []


def test_more_epochs_are_not_advised_to_a_training_that_ended_before_its_last() -> None:
    view = RunView(
        "x", status="finished", last_logged_step=17, total_steps=220, epoch_steps=(11,), epochs=20, batch_size=16, learning_rate=1e-4
    )
    advice = against_ignorance(view, Recipe(early_stopping=5))
    assert not [phrase for phrase in advice if "epochs" in phrase]
    assert "early stopping that waits longer (it ended this training after 17 of 220 steps)" in advice
    stopped = replace(view, status="stopped", last_logged_step=120)
    assert "training it to its end (Resume)" in against_ignorance(stopped, Recipe())
    assert "more epochs" in against_ignorance(replace(view, last_logged_step=220), Recipe(early_stopping=5))
