"""Studio: from a file to a model and its report, the queue, failures, and restarts.

Real trainings of a tiny model. A test that needs a running training holds it at its first logged point, so that nothing depends on the speed of the
machine.
"""

import dataclasses
import errno
import itertools
import json
import os
import signal
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import small_rows, write_rows
from tests.warm import Warm
from trainer.atomic import REMOVED_PREFIX
from trainer.data.duplicates.near_duplicates import NearDuplicates, find_near_duplicates
from trainer.data.reader.file_reader import FileReader
from trainer.data.rows import load_rows
from trainer.drafts import cache
from trainer.drafts.inspection import inspect_file
from trainer.drafts.preparation import read_tables
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs.events import EventLog
from trainer.runs.ids import new_id
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder
from trainer.training.hardware import detect_hardware

ME, OTHER = "local", "somebody else"
RECIPE = Recipe(encoder="tiny-bert", epochs=12, batch_size=16, learning_rate=5e-3, max_length=32)
QUICK = dataclasses.replace(RECIPE, epochs=1)
TIMEOUT_SECONDS = 120.0


class Hold:
    """Holds the training thread at its first logged point until it is released."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._released = threading.Event()

    def pause(self) -> None:
        self._reached.set()
        self._released.wait(TIMEOUT_SECONDS)

    def wait_until_started(self) -> None:
        assert self._reached.wait(TIMEOUT_SECONDS), "the training never began"

    def release(self) -> None:
        self._released.set()


@pytest.fixture
def hold(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hold]:
    """Holds every training of this test; released when the test ends at the latest, before the studio closes."""
    gate = Hold()
    append = EventLog.append

    def append_and_pause(self: EventLog, event_type: str, **fields: object) -> None:
        append(self, event_type, **fields)
        # The history of a child run is written by the thread that requests it.
        if event_type == "log" and threading.current_thread() is not threading.main_thread():
            gate.pause()

    monkeypatch.setattr(EventLog, "append", append_and_pause)
    yield gate
    gate.release()


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, small_csv: Path, reader: FileReader
) -> Iterator[tuple[Studio, RunView, dict[str, int]]]:
    """A studio with one finished run, and the rows of each split that the prepared draft announced."""
    studio = Studio(Settings(runs_dir=tmp_path_factory.mktemp("trained") / "runs"), encoders=[tiny_encoder], reader=reader)
    prepared = studio.for_owner(ME).drafts.open_files({"main": ("moods.csv", small_csv)})
    splits = prepared.splits(RECIPE)
    expected_rows = {part: len(getattr(splits, part)) for part in ("train", "validation", "test")}
    view = studio.for_owner(ME).start(prepared.draft.id, RECIPE)
    yield studio, studio.for_owner(ME).wait(view.id, TIMEOUT_SECONDS), expected_rows
    studio.close()


def start_run(studio: Studio, path: Path, recipe: Recipe = QUICK, owner: str = ME) -> RunView:
    workspace = studio.for_owner(owner)
    return workspace.start(workspace.drafts.open_files({"main": (path.name, path)}).draft.id, recipe)


def wait_for_end(studio: Studio, view: RunView) -> RunView:
    return studio.for_owner(ME).wait(view.id, TIMEOUT_SECONDS)


def events(studio: Studio, view: RunView) -> list[dict]:
    return list(Run(studio.for_owner(ME).library.folder(view.id)).log.read())


def refused(code: str) -> pytest.RaisesExc[UserError]:
    return pytest.raises(UserError, check=lambda error: error.code == code)


# From a file to its report


def test_a_file_becomes_a_model_with_an_honest_report(trained: tuple[Studio, RunView, dict[str, int]]) -> None:
    studio, view, expected_rows = trained
    assert view.status == "finished"
    assert view.message == ""
    assert view.rows == expected_rows
    assert (view.last_logged_step, view.epochs, view.batch_size) == (view.total_steps, 12, 16)
    assert len(view.points) >= 100
    assert len(view.evaluations) == 4 * 12
    assert view.best_step in {e.step for e in view.evaluations}
    assert view.train_seconds < view.duration_seconds

    reports = studio.for_owner(ME).library.reports(view.id)
    assert (reports.test.rows, reports.validation.rows) == (expected_rows["test"], expected_rows["validation"])
    assert reports.test.label_names == ("anger", "joy", "sadness")
    assert reports.test.accuracy.value > 0.6  # guessing gives a third
    assert reports.test.majority_share < 0.5


def test_the_report_is_what_predicting_the_test_rows_gives(trained: tuple[Studio, RunView, dict[str, int]]) -> None:
    studio, view, _ = trained
    corpus, splits = load_rows(Run(studio.for_owner(ME).library.folder(view.id)).rows)
    names, predictions = studio.for_owner(ME).models.predict(view.id, [corpus.texts[i] for i in splits.test])
    assert names == corpus.label_names
    assert (np.array([p.probabilities.argmax() for p in predictions]) == corpus.label_ids[splits.test]).mean() == studio.for_owner(
        ME
    ).library.reports(view.id).test.accuracy.value
    assert not set(splits.test) & (set(splits.train) | set(splits.validation))


def test_the_zip_is_the_model_without_pickles(trained: tuple[Studio, RunView, dict[str, int]], tmp_path: Path) -> None:
    studio, view, _ = trained
    name = studio.for_owner(ME).models.write_zip(view.id, tmp_path / "model.zip")
    folder = view.name.replace(" ", "-")
    assert name == f"{folder}.zip"
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        assert archive.testzip() is None
        files = {info.filename: archive.read(info) for info in archive.infolist()}
    assert {path.split("/")[0] for path in files} == {folder}
    names = {path.split("/", 1)[1] for path in files}
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "README.md"} <= names
    assert {Path(n).suffix for n in names} <= {".safetensors", ".json", ".txt", ".md", ".model"}
    for path, content in files.items():
        assert content == (studio.for_owner(ME).library.folder(view.id) / "model" / path.split("/", 1)[1]).read_bytes()
        assert not content.startswith(b"\x80"), f"{path} begins like a pickle"
    assert json.loads(files[f"{folder}/config.json"])["id2label"] == {"0": "anger", "1": "joy", "2": "sadness"}


def test_the_folder_of_a_run_holds_what_the_design_says(trained: tuple[Studio, RunView, dict[str, int]], small_csv: Path) -> None:
    studio, view, _ = trained
    folder = studio.for_owner(ME).library.folder(view.id)
    assert folder.parent == studio.settings.runs_dir
    assert (folder / "source").read_bytes() == small_csv.read_bytes()
    assert {"recipe.json", "data.parquet", "events.jsonl", "predictions.parquet", "model"} <= {f.name for f in folder.iterdir()}
    assert [f.name.split("-")[0] for f in sorted((folder / "checkpoints").iterdir())] == ["best", "state"]
    assert [e["type"] for e in events(studio, view)][:2] == ["created", "queued"]


@pytest.mark.parametrize(
    "text", ["happy " * 30_000, "happy 🫠👨‍👩‍👧 \x00\x07 مرحبا", "happy ‮evil‬", "<b>happy</b>", "\ud800 half a character"]
)
def test_odd_texts_get_probabilities(trained: tuple[Studio, RunView, dict[str, int]], text: str) -> None:
    studio, view, _ = trained
    for prediction in studio.for_owner(ME).models.predict(view.id, [text, "happy laugh today"])[1]:
        assert prediction.probabilities.shape == (3,)
        assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("text", ["", " \n\t ", "\u200b", "\x07"])
def test_an_empty_text_gets_a_reason_instead_of_probabilities(trained: tuple[Studio, RunView, dict[str, int]], text: str) -> None:
    studio, view, _ = trained
    empty, full = studio.for_owner(ME).models.predict(view.id, [text, "happy laugh today"])[1]
    assert empty.probabilities is None
    assert "empty" in empty.problem
    assert full.probabilities is not None


def test_a_text_longer_than_the_limit_is_marked_as_cut(trained: tuple[Studio, RunView, dict[str, int]]) -> None:
    studio, view, _ = trained
    # A single word for the tokenizer, so that only the character limit cuts it.
    (prediction,) = studio.for_owner(ME).models.predict(view.id, ["a" * (studio.settings.max_text_chars + 1)])[1]
    assert prediction.cut


def test_too_many_texts_and_no_text(trained: tuple[Studio, RunView, dict[str, int]]) -> None:
    studio, view, _ = trained
    max_texts = studio.settings.max_texts_per_prediction
    assert len(studio.for_owner(ME).models.predict(view.id, ["glad"] * max_texts)[1]) == max_texts
    with refused("too_many_texts"):
        studio.for_owner(ME).models.predict(view.id, ["glad"] * (max_texts + 1))
    assert studio.for_owner(ME).models.predict(view.id, [])[1] == []


def test_the_sample_can_be_opened_and_chosen_differently(studio: Studio) -> None:
    workspace = studio.for_owner(ME)
    sample = workspace.drafts.open_sample()
    assert len(sample.require_corpus()) >= 900
    assert len(sample.corpus.label_names) == 6
    assert workspace.drafts.latest().draft.id == sample.draft.id
    assert studio.for_owner(OTHER).drafts.latest() is None
    workspace.editor.set_columns(sample.draft.id, text=["0"], label="1")
    changed = workspace.editor.name_classes(sample.draft.id, {"joy": "delight"})
    assert "delight" in changed.corpus.label_names
    assert "delight" in Studio(studio.settings, reader=studio.reader).for_owner(ME).drafts.latest().corpus.label_names


def test_concurrent_requests_read_and_prepare_a_file_once(studio: Studio, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = studio.for_owner(ME).drafts.open_files({"main": (small_csv.name, small_csv)})
    other_studio = Studio(studio.settings, encoders=studio.encoders, reader=studio.reader)
    calls, barrier = [], threading.Barrier(4)
    original = cache.prepare

    def counting_prepare(*arguments: object, **options: object) -> object:
        calls.append("prepare")
        return original(*arguments, **options)

    def read(*arguments: object) -> object:
        calls.append("read")
        return read_tables(*arguments)

    monkeypatch.setattr(cache, "prepare", counting_prepare)
    monkeypatch.setattr(cache, "read_tables", read)

    def ask() -> None:
        barrier.wait()
        other_studio.for_owner(ME).drafts.get(opened.draft.id)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == ["read", "prepare"]


def test_the_cache_of_splits_is_bounded(studio: Studio) -> None:
    prepared = studio.for_owner(ME).drafts.open_sample()
    for seed in range(12):
        prepared.splits(dataclasses.replace(QUICK, seed=seed))
    assert len(prepared._splits) <= 4


@pytest.mark.parametrize("columns", [{"text": ["text \ud800"]}, {"label": "mood \ud83d"}])
def test_an_invalid_character_in_a_column_name_gives_an_error(studio: Studio, small_csv: Path, columns: dict) -> None:
    workspace = studio.for_owner(ME)
    with refused("not_text"):
        workspace.drafts.open_files({"main": (small_csv.name, small_csv)}, **columns)
    opened = workspace.drafts.open_files({"main": (small_csv.name, small_csv)})
    with refused("not_text"):
        workspace.editor.set_columns(opened.draft.id, **columns)
    with refused("not_text"):
        workspace.editor.name_classes(opened.draft.id, {"joy": "\ud83d"})
    assert workspace.drafts.latest().draft == opened.draft


# Overlap of files


def test_a_test_file_equal_to_the_training_file_is_refused(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "moods.csv", small_rows(60))
    with pytest.raises(UserError, match=r"All 60 texts of the test file are also in moods\.csv") as error:
        workspace.train_files({"main": (path.name, path), "test": (path.name, path)}, QUICK)
    assert error.value.code == "test_in_training"
    assert workspace.library.runs() == []


def test_rows_of_the_test_file_are_excluded_from_training_with_a_warning(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    rows = small_rows(120)
    path, test = write_rows(tmp_path / "moods.csv", rows), write_rows(tmp_path / "some.csv", rows[:30])
    view = workspace.train_files({"main": (path.name, path), "test": (test.name, test)}, QUICK)
    workspace.stop(view.id)
    (finding,) = [f for f in view.findings if f.code == "test_in_training"]
    assert (finding.severity, finding.count) == ("warning", 30)
    assert "30 rows with these texts are not trained on" in finding.message
    assert view.rows["test"] == 30
    assert view.rows["train"] + view.rows["validation"] == 90


def test_cells_of_several_labels_are_explained_before_their_number_is_refused(studio: Studio, tmp_path: Path) -> None:
    single = "joy sadness anger fear love surprise".split()
    labels = [*single * 20, *(", ".join(pair) for pair in itertools.combinations(single, 2))]
    rows = list(zip([text for text, _ in small_rows(len(labels))], labels, strict=True))
    path = write_rows(tmp_path / "several.csv", rows)
    small = Studio(dataclasses.replace(studio.settings, max_classes=10), encoders=studio.encoders, reader=studio.reader)
    opened = small.for_owner(ME).drafts.open_files({"main": (path.name, path)})
    assert opened.problem is None
    assert "several_labels" in {f.code for f in opened.blocking_findings}
    assert inspect_file(path, studio.reader, max_classes=10).ok
    assert small.for_owner(ME).editor.dismiss(opened.draft.id, "several_labels").problem.code == "too_many_classes"
    with refused("too_many_classes"):
        small.for_owner(ME).start(small.for_owner(ME).drafts.open_files({"main": (path.name, path)}).draft.id, QUICK, as_it_is=True)


# Repairs, Start and the queue


def messy(n_rows: int = 120) -> list[tuple[str, str]]:
    rows = small_rows(n_rows)
    return [
        *rows[:-3],
        (rows[-3][0], rows[-3][1].upper()),
        (f"{rows[-2][0]} &amp; so", rows[-2][1]),
        rows[0],
        (rows[1][0] + "!", rows[1][1]),
    ]


def test_near_duplicates_are_searched_again_only_if_the_texts_changed(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = studio.for_owner(ME)
    text_counts: list[int] = []

    def counting(texts: tuple[str, ...]) -> NearDuplicates:
        text_counts.append(len(texts))
        return find_near_duplicates(texts)

    monkeypatch.setattr(cache, "find_near_duplicates", counting)
    path = write_rows(tmp_path / "messy.csv", messy())
    opened = workspace.drafts.open_files({"main": (path.name, path)})
    renamed = workspace.editor.name_classes(opened.draft.id, {opened.corpus.label_names[0]: "another name"})
    assert "another name" in renamed.corpus.label_names
    workspace.editor.repair(opened.draft.id, ["label_variants"])
    assert len(text_counts) == 1
    assert len(workspace.editor.repair(opened.draft.id, ["duplicate_texts"]).corpus) < len(opened.corpus)
    assert len(text_counts) == 2


def test_repairs_are_kept_can_be_undone_and_are_recorded(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "messy.csv", messy())
    opened = workspace.drafts.open_files({"main": (path.name, path)})
    draft = opened.draft.id
    assert [f.code for f in opened.blocking_findings] == ["label_variants"]
    assert not opened.ready
    with refused("must_fix"):
        workspace.start(draft, QUICK)
    repaired = workspace.editor.repair(draft, [f.code for f in opened.findings if f.repairable])
    assert repaired.ready
    assert repaired.repaired.counts == {"html_in_texts": 1, "label_variants": 1, "duplicate_texts": 1, "near_duplicates": 1}
    assert len(repaired.corpus) == 119
    reopened = Studio(studio.settings, encoders=studio.encoders, reader=studio.reader).for_owner(ME).drafts.latest()
    assert reopened.draft == repaired.draft
    assert reopened.corpus.texts == repaired.corpus.texts
    assert len(workspace.editor.undo(draft, ["duplicate_texts", "near_duplicates"]).corpus) == 121

    view = wait_for_end(studio, workspace.start(draft, QUICK))
    assert view.repairs == {"html_in_texts": 1, "label_variants": 1}
    run = Run(workspace.library.folder(view.id))
    assert run.recipe().repairs == ("html_in_texts", "label_variants")
    assert "1 row: label written as most rows write it" in (run.model / "README.md").read_text(encoding="utf-8")
    corpus, _ = load_rows(run.rows)
    assert len(corpus.label_names) == 3
    assert (run.path / "source").read_bytes() == path.read_bytes()


def test_a_run_records_its_level_and_what_was_forecast(studio: Studio, hold: Hold, small_csv: Path) -> None:
    draft = studio.for_owner(ME).drafts.open_files({"main": ("moods.csv", small_csv)}).draft.id
    # As at server start: nothing is measured during a training.
    studio._machine.speeds.of(detect_hardware())
    plain = studio.for_owner(ME).start(draft, RECIPE)
    assert plain.level == ""
    assert "forecast_seconds" not in events(studio, plain)[0]
    studio._machine.hardware = detect_hardware()
    leveled = studio.for_owner(ME).start(draft, QUICK, level="Quick look")
    forecast = studio.for_owner(ME).advise(draft, QUICK).seconds
    created = events(studio, leveled)[0]
    assert (leveled.level, created["forecast_seconds"]) == ("Quick look", pytest.approx(forecast))
    # The time estimate is no finding about the file.
    assert "estimate" not in [finding.code for finding in leveled.findings]


def test_remaining_findings_are_recorded_with_the_run(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "messy.csv", messy())
    with refused("must_fix"):
        workspace.train_files({"main": (path.name, path)}, QUICK)
    assert workspace.library.runs() == []
    view = wait_for_end(studio, workspace.train_files({"main": (path.name, path)}, QUICK, as_it_is=True))
    findings = {f.code: f for f in view.findings}
    assert set(findings) >= {"label_variants", "html_in_texts", "duplicate_texts", "near_duplicates"}
    assert findings["label_variants"].severity == "error"
    assert all(f.severity != "ok" and f.message for f in view.findings)
    assert Studio(studio.settings, reader=studio.reader).for_owner(ME).library.view(view.id).findings == view.findings


def test_an_error_can_be_dismissed(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "messy.csv", messy())
    draft = workspace.drafts.open_files({"main": (path.name, path)}).draft.id
    dismissed = workspace.editor.dismiss(draft, "label_variants")
    assert dismissed.ready
    assert "label_variants" in {f.code for f in dismissed.findings if f.severity == "warning"}
    assert not workspace.editor.undo(draft, ["label_variants"]).ready


def test_other_columns_start_without_repairs(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    rows = [(text, label, f"a title about {label}") for text, label in messy()]
    path = write_rows(tmp_path / "messy.csv", rows, ("text", "mood", "title"))
    draft = workspace.drafts.open_files({"main": (path.name, path)}).draft.id
    assert workspace.editor.repair(draft, ["label_variants"]).draft.repairs == ("label_variants",)
    joined = workspace.editor.set_columns(draft, text=(2, 0))
    assert joined.draft.repairs == ()
    assert joined.corpus.texts[0] == f"a title about {rows[0][1]}\n{rows[0][0]}"


def test_confirming_the_columns_keeps_the_repairs(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "messy.csv", messy())
    draft = workspace.drafts.open_files({"main": (path.name, path)}).draft.id
    workspace.editor.repair(draft, ["label_variants"])
    assert workspace.editor.set_columns(draft, text=(0,), label=1).draft.repairs == ("label_variants",)


def test_saving_the_form_at_the_same_time_loses_no_repair(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "messy.csv", messy(60))
    draft = workspace.drafts.open_files({"main": (path.name, path)}).draft.id
    done = threading.Event()

    def keep() -> None:
        while not done.is_set():
            studio.for_owner(ME).editor.save_form(draft, {"epochs": 3})

    keeper = threading.Thread(target=keep)
    keeper.start()
    try:
        for _ in range(10):
            workspace.editor.repair(draft, ["label_variants"])
            assert workspace.drafts.get(draft).draft.repairs == ("label_variants",)
            assert workspace.editor.undo(draft, ["label_variants"]).draft.repairs == ()
            assert workspace.drafts.get(draft).draft.repairs == ()
    finally:
        done.set()
        keeper.join()


def test_given_files_are_checked_and_not_part_of_the_export(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    rows = messy(90)
    main_file = write_rows(tmp_path / "main.csv", rows)
    test = tmp_path / "test.csv"
    test_rows = "".join(f"{mood},the café and {text}\n" for text, mood in small_rows(30, seed=9))
    test.write_bytes(f"Mood,Text\n{test_rows},no label here\nbroken\n".encode("cp1252"))
    opened = workspace.drafts.open_files({"main": ("main.csv", main_file), "test": ("test.csv", test)})
    messages = [f.sentence for f in opened.findings if f.sentence.startswith("test.csv: ")]
    assert any("cp1252" in message for message in messages)
    assert any("1 row has no label" in message for message in messages)
    assert opened.corpus.given_split.count("test") == 30
    workspace.editor.repair(opened.draft.id, ["label_variants", "duplicate_texts"])
    name, exact = workspace.editor.export(opened.draft.id, "exact")
    reopened = workspace.drafts.open_files({"main": (name, exact)})
    assert len(reopened.corpus) == len(rows) - 1
    assert not any("café" in text for text in reopened.corpus.texts)
    with refused("unknown_form"):
        workspace.editor.export(opened.draft.id, "nonsense")


def test_a_given_file_without_the_columns_is_refused(studio: Studio, tmp_path: Path) -> None:
    main_file = write_rows(tmp_path / "main.csv", [(str(n), *row) for n, row in enumerate(small_rows(60))], ("id", "text", "label"))
    test = write_rows(
        tmp_path / "test.csv", [(str(n), mood, text) for n, (text, mood) in enumerate(small_rows(20))], ("id", "label", "sentence")
    )
    opened = studio.for_owner(ME).drafts.open_files({"main": ("main.csv", main_file), "test": ("test.csv", test)})
    assert opened.problem.code == "unknown_column"
    assert "“text”, “label”" in opened.problem.message


def test_a_split_column_counts_beside_given_files(studio: Studio, tmp_path: Path) -> None:
    rows = [(text, mood, "test" if n % 5 == 0 else "train") for n, (text, mood) in enumerate(small_rows(100))]
    main_file = write_rows(tmp_path / "main.csv", rows, ("text", "label", "split"))
    validation = write_rows(tmp_path / "v.csv", small_rows(20, seed=9), ("text", "label"))
    opened = studio.for_owner(ME).drafts.open_files({"main": ("main.csv", main_file), "validation": ("v.csv", validation)})
    assert (opened.corpus.given_split.count("test"), opened.corpus.given_split.count("validation")) == (20, 20)
    tests = {text for text, _, part in rows if part == "test"}
    assert {opened.corpus.texts[row] for row in opened.splits(QUICK).test} == tests


def test_the_repaired_file_can_be_exported(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "messy.csv", [*messy(), ("=1+1 happy smile", "joy")])
    draft = workspace.drafts.open_files({"main": (path.name, path)}).draft.id
    workspace.editor.repair(draft, ["label_variants", "duplicate_texts"])
    name, exact = workspace.editor.export(draft, "exact")
    assert name == "messy repaired.csv"
    reopened = workspace.drafts.open_files({"main": (name, exact)})
    assert reopened.corpus.texts == workspace.drafts.get(draft).corpus.texts
    assert reopened.corpus.labels == workspace.drafts.get(draft).corpus.labels
    name, defused = workspace.editor.export(draft, "spreadsheet")
    assert name == "messy for spreadsheets.csv"
    assert b"'=1+1" in defused
    assert workspace.editor.export(draft, "changes")[1].count(b"\n") == 3


def test_a_recipe_s_repairs_are_made_without_the_page(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    path = write_rows(tmp_path / "messy.csv", messy())
    recipe = dataclasses.replace(QUICK, repairs=("duplicate_texts", "label_variants"))
    view = wait_for_end(studio, workspace.train_files({"main": (path.name, path)}, recipe))
    assert view.repairs == {"label_variants": 1, "duplicate_texts": 1}
    with refused("unknown_repair"):
        workspace.train_files({"main": (path.name, path)}, dataclasses.replace(QUICK, repairs=("polish",)))


def test_start_pressed_twice_is_one_run(studio: Studio, hold: Hold, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    draft = workspace.drafts.open_files({"main": ("moods.csv", small_csv)}).draft.id
    ids: list[str] = []
    presses = [threading.Thread(target=lambda: ids.append(workspace.start(draft, QUICK).id)) for _ in range(4)]
    for press in presses:
        press.start()
    for press in presses:
        press.join(TIMEOUT_SECONDS)
    hold.wait_until_started()
    ids.append(workspace.start(draft, QUICK).id)
    assert len(ids) == 5
    assert len(set(ids)) == 1
    assert len(workspace.library.runs()) == 1
    hold.release()
    assert wait_for_end(studio, workspace.library.runs()[0]).status == "finished"
    # After the end, the same draft and recipe are trained again.
    assert workspace.start(draft, QUICK).id not in ids


def test_another_recipe_is_queued_and_trained_afterwards(studio: Studio, hold: Hold, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    first = start_run(studio, small_csv)
    hold.wait_until_started()
    second = start_run(studio, small_csv, dataclasses.replace(QUICK, seed=2))
    third = start_run(studio, small_csv, dataclasses.replace(QUICK, seed=3))
    assert [workspace.library.view(v.id).status for v in (first, second, third)] == ["running", "queued", "queued"]
    assert [workspace.queue_position(v.id) for v in (first, second, third)] == [None, 1, 2]
    with refused("no_model"):
        workspace.models.predict(second.id, ["happy"])

    cancelled = workspace.stop(second.id)
    assert (cancelled.status, workspace.queue_position(second.id), workspace.queue_position(third.id)) == ("cancelled", None, 1)
    hold.release()
    assert wait_for_end(studio, third).status == "finished"
    end_time = next(e["time"] for e in events(studio, first) if e["type"] == "finished")
    start_time = next(e["time"] for e in events(studio, third) if e["type"] == "phase")
    assert start_time >= end_time
    assert [e["type"] for e in events(studio, second)] == ["created", "queued", "cancelled"]
    assert [v.id for v in workspace.library.runs()] == [third.id, second.id, first.id]


def test_two_runs_of_one_owner_never_get_one_name(studio: Studio, hold: Hold, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = studio.for_owner(ME)
    draft = workspace.drafts.open_files({"main": ("moods.csv", small_csv)}).draft.id
    monkeypatch.setattr("trainer.runs.names._PAIRS", ("calm fox", "brisk otter"))
    names = [workspace.start(draft, dataclasses.replace(RECIPE, epochs=epochs)).name for epochs in (1, 2, 3)]
    assert sorted(names[:2]) == ["brisk otter", "calm fox"]
    assert names[2] in ("brisk otter 2", "calm fox 2")


def test_an_unreadable_recipe_does_not_hide_diagnoses(trained: tuple[Studio, RunView, dict[str, int]]) -> None:
    studio, view, _ = trained
    path = studio.for_owner(ME).library.folder(view.id) / "recipe.json"
    diagnoses, recipe = studio.for_owner(ME).library.diagnoses(view.id), path.read_bytes()
    path.write_bytes(recipe[:20])
    try:
        assert [d.code for d in studio.for_owner(ME).library.diagnoses(view.id)] == [d.code for d in diagnoses]
    finally:
        path.write_bytes(recipe)


def test_waiting_for_a_run_ends_when_it_is_cancelled(studio: Studio, hold: Hold, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    start_run(studio, small_csv)
    hold.wait_until_started()
    second = start_run(studio, small_csv, dataclasses.replace(QUICK, seed=2))
    results: list[RunView] = []
    waiter = threading.Thread(target=lambda: results.append(workspace.wait(second.id, TIMEOUT_SECONDS)), daemon=True)
    waiter.start()
    workspace.stop(second.id)
    waiter.join(10)
    assert [v.status for v in results] == ["cancelled"]


def test_the_change_token_changes_only_with_events(studio: Studio, hold: Hold, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    tokens = [workspace.change_token()]
    view = start_run(studio, small_csv)
    hold.wait_until_started()
    tokens.append(workspace.change_token())
    assert workspace.change_token() == tokens[-1]
    workspace.stop(view.id)
    tokens.append(workspace.change_token())
    hold.release()
    wait_for_end(studio, view)
    tokens.append(workspace.change_token())
    assert len(set(tokens)) == 4


def test_stop_keeps_a_model_and_a_report(studio: Studio, hold: Hold, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    view = start_run(studio, small_csv, RECIPE)
    hold.wait_until_started()
    with refused("no_model"):
        workspace.library.reports(view.id)
    assert workspace.stop(view.id).stop_requested
    hold.release()
    view = wait_for_end(studio, view)
    assert view.status == "stopped"
    assert view.has_model
    assert not view.stop_requested
    assert 1 <= view.last_logged_step < view.total_steps
    assert view.best_step == view.last_logged_step
    assert workspace.library.reports(view.id).test.rows == 48
    assert workspace.models.predict(view.id, ["happy"])[1][0].probabilities.sum() == pytest.approx(1)
    # A second stop, or one that comes too late, changes nothing.
    assert workspace.stop(view.id).status == "stopped"


# Ownership


@pytest.mark.parametrize("run_id", ["5eed" * 8, "../x", "", None, 7, "drafts"])
def test_an_unknown_run_gives_the_same_error_everywhere(studio: Studio, run_id: object, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    for call in (
        lambda: workspace.library.view(run_id),
        lambda: workspace.stop(run_id),
        lambda: workspace.library.reports(run_id),
        lambda: workspace.models.predict(run_id, ["x"]),
        lambda: workspace.models.write_zip(run_id, tmp_path / "x.zip"),
        lambda: workspace.library.folder(run_id),
    ):
        with refused("unknown_run"):
            call()
    assert workspace.queue_position(run_id) is None
    assert not (tmp_path / "x.zip").exists()


def test_a_foreign_run_and_a_foreign_draft_do_not_exist(
    trained: tuple[Studio, RunView, dict[str, int]], small_csv: Path, tmp_path: Path
) -> None:
    studio, view, _ = trained
    events_before = list(Run(studio.for_owner(ME).library.folder(view.id)).log.read())
    for call in (
        lambda: studio.for_owner(OTHER).library.view(view.id),
        lambda: studio.for_owner(OTHER).stop(view.id),
        lambda: studio.for_owner(OTHER).library.reports(view.id),
        lambda: studio.for_owner(OTHER).models.predict(view.id, ["x"]),
        lambda: studio.for_owner(OTHER).models.write_zip(view.id, tmp_path / "x.zip"),
        lambda: studio.for_owner(OTHER).library.folder(view.id),
        lambda: studio.for_owner(OTHER).library.diagnoses(view.id),
    ):
        with refused("unknown_run"):
            call()
    assert studio.for_owner(OTHER).library.runs() == []
    assert list(Run(studio.for_owner(ME).library.folder(view.id)).log.read()) == events_before

    draft = studio.for_owner(ME).drafts.open_files({"main": ("moods.csv", small_csv)}).draft.id
    for call in (
        lambda: studio.for_owner(OTHER).drafts.get(draft),
        lambda: studio.for_owner(OTHER).editor.set_columns(draft, text=("0",), label="1"),
        lambda: studio.for_owner(OTHER).editor.name_classes(draft, {}),
        lambda: studio.for_owner(OTHER).editor.repair(draft, ["duplicate_texts"]),
        lambda: studio.for_owner(OTHER).editor.undo(draft, ["duplicate_texts"]),
        lambda: studio.for_owner(OTHER).editor.dismiss(draft, "label_variants"),
        lambda: studio.for_owner(OTHER).editor.export(draft, "exact"),
        lambda: studio.for_owner(OTHER).advise(draft, QUICK),
        lambda: studio.for_owner(OTHER).start(draft, QUICK),
    ):
        with refused("unknown_draft"):
            call()
    assert studio.for_owner(OTHER).library.runs() == []


# Unusable files and folders


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"text\nhello there\nhow are you\nvery well\n", "one_column"),
        (b"text,label\n" + b"".join(b"this is text number %d,same\n" % n for n in range(30)), "one_class"),
    ],
)
def test_an_unusable_file_is_refused_and_leaves_no_run(studio: Studio, content: bytes, code: str) -> None:
    workspace = studio.for_owner(ME)
    with refused(code):
        prepared = workspace.drafts.open_files({"main": ("bad.csv", content)})
        with refused(code):
            workspace.start(prepared.draft.id, QUICK)
        prepared.require_corpus()
    assert workspace.library.runs() == []


def test_a_missing_file_gives_a_message(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing-here"):
        studio.for_owner(ME).drafts.open_files({"main": ("nothing-here.csv", tmp_path / "nothing-here.csv")})


def test_an_unknown_encoder_is_refused(studio: Studio, small_csv: Path) -> None:
    with refused("unknown_encoder"):
        start_run(studio, small_csv, dataclasses.replace(QUICK, encoder="no-such-encoder"))
    assert studio.for_owner(ME).library.runs() == []


def test_a_runs_folder_below_a_file_is_refused_at_once(tmp_path: Path, tiny_encoder: Encoder, small_csv: Path, reader: FileReader) -> None:
    (tmp_path / "file").write_text("not a folder")
    studio = Studio(Settings(runs_dir=tmp_path / "file" / "runs"), encoders=[tiny_encoder], reader=reader)
    for call in (
        lambda: start_run(studio, small_csv),
        lambda: studio.for_owner(ME).drafts.open_sample(),
        lambda: studio.for_owner(ME).start(new_id(), QUICK),
    ):
        with pytest.raises(UserError, match="cannot write") as error:
            call()
        assert error.value.code == "disk_not_writable"
        assert str(tmp_path / "file" / "runs") in error.value.message
    assert studio.for_owner(ME).library.runs() == []


def test_a_disk_that_becomes_unwritable_refuses_start_and_nothing_is_lost(
    tmp_path: Path, tiny_encoder: Encoder, small_csv: Path, reader: FileReader
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "file").write_text("not a folder")
    link = tmp_path / "runs"
    link.symlink_to(tmp_path / "real")
    studio = Studio(Settings(runs_dir=link), encoders=[tiny_encoder], reader=reader)
    draft = studio.for_owner(ME).drafts.open_files({"main": ("moods.csv", small_csv)}).draft.id
    link.unlink()
    link.symlink_to(tmp_path / "file" / "runs")
    with refused("disk_not_writable"):
        studio.for_owner(ME).start(draft, QUICK)
    link.unlink()
    link.symlink_to(tmp_path / "real")
    assert studio.for_owner(ME).library.runs() == []
    assert wait_for_end(studio, studio.for_owner(ME).start(draft, QUICK)).status == "finished"
    studio.close()


# Failures


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "disk is full"),
        (RuntimeError("a bug in us <b>"), "error.log"),
        (UserError("The loss is no longer a number.", code="loss_not_finite"), "no longer a number"),
    ],
)
def test_a_failing_training_says_so_and_the_next_run_trains(
    studio: Studio, small_csv: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    workspace = studio.for_owner(ME)

    def fails(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr("trainer.training.fit.fit", fails)
        view = wait_for_end(studio, start_run(studio, small_csv))
    assert view.status == "failed"
    assert message in view.message
    assert "Traceback" not in view.message
    assert "a bug in us" not in view.message
    log = (workspace.library.folder(view.id) / "error.log").read_text(encoding="utf-8")
    assert "Traceback" in log
    assert type(error).__name__ in log
    for call in (lambda: workspace.models.predict(view.id, ["x"]), lambda: workspace.library.reports(view.id)):
        with pytest.raises(UserError, match=f"{view.name} failed"):
            call()

    assert wait_for_end(studio, start_run(studio, small_csv)).status == "finished"


def test_a_full_disk_at_the_first_heartbeat_does_not_end_the_queue(
    studio: Studio, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = studio.for_owner(ME)

    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("trainer.runs.writer_lock.write_heartbeat", full)
        view = workspace.wait(start_run(studio, small_csv).id, 15)
    assert not view.live
    assert workspace.wait(start_run(studio, small_csv, dataclasses.replace(QUICK, seed=2)).id, 15).status == "finished"


def test_a_run_whose_folder_was_deleted_while_it_waited_does_not_end_the_queue(studio: Studio, hold: Hold, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    start_run(studio, small_csv)
    hold.wait_until_started()
    second = start_run(studio, small_csv, dataclasses.replace(QUICK, seed=2))
    folder = workspace.library.folder(second.id)
    third = start_run(studio, small_csv, dataclasses.replace(QUICK, seed=3))
    folder.rename(folder.with_name("gone"))
    hold.release()
    assert workspace.wait(third.id, 15).status == "finished"


# A restarted server


def test_recover_trains_queued_runs_oldest_first(studio: Studio, hold: Hold, small_csv: Path, tiny_encoder: Encoder) -> None:
    workspace = studio.for_owner(ME)
    first = start_run(studio, small_csv)
    hold.wait_until_started()
    queued = [start_run(studio, small_csv, dataclasses.replace(QUICK, seed=n)) for n in (2, 3)]
    closing = threading.Thread(target=studio.close)
    closing.start()
    hold.release()
    closing.join(TIMEOUT_SECONDS)
    assert workspace.library.view(first.id).status == "stopped"
    assert [workspace.library.view(v.id).status for v in queued] == ["queued", "queued"]

    server = Studio(studio.settings, encoders=[tiny_encoder], reader=studio.reader)
    server.recover()
    server.recover()
    assert [wait_for_end(server, v).status for v in queued] == ["finished", "finished"]
    assert len(server.for_owner(ME).library.runs()) == 3
    end_time = next(e["time"] for e in events(server, queued[0]) if e["type"] == "finished")
    start_time = next(e["time"] for e in events(server, queued[1]) if e["type"] == "phase")
    assert start_time >= end_time
    server.close()


@pytest.mark.parametrize("inside", [".", "drafts"], ids=["runs", "drafts"])
def test_unfinished_and_half_removed_folders_are_cleared_at_the_next_start(studio: Studio, inside: str) -> None:
    root = studio.settings.runs_dir / inside
    # An old one left by a crash, a new one that another process may be writing, and two that were deleted.
    old, young, removed, just_removed = (root / f"{prefix}{new_id()}" for prefix in (".new-", ".new-", REMOVED_PREFIX, REMOVED_PREFIX))
    for folder in (old, young, removed, just_removed):
        folder.mkdir(parents=True)
        (folder / "draft.json").write_text("{")
    for folder in (old, removed):
        os.utime(folder, (time.time() - 10 * 86_400,) * 2)
    studio.recover()
    assert [folder.exists() for folder in (old, young, removed, just_removed)] == [False, True, False, False]


def test_a_run_killed_during_training_is_interrupted_and_keeps_its_points(
    settings: Settings, tiny_encoder: Encoder, warm: Warm, tmp_path: Path, reader: FileReader
) -> None:
    path = write_rows(tmp_path / "many.csv", small_rows(2000))
    command = [sys.executable, "-m", "trainer", "train", str(path), "--encoder", tiny_encoder.source]
    command += ["--epochs", "50", "--set", "batch_size=4", "--set", "max_length=32"]
    environment = {**os.environ, "EMOTUNE_RUNS": str(settings.runs_dir)}
    studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    with open(tmp_path / "output", "wb") as output:
        process = warm.popen(command, env=environment, cwd=tmp_path, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not (runs := studio.for_owner(ME).library.runs()) or len(runs[0].points) < 3:
            assert process.poll() is None, (tmp_path / "output").read_text()
            assert time.monotonic() < deadline, (tmp_path / "output").read_text()
            time.sleep(0.05)
        # This process sees the run as running.
        assert studio.for_owner(ME).library.runs()[0].status == "running"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    view = studio.for_owner(ME).library.runs()[0]
    assert view.status == "interrupted"
    assert len(view.points) >= 3
    assert [p.step for p in view.points] == [e["step"] for e in events(studio, view) if e["type"] == "log"]
    assert view.total_steps > view.last_logged_step
    assert not view.live
    with pytest.raises(UserError, match="was interrupted"):
        studio.for_owner(ME).models.predict(view.id, ["x"])
    # A restarted server leaves it alone and can train another run.
    studio.recover()
    assert wait_for_end(studio, start_run(studio, path)).status == "finished"
    assert studio.for_owner(ME).library.view(view.id).status == "interrupted"
    studio.close()
