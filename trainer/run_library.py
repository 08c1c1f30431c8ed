"""RunLibrary: the runs of one owner, trained or in training: listed, viewed, scored, compared, renamed.

Starts and stops nothing. Everything known of a run is read from its folder.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer.atomic import put_aside
from trainer.audit.decisions import DecisionLog
from trainer.cache import SingleFlightCache
from trainer.check import CheckResult
from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.data.task import find_task
from trainer.errors import NotFoundError, RecipeError, RunError, UserError
from trainer.evaluation.comparison import (
    MAX_DIFFERING,
    ComparedRun,
    Comparison,
    DifferingRow,
    RunPredictions,
    compare,
    differing_rows,
    run_predictions,
    shown_labels,
)
from trainer.evaluation.confidence import confidence_report
from trainer.evaluation.diagnostics import check_training
from trainer.evaluation.label_effect import LabelEffect, label_effect
from trainer.evaluation.mistakes import PredictedRows, predicted_rows
from trainer.evaluation.predictions import SPLITS
from trainer.evaluation.report import Reports, Scores, main_scores, split_report
from trainer.evaluation.result_checks import check_result
from trainer.evaluation.run_report import Suggestions
from trainer.evaluation.subgroups import Subgroup
from trainer.jobs.train import pipeline
from trainer.recipe import Recipe
from trainer.runs.exclusive_access import exclusive_access, unwritable
from trainer.runs.run import Run
from trainer.runs.run_files import DECISIONS, list_folder
from trainer.runs.seal import file_signature
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.settings import Settings, disk_errors_as_user_error
from trainer.trained_models import TrainedModels

MAX_COMPARED_RUNS = 6
MAX_NAME_CHARS = 60

_MAX_REPORTS = 32
_MAX_EXAMPLES = 256
_MAX_EFFECTS = 32
_MAX_PREDICTED_ROWS = 4
"""Splits whose texts are kept in memory while somebody looks at them."""
_READABLE_CHARS = (20, 160)
"""Minimum and maximum length of a text that makes a good example."""
_MAX_SCORES = 10_000
"""Far more than reports: a list of runs reads all of its scores in a row, and a cache shorter than the list would keep none."""


@dataclass(frozen=True)
class ExampleRow:
    """A test row: its text, the name of its label, and its number in the file, counted from 1."""

    text: str
    label: str
    source_row: int


class ScoreCache:
    """Scores and examples of runs, kept in memory and shared by all owners."""

    def __init__(self) -> None:
        self.reports: SingleFlightCache[Reports] = SingleFlightCache(_MAX_REPORTS)
        self.scores: SingleFlightCache[Scores] = SingleFlightCache(_MAX_SCORES)
        """Both by run and signature of its predictions: a rename does not change that, another model does."""
        self.examples: SingleFlightCache[tuple[ExampleRow, ...]] = SingleFlightCache(_MAX_EXAMPLES)
        """By run, signature of its rows and ``n_rows``."""
        self.effects: SingleFlightCache[LabelEffect] = SingleFlightCache(_MAX_EFFECTS)
        """By the run without and the run with decisions, and the signatures of their predictions."""
        self.subgroups: SingleFlightCache[tuple[Subgroup, ...]] = SingleFlightCache(_MAX_REPORTS)
        self.suggestions: SingleFlightCache[Suggestions] = SingleFlightCache(_MAX_REPORTS)
        """Both by run and signatures of its rows and predictions."""
        self.predicted_rows: SingleFlightCache[PredictedRows] = SingleFlightCache(_MAX_PREDICTED_ROWS)
        """By run, signatures of its rows and predictions, and split."""

    def discard(self, run_id: str) -> None:
        for cache in (self.reports, self.scores, self.examples, self.predicted_rows, self.subgroups, self.suggestions):
            cache.discard(lambda key: key[0] == run_id)
        self.effects.discard(lambda key: run_id in key[:2])


class RunLibrary:
    """The runs of one owner."""

    def __init__(self, settings: Settings, runs: RunStore, models: TrainedModels, cache: ScoreCache, owner: str) -> None:
        self._settings = settings
        self._runs = runs
        self._models = models
        self._cache = cache
        self._owner = owner

    def runs(self, *, offered: bool = False) -> list[RunView]:
        """The owner's runs, newest first; with ``offered`` behind them those whose models the server offers to everybody."""
        own = self._runs.list(self._owner)
        return [*own, *(view for view in self._runs.list_offered() if view not in own)] if offered else own

    def view(self, run_id: str) -> RunView:
        """What is known of a run. UserError ``unknown_run`` if there is none of this id."""
        return self._runs.view(self._run(run_id))

    def damage(self, run_id: str) -> tuple[str, ...]:
        """What is damaged or missing of a run, what still works and what to do, in sentences; nothing for a whole run.

        Unlike the ``damage`` of a view of ``runs``, which comes from the log and the sizes of files, this reads every file that is sealed;
        again only if the file system says that it has changed.
        """
        return self._runs.damage(self._run(run_id))

    def recipe(self, run_id: str) -> Recipe:
        """The recipe that was requested. UserError ``run_damaged`` if it is damaged."""
        return self._run(run_id).recipe()

    def training_checks(self, run_id: str) -> tuple[CheckResult, ...]:
        """The checks of the curves of a run."""
        run, recipe = self._run(run_id), None
        # ``damage`` reports a recipe that cannot be read; the curves are there all the same.
        with suppress(UserError):
            recipe = run.recipe()
        return check_training(self._runs.view(run), recipe)

    def result_checks(self, run_id: str) -> tuple[CheckResult, ...]:
        """The checks of the score of a run on its test rows; UserError as ``reports``."""
        return check_result(self.reports(run_id).test, self.view(run_id).baseline)

    def reports(self, run_id: str) -> Reports:
        """The scores of a run that has a model, computed once for its predictions; UserError for one that has none (yet)."""
        return self._reports(self._models.run(run_id))

    def scores(self, run_id: str) -> Scores:
        """The main scores of ``reports``; UserError as there."""
        run = self._models.run(run_id)
        return self._cache.scores.get((run.id, *file_signature(run.predictions)), lambda: main_scores(self._reports(run)))

    def predicted_rows(self, run_id: str, split: str) -> PredictedRows:
        """The rows of one split ("validation", "test") with texts and predictions. UserError as ``reports``, or if its rows are damaged."""
        run = self._models.run(run_id)
        if split not in SPLITS:
            raise NotFoundError("There are validation rows and test rows, and no others. Choose one of them.", code="unknown_rows")
        key = (run.id, *file_signature(run.rows), *file_signature(run.predictions), split)

        def compute() -> PredictedRows:
            corpus, _ = pipeline.load_run_rows(run)
            return predicted_rows(corpus, pipeline.load_run_predictions(run), split)

        return self._cache.predicted_rows.get(key, compute)

    def compare(self, run_ids: Sequence[str]) -> Comparison:
        """Two to six runs side by side; those with a model also on the test rows that they share. UserError for fewer or more runs."""
        chosen = tuple(dict.fromkeys(run_ids))
        if not 2 <= len(chosen) <= MAX_COMPARED_RUNS:
            raise RecipeError(
                f"A comparison takes two to {MAX_COMPARED_RUNS} runs; {len(chosen):,} are chosen. Tick others in the list.",
                code="compare_count",
            )
        runs = tuple(sorted(map(self._compared, chosen), key=_validation_rank))
        # A class that was renamed or merged before one of the trainings is the same in the others.
        names = {before: after for run in runs for before, after in run.view.class_names.items()}
        predictions = [self._predictions(run.view.id, names) for run in runs if run.scores is not None]
        tested = {frozenset(zip(each.texts, each.labels, strict=True)) for each in predictions}
        files = {self._run(run.view.id).source_digest() for run in runs}
        same_file = (len(files) == 1 and None not in files) or (len(predictions) == len(runs) and len(tested) == 1)
        # What is right is another question where a text may have several labels.
        if len(predictions) < 2 or len({find_task(run.view.task).key for run in runs}) > 1:
            return Comparison(runs, None, (), same_file)
        reference, *others = predictions
        results = [compare(reference, other, n_comparisons=len(others)) for other in others]
        differing = tuple(_shown(differing_rows(reference, other)) for other in others)
        return Comparison(runs, 0, tuple(enumerate(results, start=1)), same_file, differing)

    def label_effect(self, before_id: str, after_id: str) -> LabelEffect:
        """What the decisions on labels did: the run with them (A) against the one without them (B), on the test rows of both as they were.

        Raises UserError ``run_damaged`` if rows or predictions are damaged.
        """
        before, after = self._run(before_id), self._run(after_id)
        key = (before.id, after.id, *file_signature(before.predictions), *file_signature(after.predictions))
        return self._cache.effects.get(key, lambda: self._label_effect(before_id, after_id))

    def examples(self, run_id: str, n_rows: int = 3) -> tuple[ExampleRow, ...]:
        """At most ``n_rows`` rows of this run's test split, the same each time: of different classes if there are several, and easy to read.

        Raises UserError ``run_damaged`` if its rows are damaged.
        """
        run = self._run(run_id)
        key = (run.id, *file_signature(run.rows), n_rows)
        return self._cache.examples.get(key, lambda: _examples(*pipeline.load_run_rows(run), n_rows))

    def rename(self, run_id: str, name: str) -> RunView:
        """Give a run a name of 1 to 60 printable characters, without the blanks around it. UserError for any other."""
        run = self._run(run_id, to_read=False)
        stripped = name.strip()
        if not 1 <= len(stripped) <= MAX_NAME_CHARS or not stripped.isprintable():
            problem = f"this one has {len(stripped):,}" if stripped.isprintable() else "this one has characters that cannot be seen"
            raise RecipeError(
                f"A name has 1 to {MAX_NAME_CHARS} characters that can be seen; {problem}. Type another one.",
                code="bad_name",
            )
        if stripped != self._runs.view(run).name:
            with disk_errors_as_user_error(self._settings):
                self._runs.rename(run, stripped)
                pipeline.rewrite_model_card(run)
        return self._runs.view(run)

    def folder(self, run_id: str) -> Path:
        """The folder that holds everything of a run."""
        return self._run(run_id).path

    def move_to_trash(self, run_id: str) -> Path:
        """Move a run's folder out of sight in one step, for ``StorageManager.delete_trash``; returns where it is now.

        UserError while the run is training or waiting.
        """
        run = self._run(run_id, to_read=False)
        with exclusive_access(self._runs, run) as (view, lock):
            if view.live:
                doing = "is training" if view.status == "running" else "waits in the queue"
                raise RunError(f"{view.name} {doing}, so it cannot be deleted now. Stop it first.", code="run_is_live")
            if os.name == "nt":
                # Windows moves no folder in which a file is open.
                lock.close()
            # One step, so that nobody ever sees half a run; the next start clears what a crash leaves of it.
            try:
                trash = put_aside(run.path)
            except OSError as error:
                raise unwritable(view, run.path.parent, error) from error
        self._cache.discard(run.id)
        return trash

    def _run(self, run_id: object, *, to_read: bool = True) -> Run:
        return self._runs.get(run_id, self._owner, to_read=to_read)

    def _reports(self, run: Run) -> Reports:
        def compute() -> Reports:
            saved = pipeline.load_run_predictions(run)
            confidence = confidence_report(saved, self._runs.view(run).temperature)
            return Reports(test=split_report(saved, "test"), validation=split_report(saved, "validation"), confidence=confidence)

        return self._cache.reports.get((run.id, *file_signature(run.predictions)), compute)

    def _label_effect(self, before_id: str, after_id: str) -> LabelEffect:
        view = self.view(after_id)
        names, task = view.class_names, find_task(view.task)
        before, after = (self._predictions(run_id, names) for run_id in (before_id, after_id))
        mended: dict[str, str | None] = {}
        for log in list_folder(self._run(after_id).path, DECISIONS):
            with suppress(OSError):
                rows = DecisionLog(log, task).read().rows.values()
                labels = {row.text: None if row.action == "drop" else task.parse_written(row.after) for row in rows if row.action != "keep"}
                mended |= {text: None if names is None else shown_labels(names) for text, names in labels.items()}
        return label_effect(before, after, mended)

    def _compared(self, run_id: str) -> ComparedRun:
        view = self.view(run_id)
        recipe, scores, problems = None, None, []
        try:
            recipe = self.recipe(run_id)
        except UserError as error:
            problems.append(error.message)
        try:
            scores = self.scores(run_id) if view.has_model else None
        except UserError as error:
            problems.append(error.message)
        return ComparedRun(view, recipe, scores, " ".join(problems))

    def _predictions(self, run_id: str, class_names: Mapping[str, str]) -> RunPredictions:
        run = self._run(run_id)
        try:
            return run_predictions(*pipeline.load_run_rows(run), pipeline.load_run_predictions(run), class_names)
        except ValueError as error:
            name = self._runs.view(run).name
            raise RunError(
                f"The rows or predictions of {name} are missing or damaged, so it cannot be compared. Leave it out.", code="run_damaged"
            ) from error


def _shown(rows: Sequence[DifferingRow]) -> tuple[DifferingRow, ...]:
    """Some rows of each side, if there are many."""
    sides = [[row for row in rows if row.only_a == side] for side in (True, False)]
    return tuple(row for side in sides for row in side[: MAX_DIFFERING // 2])


def _examples(corpus: Corpus, splits: Splits, n_rows: int) -> tuple[ExampleRow, ...]:
    """Rows of the test split in a fixed random order: readable ones first, and one of each class before a second of any."""
    low, high = _READABLE_CHARS
    # In folds no row is kept aside: these show what can be typed, and prove nothing.
    shuffled = np.random.default_rng(0).permutation(splits.test if len(splits.test) else np.concatenate([splits.train, splits.validation]))
    # A stable sort keeps the random order among equally readable texts.
    order = sorted(shuffled.tolist(), key=lambda row: max(low - len(corpus.texts[row]), len(corpus.texts[row]) - high, 0))
    seen: Counter[str] = Counter()
    ranked = []
    for row in order:
        label = corpus.label(row)
        ranked.append((seen[label], len(ranked), row))
        seen[label] += 1
    chosen = [row for _, _, row in sorted(ranked)[:n_rows]]
    return tuple(ExampleRow(corpus.texts[r], corpus.label(r), int(corpus.source_rows[r]) + 1) for r in chosen)


def _validation_rank(run: ComparedRun) -> tuple[bool, float, float]:
    """Sort key: macro F1 on the validation rows, highest first, ties by age; runs without scores come last."""
    return run.scores is None, -run.scores.validation.macro_f1.value if run.scores else 0.0, run.view.created
