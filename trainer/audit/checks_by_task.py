"""How the labels of one task are checked: one table, ``LABEL_CHECKS``, by ``Task.key``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trainer.audit.deep_check import pool_evidence, pool_labels_evidence
from trainer.audit.quick_check import gather_evidence
from trainer.audit.ranking import build_result
from trainer.audit.several_labels import build_labels_result, gather_labels_evidence
from trainer.audit.suspects import AuditResult
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL


@dataclass(frozen=True)
class LabelCheck:
    """A check of the labels of one task; what is evidence for it only its own functions know."""

    gather: Callable[..., Any]
    """(corpus, learned rows, seed, on_progress, should_stop) -> the evidence of a quick check."""
    build: Callable[..., AuditResult]
    """(corpus, evidence, seconds) -> the result."""
    deepen: Callable[..., Any]
    """(corpus, evidence, out-of-fold probabilities of another model, min_texts) -> the evidence of a deep check."""


LABEL_CHECKS: Mapping[str, LabelCheck] = {
    SINGLE_LABEL.key: LabelCheck(gather_evidence, build_result, pool_evidence),
    SEVERAL_LABELS.key: LabelCheck(gather_labels_evidence, build_labels_result, pool_labels_evidence),
}
