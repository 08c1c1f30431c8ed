"""Trained models of one owner's runs: predicting with them, packing them.

What is known of the runs themselves is in ``run_library.py``.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.cache import SingleFlightCache
from trainer.errors import ModelError, RunError
from trainer.evaluation.abstaining import Promise
from trainer.jobs.train import promise as promise_of_run
from trainer.runs.run import Run
from trainer.runs.run_files import CARD, LOG, MODEL
from trainer.runs.seal import file_signature, files_in
from trainer.runs.store import RunStore
from trainer.settings import Settings, disk_errors_as_user_error
from trainer.training.export import write_model_zip

if TYPE_CHECKING:
    from trainer.training.predictor import Prediction, Predictor

PREDICTORS_KEPT = 2

_WITHOUT_MODEL = {
    "queued": "is still waiting",
    "running": "is still training",
    "failed": "failed",
    "interrupted": "was interrupted",
    "cancelled": "was cancelled",
    "damaged": "is damaged",
}


class TrainedModels:
    """The models of one owner's runs. ``predictors`` keeps the last few by run and files of its model: training further makes other files."""

    def __init__(self, settings: Settings, runs: RunStore, predictors: SingleFlightCache["Predictor"], owner: str) -> None:
        self._settings = settings
        self._runs = runs
        self._predictors = predictors
        self._owner = owner

    def run(self, run_id: str) -> Run:
        """A run that has a model. UserError ``no_model`` for any other."""
        run = self._runs.get(run_id, self._owner)
        view = self._runs.view(run)
        if not view.has_model:
            raise RunError(f"The run {view.name} {_WITHOUT_MODEL[view.status]}; it has no model. Choose a finished run.", code="no_model")
        return run

    def predict(self, run_id: str, texts: Sequence[str]) -> tuple[tuple[str, ...], list["Prediction"]]:
        """The label names and the model's prediction for each text. UserError if there are too many texts or characters."""
        run = self.run(run_id)
        if len(texts) > self._settings.max_texts_per_prediction:
            raise ModelError(
                f"{len(texts):,} texts at once are too many; send at most {self._settings.max_texts_per_prediction}.", code="too_many_texts"
            )
        if (chars := sum(map(len, texts))) > self._settings.max_chars_per_prediction:
            raise ModelError(
                f"These texts have {chars:,} characters together; send at most {self._settings.max_chars_per_prediction:,} at once.",
                code="too_many_characters",
            )
        predictor = self._predictor(run)
        return predictor.label_names, predictor.predict([str(t) for t in texts], max_chars=self._settings.max_text_chars)

    def write_zip(self, run_id: str, target: Path) -> str:
        """Write the run's model into ``target`` as a zip and return a file name for it."""
        run = self.run(run_id)
        name = self._runs.view(run).name
        # A user typed the name: nothing of it may lead to another folder when the zip is opened.
        name = re.sub(r"[^\w-]+", "-", name).strip("-") or "model"
        run.check(MODEL, CARD)
        write_model_zip(run.model_files(), run.model, name, target)
        return f"{name}.zip"

    def is_complete(self, run_id: str) -> bool:
        """Whether the files of the run's model are undamaged, so that ``write_zip`` packs them."""
        return self._runs.is_intact(self.run(run_id), MODEL, CARD)

    def promised(self, run_id: str) -> float | None:
        """The share of right answers that the model of a run promises; None if it always answers, or if its config is damaged."""
        return promise_of_run.read_promise(self.run(run_id))

    def keep_promise(self, run_id: str, promise: Promise | None) -> None:
        """Make the model answer only where it keeps a promise, or always (None); its weights stay as they are.

        Raises UserError ``no_promise`` if it cannot be kept, ``run_damaged`` or ``run_is_live``.
        """
        run = self.run(run_id)
        self._settings.ensure_writable()
        with disk_errors_as_user_error(self._settings):
            promise_of_run.save_promise(run, promise)

    def unload(self, run_id: str) -> None:
        """Drop a run's predictor from memory."""
        self._predictors.discard(lambda key: key[0] == run_id)

    def _predictor(self, run: Run) -> "Predictor":
        from trainer.training.predictor import Predictor
        from trainer.training.weights_check import weights_file_size

        def load() -> Predictor:
            for file in files_in(run.model):
                weights_file_size(file)  # before its checksum is computed
            run.check(MODEL)
            return Predictor(run.model)

        # The card of a model plays no part in its predictions, and a rename rewrites it.
        files = tuple((str(file), *file_signature(file)) for file in files_in(run.model) if file.suffix != ".md")
        return self._predictors.get((run.id, files), load)


def predict_with_folder(folder: Path, texts: Sequence[str]) -> tuple[tuple[str, ...], list["Prediction"]]:
    """The label names of a model folder on this machine and its prediction for each text, without the limits of ``TrainedModels.predict``.

    A function of its own, as a terminal that only predicts does not import what a workspace needs.
    """
    from trainer.training.predictor import Predictor

    if folder.name == MODEL and (folder.parent / LOG).exists():
        # The model of a run has checksums.
        Run(folder.parent).check(MODEL)
    predictor = Predictor(folder)
    return predictor.label_names, predictor.predict(texts)
