"""What the tab Check labels shows of one draft, read from the workspace: the last check, the decisions and the training with them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trainer.audit.apply_decisions import row_key
from trainer.audit.decisions import RowKey
from trainer.audit.suspects import AuditResult, Suspect
from trainer.cache import SingleFlightCache
from trainer.data.splits import Splits
from trainer.drafts.label_editor import LabelState
from trainer.errors import UserError
from trainer.jobs.job import Job
from trainer.label_proof import ProofState
from trainer.recipe import Recipe
from trainer.runs.view import RunView
from trainer.text_format import pluralize
from trainer.workspace import Workspace


@dataclass(frozen=True)
class AuditState:
    """``labels`` is None if the draft cannot be learnt from; ``problem`` then says why, or why the result of a check cannot be read."""

    labels: LabelState | None
    job: Job | None = None
    """The last check of the draft."""
    finished: Job | None = None
    """The last one that has a result: while another check goes on, this is still shown."""
    result: AuditResult | None = None
    """Of that check."""
    size: int = 0
    """Of all decisions, in bytes."""
    before: RunView | None = None
    """The run on this file without decisions that a training with them is compared with."""
    proof: ProofState | None = None
    problem: str = ""
    is_current: bool = True
    """Whether the file has the rows that were checked."""

    @property
    def is_checking(self) -> bool:
        """Whether a check waits or goes on."""
        return self.job is not None and self.job.live

    @property
    def audit_id(self) -> str:
        """The check that has the result; empty without one."""
        return self.finished.id if self.finished is not None and self.result is not None else ""

    @property
    def token(self) -> str:
        """What the table shows: a check, and the decisions at this size of their log."""
        return f"{self.audit_id} {self.size}"


def read(workspace: Workspace, draft_id: str, results: SingleFlightCache[AuditResult]) -> AuditState:
    """The present state of a draft; ``results`` are kept by the job that found them. Raises UserError ``unknown_draft`` if it is gone."""
    size = workspace.labels.size(draft_id)
    prepared = workspace.drafts.get(draft_id)
    if prepared.problem is not None or prepared.corpus is None:
        return AuditState(None, problem=prepared.problem.message if prepared.problem else "This file is not ready.")
    labels = workspace.labels.state(draft_id)
    checks, result, problem = workspace.label_checks.of_draft(draft_id), None, ""
    finished = next((job for job in checks if job.status == "finished"), None)
    if finished is not None:
        try:
            result = results.get(finished.id, lambda: workspace.label_checks.result(finished.id))
        except UserError as error:
            problem = error.message
    proof = workspace.proof
    return AuditState(
        labels,
        checks[0] if checks else None,
        finished,
        result,
        size,
        proof.run_before(draft_id),
        proof.state(draft_id),
        problem,
        finished is None or workspace.label_checks.is_current(finished),
    )


def size(workspace: Workspace, draft: str | None) -> str:
    """Changes with every decision on the draft that is open; cheap enough to be asked each second."""
    draft_id = draft or workspace.drafts.latest_id()
    return f"{draft_id} {workspace.labels.size(draft_id)}" if draft_id else ""


def version(workspace: Workspace, draft: str | None, decided: str) -> str:
    """Changes with everything that the tab shows; ``decided`` is what ``size`` returned."""
    draft_id = draft or workspace.drafts.latest_id()
    if draft_id is None:
        return ""
    job = workspace.label_checks.find(draft_id)
    check = "" if job is None else f"{job.id} {job.status} {job.stop_requested} {job.progress}"
    return f"{decided} {check} {workspace.proof.version(draft_id)}"


def split_recipe(workspace: Workspace, before: RunView | None) -> Recipe:
    """The recipe whose test rows a training with the decisions keeps: that of the run before, if there is one."""
    return Recipe() if before is None else workspace.library.recipe(before.id)


def splits(workspace: Workspace, state: AuditState) -> Splits:
    """The split that a training with the decisions has."""
    return state.labels.prepared.splits(split_recipe(workspace, state.before))


def parts(workspace: Workspace, state: AuditState) -> Mapping[RowKey, str]:
    """The test rows, each with "test"; all others are rows to learn from."""
    corpus = state.labels.prepared.require_corpus()
    return {row_key(corpus, position): "test" for position in splits(workspace, state).test.tolist()}


def keyed_suspects(state: AuditState) -> list[tuple[RowKey, Suspect]]:
    """The suspects with the file that each is from. Those whose row has another text or label now are left out: check again to see them."""
    corpus = state.labels.prepared.require_corpus()
    suspects = state.result.suspects
    wanted = np.isin(corpus.source_rows, [suspect.row for suspect in suspects])
    present = {row_key(corpus, p): (corpus.texts[p], corpus.written_label(p)) for p in np.flatnonzero(wanted).tolist()}
    keyed = (((suspect.file, suspect.row), suspect) for suspect in suspects)
    return [(key, suspect) for key, suspect in keyed if present.get(key) == (suspect.text, suspect.label)]


def waiting_words(workspace: Workspace, job: Job) -> str:
    """Why a check has not begun, as the end of a sentence."""
    delay = workspace.jobs.delay(job.id)
    if delay is not None:
        return f"waiting: {delay.reason}"
    position = workspace.jobs.position(job.id)
    return f"waiting for {pluralize(position, 'job')} before it" if position else "starting"


def quick_seconds(state: AuditState) -> float:
    """About how long a quick check takes: on two cores it judges some 300 rows a second, and starts in a few seconds."""
    return 5.0 + len(state.labels.prepared.require_corpus()) / 300
