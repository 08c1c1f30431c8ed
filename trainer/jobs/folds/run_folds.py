"""The folds of a run that keeps no rows aside: the models of its folds, what they say of rows that they have not seen, and the baseline on the same rows.

The model of all rows is trained by ``jobs/train/pipeline.py``, like that of any other run.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from trainer.atomic import link_file, make_folder, remove_folder
from trainer.data.corpus import Corpus
from trainer.data.duplicates.near_duplicates import find_near_duplicates
from trainer.data.splits import Splits
from trainer.evaluation.baseline import word_count_baseline_in_folds
from trainer.evaluation.predictions import Predictions
from trainer.jobs.folds.cross_validation import FoldPlan, cross_validate, in_order_of_rows, stored_predictions
from trainer.runs.event_types import Phase
from trainer.runs.run import Run
from trainer.runs.run_files import FOLDS
from trainer.runs.view import BaselineScores
from trainer.training.encoders import Encoder

_LOGGED_STEP, _LOGGED_SECONDS = 0.002, 0.5
"""The progress is logged again after this part of the trainings, and not more often."""


def plan_folds(run: Run, encoder: Encoder, corpus: Corpus, *, texts_at_a_time: int | None = None) -> FoldPlan | None:
    """The trainings of a run's folds; None if it keeps rows aside for a test. ``texts_at_a_time`` as in FoldPlan.

    The recipe is the resolved one: by its own, smaller number of rows a fold might train in another way than the model whose score it gives.
    """
    recipe = run.resolved_recipe()
    if recipe.folds is None:
        return None
    groups, learned = find_near_duplicates(corpus.texts).groups, np.ones(len(corpus), dtype=bool)
    return FoldPlan(corpus, groups, learned, replace(recipe, folds=None), encoder, recipe.folds, texts_at_a_time)


def predict_out_of_fold(run: Run, plan: FoldPlan, *, save_seconds: float) -> Predictions:
    """What the model of each fold says of the rows that it has not seen: all rows, as the test rows of a run, with even cuts.

    Folds that are done are not trained again. Raises FoldsStopped after a stop, and what a training raises.
    """
    corpus = plan.corpus
    parts = cross_validate(
        run.path / FOLDS, plan, on_progress=_progress_logger(run), should_stop=run.is_stop_requested, save_seconds=save_seconds
    )
    even = corpus.task.even_cuts(len(corpus.label_names))
    probabilities = in_order_of_rows(plan, [(part.rows, part.task.at_cuts(part.probabilities, part.task.cuts, even)) for part in parts])
    rows, split = np.arange(len(corpus)), np.full(len(corpus), "test")
    return Predictions(rows, split, corpus.label_ids, probabilities, corpus.label_names, corpus.task, plan.n_folds)


def score_baseline(plan: FoldPlan, splits: Splits) -> BaselineScores:
    """What counting words reaches on the same rows, each judged by a model that has not seen it."""
    parts = [plan.splits(fold) for fold in range(plan.n_folds)]
    return word_count_baseline_in_folds((plan.corpus.texts, plan.corpus.label_ids), parts, splits.validation, task=plan.corpus.task)


def link_folds(folder: Path, parent: Run) -> None:
    """Put the predictions of the parent's folds into the folder of a child with the same recipe, which need not train them again. Raises OSError."""
    for path in stored_predictions(parent.path / FOLDS):
        make_folder(folder / FOLDS)
        link_file(path, folder / FOLDS / path.name)


def remove_folds(run: Run) -> None:
    """Remove what the folds have left, once a run has finished: all of it is in its predictions. A stopped one keeps it for the run that continues it."""
    with suppress(OSError):
        if (run.path / FOLDS).is_dir():
            remove_folder(run.path / FOLDS)


def _progress_logger(run: Run) -> Callable[[str, float], None]:
    logged: Phase | None = None
    logged_at = 0.0

    def log(what: str, done: float) -> None:
        nonlocal logged, logged_at
        soon = time.monotonic() - logged_at < _LOGGED_SECONDS
        if logged is not None and logged.what == what and (soon or done - (logged.done or 0.0) < _LOGGED_STEP):
            return
        logged, logged_at = Phase(what=what, stage="folds", done=round(done, 4)), time.monotonic()
        run.log.append(logged)

    return log
