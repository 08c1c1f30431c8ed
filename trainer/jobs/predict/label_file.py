"""Labels all rows of a file: reads its texts, labels them block by block, and writes the file again with new columns.

Everything it has done is in its folder, so that it goes on after a restart with the next block and ends with the same bytes. Knows neither
jobs nor the terminal, which both use it.
"""

import heapq
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from trainer.atomic import make_folder, write_file
from trainer.data.files.file_bytes import read_bytes
from trainer.data.reader.file_reader import TableReader
from trainer.data.reader.text_wire import TextSlices, open_texts
from trainer.data.rewrite.edits import AddedColumn, Edits, Rewritten, WrittenAs, free_name
from trainer.data.text_rows import TextRows
from trainer.errors import UserError
from trainer.jobs.predict.stored_blocks import StoredBlock, StoredBlocks
from trainer.text_format import approximate_duration
from trainer.training.hardware import Hardware

if TYPE_CHECKING:
    from trainer.training.block_predictor import EngineChoice
    from trainer.training.predictor import Predictor

BLOCK_ROWS = 2_048
LEAST_SURE = 20
_SHOWN_CHARS = 300
_REPORTED_STEP = 0.002
"""The part of the rows after which the progress is reported again: a job logs each report, and its log is read whole each second."""
_FALLBACK = ("not_rewritable", "letter_not_in_encoding")
_TEXTS, _TEXT_ROWS, _ENGINE, _MODEL = "texts.arrow", "texts.json", "engine.json", "model.json"

EngineWish = Literal["auto", "exact", "16-bit"]
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

    def run(self, model: Path, report: Report, stop_if_asked: Callable[[int, int], None]) -> tuple[LabelledFile, Rewritten]:
        """What became of the file, and its bytes. ``model`` is a model folder; ``stop_if_asked`` is called with the rows that are done and all rows, and raises to stop.

        Raises UserError for a file or a model that cannot be used.
        """
        make_folder(self._folder / "blocks")
        report("reading the file", 0.0)
        rows = self._read_texts()
        stop_if_asked(0, rows.rows)
        report("loading the model", 0.0)
        from trainer.training.predictor import Predictor

        predictor = Predictor(model, device=self._tools.hardware.device)
        about = {"label_names": predictor.label_names, "answers_from": predictor.answer_from}
        write_file(self._folder / _MODEL, json.dumps(about).encode())
        with open_texts(self._folder / _TEXTS) as texts:
            choice = self._choose_engine(predictor, texts)
            self._label_blocks(predictor, choice, texts, report, stop_if_asked)
        report("writing the file", 1.0)
        rewritten, written_as = self.write()
        return self._summary(rows, choice, written_as, rewritten), rewritten

    def write(self, written_as: WrittenAs = "itself") -> tuple[Rewritten, WrittenAs]:
        """The file with the labels of all blocks, and the form it has: CSV if it cannot be changed in its own form."""
        rows = self._stored_rows()
        edits = Edits(added=tuple(self._columns(rows)))
        data = read_bytes(self._source, max_bytes=self._tools.limits["max_bytes"])
        options = {"part": self._request.part, **self._tools.limits}
        try:
            return self._tools.reader.rewrite(data, edits, written_as=written_as, **options), written_as
        except UserError as error:
            if error.code not in _FALLBACK:
                raise
            rewritten = self._tools.reader.rewrite(data, edits, written_as="csv", **options)
            return Rewritten(
                rewritten.data, (error.message.replace(" Take the rows as CSV (UTF-8) instead", " The result is CSV (UTF-8)"),)
            ), "csv"

    # --- parts of it --------------------------------------------------------------------------------------------------------

    def _read_texts(self) -> TextRows:
        if (self._folder / _TEXT_ROWS).exists():
            return self._stored_rows()
        data = read_bytes(self._source, max_bytes=self._tools.limits["max_bytes"])
        packed = self._tools.reader.read_texts(data, self._request.text_columns, part=self._request.part, **self._tools.limits)
        write_file(self._folder / _TEXTS, packed.stream)
        write_file(self._folder / _TEXT_ROWS, json.dumps(asdict(packed.rows)).encode())
        return packed.rows

    def _stored_rows(self) -> TextRows:
        values = json.loads((self._folder / _TEXT_ROWS).read_text(encoding="utf-8"))
        return TextRows(**values | {"columns": tuple(values["columns"]), "text": tuple(values["text"])})

    def _choose_engine(self, predictor: "Predictor", texts: TextSlices) -> "EngineChoice":
        """The engine of the first attempt, so that all blocks are computed alike."""
        from trainer.training.block_predictor import EngineChoice, choose_engine, evenly_spaced

        stored = self._folder / _ENGINE
        if stored.exists():
            return EngineChoice(**json.loads(stored.read_text(encoding="utf-8")))
        if self._request.engine == "auto":
            sample = [texts.texts(number, number + 1)[0] for number in evenly_spaced(len(texts))]
            choice = choose_engine(predictor, self._tools.hardware, sample, max_chars=self._tools.max_chars)
        else:
            choice = EngineChoice(self._request.engine, "As it was asked for.")
        write_file(stored, json.dumps(asdict(choice)).encode())
        return choice

    def _label_blocks(
        self,
        predictor: "Predictor",
        choice: "EngineChoice",
        texts: TextSlices,
        report: Report,
        stop_if_asked: Callable[[int, int], None],
    ) -> None:
        from trainer.training.block_predictor import BlockPredictor

        total = len(texts)
        engine = None
        started, done_before, reported = time.monotonic(), None, 0.0
        for number, start in enumerate(range(0, total, BLOCK_ROWS)):
            size = min(BLOCK_ROWS, total - start)
            if self._blocks.has(number, size):
                continue
            engine = engine or BlockPredictor(predictor, self._tools.hardware, choice.engine)
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

    def _columns(self, rows: TextRows) -> Iterator[AddedColumn]:
        taken = list(rows.columns)
        names, answers_from = self._model()
        for name, cells, kind in self._blocks.columns(
            names, rows.rows, answers_from=answers_from, probabilities=self._request.probabilities
        ):
            name = free_name(name, taken)
            taken.append(name)
            yield AddedColumn(name, cells, kind)

    def _model(self) -> tuple[tuple[str, ...], float | None]:
        """The names of the model's labels, and the confidence from which on it answers, if it has one."""
        about = json.loads((self._folder / _MODEL).read_text(encoding="utf-8"))
        return tuple(about["label_names"]), about["answers_from"]

    def _summary(self, rows: TextRows, choice: "EngineChoice", written_as: WrittenAs, rewritten: Rewritten) -> LabelledFile:
        names, answers_from = self._model()
        counts: Counter[str] = Counter()
        empty = cut = unsure = 0
        least: list[tuple[float, int, str]] = []
        for start, block in self._blocks.in_order(rows.rows):
            counts.update(label for label in block.labels if label)
            empty += int((block.confidence != block.confidence).sum())
            cut += int(block.cut.sum())
            unsure += int(block.unsure(answers_from).sum())
            sure = zip(block.confidence.tolist(), range(start, start + len(block.labels)), block.labels, strict=True)
            least = heapq.nsmallest(LEAST_SURE, (entry for entry in (*least, *sure) if entry[0] == entry[0]))
        return LabelledFile(
            rows=rows.rows,
            empty=empty,
            cut=cut,
            unsure=None if answers_from is None else unsure,
            classes={name: counts[name] for name in dict.fromkeys((*names, *counts))},
            text_columns=tuple(rows.columns[position] for position in rows.text),
            added=tuple(column.name for column in self._columns(rows)),
            engine=choice.reason,
            agreement=choice.agreement,
            written_as=written_as,
            notes=(*_dropped_note(rows), *rewritten.notes),
            least_sure=tuple(self._shown(least)),
        )

    def _shown(self, least: list[tuple[float, int, str]]) -> Iterator[dict[str, Any]]:
        with open_texts(self._folder / _TEXTS) as texts:
            for confidence, row, label in least:
                text = texts.texts(row, row + 1)[0]
                yield {"row": row, "text": text[:_SHOWN_CHARS], "label": label, "confidence": round(confidence, 4)}


def _dropped_note(rows: TextRows) -> tuple[str, ...]:
    if not rows.rows_dropped:
        return ()
    lines = "1 line is" if rows.rows_dropped == 1 else f"{rows.rows_dropped:,} lines are"
    return (f"{lines} no row of the table (too few cells, a comment, a total) and got no label.",)
