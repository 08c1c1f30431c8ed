"""Shelf: what was trained or is being trained: listed, looked at, used, named, compared, taken away. Every call takes the owner.

Starts and stops nothing; a run's truth is on the disk.
"""

import os
import re
import shutil
import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainer import job
from trainer.cache import SingleFlightCache
from trainer.data.rows import load_rows
from trainer.desk import remember
from trainer.errors import UserError
from trainer.evaluation.comparison import Answers, Paired, answers, compare, holm
from trainer.evaluation.predictions import load_predictions
from trainer.evaluation.report import Interval, Report
from trainer.recipe import Recipe
from trainer.runs.doctor import Diagnosis, diagnose
from trainer.runs.run import Run, RunStore
from trainer.runs.view import RunView
from trainer.settings import Settings
from trainer.training.export import zip_model

if TYPE_CHECKING:
    from trainer.training.predictor import Prediction, Predictor

MOST_COMPARED = 6
LONGEST_NAME = 60

_PREDICTORS_KEPT = 2
_SCORES_KEPT = 100_000


@dataclass(frozen=True)
class Reports:
    """A run's scores on the rows kept aside for them."""

    test: Report
    validation: Report


@dataclass(frozen=True)
class Scores:
    """What a list of runs says of a model: its score on its ``rows`` test rows."""

    rows: int
    accuracy: Interval
    macro_f1: Interval


@dataclass(frozen=True)
class Compared:
    """One run of a comparison; ``scores`` is None without a model, or with a damaged one, and ``problem`` then says why."""

    view: RunView
    recipe: Recipe
    scores: Scores | None
    problem: str = ""


@dataclass(frozen=True)
class Comparison:
    """Runs side by side, in the order asked for.

    ``best`` is the place of the one with the highest test accuracy, None without two models; ``against`` says for each other run that has
    one how it does against the best (A is the best), by its place. Their p values are corrected for being looked at together.
    """

    runs: tuple[Compared, ...]
    best: int | None
    against: tuple[tuple[int, Paired], ...]


class Shelf:
    """The runs of one runs folder."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._runs = RunStore(settings.runs_dir)
        self._predictors: SingleFlightCache[Predictor] = SingleFlightCache(_PREDICTORS_KEPT)
        """By run and the time of its model, as a run that is trained further gets another one."""
        self._scores: OrderedDict[str, tuple[int, Scores]] = OrderedDict()
        """By run, with the size of the log for which they hold."""
        self._using = threading.Lock()
        """Held while known scores are looked up or kept."""

    def runs(self, owner: str) -> list[RunView]:
        """The owner's runs, newest first."""
        return self._runs.list(owner)

    def view(self, owner: str, run_id: str) -> RunView:
        return self._runs.view(self._run(owner, run_id))

    def has_run(self, owner: str, run_id: str) -> bool:
        """Whether the owner has a run of this id."""
        try:
            self._run(owner, run_id)
        except UserError:
            return False
        return True

    def recipe(self, owner: str, run_id: str) -> Recipe:
        """What was asked for."""
        return self._run(owner, run_id).recipe()

    def diagnoses(self, owner: str, run_id: str) -> tuple[Diagnosis, ...]:
        """What looks wrong with the course of a run, and what to try."""
        run, recipe = self._run(owner, run_id), None
        # Of a recipe that cannot be read somebody else complains; the curves are there all the same.
        with suppress(UserError, OSError, ValueError):
            recipe = run.recipe()
        return diagnose(self._runs.view(run), recipe)

    def reports(self, owner: str, run_id: str) -> Reports:
        """The scores of a run that has a model; UserError for one that has none (yet)."""
        run = self._with_model(owner, run_id)
        return Reports(test=job.load_report(run, "test"), validation=job.load_report(run, "validation"))

    def scores(self, owner: str, run_id: str) -> Scores:
        """The test scores of ``reports``, at no cost where they were asked for before; UserError as there."""
        run = self._with_model(owner, run_id)
        # A model is replaced only with an event, and then the log has grown.
        size = run.log.size()
        with self._using:
            known = self._scores.get(run.id)
        if known is None or known[0] != size:
            report = job.load_report(run, "test")
            known = (size, Scores(report.rows, report.accuracy, report.macro_f1))
            with self._using:
                remember(self._scores, run.id, known, _SCORES_KEPT)
        return known[1]

    def compare(self, owner: str, run_ids: Sequence[str]) -> Comparison:
        """Two to six runs side by side; those with a model also on the test rows that they share. UserError for fewer or more runs."""
        chosen = tuple(dict.fromkeys(run_ids))
        if not 2 <= len(chosen) <= MOST_COMPARED:
            raise UserError(
                f"A comparison takes two to {MOST_COMPARED} runs; {len(chosen):,} are chosen. Tick others in the list.",
                code="compare_count",
            )
        runs = tuple(self._compared(owner, run_id) for run_id in chosen)
        said = {at: self._answers(owner, chosen[at]) for at, run in enumerate(runs) if run.scores is not None}
        if len(said) < 2:
            return Comparison(runs, None, ())
        best = max(said, key=lambda at: runs[at].scores.accuracy.value)
        others = [at for at in said if at != best]
        results = holm([compare(said[best], said[at]) for at in others], of=len(said) * (len(said) - 1) // 2)
        return Comparison(runs, best, tuple(zip(others, results, strict=True)))

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
            run.log.append("renamed", durable=True, name=wanted)
        return self._runs.view(run)

    def disk_bytes(self, owner: str, run_id: str) -> int:
        """How much room a run's folder takes, its checkpoints and its model included."""
        total, seen = 0, set()
        for folder, _, files in os.walk(self._run(owner, run_id).path):
            for file in files:
                # A run that trains replaces its checkpoints meanwhile.
                with suppress(FileNotFoundError):
                    facts = os.lstat(os.path.join(folder, file))
                    # The model's files and those of its checkpoint are the same ones on the disk.
                    if (facts.st_dev, facts.st_ino) not in seen:
                        seen.add((facts.st_dev, facts.st_ino))
                        total += facts.st_size
        return total

    def delete(self, owner: str, run_id: str) -> None:
        """Remove a run with everything in its folder, at once and for good. UserError while it is training or waiting."""
        run = self._run(owner, run_id)
        view = self._runs.view(run)
        if view.live:
            doing = "is training" if view.status == "running" else "waits in the queue"
            raise UserError(f"{view.name} {doing}, so it cannot be deleted now. Stop it first.", code="run_is_live")
        # Out of sight in one step, so that nobody ever sees half a run; what a crash leaves of it is cleared at the next start.
        gone = run.path.with_name(f".deleted-{run.id}")
        try:
            os.replace(run.path, gone)
        except OSError as error:
            raise UserError(
                f"{view.name} could not be deleted ({error.strerror or error}). Nothing of it is lost; allow writing in {run.path.parent}.",
                code="disk_not_writable",
            ) from error
        shutil.rmtree(gone, ignore_errors=True)
        with self._using:
            self._scores.pop(run.id, None)
        self._predictors.discard(lambda key: key[0] == run.id)

    def predict(self, owner: str, run_id: str, texts: Sequence[str]) -> tuple[tuple[str, ...], list["Prediction"]]:
        """The label names and what the run's model says of each text."""
        run = self._with_model(owner, run_id)
        if len(texts) > self.settings.max_texts_per_prediction:
            raise UserError(
                f"{len(texts):,} texts at once are too many; send at most {self.settings.max_texts_per_prediction}.", code="too_many_texts"
            )
        predictor = self._predictor(run)
        return predictor.label_names, predictor.predict([str(t) for t in texts], max_chars=self.settings.max_text_chars)

    def zip_model(self, owner: str, run_id: str, target: Path) -> str:
        """Write the run's model into ``target`` as a zip and return a file name for it."""
        run = self._with_model(owner, run_id)
        name = self._runs.view(run).name
        # A name is what somebody typed: nothing of it may lead to another folder when the zip is opened.
        name = re.sub(r"[^\w-]+", "-", name).strip("-") or "model"
        zip_model(run, name, target)
        return f"{name}.zip"

    def folder(self, owner: str, run_id: str) -> Path:
        return self._run(owner, run_id).path

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
            }
            raise UserError(f"The run {view.name} {state[view.status]}; it has no model. Choose a finished run.", code="no_model")
        return run

    def _compared(self, owner: str, run_id: str) -> Compared:
        view, recipe = self.view(owner, run_id), self.recipe(owner, run_id)
        if not view.has_model:
            return Compared(view, recipe, None)
        try:
            return Compared(view, recipe, self.scores(owner, run_id))
        except UserError as error:
            return Compared(view, recipe, None, error.message)

    def _answers(self, owner: str, run_id: str) -> Answers:
        run = self._run(owner, run_id)
        try:
            return answers(*load_rows(run.rows), load_predictions(run.predictions))
        except (OSError, ValueError) as error:
            name = self._runs.view(run).name
            raise UserError(
                f"The rows or predictions of {name} are missing or damaged, so it cannot be compared. Leave it out.", code="run_damaged"
            ) from error

    def _predictor(self, run: Run) -> "Predictor":
        from trainer.training.predictor import Predictor

        changed = 0
        with suppress(OSError):  # a missing folder is for the loader to tell
            changed = run.model.stat().st_mtime_ns
        return self._predictors.get((run.id, changed), lambda: Predictor(run.model))
