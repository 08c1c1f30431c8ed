"""Studio: everything a person can do, for the page and the terminal alike: prepare, start, stop, look, predict, take away.

Owns the one training thread and its queue; knows no component of the page. Every call takes the owner.
"""

import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer import job
from trainer.advice import Advice, advise, set_dial
from trainer.data.choice import choose_columns
from trainer.data.files.reading import Table, read_bytes
from trainer.data.hub import HubDataset, fetch
from trainer.data.repairs import in_order
from trainer.data.rows import save_rows
from trainer.data.writing import change_log, repaired_csv
from trainer.errors import UserError
from trainer.evaluation.report import Report
from trainer.preparation import Preparation, read_tables, repaired_main, understand
from trainer.recipe import Recipe
from trainer.runs.draft import Draft, DraftStore, SourceFile
from trainer.runs.names import friendly_name
from trainer.runs.run import Run, RunStore
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER, Settings
from trainer.training.encoders import Encoder, catalogue, find_encoder
from trainer.training.estimate import layer_speed
from trainer.training.export import zip_model
from trainer.training.hardware import Hardware, at_precision, detect

if TYPE_CHECKING:
    from trainer.training.predictor import Predictor

_ASSETS = Path(__file__).resolve().parent.parent / "assets"
SAMPLE = _ASSETS / "sample_emotions.csv"
MESSY_SAMPLE = _ASSETS / "messy_emotions.csv"

_FILES_KEPT = 3
_PREDICTORS_KEPT = 2
_HALF_MADE_SECONDS = 600


@dataclass(frozen=True)
class Reports:
    """A run's scores on the rows kept aside for them."""

    test: Report
    validation: Report


class Studio:
    """All jobs over one runs folder. Two studios on one folder do not hurt each other: each run has one writer."""

    def __init__(self, settings: Settings, *, encoders: Sequence[Encoder] | None = None) -> None:
        self.settings = settings
        self.encoders = tuple(encoders) if encoders is not None else catalogue()
        self._drafts = DraftStore(settings.runs_dir / "drafts")
        self._runs = RunStore(settings.runs_dir)
        self._lock = threading.RLock()
        self._starting = threading.Lock()
        """Held while a run is made, so that a double press makes one; never by what the page asks each second."""
        self._editing = threading.Lock()
        """Held while a draft is read, changed and kept."""
        self._waiting: list[str] = []
        self._wake = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._closed = False
        self._tables: OrderedDict[str, dict[str, Table]] = OrderedDict()
        self._preparations: OrderedDict[str, Preparation] = OrderedDict()
        self._predictors: OrderedDict[str, Predictor] = OrderedDict()
        self._busy: str | None = None
        self.hardware: Hardware | None = None
        """What will do the work; None until ``warm_up`` has looked."""

    # Preparing a file

    def open_files(
        self,
        owner: str,
        sources: Mapping[str, tuple[str, Path | bytes]],
        *,
        text: Sequence[str] = (),
        label: str | None = None,
        repairs: Iterable[str] = (),
    ) -> Preparation:
        """Begin with files: ``sources`` maps "main" (and "validation", "test") to (name, path or bytes).

        ``text`` and ``label`` name columns (several text columns are joined), ``repairs`` what is put right, by the findings' codes.
        Raises UserError where a file is no table; where only its columns are unclear, the preparation's ``problem`` says so.
        """
        self.settings.check_writable()
        wanted = in_order(repairs)
        contents = {
            role: (name, content if isinstance(content, bytes) else read_bytes(content, max_bytes=self.settings.max_file_bytes))
            for role, (name, content) in sources.items()
        }
        with _disk_in_words(self.settings):
            draft = self._drafts.create(owner, contents, texts=tuple(text), label=label, repairs=wanted)
        try:
            preparation = self._understood(draft)
        except UserError:
            self._drafts.remove(draft)
            raise
        self._drafts.tidy(owner)
        return preparation

    def open_sample(self, owner: str, *, messy: bool = False) -> Preparation:
        """Begin with the sample that ships with the app, or with the one that shows what can be wrong with a file."""
        sample = MESSY_SAMPLE if messy else SAMPLE
        return self.open_files(owner, {"main": (sample.name, sample)})

    def open_hub(self, owner: str, dataset: HubDataset) -> Preparation:
        """Begin with a data set of the Hugging Face Hub; UserError where it cannot be fetched."""
        return self.open_files(owner, {"main": (f"{dataset.name}.csv", fetch(dataset))}, text=["text"], label="label")

    def preparation(self, owner: str, draft_id: str) -> Preparation:
        return self._understood(self._drafts.get(draft_id, owner))

    def latest_preparation(self, owner: str) -> Preparation | None:
        """What the owner was preparing last, for a page that was just opened."""
        draft = self._drafts.latest(owner)
        try:
            return self._understood(draft) if draft is not None else None
        except UserError:
            return None

    def latest_draft(self, owner: str) -> str | None:
        """The id of what the owner was preparing last."""
        draft = self._drafts.latest(owner)
        return None if draft is None else draft.id

    def choose(self, owner: str, draft_id: str, *, text: Sequence[str | int] = (), label: str | int | None = None) -> Preparation:
        """Other columns: ``text`` (several are joined) and ``label``; what is not named stays. Survives a reload.

        What was repaired, accepted or named in other columns is not carried over.
        """
        tables = self._tables_of(self._drafts.get(draft_id, owner))

        def chosen(draft: Draft) -> Draft:
            wanted = replace(draft.main, texts=tuple(text) or draft.main.texts, label=draft.main.label if label is None else label)
            fresh = replace(draft, main=wanted)
            if _positions(tables["main"], wanted) != _positions(tables["main"], draft.main):
                fresh = replace(fresh, repairs=(), accepted=(), class_names={})
            return fresh

        return self._understood(self._edited(owner, draft_id, chosen))

    def name_classes(self, owner: str, draft_id: str, names: Mapping[str, str]) -> Preparation:
        """Give labels as written ("0") a name ("sadness")."""
        return self._understood(self._edited(owner, draft_id, lambda draft: replace(draft, class_names=dict(names))))

    def repair(self, owner: str, draft_id: str, codes: Iterable[str]) -> Preparation:
        """Put right what the findings of these codes say."""
        wanted = in_order(codes)
        return self._understood(self._edited(owner, draft_id, lambda draft: replace(draft, repairs=in_order((*draft.repairs, *wanted)))))

    def undo(self, owner: str, draft_id: str, codes: Iterable[str]) -> Preparation:
        """Take back repairs, or the word that a finding may stay as it is."""
        undone = set(codes)

        def without(draft: Draft) -> Draft:
            kept = {name: tuple(code for code in getattr(draft, name) if code not in undone) for name in ("repairs", "accepted")}
            return replace(draft, **kept)

        return self._understood(self._edited(owner, draft_id, without))

    def accept(self, owner: str, draft_id: str, code: str) -> Preparation:
        """Leave a finding as it is, though it should be fixed."""
        if code not in {finding.code for finding in self.preparation(owner, draft_id).findings}:
            raise UserError("This finding is no longer there.", code="unknown_finding")
        return self._understood(
            self._edited(owner, draft_id, lambda draft: replace(draft, accepted=tuple(dict.fromkeys((*draft.accepted, code)))))
        )

    def advise(self, owner: str, draft_id: str, recipe: Recipe) -> Advice:
        """What depends on the encoder and on this machine: texts that are cut, their language, time and memory of a training."""
        return advise(self.preparation(owner, draft_id), recipe, find_encoder(recipe.encoder, self.encoders), self.hardware)

    def dial(self, owner: str, draft_id: str | None, level: str, base: Recipe) -> tuple[Recipe, str]:
        """The recipe of one level ("Quick look", "Balanced", "Best") for what is prepared, and what was chosen in words."""
        preparation = None if draft_id is None else self.preparation(owner, draft_id)
        return set_dial(preparation, level, base, find_encoder(base.encoder, self.encoders), self.hardware)

    def export(self, owner: str, draft_id: str, form: str) -> tuple[str, bytes]:
        """A file name and the content: the repaired file "exact" or "spreadsheet" (for programs that would run formulas), or the "changes"."""
        preparation = self.preparation(owner, draft_id)
        repaired = repaired_main(preparation, self._tables_of(preparation.draft))
        if form not in ("exact", "spreadsheet", "changes"):
            raise UserError("There is no such download. Choose one of the links on the page.", code="unknown_form")
        stem = preparation.draft.main.name.split(".", 1)[0] or "file"
        if form == "changes":
            return f"{stem} changes.csv", change_log(repaired.changes, spreadsheet=True)
        data = repaired_csv(preparation.table, preparation.columns, repaired.corpus, spreadsheet=form == "spreadsheet")
        return f"{stem} {'for spreadsheets' if form == 'spreadsheet' else 'repaired'}.csv", data

    def keep_form(self, owner: str, draft_id: str, form: Mapping[str, Any]) -> None:
        """Remember what the form of a training holds, for the next time this file is shown."""
        self._edited(owner, draft_id, lambda draft: replace(draft, form=dict(form)))

    def _edited(self, owner: str, draft_id: str, change: Callable[[Draft], Draft]) -> Draft:
        """Change a draft and keep it. One at a time: the page hands in a form and a repair in the same moment."""
        with self._editing, _disk_in_words(self.settings):
            draft = change(self._drafts.get(draft_id, owner))
            self._drafts.save(draft)
        return draft

    def _tables_of(self, draft: Draft) -> dict[str, Table]:
        with self._lock:
            tables = self._tables.get(draft.id)
        # Outside the lock: a large file takes seconds, and the page asks for other things meanwhile.
        tables = tables or read_tables(self._drafts, draft, self.settings)
        with self._lock:
            _remember(self._tables, draft.id, tables, _FILES_KEPT)
        return tables

    def _understood(self, draft: Draft) -> Preparation:
        with self._lock:
            known = self._preparations.get(draft.id)
        if known is not None and known.draft.version == draft.version:
            return replace(known, draft=draft)
        preparation = understand(draft, self._tables_of(draft), self.settings)
        with self._lock:
            _remember(self._preparations, draft.id, preparation, _FILES_KEPT)
        return preparation

    # Runs

    def start(self, owner: str, draft_id: str, recipe: Recipe, *, as_it_is: bool = False) -> RunView:
        """Enqueue a training and return at once. Pressed twice for the same thing, there is one run. The draft's repairs become the recipe's.

        Raises UserError where the file or the recipe does not allow a training, ``must_fix`` where a finding should be fixed first (not with
        ``as_it_is``); nothing is left behind then.
        """
        self.settings.check_writable()
        find_encoder(recipe.encoder, self.encoders)
        preparation = self.preparation(owner, draft_id)
        corpus, splits = preparation.require_corpus(), preparation.splits(recipe)
        if preparation.must_fix and not as_it_is:
            raise UserError(
                f"Something in the file should be fixed first, in tab 1, Data. {preparation.must_fix[0].words}", code="must_fix"
            )
        if self.hardware is not None:
            at_precision(self.hardware, recipe.precision)
        recipe = replace(recipe, repairs=preparation.draft.repairs)
        with self._starting:
            for view in self._runs.list(owner):
                if (
                    view.live
                    and not view.stop_asked
                    and view.draft == preparation.draft.version
                    and self._run(owner, view.id).recipe() == recipe
                ):
                    return view

            def fill(folder: Path) -> None:
                self._drafts.copy_sources(preparation.draft, folder)
                save_rows(folder / "data.parquet", corpus, splits)

            with _disk_in_words(self.settings):
                run = self._runs.create(
                    recipe=recipe,
                    fill=fill,
                    name=friendly_name(),
                    owner=owner,
                    draft=preparation.draft.version,
                    source_name=preparation.draft.main.name,
                    rows={"train": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)},
                    notices=list(splits.notices),
                    repairs=preparation.repaired.counts,
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
    ) -> RunView:
        """``open_files`` and ``start`` in one, for callers that prepare nothing by hand; leaves no draft behind.

        The recipe's repairs are done; what else should be fixed is trained on as it is, since nobody is there to ask.
        """
        draft = self.open_files(owner, sources, text=text, label=label, repairs=recipe.repairs).draft
        try:
            return self.start(owner, draft.id, recipe, as_it_is=True)
        finally:
            self._drafts.remove(draft)

    def stop(self, owner: str, run_id: str) -> RunView:
        """Ask a run to end after its current step and keep the best model so far; a waiting one leaves the queue."""
        run = self._run(owner, run_id)
        with self._lock:
            if run_id in self._waiting:
                self._waiting.remove(run_id)
                run.log.append("cancelled", durable=True, message="Taken from the queue before it began.")
                self._wake.notify_all()
            elif self._runs.view(run).live:
                run.ask_to_stop()
        return self._runs.view(run)

    def runs(self, owner: str) -> list[RunView]:
        """The owner's runs, newest first."""
        return self._runs.list(owner)

    def token(self, owner: str) -> str:
        """Changes whenever anything that the page shows of runs does; cheap enough to ask each second."""
        runs = ";".join(f"{v.id[:8]}{v.status}{v.stop_asked}{self._runs.size(v.id)}" for v in self._runs.list(owner))
        return f"{runs}|{self._busy}|{self._waiting}|{self.hardware is None}"

    def view(self, owner: str, run_id: str) -> RunView:
        return self._runs.view(self._run(owner, run_id))

    def waiting_before(self, run_id: str) -> int | None:
        """How many runs of this server come before a waiting one; None where it is not waiting here."""
        with self._lock:
            if run_id not in self._waiting:
                return None
            return self._waiting.index(run_id) + (1 if self._busy else 0)

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

    def recover(self) -> None:
        """At a server's start: put runs that were waiting back into the queue, oldest first, and clear half-made folders."""
        for folder in self.settings.runs_dir.glob(".new-*"):
            # A young one may be another process's, still being filled.
            with suppress(OSError):
                if time.time() - folder.stat().st_mtime > _HALF_MADE_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            for view in reversed(self._runs.list(LOCAL_OWNER)):
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
                    job.do(run, self.encoders)
            except Exception:
                # Whatever happens to one run, the next ones are trained.
                job.fail(run, "The training could not begin. The details are in the file error.log of the run's folder.", "unexpected")

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

        with self._lock:
            predictor = self._predictors.get(run.id)
        if predictor is None:
            # Loaded outside the lock: it takes a second, and the page asks for other things meanwhile.
            predictor = Predictor(run.model)
        with self._lock:
            _remember(self._predictors, run.id, predictor, _PREDICTORS_KEPT)
        return predictor


def _positions(table: Table, source: SourceFile) -> tuple[int, ...] | None:
    """The columns that a person's choice comes to; None where it comes to none."""
    try:
        columns = choose_columns(table, source.texts, source.label)
    except UserError:
        return None
    return (columns.label, columns.text, *columns.more_text)


@contextmanager
def _disk_in_words(settings: Settings) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"Emotune could not write to {settings.runs_dir} ({error.strerror or error}). Free some disk space and try again; "
            "nothing that was there is lost.",
            code="disk_not_writable",
        ) from error


def _remember(cache: OrderedDict, key: str, value: object, most: int) -> None:
    """Put in front, and let go of what was not used for longest."""
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > most:
        cache.popitem(last=False)
