"""Workspace: everything one owner can do: ``drafts``, ``editor``, ``library``, ``models``, ``storage``, ``jobs``, and what crosses them.

Made by ``Studio.for_owner``. Knows neither page nor terminal.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from trainer.atomic import remove_folder
from trainer.audit.apply_decisions import apply_decisions, require_unchanged_rows
from trainer.audit.decisions import Decisions
from trainer.created_fields import created_fields, decision_fields
from trainer.data.columns.label_form import AS_IT_LOOKS, LabelReading
from trainer.data.corpus import Corpus
from trainer.data.kept_columns import find_kept_columns
from trainer.data.rows import save_rows
from trainer.data.splits import Splits
from trainer.drafts.advice import Advice, advise, estimate_seconds, recipe_for_level
from trainer.drafts.drafts import Drafts
from trainer.drafts.editor import DraftEditor
from trainer.drafts.inspection import Inspection, inspect_file
from trainer.drafts.label_editor import LabelEditor
from trainer.drafts.preparation import PreparedDraft
from trainer.drafts.store import DraftStore
from trainer.errors import MustFixError, UnavailableError, UserError
from trainer.file_evaluations import FileEvaluations
from trainer.jobs.job import Job
from trainer.jobs.queue_limits import check_capacity, check_disk
from trainer.jobs.train.resume_training import find_live_run
from trainer.jobs.train.task_check import require_possible
from trainer.label_checks import LabelChecks
from trainer.label_corrections import LabelCorrections
from trainer.label_proof import LabelProof
from trainer.model_exports import ModelExports
from trainer.open_pages import OwnPages
from trainer.recipe import Recipe
from trainer.run_library import RunLibrary
from trainer.run_reports import RunReports
from trainer.runs.event_types import Created
from trainer.runs.names import friendly_name
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.services import Services
from trainer.settings import disk_errors_as_user_error
from trainer.shared_runs import Reader, SharedRuns
from trainer.similar_texts import SimilarTexts
from trainer.storage import StorageManager
from trainer.switches import Switches
from trainer.text_format import approximate_duration, file_size, pluralize
from trainer.trained_models import TrainedModels
from trainer.training.hardware import with_precision
from trainer.training.memory import used_memory_share
from trainer.users import user_of_owner
from trainer.whole_files import WholeFiles


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
        self._starts = services.starts
        self._after_deletion = services.after_deletion
        self.drafts = Drafts(services.drafts, owner, self._check_upload)
        self.editor = DraftEditor(services.drafts, owner)
        self.labels = LabelEditor(services.drafts, owner)
        self.models = TrainedModels(services.settings, services.runs, services.models, services.predictions, owner)
        self.library = RunLibrary(services.settings, services.runs, self.models, services.scores, owner)
        self.storage = StorageManager(
            services.settings,
            services.runs,
            services.drafts,
            self._queue.admission,
            owner,
            lambda: [job.folder for job in self.jobs.list_folders()],
        )
        self.reports = RunReports(services.settings, services.runs, self.library, services.encoders, services.scores, owner)
        self.jobs = services.runner.for_owner(owner, self._check_job)
        self.exports = ModelExports(services.settings, self.models, self.jobs)
        self.files = WholeFiles(services.jobs, self.models, self.jobs)
        self.similar = SimilarTexts(self.models, services.runs, services.models, self.jobs)
        self.evaluations = FileEvaluations(services.jobs, self.models, self.jobs)
        self.label_checks = LabelChecks(self.drafts, self.jobs)
        self.pages = OwnPages(services.pages, owner, services.settings.max_pages, services.settings.max_pages_in_all)
        self.take_download_place = partial(services.downloads.take, owner)
        self.shared = SharedRuns(services.settings, services.runs, self.models, partial(_reader, services, owner))
        self.corrections = LabelCorrections(self.drafts, self.labels, self.library)
        self.proof = LabelProof(services.runs, services.drafts, self.library, self.start, owner)

    @property
    def user(self) -> str:
        """The name of the owner, who is a user of a team; empty for any other owner."""
        return user_of_owner(self._owner)

    @property
    def has_work(self) -> bool:
        """Whether there are runs, opened files or results of the owner."""
        return bool(self.jobs.list() or self.drafts.summaries())

    # Before a training

    def inspect(
        self,
        path: str | Path,
        *,
        text_columns: Sequence[str] = (),
        label_column: str | tuple[str, ...] | None = None,
        part: str | None = None,
        reading: LabelReading = AS_IT_LOOKS,
    ) -> Inspection:
        """Read one file, or a part of it, guess the columns that are not named, and check it also for the first encoder. Makes no draft."""
        self._check_memory()
        limits = self._settings.file_limits
        encoder = self._encoders.info(self._encoders.default.name)
        return inspect_file(
            path,
            self._draft_cache.reader,
            text_columns=text_columns,
            label_column=label_column,
            part=part,
            reading=reading,
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

        Raises UserError if the file or the recipe does not allow a training, ``decided_folds`` if decisions would change what folds test, ``must_fix``
        if a finding should be fixed first (not with ``ignore_findings``); nothing is left behind then.
        """
        self._settings.ensure_writable()
        encoder = self._encoders.get(recipe.encoder)
        prepared = self.drafts.get(draft_id)
        prepared.require_corpus()
        self._check_findings(prepared, ignore_findings=ignore_findings)
        decisions = self.labels.state(draft_id).decisions if with_decisions else Decisions()
        corpus, splits = _decided_rows(prepared, recipe, decisions)
        if self._machine.hardware is not None:
            with_precision(self._machine.hardware, recipe.precision)
        recipe = replace(recipe, repairs=prepared.draft.repairs, encoder=encoder.name)
        resolved = recipe.resolved(
            train_rows=len(splits.train),
            learning_rate=encoder.learning_rate,
            pooling=encoder.pooling,
            classes=len(corpus.label_names),
            linear_start=corpus.task.linear_start,
        )
        advice = advise(prepared, recipe, encoder, self._machine.hardware, self._machine.speeds.of)
        with self._queue.admission:
            views = self._runs.list(self._owner)
            version = f"{prepared.draft.version}{decisions.version}"
            existing = find_live_run(self._runs, [view for view in views if not view.parent and view.draft == version], recipe)
            if existing is not None:
                return existing
            check_capacity(self._settings, views, self._runs.list_all())
            self._check_budgets()
            fill = partial(_fill_run, self._draft_cache.store, prepared, decisions, corpus, splits)
            created = Created(
                name=friendly_name([view.name for view in views]),
                owner=self._owner,
                level=level or None,
                draft=version,
                compared_with=compared_with or None,
                **created_fields(prepared, recipe, encoder, corpus, splits, advice),
                **decision_fields(prepared, recipe, decisions, corpus),
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
        label_column: str | tuple[str, ...] | None = None,
        part: str | None = None,
        reading: LabelReading = AS_IT_LOOKS,
        class_names: Mapping[str, str] | None = None,
        ignore_findings: bool = False,
    ) -> RunView:
        """``drafts.open_files`` and ``start`` in one, for callers that prepare nothing by hand; leaves no draft behind.

        The recipe's repairs are done. Raises UserError ``must_fix`` if something else should be fixed first, as ``start`` does.
        """
        # Before the files are read, which takes longer than anything here.
        check_capacity(self._settings, self._runs.list(self._owner), self._runs.list_all())
        draft = self.drafts.open_files(
            sources,
            text_columns=text_columns,
            label_column=label_column,
            part=part,
            repair_codes=recipe.repairs,
            reading=reading,
            class_names=class_names,
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
        run = self._runs.get(run_id, self._owner, to_read=True)
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
        return self._view_after(run_id, partial(self.jobs.resume, admit=self._check_budgets, more_epochs=more_epochs))

    def delete(self, run_id: str) -> None:
        """Delete a run with everything in its folder, the files that its model labelled and what ``storage.find_copies`` returns for it, at once and
        for good. An export of its model is stopped.

        UserError while it is training or waiting, and while a file is being labelled with its model.
        """
        self.files.refuse_live_jobs(run_id)
        self.similar.stop(run_id)
        self.exports.stop(run_id)
        trash = self.library.move_to_trash(run_id)
        self.storage.delete_trash(trash)
        self.models.unload(run_id)
        for job in self.files.of_run(run_id):
            self.files.remove(job.id)
        self.exports.remove_jobs(run_id)
        self.shared.forget(run_id)

    def delete_everything(self) -> bool:
        """Delete all runs, files and results of the owner for good. What is under way is stopped first: returns whether it has ended too, so
        that nothing is left; otherwise call it again."""
        jobs = self.jobs.list()
        for job in jobs:
            with suppress(UserError):
                if job.live:
                    self.jobs.stop(job.id)
        for draft in self.drafts.summaries():
            with suppress(UserError, OSError):
                self.drafts.remove(draft.id)
        for view in self.library.runs():
            with suppress(UserError, OSError):
                self.delete(view.id)
        for job in self.jobs.list_folders():
            if not job.live:
                remove_folder(job.folder)
        self.storage.delete_uploads()
        for forget in self._after_deletion:
            forget(self._owner)
        return not self.has_work

    def wait(self, run_id: str, seconds: float) -> RunView:
        """Sleep until the run has ended, as OwnerJobs.wait does, and return its view."""
        return self._view_after(run_id, partial(self.jobs.wait, seconds=seconds))

    def change_token(self) -> str:
        """Changes whenever anything does that the page shows of runs; cheap enough to be called each second.

        What another process does to a run that is not live is seen within 20 calls.
        """
        return f"{self._runs.version(self._owner)}|{self._queue.changes}|{self._machine.hardware is None}"

    def _check_budgets(self) -> None:
        """Raise UserError ``switched_off``, ``too_much_kept`` or ``too_many_starts`` if the owner may not start a training now."""
        settings = self._settings
        Switches(settings.runs_dir).check_trainings()
        self._check_kept()
        if seconds := self._starts.admit(self._owner, settings.max_starts_per_hour):
            raise UnavailableError(
                f"You have started {pluralize(settings.max_starts_per_hour, 'training')} in the last hour, as many as one visitor may. "
                f"The next can start in {approximate_duration(seconds)}; what you have prepared stays.",
                code="too_many_starts",
            )

    def _check_upload(self) -> None:
        """Raise UserError ``switched_off``, ``disk_full``, ``memory_full`` or ``too_much_kept`` if the owner may open no file now."""
        Switches(self._settings.runs_dir).check_uploads()
        # What each of many owners may keep fills it together.
        if self._settings.mode.separate_visitors:
            check_disk(self._settings, "opening a file")
        self._check_job()

    def _check_job(self) -> None:
        """Raise UserError ``memory_full`` or ``too_much_kept`` if the owner may start no job now."""
        self._check_memory()
        self._check_kept()

    def _check_memory(self) -> None:
        """Raise UserError ``memory_full`` if nothing should be read now."""
        limit = self._settings.max_memory_percent
        if limit and used_memory_share() * 100 > limit:
            raise UnavailableError(
                "The memory of this server is nearly full, so it reads nothing more at the moment. Try again in some minutes; what is running goes on.",
                code="memory_full",
            )

    def _check_kept(self) -> None:
        """Raise UserError ``too_much_kept`` if the owner's work takes all the space that it may have."""
        limit = self._settings.max_owner_bytes
        if limit and (kept := self.storage.kept_bytes()) >= limit:
            raise UnavailableError(
                f"Your files and runs take {file_size(kept)}; this server keeps at most {file_size(limit)} for one visitor. "
                "Delete what you do not need on the Runs tab.",
                code="too_much_kept",
            )

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


def _reader(services: Services, caller: str, owner: str) -> Reader:
    """What reads the runs of an ``owner`` for somebody else, the ``caller``."""
    models = TrainedModels(services.settings, services.runs, services.models, services.predictions, owner, caller=caller)
    return Reader(Workspace(services, owner).reports, models)


def _decided_rows(prepared: PreparedDraft, recipe: Recipe, decisions: Decisions) -> tuple[Corpus, Splits]:
    """The rows that a training gets. Raises UserError ``not_for_this_task``, ``decided_folds`` and what ``apply_decisions`` raises."""
    require_possible(recipe, prepared.require_corpus().task)
    rows = prepared.require_corpus(), prepared.splits(recipe)
    if recipe.folds is not None:
        require_unchanged_rows(*rows, decisions)
    return apply_decisions(*rows, decisions)


def _fill_run(store: DraftStore, prepared: PreparedDraft, decisions: Decisions, corpus: Corpus, splits: Splits, folder: Path) -> None:
    """Write into a run's folder what its training learns from: the file as it was uploaded, the decisions on its labels, and the rows."""
    columns = prepared.columns
    log = store.decisions_path(prepared.draft, columns.label, corpus.task) if decisions.version and columns is not None else None
    store.copy_to_run(prepared.draft, folder, decisions=log)
    used = set() if columns is None else {columns.text, *columns.label_columns, *columns.extra_text_columns}
    save_rows(folder / "data.parquet", corpus, splits, find_kept_columns(prepared.table, used, corpus))
