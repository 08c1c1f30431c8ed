"""Task: what the labels of a text mean, from a model's logits to its decisions. Knows no model, no metric and no chart.

Rooms in which tasks differ have one table by ``Task.key`` each: ``training/losses.py``, ``evaluation/metrics.py``, ``charts/charts_by_task.py``.
Nothing else turns logits into probabilities or probabilities into decisions; tests/test_task_calls.py searches for it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trainer.errors import RunError


@dataclass(frozen=True)
class Task:
    """One kind of labels, here of n texts and k classes."""

    key: str
    """Its name in tables and files: transformers' ``problem_type``, so that the config of a model names its task."""
    name: str
    """For people: "one label a text"."""
    models_do: str
    """What models for it do, after "classifiers that": "give each text one of several labels"."""
    check_labels: Callable[[np.ndarray, int, int], None]
    """(labels, n, k): raises ValueError if the labels do not have the shape and the values of this task."""
    probabilities: Callable[[np.ndarray], np.ndarray]
    """Logits (n, k) -> probabilities (n, k), of the same type: those of transformers' text-classification pipeline."""
    decide: Callable[[np.ndarray], np.ndarray]
    """Probabilities (n, k), or (k,) of one text -> labels of this task: what a model with these probabilities says."""
    decided_name: Callable[[np.ndarray, tuple[str, ...]], str]
    """(probabilities (k,), label names) -> what is said, by name."""
    probabilities_code: str
    """``probabilities`` for readers of a model card: an expression of torch with the variable ``logits``."""


def find_task(key: str | None) -> Task:
    """The task of this key; ``SINGLE_LABEL`` without one, as runs and models that name none have one label a text.

    Raises UserError ``unknown_task`` if a newer version of Emotune, or another program, has written the key.
    """
    if not key:
        return SINGLE_LABEL
    if key not in TASKS:
        known = ", ".join(f"{task.name} ({task.key})" for task in TASKS.values())
        raise RunError(
            f"This is for the task “{key[:60]}”, which this version of Emotune does not know. It knows: {known}. Update Emotune.",
            code="unknown_task",
        )
    return TASKS[key]


def most_probable_first(probabilities: Sequence[float]) -> list[int]:
    """The classes of one text by their probability, (k,), for a list of them; of equally probable ones the lower id first. Decides nothing."""
    return sorted(range(len(probabilities)), key=lambda class_id: -probabilities[class_id])


def _check_class_ids(labels: np.ndarray, rows: int, classes: int) -> None:
    if labels.shape != (rows,):
        raise ValueError(f"Labels have the shape {labels.shape}; expected ({rows},).")
    if rows and (labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= classes):
        raise ValueError(f"Label ids must be whole numbers from 0 to {classes - 1}; found {sorted(set(labels.tolist()))[:10]}.")


def _softmax(logits: np.ndarray) -> np.ndarray:
    # As transformers' pipeline computes it; scipy.special would take a tenth of a second to import. A diverged model has infinite logits.
    with np.errstate(invalid="ignore"):
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)


def _most_probable(probabilities: np.ndarray) -> np.ndarray:
    """int64 (n,) class ids, or one of a single text; of equally probable classes the lower id."""
    return np.argmax(probabilities, axis=-1)


SINGLE_LABEL = Task(
    key="single_label_classification",
    name="one label a text",
    models_do="give each text one of several labels",
    check_labels=_check_class_ids,
    probabilities=_softmax,
    decide=_most_probable,
    decided_name=lambda probabilities, names: names[int(_most_probable(probabilities))],
    probabilities_code="logits.softmax(-1)",
)

TASKS: Mapping[str, Task] = {task.key: task for task in (SINGLE_LABEL,)}
