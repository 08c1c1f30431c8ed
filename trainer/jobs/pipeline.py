"""One run from its first step to its report: train, score, save; every end, good or bad, written into its log."""

import errno
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from trainer.data.corpus import Corpus
from trainer.data.rows import load_rows
from trainer.data.splits import Splits
from trainer.errors import NoMemoryError, UserError
from trainer.evaluation.baseline import Rows, estimate_baseline_seconds, majority_class, word_count_baseline
from trainer.evaluation.predictions import Predictions, load_predictions, save_predictions
from trainer.evaluation.report import Report, build_report
from trainer.jobs.model_card import write_card
from trainer.runs.checkpoints import Checkpoint, Checkpoints
from trainer.runs.damage import CARD, PREDICTIONS, ROWS
from trainer.runs.run import Run
from trainer.runs.seal import Digest, file_digest
from trainer.runs.view import RunView
from trainer.runs.view_builder import build_view
from trainer.runs.writer_lock import maintenance_lock, writer_lock
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoders import Encoder, local_encoder

TRY_AGAIN = (
    "Train it again: it goes on from what was saved last. If it fails once more, the file error.log of the run's folder tells why to "
    "whoever looks after this program."
)
"""What to do after a failure that nobody foresaw."""

_AT_ONCE_SECONDS = 3.0
"""A yardstick that is expected to take less is measured before the training, so that its line is in the charts from the first point on."""


def run_job(run: Run, encoders: EncoderCatalogue, *, save_seconds: float = 30.0) -> bool:
    """Do the work of a run that waits, in this thread; returns whether there is nothing left to wait for (False: somebody else has its lock).

    ``save_seconds`` is the time between two states to go on from. Never raises for what goes wrong inside: a failure ends in the run's
    log, in words, and its traceback in a file. Raises OSError where the lock cannot be had at all.
    """
    with writer_lock(run.path) as mine:
        if not mine:
            return False
        # Only now is it sure: another process may just have trained it, or taken it out of the queue.
        if run.folded().status != "queued" or run.stop_asked():
            release_workers()
            if run.folded().status == "queued":
                cancel(run)
            return True
        end = run.missing_end()
        if end is not None:
            # Nothing is left to do but to say so.
            release_workers()
            run.log.append(**end, durable=True)
            return True
        from trainer.training.attempt import TrainingCancelled

        try:
            try:
                _train_and_report(run, encoders, save_seconds)
            except TrainingCancelled:
                run.log.append("cancelled", durable=True, message="Stopped before its first step; nothing was trained.")
        except NoMemoryError as error:
            record_failure(run, error.message, error.code, fewer_texts=error.fewer_texts)
        except UserError as error:
            record_failure(run, error.message, error.code)
        except OSError as error:
            record_failure(run, describe_disk_error(error), "disk")
        except Exception:
            record_failure(run, f"The training failed unexpectedly. {TRY_AGAIN}", "unexpected")
    return True


def cancel(run: Run) -> None:
    """Take a run that waits out of the queue for good; whoever does so has the run's lock. Raises OSError."""
    run.log.append("cancelled", durable=True, message="Taken out of the queue.")


def run_worker(encoders: EncoderCatalogue) -> None:
    """The part of a process that trains together with the one that owns the run (see ranks.py): its steps, no words and no files.

    Ends when the training does, or at once where the other one finds nothing to train; what goes wrong is raised, and ends the others too.
    """
    from trainer.training.attempt import TrainingCancelled
    from trainer.training.distributed import ProcessGroup
    from trainer.training.fit import fit

    try:
        shared = ProcessGroup.from_environment().broadcast(None)
    except RuntimeError:
        # Rank 0 was quicker to end than its word to arrive; how it ended is its business to tell.
        return
    if not shared:
        return
    run = Run(Path(shared), muted=True)
    corpus, splits = load_run_rows(run)
    view = build_view(run.id, run.log.read())
    with suppress(TrainingCancelled):
        fit(run, find_run_encoder(run, view, encoders), corpus, splits)


def release_workers() -> None:
    """Tell the processes that would lend a hand that there is nothing to do; without any, nothing."""
    from trainer.training.distributed import ProcessGroup

    ProcessGroup.from_environment().broadcast("")


def find_run_encoder(run: Run, view: RunView, encoders: EncoderCatalogue) -> Encoder:
    """The run's encoder, be it one of these or a folder; UserError where it is gone."""
    return local_encoder(Path(view.encoder_folder)) if view.encoder_folder else encoders.get(run.recipe().encoder)


def record_failure(run: Run, message: str, code: str, *, fewer_texts: int | None = None) -> None:
    """Write the end of a failed run: first the words, then the traceback of the exception being handled.

    On a full disk either may fail; without the words the run shows as interrupted.
    """
    with suppress(OSError):
        run.log.append("failed", durable=True, message=message, code=code, fewer_texts=fewer_texts)
    with suppress(OSError):
        run.traceback.write_text(traceback.format_exc(), encoding="utf-8")


def load_run_rows(run: Run) -> tuple[Corpus, Splits]:
    """The rows of a run, as they were when it was made. Raises UserError ``run_damaged`` where they are not."""
    run.check(ROWS)
    return load_rows(run.rows)


def load_run_predictions(run: Run) -> Predictions:
    """The predictions of a run, as they were when it ended. Raises UserError ``run_damaged`` where they are not."""
    run.check(PREDICTIONS)
    try:
        return load_predictions(run.predictions)
    except (OSError, ValueError) as error:
        raise UserError(
            "The predictions of this run are missing or damaged, so there is no report. Train it again.", code="run_damaged"
        ) from error


def load_report(run: Run, split: str) -> Report:
    """The report of one split ("validation", "test"), computed from the saved predictions, so that the two cannot disagree.

    Raises UserError ``run_damaged`` where they are missing or damaged.
    """
    return split_report(load_run_predictions(run), split)


def split_report(saved: Predictions, split: str) -> Report:
    """The report of one split of saved predictions."""
    predictions = saved.for_split(split)
    return build_report(predictions.labels, predictions.predicted, predictions.label_names)


def _train_and_report(run: Run, encoders: EncoderCatalogue, save_seconds: float) -> None:
    begun = time.monotonic()
    run.log.append("phase", durable=True, what="warming up")
    from trainer.training.distributed import ProcessGroup
    from trainer.training.fit import fit

    try:
        view = build_view(run.id, run.log.read())
        encoder = find_run_encoder(run, view, encoders)
        corpus, splits = load_run_rows(run)
        checkpoints = Checkpoints(run.checkpoints, run.id)
        if view.parent:
            # A beginning from the first step would be another training.
            require_checkpoint(checkpoints, view.name)
    except Exception:
        release_workers()
        raise
    ProcessGroup.from_environment().broadcast(str(run.path))
    _score_quick_baselines(run, corpus, splits)
    fitted = fit(run, encoder, corpus, splits, checkpoints=checkpoints, save_seconds=save_seconds)
    _save_predictions(run, corpus, splits, device=fitted.hardware.device)
    if not _knows(run, "baseline"):
        _score_baseline(run, corpus, splits, what="comparing with a simple word-count model", stage="comparing")
    seconds = fitted.seconds_before + time.monotonic() - begun
    end = {
        "kind": "stopped" if fitted.stopped else "finished",
        "best_step": fitted.best_step,
        "train_seconds": round(fitted.train_seconds, 3),
        "samples_per_second": round(fitted.samples_per_second, 2),
        "seconds": round(seconds, 3),
    }
    write_card(run, build_view(run.id, run.log.read()), split_report(load_predictions(run.predictions), "test"))
    # Before the end is told: a run that says that it is finished has a seal.
    run.seal_results(end)
    run.log.append(**end, durable=True)


def refresh_card(run: Run) -> None:
    """Write the card of a run's model anew, with the run's name of today; the old one stays where the run is damaged or being written."""
    with maintenance_lock(run.path, patient=False) as held:
        view = run.folded()
        if not (held and view.has_model) or view.damage:
            return
        with suppress(UserError):
            run.check(PREDICTIONS, CARD)
            write_card(run, view, load_report(run, "test"))


def require_checkpoint(checkpoints: Checkpoints, name: str, *, digest: Digest | None = file_digest) -> Checkpoint:
    """The last whole state of a run. Raises UserError where there is none to go on from: ``no_state``, or ``run_damaged`` where there was one.

    With ``digest`` None as far as marks and sizes tell, at once; the training reads them before it goes on.
    """
    newest, damaged = checkpoints.newest_and_damaged(digest=digest)
    if newest is None and damaged:
        raise UserError(
            f"The last state of {name} (in the folder checkpoints) is damaged, so it cannot be trained further. "
            "Its curves, scores and model still work. Start it anew with more epochs.",
            code="run_damaged",
        )
    if newest is None:
        raise UserError(
            f"The last state of {name} is no longer kept, so it cannot be trained further. Start it anew with more epochs.",
            code="no_state",
        )
    return newest


def _save_predictions(run: Run, corpus: Corpus, splits: Splits, *, device: str) -> None:
    """Probabilities of the saved model for every validation and test row, in float32: just what the page's box would say."""
    from trainer.training.predictor import Predictor

    rows = np.concatenate([splits.validation, splits.test])
    split = np.array(["validation"] * len(splits.validation) + ["test"] * len(splits.test))
    predictor = Predictor(run.model, device=device)
    probabilities = predictor.probabilities(
        [corpus.texts[i] for i in rows], done=_progress_logger(run, f"scoring {len(rows):,} rows", stage="scoring")
    )
    save_predictions(run.predictions, Predictions(rows, split, corpus.label_ids[rows], probabilities, corpus.label_names))


def _score_quick_baselines(run: Run, corpus: Corpus, splits: Splits) -> None:
    """Tell the log what the training has to beat, once for each run: what costs more than a moment is left for last."""
    if not _knows(run, "majority"):
        majority = majority_class(*(corpus.label_ids[rows] for rows in (splits.train, splits.validation, splits.test)))
        validation, test = majority.accuracies
        run.log.append("majority", name=corpus.label_names[majority.class_id], validation_accuracy=validation, accuracy=test)
    if not _knows(run, "baseline") and estimate_baseline_seconds(*_split_rows(corpus, splits)) < _AT_ONCE_SECONDS:
        _score_baseline(run, corpus, splits, what="counting words first, as a yardstick")


def _knows(run: Run, kind: str) -> bool:
    """Whether the log has such a fact: what is measured of a run's rows stays true when it goes on."""
    return any(event["kind"] == kind for event in run.log.read())


def _score_baseline(run: Run, corpus: Corpus, splits: Splits, *, what: str, stage: str | None = None) -> None:
    """Tell the log what a simple word-count model reaches on the same rows. Its failure is told there too, and fails nothing."""
    run.log.append("phase", what=what, stage=stage)
    started = time.monotonic()
    try:
        scores = word_count_baseline(*_split_rows(corpus, splits))
    except Exception as error:
        run.log.append("baseline", problem=f"{type(error).__name__}: {error}"[:300])
        return
    run.log.append(
        "baseline",
        accuracy=scores.test.accuracy,
        macro_f1=scores.test.macro_f1,
        validation_accuracy=scores.validation.accuracy,
        validation_macro_f1=scores.validation.macro_f1,
        rows=scores.rows,
        seconds=round(time.monotonic() - started, 3),
    )


def _split_rows(corpus: Corpus, splits: Splits) -> list[Rows]:
    """The training, validation and test rows."""
    parts = (splits.train, splits.validation, splits.test)
    return [([corpus.texts[i] for i in rows], corpus.label_ids[rows]) for rows in parts]


def _progress_logger(run: Run, what: str, *, stage: str) -> Callable[[float], None]:
    """Tells the log how much of a phase is done, every two seconds at most."""
    run.log.append("phase", what=what, stage=stage, done=0.0)
    told = time.monotonic()

    def tell(share: float) -> None:
        nonlocal told
        if time.monotonic() - told >= 2.0:
            told = time.monotonic()
            run.log.append("phase", what=what, stage=stage, done=round(share, 3))

    return tell


def describe_disk_error(error: OSError) -> str:
    """What a person should know of a file that could not be written or read."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "The disk is full, so the training could not be saved. Free some space and resume the run: what was saved so far is kept."
    return f"A file could not be written or read ({error.strerror or error}). Put that right and resume the run: what was saved so far is kept."
