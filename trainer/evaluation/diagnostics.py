"""The doctor: what looks wrong with the course of a training, in plain words with what to try.

Looks at a run's curves and its recipe only, never at texts or weights; what a score is worth on the test rows is the report's business.
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

_LEAST_SHARE_LIVE = 1 / 3
"""Of the steps, before a live run is judged: with many epochs the first one is mostly warmup."""

_MISSED_ROWS = 2
"""A model that gives one class must be wrong on so many validation rows; a single one could be an honest model's one mistake."""

_FLAT_POINTS = 12
"""Logged points, at least, so that a third of them has a mean and a spread."""

_LEAST_FALL = 0.1
"""Share by which the training loss falls at the least from the first third to the last: healthy runs lose a third or more."""

_LOW_LOSS = 0.5
"""Guessing between two equally frequent classes costs 0.69. What begins below this has learned already, or one class is nearly
all there is; then the answers tell more than the loss."""

_KNOWS = 0.1
"""By so much must the training accuracy exceed exp(-loss) to show that a loss that stays where it is belongs to a model that knows
something: where equally frequent classes are guessed, the two are the same."""

_GAP, _GAP_OVER = 0.15, 0.1
"""Training accuracy less validation accuracy: from the one on it is worth a word, below the other no longer. Well-trained runs of our
encoders end with 0.02 to 0.1; with a few hundred rows the gap is wider, and while validation still gains that is no fault."""

_RISE, _RISE_OVER = 1.3, 1.15
"""Validation loss against its lowest, likewise; a tenth more is common in good runs, as right answers become surer of themselves
more slowly than wrong ones."""

_LEAST_RISE = 0.2
"""A rise smaller than this (in nats) is none worth a word, however low the loss was: the lowest of many values is low by luck too."""

_FALLING = 0.9
"""Training loss that keeps falling: at most this share of what it was when the validation loss was lowest."""

_START_POINTS, _RECENT_POINTS = 5, 9
"""Their medians are the loss at the start and now: a few odd batches decide nothing."""

_DIVERGED, _DIVERGED_OVER = (1.5, 0.5), (1.15, 0.25)
"""Times the loss at the start, and nats on top: from the first on it diverges, below the second no longer. Batches of a healthy run
never come near the first."""


@dataclass(frozen=True)
class Diagnosis:
    """One thing that looks wrong: a stable code for programs, and words for people that say what to try."""

    code: str
    message: str
    severity: Literal["warning", "info"] = "warning"
    """"info" for what is no fault of the training."""


@dataclass(frozen=True)
class _Curve:
    """One value by step, in the order of the steps; values that are missing are left out."""

    steps: tuple[int, ...]
    values: tuple[float, ...]

    def until(self, step: int) -> tuple[float, ...]:
        return self.values[: bisect_right(self.steps, step)]

    def mean(self, after: int, until: int) -> float | None:
        """The mean of the values with ``after`` < step <= ``until``; None where there are none."""
        values = self.values[bisect_right(self.steps, after) : bisect_right(self.steps, until)]
        return fmean(values) if values else None


def diagnose(view: RunView, recipe: Recipe | None) -> tuple[Diagnosis, ...]:
    """What looks wrong with this training, most telling first: ``diverging``, ``collapse``, ``flat_loss``, ``overfitting`` and, at an end
    only, ``generalization_gap``.

    ``recipe`` is what was asked for; without it (None) nothing is advised that may have been done already. Nothing is said before the
    training had a fair chance, and what is said stays until the curves clearly say otherwise, so that a page that asks each second does not
    flicker. A loss that is no number has ended the run with words of its own: nothing to add.
    """
    if view.code == "loss_not_finite" or not view.total_steps:
        return ()
    losses = _curve([(p.step, p.loss) for p in view.points])
    diverging, collapse = _diverging(view, recipe, losses), _collapse(view, recipe)
    flat_loss = None if diverging else _flat_loss(view, recipe, losses, collapsed=collapse is not None)
    # What tells no classes apart may not be said to know its rows by heart.
    overfitting = None if diverging or collapse else _overfitting(view, recipe, losses)
    gap = None if diverging or collapse or overfitting else _generalization_gap(view, recipe)
    found = (diverging, collapse, flat_loss, overfitting, gap)
    return tuple(diagnosis for diagnosis in found if diagnosis is not None)


def _fair_step(view: RunView) -> int:
    """The step from which on the training had a fair chance: a whole epoch or half of the steps; while it goes on, never less than a third."""
    half = ceil(view.total_steps / 2)
    first = min(view.epoch_steps[0], half) if view.epoch_steps else half
    return first if view.status == "finished" else max(first, ceil(_LEAST_SHARE_LIVE * view.total_steps))


# The five


def _diverging(view: RunView, recipe: Recipe | None, losses: _Curve) -> Diagnosis | None:
    """Training loss far above its start, now."""
    values = losses.values
    if len(values) < _START_POINTS + _RECENT_POINTS:
        return None
    start, recent, diverged = median(values[:_START_POINTS]), 0.0, False
    for end in range(_START_POINTS + _RECENT_POINTS, len(values) + 1):
        recent = median(values[end - _RECENT_POINTS : end])
        times, more = _DIVERGED_OVER if diverged else _DIVERGED
        diverged = recent > times * start + more
    if not diverged:
        return None
    return Diagnosis(
        "diverging",
        f"The training loss has risen from {start:.2f} at the start to {recent:.2f}: each step overshoots, and the model gets worse "
        f"rather than better. {as_suggestion(against_divergence(view, recipe))}{_kept(view, view.last_logged_step)}",
    )


def _collapse(view: RunView, recipe: Recipe | None) -> Diagnosis | None:
    """The same class for every validation row."""
    evaluations, fair = [e for e in view.evaluations if _number(e.classes)], _fair_step(view)
    several = [e.step for e in evaluations if e.classes > 1]
    alike = [e for e in evaluations if not several or e.step > several[-1]]
    # What an untrained head says at first is chance, not knowledge; and where one class for all scores no worse than several did before,
    # nothing was known that could be forgotten.
    forgot = bool(alike) and bool(several) and several[-1] >= fair and (view.best_step or 0) < alike[0].step
    # One evaluation may be a moment's; at the end of a run that was evaluated once, it is what there is.
    enough = 3 if forgot else min(2, len(evaluations)) if view.status == "finished" else 2
    if not alike or len(alike) < enough or alike[-1].step < fair or not _misses(view, alike[-1]):
        return None
    last, rows = alike[-1], view.rows.get("validation")
    right = f" and is right for {percent(last.accuracy, 0)} of them" if _number(last.accuracy) else ""
    words = (
        f"After {last.step:,} of {view.total_steps:,} steps the model gives {f'all {rows:,}' if rows else 'all'} validation rows the same "
        f"class{right}: it does not tell the classes apart{' any more' if forgot else ''}. "
    )
    if forgot:
        return Diagnosis("collapse", f"{words}{as_suggestion(against_forgetting(view, recipe))}{_kept(view, alike[0].step)}")
    return Diagnosis("collapse", f"{words}{as_suggestion(against_ignorance(view, recipe))} {for_rare_classes(recipe)}")


def _misses(view: RunView, evaluation: Evaluation) -> bool:
    """Whether one class for all is wrong often enough; unknown numbers do not speak against it."""
    if not _number(evaluation.accuracy):
        return True
    rows = view.rows.get("validation")
    return evaluation.accuracy < 1 if rows is None else round((1 - evaluation.accuracy) * rows) >= _MISSED_ROWS


def _flat_loss(view: RunView, recipe: Recipe | None, losses: _Curve, *, collapsed: bool) -> Diagnosis | None:
    """Training loss that does not fall, though the model does not know its rows. What is said of a collapse is not said again."""
    accuracies = _curve([(p.step, p.accuracy) for p in view.points])
    flat, start, now = False, 0.0, 0.0
    for step in _milestones(view):
        seen = losses.until(step)
        third = len(seen) // 3
        if len(seen) < _FLAT_POINTS or _has_fallen(seen) or _knows(seen[-third:], accuracies.until(step)):
            flat = False
            continue
        start, now = fmean(seen[:third]), fmean(seen[-third:])
        # Two standard errors: to be said first, it must be nearly certain that the loss falls by less.
        slack = 0.0 if flat else 2 * sqrt((pvariance(seen[:third]) + pvariance(seen[-third:])) / third)
        flat = start >= _LOW_LOSS and start - now + slack < _LEAST_FALL * start
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
    return fmean(losses[-(len(losses) // 3) :]) < (1 - _LEAST_FALL) * median(losses[:_START_POINTS])


def _knows(losses: Sequence[float], accuracies: Sequence[float]) -> bool:
    """Whether the last texts were answered better than a guess that costs so much."""
    last = accuracies[-len(losses) :]
    return bool(last) and fmean(last) > exp(-max(0.0, fmean(losses))) + _KNOWS


def _overfitting(view: RunView, recipe: Recipe | None, losses: _Curve) -> Diagnosis | None:
    """Training rows known by heart at the cost of others: validation loss rising while training loss falls, or training accuracy far above
    validation accuracy and the best model an epoch old. A large gap alone is no harm of training on: see ``_generalization_gap``.
    """
    accuracies = _curve([(p.step, p.accuracy) for p in view.points])
    span, fair = _epoch(view), _fair_step(view)
    rising, apart = None, None
    for number, evaluation in enumerate(view.evaluations, 1):
        # Nobody knows by heart what was read once.
        if evaluation.step > span and evaluation.step >= fair:
            seen = view.evaluations[:number]
            rising = _rise(view, seen, losses, span, already=rising is not None)
            apart = _gap(view, seen, accuracies, span, already=apart is not None)
    if apart is not None and not _is_past_its_best(view, span):
        apart = None
    if apart is None and rising is None:
        return None
    last, too_long = view.evaluations[-1], _is_past_its_best(view, 1)
    if apart is not None:
        found = (
            f"In the last epoch the model was right for {percent(apart[0], 0)} of the training rows (counted while it learned from them, with "
            f"dropout), but for {percent(apart[1], 0)} of the validation rows: it begins to know its rows by heart."
        )
    else:
        low, now = rising
        found = (
            f"The loss on validation rows has risen from {low.loss:.2f} at step {low.step:,} to {now:.2f}, while the training loss keeps "
            "falling: the model begins to know its rows by heart."
        )
        if not too_long and _number(last.accuracy) and view.best_step is not None:
            found += (
                " The share of validation rows that it has right is as high as ever, but for chance; it grows too sure where it is wrong."
            )
    return Diagnosis(
        "overfitting", f"{found}{_kept(view, last.step)} {_with_more_rows(against_overfitting(view, recipe, too_long=too_long))}"
    )


def _with_more_rows(phrases: Sequence[str]) -> str:
    return f"Try {', '.join(phrases)} or, best of all, more rows." if phrases else "More rows would help most."


def _is_past_its_best(view: RunView, steps: int) -> bool:
    """Whether the best model of this training is so many steps older than the last evaluation, and that one no better."""
    last = view.evaluations[-1]
    if view.best_step is None or last.step - view.best_step < steps:
        return False
    best = max((e.accuracy for e in view.evaluations[:-1] if _number(e.accuracy)), default=None)
    return best is None or not _number(last.accuracy) or last.accuracy < best


def _generalization_gap(view: RunView, recipe: Recipe | None) -> Diagnosis | None:
    """Of a model that is done: far more of its training rows right than of the validation rows, beyond chance. No fault of its training."""
    kept, span = view.kept, _epoch(view)
    evaluation = kept.evaluation
    # Nobody knows by heart what was read once.
    if view.status not in ("finished", "stopped") or evaluation is None or evaluation.step <= span or not _number(evaluation.accuracy):
        return None
    learned = _curve([(p.step, p.accuracy) for p in view.points]).mean(evaluation.step - span, evaluation.step)
    if learned is None or learned - evaluation.accuracy < max(_GAP, 3 * _chance(view, learned, evaluation.accuracy)):
        return None
    rows = view.rows.get("validation")
    others = against_overfitting(view, recipe, too_long=False)
    return Diagnosis(
        "generalization_gap",
        f"The kept model is right for {percent(evaluation.accuracy, 0)} of the {f'{rows:,} ' if rows else ''}validation rows (step "
        f"{evaluation.step:,}), while {percent(learned, 0)} of the training rows were answered right in the epoch up to there (counted while it "
        "learned from them, with dropout). It knows its training rows better than new ones: more rows would help most"
        f"{f', then {_listed(others)}' if others else ''}.",
        severity="info",
    )


def _listed(phrases: Sequence[str]) -> str:
    *others, last = phrases
    return f"{', '.join(others)} or {last}" if others else last


def _rise(view: RunView, seen: Sequence[Evaluation], losses: _Curve, span: int, *, already: bool) -> tuple[Evaluation, float] | None:
    """The evaluation of the lowest validation loss and the loss now, where it has risen since while training loss fell."""
    scored = [e for e in seen if _number(e.loss)]
    if not scored:
        return None
    low = min(scored, key=lambda e: e.loss)
    # Two in a row: one evaluation may be a moment's.
    last = [e.loss for e in scored if e.step > low.step][-2:]
    then, now = losses.mean(low.step - span, low.step), losses.mean(scored[-1].step - span, scored[-1].step)
    if len(last) < 2 or then is None or now is None:
        return None
    # The mean of few rows wanders by about one nat over the root of their number; twice that is more than chance.
    least = max(_LEAST_RISE, 2 / sqrt(view.rows.get("validation") or 100))
    wanted = max(_RISE_OVER * low.loss, low.loss + least / 2) if already else max(_RISE * low.loss, low.loss + least)
    return (low, last[-1]) if min(last) > wanted and now < _FALLING * then else None


def _gap(view: RunView, seen: Sequence[Evaluation], accuracies: _Curve, span: int, *, already: bool) -> tuple[float, float] | None:
    """Training and validation accuracy of the last epoch, where they are far apart, chance does not explain it, and validation gains no more."""
    step = seen[-1].step
    low = min((e for e in seen if _number(e.loss)), key=lambda e: e.loss, default=None)
    if not already and low is not None and low.step >= step - span:
        # Rows are learned faster than what they have in common; fewer epochs would help nobody yet.
        return None
    scores = [e.accuracy for e in seen if e.step > step - span and _number(e.accuracy)]
    learned = accuracies.mean(step - span, step)
    if not scores or learned is None:
        return None
    right = fmean(scores)
    chance = _chance(view, learned, right)
    wanted = max(_GAP_OVER, 2 * chance) if already else max(_GAP, 3 * chance)
    return (learned, right) if learned - right >= wanted else None


def _chance(view: RunView, learned: float, right: float) -> float:
    """Standard error of the difference between the shares of right answers on the training and the validation rows."""
    return sqrt(_variance(learned, view.rows.get("train")) + _variance(right, view.rows.get("validation")))


def _variance(share: float, rows: int | None) -> float:
    """Of a share of right answers among so many rows; never 0, as ten right out of ten do not prove that all are."""
    rows = rows or 100
    fair = (min(1.0, max(0.0, share)) * rows + 1) / (rows + 2)
    return fair * (1 - fair) / rows


# Curves


def _curve(points: Sequence[tuple[int, float | None]]) -> _Curve:
    known = [(step, float(value)) for step, value in points if _number(value)]
    return _Curve(tuple(step for step, _ in known), tuple(value for _, value in known))


def _number(value: object) -> bool:
    """A log from elsewhere may hold anything."""
    return isinstance(value, int | float) and isfinite(value)


def _milestones(view: RunView) -> Iterator[int]:
    """The steps at which the training loss is judged: each tenth of the steps after a fair chance, and the end of a finished run."""
    fair = _fair_step(view)
    for tenth in range(1, 11):
        step = ceil(tenth * view.total_steps / 10)
        if fair <= step <= view.last_logged_step:
            yield step
    if view.status == "finished" and fair <= view.last_logged_step:
        yield view.last_logged_step


def _epoch(view: RunView) -> int:
    """Steps of an epoch."""
    return view.epoch_steps[0] if view.epoch_steps else view.total_steps


# Words


def _kept(view: RunView, now: int) -> str:
    """Comforts where the weights that are kept are older than those of step ``now``, which went wrong."""
    step = view.kept.step
    if step is None or step >= now or (view.status in ("failed", "interrupted") and not view.has_model):
        return ""
    so_far = " so far" if view.live else ""
    return f" Nothing is lost: the model that is kept{so_far} is an earlier one, of step {step:,}."
