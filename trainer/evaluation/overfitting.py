"""Whether a training memorized its rows: what is found of validation that gets worse, and of a gap between training and validation rows.

Entries of TRAINING_CHECKS in diagnostics.py, which says when they apply.
"""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean

from trainer.check import CheckResult
from trainer.evaluation.remedies import against_overfitting, nothing_is_lost
from trainer.evaluation.training_curves import Curve, fair_step, is_finite, steps_per_epoch
from trainer.recipe import Recipe
from trainer.runs.view import Evaluation, RunView
from trainer.text_format import percent

_GAP, _GAP_END = 0.15, 0.1
"""Training accuracy minus validation accuracy: diagnosed from the first value on, until it falls below the second. Well-trained runs of our
encoders end with 0.02 to 0.1; with a few hundred rows the gap is wider, which is no fault while validation still improves."""

_RISE, _RISE_END = 1.3, 1.15
"""Validation loss relative to its lowest, likewise; a tenth more is common in good runs, as right predictions become confident more slowly
than wrong ones."""

_MIN_RISE = 0.2
"""A smaller rise (in nats) is never diagnosed, however low the loss was: the lowest of many values is partly luck."""

_FALLING = 0.9
"""The training loss keeps falling if it is at most this fraction of its value when the validation loss was lowest."""


def find_overfitting(view: RunView, recipe: Recipe | None, losses: Curve, accuracies: Curve) -> CheckResult | None:
    """Training rows memorized at the cost of others: validation loss rising while training loss falls, or training accuracy far above
    validation accuracy and the best model an epoch old. A large gap alone is no harm: see ``find_generalization_gap``.
    """
    span, fair = steps_per_epoch(view), fair_step(view)
    rise, gap = None, None
    for number, evaluation in enumerate(view.evaluations, 1):
        # Rows that were read once are not memorized.
        if evaluation.step > span and evaluation.step >= fair:
            seen = view.evaluations[:number]
            rise = _rise(view, seen, losses, span, already=rise is not None)
            gap = _gap(view, seen, accuracies, span, already=gap is not None)
    if gap is not None and not _is_past_its_best(view, span):
        gap = None
    if gap is None and rise is None:
        return None
    last, too_long = view.evaluations[-1], _is_past_its_best(view, 1)
    if gap is not None:
        problem = (
            f"In the last epoch the model was right for {percent(gap[0], 0)} of the training rows (counted while it learned from them, with "
            f"dropout), but for {percent(gap[1], 0)} of the validation rows: it begins to memorize its rows."
        )
    else:
        low, now = rise
        problem = (
            f"The loss on validation rows has risen from {low.loss:.2f} at step {low.step:,} to {now:.2f}, while the training loss keeps "
            "falling: the model begins to memorize its rows."
        )
        if not too_long and is_finite(last.accuracy) and view.best_step is not None:
            problem += " Its validation accuracy is as high as ever, except for chance; it becomes too confident where it is wrong."
    advice = f"{nothing_is_lost(view, last.step)} {_with_more_rows(against_overfitting(view, recipe, too_long=too_long))}".strip()
    return CheckResult("overfitting", "warning", last.step, problem, advice)


def _with_more_rows(phrases: Sequence[str]) -> str:
    return f"Try {', '.join(phrases)} or, best of all, more rows." if phrases else "More rows would help most."


def _is_past_its_best(view: RunView, steps: int) -> bool:
    """Whether the best model of this training is ``steps`` older than the last evaluation, which is no better."""
    last = view.evaluations[-1]
    if view.best_step is None or last.step - view.best_step < steps:
        return False
    best = max((e.accuracy for e in view.evaluations[:-1] if is_finite(e.accuracy)), default=None)
    return best is None or not is_finite(last.accuracy) or last.accuracy < best


def find_generalization_gap(view: RunView, recipe: Recipe | None, accuracies: Curve) -> CheckResult | None:
    """A finished model with a training accuracy far above its validation accuracy, beyond chance. No fault of the training."""
    span = steps_per_epoch(view)
    evaluation = view.kept.evaluation
    train_accuracy = accuracies.mean(evaluation.step - span, evaluation.step)
    if train_accuracy is None or train_accuracy - evaluation.accuracy < max(
        _GAP, 3 * _standard_error(view, train_accuracy, evaluation.accuracy)
    ):
        return None
    rows = view.rows.get("validation")
    others = against_overfitting(view, recipe, too_long=False)
    message = (
        f"The kept model is right for {percent(evaluation.accuracy, 0)} of the {f'{rows:,} ' if rows else ''}validation rows (step "
        f"{evaluation.step:,}), while {percent(train_accuracy, 0)} of the training rows were predicted right in the epoch up to that step "
        "(counted while it learned from them, with dropout)."
    )
    advice = f"It knows its training rows better than new ones: more rows would help most{f', then {_joined(others)}' if others else ''}."
    return CheckResult("generalization_gap", "info", rows or 0, message, advice)


def _joined(phrases: Sequence[str]) -> str:
    *others, last = phrases
    return f"{', '.join(others)} or {last}" if others else last


def _rise(view: RunView, seen: Sequence[Evaluation], losses: Curve, span: int, *, already: bool) -> tuple[Evaluation, float] | None:
    """The evaluation with the lowest validation loss, and the loss now, if it has risen since then while the training loss fell."""
    scored = [e for e in seen if is_finite(e.loss)]
    if not scored:
        return None
    low = min(scored, key=lambda e: e.loss)
    # Two in a row: one evaluation may be an exception.
    last_two = [e.loss for e in scored if e.step > low.step][-2:]
    then, now = losses.mean(low.step - span, low.step), losses.mean(scored[-1].step - span, scored[-1].step)
    if len(last_two) < 2 or then is None or now is None:
        return None
    # The mean over rows varies by about one nat divided by the root of their number; twice that is more than chance.
    min_rise = max(_MIN_RISE, 2 / sqrt(view.rows.get("validation") or 100))
    threshold = max(_RISE_END * low.loss, low.loss + min_rise / 2) if already else max(_RISE * low.loss, low.loss + min_rise)
    return (low, last_two[-1]) if min(last_two) > threshold and now < _FALLING * then else None


def _gap(view: RunView, seen: Sequence[Evaluation], accuracies: Curve, span: int, *, already: bool) -> tuple[float, float] | None:
    """Training and validation accuracy of the last epoch, if they differ beyond chance and validation does not improve any more."""
    step = seen[-1].step
    low = min((e for e in seen if is_finite(e.loss)), key=lambda e: e.loss, default=None)
    if not already and low is not None and low.step >= step - span:
        # Rows are memorized faster than what they have in common is learned; fewer epochs would not help yet.
        return None
    scores = [e.accuracy for e in seen if e.step > step - span and is_finite(e.accuracy)]
    train_accuracy = accuracies.mean(step - span, step)
    if not scores or train_accuracy is None:
        return None
    validation_accuracy = fmean(scores)
    error = _standard_error(view, train_accuracy, validation_accuracy)
    threshold = max(_GAP_END, 2 * error) if already else max(_GAP, 3 * error)
    return (train_accuracy, validation_accuracy) if train_accuracy - validation_accuracy >= threshold else None


def _standard_error(view: RunView, train_accuracy: float, validation_accuracy: float) -> float:
    """Standard error of the difference between training and validation accuracy."""
    return sqrt(_variance(train_accuracy, view.rows.get("train")) + _variance(validation_accuracy, view.rows.get("validation")))


def _variance(accuracy: float, rows: int | None) -> float:
    """Of an accuracy on this many rows; never 0, as ten right out of ten do not prove that all are."""
    rows = rows or 100
    smoothed = (min(1.0, max(0.0, accuracy)) * rows + 1) / (rows + 2)
    return smoothed * (1 - smoothed) / rows
