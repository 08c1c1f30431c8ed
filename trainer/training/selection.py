"""Which evaluation's weights are kept: a score on some hundred rows is uncertain, and the best of ten is partly the luckiest.

So the latest is kept whose score is within one standard error of the best one (the rule of Breiman, Friedman, Olshen and Stone, 1984,
section 3.4.3, who take the simplest model there): towards the end the learning rate is lowest, and the weights have settled.
"""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Best:
    """The evaluation whose weights are kept, and the best score so far (higher is better), which it is as good as but for ``margin``."""

    step: int
    top_step: int
    top: float
    margin: float


def choose(best: Best | None, step: int, score: float, margin: float) -> Best:
    """What is kept after an evaluation of ``score``, which chance moves by ``margin``; its weights are to be kept where ``step`` is its own."""
    if best is None or score > best.top:
        return Best(step, step, score, margin)
    return replace(best, step=step) if score > best.top - best.margin else best


def standard_errors(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Standard errors of accuracy, macro F1 and mean cross-entropy over rows; ``logits`` float (n, k), ``labels`` int (n,).

    That of macro F1 is by the delta method: the F1 of a class is 2 hits / (true + predicted), and each row moves it by what the
    derivative says.
    """
    said, rows = logits.argmax(axis=-1), len(labels)
    hit = said == labels
    classes = logits.shape[-1]
    both = np.maximum(np.bincount(labels, minlength=classes) + np.bincount(said, minlength=classes), 1)
    f1 = 2 * np.bincount(labels[hit], minlength=classes) / both
    occurring = len(np.union1d(labels, said))
    moved = ((2 * hit - f1[labels]) / both[labels] - f1[said] / both[said]) / occurring
    shifted = logits - logits.max(axis=-1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=-1)) - shifted[np.arange(rows), labels]
    return {
        "accuracy": float(hit.std() / np.sqrt(rows)),
        "macro_f1": float(np.sqrt((moved**2).sum())),
        "loss": float(losses.std() / np.sqrt(rows)),
    }
