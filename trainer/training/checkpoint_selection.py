"""Which evaluation's weights are kept: a score on some hundred rows is uncertain, and the highest of ten scores is partly luck.

So it is the latest evaluation whose score is less than a tolerance below the highest one; the tolerance is the recipe's number of standard
errors of that highest score (with 1 it resembles the rule of Breiman, Friedman, Olshen and Stone, 1984, section 3.4.3, who take the simplest
such model). At the end of a full training the learning rate is lowest and the weights have settled.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class BestCheckpoint:
    """The step whose weights are kept, and the best metric so far (higher is better): its step, its value, and the tolerance below it."""

    step: int
    best_metric_step: int
    best_metric: float
    tolerance: float


def update_best(best: BestCheckpoint | None, step: int, score: float, tolerance: float) -> BestCheckpoint:
    """What is kept after an evaluation of ``score`` with its own ``tolerance``. If the result's ``step`` equals ``step``, save the weights."""
    if best is None or score > best.best_metric:
        return BestCheckpoint(step, step, score, tolerance)
    return replace(best, step=step) if score > best.best_metric - best.tolerance else best
