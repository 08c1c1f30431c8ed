"""AUDIT: the job type of quick checks of labels, which run beside trainings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from trainer.audit.audit_file import load_audit, save_audit
from trainer.audit.out_of_fold import AuditStopped
from trainer.audit.quick_check import quick_check
from trainer.audit.suspects import AuditResult
from trainer.data.corpus import Corpus
from trainer.data.rows import load_rows, save_rows
from trainer.data.splits import Splits
from trainer.jobs.job_folder import JobStopped, RunningJob, in_this_thread
from trainer.jobs.job_type import JobType, JobWords, Resumption
from trainer.jobs.queue import Lane

_ROWS, _RESULT = "data.parquet", "audit.parquet"
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
    if (job.folder / _RESULT).exists():
        # Everything was done; only the end was not recorded.
        return audit_summary(load_result(job.folder))
    job.report("reading the rows", 0.0)
    corpus, splits = load_rows(job.folder / _ROWS)
    learned = np.isin(np.arange(len(corpus)), splits.train)
    try:
        result = quick_check(
            corpus, learned=learned, seed=job.parameters["seed"], on_progress=job.report, should_stop=job.is_stop_requested
        )
    except AuditStopped as error:
        raise JobStopped(_STOPPED) from error
    save_audit(job.folder / _RESULT, result)
    return audit_summary(result)


AUDIT = JobType(
    "audit",
    Lane.SHORT,
    in_this_thread(_work),
    JobWords(
        noun="check of labels",
        stops="after its current part; a stopped check has no result",
        again="Check the labels again.",
        disk_advice="check the labels again",
        interrupted="The check was interrupted when the server ended. Check the labels again.",
    ),
    Resumption.AUTOMATIC,
)
