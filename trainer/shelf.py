"""Shelf: what was trained or is being trained: listed, looked at, used, named, taken away. Every call takes the owner.

Starts and stops nothing; a run's truth is on the disk.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer import job
from trainer.desk import remember
from trainer.errors import UserError
from trainer.evaluation.report import Report
from trainer.recipe import Recipe
from trainer.runs.run import Run, RunStore
from trainer.runs.view import RunView
from trainer.settings import Settings
from trainer.training.export import zip_model

if TYPE_CHECKING:
    from trainer.training.predictor import Predictor

_PREDICTORS_KEPT = 2


@dataclass(frozen=True)
class Reports:
    """A run's scores on the rows kept aside for them."""

    test: Report
    validation: Report


class Shelf:
    """The runs of one runs folder."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._runs = RunStore(settings.runs_dir)
        self._predictors: OrderedDict[str, Predictor] = OrderedDict()
        self._using = threading.Lock()
        """Held while the loaded models are looked up or kept."""

    def runs(self, owner: str) -> list[RunView]:
        """The owner's runs, newest first."""
        return self._runs.list(owner)

    def view(self, owner: str, run_id: str) -> RunView:
        return self._runs.view(self._run(owner, run_id))

    def recipe(self, owner: str, run_id: str) -> Recipe:
        """What was asked for."""
        return self._run(owner, run_id).recipe()

    def reports(self, owner: str, run_id: str) -> Reports:
        """The scores of a run that has a model; UserError for one that has none (yet)."""
        run = self._with_model(owner, run_id)
        return Reports(test=job.load_report(run, "test"), validation=job.load_report(run, "validation"))

    def predict(self, owner: str, run_id: str, texts: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
        """The label names and, for each text, the probability of each: shape (texts, classes), rows sum to 1."""
        run = self._with_model(owner, run_id)
        if len(texts) > self.settings.max_texts_per_prediction:
            raise UserError(
                f"{len(texts):,} texts at once are too many; send at most {self.settings.max_texts_per_prediction}.", code="too_many_texts"
            )
        predictor = self._predictor(run)
        return predictor.label_names, predictor.probabilities([str(t)[: self.settings.max_text_chars] for t in texts])

    def zip_model(self, owner: str, run_id: str, target: Path) -> str:
        """Write the run's model into ``target`` as a zip and return a file name for it."""
        run = self._with_model(owner, run_id)
        name = self._runs.view(run).name
        zip_model(run, name, target)
        return f"{name.replace(' ', '-')}.zip"

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

    def _predictor(self, run: Run) -> "Predictor":
        from trainer.training.predictor import Predictor

        with self._using:
            predictor = self._predictors.get(run.id)
        if predictor is None:
            # Loaded outside the lock: it takes a second, and the page asks for other things meanwhile.
            predictor = Predictor(run.model)
        with self._using:
            remember(self._predictors, run.id, predictor, _PREDICTORS_KEPT)
        return predictor
