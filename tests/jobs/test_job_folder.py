"""The folder of a job: progress is logged in steps, and a power cut loses nothing that was confirmed."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.jobs.counting import TO, Counting
from tests.jobs.test_job_states import new_studio, start
from tests.power_cut_disk import PowerCutDisk
from tests.workspace.steps import ME, TIMEOUT_SECONDS
from trainer.data.reader.file_reader import FileReader
from trainer.jobs.job_folder import JobFolder, RunningJob, build_job, create_folder
from trainer.jobs.job_type import Resumption
from trainer.jobs.queue import Lane
from trainer.runs.event_types import Progressed, Queued, Started
from trainer.runs.events import parse
from trainer.runs.ids import is_id
from trainer.settings import Settings


def test_progress_is_logged_in_steps_however_often_it_is_reported(settings: Settings, reader: FileReader) -> None:
    counting, counted = Counting(), 20_000
    work = counting.work

    def report_often(job: RunningJob) -> Mapping[str, int]:
        for _ in range(3):
            job.report("reading")
        for n in range(counted + 1):
            job.report("counting", n / counted)
        return work(job)

    counting.work = report_often  # type: ignore[method-assign]
    studio = new_studio(settings, reader, counting.job_type(Lane.SHORT, Resumption.AUTOMATIC))
    counting.allow()
    job = start(studio)
    ended = studio.for_owner(ME).jobs.wait(job.id, TIMEOUT_SECONDS)
    studio.close()
    assert (ended.status, ended.progress, ended.result) == ("finished", None, {"counted": TO})
    assert ended.ended_at >= ended.created
    progress = [(event.what, event.done) for event in JobFolder(job.folder).log.read() if isinstance(event, Progressed)]
    assert progress[:2] == [("reading", None), ("counting", 0.0)]
    assert 400 <= len(progress) <= 510


def test_a_job_that_is_resumed_after_a_damaged_line_waits_again(tmp_path: Path) -> None:
    folder = create_folder(tmp_path, job_type="counting", owner=ME, name="count", parameters={"to": TO}, fill=lambda folder: None)
    folder.log.append(Started())
    folder.log.append(Progressed(what="counting", done=0.5))
    content = folder.log.path.read_bytes()
    folder.log.path.write_bytes(content.replace(b'"counting", "done"', b'"countinh", "done"'))
    assert folder.log.path.read_bytes() != content
    assert build_job(folder.path, parse(folder.log.content())).status == "running"
    folder.log.append(Queued())
    assert build_job(folder.path, parse(folder.log.content())).status == "queued"
    # A line that is damaged after that may have said that it started.
    folder.log.append(Started())
    content = folder.log.path.read_bytes()
    folder.log.path.write_bytes(content[:-40] + b"?" + content[-39:])
    assert build_job(folder.path, parse(folder.log.content())).status == "running"


@pytest.mark.parametrize("lane", Lane)
def test_a_job_survives_a_power_cut_at_any_moment(tmp_path: Path, reader: FileReader, lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    disk = PowerCutDisk(tmp_path / "runs", ignored=("heartbeat", "lock"))
    counting = Counting()
    job_type = counting.job_type(lane, Resumption.AUTOMATIC)
    report = RunningJob.report

    def report_and_confirm(job: RunningJob, what: str, done: float | None = None) -> None:
        report(job, what, done)
        disk.confirm(f"counted {round((done or 0) * TO)}")

    monkeypatch.setattr(RunningJob, "report", report_and_confirm)
    counting.allow()
    studio = new_studio(Settings(runs_dir=disk.root), reader, job_type)
    studio._queue.put = lambda job_id: None  # type: ignore[method-assign]
    with disk.recording():
        job = start(studio)
        disk.confirm("created")
        # In this thread, whose calls are recorded.
        assert studio._runner.run(job.id) == ""
        disk.confirm("finished")

    def verify(root: Path, confirmed: frozenset[str]) -> None:
        ids = [path.name for path in (root / "jobs").glob("*") if is_id(path.name)]
        if not ids:
            assert "created" not in confirmed
            return
        (left,) = new_studio(Settings(runs_dir=root), reader, job_type).for_owner(ME).jobs.list()
        assert (left.id, left.parameters) == (job.id, {"to": TO})
        assert left.status in (("finished",) if "finished" in confirmed else ("queued", "interrupted", "finished"))
        assert left.result == ({"counted": TO} if left.status == "finished" else None)
        counted = [int(fact.split()[1]) for fact in confirmed if fact.startswith("counted")]
        assert not counted or int((left.folder / "number").read_text()) >= max(counted)

    assert any("counted 2" in cut.confirmed for cut in disk.cuts)
    assert disk.check(tmp_path / "cuts", verify) > 20
