"""k trainings of one recipe, each without one fold of the rows, and what each model says of the fold that it has not seen.

Each training is a run in the job's folder, trained by ``jobs/train`` like any other. A fold that is done is not trained again: its predictions
stay, its model goes. Knows no audit and no report: whoever needs the predictions calls this.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trainer.atomic import make_folder, remove_folder
from trainer.data.corpus import Corpus
from trainer.data.folds import TASK_FOLDS, choose_validation
from trainer.data.rows import save_rows
from trainer.data.splits import Splits
from trainer.evaluation.predictions import Predictions, load_predictions, save_predictions
from trainer.jobs.train.run_training import RunHistory, RunReporter, train_run
from trainer.recipe import Recipe
from trainer.runs.event_schema import Event
from trainer.runs.event_types import Created, Evaluated, Logged, Started
from trainer.runs.run import Run
from trainer.runs.run_files import ROWS, list_folder
from trainer.runs.store import RunStore
from trainer.training.encoders import Encoder

_TRAINED_SHARE = 0.97
"""Of the time of a fold; the rest goes into its predictions."""


class FoldsStopped(Exception):
    """Raised after a requested stop; ``done`` folds are finished and stay so, and the present one goes on from its last saved state."""

    def __init__(self, done: int) -> None:
        super().__init__(done)
        self.done = done


@dataclass(frozen=True)
class FoldPlan:
    """What is cross-validated: n rows, of which those in ``learned`` (n,) bool are learned and all are predicted, near-duplicates
    (``groups``, (n,)) in one fold. ``texts_at_a_time``: upper limit after a training ran out of memory; None if none did."""

    corpus: Corpus
    groups: np.ndarray
    learned: np.ndarray
    recipe: Recipe
    encoder: Encoder
    n_folds: int = 5
    texts_at_a_time: int | None = None

    @property
    def _learned_labels(self) -> np.ndarray:
        """The labels of all rows, in which those of rows that are not learned have no influence."""
        return TASK_FOLDS[self.corpus.task.key].only(self.corpus.label_ids, self.learned)

    def resolved(self, recipe: Recipe, train_rows: int) -> Recipe:
        """The recipe for this encoder and so many of these rows."""
        return recipe.resolved(
            train_rows=train_rows,
            learning_rate=self.encoder.learning_rate,
            pooling=self.encoder.pooling,
            classes=len(self.corpus.label_names),
            linear_start=self.corpus.task.linear_start,
        )

    def fold_of_rows(self) -> np.ndarray:
        """The fold of each row, (n,) int64."""
        return TASK_FOLDS[self.corpus.task.key].assign(self._learned_labels, self.groups, self.n_folds, self.recipe.seed)

    def splits(self, fold: int) -> Splits:
        """The rows of one fold's training: "test" is the fold itself, "validation" is taken from the rows of the others, since it chooses the model."""
        held_out = self.fold_of_rows() == fold
        rest = np.flatnonzero(~held_out & self.learned)
        share, seed, task = self.recipe.validation_share, self.recipe.seed, self.corpus.task
        validates = choose_validation(self._learned_labels, self.groups, rest, share, seed, task=task)
        unused = np.flatnonzero(~held_out & ~self.learned)
        return Splits(rest[~validates], rest[validates], np.flatnonzero(held_out), unused, ())


def cross_validate(
    folder: Path,
    plan: FoldPlan,
    *,
    on_progress: Callable[[str, float], None],
    should_stop: Callable[[], bool],
    save_seconds: float = 30.0,
) -> tuple[Predictions, ...]:
    """What the model of each fold says of the rows of it, of which it has learned neither them nor their near-duplicates, with the cuts that its own
    validation rows chose.

    Goes on with what ``folder`` holds, so that folds that are done are not trained again. ``on_progress`` gets what is done, as the end of a sentence,
    and the fraction of all folds, but nothing of folds that were done before. Raises FoldsStopped after a stop, and what a training raises.
    """
    make_folder(folder)
    found = []
    for fold in range(plan.n_folds):
        predictions = _stored(folder, plan, fold)
        if predictions is None:
            if should_stop():
                raise FoldsStopped(fold)
            what = f"training model {fold + 1} of {plan.n_folds}, which does not see every row"

            def report(done: float, fold: int = fold, what: str = what) -> None:
                on_progress(what, (fold + done) / plan.n_folds)

            report(_begun(_fold_run(folder, fold)))
            predictions = _train_fold(folder, plan, fold, report, should_stop, save_seconds)
            save_predictions(_stored_path(folder, fold), predictions)
        if (run := _fold_run(folder, fold)).path.is_dir():
            remove_folder(run.path)
        found.append(predictions)
    on_progress("putting the predictions together", 1.0)
    return tuple(found)


def in_order_of_rows(plan: FoldPlan, parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Probabilities (n, k), float64, of all rows, from the rows and the probabilities of each fold."""
    probabilities = np.zeros((len(plan.corpus), len(plan.corpus.label_names)))
    for rows, of_rows in parts:
        probabilities[rows] = of_rows
    return probabilities


def stored_predictions(folder: Path) -> list[Path]:
    """The files of the folds that are done."""
    return [path for path in list_folder(folder, "fold-") if path.suffix == ".parquet"]


def _stored_path(folder: Path, fold: int) -> Path:
    return folder / f"fold-{fold}.parquet"


def _stored(folder: Path, plan: FoldPlan, fold: int) -> Predictions | None:
    """What the model of a fold that is done says of its rows; None if it has to be trained, as it also has if the file is damaged."""
    path = _stored_path(folder, fold)
    if not path.exists():
        return None
    try:
        predictions = load_predictions(path)
    except (OSError, ValueError):
        predictions = None
    rows, shape = plan.splits(fold).test, (len(plan.corpus.label_names),)
    if predictions is not None and np.array_equal(predictions.rows, rows) and predictions.probabilities.shape[1:] == shape:
        return predictions
    path.unlink()
    return None


def _begun(run: Run) -> float:
    """The fraction of a fold that was done when its training was interrupted."""
    if not run.path.is_dir():
        return 0.0
    view = RunHistory.read(run).view
    return min(1.0, view.saved_step / view.total_steps) * _TRAINED_SHARE if view.total_steps else 0.0


def _fold_run(folder: Path, fold: int) -> Run:
    return Run(folder / hashlib.sha256(f"{folder.parent.name} {fold}".encode()).hexdigest()[:32])


def _train_fold(
    folder: Path, plan: FoldPlan, fold: int, report: Callable[[float], None], should_stop: Callable[[], bool], save_seconds: float
) -> Predictions:
    """Train the model of a fold, or go on with it, and predict the fold."""
    from trainer.training.attempt import TrainingCancelled
    from trainer.training.predictor import Predictor

    run, splits = _fold_run(folder, fold), plan.splits(fold)
    if not run.path.is_dir():
        # By its own, smaller number of rows a fold might be trained with another method than the rest.
        recipe = replace(plan.recipe, encoder=plan.encoder.name, method=plan.resolved(plan.recipe, len(plan.corpus)).method)
        RunStore(folder).create(
            recipe=recipe,
            resolved=plan.resolved(recipe, len(splits.train)),
            created=Created(name=f"fold {fold + 1}", owner="fold"),
            fill=lambda path: save_rows(path / ROWS, plan.corpus, splits),
            run_id=run.id,
        )
    reporter, history = _FoldReporter(run, report, should_stop), RunHistory.read(run)
    # Its own log does not say that the memory ran out: that ended the whole job.
    history = replace(history, view=replace(history.view, texts_at_a_time=plan.texts_at_a_time))
    try:
        result = train_run(run, history, plan.encoder, plan.corpus, splits, reporter=reporter, save_seconds=save_seconds)
    except TrainingCancelled as error:
        raise FoldsStopped(fold) from error
    if result.stopped or should_stop():
        raise FoldsStopped(fold)
    predictor = Predictor(run.model, device=result.hardware.device)
    rows = np.concatenate([splits.test, splits.validation])
    probabilities, n_tested = predictor.probabilities([plan.corpus.texts[row] for row in rows]), len(splits.test)
    task, labels = plan.corpus.task, plan.corpus.label_ids
    task = task.with_cuts(task.choose_cuts(labels[splits.validation], probabilities[n_tested:]))
    split = np.full(n_tested, "test")
    return Predictions(splits.test, split, labels[splits.test], probabilities[:n_tested], plan.corpus.label_names, task)


class _FoldReporter:
    """Writes a training's events to the log of its fold, and tells the job how far it is; the job's stop is that of the training."""

    def __init__(self, run: Run, report: Callable[[float], None], should_stop: Callable[[], bool]) -> None:
        self._log = RunReporter(run)
        self._report = report
        self._should_stop = should_stop
        self._total_steps = 0

    def emit(self, event: Event, *, durable: bool = False) -> None:
        self._log.emit(event, durable=durable)
        if isinstance(event, Started):
            self._total_steps = event.total_steps or 0
        if isinstance(event, Logged | Evaluated) and self._total_steps:
            self._report(min(1.0, event.step / self._total_steps) * _TRAINED_SHARE)

    def is_stop_requested(self) -> bool:
        return self._should_stop()
