"""The one verdict on a file: whether it can be trained on, what stands in the way, and the button that puts it right.

The tabs Data and Train both say it, so that they cannot disagree.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainer.data.checks.findings import Finding
from trainer.data.checks.repairs import REPAIRS
from trainer.data.splits import Splits
from trainer.drafts.preparation import PreparedDraft
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.text_format import pluralize
from trainer.ui.buttons import Button

_MOST_OF_A_FINDING = 110
_NEXT_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[“\"A-Z0-9])")


@dataclass(frozen=True)
class Readiness:
    """What is to be said of a file before a training."""

    title: str
    """The heading, whole words."""
    more: str
    """What to do about it; empty where the heading says all."""
    said: str
    """One sentence for the foot of both tabs."""
    splits: Splits | None = None
    """The rows as they would be split; None where nothing can be trained."""
    repair: Button | None = None
    """The button that puts right what stands in the way, where there is one."""
    wrong: bool = False
    """Whether it cannot be trained on at all, as against something to be fixed first."""

    @property
    def ready(self) -> bool:
        return self.splits is not None


def assess_readiness(prepared: PreparedDraft, shares: Mapping[str, Any]) -> Readiness:
    """The verdict on a file split by ``shares``, the recipe's ``validation_share`` and ``test_share`` as the form holds them."""
    if prepared.problem is not None:
        return _refused(prepared.problem, _repair(prepared))
    if prepared.blocking_findings:
        return _to_fix(prepared)
    try:
        splits = prepared.splits(Recipe.from_dict(dict(shares)))
    except UserError as error:
        return _refused(error, None)
    said = f"Ready: {pluralize(len(splits.train), 'row')} to learn from, {len(splits.test):,} kept aside."
    few = any(finding.code == "few_rows" for finding in prepared.findings)
    return Readiness("Ready to train, but on few rows" if few else "Ready to train", "", said, splits)


def sentences(message: str) -> tuple[str, str]:
    """The first sentence of a message, which says what happened, and the rest, which says what was found and what to do."""
    first, *rest = _NEXT_SENTENCE.split(message.strip(), maxsplit=1)
    return first, "".join(rest)


def repairable(prepared: PreparedDraft) -> list[Finding]:
    """The findings that one press can put right."""
    return [finding for finding in prepared.findings if finding.repairable and finding.severity != "ok"]


def _refused(error: UserError, repair: Button | None) -> Readiness:
    first, rest = sentences(error.message)
    return Readiness(first.rstrip("."), rest, first, repair=repair, wrong=True)


def _to_fix(prepared: PreparedDraft) -> Readiness:
    fix = prepared.blocking_findings
    title = "One thing to fix, then ready" if len(fix) == 1 else f"{len(fix)} things to fix, then ready"
    said = f"Fix {pluralize(len(fix), 'thing')}: {_short(fix[0])}{'.' if len(fix) == 1 else ', and more.'}"
    return Readiness(title, "", said, repair=_repair(prepared))


def _repair(prepared: PreparedDraft) -> Button | None:
    """The repair of what must be fixed, and of nothing else; one press, its codes with blanks between, where several must be."""
    needed = [finding for finding in prepared.blocking_findings if finding.repairable]
    if len(needed) == 1:
        return Button("repair", REPAIRS[needed[0].code].title, code=needed[0].code, primary=True, elem_id="repair")
    if needed:
        title = "Fix both" if len(needed) == 2 else f"Fix these {len(needed)}"
        return Button("repair", title, code=" ".join(finding.code for finding in needed), primary=True, elem_id="repair")
    return None


def _short(finding: Finding) -> str:
    """What was found, without its examples: a foot is one line or two."""
    if finding.code == "label_variants":
        return pluralize(finding.count, "label is spelt in several ways", "labels are spelt in several ways")
    said = re.split(r": |, such as |, as in ", sentences(finding.message)[0].rstrip("."), maxsplit=1)[0]
    return said if len(said) <= _MOST_OF_A_FINDING else f"{said[: said.rfind(' ', 0, _MOST_OF_A_FINDING)]} …"
