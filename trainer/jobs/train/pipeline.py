"""One run from its first step to its report: train, predict, save the model card; the log records how it ended.

Knows the run's folder and log; training/ is handed a reporter and paths.
"""

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.data.corpus import Corpus
from trainer.data.rows import load_rows
from trainer.data.splits import Splits
from trainer.data.task import SINGLE_LABEL
from trainer.errors import RunError, UserError
from trainer.evaluation.baseline import Rows, estimate_baseline_seconds, majority_class, word_count_baseline
from trainer.evaluation.calibration import calibrate
from trainer.evaluation.confidence import ConfidenceReport, confidence_report
from trainer.evaluation.predictions import Predictions, load_predictions, save_predictions
from trainer.evaluation.report import Report, split_report
from trainer.jobs.execution import take_turn
from trainer.jobs.job_type import JobWords
from trainer.jobs.train.model_card import write_model_card
from trainer.runs.checkpoints import Checkpoint, Checkpoints
from trainer.runs.event_schema import Event
from trainer.runs.event_types import (
    BaselineScored,
    Calibrated,
    Cancelled,
    Evaluated,
    Finished,
    Logged,
    MajorityScored,
    Phase,
    Started,
    StateSaved,
    Stopped,
)
from trainer.runs.run import Run
from trainer.runs.run_files import CARD, PREDICTIONS, ROWS
from trainer.runs.seal import Digest, file_digest
from trainer.runs.view import RunView
from trainer.runs.view_builder import build_view
from trainer.runs.writer_lock import maintenance_lock
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoders import Encoder, local_encoder

if TYPE_CHECKING:
    from trainer.training.attempt import TrainResult
    from trainer.training.training_context import PreviousAttempts, Reporter

WORDS = JobWords(
    noun="training",
    record="run",
    stops="after this step; the best model so far is kept",
    again="Train it again: it continues from the last saved state.",
    disk_advice="resume the run: what was saved so far is kept",
    interrupted="It was interrupted. Resume it: it continues from its last saved state.",
)

_QUICK_SECONDS = 3.0
"""A baseline expected to take less is scored before the training, so that the charts show its line from the first point on."""


@dataclass(frozen=True)
class RunReporter:
    """Reports a training's events to the run's log, and a stop to the training if the run's stop file exists."""

    run: Run

    def emit(self, event: Event, *, durable: bool = False) -> None:
        self.run.log.append(event, durable=durable)

    def is_stop_requested(self) -> bool:
        return self.run.is_stop_requested()


@dataclass(frozen=True)
class RunHistory:
    """What a run's log says when its training begins, read once."""

    view: RunView
    event_types: Collection[type[Event]]

    @classmethod
    def read(cls, run: Run) -> "RunHistory":
        """Read the log and build its view."""
        events = list(run.log.read())
        return cls(build_view(run.id, events), frozenset(map(type, events)))

    @property
    def has_started(self) -> bool:
        """Whether a training of this run has begun before. Not by ``Started`` alone, as that line may be damaged."""
        return not self.event_types.isdisjoint((Started, Logged, Evaluated, StateSaved))

    def previous_attempts(self) -> "PreviousAttempts":
        """What the earlier attempts settled. Which tokens they added follows from the rows too, if the line that names them is damaged."""
        from trainer.training.training_context import PreviousAttempts

        tokens = self.view.added_tokens if Started in self.event_types else None
        return PreviousAttempts(self.has_started, self.view.batch_size, self.view.texts_at_a_time, tokens)


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
        return
    try:
        _train_and_report(run, encoders, save_seconds)
    except TrainingCancelled:
        run.log.append(Cancelled(message="Stopped before its first step; nothing was trained."), durable=True)


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


def train_run(
    run: Run,
    history: RunHistory,
    encoder: Encoder,
    corpus: Corpus,
    splits: Splits,
    *,
    checkpoints: Checkpoints | None = None,
    reporter: "Reporter | None" = None,
    save_seconds: float = 30.0,
) -> "TrainResult | None":
    """Train a run as its recipe was resolved when it was created; raises what ``fit`` does. ``checkpoints`` if some were verified already,
    ``reporter`` for who gets its events and stops it, by default the run itself."""
    from trainer.training.fit import fit

    return fit(
        run.resolved_recipe(),
        encoder,
        corpus,
        splits,
        reporter=reporter or RunReporter(run),
        checkpoints=checkpoints or Checkpoints(run.checkpoints, run.id),
        model_folder=run.model,
        previous=history.previous_attempts(),
        save_seconds=save_seconds,
    )


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


def _train_and_report(run: Run, encoders: EncoderCatalogue, save_seconds: float) -> None:
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
    except Exception:
        release_workers()
        raise
    ProcessGroup.from_environment().broadcast(str(run.path))
    has_baseline = _score_quick_baselines(run, history, corpus, splits)
    result = train_run(run, history, encoder, corpus, splits, checkpoints=checkpoints, save_seconds=save_seconds)
    _save_predictions(run, corpus, splits, device=result.hardware.device)
    if not has_baseline:
        _score_baseline(run, corpus, splits, what="comparing with a simple word-count model", stage="comparing")
    end = (Stopped if result.stopped else Finished)(
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


def _save_predictions(run: Run, corpus: Corpus, splits: Splits, *, device: str) -> None:
    """Save the model's probabilities for every validation and test row, in float32: the same as the page gives for these texts.

    Before that the model gets its temperature, if one makes its probabilities of the validation rows better.
    """
    from trainer.training.predictor import Predictor

    rows = np.concatenate([splits.validation, splits.test])
    split = np.array(["validation"] * len(splits.validation) + ["test"] * len(splits.test))
    predictor = Predictor(run.model, device=device)
    logits = predictor.logits(
        [corpus.texts[i] for i in rows], on_progress=_progress_logger(run, f"scoring {len(rows):,} rows", stage="scoring")
    )
    if corpus.task is SINGLE_LABEL:
        logits = logits / np.float32(_calibrate(run, logits[: len(splits.validation)], corpus.label_ids[splits.validation]))
    probabilities = corpus.task.probabilities(logits)
    save_predictions(run.predictions, Predictions(rows, split, corpus.label_ids[rows], probabilities, corpus.label_names, corpus.task))


def _calibrate(run: Run, logits: np.ndarray, labels: np.ndarray) -> float:
    """Fit a temperature on the validation rows, log it, and make it part of the model if it is better than none; returns that of the model."""
    from trainer.training.temperature import fold_temperature

    fitted = calibrate(logits, labels)
    if fitted is None:
        return 1.0
    kept = fitted.kept and fold_temperature(run.model, fitted.temperature)
    nll = {"nll_before": round(fitted.nll_before, 6), "nll_after": round(fitted.nll_after, 6)}
    run.log.append(Calibrated(temperature=fitted.temperature, kept=kept or None, rows=fitted.rows, **nll))
    return fitted.temperature if kept else 1.0


def _score_quick_baselines(run: Run, history: RunHistory, corpus: Corpus, splits: Splits) -> bool:
    """Log what the training has to beat, once per run; returns whether the word-count baseline is logged, as a slow one is left for last."""
    if MajorityScored not in history.event_types:
        majority = majority_class(*(corpus.label_ids[rows] for rows in (splits.train, splits.validation, splits.test)))
        validation, test = majority.accuracies
        name = corpus.label_names[majority.class_id]
        run.log.append(MajorityScored(name=name, validation_accuracy=validation, accuracy=test))
    if BaselineScored in history.event_types:
        return True
    if estimate_baseline_seconds(*_split_rows(corpus, splits)) >= _QUICK_SECONDS:
        return False
    _score_baseline(run, corpus, splits, what="scoring a simple word-count model for comparison")
    return True


def _score_baseline(run: Run, corpus: Corpus, splits: Splits, *, what: str, stage: str | None = None) -> None:
    """Log what a simple word-count model reaches on the same rows. If it fails, that is logged too, and the training continues."""
    run.log.append(Phase(what=what, stage=stage))
    started = time.monotonic()
    try:
        scores = word_count_baseline(*_split_rows(corpus, splits))
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
