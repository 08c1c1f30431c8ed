"""One run from its first step to its report: train, predict, save the model card; the log records how it ended.

Knows the run's folder and log; training/ is handed a reporter and paths.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from trainer.data.corpus import Corpus
from trainer.data.rows import load_rows
from trainer.data.splits import Splits
from trainer.data.task import Task
from trainer.errors import RunError, UserError
from trainer.evaluation.baseline import Rows, estimate_baseline_seconds, majority_class, word_count_baseline
from trainer.evaluation.calibration import Calibration
from trainer.evaluation.confidence import ConfidenceReport, confidence_report
from trainer.evaluation.metrics import EVALUATIONS
from trainer.evaluation.predictions import Predictions, load_predictions, save_predictions
from trainer.evaluation.report import Report, split_report
from trainer.jobs.execution import take_turn
from trainer.jobs.folds.cross_validation import FoldPlan, FoldsStopped
from trainer.jobs.folds.run_folds import plan_folds, predict_out_of_fold, remove_folds, score_baseline
from trainer.jobs.job_type import JobWords
from trainer.jobs.train.model_card import write_model_card
from trainer.jobs.train.run_training import RunHistory, train_run
from trainer.runs.checkpoints import Checkpoint, Checkpoints
from trainer.runs.event_types import (
    BaselineScored,
    Calibrated,
    Cancelled,
    Finished,
    MajorityScored,
    Phase,
    Predicted,
    Stopped,
)
from trainer.runs.run import Run
from trainer.runs.run_files import CARD, PREDICTIONS, ROWS
from trainer.runs.seal import Digest, file_digest, files_in
from trainer.runs.view import BaselineScores, RunView
from trainer.runs.view_builder import build_view
from trainer.runs.writer_lock import maintenance_lock
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoders import Encoder, local_encoder

WORDS = JobWords(
    noun="training",
    record="run",
    stops="after this step; the best model so far is kept",
    again="Train it again: it continues from the last saved state.",
    disk_advice="resume the run: what was saved so far is kept",
    interrupted="It was interrupted. Resume it: it continues from its last saved state.",
)

_WARM_UP_TEXTS = 8
_QUICK_SECONDS = 3.0
"""A baseline expected to take less is scored before the training, so that the charts show its line from the first point on."""


def run_job(run: Run, encoders: EncoderCatalogue, *, save_seconds: float = 30.0) -> bool:
    """Do a queued run's work in this thread; returns False if another process holds the run's lock, so that the run must wait.

    ``save_seconds`` is the time between two resume states. Never raises if the training fails: the run's log records the failure as a
    message, and a file holds its traceback. Raises OSError if the lock cannot be taken at all.
    """
    return take_turn(run, partial(_train_unless_done, run, encoders, save_seconds), WORDS, skip=release_workers)


def _train_unless_done(run: Run, encoders: EncoderCatalogue, save_seconds: float) -> None:
    from trainer.training.attempt import TrainingCancelled

    end = run.missing_end()
    if end is not None:
        # Everything is done; only the end has to be recorded.
        release_workers()
        run.log.append(end, durable=True)
    else:
        try:
            end = _train_and_report(run, encoders, save_seconds)
        except TrainingCancelled:
            folds = run.recipe().folds
            _log_cancelled(
                run,
                "Stopped before its first step; nothing was trained."
                if folds is None
                else f"Stopped with all {folds} folds done. Resume goes on with the model of all rows.",
            )
        except FoldsStopped as stopped:
            _log_cancelled(run, f"Stopped with {stopped.done} of {run.recipe().folds} folds done. Resume goes on with the next one.")
    if isinstance(end, Finished):
        remove_folds(run)


def _log_cancelled(run: Run, message: str) -> None:
    run.log.append(Cancelled(message=f"{run.stop_reason()} {message}".strip()), durable=True)


def run_worker(encoders: EncoderCatalogue) -> None:
    """The work of a process other than rank 0 in a training of several processes: its steps, without log and files.

    Ends with the training, or at once if rank 0 finds nothing to train. Errors are raised, which ends the other processes too.
    """
    from trainer.training.attempt import TrainingCancelled
    from trainer.training.distributed import ProcessGroup

    try:
        folder = ProcessGroup.from_environment().broadcast(None)
    except RuntimeError:
        # Rank 0 ended before its message arrived; it has recorded how.
        return
    if not folder:
        return
    run = Run(Path(folder), read_only=True)
    corpus, splits = load_run_rows(run)
    history = RunHistory.read(run)
    with suppress(TrainingCancelled):
        train_run(run, history, find_run_encoder(run, history.view, encoders), corpus, splits)


def release_workers() -> None:
    """Tell the other processes of this training, if there are any, that there is nothing to do."""
    from trainer.training.distributed import ProcessGroup

    ProcessGroup.from_environment().broadcast("")


def find_run_encoder(run: Run, view: RunView, encoders: EncoderCatalogue) -> Encoder:
    """The run's encoder, from the catalogue or its own folder. Raises UserError if it is gone."""
    return local_encoder(Path(view.encoder_folder)) if view.encoder_folder else encoders.get(run.recipe().encoder)


def load_run_rows(run: Run) -> tuple[Corpus, Splits]:
    """The rows of a run as they were when it was created. Raises UserError ``run_damaged`` if they have changed."""
    run.check(ROWS)
    return load_rows(run.rows)


def load_run_predictions(run: Run) -> Predictions:
    """The predictions of a run as they were when it ended. Raises UserError ``run_damaged`` if they have changed."""
    run.check(PREDICTIONS)
    try:
        return load_predictions(run.predictions)
    except (OSError, ValueError) as error:
        raise RunError(
            "The predictions of this run are missing or damaged, so there is no report. Train it again.", code="run_damaged"
        ) from error


def load_report(run: Run, split: str) -> Report:
    """The report of one split ("validation", "test"), computed from the saved predictions, so that the two cannot disagree.

    Raises UserError ``run_damaged`` if they are missing or damaged.
    """
    return split_report(load_run_predictions(run), split)


def load_confidence(run: Run, view: RunView) -> ConfidenceReport | None:
    """What the probabilities of a run are worth, computed from its predictions."""
    return confidence_report(load_predictions(run.predictions), view.temperature)


def _train_and_report(run: Run, encoders: EncoderCatalogue, save_seconds: float) -> Finished | Stopped:
    started = time.monotonic()
    run.log.append(Phase(what="warming up"), durable=True)
    from trainer.training.distributed import ProcessGroup

    try:
        history = RunHistory.read(run)
        encoder = find_run_encoder(run, history.view, encoders)
        corpus, splits = load_run_rows(run)
        checkpoints = Checkpoints(run.checkpoints, run.id)
        if history.view.parent:
            # Starting at the first step would be a different training.
            require_checkpoint(checkpoints, history.view.name)
        plan = plan_folds(run, encoder, corpus, texts_at_a_time=history.view.texts_at_a_time)
        if plan is not None and ProcessGroup.from_environment().world_size > 1:
            raise RunError("The models of folds are trained in one process. Start the training without torchrun.", code="cannot_resume")
    except Exception:
        release_workers()
        raise
    ProcessGroup.from_environment().broadcast(str(run.path))
    has_baseline = _score_quick_baselines(run, history, corpus, splits, plan)
    out_of_fold = None if plan is None else predict_out_of_fold(run, plan, save_seconds=save_seconds)
    result = train_run(run, history, encoder, corpus, splits, checkpoints=checkpoints, save_seconds=save_seconds)
    _save_predictions(run, corpus, splits, out_of_fold, device=result.hardware.device)
    if not has_baseline:
        _log_baseline(
            run,
            lambda: word_count_baseline(*_split_rows(corpus, splits), task=corpus.task),
            "comparing with a simple word-count model",
            stage="comparing",
        )
    end = (Stopped if result.stopped else Finished)(
        message=(run.stop_reason() or None) if result.stopped else None,
        best_step=result.best_step,
        train_seconds=round(result.train_seconds, 3),
        samples_per_second=round(result.samples_per_second, 2),
        seconds=round(result.previous_seconds + time.monotonic() - started, 3),
    )
    view = replace(build_view(run.id, run.log.read()), status=end.type)
    write_model_card(run, view, split_report(load_predictions(run.predictions), "test"), load_confidence(run, view))
    # Sealed before the end is recorded: every run that says it is finished has a seal.
    run.seal_results_and_log(end)
    run.log.append(end, durable=True)
    return end


def rewrite_model_card(run: Run) -> None:
    """Write a run's model card again, with the run's present name; does nothing while the run is damaged or being written."""
    with maintenance_lock(run.path, patient=False) as acquired:
        view = run.read_view()
        if not (acquired and view.has_model) or view.damage:
            return
        with suppress(UserError):
            run.check(PREDICTIONS, CARD)
            write_model_card(run, view, load_report(run, "test"), load_confidence(run, view))


def require_checkpoint(checkpoints: Checkpoints, name: str, *, digest: Digest | None = file_digest) -> Checkpoint:
    """The last complete state of a run. Raises UserError ``no_state`` if there is none, ``run_damaged`` if there was one.

    With ``digest`` None only marks and sizes are checked, at once; the training verifies the content before it resumes.
    """
    newest, damaged = checkpoints.newest_and_damaged(digest=digest)
    if newest is None and damaged:
        raise RunError(
            f"The last state of {name} (in the folder checkpoints) is damaged, so it cannot be trained further. "
            "Its curves, scores and model still work. Start a new run with more epochs.",
            code="run_damaged",
        )
    if newest is None:
        raise RunError(
            f"The last state of {name} is no longer kept, so it cannot be trained further. Start a new run with more epochs.",
            code="no_state",
        )
    return newest


def _save_predictions(run: Run, corpus: Corpus, splits: Splits, out_of_fold: Predictions | None, *, device: str) -> None:
    """Save the model's probabilities for every validation and test row, in float32: the same as the page gives for these texts. The test rows of
    a run with folds are those ``out_of_fold``.

    Before that the model gets its calibration, if one makes its probabilities of the validation rows better, and its cuts.
    """
    from trainer.training.answers import save_cuts
    from trainer.training.predictor import Predictor

    rows = np.concatenate([splits.validation, splits.test])
    split = np.array(["validation"] * len(splits.validation) + ["test"] * len(splits.test))
    predictor, texts = Predictor(run.model, device=device), [corpus.texts[i] for i in rows]
    # The first texts take longer than others, which must not count where there are few.
    predictor.logits(texts[:_WARM_UP_TEXTS])
    started = time.monotonic()
    logits = predictor.logits(texts, on_progress=_progress_logger(run, f"scoring {len(rows):,} rows", stage="scoring"))
    _log_prediction_cost(run, len(rows), time.monotonic() - started)
    n_validation, labels = len(splits.validation), corpus.label_ids[splits.validation]
    calibration = _calibrate(run, logits[:n_validation], labels, corpus.task)
    probabilities = corpus.task.probabilities(logits if calibration is None else calibration.logits(logits))
    # A calibration moves rare labels more than others, after which a cut that is common to all says less.
    cuts = corpus.task.choose_cuts(labels, corpus.task.probabilities(logits[:n_validation]))
    task = corpus.task.with_cuts(cuts if calibration is None else calibration.cuts(cuts))
    save_cuts(run.model, task.cuts)
    if out_of_fold is not None:
        tested = out_of_fold.probabilities if calibration is None else calibration.scaled(out_of_fold.probabilities)
        # What the model of each fold says of its rows is said by cuts that none of them chose.
        tested = task.at_cuts(tested, out_of_fold.task.all_cuts(len(corpus.label_names)), task.cuts)
        rows, split = np.concatenate([rows, out_of_fold.rows]), np.concatenate([split, out_of_fold.split])
        probabilities = np.concatenate([probabilities, tested])
    folds = 0 if out_of_fold is None else out_of_fold.folds
    save_predictions(run.predictions, Predictions(rows, split, corpus.label_ids[rows], probabilities, corpus.label_names, task, folds))


def _log_prediction_cost(run: Run, rows: int, seconds: float) -> None:
    size = sum(file.stat().st_size for file in files_in(run.model))
    run.log.append(Predicted(rows=rows, seconds=round(seconds, 4), bytes=size))


def _calibrate(run: Run, logits: np.ndarray, labels: np.ndarray, task: Task) -> Calibration | None:
    """Fit a calibration on the validation rows, log it, and make it part of the model if it is better than none; returns that of the model."""
    from trainer.training.temperature import fold_temperature

    fitted = EVALUATIONS[task.key].calibrate(logits, labels)
    if fitted is None:
        return None
    kept = fitted.kept and fold_temperature(run.model, fitted.temperature, fitted.temperatures, fitted.shifts)
    nll = {"nll_before": round(fitted.nll_before, 6), "nll_after": round(fitted.nll_after, 6)}
    run.log.append(Calibrated(temperature=fitted.temperature, kept=kept or None, rows=fitted.rows, **nll))
    return fitted if kept else None


def _score_quick_baselines(run: Run, history: RunHistory, corpus: Corpus, splits: Splits, plan: FoldPlan | None) -> bool:
    """Log what the training has to beat, once per run; returns whether the word-count baseline is logged, as a slow one is left for last."""
    if MajorityScored not in history.event_types:
        tested = splits.test if plan is None else np.arange(len(corpus))
        majority = majority_class(*(corpus.label_ids[rows] for rows in (splits.train, splits.validation, tested)), task=corpus.task)
        validation, test = majority.accuracies
        name = corpus.task.shown(majority.labels, corpus.label_names)
        run.log.append(MajorityScored(name=name, validation_accuracy=validation, accuracy=test))
    if BaselineScored in history.event_types:
        return True
    what = "scoring a simple word-count model for comparison"
    if plan is not None:
        _log_baseline(run, lambda: score_baseline(plan, splits), what)
        return True
    if estimate_baseline_seconds(*_split_rows(corpus, splits), task=corpus.task) >= _QUICK_SECONDS:
        return False
    _log_baseline(run, lambda: word_count_baseline(*_split_rows(corpus, splits), task=corpus.task), what)
    return True


def _log_baseline(run: Run, score: Callable[[], BaselineScores], what: str, *, stage: str | None = None) -> None:
    """Log what a simple word-count model reaches on the same rows. If it fails, that is logged too, and the training continues."""
    run.log.append(Phase(what=what, stage=stage))
    started = time.monotonic()
    try:
        scores = score()
    except Exception as error:
        run.log.append(BaselineScored(problem=f"{type(error).__name__}: {error}"[:300]))
        return
    run.log.append(
        BaselineScored(
            accuracy=scores.test.accuracy,
            macro_f1=scores.test.macro_f1,
            validation_accuracy=scores.validation.accuracy,
            validation_macro_f1=scores.validation.macro_f1,
            rows=scores.rows,
            seconds=round(time.monotonic() - started, 3),
        )
    )


def _split_rows(corpus: Corpus, splits: Splits) -> list[Rows]:
    """The training, validation and test rows."""
    return [([corpus.texts[i] for i in rows], corpus.label_ids[rows]) for rows in (splits.train, splits.validation, splits.test)]


def _progress_logger(run: Run, what: str, *, stage: str) -> Callable[[float], None]:
    """A function that logs how much of a phase is done (0..1), every two seconds at most."""
    run.log.append(Phase(what=what, stage=stage, done=0.0))
    logged_at = time.monotonic()

    def log(done: float) -> None:
        nonlocal logged_at
        if time.monotonic() - logged_at >= 2.0:
            logged_at = time.monotonic()
            run.log.append(Phase(what=what, stage=stage, done=round(done, 3)))

    return log
