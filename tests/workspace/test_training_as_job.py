"""A training is a job like any other: listed, watched, stopped and resumed in the same way, for its owner only."""

from pathlib import Path

import pytest

from tests.workspace.steps import ME, OTHER, FakeTrainings, Hold, refused, start_run, wait_for_end, write_state
from trainer.errors import UserError
from trainer.runs.event_types import Phase
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.studio import Studio


def test_a_training_is_a_job_with_progress_and_a_result(studio: Studio, hold: Hold, small_csv: Path) -> None:
    jobs = studio.for_owner(ME).jobs
    view = start_run(studio, small_csv)
    hold.wait_until_started()
    (job,) = jobs.list()
    assert (job.id, job.type, job.owner, job.name, job.status) == (view.id, "train", ME, view.name, "running")
    assert 0 < job.progress.done < 1
    assert job.folder == studio.for_owner(ME).library.folder(view.id)
    with refused("no_result"):
        jobs.result(view.id)
    hold.release()
    assert wait_for_end(studio, view).status == "finished"
    assert jobs.result(view.id) == {"run": view.id}
    assert jobs.get(view.id).progress is None


def test_a_training_stops_and_goes_on_as_a_job(studio: Studio, trainings: FakeTrainings, small_csv: Path) -> None:
    jobs = studio.for_owner(ME).jobs
    view = start_run(studio, small_csv)
    trainings.wait_until_started(view)
    assert jobs.stop(view.id).stop_requested
    trainings.release()
    assert wait_for_end(studio, view).status == "stopped"
    write_state(studio, view)
    child = jobs.resume(view.id, more_epochs=0)
    assert child.id != view.id
    assert (child.type, studio.for_owner(ME).library.view(child.id).parent) == ("train", view.id)
    assert wait_for_end(studio, studio.for_owner(ME).library.view(child.id)).status == "finished"


def test_an_interrupted_training_says_that_it_can_be_resumed(idle: Studio, small_csv: Path) -> None:
    view = start_run(idle, small_csv)
    Run(idle.for_owner(ME).library.folder(view.id)).log.append(Phase(what="training"))
    job = idle.for_owner(ME).jobs.get(view.id)
    assert (job.status, job.message) == ("interrupted", "It was interrupted. Resume it: it continues from its last saved state.")


def test_what_cannot_be_resumed_has_the_same_code_as_a_run(trained: tuple[Studio, RunView, dict[str, int]]) -> None:
    studio, view, _ = trained
    for resume in (studio.for_owner(ME).jobs.resume, studio.for_owner(ME).resume):
        with pytest.raises(UserError) as error:
            resume(view.id)
        assert error.value.code == "already_finished"


def test_a_training_is_nobody_elses_job(trained: tuple[Studio, RunView, dict[str, int]]) -> None:
    studio, view, _ = trained
    theirs = studio.for_owner(OTHER).jobs
    assert theirs.list() == []
    for call in (theirs.get, theirs.stop, theirs.resume, theirs.result):
        with refused("unknown_job"):
            call(view.id)
