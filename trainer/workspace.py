"""Workspace: everything one owner can do: ``drafts``, ``editor``, ``library``, ``models``, ``storage``, and what crosses them: start, stop, resume.

Made by ``Studio.for_owner``. Knows neither page nor terminal.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.cache import SingleFlightCache
from trainer.data.rows import save_rows
from trainer.drafts.advice import Advice, advise, estimate_seconds, recipe_for_level
from trainer.drafts.cache import DraftCache
from trainer.drafts.drafts import Drafts
from trainer.drafts.editor import DraftEditor
from trainer.drafts.inspection import Inspection, inspect_file
from trainer.drafts.preparation import PreparedDraft
from trainer.errors import MustFixError, UserError
from trainer.jobs.queue import Delay, JobQueue
from trainer.jobs.queue_limits import check_capacity
from trainer.jobs.train import pipeline
from trainer.library import Library, ScoreCache
from trainer.recipe import Recipe
from trainer.runs import child_run
from trainer.runs.checkpoints import Checkpoints
from trainer.runs.exclusive_access import exclusive_access
from trainer.runs.ids import random_id
from trainer.runs.names import friendly_name
from trainer.runs.resume import epochs_after_resume
from trainer.runs.run import Run
from trainer.runs.run_files import ROWS
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.runs.writer_lock import is_being_written, maintenance_lock
from trainer.settings import Settings, disk_errors_as_user_error
from trainer.storage import StorageManager
from trainer.trained_models import TrainedModels
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.hardware import with_precision
from trainer.training.machine import Machine

if TYPE_CHECKING:
    from trainer.training.predictor import Predictor

_POLL_SECONDS = 1.0
"""How late ``wait`` may see what another process does with a run."""


@dataclass(frozen=True)
class Services:
    """What the workspaces of all owners share."""

    settings: Settings
    encoders: EncoderCatalogue
    runs: RunStore
    drafts: DraftCache
    scores: ScoreCache
    predictors: SingleFlightCache["Predictor"]
    queue: JobQueue
    machine: Machine


class Workspace:
    """The use cases of one owner."""

    def __init__(self, services: Services, owner: str) -> None:
        self._owner = owner
        self._settings = services.settings
        self._encoders = services.encoders
        self._runs = services.runs
        self._draft_cache = services.drafts
        self._queue = services.queue
        self._machine = services.machine
        self.drafts = Drafts(services.drafts, owner)
        self.editor = DraftEditor(services.drafts, owner)
        self.models = TrainedModels(services.settings, services.runs, services.predictors, owner)
        self.library = Library(services.settings, services.runs, self.models, services.scores, owner)
        self.storage = StorageManager(services.settings, services.runs, services.drafts, services.queue.admission, owner)

    # Before a training

    def inspect(self, path: str | Path, *, text_columns: Sequence[str] = (), label_column: str | None = None) -> Inspection:
        """Read one file, guess the columns that are not named, and check it also for the first encoder. Makes no draft."""
        limits = self._settings.file_limits
        encoder = self._encoders.info(self._encoders.default.name)
        return inspect_file(
            path,
            self._draft_cache.reader,
            text_columns=text_columns,
            label_column=label_column,
            encoder=encoder,
            max_classes=self._settings.max_classes,
            **limits,
        )

    def advise(self, draft_id: str, recipe: Recipe) -> Advice:
        """What depends on the encoder and on this machine: texts that are cut, their language, time and memory of a training."""
        encoder = self._encoders.get(recipe.encoder)
        return advise(self.drafts.get(draft_id), recipe, encoder, self._machine.hardware, self._machine.speeds.of)

    def recipe_for_level(self, draft_id: str | None, level: str, base: Recipe) -> tuple[Recipe, str]:
        """The recipe of one level ("Quick look", "Balanced", "Best") for a draft, and what was chosen, as a sentence."""
        prepared = None if draft_id is None else self.drafts.get(draft_id)
        return recipe_for_level(prepared, level, base, self._encoders.get(base.encoder), self._machine.hardware)

    def estimate_seconds(self, draft_id: str, recipe: Recipe) -> float | None:
        """Seconds that a training of a draft takes here; None while the machine or the encoder's tokenizer is not known."""
        encoder = self._encoders.get(recipe.encoder)
        return estimate_seconds(self.drafts.get(draft_id), recipe, encoder, self._machine.hardware, self._machine.speeds.of)

    # Runs

    def start(self, draft_id: str, recipe: Recipe, *, ignore_findings: bool = False, level: str = "") -> RunView:
        """Enqueue a training and return at once. Pressed twice for the same thing, there is one run. The draft's repairs become the recipe's.
        ``level`` is the preset level that the recipe belongs to, if any.

        Raises UserError if the file or the recipe does not allow a training, ``must_fix`` if a finding should be fixed first (not with
        ``ignore_findings``); nothing is left behind then.
        """
        self._settings.ensure_writable()
        encoder = self._encoders.get(recipe.encoder)
        prepared = self.drafts.get(draft_id)
        corpus = prepared.require_corpus()
        self._check_findings(prepared, ignore_findings=ignore_findings)
        splits = prepared.splits(recipe)
        if self._machine.hardware is not None:
            with_precision(self._machine.hardware, recipe.precision)
        recipe = replace(recipe, repairs=prepared.draft.repairs, encoder=encoder.name)
        resolved = recipe.resolved(train_rows=len(splits.train), learning_rate=encoder.learning_rate)
        advice = advise(prepared, recipe, encoder, self._machine.hardware, self._machine.speeds.of)
        with self._queue.admission:
            views = self._runs.list(self._owner)
            version = prepared.draft.version
            existing = self._live_run([view for view in views if not view.parent and view.draft == version], recipe)
            if existing is not None:
                return existing
            check_capacity(self._settings, views)

            def fill(folder: Path) -> None:
                self._draft_cache.store.copy_to_run(prepared.draft, folder)
                save_rows(folder / "data.parquet", corpus, splits)

            with disk_errors_as_user_error(self._settings):
                run = self._runs.create(
                    recipe=recipe,
                    resolved=resolved,
                    fill=fill,
                    name=friendly_name([view.name for view in views]),
                    owner=self._owner,
                    encoder_folder=encoder.source if encoder.is_custom else None,
                    base_model=encoder.repository or None,
                    draft=prepared.draft.version,
                    source_name=prepared.draft.main.name,
                    rows={"train": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)},
                    split_notes=list(splits.split_notes),
                    repairs=prepared.repaired.counts,
                    findings=_logged_findings(prepared, advice),
                    level=level or None,
                    forecast_seconds=advice.seconds,
                )
            self._queue.put(run.id)
        return self._runs.view(run)

    def train_files(
        self,
        sources: Mapping[str, tuple[str, Path | bytes]],
        recipe: Recipe,
        *,
        text_columns: Sequence[str] = (),
        label_column: str | None = None,
        ignore_findings: bool = False,
    ) -> RunView:
        """``drafts.open_files`` and ``start`` in one, for callers that prepare nothing by hand; leaves no draft behind.

        The recipe's repairs are done. Raises UserError ``must_fix`` if something else should be fixed first, as ``start`` does.
        """
        # Before the files are read, which takes longer than anything here.
        check_capacity(self._settings, self._runs.list(self._owner))
        draft = self.drafts.open_files(sources, text_columns=text_columns, label_column=label_column, repair_codes=recipe.repairs).draft
        try:
            return self.start(draft.id, recipe, ignore_findings=ignore_findings)
        finally:
            with suppress(OSError):
                self._draft_cache.store.remove(draft)

    def prepare_again(self, run_id: str) -> tuple[PreparedDraft, Recipe]:
        """Open a run's file as it was prepared for it, with the recipe that was requested, to train again with changes.

        Raises UserError ``run_damaged`` if the recipe, or the run's copy of its file, is damaged.
        """
        self._settings.ensure_writable()
        run = self._run(run_id)
        recipe = run.recipe()
        return self.drafts.open_from_run(run), recipe

    def stop(self, run_id: str) -> RunView:
        """Request that a run stops after its current step and keeps the best model so far; a waiting one leaves the queue."""
        run = self._run(run_id)
        was_queued = self._queue.discard(run_id)
        try:
            if (was_queued or self._is_orphaned(run)) and self._cancel(run):
                return self._runs.view(run)
            # The process that holds its lock, or gets it next, reads the request.
            if self._runs.view(run).live:
                with disk_errors_as_user_error(self._settings):
                    run.request_stop()
        finally:
            if was_queued and self._runs.view(run).status == "queued":
                self._queue.put(run_id)
            self._queue.notify()
        return self._runs.view(run)

    def resume(self, run_id: str, *, more_epochs: int = 0) -> RunView:
        """Resume a training from its last saved state, or train a finished one for more epochs; it waits for its turn like any other.

        A run that ended with a model keeps it: a child run continues, and its view is returned. Raises UserError if there is nothing to
        continue. Pressed twice, it continues once.
        """
        self._settings.ensure_writable()
        run = self._run(run_id)
        with self._queue.admission, exclusive_access(self._runs, run) as (view, lock):
            if view.live:
                if lock and view.status == "queued" and self._is_orphaned(run):
                    # It was made for this process, or the process that made it is gone.
                    run.clear_stop()
                    lock.close()
                    self._queue.put(run.id)
                return view
            epochs = epochs_after_resume(view, more_epochs)
            run.check(ROWS)
            run.resolved_recipe()
            pipeline.find_run_encoder(run, view, self._encoders)
            with disk_errors_as_user_error(self._settings):
                if view.status in ("finished", "stopped"):
                    run = self._child(run, view, epochs, more_epochs)
                else:
                    check_capacity(self._settings, self._runs.list(self._owner), new=False)
                    run.clear_stop()
                    run.log.append("queued", durable=True, texts_at_a_time=view.retry_texts_at_a_time)
            # Its turn may come at once.
            lock.close()
            self._queue.put(run.id)
        return self._runs.view(run)

    def delete(self, run_id: str) -> None:
        """Delete a run with everything in its folder and what ``storage.find_copies`` returns for it, at once and for good.

        UserError while it is training or waiting.
        """
        trash = self.library.move_to_trash(run_id)
        self.storage.delete_trash(trash)
        self.models.unload(run_id)

    def wait(self, run_id: str, seconds: float) -> RunView:
        """Sleep until the run has ended, ``seconds`` at most, and return its view."""
        deadline = time.monotonic() + seconds
        while True:
            changes = self._queue.changes
            view = self.library.view(run_id)
            left = deadline - time.monotonic()
            if not view.live or left <= 0:
                return view
            self._queue.wait(changes, min(left, _POLL_SECONDS))

    def change_token(self) -> str:
        """Changes whenever anything does that the page shows of runs; cheap enough to be called each second.

        What another process does to a run that is not live is seen within 20 calls.
        """
        return f"{self._runs.version(self._owner)}|{self._queue.changes}|{self._machine.hardware is None}"

    def queue_position(self, run_id: str) -> int | None:
        """How many runs of this server are trained before a waiting one; None if it is not waiting here."""
        return self._queue.position(run_id) if self._owns(run_id) else None

    def delay(self, run_id: str) -> Delay | None:
        """Why a waiting run of this server could not begin when it was its turn, and when it is tried again; None if nothing delays it."""
        return self._queue.delay(run_id) if self._owns(run_id) else None

    def _run(self, run_id: str) -> Run:
        return self._runs.get(run_id, self._owner)

    def _owns(self, run_id: str) -> bool:
        with suppress(UserError):
            return self._run(run_id).id == run_id
        return False

    def _is_orphaned(self, run: Run) -> bool:
        """Whether a waiting run is in no queue of this process and has no writer anywhere."""
        return not self._queue.has(run.id) and not is_being_written(run.path)

    def _check_findings(self, prepared: PreparedDraft, *, ignore_findings: bool) -> None:
        if prepared.blocking_findings and not ignore_findings:
            message = f"Something in the file should be fixed first. {' '.join(f.sentence for f in prepared.blocking_findings)}"
            raise MustFixError(message, repair_codes=tuple(f.code for f in prepared.blocking_findings if f.repairable))
        if ignore_findings:
            prepared.require_trainable(self._settings.max_classes)

    def _cancel(self, run: Run) -> bool:
        """Cancel a waiting run; False if it does not wait any more, or if another process holds its lock."""
        with maintenance_lock(run.path) as lock, disk_errors_as_user_error(self._settings):
            if lock is None or self._runs.view(run).status != "queued":
                return False
            pipeline.cancel(run)
        return True

    def _child(self, parent: Run, view: RunView, epochs: int | None, more_epochs: int) -> Run:
        """The run that continues a finished or stopped one; the one that waits or trains already, if there is one."""
        requested, resolved = (_with_epochs(recipe, epochs, view.epochs) for recipe in (parent.recipe(), parent.resolved_recipe()))
        views = self._runs.list(self._owner)
        existing = self._live_run([other for other in views if other.parent == view.id], requested)
        if existing is not None:
            return self._run(existing.id)
        check_capacity(self._settings, views)
        last, run_id = pipeline.require_checkpoint(Checkpoints(parent.checkpoints, parent.id), view.name, digest=None), random_id()
        return self._runs.create(
            recipe=requested,
            resolved=resolved,
            run_id=run_id,
            fill=lambda folder: child_run.copy_files(folder, run_id, parent, last),
            history=child_run.inherited_events(parent),
            name=friendly_name([other.name for other in views]),
            **child_run.created_fields(view, last, more_epochs),
        )

    def _live_run(self, views: Sequence[RunView], recipe: Recipe) -> RunView | None:
        """The run among these that waits or trains already for the same recipe: a double press starts one."""
        for view in views:
            with suppress(UserError):  # a damaged recipe concerns that run alone
                if view.live and not view.stop_requested and self._run(view.id).recipe() == recipe:
                    return view
        return None


def _with_epochs(recipe: Recipe, epochs: int | None, previous: int) -> Recipe:
    """A recipe for ``epochs`` epochs in all instead of ``previous``; None leaves it unchanged. Raises UserError if they are too many."""
    if epochs is None:
        return recipe
    # An encoder that was frozen throughout stays so. And a user who requests more epochs does not want them to be stopped early.
    frozen = epochs if recipe.frozen_epochs >= previous else recipe.frozen_epochs
    return replace(recipe, epochs=epochs, frozen_epochs=frozen, early_stopping=None)


def _logged_findings(prepared: PreparedDraft, advice: Advice) -> list[dict[str, Any]]:
    """The findings of a file, also with this encoder, as fields of an event, for everybody who looks at the run.

    What a training takes on this machine says nothing about the file.
    """
    findings = [f for f in (*prepared.findings, *advice.findings) if f.severity != "ok" and f.code != "estimate"]
    return [{"code": f.code, "severity": f.severity, "count": f.count, "message": f.sentence} for f in findings]
