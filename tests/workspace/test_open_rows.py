"""What an opened row shows and does: words, similar training rows, and a corrected label that is a decision on its file."""

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.workspace.steps import ME, TIMEOUT_SECONDS
from trainer.data.rows import load_rows
from trainer.errors import UserError
from trainer.evaluation.mistakes import PredictedRows
from trainer.evaluation.similar_rows import load_vectors
from trainer.runs.run import Run
from trainer.runs.run_files import VECTORS
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.workspace import Workspace

Trained = tuple[Studio, RunView, dict[str, int]]


@pytest.fixture
def workspace(trained: Trained) -> Workspace:
    return trained[0].for_owner(ME)


@pytest.fixture
def run_id(trained: Trained) -> str:
    return trained[1].id


@pytest.fixture
def validation(workspace: Workspace, run_id: str) -> PredictedRows:
    return workspace.library.predicted_rows(run_id, "validation")


def test_words_of_the_predicted_class_and_of_another(workspace: Workspace, run_id: str) -> None:
    predicted = workspace.models.explain(run_id, "happy laugh today")
    assert predicted.label == predicted.decided
    assert [predicted.attribution.text[word.start : word.end] for word in predicted.attribution.words] == ["happy", "laugh", "today"]
    assert predicted.attribution.score == pytest.approx(np.log(predicted.prediction.probabilities.max()), abs=1e-4)
    other = next(name for name in predicted.label_names if name != predicted.label)
    against = workspace.models.explain(run_id, "happy laugh today", other)
    assert against.label == other
    assert against.decided == predicted.decided
    assert against.attribution.score == pytest.approx(np.log(against.prediction.probabilities[against.label_names.index(other)]), abs=1e-4)
    assert workspace.models.explain(run_id, "happy laugh today") is predicted
    assert workspace.models.explain(run_id, "  ").to_dict()["words"] is None
    with pytest.raises(UserError) as refused:
        workspace.models.explain(run_id, "happy", "awe")
    assert refused.value.code == "label_not_learnt"


def test_similar_training_rows_are_found_once_they_are_read_and_never_leave_the_run(
    workspace: Workspace, run_id: str, trained: Trained, tmp_path: Path
) -> None:
    run = Run(trained[0].settings.runs_dir / run_id)
    first = workspace.similar.search(run_id, "happy laugh today")
    assert first.pending
    assert workspace.similar.start(run_id).id == first.job.id
    assert workspace.jobs.wait(first.job.id, TIMEOUT_SECONDS).result == {"rows": trained[2]["train"]}
    found = workspace.similar.search(run_id, "happy laugh today").rows
    corpus, splits = load_rows(run.rows)
    learnt = {corpus.texts[row]: corpus.labels[row] for row in splits.train.tolist()}
    assert len(found) == 3
    assert [learnt[row.text] for row in found] == [row.label for row in found]
    # All of them by hand.
    cosines = {text: float(workspace.models.vector(run_id, text) @ workspace.models.vector(run_id, "happy laugh today")) for text in learnt}
    assert [row.similarity for row in found] == pytest.approx(sorted(cosines.values(), reverse=True)[:3], abs=2e-3)
    workspace.models.write_zip(run_id, tmp_path / "model.zip")
    assert not any("vectors" in name for name in zipfile.ZipFile(tmp_path / "model.zip").namelist())
    assert workspace.library.damage(run_id) == ()
    # A damaged file is made again, and does no harm.
    content = (run.path / VECTORS).read_bytes()
    (run.path / VECTORS).write_bytes(content[:-20])
    lost = workspace.similar.search(run_id, "happy laugh today")
    assert (lost.rows, lost.pending) == (None, False)
    workspace.jobs.wait(workspace.similar.start(run_id).id, TIMEOUT_SECONDS)
    assert workspace.similar.search(run_id, "happy laugh today").rows == found
    assert load_vectors(run.path / VECTORS, model="another") is None


@pytest.fixture
def undecided(workspace: Workspace, run_id: str, validation: PredictedRows) -> Iterator[int]:
    """A validation row; undecided again after the test."""
    row = int(validation.rows[3])
    yield row
    workspace.corrections.take_back(run_id, row)


def test_a_corrected_validation_row_is_a_decision_on_its_file(
    workspace: Workspace, run_id: str, validation: PredictedRows, undecided: int
) -> None:
    other = next(name for name in validation.label_names if name != validation.label_names[validation.labels[3]])
    assert workspace.corrections.decision(run_id, undecided) is None
    decision = workspace.corrections.correct(run_id, undecided, other)
    assert (decision.action, decision.after, decision.text) == ("relabel", other, validation.texts[3])
    assert decision.row + 1 == validation.source_rows[3]
    assert decision.reason.startswith("Seen in the results: a model says ")
    draft = workspace.prepare_again(run_id)[0].draft
    assert [row.after for row in workspace.labels.state(draft.id).decisions.rows.values()] == [other]
    assert workspace.corrections.decision(run_id, undecided) == decision
    workspace.corrections.take_back(run_id, undecided)
    assert workspace.corrections.decision(run_id, undecided) is None


def test_the_file_of_a_run_that_is_gone_is_opened_once_more_and_only_once(
    workspace: Workspace, run_id: str, validation: PredictedRows, undecided: int
) -> None:
    started_from = workspace.prepare_again(run_id)[0].draft.id
    workspace.drafts.remove(started_from)
    name = validation.label_names[0]
    assert workspace.corrections.decision(run_id, undecided) is None
    workspace.corrections.correct(run_id, undecided, name)
    reopened = workspace.prepare_again(run_id)[0].draft.id
    assert reopened != started_from
    workspace.corrections.correct(run_id, undecided, validation.label_names[1])
    assert workspace.prepare_again(run_id)[0].draft.id == reopened
    assert workspace.corrections.decision(run_id, undecided).after == validation.label_names[1]


def test_a_corrected_text_is_learnt_by_the_next_training_and_a_held_row_never(workspace: Workspace, run_id: str, trained: Trained) -> None:
    text = "what a silly yellow umbrella"
    assert workspace.corrections.add_text(run_id, text, "anger").texts == {text: "anger"}
    new = workspace.corrections.new_texts(run_id)
    assert new.texts == {text: "anger"}
    held = workspace.library.predicted_rows(run_id, "test").texts[0]
    # Nearly the same would be left out of the next training without a word.
    long = next(text for text in workspace.library.predicted_rows(run_id, "validation").texts if len(text) > 30)
    for text_of_row, words in ((f"{held.upper()} !", "is one of the test rows"), (f"{long}s", "is nearly one of the validation rows")):
        with pytest.raises(UserError) as refused:
            workspace.corrections.add_text(run_id, text_of_row, "anger")
        assert refused.value.code == "text_is_held"
        assert words in refused.value.message
    again = workspace.start(new.draft, workspace.library.recipe(run_id))
    workspace.stop(again.id)
    runs = trained[0].settings.runs_dir
    (corpus, splits), (_, before) = load_rows(runs / again.id / "data.parquet"), load_rows(runs / run_id / "data.parquet")
    assert (corpus.texts[-1], corpus.labels[-1], corpus.files[-1]) == (text, "anger", "added")
    assert splits.train.tolist() == [*before.train.tolist(), len(corpus) - 1]
    assert splits.test.tolist() == before.test.tolist()
    assert workspace.library.view(again.id).decisions["added"] == 1
    workspace.wait(again.id, TIMEOUT_SECONDS)
    workspace.delete(again.id)
    assert workspace.corrections.take_text_back(run_id, text).texts == {}


def test_a_class_that_has_another_name_since_the_training_is_still_the_same_class(
    workspace: Workspace, run_id: str, validation: PredictedRows, undecided: int
) -> None:
    draft = workspace.prepare_again(run_id)[0].draft.id
    label, other, *_ = [name for name in validation.label_names if name != validation.label_names[validation.labels[3]]]
    text = "what a silly yellow umbrella"

    def present() -> tuple[str, str]:
        added = workspace.corrections.add_text(run_id, text, label).texts[text]
        return workspace.corrections.correct(run_id, undecided, label).after, added

    try:
        workspace.labels.rename_class(draft, label, "new name")
        assert present() == ("new name", "new name")
        # The two swap their names.
        workspace.labels.rename_class(draft, other, label)
        workspace.labels.rename_class(draft, "new name", other)
        assert present() == (other, other)
        again = workspace.start(draft, workspace.library.recipe(run_id))
        workspace.stop(again.id)
        assert workspace.library.view(again.id).class_names == {label: other, other: label}
        assert workspace.corrections._present_name(again.id, draft, other) == other
    finally:
        workspace.corrections.take_text_back(run_id, text)
        workspace.labels.rename_class(draft, label, "third name")
        workspace.labels.rename_class(draft, other, label)
        workspace.labels.rename_class(draft, "third name", other)
    workspace.wait(again.id, TIMEOUT_SECONDS)
    workspace.delete(again.id)


def test_a_test_row_keeps_its_label(workspace: Workspace, run_id: str) -> None:
    row = int(workspace.library.predicted_rows(run_id, "test").rows[0])
    for change in (lambda: workspace.corrections.correct(run_id, row, "joy"), lambda: workspace.corrections.take_back(run_id, row)):
        with pytest.raises(UserError) as refused:
            change()
        assert refused.value.code == "test_row"


def test_a_deleted_run_leaves_no_job_that_reads_its_rows(trained: Trained, run_id: str) -> None:
    workspace, runs = trained[0].for_owner(ME), trained[0].settings.runs_dir
    again = workspace.start(workspace.prepare_again(run_id)[0].draft.id, replace(workspace.library.recipe(run_id), epochs=1, seed=5))
    assert workspace.wait(again.id, TIMEOUT_SECONDS).has_model
    job = workspace.similar.start(again.id)
    workspace.delete(again.id)
    assert not workspace.jobs.wait(job.id, TIMEOUT_SECONDS).live
    assert not (runs / again.id).exists()
    assert again.name not in (runs / "jobs" / job.id / "events.jsonl").read_text("utf-8")


def test_others_see_nothing_of_it(trained: Trained, run_id: str) -> None:
    other = trained[0].for_owner("somebody else")
    for look in (
        lambda: other.models.explain(run_id, "happy"),
        lambda: other.similar.search(run_id, "happy"),
        lambda: other.similar.start(run_id),
        lambda: other.corrections.decision(run_id, 0),
    ):
        with pytest.raises(UserError) as refused:
            look()
        assert refused.value.code == "unknown_run"
