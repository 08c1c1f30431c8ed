"""Workspace: everything one owner can do: ``drafts``, ``editor``, ``library``, ``models``, ``storage``, ``jobs``, and what crosses them.

Made by ``Studio.for_owner``. Knows neither page nor terminal.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.audit.apply_decisions import apply_decisions, count_decisions
from trainer.audit.decisions import Decisions
from trainer.cache import SingleFlightCache
from trainer.check import count_checks, found
from trainer.data.rows import save_rows
from trainer.data.splits import Splits
from trainer.drafts.advice import Advice, advise, estimate_seconds, recipe_for_level
from trainer.drafts.draft_cache import DraftCache
from trainer.drafts.drafts import Drafts
from trainer.drafts.editor import DraftEditor
from trainer.drafts.inspection import Inspection, inspect_file
from trainer.drafts.label_editor import LabelEditor
from trainer.drafts.preparation import PreparedDraft
from trainer.errors import MustFixError, UserError
from trainer.jobs.job import Job
from trainer.jobs.job_type import JobServices
from trainer.jobs.queue_limits import check_capacity
from trainer.jobs.runner import JobRunner
from trainer.jobs.train.resume_training import find_live_run
from trainer.label_checks import LabelChecks
from trainer.label_proof import LabelProof
from trainer.recipe import Recipe
from trainer.run_library import RunLibrary, ScoreCache
from trainer.runs.event_types import Created, RecordedCounts, RecordedFinding
from trainer.runs.names import friendly_name
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.settings import Settings, disk_errors_as_user_error
from trainer.storage import StorageManager
from trainer.trained_models import TrainedModels
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoders import Encoder
from trainer.training.hardware import with_precision
from trainer.training.machine import Machine
from trainer.whole_files import WholeFiles

if TYPE_CHECKING:
    from trainer.training.predictor import Predictor


@dataclass(frozen=True)
class Services:
    """What the workspaces of all owners share."""

    settings: Settings
    encoders: EncoderCatalogue
    runs: RunStore
    drafts: DraftCache
    scores: ScoreCache
    predictors: SingleFlightCache["Predictor"]
    runner: JobRunner
    machine: Machine
    jobs: JobServices


class Workspace:
    """The use cases of one owner."""

    def __init__(self, services: Services, owner: str) -> None:
        self._owner = owner
        self._settings = services.settings
        self._encoders = services.encoders
        self._runs = services.runs
        self._draft_cache = services.drafts
        self._queue = services.runner.queue
        self._machine = services.machine
        self.drafts = Drafts(services.drafts, owner)
        self.editor = DraftEditor(services.drafts, owner)
        self.labels = LabelEditor(services.drafts, owner)
        self.models = TrainedModels(services.settings, services.runs, services.predictors, owner)
        self.library = RunLibrary(services.settings, services.runs, self.models, services.scores, owner)
        self.storage = StorageManager(
            services.settings,
            services.runs,
            services.drafts,
            self._queue.admission,
            owner,
            lambda: [job.folder for job in self.jobs.list_folders()],
        )
        self.jobs = services.runner.for_owner(owner)
        self.files = WholeFiles(services.jobs, self.models, self.jobs)
        self.label_checks = LabelChecks(self.drafts, self.jobs)
        self.proof = LabelProof(services.runs, services.drafts, self.library, self.start, owner)

    # Before a training

    def inspect(
        self, path: str | Path, *, text_columns: Sequence[str] = (), label_column: str | None = None, part: str | None = None
    ) -> Inspection:
        """Read one file, or a part of it, guess the columns that are not named, and check it also for the first encoder. Makes no draft."""
        limits = self._settings.file_limits
        encoder = self._encoders.info(self._encoders.default.name)
        return inspect_file(
            path,
            self._draft_cache.reader,
            text_columns=text_columns,
            label_column=label_column,
            part=part,
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

    def start(
        self,
        draft_id: str,
        recipe: Recipe,
        *,
        ignore_findings: bool = False,
        level: str = "",
        with_decisions: bool = True,
        compared_with: str = "",
    ) -> RunView:
        """Enqueue a training and return at once. Pressed twice for the same thing, there is one run. The draft's repairs become the recipe's.
        ``level`` is the preset level that the recipe belongs to, if any. The decisions on the draft's labels are done, except without
        ``with_decisions``; ``compared_with`` is the run that is to show whether they helped.

        Raises UserError if the file or the recipe does not allow a training, ``must_fix`` if a finding should be fixed first (not with
        ``ignore_findings``); nothing is left behind then.
        """
        self._settings.ensure_writable()
        encoder = self._encoders.get(recipe.encoder)
        prepared = self.drafts.get(draft_id)
        prepared.require_corpus()
        self._check_findings(prepared, ignore_findings=ignore_findings)
        decisions = self.labels.state(draft_id).decisions if with_decisions else Decisions()
        corpus, splits = apply_decisions(prepared.require_corpus(), prepared.splits(recipe), decisions)
        if self._machine.hardware is not None:
            with_precision(self._machine.hardware, recipe.precision)
        recipe = replace(recipe, repairs=prepared.draft.repairs, encoder=encoder.name)
        resolved = recipe.resolved(
            train_rows=len(splits.train), learning_rate=encoder.learning_rate, pooling=encoder.pooling, classes=len(corpus.label_names)
        )
        advice = advise(prepared, recipe, encoder, self._machine.hardware, self._machine.speeds.of)
        with self._queue.admission:
            views = self._runs.list(self._owner)
            version = f"{prepared.draft.version}{decisions.version}"
            existing = find_live_run(self._runs, [view for view in views if not view.parent and view.draft == version], recipe)
            if existing is not None:
                return existing
            check_capacity(self._settings, views)

            def fill(folder: Path) -> None:
                store, columns = self._draft_cache.store, prepared.columns
                log = store.decisions_path(prepared.draft, columns.label) if decisions.version and columns is not None else None
                store.copy_to_run(prepared.draft, folder, decisions=log)
                save_rows(folder / "data.parquet", corpus, splits)

            created = Created(
                name=friendly_name([view.name for view in views]),
                owner=self._owner,
                level=level or None,
                draft=version,
                compared_with=compared_with or None,
                **_created_fields(prepared, encoder, splits, advice),
                **_decision_fields(prepared, recipe, decisions),
            )
            with disk_errors_as_user_error(self._settings):
                run = self._runs.create(recipe=recipe, resolved=resolved, fill=fill, created=created)
            self._queue.put(run.id)
        return self._runs.view(run)

    def train_files(
        self,
        sources: Mapping[str, tuple[str, Path | bytes]],
        recipe: Recipe,
        *,
        text_columns: Sequence[str] = (),
        label_column: str | None = None,
        part: str | None = None,
        ignore_findings: bool = False,
    ) -> RunView:
        """``drafts.open_files`` and ``start`` in one, for callers that prepare nothing by hand; leaves no draft behind.

        The recipe's repairs are done. Raises UserError ``must_fix`` if something else should be fixed first, as ``start`` does.
        """
        # Before the files are read, which takes longer than anything here.
        check_capacity(self._settings, self._runs.list(self._owner))
        draft = self.drafts.open_files(
            sources, text_columns=text_columns, label_column=label_column, part=part, repair_codes=recipe.repairs
        ).draft
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
        return self._view_after(run_id, self.jobs.stop)

    def resume(self, run_id: str, *, more_epochs: int = 0) -> RunView:
        """Resume a training from its last saved state, or train a finished one for more epochs; it waits for its turn like any other.

        A run that ended with a model keeps it: a child run continues, and its view is returned. Raises UserError if there is nothing to
        continue. Pressed twice, it continues once.
        """
        return self._view_after(run_id, partial(self.jobs.resume, more_epochs=more_epochs))

    def delete(self, run_id: str) -> None:
        """Delete a run with everything in its folder and what ``storage.find_copies`` returns for it, at once and for good.

        UserError while it is training or waiting.
        """
        trash = self.library.move_to_trash(run_id)
        self.storage.delete_trash(trash)
        self.models.unload(run_id)

    def wait(self, run_id: str, seconds: float) -> RunView:
        """Sleep until the run has ended, ``seconds`` at most, and return its view."""
        return self._view_after(run_id, partial(self.jobs.wait, seconds=seconds))

    def change_token(self) -> str:
        """Changes whenever anything does that the page shows of runs; cheap enough to be called each second.

        What another process does to a run that is not live is seen within 20 calls.
        """
        return f"{self._runs.version(self._owner)}|{self._queue.changes}|{self._machine.hardware is None}"

    def _run(self, run_id: str) -> Run:
        return self._runs.get(run_id, self._owner)

    def _view_after(self, run_id: str, act: Callable[[str], Job]) -> RunView:
        """The view of the run that ``act`` returns as a job. UserError ``unknown_run`` if the run is gone, even if it is deleted meanwhile."""
        run = self._run(run_id)
        try:
            job = act(run.id)
        except UserError:
            self._run(run_id)
            raise
        return self._runs.view(self._run(job.id))

    def _check_findings(self, prepared: PreparedDraft, *, ignore_findings: bool) -> None:
        if prepared.blocking_findings and not ignore_findings:
            message = f"Something in the file should be fixed first. {' '.join(f.sentence for f in prepared.blocking_findings)}"
            raise MustFixError(message, repair_codes=tuple(f.code for f in prepared.blocking_findings if f.repairable))
        if ignore_findings:
            prepared.require_trainable(self._settings.max_classes)


def _created_fields(prepared: PreparedDraft, encoder: Encoder, splits: Splits, advice: Advice) -> dict[str, Any]:
    """What a run's event ``created`` records of its file and its encoder."""
    # What a training takes on this machine says nothing about the file.
    checks = [check for check in (*prepared.checks, *advice.checks) if check.code != "estimate"]
    return {
        "encoder_folder": encoder.source if encoder.is_custom else None,
        "base_model": encoder.repository or None,
        "source_name": prepared.draft.main.name,
        "source_part": prepared.table.part if prepared.table.parts else None,
        "rows": {"train": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)},
        "split_notes": splits.split_notes,
        "repairs": prepared.repaired.counts,
        "findings": tuple(map(RecordedFinding.of, found(checks))),
        "checks": RecordedCounts.of(count_checks(checks)),
        "task": prepared.require_corpus().task.key,
        "forecast_seconds": advice.seconds,
    }


def _decision_fields(prepared: PreparedDraft, recipe: Recipe, decisions: Decisions) -> dict[str, Any]:
    """What a run's event ``created`` records of the decisions on its labels."""
    counts = count_decisions(prepared.require_corpus(), decisions, prepared.splits(recipe))
    done = {name: getattr(counts, name) for name in ("changed", "dropped", "test_changed", "test_dropped")}
    return {
        "decisions": done if any(done.values()) else None,
        "class_names": decisions.renamed or None,
        "definitions": decisions.definitions or None,
    }
