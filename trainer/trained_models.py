"""Trained models of one owner's runs: predicting with them, packing them.

What is known of the runs themselves is in ``run_library.py``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.cache import SingleFlightCache
from trainer.call_rate import CallRate
from trainer.data.corpus import Corpus
from trainer.errors import ModelError, RunError, UnavailableError
from trainer.evaluation.abstaining import Promise
from trainer.evaluation.similar_rows import RowVectors
from trainer.explanation import Explanation, explain_text
from trainer.jobs.export.answering import AnsweringEngine, AnsweringWish, choose_answering_engine, load_export
from trainer.jobs.export.export_run import exports_beside, exports_of
from trainer.jobs.export.forms import write_form
from trainer.jobs.train import promise as promise_of_run
from trainer.runs.run import Run
from trainer.runs.run_files import CARD, LOG, MODEL
from trainer.runs.seal import file_signature, files_in
from trainer.runs.store import RunStore
from trainer.settings import Settings, disk_errors_as_user_error
from trainer.text_format import approximate_duration
from trainer.training.export.exported import Exported

if TYPE_CHECKING:
    from trainer.training.export.onnx_predictor import OnnxPredictor
    from trainer.training.predictor import Prediction, Predictor, TextModel


PREDICTORS_KEPT = 2
EXPLANATIONS_KEPT = 64
"""While a text is looked at, its words are asked for again and again; each takes a tenth of a second or two."""
_VECTORS_KEPT = 2
"""Runs whose training rows stay in memory while somebody looks for similar ones: 100 MB of a run of 100,000 rows."""

_WITHOUT_MODEL = {
    "queued": "is still waiting",
    "running": "is still training",
    "failed": "failed",
    "interrupted": "was interrupted",
    "cancelled": "was cancelled",
    "damaged": "is damaged",
}


class ModelCache:
    """Loaded models and what they said, kept in memory and shared by all owners; by run and files of its model."""

    def __init__(self) -> None:
        self.predictors: SingleFlightCache[Predictor] = SingleFlightCache(PREDICTORS_KEPT)
        self.exported_models: SingleFlightCache[OnnxPredictor] = SingleFlightCache(PREDICTORS_KEPT)
        self.explanations: SingleFlightCache[Explanation] = SingleFlightCache(EXPLANATIONS_KEPT)
        self.vectors: SingleFlightCache[tuple[Corpus, RowVectors] | None] = SingleFlightCache(_VECTORS_KEPT)

    def discard(self, run_id: str) -> None:
        for cache in (self.predictors, self.exported_models, self.explanations, self.vectors):
            cache.discard(lambda key: key[0] == run_id)


class TrainedModels:
    """The models of one owner's runs. ``cache`` keeps the last few by run and files of its model: training further makes other files."""

    def __init__(self, settings: Settings, runs: RunStore, cache: ModelCache, calls: CallRate, owner: str, *, caller: str = "") -> None:
        """``caller``: whose calls its predictions count as, by default the owner's."""
        self._settings = settings
        self._runs = runs
        self._cache = cache
        self._calls = calls
        self._owner = owner
        self._caller = caller or owner

    def run(self, run_id: str, *, to_read: bool = True) -> Run:
        """A run that has a model, ``to_read`` also one that is offered to everybody. UserError ``no_model`` for any other."""
        run = self._runs.get(run_id, self._owner, to_read=to_read)
        view = self._runs.view(run)
        if not view.has_model:
            raise RunError(f"The run {view.name} {_WITHOUT_MODEL[view.status]}; it has no model. Choose a finished run.", code="no_model")
        return run

    def is_offered(self, run_id: str) -> bool:
        """Whether a model is one that the server offers to everybody, and so nobody's own. UserError ``no_model``."""
        return self._runs.view(self.run(run_id)).owner != self._owner

    def exports(self, run_id: str) -> Exported | None:
        """What the model of a run was exported to; None if it was not."""
        return exports_of(self.run(run_id))

    def engine(self, run_id: str, wish: AnsweringWish = "auto") -> AnsweringEngine:
        """What computes the answers of a run's model: with "auto" ONNX Runtime, if there is an export that says what the saved model says.

        Raises UserError ``unknown_engine``, and ``no_exports`` for an engine whose model was not exported.
        """
        return choose_answering_engine(self.exports(run_id), wish)

    def predict(self, run_id: str, texts: Sequence[str], *, engine: AnsweringWish = "auto") -> tuple[tuple[str, ...], list["Prediction"]]:
        """The label names and the model's prediction for each text. UserError if there are too many texts or characters, and as ``engine``."""
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
        self._admit()
        from trainer.training.predictor import predict_texts

        predictor = self._predictor(run, engine)
        return predictor.label_names, predict_texts(predictor, [str(t) for t in texts], max_chars=self._settings.max_text_chars)

    def _admit(self) -> None:
        """Raise UserError ``too_many_predictions`` if this is one call too many."""
        if seconds := self._calls.admit(self._caller, self._settings.max_predictions_per_minute):
            raise UnavailableError(
                f"That were more than {self._settings.max_predictions_per_minute} predictions in a minute, the most for one visitor. "
                f"Try again in {approximate_duration(seconds)}.",
                code="too_many_predictions",
            )

    def explain(self, run_id: str, text: str, label: str | None = None) -> Explanation:
        """What the model of a run says of one text, and how much each word speaks for ``label``, by default the class that is predicted.

        Raises UserError ``no_model``, ``label_not_learnt`` for a label that the model does not know, and ``too_many_predictions``.
        """
        run, max_chars = self.run(run_id), self._settings.max_text_chars
        key = (run.id, _model_signature(run), text[: max_chars + 1], label)

        def compute() -> Explanation:
            self._admit()
            return explain_text(self._saved_model(run), text, label, max_chars=max_chars)

        return self._cache.explanations.get(key, compute)

    def vector(self, run_id: str, text: str) -> np.ndarray:
        """The vector (size,) of a text as the model reads it (``Prediction.text``); see ``Predictor.vectors``. UserError ``no_vectors``."""
        return self._saved_model(self.run(run_id)).vectors([text])[0]

    def write_zip(self, run_id: str, target: Path, form: str = "zip") -> str:
        """Write the run's model in one form into the zip ``target`` and return a file name for it. UserError as ``write_form``."""
        return write_form(self.run(run_id), form, target)

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
        run = self.run(run_id, to_read=False)
        self._settings.ensure_writable()
        with disk_errors_as_user_error(self._settings):
            promise_of_run.save_promise(run, promise)

    def unload(self, run_id: str) -> None:
        """Drop a run's predictor, and what it said, from memory."""
        self._cache.discard(run_id)

    def _predictor(self, run: Run, wish: AnsweringWish) -> "TextModel":
        exported = exports_of(run)
        engine = choose_answering_engine(exported, wish)
        if engine == "torch" or exported is None:
            return self._saved_model(run)

        def load() -> "OnnxPredictor":
            run.check(MODEL)
            return load_export(run.model, exported, engine)

        key = (run.id, engine, _model_signature(run), file_signature(exported.file(engine)))
        return self._cache.exported_models.get(key, load)

    def _saved_model(self, run: Run) -> "Predictor":
        from trainer.training.predictor import Predictor
        from trainer.training.weights_check import weights_file_size

        def load() -> Predictor:
            for file in files_in(run.model):
                weights_file_size(file)  # before its checksum is computed
            run.check(MODEL)
            return Predictor(run.model)

        return self._cache.predictors.get((run.id, _model_signature(run)), load)


def _model_signature(run: Run) -> tuple:
    """Changes with the files of a model; its card plays no part in its predictions, and a rename rewrites it."""
    return tuple((str(file), *file_signature(file)) for file in files_in(run.model) if file.suffix != ".md")


def predict_with_folder(
    folder: Path, texts: Sequence[str], *, engine: AnsweringWish = "auto"
) -> tuple[tuple[str, ...], list["Prediction"]]:
    """The label names of a model folder on this machine and its prediction for each text, without the limits of ``TrainedModels.predict``.

    A function of its own, as a terminal that only predicts does not import what a workspace needs.
    """
    from trainer.training.predictor import predict_texts

    exported = exports_beside(folder)
    used = choose_answering_engine(exported, engine)
    if used == "torch" or exported is None:
        model: TextModel = _load_folder(folder)
    else:
        _check_folder_of_run(folder)
        model = load_export(folder, exported, used)
    return model.label_names, predict_texts(model, texts)


def explain_with_folder(folder: Path, text: str, label: str | None = None) -> Explanation:
    """What a model folder on this machine says of one text, without the limits of ``TrainedModels.explain``."""
    return explain_text(_load_folder(folder), text, label)


def _load_folder(folder: Path) -> "Predictor":
    from trainer.training.predictor import Predictor

    _check_folder_of_run(folder)
    return Predictor(folder)


def _check_folder_of_run(folder: Path) -> None:
    if folder.name == MODEL and (folder.parent / LOG).exists():
        # The model of a run has checksums.
        Run(folder.parent).check(MODEL)
