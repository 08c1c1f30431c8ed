"""JobStore: jobs of all types in one list; what a crash left is cleared; old ones make room."""

import os
import time
from pathlib import Path

import pytest

from tests.jobs.counting import TO, Counting
from tests.jobs.test_job_states import new_studio, start
from tests.workspace.steps import ME
from trainer.data.reader.file_reader import FileReader
from trainer.jobs import store
from trainer.jobs.job_folder import JobFolder
from trainer.jobs.job_type import Resumption
from trainer.jobs.queue import Lane
from trainer.runs.event_types import Started
from trainer.runs.ids import random_id
from trainer.settings import Settings
from trainer.studio import Studio


@pytest.fixture
def idle(settings: Settings, reader: FileReader) -> Studio:
    """A studio whose jobs stay queued."""
    studio = new_studio(settings, reader, Counting().job_type(Lane.SHORT, Resumption.AUTOMATIC))
    studio._queue.put = lambda job_id: None  # type: ignore[method-assign]
    return studio


@pytest.mark.usefixtures("a_second_each")
def test_the_newest_is_listed_first_and_says_what_it_is(idle: Studio) -> None:
    first, second = start(idle, "first"), start(idle, "second", to=5)
    assert [job.name for job in idle.for_owner(ME).jobs.list()] == ["second", "first"]
    assert (first.type, first.owner, first.parameters, first.result, first.progress) == ("count", ME, {"to": TO}, None, None)
    assert first.folder == idle.settings.runs_dir / "jobs" / first.id
    assert second.created > first.created


def test_a_damaged_job_takes_no_other_down(idle: Studio) -> None:
    whole, torn, lost = start(idle, "whole"), start(idle, "torn", to=5), start(idle, "lost", to=6)
    with open(torn.folder / "events.jsonl", "ab") as file:
        file.write(b'{"time": 1, "type": "finis')
    (lost.folder / "events.jsonl").unlink()
    jobs = {job.id: job for job in idle.for_owner(ME).jobs.list()}
    assert [jobs[job.id].status for job in (whole, torn, lost)] == ["queued", "queued", "damaged"]
    assert jobs[lost.id].message == "Its log has lost its beginning, or is that of another job. Start it again."


def test_a_job_that_may_have_begun_is_not_queued_again_by_a_damaged_log(idle: Studio) -> None:
    job = start(idle)
    JobFolder(job.folder).log.append(Started())
    log = job.folder / "events.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:-1], lines[-1].replace(b"started", b"startle")]))
    assert idle.for_owner(ME).jobs.get(job.id).status == "interrupted"


def test_a_copied_log_is_no_second_job(idle: Studio) -> None:
    job = start(idle)
    copied = job.folder.with_name(random_id())
    copied.mkdir()
    (copied / "events.jsonl").write_bytes((job.folder / "events.jsonl").read_bytes())
    assert idle.for_owner(ME).jobs.get(copied.name).status == "damaged"


@pytest.mark.usefixtures("a_second_each")
def test_old_ended_jobs_make_room(idle: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_ENDED_JOBS", 2)
    ended = [start(idle, str(n), to=n) for n in range(4)]
    waiting = start(idle, "waiting", to=9)
    for job in ended:
        idle.for_owner(ME).jobs.stop(job.id)
    new = start(idle, "new", to=10)
    assert {job.id for job in idle.for_owner(ME).jobs.list()} == {waiting.id, new.id, ended[2].id, ended[3].id}


def test_what_a_crash_left_is_cleared_at_the_next_start(idle: Studio) -> None:
    job = start(idle)
    root = job.folder.parent
    old, young, removed = root / f".new-{random_id()}", root / f".new-{random_id()}", root / f".deleted-{random_id()}"
    for folder in (old, young, removed):
        folder.mkdir()
    os.utime(old, (time.time() - 86_400,) * 2)
    idle.recover()
    assert sorted(path.name for path in root.iterdir()) == sorted((young.name, job.id))


def test_a_job_that_cannot_be_filled_leaves_nothing(idle: Studio) -> None:
    def fill(folder: Path) -> None:
        (folder / "input").write_text("half of it")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        idle.for_owner(ME).jobs.start("count", name="x", parameters={}, fill=fill)
    assert list((idle.settings.runs_dir / "jobs").iterdir()) == []


def test_a_log_is_read_again_only_once_it_has_changed(idle: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    read, read_view = [], JobFolder.read_view
    jobs = [start(idle, f"job {n}", to=n + 3) for n in range(3)]
    monkeypatch.setattr(JobFolder, "read_view", lambda folder: read.append(folder.id) or read_view(folder))
    listed = idle.for_owner(ME).jobs.list()
    read.clear()
    assert idle.for_owner(ME).jobs.list() == listed
    assert read == []
    JobFolder(jobs[1].folder).log.append(Started())
    assert idle.for_owner(ME).jobs.get(jobs[1].id).status == "interrupted"
    assert read == [jobs[1].id]
