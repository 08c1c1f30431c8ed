"""Which evaluation's weights are kept: a score on some hundred rows is uncertain, and the highest of ten scores is partly luck.

So it is the latest evaluation whose score is less than a tolerance below the highest one; the tolerance is the recipe's number of standard
errors of that highest score (with 1 it resembles the rule of Breiman, Friedman, Olshen and Stone, 1984, section 3.4.3, who take the simplest
such model). At the end of a full training the learning rate is lowest and the weights have settled. What scores less than the model did before
the first step, a linear one, is never kept.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class BestCheckpoint:
    """The step whose weights are kept, and the best metric so far (higher is better): its step, its value, and the tolerance below it."""

    step: int
    best_metric_step: int
    best_metric: float
    tolerance: float
    floor: float | None = None
    """The metric before the first step, below which nothing is kept; None if it was not measured."""


def update_best(best: BestCheckpoint | None, step: int, score: float, tolerance: float) -> BestCheckpoint:
    """What is kept after an evaluation of ``score`` with its own ``tolerance``. If the result's ``step`` equals ``step``, save the weights."""
    floor = score if step == 0 else None if best is None else best.floor
    if best is None or score > best.best_metric:
        return BestCheckpoint(step, step, score, tolerance, floor)
    as_good = score > best.best_metric - best.tolerance and (floor is None or score >= floor)
    return replace(best, step=step) if as_good else best
