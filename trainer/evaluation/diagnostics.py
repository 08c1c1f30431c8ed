"""Diagnoses of a training: what looks wrong with its curves, in plain language, and what to try.

Uses only a run's curves and recipe, never texts or weights; report.py scores the test rows.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, exp, isfinite, sqrt
from statistics import fmean, median, pvariance
from typing import Literal

from trainer.evaluation.remedies import (
    against_divergence,
    against_forgetting,
    against_ignorance,
    against_overfitting,
    as_suggestion,
    for_rare_classes,
)
from trainer.recipe import Recipe
from trainer.runs.view import Evaluation, RunView
from trainer.text_format import percent

_MIN_LIVE_FRACTION = 1 / 3
"""Of the steps, before a live run is judged: with many epochs the first one is mostly warmup."""

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

_START_POINTS, _RECENT_POINTS = 5, 9
"""Points whose medians are the loss at the start and now, so that a few odd batches decide nothing."""

_DIVERGED, _DIVERGED_END = (1.5, 0.5), (1.15, 0.25)
"""A factor of the loss at the start, and nats added to it: it diverges above the first, until it falls below the second. Batches of a healthy
run never come near the first."""


@dataclass(frozen=True)
class Diagnosis:
    """One thing that looks wrong: a stable code for programs, and a message for people that says what to try."""

    code: str
    message: str
    severity: Literal["warning", "info"] = "warning"
    """"info" for what is no fault of the training."""


@dataclass(frozen=True)
class _Curve:
    """Values by step, in the order of the steps, without missing ones."""

    steps: tuple[int, ...]
    values: tuple[float, ...]

    def until(self, step: int) -> tuple[float, ...]:
        return self.values[: bisect_right(self.steps, step)]

    def mean(self, after: int, until: int) -> float | None:
        """The mean of the values with ``after`` < step <= ``until``; None if there are none."""
        values = self.values[bisect_right(self.steps, after) : bisect_right(self.steps, until)]
        return fmean(values) if values else None


def diagnose(view: RunView, recipe: Recipe | None) -> tuple[Diagnosis, ...]:
    """What looks wrong with this training, most important first: ``diverging``, ``collapse``, ``flat_loss``, ``overfitting`` and, after its
    end only, ``generalization_gap``.

    ``recipe`` is the requested one; without it (None) nothing is suggested that may have been done already. Nothing is diagnosed before the
    training had a fair chance, and a diagnosis stays until the curves clearly contradict it, so that a page that asks each second does not
    flicker. A run that ended with a loss of NaN has a message of its own.
    """
    if view.code == "loss_not_finite" or not view.total_steps:
        return ()
    losses = _curve([(p.step, p.loss) for p in view.points])
    diverging, collapse = _diverging(view, recipe, losses), _collapse(view, recipe)
    flat_loss = None if diverging else _flat_loss(view, recipe, losses, collapsed=collapse is not None)
    # A model that does not distinguish the classes has not memorized its rows.
    overfitting = None if diverging or collapse else _overfitting(view, recipe, losses)
    gap = None if diverging or collapse or overfitting else _generalization_gap(view, recipe)
    diagnoses = (diverging, collapse, flat_loss, overfitting, gap)
    return tuple(diagnosis for diagnosis in diagnoses if diagnosis is not None)


def _fair_step(view: RunView) -> int:
    """The step after which the training had a fair chance: a whole epoch or half of the steps; while it is running, at least a third."""
    half = ceil(view.total_steps / 2)
    first = min(view.epoch_steps[0], half) if view.epoch_steps else half
    return first if view.status == "finished" else max(first, ceil(_MIN_LIVE_FRACTION * view.total_steps))


# The five


def _diverging(view: RunView, recipe: Recipe | None, losses: _Curve) -> Diagnosis | None:
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
    return Diagnosis(
        "diverging",
        f"The training loss has risen from {start:.2f} at the start to {recent:.2f}: each step overshoots, and the model gets worse "
        f"rather than better. {as_suggestion(against_divergence(view, recipe))}{_kept(view, view.last_logged_step)}",
    )


def _collapse(view: RunView, recipe: Recipe | None) -> Diagnosis | None:
    """The same predicted class for every validation row."""
    evaluations, fair = [e for e in view.evaluations if _is_finite(e.classes)], _fair_step(view)
    with_several = [e.step for e in evaluations if e.classes > 1]
    with_one = [e for e in evaluations if not with_several or e.step > with_several[-1]]
    # An untrained head predicts at random; and if one class scores no worse than several did before, there was nothing to forget.
    forgot = bool(with_one) and bool(with_several) and with_several[-1] >= fair and (view.best_step or 0) < with_one[0].step
    # One evaluation may be an exception; after the end of a run that was evaluated once, there is no other.
    enough = 3 if forgot else min(2, len(evaluations)) if view.status == "finished" else 2
    if not with_one or len(with_one) < enough or with_one[-1].step < fair or not _is_wrong_often(view, with_one[-1]):
        return None
    last, rows = with_one[-1], view.rows.get("validation")
    right = f" and is right for {percent(last.accuracy, 0)} of them" if _is_finite(last.accuracy) else ""
    message = (
        f"After {last.step:,} of {view.total_steps:,} steps the model predicts the same class for {f'all {rows:,}' if rows else 'all'} validation "
        f"rows{right}: it does not distinguish the classes{' any more' if forgot else ''}. "
    )
    if forgot:
        return Diagnosis("collapse", f"{message}{as_suggestion(against_forgetting(view, recipe))}{_kept(view, with_one[0].step)}")
    return Diagnosis("collapse", f"{message}{as_suggestion(against_ignorance(view, recipe))} {for_rare_classes(recipe)}")


def _is_wrong_often(view: RunView, evaluation: Evaluation) -> bool:
    """Whether predicting one class for all is wrong often enough to be diagnosed; True if the numbers are unknown."""
    if not _is_finite(evaluation.accuracy):
        return True
    rows = view.rows.get("validation")
    return evaluation.accuracy < 1 if rows is None else round((1 - evaluation.accuracy) * rows) >= _MIN_WRONG_ROWS


def _flat_loss(view: RunView, recipe: Recipe | None, losses: _Curve, *, collapsed: bool) -> Diagnosis | None:
    """A training loss that does not fall, although the model has not learned its rows. After a collapse its advice is not repeated."""
    accuracies = _curve([(p.step, p.accuracy) for p in view.points])
    flat, start, now = False, 0.0, 0.0
    for step in _milestones(view):
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
    advice = "" if collapsed else f"{as_suggestion(against_ignorance(view, recipe))} "
    return Diagnosis(
        "flat_loss",
        f"The training loss does not fall: {start:.2f} in the first third of the steps so far, {now:.2f} in the last. The model is not "
        f"learning from its rows. {advice}Check too that the label column is the right one.",
    )


def _has_fallen(losses: Sequence[float]) -> bool:
    """Whether the loss fell right at the start, so that its first third is low already."""
    return fmean(losses[-(len(losses) // 3) :]) < (1 - _MIN_FALL) * median(losses[:_START_POINTS])


def _is_skilled(losses: Sequence[float], accuracies: Sequence[float]) -> bool:
    """Whether the accuracy is better than that of guesses with the same loss."""
    recent = accuracies[-len(losses) :]
    return bool(recent) and fmean(recent) > exp(-max(0.0, fmean(losses))) + _MIN_SKILL


def _overfitting(view: RunView, recipe: Recipe | None, losses: _Curve) -> Diagnosis | None:
    """Training rows memorized at the cost of others: validation loss rising while training loss falls, or training accuracy far above
    validation accuracy and the best model an epoch old. A large gap alone is no harm: see ``_generalization_gap``.
    """
    accuracies = _curve([(p.step, p.accuracy) for p in view.points])
    span, fair = _epoch(view), _fair_step(view)
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
        if not too_long and _is_finite(last.accuracy) and view.best_step is not None:
            problem += " Its validation accuracy is as high as ever, except for chance; it becomes too confident where it is wrong."
    return Diagnosis(
        "overfitting", f"{problem}{_kept(view, last.step)} {_with_more_rows(against_overfitting(view, recipe, too_long=too_long))}"
    )


def _with_more_rows(phrases: Sequence[str]) -> str:
    return f"Try {', '.join(phrases)} or, best of all, more rows." if phrases else "More rows would help most."


def _is_past_its_best(view: RunView, steps: int) -> bool:
    """Whether the best model of this training is ``steps`` older than the last evaluation, which is no better."""
    last = view.evaluations[-1]
    if view.best_step is None or last.step - view.best_step < steps:
        return False
    best = max((e.accuracy for e in view.evaluations[:-1] if _is_finite(e.accuracy)), default=None)
    return best is None or not _is_finite(last.accuracy) or last.accuracy < best


def _generalization_gap(view: RunView, recipe: Recipe | None) -> Diagnosis | None:
    """A finished model with a training accuracy far above its validation accuracy, beyond chance. No fault of the training."""
    kept, span = view.kept, _epoch(view)
    evaluation = kept.evaluation
    # Rows that were read once are not memorized.
    if view.status not in ("finished", "stopped") or evaluation is None or evaluation.step <= span or not _is_finite(evaluation.accuracy):
        return None
    train_accuracy = _curve([(p.step, p.accuracy) for p in view.points]).mean(evaluation.step - span, evaluation.step)
    if train_accuracy is None or train_accuracy - evaluation.accuracy < max(
        _GAP, 3 * _standard_error(view, train_accuracy, evaluation.accuracy)
    ):
        return None
    rows = view.rows.get("validation")
    others = against_overfitting(view, recipe, too_long=False)
    return Diagnosis(
        "generalization_gap",
        f"The kept model is right for {percent(evaluation.accuracy, 0)} of the {f'{rows:,} ' if rows else ''}validation rows (step "
        f"{evaluation.step:,}), while {percent(train_accuracy, 0)} of the training rows were predicted right in the epoch up to that step (counted while it "
        "learned from them, with dropout). It knows its training rows better than new ones: more rows would help most"
        f"{f', then {_joined(others)}' if others else ''}.",
        severity="info",
    )


def _joined(phrases: Sequence[str]) -> str:
    *others, last = phrases
    return f"{', '.join(others)} or {last}" if others else last


def _rise(view: RunView, seen: Sequence[Evaluation], losses: _Curve, span: int, *, already: bool) -> tuple[Evaluation, float] | None:
    """The evaluation with the lowest validation loss, and the loss now, if it has risen since then while the training loss fell."""
    scored = [e for e in seen if _is_finite(e.loss)]
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


def _gap(view: RunView, seen: Sequence[Evaluation], accuracies: _Curve, span: int, *, already: bool) -> tuple[float, float] | None:
    """Training and validation accuracy of the last epoch, if they differ beyond chance and validation does not improve any more."""
    step = seen[-1].step
    low = min((e for e in seen if _is_finite(e.loss)), key=lambda e: e.loss, default=None)
    if not already and low is not None and low.step >= step - span:
        # Rows are memorized faster than what they have in common is learned; fewer epochs would not help yet.
        return None
    scores = [e.accuracy for e in seen if e.step > step - span and _is_finite(e.accuracy)]
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


# Curves


def _curve(points: Sequence[tuple[int, float | None]]) -> _Curve:
    known = [(step, float(value)) for step, value in points if _is_finite(value)]
    return _Curve(tuple(step for step, _ in known), tuple(value for _, value in known))


def _is_finite(value: object) -> bool:
    """A log from another program may hold anything."""
    return isinstance(value, int | float) and isfinite(value)


def _milestones(view: RunView) -> Iterator[int]:
    """The steps at which the training loss is judged: each tenth of the steps after the fair step, and the end of a finished run."""
    fair = _fair_step(view)
    for tenth in range(1, 11):
        step = ceil(tenth * view.total_steps / 10)
        if fair <= step <= view.last_logged_step:
            yield step
    if view.status == "finished" and fair <= view.last_logged_step:
        yield view.last_logged_step


def _epoch(view: RunView) -> int:
    """Steps per epoch."""
    return view.epoch_steps[0] if view.epoch_steps else view.total_steps


# Sentences


def _kept(view: RunView, now: int) -> str:
    """Says that nothing is lost, if the kept weights are older than those of step ``now``, which went wrong."""
    step = view.kept.step
    if step is None or step >= now or (view.status in ("failed", "interrupted") and not view.has_model):
        return ""
    so_far = " so far" if view.live else ""
    return f" Nothing is lost: the model that is kept{so_far} is an earlier one, of step {step:,}."
