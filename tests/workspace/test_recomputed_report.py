"""Every number of the Results tab, computed again from a run's parquet files by scikit-learn and SciPy alone."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy.stats import beta, binomtest
from sklearn import metrics

from trainer.data.corpus import Corpus
from trainer.data.rows import save_rows
from trainer.data.splits import Splits
from trainer.evaluation.mistakes import RowFilter, find_rows
from trainer.evaluation.predictions import Predictions, save_predictions
from trainer.recipe import Recipe
from trainer.runs.event_types import Calibrated, Created, Evaluated, Finished, Started
from trainer.runs.store import RunStore
from trainer.settings import LOCAL_OWNER
from trainer.studio import Studio

NAMES = ("anger", "fear", "joy", "love")
TEMPERATURE = 0.8
EXACT = pytest.approx


def make_run(runs: Path) -> str:
    """A run of a model that is mostly right, with 600 validation and 700 test rows, and a temperature."""
    generator = np.random.default_rng(11)
    n = 1400
    labels = generator.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    logits = generator.normal(0, 1.2, (n, 4)) + 2.2 * np.eye(4)[labels]
    powers = np.exp(logits / TEMPERATURE)
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    rows = np.arange(n)
    corpus = Corpus(tuple(f"text {i}" for i in rows), labels, NAMES, generator.permutation(n), rows, None, ())
    splits = Splits(rows[:100], rows[100:700], rows[700:], rows[:0], ())

    def fill(folder: Path) -> None:
        save_rows(folder / "data.parquet", corpus, splits)
        (folder / "source").write_bytes(b"text,label\n")
        (folder / "model").mkdir()
        (folder / "model" / "config.json").write_text("{}")
        (folder / "model" / "README.md").write_text("# a card")
        split = ["validation"] * 600 + ["test"] * 700
        save_predictions(folder / "predictions.parquet", Predictions(rows[100:], split, labels[100:], probabilities[100:], NAMES))

    created = Created(name="brisk otter", owner=LOCAL_OWNER, rows={"train": 100, "validation": 600, "test": 700})
    run = RunStore(runs).create(recipe=Recipe(), resolved=Recipe(), fill=fill, created=created)
    run.log.append(Started(total_steps=10, epochs=1))
    run.log.append(Evaluated(step=10, accuracy=0.8, macro_f1=0.7))
    run.log.append(Calibrated(temperature=TEMPERATURE, kept=True, nll_before=0.5, nll_after=0.4, rows=600))
    run.seal_results_and_log(Finished())
    run.log.append(Finished(seconds=5.0))
    return run.id


def read(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, predictions and probabilities in the run's parquet file."""
    table = pq.read_table(folder / "predictions.parquet").to_pandas()
    table = table[table.split == split]
    probabilities = np.stack(table.probabilities.to_list()).astype(float)
    return table.label.to_numpy(), probabilities.argmax(axis=1), probabilities


def wilson(hits: int, rows: int) -> tuple[float, float]:
    interval = binomtest(int(hits), int(rows)).proportion_ci(method="wilson")
    return interval.low, interval.high


def test_every_number_is_that_of_scikit_learn_and_scipy(studio: Studio) -> None:
    run_id = make_run(studio.settings.runs_dir)
    library = studio.for_owner(LOCAL_OWNER).library
    reports, folder = library.reports(run_id), library.folder(run_id)
    for split, report in (("test", reports.test), ("validation", reports.validation)):
        true, predicted, _ = read(folder, split)
        assert np.array_equal(report.confusion, metrics.confusion_matrix(true, predicted))
        assert report.accuracy.value == EXACT(metrics.accuracy_score(true, predicted), abs=1e-9)
        assert (report.accuracy.low, report.accuracy.high) == EXACT(wilson((true == predicted).sum(), len(true)), abs=1e-9)
        assert report.macro_f1.value == EXACT(metrics.f1_score(true, predicted, average="macro"), abs=1e-9)
        assert report.weighted_f1.value == EXACT(metrics.f1_score(true, predicted, average="weighted"), abs=1e-9)
        assert report.majority_share == EXACT(np.bincount(true).max() / len(true), abs=1e-9)
        precision, recall, f1, support = metrics.precision_recall_fscore_support(true, predicted)
        for i, score in enumerate(report.per_class):
            values = (score.precision.value, score.recall.value, score.f1, score.support)
            assert values == EXACT((precision[i], recall[i], f1[i], support[i]), abs=1e-9)
            right = ((true == i) & (predicted == i)).sum()
            assert (score.precision.low, score.precision.high) == EXACT(wilson(right, (predicted == i).sum()), abs=1e-9)
            assert (score.recall.low, score.recall.high) == EXACT(wilson(right, support[i]), abs=1e-9)


def test_calibration_and_promises_are_computed_again(studio: Studio) -> None:
    run_id = make_run(studio.settings.runs_dir)
    library = studio.for_owner(LOCAL_OWNER).library
    worth, folder = library.reports(run_id).confidence, library.folder(run_id)
    true, predicted, probabilities = read(folder, "test")
    before = probabilities**TEMPERATURE
    before /= before.sum(axis=1, keepdims=True)
    for reliability, values in ((worth.after, probabilities), (worth.before, before)):
        confidence, right = values[np.arange(len(true)), predicted], predicted == true
        parts = np.array_split(np.argsort(confidence, kind="stable"), 10)
        gaps = [abs(confidence[part].mean() - right[part].mean()) * len(part) for part in parts]
        assert reliability.error == EXACT(sum(gaps) / len(true), abs=1e-9)
        for shown, part in zip(reliability.bins, parts, strict=True):
            assert (shown.confidence, shown.accuracy.value) == EXACT((confidence[part].mean(), right[part].mean()), abs=1e-9)
            assert (shown.accuracy.low, shown.accuracy.high) == EXACT(wilson(right[part].sum(), len(part)), abs=1e-9)
    assert [promise.threshold is not None for promise in worth.promises] == [True, True, True, True, False]
    for promise in worth.promises[:4]:
        for split, answers in (("validation", promise.validation), ("test", promise.test)):
            true, predicted, probabilities = read(folder, split)
            confidence, right = probabilities[np.arange(len(true)), predicted], predicted == true
            answered = confidence >= promise.threshold
            assert (answers.answered, answers.right) == (answered.sum(), right[answered].sum())
            if split == "validation":
                assert beta.ppf(0.05, answers.right, answers.answered - answers.right + 1) >= promise.target
            assert answers.accuracy.value == EXACT(right[answered].mean(), abs=1e-9)
            assert (answers.accuracy.low, answers.accuracy.high) == EXACT(wilson(right[answered].sum(), answered.sum()), abs=1e-9)


def test_the_rows_of_each_cell_are_those_of_the_files(studio: Studio) -> None:
    run_id = make_run(studio.settings.runs_dir)
    library = studio.for_owner(LOCAL_OWNER).library
    rows, folder = library.predicted_rows(run_id, "test"), library.folder(run_id)
    data = pq.read_table(folder / "data.parquet").to_pandas()
    true, predicted, probabilities = read(folder, "test")
    test = data[data.split == "test"].reset_index(drop=True)
    for i in range(4):
        for j in range(4):
            found = find_rows(rows, RowFilter(label=i, predicted=j, shown="all"))
            expected = np.flatnonzero((true == i) & (predicted == j))
            expected = expected[np.argsort(-probabilities[expected, j], kind="stable")]
            assert rows.source_rows[found].tolist() == (test.source_row[expected] + 1).tolist()
            assert [rows.texts[k] for k in found] == test.text[expected].tolist()
            assert rows.confidence[found] == EXACT(probabilities[expected, j], abs=1e-9)
