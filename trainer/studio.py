"""Studio: everything a person can do, for the page and the terminal alike: prepare, start, stop, look, predict, take away.

Owns the one training thread and its queue; knows no component of the page. Every call takes the owner.
"""

import shutil
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainer import job
from trainer.advice import Advice, advise, forecast, set_dial
from trainer.atomic import REMOVED, remove_folder
from trainer.data.rows import save_rows
from trainer.desk import Desk, disk_in_words
from trainer.errors import MustFixError, UserError
from trainer.launch import train_in_processes
from trainer.preparation import Preparation
from trainer.recipe import Recipe
from trainer.runs.checkpoints import Checkpoints
from trainer.runs.course import going_on
from trainer.runs.damage import ROWS
from trainer.runs.names import friendly_name
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.runs.writer import has_living_writer, writing
from trainer.settings import LOCAL_OWNER, Settings
from trainer.shelf import Shelf
from trainer.storage import DraftStorage, Storage, bytes_of, files_on_disk, remove_older, run_storage
from trainer.training.encoders import Encoder, catalogue, find_encoder
from trainer.training.estimate import layer_speed
from trainer.training.hardware import Hardware, at_precision, detect
from trainer.training.ranks import Ranks

_HALF_MADE_SECONDS = 600
_ROOM_SECONDS = 5
_UPLOAD_SECONDS = 3600
"""Gradio copies an upload when it arrives, and a page reads it soon after."""
_STATES_OF_FINISHED = 3
"""So many finished runs can still be trained for more epochs."""


class Studio(Desk, Shelf):
    """All jobs over one runs folder: a desk with a training thread and what was trained. Two studios on one folder do not hurt each other: each run has one writer."""

    def __init__(self, settings: Settings, *, encoders: Sequence[Encoder] | None = None) -> None:
        Desk.__init__(self, settings)
        Shelf.__init__(self, settings)
        self.encoders = tuple(encoders) if encoders is not None else catalogue()
        self._starting = threading.Lock()
        """Held while a run is made, so that a double press makes one; never by what the page asks each second."""
        self._waiting: list[str] = []
        self._lock = threading.RLock()
        self._wake = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._closed = False
        self._busy: str | None = None
        self.hardware: Hardware | None = None
        """What will do the work; None until ``warm_up`` has looked."""

    # Before a training

    def advise(self, owner: str, draft_id: str, recipe: Recipe) -> Advice:
        """What depends on the encoder and on this machine: texts that are cut, their language, time and memory of a training."""
        return advise(self.preparation(owner, draft_id), recipe, find_encoder(recipe.encoder, self.encoders), self.hardware)

    def dial(self, owner: str, draft_id: str | None, level: str, base: Recipe) -> tuple[Recipe, str]:
        """The recipe of one level ("Quick look", "Balanced", "Best") for what is prepared, and what was chosen in words."""
        preparation = None if draft_id is None else self.preparation(owner, draft_id)
        return set_dial(preparation, level, base, find_encoder(base.encoder, self.encoders), self.hardware)

    def forecast(self, owner: str, draft_id: str, recipe: Recipe) -> float | None:
        """Seconds that a training of what is prepared takes here; None while the machine or the encoder's tokenizer is not known."""
        return forecast(self.preparation(owner, draft_id), recipe, find_encoder(recipe.encoder, self.encoders), self.hardware)

    # Runs

    def start(self, owner: str, draft_id: str, recipe: Recipe, *, as_it_is: bool = False, level: str = "") -> RunView:
        """Enqueue a training and return at once. Pressed twice for the same thing, there is one run. The draft's repairs become the recipe's.
        ``level`` is that of the dial, if the recipe is one of them.

        Raises UserError where the file or the recipe does not allow a training, ``must_fix`` where a finding should be fixed first (not with
        ``as_it_is``); nothing is left behind then.
        """
        self.settings.check_writable()
        encoder = find_encoder(recipe.encoder, self.encoders)
        preparation = self.preparation(owner, draft_id)
        corpus = preparation.require_corpus()
        if preparation.must_fix and not as_it_is:
            message = f"Something in the file should be fixed first. {' '.join(f.words for f in preparation.must_fix)}"
            raise MustFixError(message, repairs=tuple(f.code for f in preparation.must_fix if f.repairable))
        if as_it_is:
            preparation.check_as_it_is(self.settings.max_classes)
        splits = preparation.splits(recipe)
        if self.hardware is not None:
            at_precision(self.hardware, recipe.precision)
        recipe = replace(recipe, repairs=preparation.draft.repairs, encoder=encoder.name)
        advice = advise(preparation, recipe, encoder, self.hardware)
        with self._starting:
            views = self._runs.list(owner)
            for view in views:
                same = view.live and not view.stop_asked and view.draft == preparation.draft.version
                with suppress(UserError):  # a damaged recipe is that run's trouble
                    if same and self._run(owner, view.id).recipe() == recipe:
                        return view

            def fill(folder: Path) -> None:
                self._drafts.copy_sources(preparation.draft, folder)
                save_rows(folder / "data.parquet", corpus, splits)

            with disk_in_words(self.settings):
                run = self._runs.create(
                    recipe=recipe,
                    fill=fill,
                    name=friendly_name([view.name for view in views]),
                    owner=owner,
                    encoder_folder=encoder.source if encoder.own else None,
                    base_model=encoder.repository or None,
                    draft=preparation.draft.version,
                    source_name=preparation.draft.main.name,
                    rows={"train": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)},
                    notices=list(splits.notices),
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
        draft = self.open_files(owner, sources, text=text, label=label, repairs=recipe.repairs).draft
        try:
            return self.start(owner, draft.id, recipe, as_it_is=as_it_is)
        finally:
            self._drafts.remove(draft)

    def prepare_again(self, owner: str, run_id: str) -> tuple[Preparation, Recipe]:
        """A run's file as it was prepared for it, open again, and the recipe that was asked for: to train again with changes.

        Raises UserError ``run_damaged`` where the recipe, or what the run keeps of its file, is damaged.
        """
        self.settings.check_writable()
        run = self._run(owner, run_id)
        recipe = run.recipe()
        return self.open_again(owner, run), recipe

    def stop(self, owner: str, run_id: str) -> RunView:
        """Ask a run to end after its current step and keep the best model so far; a waiting one leaves the queue."""
        run = self._run(owner, run_id)
        with self._lock:
            if run_id in self._waiting:
                self._waiting.remove(run_id)
                run.log.append("cancelled", durable=True, message="Taken out of the queue.")
                self._wake.notify_all()
            elif (view := self._runs.view(run)).status == "queued" and self._is_nobodys(run):
                run.log.append("cancelled", durable=True, message="Taken out of the queue.")
            elif view.live:
                run.ask_to_stop()
        return self._runs.view(run)

    def resume(self, owner: str, run_id: str, *, more_epochs: int = 0) -> RunView:
        """Let a run go on from its last saved state, or train a finished one for more epochs; it waits for its turn like any other.

        Raises UserError where there is nothing to go on with. Pressed twice, it goes on once.
        """
        self.settings.check_writable()
        run = self._run(owner, run_id)
        with self._starting:
            view = self._runs.view(run)
            if view.live:
                if view.status == "queued" and self._is_nobodys(run):
                    # It was made for this process, or whoever made it is gone.
                    run.withdraw_stop()
                    self._enqueue(run)
                return view
            epochs = going_on(view, more_epochs)
            # One that was stopped has a model, which a beginning from the first step would replace.
            if epochs is not None or view.status == "stopped":
                job.require_state(Checkpoints(run.checkpoints, run.id), view.name, digest=None)
            run.check(ROWS)
            run.recipe()
            job.encoder_of(run, view, self.encoders)
            if epochs is not None:
                replace(run.recipe(), epochs=epochs)  # so many may be out of range
            with disk_in_words(self.settings):
                run.withdraw_stop()
                run.log.append("queued", durable=True, epochs=epochs, texts_at_a_time=view.fewer_texts)
            self._enqueue(run)
        return self._runs.view(run)

    def storage(self, owner: str) -> Storage:
        """What the owner's runs and drafts take of the disk, and the page's copies of uploads."""
        runs, drafts = self._runs.list(owner), self.drafts(owner)
        folders = [self.settings.runs_dir / view.id for view in runs] + [self._drafts.root / draft.id for draft in drafts]
        uploads = files_on_disk(self.settings.uploads_dir)
        return Storage(
            total=bytes_of(uploads, *map(files_on_disk, folders)),
            runs=tuple(run_storage(Run(self.settings.runs_dir / view.id), view.name) for view in runs),
            drafts=tuple(DraftStorage(draft.id, draft.name, draft.bytes) for draft in drafts),
            uploads=bytes_of(uploads),
            free=shutil.disk_usage(self.settings.runs_dir).free,
        )

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
        if not self._remove_states(run, ("finished", "stopped", "failed", "cancelled", "damaged")):
            raise UserError(f"{view.name} has just been put to work again, so its checkpoints stay.", code="run_is_live")
        return f"{view.name} can no longer be trained further. Its model, its scores and its curves stay."

    def clear_uploads(self) -> int:
        """Remove the page's copies of uploads that are older than an hour: drafts and runs have their own. Returns the bytes removed."""
        return remove_older(self.settings.uploads_dir, time.time() - _UPLOAD_SECONDS)

    def token(self, owner: str) -> str:
        """Changes whenever anything that the page shows of runs does; cheap enough to ask each second.

        What another process does to a run that is not live is seen within 20 calls.
        """
        return f"{self._runs.version(owner)}|{self._busy}|{self._waiting}|{self.hardware is None}"

    def waiting_before(self, run_id: str) -> int | None:
        """How many runs of this server come before a waiting one; None where it is not waiting here."""
        with self._lock:
            if run_id not in self._waiting:
                return None
            return self._waiting.index(run_id) + (1 if self._busy else 0)

    def recover(self) -> None:
        """At a server's start: put runs that were waiting back into the queue, first in, first out; clear folders half made or half removed."""
        for root in (self.settings.runs_dir, self._drafts.root):
            for folder in root.glob(f"{REMOVED}*"):
                shutil.rmtree(folder, ignore_errors=True)
            for folder in root.glob(".new-*"):
                # A young one may be another process's, still being filled.
                with suppress(OSError):
                    if time.time() - folder.stat().st_mtime > _HALF_MADE_SECONDS:
                        shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            for view in sorted(self._runs.list(LOCAL_OWNER), key=lambda v: (v.queued, v.created)):
                if view.status == "queued" and view.id not in self._waiting:
                    self._enqueue(Run(self.settings.runs_dir / view.id))

    def wait(self, owner: str, run_id: str, seconds: float) -> RunView:
        """Sleep until the run is over, ``seconds`` at most, and return what is known then."""
        with self._lock:
            self._wake.wait_for(lambda: not self._runs.view(self._run(owner, run_id)).live, timeout=seconds)
        return self.view(owner, run_id)

    def close(self) -> None:
        """Ask the current run to stop and end the training thread after it."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            if self._busy is not None:
                with suppress(OSError):  # its folder may have been removed
                    Run(self.settings.runs_dir / self._busy).ask_to_stop()
            self._wake.notify_all()
        if self._thread is not None:
            self._thread.join()

    def warm_up(self) -> None:
        """Load what takes seconds (torch, transformers) in the background, so that the page opens first and Start is quick."""

        def load() -> None:
            self.hardware = detect()
            # Measured now, while nothing trains: later it would come out too slow.
            layer_speed(self.hardware)
            import sklearn.feature_extraction.text
            import sklearn.linear_model  # noqa: F401

            import trainer.training.loop
            import trainer.training.predictor  # noqa: F401

        threading.Thread(target=load, name="warm-up", daemon=True).start()

    # The training thread

    def _enqueue(self, run: Run) -> None:
        with self._lock:
            self._waiting.append(run.id)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._train_forever, name="training", daemon=True)
                self._thread.start()
            self._wake.notify_all()

    def _wait_for_room(self, run: Run) -> None:
        """Where not even its failure could be written, a run keeps its place: it begins once the disk has room."""
        with self._lock:
            if run.path.is_dir() and self._runs.view(run).status == "queued":
                self._waiting.insert(0, run.id)
                self._wake.wait_for(lambda: self._closed or run.id not in self._waiting, timeout=_ROOM_SECONDS)

    def _is_nobodys(self, run: Run) -> bool:
        """Whether no queue of this process and no writer anywhere has a run that waits."""
        with self._lock:
            return run.id not in self._waiting and run.id != self._busy and not has_living_writer(run.path)

    def _train(self, run: Run) -> None:
        """In this thread or, where several GPUs can share the work, in processes of their own."""
        ranks = Ranks.from_environment()
        processes = 1 if ranks.count > 1 else self.settings.processes or (self.hardware or detect()).devices
        if processes < 2:
            job.do(run, self.encoders, save_seconds=self.settings.save_seconds)
        elif not train_in_processes(run, processes, self.settings) and self._runs.view(run).status in ("queued", "interrupted"):
            words = f"One of the processes that share the training has failed. {job.TRY_AGAIN}"
            run.log.append("failed", durable=True, message=words, code="unexpected")

    def _tidy_states(self) -> None:
        """The last states of all but the newest finished runs go: each takes three times the room of its model."""
        finished = sorted((v for v in self._runs.list(LOCAL_OWNER) if v.status == "finished"), key=lambda v: -v.queued)
        for view in finished[_STATES_OF_FINISHED:]:
            run = Run(self.settings.runs_dir / view.id)
            if run.checkpoints.is_dir():
                self._remove_states(run, ("finished",))

    def _remove_states(self, run: Run, statuses: Collection[str]) -> bool:
        """Remove the checkpoints of a run that has one of these statuses; whether it still had."""
        # Somebody may just now have asked for more epochs.
        with self._starting, writing(run.path) as mine:
            if not mine or self._runs.view(run).status not in statuses:
                return False
            if run.checkpoints.is_dir():
                # All at once: half of them would pass for damaged ones.
                remove_folder(run.checkpoints, aside=self.settings.runs_dir)
        return True

    def _train_forever(self) -> None:
        while True:
            with self._lock:
                self._busy = None
                self._wake.notify_all()
                self._wake.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                self._busy = self._waiting.pop(0)
            run = Run(self.settings.runs_dir / self._busy)
            try:
                # Another process on the same folder may have taken it meanwhile.
                if self._runs.view(run).status == "queued":
                    self._train(run)
                    with suppress(OSError):
                        self._tidy_states()
            except OSError as error:
                job.fail(run, job.disk_sentence(error), "disk")
                self._wait_for_room(run)
            except Exception:
                # Whatever happens to one run, the next ones are trained.
                job.fail(run, f"The training could not begin. {job.TRY_AGAIN}", "unexpected")


def _odd(preparation: Preparation, advice: Advice) -> list[dict[str, Any]]:
    """All that is odd in the file, also with this encoder, as fields of an event: whoever looks at the run should know it too.

    What a training takes on this machine is nothing odd in a file.
    """
    odd = [f for f in (*preparation.findings, *advice.findings) if f.severity != "good" and f.code != "estimate"]
    return [{"code": f.code, "severity": f.severity, "count": f.count, "message": f.words} for f in odd]
