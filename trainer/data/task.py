"""Task: what the labels of a text mean, from a model's logits to its decisions. Knows no model, no metric and no chart.

Rooms in which tasks differ have one table by ``Task.key`` each: ``training/losses.py``, ``evaluation/metrics.py``, ``charts/charts_by_task.py``.
Nothing else turns logits into probabilities or probabilities into decisions; tests/test_task_calls.py searches for it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from trainer.data.cuts import EVEN_CUT, choose_cuts
from trainer.data.logits import logits_of, probabilities_of
from trainer.errors import RunError

JOINED_BY = ", "
"""Between the names of several labels of one text."""
NO_LABEL = "no label"


@dataclass(frozen=True)
class Task:
    """One kind of labels, here of n texts and k classes."""

    key: str
    """Its name in tables and files: transformers' ``problem_type``, so that the config of a model names its task."""
    name: str
    """For people: "one label a text"."""
    models_do: str
    """What models for it do, after "classifiers that": "give each text one of several labels"."""
    judged: str
    """For a check of labels, after "2 % of the ": "labels look wrong"."""
    check_labels: Callable[[np.ndarray, int, int], None]
    """(labels, n, k): raises ValueError if the labels do not have the shape and the values of this task."""
    probabilities: Callable[[np.ndarray], np.ndarray]
    """Logits (n, k) -> probabilities (n, k), of the same type: those of transformers' text-classification pipeline."""
    decide_with: Callable[[np.ndarray, tuple[float, ...]], np.ndarray]
    """Probabilities (n, k), or (k,) of one text, and cuts -> labels of this task: what a model with these probabilities and cuts says."""
    right: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """Labels of n texts, and others of the same texts or of one -> bool (n,), where both are exactly the same."""
    has_label: Callable[[np.ndarray, int], np.ndarray]
    """Labels of n texts, a label id -> bool (n,), the texts that have it."""
    confidence: Callable[[np.ndarray], np.ndarray]
    """Probabilities (n, k) -> (n,): those of the classes that are decided for; for several labels, of the most probable one, said or not."""
    choose_cuts: Callable[[np.ndarray, np.ndarray], tuple[float, ...]]
    """Labels and probabilities (n, k) of validation rows -> one cut for each label; () for a task without cuts."""
    label_pairs: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
    """Labels of n texts -> a row number and a label id for each label of each text, in ascending order, both (m,) int64."""
    even_cuts: Callable[[int], tuple[float, ...]]
    """k -> the cuts of a model without any of its own; () for a task without cuts."""
    sure_cuts: Callable[[tuple[float, ...], float], tuple[float, ...]]
    """(the cut of each label, the probability from which on a model answers) -> the cuts with which it says nothing less probable; () for a task without
    cuts, whose answers are held back as a whole."""
    at_cuts: Callable[[np.ndarray, tuple[float, ...], tuple[float, ...]], np.ndarray]
    """Probabilities (n, k), their cuts and others -> probabilities of which the others say what theirs say of the given ones, logits moved alike."""
    said_to_dict: Callable[[tuple[str, ...], tuple[float, ...], Sequence[str]], dict[str, Any]]
    """(what is said of one text, cuts, label names) -> as JSON, "label" and what else there is."""
    changes_to_dict: Callable[[Sequence[str], Sequence[str]], dict[str, Any]]
    """(the labels of a text, the labels suggested for it) -> as JSON, what they do not say by themselves."""
    written: Callable[[Sequence[str]], str]
    """The names of the labels of one text -> as one text, from which ``parse_written`` gets them back whatever they hold: the name itself where a
    text has one, else a JSON list."""
    parse_written: Callable[[str], tuple[str, ...]]
    """What ``written`` made -> the names."""
    linear_start: bool
    """Whether a training starts from a linear model however many rows and labels there are, if the encoder stands for a text by the average of its
    tokens: see regimes.py."""
    probabilities_code: str
    """``probabilities`` for readers of a model card: an expression of torch with the variable ``logits``."""
    cuts: tuple[float, ...] = ()
    """Of a model for several labels a text: each label is said from this probability on; () for even ones, 0.5 each."""

    @property
    def may_have_several(self) -> bool:
        """Whether a text may have more than one label."""
        return bool(self.even_cuts(1))

    def with_cuts(self, cuts: Sequence[float]) -> "Task":
        """The same task, decided with these cuts; () for even ones."""
        return self if tuple(cuts) == self.cuts else replace(self, cuts=tuple(map(float, cuts)))

    def all_cuts(self, classes: int) -> tuple[float, ...]:
        """The cut of each label, its own or an even one; () for a task without cuts."""
        return self.cuts or self.even_cuts(classes)

    def answering_from(self, probability: float | None, classes: int) -> "Task":
        """The same task, decided as a model does that answers from this ``probability`` on; None: it always answers."""
        return self if probability is None else self.with_cuts(self.sure_cuts(self.all_cuts(classes), probability))

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities (n, k), or (k,) of one text -> labels of this task: what a model with these probabilities says."""
        return self.decide_with(probabilities, self.cuts)

    def label_ids(self, labels: np.ndarray) -> list[int]:
        """The ids of the labels of one text, which are in the task's shape, in ascending order."""
        return self.label_pairs(np.asarray(labels)[None])[1].tolist()

    def names(self, labels: np.ndarray, label_names: Sequence[str]) -> tuple[str, ...]:
        """The names of the labels of one text, which are in the task's shape; none for a text without any."""
        return tuple(label_names[label_id] for label_id in self.label_ids(labels))

    def decided_names(self, probabilities: np.ndarray, label_names: Sequence[str]) -> tuple[str, ...]:
        """Probabilities (k,) of one text -> what is said, by name."""
        return self.names(self.decide(probabilities), label_names)

    def shown(self, labels: np.ndarray, label_names: Sequence[str]) -> str:
        """The labels of one text for people: "joy", "joy, love", "no label"."""
        return JOINED_BY.join(self.names(labels, label_names)) or NO_LABEL

    def decided_name(self, probabilities: np.ndarray, label_names: Sequence[str]) -> str:
        """Probabilities (k,) of one text -> what is said, as one text; "" if that is no label."""
        return JOINED_BY.join(self.decided_names(probabilities, label_names))


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


def _highest(probabilities: np.ndarray) -> np.ndarray:
    return np.take_along_axis(probabilities, _most_probable(probabilities)[..., None], axis=-1)[..., 0]


def _check_multi_hot(labels: np.ndarray, rows: int, classes: int) -> None:
    if labels.shape != (rows, classes):
        raise ValueError(f"Labels have the shape {labels.shape}; expected ({rows}, {classes}).")
    if labels.size and (labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() > 1):
        raise ValueError("Labels must be whole numbers, 1 for a label that a text has and 0 for one that it has not.")


def _moved(probabilities: np.ndarray, cuts: tuple[float, ...], others: tuple[float, ...]) -> np.ndarray:
    return probabilities_of(logits_of(probabilities) - logits_of(cuts) + logits_of(others))


def _labels_to_dict(said: tuple[str, ...], cuts: tuple[float, ...], names: Sequence[str]) -> dict[str, Any]:
    return {"label": JOINED_BY.join(said), "labels": list(said), "cuts": dict(zip(names, cuts, strict=True))}


def _changes_to_dict(given: Sequence[str], suggested: Sequence[str]) -> dict[str, Any]:
    return {
        "labels": list(given),
        "missing": [name for name in suggested if name not in given],
        "surplus": [name for name in given if name not in suggested],
    }


def _parse_list(written: str) -> tuple[str, ...]:
    """The names in a JSON list, none in an empty text; what else is no list is one name."""
    if not written:
        return ()
    try:
        names = json.loads(written)
    except (ValueError, RecursionError):
        names = None
    return tuple(map(str, names)) if isinstance(names, list) else (written,)


def _above_cuts(probabilities: np.ndarray, cuts: tuple[float, ...]) -> np.ndarray:
    """int64 of the probabilities' shape: 1 for each label whose probability is at least its cut."""
    return (np.asarray(probabilities, dtype=np.float64) >= (np.array(cuts) if cuts else EVEN_CUT)).astype(np.int64)


SINGLE_LABEL = Task(
    key="single_label_classification",
    name="one label a text",
    models_do="give each text one of several labels",
    judged="labels look wrong",
    check_labels=_check_class_ids,
    probabilities=_softmax,
    decide_with=lambda probabilities, _: _most_probable(probabilities),
    right=lambda labels, said: np.asarray(labels) == said,
    has_label=lambda labels, label_id: labels == label_id,
    confidence=_highest,
    choose_cuts=lambda labels, probabilities: (),
    label_pairs=lambda labels: (np.arange(len(labels)), np.asarray(labels, dtype=np.int64)),
    even_cuts=lambda classes: (),
    sure_cuts=lambda cuts, probability: (),
    at_cuts=lambda probabilities, cuts, others: probabilities,
    said_to_dict=lambda said, cuts, names: {"label": said[0]},
    changes_to_dict=lambda given, suggested: {},
    written=lambda names: names[0],
    parse_written=lambda written: (written,),
    linear_start=False,
    probabilities_code="logits.softmax(-1)",
)

SEVERAL_LABELS = Task(
    key="multi_label_classification",
    name="several labels a text",
    models_do="give each text any number of labels",
    judged="texts seem to miss a label or to have one too many",
    check_labels=_check_multi_hot,
    probabilities=probabilities_of,
    decide_with=_above_cuts,
    right=lambda labels, said: (np.asarray(labels) == said).all(axis=-1),
    has_label=lambda labels, label_id: labels[:, label_id] > 0,
    confidence=_highest,
    choose_cuts=choose_cuts,
    label_pairs=np.nonzero,
    even_cuts=lambda classes: (EVEN_CUT,) * classes,
    sure_cuts=lambda cuts, probability: tuple(cut if cut > probability else probability for cut in cuts),
    at_cuts=_moved,
    said_to_dict=_labels_to_dict,
    changes_to_dict=_changes_to_dict,
    written=lambda names: json.dumps(list(names), ensure_ascii=False),
    parse_written=_parse_list,
    linear_start=True,
    probabilities_code="logits.sigmoid()",
)

TASKS: Mapping[str, Task] = {task.key: task for task in (SINGLE_LABEL, SEVERAL_LABELS)}
