"""Training again with decisions: the same test rows, the recipe of the run before, and a comparison with it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import small_rows, write_rows
from tests.workspace.steps import ME, QUICK, FakeTrainings, wait_for_end
from trainer.audit.decisions import DecisionLog
from trainer.data.rows import load_rows
from trainer.errors import UserError
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.workspace import Workspace

RECIPE = dataclasses.replace(QUICK, seed=7)


@pytest.fixture
def workspace(studio: Studio) -> Workspace:
    return studio.for_owner(ME)


@pytest.fixture
def draft_id(workspace: Workspace, small_csv: Path) -> str:
    return workspace.drafts.open_files({"main": (small_csv.name, small_csv)}).draft.id


def no_default():
    raise AssertionError("the recipe of the run before is to be used")


def learning_and_test_rows(workspace: Workspace, draft_id: str) -> tuple[list[int], list[int]]:
    """Positions in the file of some rows to learn from and of all test rows."""
    prepared = workspace.drafts.get(draft_id)
    splits = prepared.splits(RECIPE)
    rows = prepared.require_corpus().source_rows
    return rows[splits.train].tolist(), rows[splits.test].tolist()


def decide(workspace: Workspace, draft_id: str) -> tuple[int, int, int]:
    """Another label for a training row and a test row, and a dropped training row; returns the three."""
    learning, test = learning_and_test_rows(workspace, draft_id)
    corpus = workspace.drafts.get(draft_id).require_corpus()
    other = {row: next(name for name in corpus.label_names if name != corpus.labels[row]) for row in (learning[0], test[0])}
    for row, label in other.items():
        workspace.labels.decide(draft_id, [("main", row)], "relabel", label=label)
    workspace.labels.decide(draft_id, [("main", learning[1])], "drop")
    return learning[0], test[0], learning[1]


def rows_of(studio: Studio, view: RunView):
    return load_rows(Run(studio.settings.runs_dir / view.id).rows)


def test_a_run_uses_the_decisions_and_records_them(studio: Studio, workspace: Workspace, draft_id: str, trainings: FakeTrainings) -> None:
    trainings.release()
    before = workspace.start(draft_id, RECIPE, level="Balanced")
    workspace.labels.define(draft_id, workspace.labels.state(draft_id).class_names[0], "glad")
    changed, test, dropped = decide(workspace, draft_id)
    wait_for_end(studio, before)
    after = workspace.start(draft_id, RECIPE, level="Balanced", compared_with=before.id)
    (corpus_before, splits_before), (corpus, splits) = rows_of(studio, before), rows_of(studio, after)
    labels = dict(zip(corpus_before.source_rows.tolist(), corpus_before.labels, strict=True))
    decided = dict(zip(corpus.source_rows.tolist(), corpus.labels, strict=True))
    assert decided[changed] != labels[changed]
    assert decided[test] == labels[test]
    assert dropped not in decided
    test_texts = [[c.texts[row] for row in s.test] for c, s in ((corpus_before, splits_before), (corpus, splits))]
    assert test_texts[0] == test_texts[1]
    view = workspace.library.view(after.id)
    assert view.decisions == {"changed": 1, "dropped": 1, "test_changed": 1, "test_dropped": 0}
    assert list(view.definitions.values()) == ["glad"]
    assert (view.compared_with, before.decisions) == (before.id, {})
    (log,) = Run(studio.settings.runs_dir / after.id).path.glob("decisions*")
    assert DecisionLog(log).read().rows == workspace.labels.state(draft_id).decisions.rows
    Run(studio.settings.runs_dir / after.id).check_sources()


def test_without_a_run_before_one_is_trained_first(studio: Studio, workspace: Workspace, draft_id: str, trainings: FakeTrainings) -> None:
    with pytest.raises(AssertionError):
        workspace.proof.train_again(draft_id, no_default)
    assert workspace.proof.state(draft_id) is None
    decide(workspace, draft_id)
    after = workspace.proof.train_again(draft_id, lambda: (RECIPE, "Quick look"))
    before = workspace.library.view(after.compared_with)
    assert (before.decisions, before.level, after.level) == ({}, "Quick look", "Quick look")
    # The number of rows that the decisions leave does not choose another method.
    runs = [Run(studio.settings.runs_dir / view.id) for view in (before, after)]
    assert (runs[0].recipe().method, runs[1].recipe().method) == ("auto", runs[0].resolved_recipe().method)
    # Pressed twice, there is one run of each.
    assert workspace.proof.train_again(draft_id, no_default).id == after.id
    assert len(workspace.library.runs()) == 2
    state = workspace.proof.state(draft_id)
    assert (state.after.id, state.before.id, state.effect) == (after.id, before.id, None)
    version = workspace.proof.version(draft_id)
    trainings.release()
    wait_for_end(studio, after)
    assert workspace.proof.version(draft_id) != version


def test_only_a_run_of_the_same_file_columns_and_repairs_is_the_one_before(
    studio: Studio, workspace: Workspace, draft_id: str, trainings: FakeTrainings, tmp_path: Path
) -> None:
    trainings.release()
    other = write_rows(tmp_path / "other.csv", small_rows(seed=2))
    others = [workspace.drafts.open_files({"main": (other.name, other)}).draft.id]
    wait_for_end(studio, workspace.start(others[0], RECIPE))
    # Nor one in folds, which test rows that decisions change.
    wait_for_end(studio, workspace.start(draft_id, dataclasses.replace(RECIPE, folds=3)))
    assert workspace.proof.run_before(draft_id) is None
    before = workspace.start(draft_id, RECIPE)
    assert workspace.proof.run_before(draft_id).id == before.id
    # The file opened once more is the same file.
    again = workspace.drafts.open_from_run(Run(studio.settings.runs_dir / before.id)).draft.id
    assert workspace.proof.run_before(again).id == before.id
    workspace.editor.repair(draft_id, ["duplicate_texts"])
    assert workspace.proof.run_before(draft_id) is None


def test_a_file_opened_again_from_a_run_has_its_decisions(
    studio: Studio, workspace: Workspace, draft_id: str, trainings: FakeTrainings
) -> None:
    trainings.release()
    decide(workspace, draft_id)
    decisions = workspace.labels.state(draft_id).decisions
    run = workspace.start(draft_id, RECIPE)
    wait_for_end(studio, run)
    workspace.drafts.remove(draft_id)
    prepared, _ = workspace.prepare_again(run.id)
    assert workspace.labels.state(prepared.draft.id).decisions.rows == decisions.rows
    # Further decisions leave the run as it was.
    workspace.labels.decide(prepared.draft.id, [("main", 9)], "drop")
    Run(studio.settings.runs_dir / run.id).check_sources()


def test_decisions_that_leave_nothing_start_no_training(workspace: Workspace, draft_id: str) -> None:
    first, *others = workspace.labels.state(draft_id).class_names
    for name in others:
        workspace.labels.rename_class(draft_id, name, first)
    with pytest.raises(UserError) as error:
        workspace.start(draft_id, RECIPE)
    assert error.value.code == "decisions_leave_nothing"
    assert workspace.library.runs() == []


def test_the_comparison_is_on_the_untouched_test_rows(studio: Studio, workspace: Workspace, draft_id: str) -> None:
    decide(workspace, draft_id)
    state = workspace.labels.state(draft_id)
    workspace.labels.rename_class(draft_id, state.class_names[0], "another name")
    after = workspace.proof.train_again(draft_id, lambda: (RECIPE, ""))
    wait_for_end(studio, after)
    proof = workspace.proof.state(draft_id)
    n_test = len(workspace.drafts.get(draft_id).splits(RECIPE).test)
    assert proof.effect.paired.n_shared_rows == n_test
    assert proof.effect.paired.label_conflicts == 0
    assert (proof.effect.mended.rows, proof.effect.mended.changed) == (n_test, 1)
    assert "another name" in workspace.library.reports(after.id).test.label_names
    compared = workspace.library.compare([proof.before.id, proof.after.id])
    assert compared.paired[0][1].n_shared_rows == n_test
    workspace.delete(proof.before.id)
    assert workspace.proof.state(draft_id).before is None
    assert np.isfinite(proof.effect.mended.after)
