"""Studio: preparing a run's file again, and measuring and freeing disk space. Hardly anything is trained."""

import dataclasses
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.jobs.queue import JobQueue
from trainer.recipe import Recipe
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.runs.writer_lock import writer_lock
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder

ME, OTHER = "local", "somebody else"
RECIPE = Recipe(encoder="tiny-bert", epochs=1, batch_size=16, learning_rate=5e-3, max_length=32, repairs=())
ROWS = [(text, {"joy": "1", "sadness": "2", "anger": "3"}[mood], mood) for text, mood in small_rows(120)]


@pytest.fixture
def idle(settings: Settings, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch, reader: FileReader) -> Studio:
    """A studio whose runs stay queued."""
    monkeypatch.setattr(JobQueue, "put", lambda self, item: None)
    return Studio(settings, encoders=[tiny_encoder], reader=reader)


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, small_csv: Path, reader: FileReader
) -> Iterator[tuple[Studio, RunView]]:
    studio = Studio(Settings(runs_dir=tmp_path_factory.mktemp("trained") / "runs"), encoders=[tiny_encoder], reader=reader)
    draft = studio.for_owner(ME).drafts.open_files({"main": ("moods.csv", small_csv)}).draft
    view = studio.for_owner(ME).start(draft.id, RECIPE)
    yield studio, studio.for_owner(ME).wait(view.id, 120)
    studio.close()


def start_prepared_run(studio: Studio, tmp_path: Path) -> RunView:
    """A run on a file with chosen columns, class names and repairs, and with a test file."""
    workspace = studio.for_owner(ME)
    main_file = write_rows(tmp_path / "main.csv", [*ROWS[:90], ROWS[0]], ("text", "code", "mood"))
    test_file = write_rows(tmp_path / "test.csv", ROWS[90:], ("text", "code", "mood"))
    draft = workspace.drafts.open_files({"main": ("main.csv", main_file), "test": ("test.csv", test_file)}, label="code").draft.id
    workspace.editor.name_classes(draft, {"1": "delight"})
    workspace.editor.repair(draft, ["duplicate_texts"])
    return workspace.start(draft, RECIPE, as_it_is=True)


def refused(code: str) -> pytest.RaisesExc[UserError]:
    return pytest.raises(UserError, check=lambda error: error.code == code)


# Train again with changes


def test_the_unchanged_draft_of_a_run_is_opened_again(idle: Studio, tmp_path: Path) -> None:
    workspace = idle.for_owner(ME)
    view = start_prepared_run(idle, tmp_path)
    draft = workspace.drafts.latest_id()
    workspace.drafts.open_sample()
    workspace.drafts.close()
    prepared, recipe = workspace.prepare_again(view.id)
    assert (prepared.draft.id, workspace.drafts.latest_id(), len(workspace.drafts.summaries())) == (draft, draft, 2)
    assert recipe == dataclasses.replace(RECIPE, repairs=("duplicate_texts",))


@pytest.mark.parametrize("removed", [True, False])
def test_otherwise_a_new_draft_has_the_run_s_files_and_choices(idle: Studio, tmp_path: Path, removed: bool) -> None:
    workspace = idle.for_owner(ME)
    view = start_prepared_run(idle, tmp_path)
    original = workspace.drafts.latest()
    workspace.editor.save_form(original.draft.id, {"epochs": 7})
    if removed:
        workspace.drafts.remove(original.draft.id)
    else:
        workspace.editor.undo(original.draft.id, ["duplicate_texts"])
        workspace.editor.remove_file(original.draft.id, "test")
    prepared, recipe = workspace.prepare_again(view.id)
    assert prepared.draft.id != original.draft.id
    assert prepared.draft.id == workspace.drafts.latest_id()
    assert prepared.draft == dataclasses.replace(original.draft, id=prepared.draft.id, form=prepared.draft.form)
    assert prepared.corpus.texts == original.corpus.texts
    assert prepared.corpus.labels == original.corpus.labels
    assert "delight" in prepared.corpus.label_names
    assert prepared.given[0].rows == 30
    second_view = workspace.start(prepared.draft.id, dataclasses.replace(recipe, epochs=2), as_it_is=True)
    assert (second_view.rows, second_view.repairs, second_view.source_name) == (view.rows, view.repairs, view.source_name)
    workspace.drafts.remove(prepared.draft.id)
    assert workspace.library.damage(view.id) == ()


def test_a_file_that_was_trained_without_a_draft_can_be_prepared_too(idle: Studio, small_csv: Path) -> None:
    workspace = idle.for_owner(ME)
    view = workspace.train_files({"main": ("moods.csv", small_csv)}, RECIPE, text=["text"], label="mood")
    assert workspace.drafts.summaries() == ()
    prepared, recipe = workspace.prepare_again(view.id)
    assert (recipe, prepared.ready, prepared.draft.main.label) == (RECIPE, True, "mood")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "draft.json").unlink(), "What was chosen for the file"),
        (lambda folder: (folder / "draft.json").write_bytes(b"{}"), "What was chosen for the file"),
        (lambda folder: (folder / "source-test").write_bytes(b"other"), "source-test"),
        (lambda folder: (folder / "inputs.seal.json").unlink(), "inputs.seal.json"),
        (lambda folder: (folder / "recipe.json").unlink(), "recipe.json"),
    ],
)
def test_a_run_with_damaged_inputs_is_not_prepared(idle: Studio, tmp_path: Path, damage, message: str) -> None:
    workspace = idle.for_owner(ME)
    view = start_prepared_run(idle, tmp_path)
    workspace.drafts.remove(workspace.drafts.latest_id())
    damage(workspace.library.folder(view.id))
    with pytest.raises(UserError, match=message) as refusal:
        workspace.prepare_again(view.id)
    assert refusal.value.code == "run_damaged"
    assert workspace.drafts.summaries() == ()


def test_runs_of_another_owner_cannot_be_prepared_or_freed(idle: Studio, tmp_path: Path) -> None:
    workspace = idle.for_owner(OTHER)
    view = start_prepared_run(idle, tmp_path)
    for call in (lambda: workspace.prepare_again(view.id), lambda: workspace.storage.delete_checkpoints(view.id)):
        with refused("unknown_run"):
            call()
    usage = workspace.storage.usage()
    assert (usage.runs, usage.drafts, usage.total) == ((), (), 0)


# Disk space


def test_disk_usage_by_run_and_draft_counts_shared_files_once(trained: tuple[Studio, RunView]) -> None:
    studio, view = trained
    upload = studio.settings.uploads_dir / "ab12" / "moods.csv"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"x" * 700)
    usage = studio.for_owner(ME).storage.usage()
    (run,), (draft,) = usage.runs, usage.drafts
    assert (run.id, run.name, draft.name, usage.uploads) == (view.id, view.name, "moods.csv", 700)
    assert run.total == studio.for_owner(ME).storage.run_bytes(view.id)
    assert run.model > 0 < run.checkpoints
    source = (studio.for_owner(ME).library.folder(view.id) / "source").stat().st_size
    assert usage.total == run.total + draft.bytes + 700 - source
    assert usage.free > 0


def test_only_old_copies_of_uploads_are_cleared(idle: Studio, settings: Settings) -> None:
    workspace = idle.for_owner(ME)
    idle.settings.ensure_writable()
    assert workspace.storage.clear_uploads() == 0
    for name, old in (("a/old.csv", True), ("b/new.csv", False)):
        file = settings.uploads_dir / name
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x" * 50)
        if old:
            os.utime(file, (1000, 1000))
    assert workspace.storage.clear_uploads() == 50
    assert [path.name for path in settings.uploads_dir.rglob("*.csv")] == ["new.csv"]


def test_checkpoints_can_be_deleted_and_the_model_stays(
    trained: tuple[Studio, RunView], tiny_encoder: Encoder, tmp_path: Path, reader: FileReader
) -> None:
    studio, view = trained
    shutil.copytree(studio.settings.runs_dir, tmp_path / "runs")
    copy = Studio(Settings(runs_dir=tmp_path / "runs"), encoders=[tiny_encoder], reader=reader)
    assert copy.for_owner(ME).storage.usage().runs[0].checkpoints > 0
    with writer_lock(copy.for_owner(ME).library.folder(view.id)) as acquired:
        assert acquired
        with refused("run_is_live"):
            copy.for_owner(ME).storage.delete_checkpoints(view.id)
    message = copy.for_owner(ME).storage.delete_checkpoints(view.id)
    assert "can no longer be trained further. Its model" in message
    assert copy.for_owner(ME).storage.usage().runs[0].checkpoints == 0
    assert copy.for_owner(ME).library.damage(view.id) == ()
    assert copy.for_owner(ME).models.predict(view.id, ["happy"])[1]
    with refused("no_state"):
        copy.for_owner(ME).resume(view.id, more_epochs=1)
    Run(copy.for_owner(ME).library.folder(view.id)).log.append("stopped", seconds=1.0)
    with refused("no_state"):
        copy.for_owner(ME).resume(view.id)


@pytest.mark.parametrize(("last_event", "code"), [("queued", "run_is_live"), ("phase", "states_needed"), ("failed", "states_needed")])
def test_needed_checkpoints_are_not_deleted(idle: Studio, tmp_path: Path, last_event: str, code: str) -> None:
    workspace = idle.for_owner(ME)
    view = start_prepared_run(idle, tmp_path)
    run = Run(workspace.library.folder(view.id))
    (run.checkpoints / "state-00000001").mkdir(parents=True)
    if last_event != "queued":
        run.log.append(last_event, **({"what": "training"} if last_event == "phase" else {}))
    with refused(code):
        workspace.storage.delete_checkpoints(view.id)
    assert (run.checkpoints / "state-00000001").is_dir()
