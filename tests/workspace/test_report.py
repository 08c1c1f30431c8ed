"""From a file to a model, its report and its predictions. One run is trained and shared."""

import dataclasses
import json
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.workspace.steps import ME, OTHER, QUICK, events, refused
from trainer.data.rows import load_rows
from trainer.drafts import draft_cache
from trainer.drafts.preparation import read_tables
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.studio import Studio


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
    assert [e.type for e in events(studio, view)][:2] == ["created", "queued"]


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
    workspace.editor.set_columns(sample.draft.id, text_columns=["0"], label_column="1")
    changed = workspace.editor.name_classes(sample.draft.id, {"joy": "delight"})
    assert "delight" in changed.corpus.label_names
    assert "delight" in Studio(studio.settings, reader=studio.reader).for_owner(ME).drafts.latest().corpus.label_names


def test_concurrent_requests_read_and_prepare_a_file_once(studio: Studio, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = studio.for_owner(ME).drafts.open_files({"main": (small_csv.name, small_csv)})
    other_studio = Studio(studio.settings, encoders=studio.encoders, reader=studio.reader)
    calls, barrier = [], threading.Barrier(4)
    original = draft_cache.prepare

    def counting_prepare(*arguments: object, **options: object) -> object:
        calls.append("prepare")
        return original(*arguments, **options)

    def read(*arguments: object) -> object:
        calls.append("read")
        return read_tables(*arguments)

    monkeypatch.setattr(draft_cache, "prepare", counting_prepare)
    monkeypatch.setattr(draft_cache, "read_tables", read)

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


@pytest.mark.parametrize("columns", [{"text_columns": ["text \ud800"]}, {"label_column": "mood \ud83d"}])
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
