"""The doctor: silent over healthy curves, however noisy, and clear about sick ones, at every moment of a run and without wavering."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import small_rows, write_rows
from trainer.recipe import Recipe
from trainer.runs.doctor import diagnose
from trainer.runs.view import Evaluation, LogPoint, RunView
from trainer.studio import Studio

TOTAL = 300
ROWS = {"train": 1600, "validation": 200, "test": 400}


@dataclass(frozen=True)
class Course:
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


def run(course: Course, noise: float = 0.0, seed: int = 0) -> RunView:
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
        step=TOTAL,
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
    return replace(view, status="running", step=points[-1].step if points else 0, points=points, evaluations=evaluations, best_step=best)


def codes(view: RunView) -> list[str]:
    return [d.code for d in diagnose(view)]


def story(view: RunView) -> list[list[str]]:
    """What is said from the first step to the end, without repetitions."""
    said = [codes(at(view, step)) for step in range(0, TOTAL, 4)] + [codes(at(view, TOTAL)), codes(view)]
    return [now for i, now in enumerate(said) if not i or said[i - 1] != now]


def words(view: RunView, code: str) -> str:
    (found,) = [d.words for d in diagnose(view) if d.code == code]
    return found


def healthy(
    classes: int = 6, floor: float = 0.1, speed: float = 6.0, warmup: float = 0.1, gap: float = 0.05, rise: float = 1.1, **more: object
) -> Course:
    """Loss from that of guessing down to a share of it; validation a little worse, its loss a little up again at the end."""
    top = math.log(classes)

    def left(t: float) -> float:
        return floor + (1 - floor) * math.exp(-speed * max(0.0, t - warmup))

    def accuracy(t: float) -> float:
        return 1 - (1 - 1 / classes) * left(t)

    return Course(
        loss=lambda t: top * left(t),
        accuracy=accuracy,
        eval_loss=lambda t: top * (left(t) + 0.05) * (1 + (rise - 1) * t),
        eval_accuracy=lambda t: accuracy(t) - gap * t,
        classes=lambda t: 1 if t < warmup else min(classes, 4),
        **more,
    )


def still(level: float = math.log(4), accuracy: float = 0.25, classes: int | None = 2, **more: object) -> Course:
    """A model that stays as it is."""
    return Course(lambda t: level, lambda t: accuracy, lambda t: level, lambda t: accuracy, lambda t: classes, **more)


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
    # A run that goes on with a trained model, with little or with much noise in its labels.
    for level, accuracy in ((0.05, 0.99), (0.3, 0.9), (0.6, 0.75), (1.2, 0.6), (2.5, 0.45)):
        for seed in range(10):
            assert story(run(still(level, accuracy), noise=0.05 * level, seed=seed)) == [[]]


def test_a_loss_that_falls_at_once_and_stays_is_no_flat_loss() -> None:
    for seed in range(10):
        assert story(run(healthy(floor=0.6, speed=60, warmup=0), noise=0.05, seed=seed)) == [[]]


def test_nothing_is_said_of_a_run_without_curves() -> None:
    for status in ("queued", "running", "cancelled", "failed", "interrupted"):
        assert diagnose(RunView(id="x", status=status)) == ()
        assert diagnose(RunView(id="x", status=status, total_steps=100, epoch_steps=(50, 100))) == ()


def test_a_loss_that_is_no_number_has_said_all() -> None:
    view = run(still(classes=1), noise=0.01)
    assert codes(view)
    assert diagnose(replace(view, status="failed", code="loss_not_finite")) == ()


def test_missing_and_damaged_values_are_passed_over() -> None:
    view = run(healthy(), noise=0.1)
    holes = [replace(p, loss=None, accuracy=None) if p.step % 3 else p for p in view.points]
    odd = [replace(e, loss="x", accuracy=math.nan, classes=None) for e in view.evaluations[::2]]  # type: ignore[arg-type]
    assert diagnose(replace(view, points=tuple(holes), evaluations=tuple(odd), best_step=None)) == ()
    wild = tuple(replace(p, loss=-1e6, accuracy=40.0) for p in view.points)
    diagnose(replace(view, points=wild, evaluations=tuple(replace(e, accuracy=-7.0) for e in view.evaluations), rows={"validation": 0}))
    empty = tuple(replace(p, loss=None, accuracy=None) for p in view.points)
    assert diagnose(replace(view, points=empty, evaluations=(), rows={})) == ()


# Collapse


def test_one_class_for_every_row_is_a_collapse() -> None:
    view = run(replace(healthy(), eval_accuracy=lambda t: 0.34, classes=lambda t: 1), noise=0.05)
    assert story(view) == [[], ["collapse"]]
    said = words(view, "collapse")
    assert "all 200 validation rows the same class and is right for 34 % of them" in said
    assert "class weights “balanced”" in said
    assert "0.00002" in said


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
    assert "does not tell the classes apart any more" in words(view, "collapse")
    assert f"the model that is kept is an earlier one, of step {view.best_step}." in words(view, "collapse")


def test_what_an_untrained_head_says_at_first_is_no_knowledge() -> None:
    view = run(replace(healthy(), classes=lambda t: 3 if t < 0.2 else 1, eval_accuracy=lambda t: 0.3))
    assert codes(view) == ["collapse"]
    assert "any more" not in words(view, "collapse")


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
    found, wavering = 0, 0
    for seed in range(60):
        classes = 2 + seed % 9
        view = run(
            still(math.log(classes), 1 / classes, every=1 + seed % 4), noise=(0.02 + 0.05 * (seed % 4)) * math.log(classes), seed=seed
        )
        told = story(view)
        found += told[-1] == ["flat_loss"]
        wavering += len(told) > 2
        assert all(said in ([], ["flat_loss"]) for said in told)
    assert found >= 50
    assert wavering <= 6


def test_the_words_for_a_flat_loss_turn_the_learning_rate_the_right_way() -> None:
    for rate, advice in (
        (1e-7, "a larger learning rate (it is 0.0000001"),
        (1e-2, "a smaller learning rate (it is 0.01; a tenth of that is 0.001)"),
    ):
        said = words(run(still(rate=rate), noise=0.05), "flat_loss")
        assert advice in said
        assert "1.39 in the first third of the steps so far, 1.39 in the last" in said
    assert "Try another learning rate or more epochs" in words(run(still(rate=None)), "flat_loss")


def test_with_a_collapse_the_advice_is_given_once() -> None:
    view = run(still(classes=1), noise=0.05)
    assert codes(view) == ["collapse", "flat_loss"]
    assert "learning rate" in words(view, "collapse")
    assert "learning rate" not in words(view, "flat_loss")


# Diverging


def diverging(top: float = 5.0, back: float | None = None) -> Course:
    def loss(t: float) -> float:
        if back is not None and t > 0.6:
            return back
        return 1.4 + (top - 1.4) * min(1.0, max(0.0, t - 0.15) * 4)

    return replace(still(rate=1e-2), loss=loss, eval_loss=loss)


def test_a_loss_that_rises_far_above_its_start_diverges() -> None:
    for seed in range(10):
        view = run(diverging(), noise=0.2, seed=seed)
        assert story(view) == [[], ["diverging"]]
    said = words(view, "diverging")
    assert "a tenth of that is 0.001" in said
    assert "risen from 1." in said


def test_a_loss_that_comes_down_again_no_longer_diverges() -> None:
    told = story(run(replace(diverging(back=0.3), accuracy=lambda t: 0.9, eval_accuracy=lambda t: 0.88), noise=0.1))
    assert told[:2] == [[], ["diverging"]]
    assert told[-1] == []


def test_batches_far_above_the_others_are_no_divergence() -> None:
    view = run(healthy(), noise=0.1)
    spikes = tuple(replace(p, loss=9.0) if i % 7 == 3 else p for i, p in enumerate(view.points))
    assert "diverging" not in codes(replace(view, points=spikes))


# Overfitting


def test_training_accuracy_far_above_validation_accuracy() -> None:
    course = replace(
        healthy(), accuracy=lambda t: 0.5 + 0.25 * t, eval_accuracy=lambda t: 0.52 if t < 0.9 else 0.53, eval_loss=lambda t: 1.2
    )
    view = run(course)
    assert story(view) == [[], ["overfitting"]]
    said = words(view, "overfitting")
    assert "right for 71 % of the rows it learns from, but for 52 % of the validation rows" in said
    # Where the last evaluation is the one that is kept, there is nothing earlier to be glad of.
    assert "Nothing is lost" not in words(replace(view, best_step=view.evaluations[-1].step), "overfitting")
    earlier = view.evaluations[2].step
    assert f"the model that is kept is an earlier one, of step {earlier}." in words(replace(view, best_step=earlier), "overfitting")
    assert "early stopping, some label smoothing" in said
    live = replace(at(view, TOTAL - 1), best_step=earlier)
    assert f"the model that is kept so far is an earlier one, of step {earlier}." in words(live, "overfitting")


def test_validation_loss_well_above_its_lowest_while_training_loss_falls() -> None:
    rising = replace(healthy(speed=4), eval_loss=lambda t: 0.6 + max(0.0, t - 0.4))
    for seed in range(10):
        view = run(rising, noise=0.15, seed=seed)
        assert story(view) == [[], ["overfitting"]]
    assert "while the training loss keeps falling" in words(view, "overfitting")
    # Where the training loss rises as well, it is not the rows that are known by heart.
    assert "overfitting" not in codes(run(replace(rising, loss=lambda t: 0.6 + max(0.0, t - 0.4))))


def test_a_gap_while_validation_still_gains_is_no_fault() -> None:
    course = replace(healthy(), accuracy=lambda t: 0.5 + 0.4 * t, eval_accuracy=lambda t: 0.5 + 0.1 * t, eval_loss=lambda t: 1.4 - 0.4 * t)
    assert story(run(course)) == [[]]


def test_what_was_read_once_is_not_known_by_heart() -> None:
    course = replace(healthy(speed=40), accuracy=lambda t: 0.95, eval_accuracy=lambda t: 0.70)
    assert codes(run(replace(course, epochs=1))) == []
    assert codes(run(replace(course, epochs=2))) == ["overfitting"]


def test_a_gap_about_the_threshold_does_not_make_it_waver() -> None:
    for seed in range(15):
        course = replace(healthy(speed=40), accuracy=lambda t: 0.95, eval_accuracy=lambda t: 0.80, evaluations=60)
        assert len(story(run(course, noise=0.3, seed=seed))) <= 2


def test_so_few_validation_rows_prove_no_gap() -> None:
    course = replace(healthy(speed=40), accuracy=lambda t: 0.95, eval_accuracy=lambda t: 0.70, rows={"train": 80, "validation": 10})
    assert codes(run(course)) == []
    assert codes(run(replace(course, rows=ROWS))) == ["overfitting"]


# Real ones


@pytest.mark.parametrize(
    ("count", "asked", "expected"),
    [
        (240, {"epochs": 12, "batch_size": 16, "learning_rate": 5e-3}, set()),
        (240, {"epochs": 4, "batch_size": 8, "learning_rate": 1e-7}, {"flat_loss"}),
    ],
)
def test_real_trainings(studio: Studio, tmp_path: Path, count: int, asked: dict, expected: set[str]) -> None:
    file = write_rows(tmp_path / "moods.csv", small_rows(count))
    recipe = Recipe(encoder=studio.encoders[0].name, max_length=32, seed=7, **asked)
    view = studio.wait("local", studio.train_files("local", {"main": ("moods.csv", file)}, recipe).id, 120)
    assert view.status == "finished", view.message
    assert {d.code for d in diagnose(view)} - {"collapse"} == expected
    if not expected:
        assert codes(view) == []
