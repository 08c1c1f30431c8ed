"""Shelf: what was trained or is being trained: listed, looked at, used, named, compared, taken away. Every call takes the owner.

Starts and stops nothing; a run's truth is on the disk.
"""

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.atomic import put_aside
from trainer.cache import SingleFlightCache
from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.drafts.editor import disk_errors_as_user_error
from trainer.errors import UserError
from trainer.evaluation.comparison import PairedComparison, RunPredictions, compare, run_predictions
from trainer.evaluation.diagnostics import Diagnosis, diagnose
from trainer.evaluation.intervals import Interval
from trainer.evaluation.report import Report
from trainer.jobs import pipeline
from trainer.recipe import Recipe
from trainer.runs.damage import CARD, MODEL
from trainer.runs.run import Run, RunStore
from trainer.runs.seal import file_signature, files_in
from trainer.runs.storage import files_on_disk, total_bytes
from trainer.runs.view import RunView
from trainer.runs.writer_lock import maintenance_lock
from trainer.settings import Settings
from trainer.training.export import write_model_zip

if TYPE_CHECKING:
    from trainer.training.predictor import Prediction, Predictor

MOST_COMPARED = 6
LONGEST_NAME = 60

_PREDICTORS_KEPT = 2
_REPORTS_KEPT = 32
_EXAMPLES_KEPT = 256
_READABLE = (20, 160)
"""Characters of a text that shows well as an example."""
_SCORES_KEPT = 10_000
"""Far more than reports: a list of runs asks for all of its scores in a row, and a cache that is shorter than the list would keep none."""


@dataclass(frozen=True)
class Reports:
    """A run's scores on the rows kept aside for them."""

    test: Report
    validation: Report


@dataclass(frozen=True)
class SplitScores:
    """A model's scores on the ``rows`` rows of one split."""

    rows: int
    accuracy: Interval
    macro_f1: Interval


@dataclass(frozen=True)
class Scores:
    """What a list of runs says of a model. Runs are ordered and chosen by ``validation`` alone; ``test`` is only told."""

    validation: SplitScores
    test: SplitScores


@dataclass(frozen=True)
class Compared:
    """One run of a comparison; ``scores`` is None without a model or where predictions are damaged, ``recipe`` where that is damaged.

    ``problem`` then says why.
    """

    view: RunView
    recipe: Recipe | None
    scores: Scores | None
    problem: str = ""


@dataclass(frozen=True)
class Comparison:
    """Runs side by side: those with scores first, by macro F1 on their validation rows (of equals the older first), then the others.

    ``reference`` is the place of the run that the others are held against: the first, None without two models. ``against`` says for each
    other run that has a model how the reference does against it on their shared test rows (A is the reference), by its place. No test
    score decides any of this: the best of many test scores would be partly the luckiest. Intervals and p values hold for all at once.

    ``one_file``: all were started from the same file, byte for byte, or were tested on the very same texts and labels. Else neither their
    curves nor their scores say which of them is better.
    """

    runs: tuple[Compared, ...]
    reference: int | None
    against: tuple[tuple[int, PairedComparison], ...]
    one_file: bool = False


@dataclass(frozen=True)
class ExampleRow:
    """A row that a run was tested on: its text, the name of its label, and its place in the file's rows, counted from 1."""

    text: str
    label: str
    source_row: int


class Shelf:
    """The runs of one runs folder."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._runs = RunStore(settings.runs_dir)
        self._predictors: SingleFlightCache[Predictor] = SingleFlightCache(_PREDICTORS_KEPT)
        """By run and the files of its model, as a run that is trained further gets another one."""
        self._reports: SingleFlightCache[Reports] = SingleFlightCache(_REPORTS_KEPT)
        self._scores: SingleFlightCache[Scores] = SingleFlightCache(_SCORES_KEPT)
        """Both by run and signature of its predictions: no rename changes that, another model does."""
        self._examples: SingleFlightCache[tuple[ExampleRow, ...]] = SingleFlightCache(_EXAMPLES_KEPT)
        """By run, signature of its rows and number."""

    def runs(self, owner: str) -> list[RunView]:
        """The owner's runs, newest first."""
        return self._runs.list(owner)

    def view(self, owner: str, run_id: str) -> RunView:
        return self._runs.view(self._run(owner, run_id))

    def damage(self, owner: str, run_id: str) -> tuple[str, ...]:
        """What is damaged or missing of a run, what still works and what to do, in sentences; nothing for a whole run.

        Unlike the ``damage`` of a view of ``runs``, which tells what the log and the sizes of files do, this reads every file that is sealed;
        again only where the file system says that it has changed.
        """
        return self._runs.damage(self._run(owner, run_id))

    def recipe(self, owner: str, run_id: str) -> Recipe:
        """What was asked for. UserError ``run_damaged`` where that is damaged."""
        return self._run(owner, run_id).recipe()

    def diagnoses(self, owner: str, run_id: str) -> tuple[Diagnosis, ...]:
        """What looks wrong with the course of a run, and what to try."""
        run, recipe = self._run(owner, run_id), None
        # Of a recipe that cannot be read somebody else complains; the curves are there all the same.
        with suppress(UserError):
            recipe = run.recipe()
        return diagnose(self._runs.view(run), recipe)

    def reports(self, owner: str, run_id: str) -> Reports:
        """The scores of a run that has a model, computed once for its predictions; UserError for one that has none (yet)."""
        return self._reports_of(self._with_model(owner, run_id))

    def scores(self, owner: str, run_id: str) -> Scores:
        """The scores of ``reports`` in short; UserError as there."""
        run = self._with_model(owner, run_id)
        return self._scores.get((run.id, *file_signature(run.predictions)), lambda: _in_short(self._reports_of(run)))

    def compare(self, owner: str, run_ids: Sequence[str]) -> Comparison:
        """Two to six runs side by side; those with a model also on the test rows that they share. UserError for fewer or more runs."""
        chosen = tuple(dict.fromkeys(run_ids))
        if not 2 <= len(chosen) <= MOST_COMPARED:
            raise UserError(
                f"A comparison takes two to {MOST_COMPARED} runs; {len(chosen):,} are chosen. Tick others in the list.",
                code="compare_count",
            )
        runs = tuple(sorted((self._compared(owner, run_id) for run_id in chosen), key=_by_validation))
        with_model = [self._answers(owner, run.view.id) for run in runs if run.scores is not None]
        tested = {frozenset(zip(said.texts, said.labels, strict=True)) for said in with_model}
        files = {self._run(owner, run.view.id).source_digest() for run in runs}
        one_file = (len(files) == 1 and None not in files) or (len(with_model) == len(runs) and len(tested) == 1)
        if len(with_model) < 2:
            return Comparison(runs, None, (), one_file)
        reference, *others = with_model
        results = [compare(reference, other, n_comparisons=len(others)) for other in others]
        return Comparison(runs, 0, tuple(enumerate(results, start=1)), one_file)

    def examples(self, owner: str, run_id: str, count: int = 3) -> tuple[ExampleRow, ...]:
        """At most ``count`` rows of this run's test split, the same each time: of different classes where there are, and easy to read.

        Raises UserError ``run_damaged`` where its rows are damaged.
        """
        run = self._run(owner, run_id)
        return self._examples.get((run.id, *file_signature(run.rows), count), lambda: _examples(*pipeline.load_run_rows(run), count))

    def rename(self, owner: str, run_id: str, name: str) -> RunView:
        """Give a run a name of 1 to 60 printable characters, without the blanks around it. UserError for any other."""
        run = self._run(owner, run_id)
        wanted = name.strip()
        if not 1 <= len(wanted) <= LONGEST_NAME or not wanted.isprintable():
            found = f"this one has {len(wanted):,}" if wanted.isprintable() else "this one has characters that cannot be seen"
            raise UserError(
                f"A name has 1 to {LONGEST_NAME} characters that can be seen; {found}. Type another one.",
                code="bad_name",
            )
        if wanted != self._runs.view(run).name:
            with disk_errors_as_user_error(self.settings):
                self._runs.rename(run, wanted)
                pipeline.refresh_card(run)
        return self._runs.view(run)

    def disk_bytes(self, owner: str, run_id: str) -> int:
        """How much room a run's folder takes, its checkpoints and its model included."""
        return total_bytes(files_on_disk(self._run(owner, run_id).path))

    def delete(self, owner: str, run_id: str) -> None:
        """Remove a run with everything in its folder and what ``copies`` says goes with it, at once and for good.

        UserError while it is training or waiting.
        """
        run = self._run(owner, run_id)
        with self._alone_with(run) as (view, alone):
            if view.live:
                doing = "is training" if view.status == "running" else "waits in the queue"
                raise UserError(f"{view.name} {doing}, so it cannot be deleted now. Stop it first.", code="run_is_live")
            if os.name == "nt":
                # There no folder is moved in which a file is open.
                alone.close()
            # Out of sight in one step, so that nobody ever sees half a run; what a crash leaves of it is cleared at the next start.
            try:
                gone = put_aside(run.path)
            except OSError as error:
                raise _untouched(view, run.path.parent, error) from error
        self._remove_for_good(gone, owner)
        for cache in (self._predictors, self._reports, self._scores, self._examples):
            cache.discard(lambda key: key[0] == run.id)

    def _remove_for_good(self, folder: Path, owner: str) -> None:
        """Clear what was a run's folder; what else there is of the run is the business of whoever knows it."""
        shutil.rmtree(folder, ignore_errors=True)

    def predict(self, owner: str, run_id: str, texts: Sequence[str]) -> tuple[tuple[str, ...], list["Prediction"]]:
        """The label names and what the run's model says of each text."""
        run = self._with_model(owner, run_id)
        if len(texts) > self.settings.max_texts_per_prediction:
            raise UserError(
                f"{len(texts):,} texts at once are too many; send at most {self.settings.max_texts_per_prediction}.", code="too_many_texts"
            )
        if (chars := sum(map(len, texts))) > self.settings.max_chars_per_prediction:
            raise UserError(
                f"These texts have {chars:,} characters together; send at most {self.settings.max_chars_per_prediction:,} at once.",
                code="too_many_characters",
            )
        predictor = self._predictor(run)
        return predictor.label_names, predictor.predict([str(t) for t in texts], max_chars=self.settings.max_text_chars)

    def zip_model(self, owner: str, run_id: str, target: Path) -> str:
        """Write the run's model into ``target`` as a zip and return a file name for it."""
        run = self._with_model(owner, run_id)
        name = self._runs.view(run).name
        # A name is what somebody typed: nothing of it may lead to another folder when the zip is opened.
        name = re.sub(r"[^\w-]+", "-", name).strip("-") or "model"
        run.check(MODEL, CARD)
        write_model_zip(run.model_files(), run.model, name, target)
        return f"{name}.zip"

    def has_whole_model(self, owner: str, run_id: str) -> bool:
        """Whether ``zip_model`` would hand out a model."""
        return self._runs.is_whole(self._with_model(owner, run_id), MODEL, CARD)

    def folder(self, owner: str, run_id: str) -> Path:
        return self._run(owner, run_id).path

    @contextmanager
    def _alone_with(self, run: Run) -> Iterator[tuple[RunView, ExitStack | None]]:
        """What a run is while nobody, be it in another process, begins, queues, tidies or deletes it, and the hold on it; None for a live one.

        Raises UserError: ``unknown_run`` where it has just been deleted, ``run_is_busy`` where somebody keeps its lock, ``disk_not_writable``
        where that cannot be opened.
        """
        view = self._runs.view(run)
        if view.status == "running":
            yield view, None
            return
        with ExitStack() as opened:
            try:
                held = opened.enter_context(maintenance_lock(run.path))
            except OSError as error:
                raise _untouched(view, run.path, error) from error
            if held is None and not run.path.is_dir():
                self._runs.get(run.id, view.owner)
            view = self._runs.view(run)
            if held is None and not view.live:
                raise UserError(f"Another program is just writing {view.name}. Try again in a moment.", code="run_is_busy")
            yield view, held

    def _run(self, owner: str, run_id: object) -> Run:
        return self._runs.get(run_id, owner)

    def _with_model(self, owner: str, run_id: str) -> Run:
        run = self._run(owner, run_id)
        view = self._runs.view(run)
        if not view.has_model:
            state = {
                "queued": "is still waiting",
                "running": "is still training",
                "failed": "failed",
                "interrupted": "was interrupted",
                "cancelled": "never began",
                "damaged": "is damaged",
            }
            raise UserError(f"The run {view.name} {state[view.status]}; it has no model. Choose a finished run.", code="no_model")
        return run

    def _reports_of(self, run: Run) -> Reports:
        def compute() -> Reports:
            saved = pipeline.load_run_predictions(run)
            return Reports(test=pipeline.split_report(saved, "test"), validation=pipeline.split_report(saved, "validation"))

        return self._reports.get((run.id, *file_signature(run.predictions)), compute)

    def _compared(self, owner: str, run_id: str) -> Compared:
        view = self.view(owner, run_id)
        recipe, scores, problems = None, None, []
        try:
            recipe = self.recipe(owner, run_id)
        except UserError as error:
            problems.append(error.message)
        try:
            scores = self.scores(owner, run_id) if view.has_model else None
        except UserError as error:
            problems.append(error.message)
        return Compared(view, recipe, scores, " ".join(problems))

    def _answers(self, owner: str, run_id: str) -> RunPredictions:
        run = self._run(owner, run_id)
        try:
            return run_predictions(*pipeline.load_run_rows(run), pipeline.load_run_predictions(run))
        except ValueError as error:
            name = self._runs.view(run).name
            raise UserError(
                f"The rows or predictions of {name} are missing or damaged, so it cannot be compared. Leave it out.", code="run_damaged"
            ) from error

    def _predictor(self, run: Run) -> "Predictor":
        from trainer.training.predictor import Predictor
        from trainer.training.weights_check import weights_file_size

        def load() -> Predictor:
            for file in files_in(run.model):
                weights_file_size(file)  # before its checksum is computed
            run.check(MODEL)
            return Predictor(run.model)

        # The card of a model plays no part in its answers, and a rename writes it anew.
        files = tuple((str(file), *file_signature(file)) for file in files_in(run.model) if file.suffix != ".md")
        return self._predictors.get((run.id, files), load)


def _untouched(view: RunView, folder: Path, error: OSError) -> UserError:
    return UserError(
        f"{view.name} could not be changed or deleted ({error.strerror or error}). Nothing of it is lost; allow writing in {folder}.",
        code="disk_not_writable",
    )


def _examples(corpus: Corpus, splits: Splits, count: int) -> tuple[ExampleRow, ...]:
    """Rows of the test split in an order of chance that is always the same: readable ones first, of each class one before any has two."""
    low, high = _READABLE
    shuffled = np.random.default_rng(0).permutation(splits.test)
    # A stable sort: among texts that are as readable, chance decides.
    order = sorted(shuffled.tolist(), key=lambda row: max(low - len(corpus.texts[row]), len(corpus.texts[row]) - high, 0))
    seen: Counter[int] = Counter()
    ranked = []
    for row in order:
        label = int(corpus.label_ids[row])
        ranked.append((seen[label], len(ranked), row))
        seen[label] += 1
    chosen = [row for _, _, row in sorted(ranked)[:count]]
    return tuple(ExampleRow(corpus.texts[r], corpus.label_names[corpus.label_ids[r]], int(corpus.source_rows[r]) + 1) for r in chosen)


def _in_short(reports: Reports) -> Scores:
    parts = (reports.validation, reports.test)
    return Scores(*(SplitScores(report.rows, report.accuracy, report.macro_f1) for report in parts))


def _by_validation(run: Compared) -> tuple[bool, float, float]:
    """Sorts runs by macro F1 on the validation rows, the highest first, of equals the older first; those without scores come last."""
    return run.scores is None, -run.scores.validation.macro_f1.value if run.scores else 0.0, run.view.created
