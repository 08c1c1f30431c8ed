"""LabelChecks: the checks of labels of one owner: start one as a job, find it again, read its result.

What was decided about labels is in ``drafts/label_editor.py``.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from trainer.audit.quick_check import require_checkable
from trainer.audit.suspects import AuditResult
from trainer.data.columns.label_form import AS_IT_LOOKS, LabelReading
from trainer.drafts.drafts import Drafts
from trainer.drafts.preparation import PreparedDraft
from trainer.errors import FileError, UserError
from trainer.jobs.audit.audit_job import load_result, save_checked_rows
from trainer.jobs.job import Job
from trainer.jobs.owner_jobs import OwnerJobs
from trainer.recipe import Recipe

_QUICK, _DEEP = "audit", "deep_audit"


class LabelChecks:
    """Jobs of others do not exist in it: UserError ``unknown_job``."""

    def __init__(self, drafts: Drafts, jobs: OwnerJobs) -> None:
        self._drafts = drafts
        self._jobs = jobs

    def start(self, draft_id: str, recipe: Recipe | None = None, *, deep: bool = False, seed: int = 0) -> Job:
        """Queue a check of a draft's rows, its repairs done, and return at once. Pressed twice, there is one.

        The test rows of the ``recipe``, by default the default one, are judged too, but they say nothing about other rows: a score on them
        after labels were changed would not be honest otherwise. ``deep`` trains the recipe five times, each time without a fifth of the rows,
        and lets the models judge the rows that they have not learned; it waits for its turn like a training.

        Raises UserError ``unknown_draft``, what keeps the file from being read, and what ``require_checkable`` and ``OwnerJobs.start`` raise.
        """
        recipe = recipe or Recipe()
        return self._start(self._drafts.get(draft_id), seed, splits_of=recipe, deep=recipe if deep else None)

    def start_files(
        self,
        sources: Mapping[str, tuple[str, Path | bytes]],
        *,
        text_columns: Sequence[str] = (),
        label_column: str | tuple[str, ...] | None = None,
        part: str | None = None,
        reading: LabelReading = AS_IT_LOOKS,
        deep: bool = False,
        seed: int = 0,
    ) -> Job:
        """``drafts.open_files`` and ``start`` in one, for callers that prepare nothing by hand; leaves no draft behind.

        All rows say something about others but those that the file itself gives for a test.
        """
        prepared = self._drafts.open_files(sources, text_columns=text_columns, label_column=label_column, part=part, reading=reading)
        try:
            return self._start(prepared, seed, splits_of=None, deep=Recipe() if deep else None)
        finally:
            with suppress(UserError):
                self._drafts.remove(prepared.draft.id)

    def find(self, draft_id: str) -> Job | None:
        """The newest check of a draft, in whatever state; None if it was never checked. ``is_current`` says whether its rows are still these."""
        return next(iter(self.of_draft(draft_id)), None)

    def of_draft(self, draft_id: str) -> list[Job]:
        """All checks of a draft that are kept, the newest first: while one goes on, the result of an earlier one is still there."""
        return [job for job in self._jobs.list() if job.type in (_QUICK, _DEEP) and job.parameters.get("draft") == draft_id]

    def is_current(self, job: Job) -> bool:
        """Whether the draft of a check has the same rows as when it was started."""
        with suppress(UserError):
            return self._drafts.get(str(job.parameters.get("draft"))).draft.version == job.parameters.get("version")
        return False

    def result(self, job_id: str) -> AuditResult:
        """What a finished check found. Raises UserError ``no_result`` for others and ``audit_damaged``."""
        self._jobs.result(job_id)
        return load_result(self._jobs.get(job_id).folder)

    def _start(self, prepared: PreparedDraft, seed: int, *, splits_of: Recipe | None, deep: Recipe | None) -> Job:
        corpus = prepared.corpus
        if corpus is None:
            raise prepared.problem or FileError("This file has no texts and labels to check yet.", code="not_ready")
        require_checkable(corpus)
        draft = prepared.draft
        test_rows = _test_rows(prepared, splits_of)
        digest = hashlib.sha256(test_rows.tobytes()).hexdigest()[:16]
        parameters = {"draft": draft.id, "version": draft.version, "seed": seed, "test_rows": digest}
        if deep is not None:
            parameters["recipe"] = deep.to_dict()
        name = f"{'deep ' if deep is not None else ''}check of the labels of {draft.main.name}"
        job_type = _QUICK if deep is None else _DEEP
        return self._jobs.start(
            job_type, name=name, parameters=parameters, fill=lambda folder: save_checked_rows(folder, corpus, test_rows)
        )


def _test_rows(prepared: PreparedDraft, recipe: Recipe | None) -> np.ndarray:
    """Positions of the rows that a training with this recipe keeps for its test; without one, those that the file gives for a test."""
    corpus = prepared.corpus
    if recipe is not None and prepared.problem is None:
        # Folds keep none aside, but a training with decisions does.
        return prepared.splits(replace(recipe, folds=None)).test
    given = corpus.given_split or ("",) * len(corpus)
    return np.flatnonzero(np.array([part == "test" for part in given], dtype=bool)).astype(np.int64)
