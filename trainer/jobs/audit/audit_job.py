"""AUDIT and DEEP_AUDIT: the job types of checks of labels. Quick ones run beside trainings; deep ones train, and wait for their turn."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from trainer.audit.audit_file import load_audit, save_audit
from trainer.audit.checks_by_task import LABEL_CHECKS
from trainer.audit.out_of_fold import N_FOLDS, AuditStopped
from trainer.audit.ranking import Evidence
from trainer.audit.suspects import AuditResult
from trainer.data.corpus import Corpus
from trainer.data.rows import load_rows, save_rows
from trainer.data.splits import Splits
from trainer.jobs.folds.cross_validation import FoldPlan, FoldsStopped, cross_validate, in_order_of_rows
from trainer.jobs.job_folder import JobStopped, RunningJob, in_this_thread
from trainer.jobs.job_type import JobType, JobWords, Resumption
from trainer.jobs.queue import Lane
from trainer.recipe import Recipe
from trainer.text_format import pluralize

_ROWS, _RESULT, _FOLDS = "data.parquet", "audit.parquet", "folds"
_QUICK_SHARE = 0.1
"""Of the progress of a deep check: the part that trains no large model."""
_STOPPED = "The check of labels was stopped; it found nothing yet. Check the labels again."


def save_checked_rows(folder: Path, corpus: Corpus, test_rows: np.ndarray) -> None:
    """Write the rows to be checked into the folder of a new job; ``test_rows`` (positions) are judged, but say nothing about others. Raises OSError."""
    none = np.array([], dtype=np.int64)
    learned = np.setdiff1d(np.arange(len(corpus)), test_rows)
    save_rows(folder / _ROWS, corpus, Splits(learned, none, test_rows.astype(np.int64), none, ()))


def load_result(folder: Path) -> AuditResult:
    """The result in the folder of a finished job. Raises UserError ``audit_damaged``."""
    return load_audit(folder / _RESULT)


def audit_summary(result: AuditResult) -> dict[str, Any]:
    """What the log of a finished job says of its result."""
    return {
        "rows": result.rows,
        "suspects": result.n_suspects,
        "noise": result.noise.to_dict(),
        "verdict": result.verdict,
        "seconds": round(result.seconds, 3),
    }


def _work(job: RunningJob) -> Mapping[str, Any]:
    """Check the labels; a deep check is one whose parameters have a recipe."""
    if (job.folder / _RESULT).exists():
        # Everything was done; only the end was not recorded.
        return audit_summary(load_result(job.folder))
    job.report("reading the rows", 0.0)
    corpus, splits = load_rows(job.folder / _ROWS)
    learned = np.isin(np.arange(len(corpus)), splits.train)
    started = time.monotonic()
    deep, check = "recipe" in job.parameters, LABEL_CHECKS[corpus.task.key]

    def report(what: str, done: float) -> None:
        job.report(what, done * (_QUICK_SHARE if deep else 1.0))

    try:
        evidence = check.gather(corpus, learned, seed=job.parameters["seed"], on_progress=report, should_stop=job.is_stop_requested)
        if deep:
            evidence = _deepen(job, corpus, evidence)
    except AuditStopped as error:
        raise JobStopped(_STOPPED) from error
    except FoldsStopped as error:
        raise JobStopped(
            f"{pluralize(error.done, 'model')} of {N_FOLDS} are trained. Resume the check: these are not trained again."
        ) from error
    job.report("writing the result", 1.0)
    result = replace(check.build(corpus, evidence, seconds=lambda: time.monotonic() - started), method="deep" if deep else "quick")
    save_audit(job.folder / _RESULT, result)
    return audit_summary(result)


def _deepen(job: RunningJob, corpus: Corpus, quick: Evidence) -> Evidence:
    """Train the recipe of the job on all rows but a fold, for each fold, and pool in what the models say of it."""
    recipe = Recipe.from_dict(dict(job.parameters["recipe"]))
    encoder = job.services.encoders.get(recipe.encoder)
    plan = FoldPlan(corpus, quick.near.groups, quick.learned, recipe, encoder, N_FOLDS)
    parts = cross_validate(
        job.folder / _FOLDS,
        plan,
        on_progress=lambda what, done: job.report(what, _QUICK_SHARE + (1 - _QUICK_SHARE) * done),
        should_stop=job.is_stop_requested,
        save_seconds=job.services.settings.save_seconds,
    )
    probabilities = in_order_of_rows(plan, [(part.rows, part.probabilities) for part in parts])
    return LABEL_CHECKS[corpus.task.key].deepen(corpus, quick, probabilities, min_texts=N_FOLDS)


def _words(interrupted: str, stops: str) -> JobWords:
    return JobWords(
        noun="check of labels",
        stops=stops,
        again="Check the labels again.",
        disk_advice="check the labels again",
        interrupted=interrupted,
    )


AUDIT = JobType(
    "audit",
    Lane.SHORT,
    in_this_thread(_work),
    _words(
        "The check was interrupted when the server ended. Check the labels again.",
        "after its current part; a stopped check has no result",
    ),
    Resumption.AUTOMATIC,
)
DEEP_AUDIT = JobType(
    "deep_audit",
    Lane.TRAINING,
    in_this_thread(_work),
    _words(
        "The check was interrupted. Resume it: models that are trained are not trained again.",
        "after this step; models that are trained stay, for when it is resumed",
    ),
    Resumption.ON_REQUEST,
)
