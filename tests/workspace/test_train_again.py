"""A run's file is prepared again, to train on it with changes. Nothing is trained."""

import dataclasses
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from tests.several_labels import write_scores
from tests.workspace.steps import (
    ME,
    OTHER,
    refused,
)
from trainer.data.columns.label_form import LabelReading
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs.view import RunView
from trainer.studio import Studio

RECIPE = Recipe(encoder="tiny-bert", epochs=1, batch_size=16, learning_rate=5e-3, max_length=32, repairs=())
ROWS = [(text, {"joy": "1", "sadness": "2", "anger": "3"}[mood], mood) for text, mood in small_rows(120)]


def start_prepared_run(studio: Studio, tmp_path: Path) -> RunView:
    """A run on a file with chosen columns, class names and repairs, and with a test file."""
    workspace = studio.for_owner(ME)
    main_file = write_rows(tmp_path / "main.csv", [*ROWS[:90], ROWS[0]], ("text", "code", "mood"))
    test_file = write_rows(tmp_path / "test.csv", ROWS[90:], ("text", "code", "mood"))
    draft = workspace.drafts.open_files({"main": ("main.csv", main_file), "test": ("test.csv", test_file)}, label_column="code").draft.id
    workspace.editor.name_classes(draft, {"1": "delight"})
    workspace.editor.repair(draft, ["duplicate_texts"])
    return workspace.start(draft, RECIPE, ignore_findings=True)


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
    second_view = workspace.start(prepared.draft.id, dataclasses.replace(recipe, epochs=2), ignore_findings=True)
    assert (second_view.rows, second_view.repairs, second_view.source_name) == (view.rows, view.repairs, view.source_name)
    workspace.drafts.remove(prepared.draft.id)
    assert workspace.library.damage(view.id) == ()


def test_a_file_that_was_trained_without_a_draft_can_be_prepared_too(idle: Studio, small_csv: Path) -> None:
    workspace = idle.for_owner(ME)
    view = workspace.train_files({"main": ("moods.csv", small_csv)}, RECIPE, text_columns=["text"], label_column="mood")
    assert workspace.drafts.summaries() == ()
    prepared, recipe = workspace.prepare_again(view.id)
    assert (recipe, prepared.ready, prepared.draft.main.label_column) == (RECIPE, True, "mood")


def test_the_cut_of_scores_stays_with_the_run_and_its_file(idle: Studio, tmp_path: Path) -> None:
    workspace = idle.for_owner(ME)
    view = workspace.train_files(
        {"main": ("scores.csv", write_scores(tmp_path / "scores.csv"))}, RECIPE, reading=LabelReading(cut=0.3), ignore_findings=True
    )
    prepared, _ = workspace.prepare_again(view.id)
    assert (view.labels_cut, prepared.draft.cut, prepared.columns.cut) == (0.3, 0.3, 0.3)


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
