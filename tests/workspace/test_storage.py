"""Disk space: what runs, drafts and uploads use, and what frees it. The trainings are short."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.addresses import TIMEOUT_SECONDS
from tests.jobs.counting import Counting
from tests.workspace.steps import ME, refused, start_run, wait_for_end
from tests.workspace.test_train_again import start_prepared_run
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.jobs.job_type import Resumption
from trainer.jobs.queue import Lane
from trainer.jobs.registry import JOB_TYPES
from trainer.jobs.train import pipeline
from trainer.recipe import Recipe
from trainer.runs.checkpoints import Checkpoints
from trainer.runs.event_types import EVENT_TYPES, Stopped
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.runs.writer_lock import writer_lock
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder

RECIPE = Recipe(encoder="tiny-bert", epochs=1, batch_size=16, learning_rate=5e-3, max_length=32, repairs=())
TWO_EPOCHS = Recipe(encoder="tiny-bert", epochs=2, batch_size=16, learning_rate=5e-3, max_length=32)


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, small_csv: Path, reader: FileReader
) -> Iterator[tuple[Studio, RunView]]:
    studio = Studio(Settings(runs_dir=tmp_path_factory.mktemp("trained") / "runs"), encoders=[tiny_encoder], reader=reader)
    draft = studio.for_owner(ME).drafts.open_files({"main": ("moods.csv", small_csv)}).draft
    view = studio.for_owner(ME).start(draft.id, RECIPE)
    yield studio, studio.for_owner(ME).wait(view.id, TIMEOUT_SECONDS)
    studio.close()


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


def test_the_folders_of_other_jobs_count_those_of_other_owners_do_not(
    settings: Settings, reader: FileReader, tiny_encoder: Encoder
) -> None:
    counting = Counting().job_type(Lane.SHORT, Resumption.AUTOMATIC)
    idle = Studio(settings, encoders=[tiny_encoder], reader=reader, job_types=(*JOB_TYPES, counting))
    idle._queue.put = lambda job_id: None  # type: ignore[method-assign]
    settings.ensure_writable()
    before = idle.for_owner(ME).storage.usage()
    for owner, size in ((ME, 5_000), ("another", 70_000)):
        job = idle.for_owner(owner).jobs.start(
            "count", name="count", parameters={"to": 1}, fill=lambda folder, size=size: (folder / "input").write_bytes(bytes(size)) and None
        )
        log = (job.folder / "events.jsonl").stat().st_size
    usage = idle.for_owner(ME).storage.usage()
    assert (before.jobs, usage.total - before.total) == (0, usage.jobs)
    assert usage.jobs == pytest.approx(5_000 + log, abs=100)


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
    Run(copy.for_owner(ME).library.folder(view.id)).log.append(Stopped(seconds=1.0))
    with refused("no_state"):
        copy.for_owner(ME).resume(view.id)


@pytest.mark.parametrize(("last_event", "code"), [("queued", "run_is_live"), ("phase", "states_needed"), ("failed", "states_needed")])
def test_needed_checkpoints_are_not_deleted(idle: Studio, tmp_path: Path, last_event: str, code: str) -> None:
    workspace = idle.for_owner(ME)
    view = start_prepared_run(idle, tmp_path)
    run = Run(workspace.library.folder(view.id))
    (run.checkpoints / "state-00000001").mkdir(parents=True)
    if last_event != "queued":
        run.log.append(EVENT_TYPES[last_event](**{"what": "training"} if last_event == "phase" else {}))
    with refused(code):
        workspace.storage.delete_checkpoints(view.id)
    assert (run.checkpoints / "state-00000001").is_dir()


def test_checkpoints_are_pruned_by_size_and_announced_before(
    settings: Settings, tiny_encoder: Encoder, small_csv: Path, monkeypatch: pytest.MonkeyPatch, reader: FileReader
) -> None:
    studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    finished = wait_for_end(studio, start_run(studio, small_csv))
    size = next(run.checkpoints for run in studio.for_owner(ME).storage.usage().runs)
    # The sizes of states differ slightly between trainings.
    studio.close()
    studio = Studio(replace(settings, checkpoint_bytes=2 * size + size // 2), encoders=[tiny_encoder], reader=reader)
    assert studio.for_owner(ME).storage.expiring_checkpoints() == ()

    def fails(*_: object, **__: object) -> None:
        raise UserError("It went wrong.", code="test")

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "_save_predictions", fails)
        failed = wait_for_end(studio, start_run(studio, small_csv))
    assert (failed.status, failed.saved_step > 0) == ("failed", True)
    assert studio.for_owner(ME).storage.expiring_checkpoints() == ()
    assert studio.for_owner(ME).storage.usage().checkpoints == pytest.approx(2 * size, abs=size // 4)
    third = wait_for_end(studio, start_run(studio, small_csv))
    # Over the limit: the checkpoint is announced as expiring, and deleted at the end of the next training.
    assert (
        studio.for_owner(ME).storage.expiring_checkpoints() == studio.for_owner(ME).storage.usage().expiring_checkpoints == (finished.id,)
    )
    assert checkpoints_kept(studio, finished, failed, third) == [True, True, True]
    fourth = wait_for_end(studio, start_run(studio, small_csv))
    assert checkpoints_kept(studio, finished, failed, third, fourth)[:2] == [False, True]
    studio.close()


def checkpoints_kept(studio: Studio, *views: RunView) -> list[bool]:
    return [Checkpoints(Run(studio.for_owner(ME).library.folder(view.id)).checkpoints, view.id).newest() is not None for view in views]


def test_pruning_spares_a_run_that_was_just_resumed(settings: Settings, tiny_encoder: Encoder, small_csv: Path, reader: FileReader) -> None:
    studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pipeline, "_save_predictions", lambda *_, **__: 1 / 0)
        resumed = wait_for_end(studio, start_run(studio, small_csv))
        not_resumed = wait_for_end(studio, start_run(studio, small_csv, TWO_EPOCHS))
    last = wait_for_end(studio, start_run(studio, small_csv))
    studio.close()
    studio = Studio(replace(settings, checkpoint_bytes=0), encoders=[tiny_encoder], reader=reader)
    assert set(studio.for_owner(ME).storage.expiring_checkpoints()) == {resumed.id, not_resumed.id}
    studio.close()
    studio._queue.put = lambda run_id: None
    listed = studio._runs.list(ME)
    studio._runs.list = lambda owner: listed  # as listed before the resume
    studio.for_owner(ME).resume(resumed.id)
    studio.for_owner(ME).storage.prune_checkpoints(last.id)
    assert checkpoints_kept(studio, resumed, last) == [True, True]
