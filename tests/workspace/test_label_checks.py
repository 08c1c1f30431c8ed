"""Checks of labels as jobs: start, progress, result, stop, restart; those of others do not exist."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.audit.examples import clean_rows, planted
from tests.several_labels import write_several_labels
from tests.workspace.steps import ME, OTHER, TIMEOUT_SECONDS
from trainer.audit.checks_by_task import LABEL_CHECKS
from trainer.audit.quick_check import quick_check
from trainer.data.task import SINGLE_LABEL
from trainer.errors import UserError
from trainer.jobs.folds import cross_validation
from trainer.jobs.job import Job
from trainer.jobs.job_folder import RunningJob
from trainer.recipe import Recipe
from trainer.studio import Studio
from trainer.training.encoders import Encoder


def csv_of(texts: list[str], labels: list[str]) -> bytes:
    return "\n".join(["text,label", *(f"{text},{label}" for text, label in zip(texts, labels, strict=True))]).encode()


@pytest.fixture
def draft(studio: Studio) -> str:
    corpus, _ = planted(90, 6)
    content = csv_of(list(corpus.texts), corpus.labels)
    return studio.for_owner(ME).drafts.open_files({"main": ("moods.csv", content)}).draft.id


def ended(studio: Studio, job: Job) -> Job:
    return studio.for_owner(ME).jobs.wait(job.id, TIMEOUT_SECONDS)


def test_a_check_runs_beside_the_page_and_is_found_again(studio: Studio, draft: str) -> None:
    checks = studio.for_owner(ME).label_checks
    assert checks.find(draft) is None
    job = ended(studio, checks.start(draft))
    assert job.status == "finished", job.message
    result = checks.result(job.id)
    test_rows = studio.for_owner(ME).drafts.get(draft).splits(Recipe()).test
    assert len(test_rows)
    expected = quick_check(planted(90, 6)[0], learned=~np.isin(np.arange(90), test_rows))
    assert result.ranked == expected.ranked
    assert job.result["suspects"] == result.n_suspects
    assert checks.find(draft).id == job.id
    assert checks.is_current(job)
    studio.for_owner(ME).editor.repair(draft, ["label_variants"])
    assert not checks.is_current(job)


def test_checks_of_others_do_not_exist(studio: Studio, draft: str) -> None:
    job = ended(studio, studio.for_owner(ME).label_checks.start(draft))
    others = studio.for_owner(OTHER).label_checks
    assert others.find(draft) is None
    for refused in (lambda: others.result(job.id), lambda: others.start(draft)):
        with pytest.raises(UserError):
            refused()


def test_a_stopped_check_has_no_result_and_can_begin_again(studio: Studio, draft: str, monkeypatch: pytest.MonkeyPatch) -> None:
    under_way, stopped = threading.Event(), threading.Event()
    check = LABEL_CHECKS[SINGLE_LABEL.key]

    def wait_for_the_stop(*arguments, on_progress, **options):
        def pause(what: str, done: float) -> None:
            on_progress(what, done)
            under_way.set()
            assert stopped.wait(TIMEOUT_SECONDS)

        return check.gather(*arguments, on_progress=pause, **options)

    monkeypatch.setitem(LABEL_CHECKS, SINGLE_LABEL.key, replace(check, gather=wait_for_the_stop))
    workspace = studio.for_owner(ME)
    job = workspace.label_checks.start(draft)
    assert under_way.wait(TIMEOUT_SECONDS)
    assert workspace.label_checks.start(draft).id == job.id
    assert workspace.jobs.get(job.id).progress.what == "looking for copies"
    workspace.jobs.stop(job.id)
    stopped.set()
    job = ended(studio, job)
    assert job.status == "stopped"
    assert "found nothing yet" in job.message
    with pytest.raises(UserError) as caught:
        workspace.label_checks.result(job.id)
    assert caught.value.code == "no_result"
    again = ended(studio, workspace.jobs.resume(job.id))
    assert (again.id, again.status) == (job.id, "finished")


def test_a_file_can_be_checked_that_cannot_be_trained_on(studio: Studio, tmp_path: Path) -> None:
    texts, labels = clean_rows(8)
    checks = studio.for_owner(ME).label_checks
    job = ended(studio, checks.start_files({"main": ("few.csv", csv_of(texts, labels))}))
    assert job.status == "finished", job.message
    assert checks.result(job.id).rows == 8
    assert studio.for_owner(ME).drafts.summaries() == ()
    with pytest.raises(UserError) as caught:
        checks.start_files({"main": ("one.csv", csv_of(texts, ["joy"] * 8))}, text_columns=["text"], label_column="label")
    assert caught.value.code == "not_checkable"


@pytest.mark.parametrize("labels", ["one", "several"])
def test_a_deep_check_trains_each_fold_once_and_goes_on_after_a_stop(
    studio: Studio, draft: str, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, labels: str
) -> None:
    workspace, trained = studio.for_owner(ME), []
    if labels == "several":
        several = write_several_labels(tmp_path / "several.csv", n_rows=90)
        draft = workspace.drafts.open_files({"main": (several.name, several)}).draft.id
    train = cross_validation.train_run
    jobs: list[Job] = []

    def train_and_stop_in_the_second(run, history, encoder, corpus, splits, **options):
        trained.append(set(splits.test.tolist()))
        assert not set(splits.test.tolist()) & {*splits.train.tolist(), *splits.validation.tolist()}
        if len(trained) == 2:
            workspace.jobs.stop(jobs[0].id)
        return train(run, history, encoder, corpus, splits, **options)

    monkeypatch.setattr(cross_validation, "train_run", train_and_stop_in_the_second)
    started = threading.Event()
    report = RunningJob.report
    monkeypatch.setattr(RunningJob, "report", lambda *given: (started.wait(TIMEOUT_SECONDS), report(*given))[1])
    recipe = Recipe(encoder=tiny_encoder.name, epochs=1, batch_size=8, learning_rate=1e-2, max_length=32)
    jobs.append(workspace.label_checks.start(draft, recipe, deep=True))
    started.set()
    job = ended(studio, jobs[0])
    assert (job.status, job.message[:21]) == ("stopped", "1 model of 5 are trai"), job.message
    job = ended(studio, workspace.jobs.resume(job.id))
    assert job.status == "finished", job.message
    result = workspace.label_checks.result(job.id)
    assert (result.method, result.rows) == ("deep", 90)
    assert len(trained) == 6
    assert set.union(*trained) == set(range(90))
    assert sorted(path.name for path in (job.folder / "folds").iterdir() if path.is_dir()) == []
    assert workspace.label_checks.find(draft).id == job.id
    assert workspace.library.runs() == []
