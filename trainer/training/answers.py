"""What the config of a classifier says of its answers: names, task, cuts, repairs of texts, and from which probability on it answers.

Loads no model; predictors read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.atomic import write_file
from trainer.data.checks.repairs import REPAIRS
from trainer.data.task import Task, find_task
from trainer.errors import ModelError
from trainer.training.temperature import config_file, config_with


@dataclass(frozen=True)
class Answers:
    """``task`` has the cuts of the model, if it has any, as its results are scored. ``repairs``: the codes of the repairs of texts that the model was trained with. ``answer_from``: the probability from which on it
    answers; None if it always does."""

    label_names: tuple[str, ...]
    task: Task
    repairs: tuple[str, ...]
    answer_from: float | None

    @property
    def answering(self) -> Task:
        """The task with which the model answers: with a promise it says no label that is less probable than ``answer_from``."""
        return self.task.answering_from(self.answer_from, len(self.label_names))


def read_answers(folder: Path, config: Mapping[str, Any]) -> Answers:
    """What the config of the model in a folder says. Raises UserError ``model_damaged``, ``unknown_task``."""
    names = _label_names(folder, config.get("id2label"))
    return Answers(
        names,
        find_task(config.get("problem_type")).with_cuts(_cuts(folder, config.get("label_cuts") or [], len(names))),
        _repairs(folder, config.get("text_repairs") or []),
        _answer_from(folder, config.get("abstain_below")),
    )


def save_cuts(folder: Path, cuts: Sequence[float]) -> None:
    """Write the cuts of a saved model into its config, in the order of its label ids; without any, nothing. Raises OSError."""
    if cuts:
        write_file(config_file(folder), config_with(folder, {"label_cuts": list(cuts)}))


def damaged_model(folder: Path, reason: str) -> ModelError:
    """The error for a model that cannot be used, for a reason as the end of a sentence."""
    return ModelError(f"The model in {folder.parent.name}/{folder.name} cannot be used: {reason}. Train it again.", code="model_damaged")


def _label_names(folder: Path, names: Any) -> tuple[str, ...]:
    """The names of the outputs, all different, by their numbers, which are texts in JSON."""
    by_number = {str(number): str(name) for number, name in names.items()} if isinstance(names, Mapping) else {}
    if not by_number or by_number.keys() != {str(number) for number in range(len(by_number))}:
        raise damaged_model(folder, "its config does not name each label once (id2label)")
    labels = tuple(by_number[str(number)] for number in range(len(by_number)))
    if len(set(labels)) < len(labels):
        raise damaged_model(folder, "two of its labels have the same name (id2label in its config)")
    return labels


def _repairs(folder: Path, codes: Any) -> tuple[str, ...]:
    if not isinstance(codes, list) or not all(isinstance(code, str) and code in REPAIRS and REPAIRS[code].repair_text for code in codes):
        raise damaged_model(folder, "its config names unknown repairs of texts (text_repairs)")
    return tuple(codes)


def _cuts(folder: Path, values: Any, labels: int) -> list[float]:
    if not isinstance(values, list) or len(values) not in (0, labels) or not all(_is_probability(value) for value in values):
        raise damaged_model(
            folder, "the probabilities from which on it says each label (label_cuts in its config) are not one from 0 to 1 a label"
        )
    return values


def _is_probability(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _answer_from(folder: Path, value: Any) -> float | None:
    if value is not None and not _is_probability(value):
        raise damaged_model(folder, "the probability from which on it answers (abstain_below in its config) is not between 0 and 1")
    return value
