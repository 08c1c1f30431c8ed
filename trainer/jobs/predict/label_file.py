"""Labels all rows of a file: reads its texts, labels them block by block, and writes the file again with new columns.

Everything it has done is in its folder, so that it goes on after a restart with the next block and ends with the same bytes. Knows neither
jobs nor the terminal, which both use it.
"""

import heapq
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from trainer.atomic import make_folder, open_atomic, write_file
from trainer.data.checks.repairs import read_text
from trainer.data.files.file_bytes import read_bytes
from trainer.data.reader.file_reader import TableReader
from trainer.data.reader.text_wire import TextSlices, open_texts
from trainer.data.rewrite.edits import Appending, Cells, ColumnKind, WrittenAs, free_name
from trainer.data.task import JOINED_BY, NO_LABEL
from trainer.data.text_rows import TextRows
from trainer.errors import UserError
from trainer.jobs.predict.stored_blocks import ColumnForm, StoredBlock, StoredBlocks
from trainer.jobs.predict.written_labels import BETWEEN_LABELS, WrittenLabels, find_written_labels
from trainer.text_format import approximate_duration
from trainer.training.distributed import ProcessGroup
from trainer.training.hardware import Hardware

if TYPE_CHECKING:
    from trainer.training.block_predictor import BlockPredictor, EngineChoice
    from trainer.training.predictor import Predictor

BLOCK_ROWS = 2_048
LEAST_SURE = 20
_MEASURED_FROM = 2_000
"""Rows from which on exported models are measured too."""
_SHOWN_CHARS = 300
_REPORTED_STEP = 0.002
"""The part of the rows after which the progress is reported again: a job logs each report, and its log is read whole each second."""
_FALLBACK = ("not_rewritable", "letter_not_in_encoding")
_TEXTS, _TEXT_ROWS, _ENGINE, _MODEL = "texts.arrow", "texts.json", "engine.json", "model.json"

EngineWish = Literal["auto", "torch", "16-bit", "onnx", "onnx-int8"]
Report = Callable[[str, float | None], None]
"""(what is being done, fraction that is done)."""


@dataclass(frozen=True)
class LabelRequest:
    """How a file is to be labelled. ``text_columns``: names or positions, several are joined; without any the column is guessed. ``part``: as for the reader."""

    text_columns: tuple[str | int, ...] = ()
    part: str | None = None
    probabilities: bool = False
    """Whether each class gets a column with its probability."""
    engine: EngineWish = "auto"


@dataclass(frozen=True)
class Tools:
    """What labelling needs of its surroundings."""

    reader: TableReader
    limits: Mapping[str, int]
    """Of files, as keyword arguments of the reader."""
    max_chars: int
    """Of a text; of a longer one the beginning is read."""
    hardware: Hardware
    group: ProcessGroup = field(default_factory=ProcessGroup)
    """Of processes that share the file out; all of them see the folder."""


@dataclass(frozen=True)
class LabelledFile:
    """What became of a file. ``unsure``: rows that the model would not answer, None if it answers all. ``notes``: sentences about what could not be kept. ``least_sure``: rows of the table, the least sure first."""

    rows: int
    empty: int
    cut: int
    unsure: int | None
    classes: Mapping[str, int]
    text_columns: tuple[str, ...]
    added: tuple[str, ...]
    engine: str
    agreement: float | None
    written_as: WrittenAs
    notes: tuple[str, ...] = ()
    least_sure: tuple[Mapping[str, Any], ...] = field(default=())
    difference: Mapping[str, Any] = field(default_factory=dict)
    """How a sample of the texts differs from the training rows, as JSON; empty if they are not known."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        values = asdict(self)
        return values | {name: list(values[name]) for name in ("text_columns", "added", "notes", "least_sure")}


class FileLabelling:
    """The labelling of one file in one folder; ``run`` goes on with what the folder holds."""

    def __init__(self, folder: Path, source: Path, request: LabelRequest, tools: Tools) -> None:
        self._folder = folder
        self._source = source
        self._request = request
        self._tools = tools
        self._blocks = StoredBlocks(folder / "blocks")

    def run(self, model: Path, out: Path, report: Report, stop_if_asked: Callable[[int, int], None]) -> LabelledFile:
        """Label all rows, write the file to ``out``, and say what became of it. Of several processes each labels every n-th block, and the first writes.

        ``model`` is a model folder; ``stop_if_asked`` is called with the rows that are done and all rows, and raises to stop. Raises UserError
        for a file or a model that cannot be used.
        """
        group = self._tools.group
        make_folder(self._folder / "blocks")
        report("reading the file", 0.0)
        if group.is_main_process:
            self._read_texts()
        group.wait_for_all()
        rows = self._stored_rows()
        stop_if_asked(0, rows.rows)
        report("loading the model", 0.0)
        from trainer.training.predictor import Predictor

        predictor = Predictor(model, device=self._tools.hardware.device)
        written = asdict(find_written_labels(model, predictor.task))
        about = {"label_names": predictor.label_names, "answers_from": predictor.answer_from, "written": written}
        with open_texts(self._folder / _TEXTS) as texts:
            if group.is_main_process:
                write_file(self._folder / _MODEL, json.dumps(about).encode())
                self._choose_engine(model, predictor, texts)
            group.wait_for_all()
            engine, choice = self._choose_engine(model, predictor, texts)
            self._label_blocks(predictor, engine, texts, report, stop_if_asked)
        group.wait_for_all()
        report("writing the file", 1.0)
        if not group.is_main_process:
            return self._summary(rows, choice, "itself", ())
        with open_atomic(out) as sink:
            written_as, notes = self.write(sink)
        return self._summary(rows, choice, written_as, notes)

    def write(self, sink: BinaryIO, written_as: WrittenAs = "itself") -> tuple[WrittenAs, tuple[str, ...]]:
        """Write the file with the labels of all blocks; returns the form that it has, CSV if it cannot be changed in its own, and notes."""
        try:
            return written_as, self._append(sink, written_as)
        except UserError as error:
            if written_as != "itself" or error.code not in _FALLBACK:
                raise
            sink.seek(0)
            sink.truncate()
            self._append(sink, "csv")
            return "csv", (error.message.replace(" Take the rows as CSV (UTF-8) instead", " The result is CSV (UTF-8)"),)

    def sample(self, count: int, repairs: Sequence[str]) -> list[str]:
        """Up to ``count`` texts from all over the file, after the repairs with these codes, as the model read them."""
        from trainer.training.block_predictor import evenly_spaced

        with open_texts(self._folder / _TEXTS) as texts:
            found = (texts.texts(number, number + 1)[0] for number in evenly_spaced(len(texts), count))
            return [read_text(text, repairs, self._tools.max_chars).text for text in found]

    # --- parts of it --------------------------------------------------------------------------------------------------------

    def _append(self, sink: BinaryIO, written_as: WrittenAs) -> tuple[str, ...]:
        rows, form = self._stored_rows(), self._column_form()
        appending = Appending(self._columns(rows, form), rows.rows, rows.in_slices, written_as, form.written.between)
        data = read_bytes(self._source, max_bytes=self._tools.limits["max_bytes"])
        cells = _taken_from(self._blocks.cells(form, rows.rows), len(appending.columns))
        return self._tools.reader.append(data, appending, cells, sink, part=self._request.part, **self._tools.limits)

    def _read_texts(self) -> TextRows:
        with suppress(OSError, ValueError, TypeError), open_texts(self._folder / _TEXTS) as texts:
            if len(texts) == (rows := self._stored_rows()).rows:
                return rows
        data = read_bytes(self._source, max_bytes=self._tools.limits["max_bytes"])
        packed = self._tools.reader.read_texts(data, self._request.text_columns, part=self._request.part, **self._tools.limits)
        packed.store(self._folder / _TEXTS)
        write_file(self._folder / _TEXT_ROWS, json.dumps(asdict(packed.rows)).encode())
        return packed.rows

    def _stored_rows(self) -> TextRows:
        values = json.loads((self._folder / _TEXT_ROWS).read_text(encoding="utf-8"))
        return TextRows(**values | {name: tuple(values.get(name, ())) for name in ("columns", "text", "parts")})

    def _choose_engine(
        self, model: Path, predictor: "Predictor", texts: TextSlices
    ) -> tuple[Callable[[], "BlockPredictor"], "EngineChoice"]:
        """The engine of the first attempt, so that all blocks are computed alike, and a function that makes it."""
        from trainer.jobs.export.export_run import onnx_predictors
        from trainer.training.block_predictor import BlockPredictor, EngineChoice, choose_engine, evenly_spaced

        stored, hardware = self._folder / _ENGINE, self._tools.hardware
        choice = EngineChoice(**json.loads(stored.read_text(encoding="utf-8"))) if stored.exists() else None
        wish = self._request.engine if choice is None else choice.engine
        # A small file is labelled before the engines are measured.
        wants_onnx = wish.startswith("onnx") or (wish == "auto" and len(texts) >= _MEASURED_FROM)
        onnx = onnx_predictors(model) if wants_onnx else {}
        if choice is None and wish == "auto":
            sample = [texts.texts(number, number + 1)[0] for number in evenly_spaced(len(texts))]
            choice = choose_engine(predictor, hardware, sample, max_chars=self._tools.max_chars, onnx=onnx)
        elif choice is None:
            choice = EngineChoice(wish, "As it was asked for.")
        write_file(stored, json.dumps(asdict(choice)).encode())
        return partial(BlockPredictor, predictor, hardware, choice.engine, onnx=onnx), choice

    def _label_blocks(
        self,
        predictor: "Predictor",
        make_engine: Callable[[], "BlockPredictor"],
        texts: TextSlices,
        report: Report,
        stop_if_asked: Callable[[int, int], None],
    ) -> None:
        total, group = len(texts), self._tools.group
        engine = None
        started, done_before, reported = time.monotonic(), None, 0.0
        for number, start in enumerate(range(0, total, BLOCK_ROWS)):
            size = min(BLOCK_ROWS, total - start)
            if number % group.world_size != group.rank or self._blocks.has(number, size):
                continue
            engine = engine or make_engine()
            done_before = start if done_before is None else done_before

            def progress(done: float, start: int = start, size: int = size, done_before: int = done_before) -> None:
                nonlocal reported
                stop_if_asked(start, total)
                ready = start + done * size
                if 0 < ready - reported < total * _REPORTED_STEP:
                    return
                reported = ready
                seconds = (time.monotonic() - started) / max(ready - done_before, 1.0) * (total - ready)
                report(f"labelling row {int(ready):,} of {total:,}, {approximate_duration(seconds)} left", ready / total)

            progress(0.0)
            labelled = engine.label(texts.texts(start, start + size), max_chars=self._tools.max_chars, on_progress=progress)
            self._blocks.store(
                number, StoredBlock.of(labelled, predictor.task, predictor.label_names, probabilities=self._request.probabilities)
            )

    def _columns(self, rows: TextRows, form: ColumnForm) -> tuple[tuple[str, ColumnKind], ...]:
        """The new columns, under names that no column of the file has."""
        taken, columns = list(rows.columns), []
        for name, kind in form.columns:
            taken.append(free_name(name, taken))
            columns.append((taken[-1], kind))
        return tuple(columns)

    def _column_form(self) -> ColumnForm:
        about = json.loads((self._folder / _MODEL).read_text(encoding="utf-8"))
        written = WrittenLabels(**about.get("written", {}))
        return ColumnForm(tuple(about["label_names"]), about["answers_from"], self._request.probabilities, written)

    def _summary(self, rows: TextRows, choice: "EngineChoice", written_as: WrittenAs, notes: tuple[str, ...]) -> LabelledFile:
        form = self._column_form()
        counts: Counter[str] = Counter()
        empty = cut = unsure = 0
        least: list[tuple[float, int, str]] = []
        for start, block in self._blocks.in_order(rows.rows):
            counts.update(name for label in block.labels if label for name in label.split(BETWEEN_LABELS))
            empty += int((block.confidence != block.confidence).sum())
            cut += int(block.cut.sum())
            unsure += int(block.unsure(form.answers_from).sum())
            sure = zip(block.confidence.tolist(), range(start, start + len(block.labels)), block.labels, strict=True)
            least = heapq.nsmallest(LEAST_SURE, (entry for entry in (*least, *sure) if entry[0] == entry[0]))
        return LabelledFile(
            rows=rows.rows,
            empty=empty,
            cut=cut,
            unsure=None if form.answers_from is None else unsure,
            classes={name: counts[name] for name in dict.fromkeys((*form.label_names, *counts))},
            text_columns=tuple(rows.columns[position] for position in rows.text),
            added=tuple(name for name, _ in self._columns(rows, form)),
            engine=choice.reason,
            agreement=choice.agreement,
            written_as=written_as,
            notes=(*_dropped_note(rows), *notes),
            least_sure=tuple(self._shown(least)),
        )

    def _shown(self, least: list[tuple[float, int, str]]) -> Iterator[dict[str, Any]]:
        with open_texts(self._folder / _TEXTS) as texts:
            for confidence, row, label in least:
                text = texts.texts(row, row + 1)[0]
                shown = label.replace(BETWEEN_LABELS, JOINED_BY) or NO_LABEL
                yield {"row": row, "text": text[:_SHOWN_CHARS], "label": shown, "confidence": round(confidence, 4)}


def _taken_from(blocks: Iterator[list[list[str]]], width: int) -> Cells:
    """Hands out the cells of blocks in other portions."""
    waiting: list[list[str]] = [[] for _ in range(width)]

    def take(rows: int) -> list[list[str]]:
        while len(waiting[0]) < rows:
            for cells, more in zip(waiting, next(blocks), strict=True):
                cells += more
        taken = [cells[:rows] for cells in waiting]
        for cells in waiting:
            del cells[:rows]
        return taken

    return take


def _dropped_note(rows: TextRows) -> tuple[str, ...]:
    if not rows.rows_dropped:
        return ()
    lines = "1 line is" if rows.rows_dropped == 1 else f"{rows.rows_dropped:,} lines are"
    return (f"{lines} no row of the table (too few cells, a comment, a total) and got no label.",)
