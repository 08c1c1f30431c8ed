"""Which evaluation's weights are kept: a score on some hundred rows is uncertain, and the highest of ten scores is partly luck.

So it is the latest whose score is less than a margin below the highest one; the margin is the recipe's number of standard errors of that
highest score (with 1 like the rule of Breiman, Friedman, Olshen and Stone, 1984, section 3.4.3, who take the simplest model there). In a
training that runs to its end the learning rate is lowest last, and the weights have settled.
"""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class BestCheckpoint:
    """Whose weights are kept (``step``), and the highest score so far (higher is better): its step, and how far below it still counts."""

    step: int
    best_metric_step: int
    best_metric: float
    tolerance: float


def update_best(best: BestCheckpoint | None, step: int, score: float, margin: float) -> BestCheckpoint:
    """What is kept after an evaluation of ``score`` with a margin of its own. Where the answer's ``step`` is this one, its weights are to be saved."""
    if best is None or score > best.best_metric:
        return BestCheckpoint(step, step, score, margin)
    return replace(best, step=step) if score > best.best_metric - best.tolerance else best


def standard_errors(labels: np.ndarray, said: np.ndarray) -> dict[str, float]:
    """Standard errors of accuracy and macro F1; ``labels`` and what was ``said`` are class ids, int (n,).

    That of macro F1 is by the delta method: the F1 of a class is 2 hits / (true + predicted), and each row moves it by what the
    derivative says.
    """
    hit = said == labels
    classes = 1 + max(labels.max(), said.max())
    both = np.maximum(np.bincount(labels, minlength=classes) + np.bincount(said, minlength=classes), 1)
    f1 = 2 * np.bincount(labels[hit], minlength=classes) / both
    occurring = len(np.union1d(labels, said))
    moved = ((2 * hit - f1[labels]) / both[labels] - f1[said] / both[said]) / occurring
    return {
        "accuracy": float(hit.std() / np.sqrt(len(labels))),
        "macro_f1": float(np.sqrt((moved**2).sum())),
    }
