"""Studio: a run that keeps no rows aside: its folds, its score, the model of all rows, a crash between them."""

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import small_rows, write_rows
from tests.several_labels import write_several_labels
from tests.workspace.steps import ME, TIMEOUT_SECONDS, refused, start_run, wait_for_end
from trainer.cli.report import report_text
from trainer.data.reader.file_reader import FileReader
from trainer.data.rows import load_rows
from trainer.errors import NoMemoryError
from trainer.evaluation.comparison import run_predictions
from trainer.evaluation.intervals import wilson_interval
from trainer.evaluation.predictions import load_predictions
from trainer.jobs.folds import cross_validation
from trainer.jobs.train import pipeline, run_training
from trainer.recipe import Recipe
from trainer.runs.event_types import Phase, Queued
from trainer.runs.run import Run
from trainer.runs.run_files import CARD, FOLDS
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder
from trainer.ui import results_view, status_bar

RECIPE = Recipe(encoder="tiny-bert", epochs=1, batch_size=16, learning_rate=1e-2, max_length=32, folds=3)


class Gone(BaseException):
    pass


@pytest.fixture
def few_csv(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "few.csv", small_rows(120))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("several", [False, True], ids=["one label", "several labels"])
def test_a_run_in_folds_that_died_in_its_second_fold_ends_with_the_same_bytes(
    studio: Studio, few_csv: Path, monkeypatch: pytest.MonkeyPatch, *, several: bool
) -> None:
    path = write_several_labels(few_csv.with_name("several.csv"), n_rows=120) if several else few_csv
    workspace = studio.for_owner(ME)
    whole = wait_for_end(studio, start_run(studio, path, RECIPE))
    assert whole.status == "finished", whole.message

    trained: list[set[int]] = []
    train = cross_validation.train_run

    def train_and_note(run, history, encoder, corpus, splits, **options):
        trained.append(set(splits.test.tolist()))
        learned = {*splits.train.tolist(), *splits.validation.tolist()}
        assert not learned & trained[-1]
        assert learned | trained[-1] == set(range(120))
        return train(run, history, encoder, corpus, splits, **options)

    emit = cross_validation._FoldReporter.emit

    def die_in_the_second(reporter, event, **options):
        emit(reporter, event, **options)
        if len(trained) == 2 and event.type == "log":
            raise Gone

    monkeypatch.setattr(cross_validation, "train_run", train_and_note)
    with monkeypatch.context() as patched:
        patched.setattr(cross_validation._FoldReporter, "emit", die_in_the_second)
        view = start_run(studio, path, dataclasses.replace(RECIPE, log_every=2))
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while workspace.library.view(view.id).status != "interrupted":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        studio._queue.join()
    interrupted = workspace.library.view(view.id)
    assert 0.33 < interrupted.folds_done < 0.66
    assert 0.24 < interrupted.progress < 0.5
    resumed = wait_for_end(studio, workspace.resume(view.id))
    assert resumed.status == "finished", resumed.message
    phases = [event for event in Run(studio.settings.runs_dir / resumed.id).log.read() if isinstance(event, Queued | Phase)]
    again = max(index for index, event in enumerate(phases) if isinstance(event, Queued))
    # Else the time left would be taken as if the first fold had been trained in no time.
    assert next(event.done for event in phases[again:] if event.type == "phase" and event.stage == "folds") >= 0.33
    # The first fold was not trained again.
    assert len(trained) == 4
    assert trained[1] == trained[2]
    assert set.union(*trained) == set(range(120))
    runs = [Run(studio.settings.runs_dir / each.id) for each in (whole, resumed)]
    assert not (runs[1].path / FOLDS).exists()
    # The config holds the cuts of several labels.
    for name in ("predictions.parquet", "model/model.safetensors", "model/config.json"):
        assert len({(run.path / name).read_bytes() for run in runs}) == 1, name


def test_its_score_is_that_of_all_rows_by_models_that_had_not_seen_them(studio: Studio, few_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    view = wait_for_end(studio, start_run(studio, few_csv, RECIPE))
    run = Run(studio.settings.runs_dir / view.id)
    assert (view.folds, view.progress, view.rows["test"]) == (3, 1.0, 120)
    predictions, (corpus, splits) = load_predictions(run.predictions), load_rows(run.rows)
    tested = predictions.for_split("test")
    assert (tested.folds, sorted(tested.rows.tolist())) == (3, list(range(120)))
    assert len(splits.train) + len(splits.validation) == 120
    report = workspace.library.reports(view.id).test
    right = np.mean(tested.predicted == tested.labels)
    # As if there were fewer rows: the variance is 1 + 3 / 2 times as large.
    low, high = wilson_interval(right, 120 / 2.5)
    assert report.folds == 3
    assert (report.accuracy.value, report.accuracy.low, report.accuracy.high) == pytest.approx((right, low, high), abs=1e-12)
    # No row counts as seen when it is compared with another run.
    assert run_predictions(corpus, splits, predictions).seen_texts == frozenset()
    assert view.baseline is not None
    assert view.baseline.rows == 80
    card = (run.path / CARD).read_text()
    assert "120 rows in 3 folds" in card
    assert "Nadeau & Bengio" in card
    assert "120 rows in 3 folds" in report_text(view, report, ())
    assert "texts in 3 folds" in results_view.headline(view, "few", workspace.library.reports(view.id), link="")
    assert len(workspace.library.examples(view.id)) == 3
    # Its validation rows are tested too, so that none is corrected.
    with refused("test_row"):
        workspace.corrections.correct(view.id, int(splits.validation[0]), corpus.label_names[0])
    scores = workspace.library.scores(view.id)
    assert "120 rows in 3 folds" in status_bar.status_bar_html([view], {view.id: "few"}, scores, now=time.time())


def test_stopped_in_its_folds_it_can_be_resumed(studio: Studio, few_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = studio.for_owner(ME)
    train = cross_validation.train_run

    def train_and_stop(run, *given, **options):
        Run(run.path.parents[1]).request_stop()
        return train(run, *given, **options)

    with monkeypatch.context() as patched:
        patched.setattr(cross_validation, "train_run", train_and_stop)
        stopped = wait_for_end(studio, start_run(studio, few_csv, RECIPE))
    assert (stopped.status, stopped.message[:36]) == ("cancelled", "Stopped with 0 of 3 folds done. Resu"), stopped.message
    assert wait_for_end(studio, workspace.resume(stopped.id)).status == "finished"


def test_stopped_in_its_last_training_it_says_so_and_the_run_that_continues_it_trains_no_fold_again(
    studio: Studio, few_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, runs_dir = studio.for_owner(ME), studio.settings.runs_dir
    emit, train, folds = run_training.RunReporter.emit, cross_validation.train_run, []

    def emit_and_stop(reporter, event, **options):
        emit(reporter, event, **options)
        if event.type == "log" and reporter.run.path.parent == runs_dir:
            reporter.run.request_stop()

    def train_and_note(run, *given, **options):
        folds.append(run.id)
        return train(run, *given, **options)

    monkeypatch.setattr(cross_validation, "train_run", train_and_note)
    with monkeypatch.context() as patched:
        patched.setattr(run_training.RunReporter, "emit", emit_and_stop)
        stopped = wait_for_end(studio, start_run(studio, few_csv, dataclasses.replace(RECIPE, log_every=1)))
    assert (stopped.status, len(folds)) == ("stopped", 3), stopped.message
    report = workspace.library.reports(stopped.id)
    for words in (
        (runs_dir / stopped.id / CARD).read_text(),
        results_view.headline(stopped, "few", report, link=""),
        report_text(stopped, report.test, ()),
        workspace.reports.html(stopped.id)[1].decode(),
    ):
        assert "its training was stopped, so it may be worse than they are" in words
        assert "in the same way" not in words
    kept = sorted((runs_dir / stopped.id / FOLDS).iterdir())
    assert [path.name for path in kept] == ["fold-0.parquet", "fold-1.parquet", "fold-2.parquet"]
    # One that is damaged is trained again.
    kept[1].unlink()
    kept[1].write_bytes(b"damaged")
    child = wait_for_end(studio, workspace.resume(stopped.id))
    assert (child.status, child.parent, len(folds)) == ("finished", stopped.id, 4), child.message
    assert not (runs_dir / child.id / FOLDS).exists()
    assert "in the same way" in (runs_dir / child.id / CARD).read_text()


def test_stopped_between_its_folds_and_its_last_training_it_says_what_is_done(
    studio: Studio, few_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = pipeline.predict_out_of_fold

    def predict_and_stop(run, *given, **options):
        found = predict(run, *given, **options)
        run.request_stop("It ended after an hour.")
        return found

    monkeypatch.setattr(pipeline, "predict_out_of_fold", predict_and_stop)
    view = wait_for_end(studio, start_run(studio, few_csv, RECIPE))
    assert view.status == "cancelled"
    assert view.message == "It ended after an hour. Stopped with all 3 folds done. Resume goes on with the model of all rows."


def test_folds_are_trained_like_the_last_model_and_with_as_few_texts_at_a_time_as_fit(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, left = [], [4, None]

    def run_out_of_memory(run, history, *given, **options):
        tried.append((run.resolved_recipe(), history.previous_attempts().texts_at_a_time))
        raise NoMemoryError("The memory ran out.", code="out_of_memory", retry_texts_at_a_time=left.pop(0))

    monkeypatch.setattr(cross_validation, "train_run", run_out_of_memory)
    # All rows but those for validation are more than 400, and a fold's are fewer.
    csv = write_rows(tmp_path / "some.csv", small_rows(480))
    automatic = dataclasses.replace(RECIPE, method="auto", epochs=None, batch_size=None, learning_rate=None)
    view = wait_for_end(studio, start_run(studio, csv, automatic))
    assert (view.status, view.code, view.retry_texts_at_a_time) == ("failed", "out_of_memory", 4), view.message
    view = wait_for_end(studio, studio.for_owner(ME).resume(view.id))
    assert (view.status, view.retry_texts_at_a_time) == ("failed", None)
    whole = dataclasses.replace(Run(studio.settings.runs_dir / view.id).resolved_recipe(), folds=None)
    assert whole.batch_size == 32
    assert tried == [(whole, None), (whole, 4)]


def test_folds_are_refused_where_they_make_no_sense(studio: Studio, tmp_path: Path, few_csv: Path) -> None:
    with refused("too_few_rows"):
        start_run(studio, write_rows(tmp_path / "tiny.csv", small_rows(12)), dataclasses.replace(RECIPE, folds=10))
    workspace = studio.for_owner(ME)
    draft = workspace.drafts.open_files({"main": ("few.csv", few_csv)}).draft.id
    workspace.labels.rename_class(draft, "joy", "bliss")
    for decide, take_back in (
        (lambda: workspace.labels.decide(draft, [("main", 0)], "drop"), lambda: workspace.labels.take_back(draft, [("main", 0)])),
        (lambda: workspace.labels.label_text(draft, "a new one", "bliss"), lambda: workspace.labels.take_text_back(draft, "a new one")),
    ):
        decide()
        with refused("decided_folds"):
            workspace.start(draft, RECIPE)
        take_back()
    for given in ("test", "validation"):
        rows = [(text, mood, given if i % 5 == 0 else "train") for i, (text, mood) in enumerate(small_rows(60))]
        with refused("given_test"):
            start_run(studio, write_rows(tmp_path / f"{given}.csv", rows, header=("text", "mood", "split")), RECIPE)
    assert studio.for_owner(ME).library.runs() == []


def test_several_labels_start_from_a_linear_model_in_the_run_and_in_its_folds(
    settings: Settings, tiny_encoder: Encoder, reader: FileReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    averaging = dataclasses.replace(tiny_encoder, pooling="mean")
    poolings, train = [], cross_validation.train_run

    def train_and_note(run: Run, *given: object, **options: object) -> object:
        poolings.append(run.resolved_recipe().pooling)
        return train(run, *given, **options)

    monkeypatch.setattr(cross_validation, "train_run", train_and_note)
    studio = Studio(settings, encoders=[averaging], reader=reader)
    try:
        view = wait_for_end(studio, start_run(studio, write_several_labels(tmp_path / "several.csv", n_rows=120), RECIPE))
        assert view.status == "finished", view.message
        assert poolings == ["mean"] * 3
        assert Run(studio.settings.runs_dir / view.id).resolved_recipe().pooling == "mean"
        workspace = studio.for_owner(ME)
        _, explanation = workspace.recipe_for_level(workspace.drafts.latest_id(), "Balanced", Recipe(encoder=averaging.name))
        assert explanation.startswith("With several labels a text, it starts from a linear model")
    finally:
        studio.close()


def test_in_folds_several_labels_are_said_by_cuts_that_no_row_of_the_fold_has_chosen(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = []
    train = cross_validation._train_fold
    monkeypatch.setattr(cross_validation, "_train_fold", lambda *given: parts.append(train(*given)) or parts[-1])
    path = write_several_labels(tmp_path / "several.csv", n_rows=120)
    view = wait_for_end(studio, start_run(studio, path, dataclasses.replace(RECIPE, epochs=4)))
    assert view.status == "finished", view.message
    assert (view.folds, view.rows["test"]) == (3, 120)
    tested = load_predictions(Run(studio.settings.runs_dir / view.id).predictions).for_split("test")
    said = dict(zip(tested.rows.tolist(), tested.predicted.tolist(), strict=True))
    assert len({part.task.cuts for part in parts}) > 1
    for part in parts:
        assert [said[row] for row in part.rows.tolist()] == part.predicted.tolist()
    assert view.baseline is not None
    assert 0 < view.baseline.rows < 80
    assert "in 3 folds" in (Run(studio.settings.runs_dir / view.id).path / CARD).read_text()
