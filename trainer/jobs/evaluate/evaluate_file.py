"""Judges the model of a run on the labelled rows of another file, in the arithmetic of its own test rows, and keeps what comes out beside the run.

Knows neither jobs nor the terminal, which both use it.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from trainer.data.checks.repairs import repair_text
from trainer.data.columns.evidence import gather_evidence
from trainer.data.columns.guess import Columns
from trainer.data.columns.label_form import form_of_rows
from trainer.data.columns.read_corpus import read_corpus
from trainer.data.columns.resolve import find_position, read_with_cut, resolve_columns
from trainer.data.columns.text_column import guess_text_column
from trainer.data.corpus import Corpus
from trainer.data.duplicates.normalize import duplicate_key
from trainer.data.files.table import Table
from trainer.data.rows import load_rows, save_rows
from trainer.data.splits import Splits
from trainer.data.task import JOINED_BY, SEVERAL_LABELS, SINGLE_LABEL
from trainer.errors import FileError, RecipeError
from trainer.evaluation.other_file import EvaluatedFile, LeftOut, find_label_column, rows_to_judge
from trainer.evaluation.predictions import Predictions, save_predictions
from trainer.jobs.evaluate.training_difference import difference_from_training, text_repairs_of
from trainer.runs.checksums import read_json_with_checksum
from trainer.runs.evaluations import PREDICTIONS, ROWS, Evaluations
from trainer.runs.run import Run
from trainer.runs.run_files import DRAFT
from trainer.training.hardware import Hardware

_BLOCK_ROWS = 1_024
_ABOUT = "judged.json"


@dataclass(frozen=True)
class JudgedFile:
    """The rows of a file that a model is to be judged on, with the model's label ids."""

    file: str
    text_columns: tuple[str, ...]
    label_column: str
    corpus: Corpus
    left_out: LeftOut
    labels_cut: float | None
    """The score from which on a text has a label; None if labels are not read from scores."""

    def save(self, folder: Path) -> None:
        """Write it into the folder of a job. Raises OSError."""
        save_rows(folder / ROWS, self.corpus, _all_test(self.corpus))
        about = {
            "file": self.file,
            "text_columns": self.text_columns,
            "label_column": self.label_column,
            "left_out": asdict(self.left_out),
            "labels_cut": self.labels_cut,
        }
        (folder / _ABOUT).write_text(json.dumps(about), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "JudgedFile":
        """What ``save`` wrote. Raises UserError ``rows_damaged``."""
        corpus, _ = load_rows(folder / ROWS)
        values = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        left_out = LeftOut(**values["left_out"])
        return cls(values["file"], tuple(values["text_columns"]), values["label_column"], corpus, left_out, values["labels_cut"])


def find_rows(
    run: Run,
    table: Table,
    file: str,
    *,
    text_columns: Sequence[str | int] = (),
    label_column: str | int | tuple[str, ...] | None = None,
    cut: float | None = None,
) -> JudgedFile:
    """The rows of a table that the model of a run can be judged on; columns by name or position, guessed if not named.

    Texts that the model learnt from, or that chose it, are left out. Several columns of labels hold those of a text together. ``cut``: the score from
    which on a text has a label, in columns of scores; by default that of the run's own file, where a score of this one reaches it.
    Raises UserError ``no_rows``, ``unknown_column``, ``no_text_column``, ``no_label_column``, ``same_column``, ``no_known_label``, ``not_for_this_task``,
    ``no_scores``, ``setting_out_of_range`` and ``run_damaged``.
    """
    learnt, splits = load_rows(run.rows)
    columns = _COLUMNS[learnt.task.key](table, text_columns, label_column, learnt)
    columns = _with_cut(table, columns, cut, run.read_view().labels_cut)
    # The file may write the labels as the one that was learnt from did: as numbers.
    corpus = read_corpus(table, columns, _class_names(run))
    repairs = text_repairs_of(run)
    known = {duplicate_key(learnt.texts[row]) for part in (splits.train, splits.validation) for row in part.tolist()}
    judged, left_out = rows_to_judge(corpus, learnt.label_names, known, lambda text: repair_text(text, repairs))
    left_out = replace(left_out, unusable=len(table.rows) - len(corpus) + len(table.dropped))
    texts = (columns.text, *columns.extra_text_columns)
    labels = JOINED_BY.join(table.columns[position] for position in columns.label_columns)
    return JudgedFile(file, tuple(table.columns[position] for position in texts), labels, judged, left_out, columns.cut)


def _columns_of_one(
    table: Table, text_columns: Sequence[str | int], label_column: str | int | tuple[str, ...] | None, learnt: Corpus
) -> Columns:
    texts = _text_positions(table, text_columns)
    if label_column is None:
        label = find_label_column(table.columns, table.rows, learnt.label_names, texts=texts)
    else:
        label = find_position(table, _only(label_column), "label")
    if label in texts:
        raise FileError("The text and the label cannot be the same column. Choose two different ones.", code="same_column")
    return Columns(texts[0], label, "", "", confident=True, extra_text_columns=texts[1:])


def _columns_of_several(
    table: Table, text_columns: Sequence[str | int], label_column: str | int | tuple[str, ...] | None, learnt: Corpus
) -> Columns:
    columns = resolve_columns(table, text_columns, label_column, "several")
    if columns.several and columns.label_form is not None:
        return columns
    # Each row has one label here, which is one of the many that a text may have.
    return replace(columns, label_form=form_of_rows(table, columns.text, columns.label), several=True)


def _only(label_column: str | int | tuple[str, ...]) -> str | int:
    if not isinstance(label_column, tuple):
        return label_column
    raise RecipeError("This model gives each text one label, so one column holds the labels. Name one.", code="not_for_this_task")


_COLUMNS: Mapping[str, Callable[..., Columns]] = {SINGLE_LABEL.key: _columns_of_one, SEVERAL_LABELS.key: _columns_of_several}
"""By ``Task.key``: (table, text columns, label column, rows that were learnt from) -> the columns to be judged on."""


def _with_cut(table: Table, columns: Columns, cut: float | None, learnt_cut: float | None) -> Columns:
    """The columns with the cut that was given, else with that of the run's file."""
    if cut is not None:
        return read_with_cut(table, columns, cut)
    if learnt_cut is None or columns.cut is None:
        return columns
    # Scores of another scale (votes of fewer people) keep the cut that they suggest.
    with suppress(RecipeError):
        return read_with_cut(table, columns, learnt_cut)
    return columns


def _class_names(run: Run) -> dict[str, str]:
    """The names that labels of the run's file had been given; none if its choices are gone, which the model does without."""
    try:
        names = read_json_with_checksum(run.path / DRAFT).get("class_names")
    except (OSError, ValueError):
        return {}
    return {str(label): str(name) for label, name in names.items()} if isinstance(names, dict) else {}


def evaluate(
    run: Run,
    judged: JudgedFile,
    evaluation_id: str,
    hardware: Hardware,
    *,
    max_chars: int,
    report: Callable[[str, float | None], None],
    stop_if_asked: Callable[[int, int], None],
) -> EvaluatedFile:
    """Predict the rows as the saved model does, and keep the evaluation beside the run; a second call with the same id does nothing anew.

    ``stop_if_asked`` is called with the rows that are done and all rows, and raises to stop. Raises UserError and OSError.
    """
    stored = Evaluations(run)
    if stored.has(evaluation_id):
        return next(EvaluatedFile.from_dict(about) for about in stored.list() if about["id"] == evaluation_id)
    report("loading the model", 0.0)
    from trainer.training.predictor import Predictor

    corpus = judged.corpus
    predictor = Predictor(run.model, device=hardware.device)
    if predictor.label_names != corpus.label_names:
        raise FileError("The model has other labels than when this began. Begin again.", code="no_known_label")
    probabilities = _probabilities(predictor, hardware, corpus.texts, max_chars, report, stop_if_asked)
    readable = ~np.isnan(probabilities).any(axis=1)
    left_out = replace(judged.left_out, unreadable=int((~readable).sum()))
    if not readable.any():
        raise FileError(f"No row of this file can be used to judge the model. {' '.join(left_out.sentences())}", code="no_known_label")
    rows = np.flatnonzero(readable)
    predictions = Predictions(
        rows, np.full(len(rows), "test"), corpus.label_ids[rows], probabilities[rows], predictor.label_names, predictor.scored_task
    )
    report("comparing with the training rows", 1.0)
    about = EvaluatedFile(
        id=evaluation_id,
        name=_free_name(judged.file, [str(other["name"]) for other in stored.list()]),
        file=judged.file,
        created=time.time(),
        rows=len(rows),
        text_columns=judged.text_columns,
        label_column=judged.label_column,
        left_out=left_out,
        difference=_difference(run, corpus, rows),
        labels_cut=judged.labels_cut,
    )
    stored.store(evaluation_id, about.to_dict(), partial(_write, corpus=corpus, predictions=predictions))
    return about


def _difference(run: Run, corpus: Corpus, rows: np.ndarray) -> dict[str, Any]:
    sets = corpus.label_sets
    labels = Counter(name for row in rows.tolist() for name in sets[row])
    return difference_from_training(run, [corpus.texts[row] for row in rows.tolist()], labels)


def _probabilities(
    predictor: Any,
    hardware: Hardware,
    texts: Sequence[str],
    max_chars: int,
    report: Callable[[str, float | None], None],
    stop_if_asked: Callable[[int, int], None],
) -> np.ndarray:
    from trainer.training.block_predictor import BlockPredictor

    engine = BlockPredictor(predictor, hardware)
    blocks = []
    for start in range(0, len(texts), _BLOCK_ROWS):
        stop_if_asked(start, len(texts))
        report(f"predicting row {start + 1:,} of {len(texts):,}", start / len(texts))
        blocks.append(engine.label(texts[start : start + _BLOCK_ROWS], max_chars=max_chars).probabilities)
    return np.concatenate(blocks)


def _write(folder: Path, *, corpus: Corpus, predictions: Predictions) -> None:
    save_rows(folder / ROWS, corpus, _all_test(corpus))
    save_predictions(folder / PREDICTIONS, predictions)


def _all_test(corpus: Corpus) -> Splits:
    none = np.array([], dtype=np.int64)
    return Splits(none, none, np.arange(len(corpus)), none, ())


def _text_positions(table: Table, text_columns: Sequence[str | int]) -> tuple[int, ...]:
    if not table.rows:
        raise FileError("The file has no rows that can be used. Choose a file with one row per text.", code="no_rows")
    if text_columns:
        return tuple(dict.fromkeys(find_position(table, name, "text") for name in text_columns))
    return (guess_text_column(table, gather_evidence(table)).position,)


def _free_name(file: str, taken: Sequence[str]) -> str:
    names = [file, *(f"{file} ({number})" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)
