"""Capacity: what is nearly used up is told, what is used up is refused, and what is pressed twice is no second one."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.workspace.steps import RECIPE, start_run
from trainer.errors import UserError
from trainer.jobs import queue_limits
from trainer.jobs.job import Job
from trainer.jobs.queue_limits import check_capacity, check_job_capacity, near_capacity
from trainer.runs.view import RunView
from trainer.settings import Settings
from trainer.studio import Studio


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(runs_dir=tmp_path, max_waiting_runs=20, max_runs=100, min_free_bytes=0)


def runs(status: str, n_runs: int) -> list[RunView]:
    return [RunView(str(n), status=status) for n in range(n_runs)]


def refused(settings: Settings, views: list[RunView], **options: bool) -> str:
    with pytest.raises(UserError) as error:
        check_capacity(settings, views, views, **options)
    return error.value.code


def test_a_full_queue_is_told_before_it_is_full(settings: Settings) -> None:
    assert near_capacity(settings, runs("queued", 14)) == ""
    assert near_capacity(settings, runs("queued", 15)) == "15 of at most 20 trainings are waiting already."
    check_capacity(settings, runs("queued", 19), [])
    assert refused(settings, runs("queued", 20)) == "queue_full"
    assert refused(settings, runs("queued", 20), new=False) == "queue_full"


def test_the_queue_of_all_owners_has_a_limit_of_its_own(settings: Settings) -> None:
    with pytest.raises(UserError, match="20 trainings wait on this server") as error:
        check_capacity(settings, [], runs("queued", 20))
    assert error.value.code == "queue_full"
    check_capacity(settings, [], runs("queued", 19))


def test_too_many_runs_are_told_before_there_are_too_many(settings: Settings) -> None:
    assert near_capacity(settings, runs("finished", 74)) == ""
    assert "75 of at most 100 runs" in near_capacity(settings, runs("finished", 75))
    assert refused(settings, runs("finished", 100)) == "too_many_runs"
    check_capacity(settings, runs("finished", 100), [], new=False)


def test_a_full_disk_is_told_before_it_is_full(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(settings, min_free_bytes=1000**3)
    for free, near, full in ((3.5, False, False), (2.5, True, False), (0.5, True, True)):
        monkeypatch.setattr(queue_limits, "_free_bytes", lambda _, free=free: int(free * 1000**3))
        assert bool(near_capacity(settings, [])) == near
        if full:
            assert refused(settings, []) == "disk_full"
        else:
            check_capacity(settings, [], [])


def test_other_jobs_have_limits_of_their_own(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = [Job(str(n), "count", "local", "", settings.runs_dir, "queued") for n in range(20)]
    check_job_capacity(settings, waiting[1:], 0)
    with pytest.raises(UserError, match=r"^20 jobs are waiting already") as error:
        check_job_capacity(settings, waiting, 0)
    assert error.value.code == "queue_full"
    with pytest.raises(UserError, match="20 jobs wait on this server"):
        check_job_capacity(settings, [], 20)
    monkeypatch.setattr(queue_limits, "_free_bytes", lambda _: 0)
    with pytest.raises(UserError, match=r"a job needs at least 1\.0 GB") as error:
        check_job_capacity(replace(settings, min_free_bytes=1000**3), [], 0)
    assert error.value.code == "disk_full"


def test_a_start_beyond_the_queue_is_refused_and_leaves_nothing_and_the_same_one_again_is_none(
    tmp_path: Path, tiny_encoder: object, small_csv: Path
) -> None:
    studio = Studio(Settings(runs_dir=tmp_path / "runs", max_waiting_runs=1), encoders=[tiny_encoder])
    studio._queue.close()
    first = start_run(studio, small_csv, RECIPE)
    with pytest.raises(UserError, match="1 training is waiting already") as refusal:
        start_run(studio, small_csv, replace(RECIPE, seed=7))
    assert refusal.value.code == "queue_full"
    assert [view.id for view in studio.for_owner("local").library.runs()] == [first.id]
    assert near_capacity(studio.settings, studio.for_owner("local").library.runs()) == "1 of at most 1 trainings are waiting already."
