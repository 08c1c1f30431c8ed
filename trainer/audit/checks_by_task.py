"""How the labels of one task are checked: one table, ``LABEL_CHECKS``, by ``Task.key``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trainer.audit.deep_check import pool_evidence
from trainer.audit.quick_check import gather_evidence
from trainer.audit.ranking import build_result
from trainer.audit.several_labels import build_labels_result, gather_labels_evidence
from trainer.audit.suspects import AuditResult
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL, Task
from trainer.errors import RecipeError


@dataclass(frozen=True)
class LabelCheck:
    """A check of the labels of one task; what is evidence for it only its own functions know."""

    gather: Callable[..., Any]
    """(corpus, learned rows, seed, on_progress, should_stop) -> the evidence of a quick check."""
    build: Callable[..., AuditResult]
    """(corpus, evidence, seconds) -> the result."""
    deepen: Callable[..., Any] | None = None
    """(corpus, evidence, out-of-fold probabilities of another model, min_texts) -> the evidence of a deep check; None if there is none."""


LABEL_CHECKS: Mapping[str, LabelCheck] = {
    SINGLE_LABEL.key: LabelCheck(gather_evidence, build_result, pool_evidence),
    SEVERAL_LABELS.key: LabelCheck(gather_labels_evidence, build_labels_result),
}


def can_be_deep(task: Task) -> bool:
    """Whether there is a deep check of labels of this task."""
    return LABEL_CHECKS[task.key].deepen is not None


def require_deep(task: Task) -> None:
    """Raise UserError ``not_for_this_task`` if there is no deep check of labels of this task."""
    if not can_be_deep(task):
        raise RecipeError(
            f"The deep check trains models in folds, which are for one label a text; the texts of this file have {task.name}. The quick check judges "
            "them too.",
            code="not_for_this_task",
        )
