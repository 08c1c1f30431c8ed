"""Studio: everything a person can do, for the page and the terminal alike: prepare, start, stop, look, predict, take away.

Owns the one training thread and its queue; knows no component of the page. Every call takes the owner.
"""

import gc
import shutil
import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainer.atomic import REMOVED, remove_folder
from trainer.data.reader.file_reader import FileReader, TableReader
from trainer.data.rows import save_rows
from trainer.drafts.advice import Advice, advise, estimate_seconds, recipe_for_level
from trainer.drafts.copies import Copies, find_copies, remove_copies, sources_in
from trainer.drafts.editor import DraftEditor, disk_errors_as_user_error
from trainer.drafts.preparation import PreparedDraft
from trainer.errors import MustFixError, UserError
from trainer.jobs import pipeline
from trainer.jobs.capacity import check_capacity
from trainer.jobs.queue import Delay, Queue
from trainer.jobs.torchrun import OUTPUT, train_in_processes
from trainer.library import Shelf
from trainer.recipe import Recipe
from trainer.runs import child_run
from trainer.runs.checkpoints import Checkpoints
from trainer.runs.damage import ROWS
from trainer.runs.names import friendly_name
from trainer.runs.resume import epochs_after_resume
from trainer.runs.run import Run, new_run_id
from trainer.runs.storage import (
    DraftStorage,
    Files,
    Storage,
    checkpoint_files,
    files_on_disk,
    remove_older,
    run_storage,
    runs_over_limit,
    total_bytes,
)
from trainer.runs.view import RunView
from trainer.runs.writer_lock import is_being_written, maintenance_lock
from trainer.settings import LOCAL_OWNER, Settings
from trainer.training.distributed import ProcessGroup
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoders import Encoder
from trainer.training.hardware import Hardware, detect_hardware, with_precision
from trainer.training.libraries import load_training_libraries
from trainer.training.speed import SpeedMeter

_HALF_MADE_SECONDS = 600
_LOOK_SECONDS = 1.0
"""What another process does with a run is seen so late by whoever waits for its end."""
_UPLOAD_SECONDS = 3600
"""Gradio copies an upload when it arrives, and a page reads it soon after."""
_ENDS = ("finished", "stopped", "failed", "cancelled")

_PROCESSES_FAILED = (
    "One of the processes that share the training has failed. Train it again: it goes on from what was saved last. If it fails once more, "
    f"the file {OUTPUT} of the run's folder tells why to whoever looks after this program."
)


class Studio(DraftEditor, Shelf):
    """All jobs over one runs folder: a desk with a training thread and what was trained. Two studios on one folder do not hurt each other: each run has one writer."""

    def __init__(self, settings: Settings, *, encoders: Iterable[Encoder] | None = None, reader: TableReader | None = None) -> None:
        """``reader``: what reads files; without one, the studio has its own, which ends with ``close``."""
        self._own_reader = FileReader() if reader is None else None
        DraftEditor.__init__(self, settings, self._own_reader if reader is None else reader)
        Shelf.__init__(self, settings)
        self.encoders = EncoderCatalogue(encoders)
        self._starting = threading.Lock()
        """Held while a run is made, so that a double press makes one; never by what the page asks each second."""
        self._queue = Queue(self._take_turn)
        self.hardware: Hardware | None = None
        """What will do the work; None until ``warm_up`` has looked."""
        self._speeds = SpeedMeter()
        self._made = time.time()

    # Before a training

    def advise(self, owner: str, draft_id: str, recipe: Recipe) -> Advice:
        """What depends on the encoder and on this machine: texts that are cut, their language, time and memory of a training."""
        encoder = self.encoders.get(recipe.encoder)
        return advise(self.prepared_draft(owner, draft_id), recipe, encoder, self.hardware, self._speeds.of)

    def recipe_for_level(self, owner: str, draft_id: str | None, level: str, base: Recipe) -> tuple[Recipe, str]:
        """The recipe of one level ("Quick look", "Balanced", "Best") for what is prepared, and what was chosen in words."""
        preparation = None if draft_id is None else self.prepared_draft(owner, draft_id)
        return recipe_for_level(preparation, level, base, self.encoders.get(base.encoder), self.hardware)

    def forecast(self, owner: str, draft_id: str, recipe: Recipe) -> float | None:
        """Seconds that a training of what is prepared takes here; None while the machine or the encoder's tokenizer is not known."""
        encoder = self.encoders.get(recipe.encoder)
        return estimate_seconds(self.prepared_draft(owner, draft_id), recipe, encoder, self.hardware, self._speeds.of)

    # Runs

    def start(self, owner: str, draft_id: str, recipe: Recipe, *, as_it_is: bool = False, level: str = "") -> RunView:
        """Enqueue a training and return at once. Pressed twice for the same thing, there is one run. The draft's repairs become the recipe's.
        ``level`` is that of the dial, if the recipe is one of them.

        Raises UserError where the file or the recipe does not allow a training, ``must_fix`` where a finding should be fixed first (not with
        ``as_it_is``); nothing is left behind then.
        """
        self.settings.ensure_writable()
        encoder = self.encoders.get(recipe.encoder)
        preparation = self.prepared_draft(owner, draft_id)
        corpus = preparation.require_corpus()
        if preparation.blocking_findings and not as_it_is:
            message = f"Something in the file should be fixed first. {' '.join(f.sentence for f in preparation.blocking_findings)}"
            raise MustFixError(message, repairs=tuple(f.code for f in preparation.blocking_findings if f.repairable))
        if as_it_is:
            preparation.require_trainable(self.settings.max_classes)
        splits = preparation.splits(recipe)
        if self.hardware is not None:
            with_precision(self.hardware, recipe.precision)
        recipe = replace(recipe, repairs=preparation.draft.repairs, encoder=encoder.name)
        resolved = recipe.resolved(train_rows=len(splits.train), learning_rate=encoder.learning_rate)
        advice = advise(preparation, recipe, encoder, self.hardware, self._speeds.of)
        with self._starting:
            views = self._runs.list(owner)
            version = preparation.draft.version
            again = self._asked_again([view for view in views if not view.parent and view.draft == version], recipe)
            if again is not None:
                return again
            check_capacity(self.settings, views)

            def fill(folder: Path) -> None:
                self._drafts.copy_to_run(preparation.draft, folder)
                save_rows(folder / "data.parquet", corpus, splits)

            with disk_errors_as_user_error(self.settings):
                run = self._runs.create(
                    recipe=recipe,
                    resolved=resolved,
                    fill=fill,
                    name=friendly_name([view.name for view in views]),
                    owner=owner,
                    encoder_folder=encoder.source if encoder.is_custom else None,
                    base_model=encoder.repository or None,
                    draft=preparation.draft.version,
                    source_name=preparation.draft.main.name,
                    rows={"train": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)},
                    notices=list(splits.split_notes),
                    repairs=preparation.repaired.counts,
                    findings=_odd(preparation, advice),
                    level=level or None,
                    forecast_seconds=advice.seconds,
                )
            self._enqueue(run)
        return self._runs.view(run)

    def train_files(
        self,
        owner: str,
        sources: Mapping[str, tuple[str, Path | bytes]],
        recipe: Recipe,
        *,
        text: Sequence[str] = (),
        label: str | None = None,
        as_it_is: bool = False,
    ) -> RunView:
        """``open_files`` and ``start`` in one, for callers that prepare nothing by hand; leaves no draft behind.

        The recipe's repairs are done. Raises UserError ``must_fix`` where something else should be fixed first, as ``start`` does.
        """
        # Before the files are read, which takes longer than anything here.
        check_capacity(self.settings, self._runs.list(owner))
        draft = self.open_files(owner, sources, text=text, label=label, repairs=recipe.repairs).draft
        try:
            return self.start(owner, draft.id, recipe, as_it_is=as_it_is)
        finally:
            with suppress(OSError):
                self._drafts.remove(draft)

    def prepare_again(self, owner: str, run_id: str) -> tuple[PreparedDraft, Recipe]:
        """A run's file as it was prepared for it, open again, and the recipe that was asked for: to train again with changes.

        Raises UserError ``run_damaged`` where the recipe, or what the run keeps of its file, is damaged.
        """
        self.settings.ensure_writable()
        run = self._run(owner, run_id)
        recipe = run.recipe()
        return self.open_from_run(owner, run), recipe

    def stop(self, owner: str, run_id: str) -> RunView:
        """Ask a run to end after its current step and keep the best model so far; a waiting one leaves the queue."""
        run = self._run(owner, run_id)
        waited = self._queue.discard(run_id)
        try:
            if (waited or self._is_nobodys(run)) and self._cancel(run):
                return self._runs.view(run)
            # Whoever has its lock, or gets it next, finds the wish.
            if self._runs.view(run).live:
                with disk_errors_as_user_error(self.settings):
                    run.ask_to_stop()
        finally:
            if waited and self._runs.view(run).status == "queued":
                self._queue.put(run_id)
            self._queue.tell()
        return self._runs.view(run)

    def _cancel(self, run: Run) -> bool:
        """Take a run that nobody trains out of the queue for good; False where it does not wait, or somebody has its lock."""
        with maintenance_lock(run.path) as held, disk_errors_as_user_error(self.settings):
            if held is None or self._runs.view(run).status != "queued":
                return False
            pipeline.cancel(run)
        return True

    def resume(self, owner: str, run_id: str, *, more_epochs: int = 0) -> RunView:
        """Let a training go on from its last saved state, or one that is finished for more epochs; it waits for its turn like any other.

        A run that ended with a model keeps it: a child run goes on, and its view is returned. Raises UserError where there is nothing to go
        on with. Pressed twice, it goes on once.
        """
        self.settings.ensure_writable()
        run = self._run(owner, run_id)
        with self._starting, self._alone_with(run) as (view, alone):
            if view.live:
                if alone and view.status == "queued" and self._is_nobodys(run):
                    # It was made for this process, or whoever made it is gone.
                    run.withdraw_stop()
                    alone.close()
                    self._enqueue(run)
                return view
            epochs = epochs_after_resume(view, more_epochs)
            run.check(ROWS)
            run.resolved_recipe()
            pipeline.find_run_encoder(run, view, self.encoders)
            with disk_errors_as_user_error(self.settings):
                if view.status in ("finished", "stopped"):
                    run = self._child(run, view, epochs, more_epochs)
                else:
                    check_capacity(self.settings, self._runs.list(owner), new=False)
                    run.withdraw_stop()
                    run.log.append("queued", durable=True, texts_at_a_time=view.fewer_texts)
            # Its turn may come at once.
            alone.close()
            self._enqueue(run)
        return self._runs.view(run)

    def _child(self, parent: Run, view: RunView, epochs: int | None, more_epochs: int) -> Run:
        """The run that goes on where a finished or stopped one ended, in the queue; the one that waits or trains already, if there is one."""
        asked, resolved = (_for_epochs(recipe, epochs, view.epochs) for recipe in (parent.recipe(), parent.resolved_recipe()))
        views = self._runs.list(view.owner)
        again = self._asked_again([other for other in views if other.parent == view.id], asked)
        if again is not None:
            return self._run(view.owner, again.id)
        check_capacity(self.settings, views)
        last, run_id = pipeline.require_checkpoint(Checkpoints(parent.checkpoints, parent.id), view.name, digest=None), new_run_id()
        return self._runs.create(
            recipe=asked,
            resolved=resolved,
            run_id=run_id,
            fill=lambda folder: child_run.fill(folder, run_id, parent, last),
            history=child_run.history(parent),
            name=friendly_name([other.name for other in views]),
            **child_run.facts(view, last, more_epochs),
        )

    def _asked_again(self, views: Sequence[RunView], recipe: Recipe) -> RunView | None:
        """The run among these that waits or trains already for the same recipe: pressed twice, there is one."""
        for view in views:
            with suppress(UserError):  # a damaged recipe is that run's trouble
                if view.live and not view.stop_asked and self._run(view.owner, view.id).recipe() == recipe:
                    return view
        return None

    def copies(self, owner: str, run_ids: Collection[str]) -> Copies:
        """What is deleted together with runs, and where the files that they learnt from stay."""
        folders = [self._run(owner, run_id).path for run_id in run_ids]
        return find_copies(folders, self._drafts, self._others(owner, run_ids), owner)

    def _remove_for_good(self, folder: Path, owner: str) -> None:
        with self._editing, suppress(OSError, UserError):
            for draft in find_copies([folder], self._drafts, self._others(owner, ()), owner).going:
                self._forget(draft)
            remove_copies(self.settings.uploads_dir, sources_in(folder))
        # Last: until then the next start knows what to look for.
        super()._remove_for_good(folder, owner)

    def _others(self, owner: str, run_ids: Collection[str]) -> list[Run]:
        return [Run(self.settings.runs_dir / view.id) for view in self._runs.list(owner) if view.id not in run_ids]

    def storage(self, owner: str) -> Storage:
        """What the owner's runs and drafts take of the disk, and the page's copies of uploads."""
        runs, drafts = self._runs.list(owner), self.drafts(owner)
        folders = [self.settings.runs_dir / view.id for view in runs] + [self._drafts.root / draft.id for draft in drafts]
        uploads = files_on_disk(self.settings.uploads_dir)
        return Storage(
            total=total_bytes(uploads, *map(files_on_disk, folders)),
            runs=tuple(run_storage(Run(self.settings.runs_dir / view.id), view.name) for view in runs),
            drafts=tuple(DraftStorage(draft.id, draft.name, draft.bytes) for draft in drafts),
            uploads=total_bytes(uploads),
            free=shutil.disk_usage(self.settings.runs_dir).free,
            checkpoints=total_bytes(*(files for _, files in self._checkpoints(runs))),
            limit=self.settings.checkpoint_bytes,
            leaving=self.leaving(owner),
        )

    def leaving(self, owner: str) -> tuple[str, ...]:
        """The ids of the runs whose checkpoints go when the next training ends, as all of them together take more than the settings allow.

        Whatever end a training had, those of the oldest go first; one that was interrupted has not ended.
        """
        return runs_over_limit(self.settings.checkpoint_bytes, self._checkpoints(self._runs.list(owner)))

    def _checkpoints(self, views: Sequence[RunView]) -> list[tuple[str, Files]]:
        """The checkpoints of the runs that ended, the last one first."""
        ended = sorted((v for v in views if v.status in _ENDS), key=lambda v: v.ended or v.created, reverse=True)
        return [(view.id, checkpoint_files(Run(self.settings.runs_dir / view.id))) for view in ended]

    def free_checkpoints(self, owner: str, run_id: str) -> str:
        """Remove the states from which a run could be trained further; what became of it, in a sentence. Its model stays.

        Raises UserError where the run is live or its states are all that there is of its training.
        """
        run = self._run(owner, run_id)
        view = self._runs.view(run)
        if view.live:
            doing = "is training" if view.status == "running" else "waits in the queue"
            raise UserError(f"{view.name} {doing} and needs its checkpoints. Stop it first.", code="run_is_live")
        if view.status == "interrupted" or not view.has_model:
            raise UserError(
                f"{view.name} has only its checkpoints to go on from: without them its training would be lost. "
                "Resume it, or delete the whole run if you do not need it.",
                code="states_needed",
            )
        if not self._remove_states(run, (*_ENDS, "damaged")):
            raise UserError(f"{view.name} has just been put to work again, so its checkpoints stay.", code="run_is_live")
        return f"{view.name} can no longer be trained further. Its model, its scores and its curves stay."

    def clear_uploads(self) -> int:
        """Remove the page's copies of uploads that are older than an hour: drafts and runs have their own. Returns the bytes removed."""
        return remove_older(self.settings.uploads_dir, time.time() - _UPLOAD_SECONDS)

    def token(self, owner: str) -> str:
        """Changes whenever anything that the page shows of runs does; cheap enough to ask each second.

        What another process does to a run that is not live is seen within 20 calls.
        """
        return f"{self._runs.version(owner)}|{self._queue.changes}|{self.hardware is None}"

    def waiting_before(self, run_id: str) -> int | None:
        """How many runs of this server come before a waiting one; None where it is not waiting here."""
        return self._queue.before(run_id)

    def delay(self, run_id: str) -> Delay | None:
        """Why a waiting run of this server could not begin when it was its turn, and when it is tried again; None where nothing is in its way."""
        return self._queue.delay(run_id)

    def recover(self) -> None:
        """At a server's start: put runs that were waiting back into the queue, first in, first out; clear folders half made or half removed,
        and copies of uploads that a server before this one has left."""
        for folder in self.settings.runs_dir.glob(f"{REMOVED}*"):
            self._remove_for_good(folder, LOCAL_OWNER)
        long_ago = time.time() - _HALF_MADE_SECONDS
        for folder in self.settings.runs_dir.glob(".new-*"):
            # A young one may be another process's, still being filled.
            with suppress(OSError):
                if folder.stat().st_mtime < long_ago:
                    shutil.rmtree(folder, ignore_errors=True)
        self._drafts.sweep(long_ago)
        # No page of this server has come by one of these.
        remove_older(self.settings.uploads_dir, self._made)
        for view in sorted(self._runs.list(LOCAL_OWNER), key=lambda v: (v.queued, v.created)):
            if view.status == "queued":
                self._enqueue(Run(self.settings.runs_dir / view.id))

    def wait(self, owner: str, run_id: str, seconds: float) -> RunView:
        """Sleep until the run is over, ``seconds`` at most, and return what is known then."""
        until = time.monotonic() + seconds
        while True:
            seen = self._queue.changes
            view = self.view(owner, run_id)
            left = until - time.monotonic()
            if not view.live or left <= 0:
                return view
            self._queue.wait(seen, min(left, _LOOK_SECONDS))

    def close(self) -> None:
        """Ask the current run to stop and end the training thread after it; what has not begun goes on waiting, for the next server."""
        if self._own_reader is not None:
            self._own_reader.close()
        busy = self._queue.close()
        if busy is None:
            self._queue.join()
            return
        run = Run(self.settings.runs_dir / busy)
        before = self._runs.view(run)
        with suppress(OSError):  # its folder may have been removed
            run.ask_to_stop()
        self._queue.join()
        if before.live and not before.stop_asked:
            with suppress(OSError):
                self._leave_waiting(run, before)

    def _leave_waiting(self, run: Run, before: RunView) -> None:
        """A run that came to its first step no more, because the server ended, waits for the next one: nobody else has asked for its stop."""
        with maintenance_lock(run.path) as held:
            taken_out = [event["kind"] for event in run.log.read()][-1:] == ["cancelled"]
            if held is None or not (taken_out or self._runs.view(run).status == "queued"):
                return
            run.withdraw_stop()
            if taken_out:
                run.log.append("queued", durable=True, texts_at_a_time=before.texts_at_a_time)

    def warm_up(self) -> None:
        """Load what takes seconds (torch, transformers, a process that reads files) in the background: the page opens first, and Start is quick.

        The machine's speed is measured then, and trainings wait for that: call it before ``recover``.
        """
        if self._own_reader is not None:
            self._own_reader.start()
        nothing_trains = self._speeds.reserve()

        def load() -> None:
            hardware = None
            try:
                hardware = detect_hardware()
            finally:
                if nothing_trains:
                    self._speeds.measure_all(hardware)
            # Only now: the page asks for estimates as soon as it is known.
            self.hardware = hardware
            load_training_libraries()
            import sklearn.feature_extraction.text
            import sklearn.linear_model  # noqa: F401

            # What was imported stays. Without it a search for garbage, with which each training ends, takes a tenth of its half second.
            gc.freeze()

        threading.Thread(target=load, name="warm-up", daemon=True).start()

    # The training thread

    def _enqueue(self, run: Run) -> None:
        self._queue.put(run.id)

    def _is_nobodys(self, run: Run) -> bool:
        """Whether no queue of this process and no writer anywhere has a run that waits."""
        return not self._queue.has(run.id) and not is_being_written(run.path)

    def _train(self, run: Run) -> None:
        """In this thread or, where several GPUs can share the work, in processes of their own."""
        process_group = ProcessGroup.from_environment()
        processes = 1 if process_group.world_size > 1 else self.settings.processes or (self.hardware or detect_hardware()).devices
        if processes < 2:
            pipeline.run_job(run, self.encoders, save_seconds=self.settings.save_seconds)
        elif not train_in_processes(run, processes, save_seconds=self.settings.save_seconds):
            self._end_for_others(run)

    def _end_for_others(self, run: Run) -> None:
        """Write the end of a run whose processes have failed without a word. One that was to stop did not fail: it never began, or was interrupted."""
        with maintenance_lock(run.path) as held:
            view = self._runs.view(run)
            if held is None or view.status not in ("queued", "interrupted"):
                return
            if not run.stop_asked():
                run.log.append("failed", durable=True, message=_PROCESSES_FAILED, code="unexpected")
            elif view.status == "queued":
                pipeline.cancel(run)

    def _tidy_states(self, just_ended: str) -> None:
        """Remove the checkpoints that ``leaving`` has told of since before the training that has just ended."""
        views = [view for view in self._runs.list(LOCAL_OWNER) if view.id != just_ended]
        for run_id in runs_over_limit(self.settings.checkpoint_bytes, self._checkpoints(views)):
            self._remove_states(Run(self.settings.runs_dir / run_id), _ENDS)

    def _remove_states(self, run: Run, statuses: Collection[str]) -> bool:
        """Remove the checkpoints of a run that has one of these statuses; whether it still had."""
        # Somebody may just now have asked for more epochs.
        with self._starting, maintenance_lock(run.path) as held:
            if held is None or self._runs.view(run).status not in statuses:
                return False
            if run.checkpoints.is_dir():
                # All at once: half of them would pass for damaged ones.
                remove_folder(run.checkpoints, aside=self.settings.runs_dir)
        return True

    def _take_turn(self, run_id: str) -> str:
        """Train a run whose turn it is; returns "", or why it could not begin and still waits. Whatever happens to it, the next ones are trained."""
        run, why = Run(self.settings.runs_dir / run_id), "another process is writing this run"
        if not self.settings.runs_dir.is_dir():
            # A disk that was unplugged comes back with all that waits.
            return "the folder of all runs is not there"
        try:
            # Another process on the same folder may have taken it meanwhile.
            if self._runs.view(run).status != "queued":
                return ""
            with self._speeds.training():
                self._train(run)
            with suppress(OSError):
                self._tidy_states(run_id)
        except OSError as error:
            pipeline.record_failure(run, pipeline.describe_disk_error(error), "disk")
            why = f"its folder cannot be written ({error.strerror or error})"
        except Exception:
            pipeline.record_failure(run, f"The training could not begin. {pipeline.TRY_AGAIN}", "unexpected")
            why = "it could not be begun, nor could that be written into its folder"
        return why if self._runs.view(run).status == "queued" else ""


def _for_epochs(recipe: Recipe, epochs: int | None, before: int) -> Recipe:
    """A recipe for so many epochs in all instead of those ``before``; with None as it is. Raises UserError where they are too many."""
    if epochs is None:
        return recipe
    # An encoder that was frozen throughout stays so. And somebody who asks for more epochs does not want them to be ended early.
    frozen = epochs if recipe.frozen_epochs >= before else recipe.frozen_epochs
    return replace(recipe, epochs=epochs, frozen_epochs=frozen, early_stopping=None)


def _odd(preparation: PreparedDraft, advice: Advice) -> list[dict[str, Any]]:
    """All that is odd in the file, also with this encoder, as fields of an event: whoever looks at the run should know it too.

    What a training takes on this machine is nothing odd in a file.
    """
    odd = [f for f in (*preparation.findings, *advice.findings) if f.severity != "ok" and f.code != "estimate"]
    return [{"code": f.code, "severity": f.severity, "count": f.count, "message": f.sentence} for f in odd]
