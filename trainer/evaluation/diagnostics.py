"""TRAINING_CHECKS: what may look wrong with the curves of a training, in plain language, and what to try.

Uses only a run's curves and recipe, never texts or weights; report.py scores the test rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp, sqrt
from statistics import fmean, median, pvariance

from trainer.check import Check, CheckResult, run_checks
from trainer.evaluation.overfitting import find_generalization_gap, find_overfitting
from trainer.evaluation.remedies import (
    against_divergence,
    against_forgetting,
    against_ignorance,
    as_suggestion,
    for_rare_classes,
    nothing_is_lost,
)
from trainer.evaluation.training_curves import Curve, fair_step, is_finite, logged_curve, milestones, steps_per_epoch
from trainer.recipe import Recipe
from trainer.runs.view import Evaluation, RunView
from trainer.text_format import duration, percent

_MIN_WRONG_ROWS = 2
"""Validation rows on which a model that predicts one class must be wrong; a single one could be a good model's only mistake."""

_MIN_FLAT_POINTS = 12
"""Logged points, so that a third of them has a mean and a spread."""

_MIN_FALL = 0.1
"""Fraction by which the training loss must fall from the first third to the last: in healthy runs it falls by a third or more."""

_LOW_LOSS = 0.5
"""Guessing between two equally frequent classes costs 0.69. A loss that starts below this belongs to a model that has learned already, or
to a file with almost only one class; then the predictions tell more than the loss."""

_MIN_SKILL = 0.1
"""How far the training accuracy must exceed exp(-loss) to show that a model with a flat loss has learned: if equally frequent classes are
guessed, the two are equal."""


_START_POINTS, _RECENT_POINTS = 5, 9
"""Points whose medians are the loss at the start and now, so that a few odd batches decide nothing."""

_DIVERGED, _DIVERGED_END = (1.5, 0.5), (1.15, 0.25)
"""A factor of the loss at the start, and nats added to it: it diverges above the first, until it falls below the second. Batches of a healthy
run never come near the first."""


@dataclass(frozen=True, eq=False)
class CheckedTraining:
    """A training with the recipe that was requested; without it (None) nothing is suggested that may have been done already.

    One problem is not reported twice: a training that diverges, or has collapsed, is not said to overfit.
    """

    view: RunView
    recipe: Recipe | None

    @cached_property
    def losses(self) -> Curve:
        return logged_curve([(p.step, p.loss) for p in self.view.points])

    @cached_property
    def accuracies(self) -> Curve:
        return logged_curve([(p.step, p.accuracy) for p in self.view.points])

    @cached_property
    def diverging(self) -> CheckResult | None:
        return _diverging(self.view, self.recipe, self.losses)

    @cached_property
    def collapse(self) -> CheckResult | None:
        return _collapse(self.view, self.recipe)

    @cached_property
    def overfitting(self) -> CheckResult | None:
        return find_overfitting(self.view, self.recipe, self.losses, self.accuracies)


def check_training(view: RunView, recipe: Recipe | None) -> tuple[CheckResult, ...]:
    """TRAINING_CHECKS, most important first.

    None applies before the training had a fair chance, and what is found stays until the curves clearly contradict it, so that a page that
    asks each second does not flicker. None applies to a run that ended with a loss of NaN, which has a message of its own.
    """
    return run_checks(TRAINING_CHECKS, CheckedTraining(view, recipe))


def _diverging(view: RunView, recipe: Recipe | None, losses: Curve) -> CheckResult | None:
    """A training loss that is far above its start now."""
    values = losses.values
    if len(values) < _START_POINTS + _RECENT_POINTS:
        return None
    start, recent, diverged = median(values[:_START_POINTS]), 0.0, False
    for end in range(_START_POINTS + _RECENT_POINTS, len(values) + 1):
        recent = median(values[end - _RECENT_POINTS : end])
        factor, nats = _DIVERGED_END if diverged else _DIVERGED
        diverged = recent > factor * start + nats
    if not diverged:
        return None
    message = (
        f"The training loss has risen from {start:.2f} at the start to {recent:.2f}: each step overshoots, and the model gets worse "
        "rather than better."
    )
    advice = f"{as_suggestion(against_divergence(view, recipe))}{nothing_is_lost(view, view.last_logged_step)}"
    return CheckResult("diverging", "warning", view.last_logged_step, message, advice)


def _collapse(view: RunView, recipe: Recipe | None) -> CheckResult | None:
    """The same predicted class for every validation row."""
    evaluations, fair = [e for e in view.evaluations if is_finite(e.classes)], fair_step(view)
    with_several = [e.step for e in evaluations if e.classes > 1]
    with_one = [e for e in evaluations if not with_several or e.step > with_several[-1]]
    # An untrained head predicts at random; and if one class scores no worse than several did before, there was nothing to forget.
    forgot = bool(with_one) and bool(with_several) and with_several[-1] >= fair and (view.best_step or 0) < with_one[0].step
    # One evaluation may be an exception; after the end of a run that was evaluated once, there is no other.
    enough = 3 if forgot else min(2, len(evaluations)) if view.status == "finished" else 2
    if not with_one or len(with_one) < enough or with_one[-1].step < fair or not _is_wrong_often(view, with_one[-1]):
        return None
    last, rows = with_one[-1], view.rows.get("validation")
    right = f" and is right for {percent(last.accuracy, 0)} of them" if is_finite(last.accuracy) else ""
    message = (
        f"After {last.step:,} of {view.total_steps:,} steps the model predicts the same class for {f'all {rows:,}' if rows else 'all'} validation "
        f"rows{right}: it does not distinguish the classes{' any more' if forgot else ''}."
    )
    if forgot:
        advice = f"{as_suggestion(against_forgetting(view, recipe))}{nothing_is_lost(view, with_one[0].step)}"
    else:
        advice = f"{as_suggestion(against_ignorance(view, recipe))} {for_rare_classes(recipe)}"
    return CheckResult("collapse", "warning", rows or 0, message, advice)


def _is_wrong_often(view: RunView, evaluation: Evaluation) -> bool:
    """Whether predicting one class for all is wrong often enough to be diagnosed; True if the numbers are unknown."""
    if not is_finite(evaluation.accuracy):
        return True
    rows = view.rows.get("validation")
    return evaluation.accuracy < 1 if rows is None else round((1 - evaluation.accuracy) * rows) >= _MIN_WRONG_ROWS


def _flat_loss(training: CheckedTraining) -> CheckResult | None:
    """A training loss that does not fall, although the model has not learned its rows. After a collapse its advice is not repeated."""
    view, losses, accuracies = training.view, training.losses, training.accuracies
    flat, start, now = False, 0.0, 0.0
    for step in milestones(view):
        seen = losses.until(step)
        third = len(seen) // 3
        if len(seen) < _MIN_FLAT_POINTS or _has_fallen(seen) or _is_skilled(seen[-third:], accuracies.until(step)):
            flat = False
            continue
        start, now = fmean(seen[:third]), fmean(seen[-third:])
        # Two standard errors: for a new diagnosis it must be nearly certain that the loss falls by less.
        slack = 0.0 if flat else 2 * sqrt((pvariance(seen[:third]) + pvariance(seen[-third:])) / third)
        flat = start >= _LOW_LOSS and start - now + slack < _MIN_FALL * start
    if not flat:
        return None
    suggestion = "" if training.collapse else f"{as_suggestion(against_ignorance(view, training.recipe))} "
    message = (
        f"The training loss does not fall: {start:.2f} in the first third of the steps so far, {now:.2f} in the last. The model is not "
        "learning from its rows."
    )
    advice = f"{suggestion}Check too that the label column is the right one."
    return CheckResult("flat_loss", "warning", view.last_logged_step, message, advice)


def _has_fallen(losses: Sequence[float]) -> bool:
    """Whether the loss fell right at the start, so that its first third is low already."""
    return fmean(losses[-(len(losses) // 3) :]) < (1 - _MIN_FALL) * median(losses[:_START_POINTS])


def _is_skilled(losses: Sequence[float], accuracies: Sequence[float]) -> bool:
    """Whether the accuracy is better than that of guesses with the same loss."""
    recent = accuracies[-len(losses) :]
    return bool(recent) and fmean(recent) > exp(-max(0.0, fmean(losses))) + _MIN_SKILL


def _no_gain(training: CheckedTraining) -> CheckResult | None:
    """A linear model on the unchanged encoder that is as good on the validation rows as the one that was kept."""
    view, linear, kept = training.view, training.view.linear, training.view.kept
    if kept.step and kept.accuracy > linear.validation.accuracy:
        return None
    seconds = "" if view.linear_seconds is None else f", and took {duration(view.linear_seconds)} to train"
    message = f"Without fine-tuning the model is as good on the validation rows ({percent(linear.validation.accuracy)}){seconds}."
    if not kept.step:
        message = f"{message} It is the one that was kept."
    advice = "The method “frozen” gives it at once; more rows may make fine-tuning worth its time."
    return CheckResult("no_gain_from_fine_tuning", "info", view.rows.get("validation", 0), message, advice)


# When they apply


def _has_curves(training: CheckedTraining) -> bool:
    return training.view.code != "loss_not_finite" and training.view.total_steps > 0


def _has_many_points(training: CheckedTraining) -> bool:
    return _has_curves(training) and len(training.losses.values) >= _START_POINTS + _RECENT_POINTS


def _is_evaluated(training: CheckedTraining) -> bool:
    view = training.view
    return _has_curves(training) and any(e.step >= fair_step(view) and is_finite(e.classes) for e in view.evaluations)


def _has_loss_to_judge(training: CheckedTraining) -> bool:
    if not _has_curves(training) or training.diverging:
        return False
    return any(len(training.losses.until(step)) >= _MIN_FLAT_POINTS for step in milestones(training.view))


def _learns(training: CheckedTraining) -> bool:
    # A model that does not distinguish the classes has not memorized its rows.
    return _has_curves(training) and not training.diverging and not training.collapse


def _repeats_rows(training: CheckedTraining) -> bool:
    # Rows that were read once are not memorized.
    view = training.view
    return _learns(training) and any(e.step > steps_per_epoch(view) and e.step >= fair_step(view) for e in view.evaluations)


def _keeps_repeated_rows(training: CheckedTraining) -> bool:
    view, kept = training.view, training.view.kept.evaluation
    if view.status not in ("finished", "stopped") or not _learns(training) or training.overfitting:
        return False
    return kept is not None and kept.step > steps_per_epoch(view) and is_finite(kept.accuracy)


def _was_fine_tuned(training: CheckedTraining) -> bool:
    view = training.view
    ended = view.status in ("finished", "stopped") and view.total_steps > 0
    return ended and view.linear is not None and is_finite(view.kept.accuracy)


TRAINING_CHECKS: tuple[Check[CheckedTraining], ...] = (
    Check("diverging", "The loss does not rise", lambda training: training.diverging, _has_many_points, "trainings of some steps"),
    Check(
        "collapse",
        "Several classes are predicted",
        lambda training: training.collapse,
        _is_evaluated,
        "trainings evaluated after an epoch",
    ),
    Check("flat_loss", "The loss falls", _flat_loss, _has_loss_to_judge, "trainings of some steps that do not diverge"),
    Check("overfitting", "Rows are not memorized", lambda training: training.overfitting, _repeats_rows, "trainings of several epochs"),
    Check(
        "generalization_gap",
        "New rows fare like training rows",
        lambda training: find_generalization_gap(training.view, training.recipe, training.accuracies),
        _keeps_repeated_rows,
        "ended trainings of several epochs without another problem",
    ),
    Check(
        "no_gain_from_fine_tuning",
        "Fine-tuning makes it better",
        _no_gain,
        _was_fine_tuned,
        "ended trainings of an encoder that a linear model was tried on",
    ),
)
