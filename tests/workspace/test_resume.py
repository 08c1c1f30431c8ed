"""Studio: resuming interrupted, stopped and finished runs; checkpoints; one training in several processes."""

import errno
import hashlib
import subprocess
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import pytest

from tests.conftest import small_rows, write_rows
from tests.warm_interpreter import WarmInterpreter
from tests.workspace.steps import (
    ME,
    QUICK,
    TIMEOUT_SECONDS,
    Hold,
    events,
    refused,
    start_run,
    wait_for_end,
)
from trainer.data.reader.file_reader import FileReader
from trainer.jobs.train import torchrun
from trainer.recipe import Recipe
from trainer.runs.event_schema import Event
from trainer.runs.event_types import Logged
from trainer.runs.events import EventLog
from trainer.runs.resume_rules import resume_label
from trainer.runs.run import Run
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder
from trainer.ui import train_view

RECIPE = Recipe(encoder="tiny-bert", epochs=2, batch_size=16, learning_rate=5e-3, max_length=32)


def crash_training(studio: Studio, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The training thread dies at its next logged point, without a log event."""
    from trainer.training.callback import TrainingCallback

    class Gone(BaseException):
        pass

    def dies(*_: object, **__: object) -> None:
        raise Gone

    monkeypatch.setattr(TrainingCallback, "on_log", dies)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_interrupted_run_is_resumed_once(
    studio: Studio,
    hold: Hold,
    small_csv: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace = studio.for_owner(ME)
    with monkeypatch.context() as patched:
        crash_training(studio, None, patched)
        view = start_run(studio, small_csv, RECIPE)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while workspace.library.view(view.id).status != "interrupted":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        studio._queue.join()
    resumed = [workspace.resume(view.id) for _ in range(2)]
    assert all(v.live for v in resumed)
    hold.release()
    done = wait_for_end(studio, view)
    assert done.status == "finished"
    assert [e.type for e in events(studio, view)].count("queued") == 2
    assert [p.step for p in done.points] == list(range(1, done.total_steps + 1))
    assert workspace.library.reports(view.id).test.rows


def files_of(folder: Path) -> dict[str, bytes]:
    """Content of a run's files by name, without its lock and heartbeat."""
    inside = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {name: path.read_bytes() for name, path in inside.items() if name not in ("lock", "heartbeat")}


def test_a_stopped_run_keeps_its_model_and_a_child_trains_the_rest(studio: Studio, hold: Hold, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    view = start_run(studio, small_csv, RECIPE)
    hold.wait_until_started()
    assert workspace.stop(view.id).stop_requested
    hold.release()
    stopped = wait_for_end(studio, view)
    assert stopped.status == "stopped"
    files_before = files_of(workspace.library.folder(view.id))
    child = workspace.resume(view.id)
    assert (child.parent, child.parent_name, child.parent_step, child.more_epochs) == (view.id, stopped.name, stopped.saved_step, 0)
    done = wait_for_end(studio, child)
    assert done.status == "finished"
    assert done.last_logged_step == done.total_steps > stopped.last_logged_step
    assert [p.step for p in done.points] == list(range(1, done.total_steps + 1))
    assert files_of(workspace.library.folder(view.id)) == files_before
    assert workspace.library.view(view.id) == stopped
    # The elapsed time of the charts continues.
    elapsed = [e.elapsed for e in events(studio, child) if e.type == "log"]
    assert elapsed == sorted(elapsed)
    assert done.duration_seconds > elapsed[-1]
    # The model equals that of an uninterrupted training.
    uninterrupted = wait_for_end(studio, start_run(studio, small_csv, RECIPE))
    weights = [(workspace.library.folder(run.id) / "model" / "model.safetensors").read_bytes() for run in (child, uninterrupted)]
    assert weights[0] == weights[1]


def test_epochs_are_added_in_a_child_run(studio: Studio, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    view = wait_for_end(studio, start_run(studio, small_csv))
    files_before = files_of(workspace.library.folder(view.id))
    with refused("already_finished"):
        workspace.resume(view.id)
    with refused("setting_out_of_range"):
        workspace.resume(view.id, more_epochs=500)
    assert [run.id for run in workspace.library.runs()] == [view.id]
    child = workspace.resume(view.id, more_epochs=2)
    assert child.id != view.id
    assert (child.parent, child.parent_step, child.more_epochs, child.rows) == (view.id, view.last_logged_step, 2, view.rows)
    done = wait_for_end(studio, child)
    assert (done.status, done.epochs) == ("finished", 3)
    assert done.total_steps == 3 * view.total_steps
    assert [p.step for p in done.points] == list(range(1, done.total_steps + 1))
    assert [e.step for e in done.evaluations][: len(view.evaluations)] == [e.step for e in view.evaluations]
    assert (done.baseline, done.majority) == (view.baseline, view.majority)
    assert (workspace.library.recipe(child.id).epochs, workspace.library.recipe(view.id).epochs) == (3, 1)
    assert (workspace.library.damage(view.id), workspace.library.damage(child.id)) == ((), ())
    assert files_of(workspace.library.folder(view.id)) == files_before
    assert workspace.library.view(view.id) == view
    assert workspace.library.reports(child.id).test.rows == workspace.library.reports(view.id).test.rows
    # A child of a child, whose grandparent is deleted.
    workspace.delete(view.id)
    third = wait_for_end(studio, workspace.resume(child.id, more_epochs=1))
    assert (third.status, third.parent, third.epochs) == ("finished", child.id, 4)
    assert workspace.library.damage(third.id) == ()


def test_a_child_is_made_once_and_may_leave_the_queue(studio: Studio, hold: Hold, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    hold.release()
    finished = wait_for_end(studio, start_run(studio, small_csv))
    hold._released.clear()
    hold._reached.clear()
    busy = start_run(studio, small_csv, RECIPE)
    hold.wait_until_started()
    waiting = [workspace.resume(finished.id, more_epochs=3) for _ in range(2)]
    assert waiting[0].id == waiting[1].id != finished.id
    assert (waiting[0].status, workspace.library.recipe(waiting[0].id).epochs) == ("queued", 4)
    assert workspace.jobs.position(waiting[0].id) == 1
    second_child = workspace.resume(finished.id, more_epochs=1)
    assert second_child.id not in {finished.id, waiting[0].id}
    for view in (waiting[0], second_child):
        assert workspace.stop(view.id).status == "cancelled"
    assert workspace.library.view(finished.id) == finished
    hold.release()
    assert wait_for_end(studio, busy).status == "finished"


def test_a_child_that_fails_leaves_the_model_of_its_parent(studio: Studio, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = studio.for_owner(ME)
    finished = wait_for_end(studio, start_run(studio, small_csv))
    append = EventLog.append

    def append_until_full(self: EventLog, event: Event, **options: bool) -> None:
        if isinstance(event, Logged) and event.step == finished.total_steps + 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, event, **options)

    with monkeypatch.context() as patched:
        patched.setattr(EventLog, "append", append_until_full)
        failed = wait_for_end(studio, workspace.resume(finished.id, more_epochs=2))
    assert (failed.status, failed.code, failed.has_model) == ("failed", "disk", False)
    assert failed.last_logged_step > finished.last_logged_step
    assert workspace.library.view(finished.id) == finished
    # It is resumed itself, as it has no model to keep.
    resumed = wait_for_end(studio, workspace.resume(failed.id))
    assert (resumed.id, resumed.status, resumed.epochs) == (failed.id, "finished", 3)


def test_a_resume_after_an_upgrade_keeps_its_schedule(
    studio: Studio,
    hold: Hold,
    small_csv: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace = studio.for_owner(ME)
    view = start_run(studio, small_csv, replace(RECIPE, epochs=None, batch_size=None, learning_rate=None))
    hold.wait_until_started()
    workspace.stop(view.id)
    hold.release()
    stopped = wait_for_end(studio, view)
    monkeypatch.setattr("trainer.regimes._epochs_for", lambda rows: 1)
    monkeypatch.setattr("trainer.regimes._batch_size_for", lambda rows, **_: 4)
    monkeypatch.setattr("trainer.recipe._LORA_LEARNING_RATE_FACTOR", 9)
    done = wait_for_end(studio, workspace.resume(view.id))
    assert (done.status, done.epochs, done.batch_size, done.total_steps) == (
        "finished",
        stopped.epochs,
        stopped.batch_size,
        stopped.total_steps,
    )
    assert done.learning_rate == stopped.learning_rate
    assert workspace.library.recipe(done.id).epochs is None


def test_after_out_of_memory_a_resume_uses_smaller_batches(studio: Studio, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = studio.for_owner(ME)
    from trainer.training.trainer import ClassificationTrainer

    step, batch_sizes = ClassificationTrainer.training_step, []

    def step_with_little_memory(self: ClassificationTrainer, model: object, inputs: dict, *args: object, **kwargs: object) -> object:
        batch_sizes.append(len(inputs["labels"]))
        if self.state.global_step >= 3 and batch_sizes[-1] > 4:
            raise MemoryError
        return step(self, model, inputs, *args, **kwargs)

    monkeypatch.setattr(ClassificationTrainer, "training_step", step_with_little_memory)
    failed = wait_for_end(studio, start_run(studio, small_csv))
    assert (failed.status, failed.code, failed.retry_texts_at_a_time) == ("failed", "out_of_memory", 4)
    assert "Train it again with 4 texts at a time" in failed.message
    assert resume_label(failed).endswith("with 4 texts at a time")
    batch_sizes.clear()
    workspace.resume(failed.id)
    done = wait_for_end(studio, failed)
    assert (done.status, done.batch_size, done.total_steps) == ("finished", 16, failed.total_steps)
    assert max(batch_sizes) == 4
    assert workspace.library.recipe(done.id) == QUICK


def test_a_finished_run_without_its_last_state_cannot_be_continued(studio: Studio, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    import shutil

    view = wait_for_end(studio, start_run(studio, small_csv))
    shutil.rmtree(Run(workspace.library.folder(view.id)).checkpoints)
    with refused("no_state"):
        workspace.resume(view.id, more_epochs=1)
    assert workspace.library.view(view.id).status == "finished"


def test_a_diverged_training_is_not_resumed(studio: Studio, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainer.training.losses import TrainingLoss

    monkeypatch.setattr(TrainingLoss, "__call__", lambda self, logits, *_, **__: logits.sum() * float("nan"))
    recipe = Recipe(**{**RECIPE.to_dict(), "label_smoothing": 0.1})
    view = wait_for_end(studio, start_run(studio, small_csv, recipe))
    assert (view.status, view.code) == ("failed", "loss_not_finite")
    with refused("cannot_resume"):
        studio.for_owner(ME).resume(view.id)


def test_several_processes_train_one_run(
    tmp_path: Path, tiny_encoder: Encoder, warm_interpreter: WarmInterpreter, monkeypatch: pytest.MonkeyPatch, reader: FileReader
) -> None:
    """What Start does with several GPUs; here with two CPU processes."""
    monkeypatch.setattr(torchrun, "subprocess", SimpleNamespace(run=warm_interpreter.torchrun, DEVNULL=subprocess.DEVNULL))
    path = write_rows(tmp_path / "moods.csv", small_rows())
    studio = Studio(Settings(runs_dir=tmp_path / "runs", processes=2), encoders=[tiny_encoder], reader=reader)
    view = studio.for_owner(ME).wait(start_run(studio, path, replace(RECIPE, epochs=10)).id, TIMEOUT_SECONDS)
    assert view.status == "finished", (studio.for_owner(ME).library.folder(view.id) / "error.log").read_text()[-2000:]
    assert view.processes == 2
    assert [p.step for p in view.points] == list(range(1, view.total_steps + 1))
    # Each point covers the 16 texts of both processes, not the 8 of one.
    correct = [16 * p.accuracy for p in view.points if p.step not in view.epoch_steps]
    assert all(number == pytest.approx(round(number), abs=1e-4) for number in correct)
    assert any(round(number) % 2 for number in correct)
    assert all(e.train_objective is not None for e in events(studio, view) if e.type == "log")
    assert studio.for_owner(ME).library.reports(view.id).test.accuracy.value > 0.5
    studio.close()


def test_a_damaged_run_is_not_continued_and_does_not_block_others(
    settings: Settings, tiny_encoder: Encoder, small_csv: Path, reader: FileReader
) -> None:
    idle = Studio(settings, encoders=[tiny_encoder], reader=reader)
    idle._queue.put = lambda run_id: None  # the server ends before it trains
    waiting = start_run(idle, small_csv, RECIPE)
    run = Run(idle.for_owner(ME).library.folder(waiting.id))
    (run.path / "recipe.json").write_text("{")
    second = start_run(idle, small_csv, RECIPE)
    assert second.id != waiting.id
    # A server trains the rest of the queue, and this run fails with a message.
    server = Studio(settings, encoders=[tiny_encoder], reader=reader)
    server.recover()
    failed = wait_for_end(server, waiting)
    assert (failed.status, failed.code) == ("failed", "run_damaged")
    assert "recipe.json" in failed.message
    assert wait_for_end(server, second).status == "finished"
    with refused("run_damaged"):
        server.for_owner(ME).resume(waiting.id)
    # Changed rows are not trained on.
    rows = server.for_owner(ME).library.folder(second.id) / "data.parquet"
    rows.write_bytes(rows.read_bytes()[:-1] + b"?")
    with refused("run_damaged"):
        server.for_owner(ME).resume(second.id, more_epochs=1)
    server.close()


def test_a_finished_run_whose_last_state_is_damaged_says_so(studio: Studio, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    view = wait_for_end(studio, start_run(studio, small_csv))
    for file in Run(workspace.library.folder(view.id)).checkpoints.glob("state-*/model.safetensors"):
        file.write_bytes(b"")
    with refused("run_damaged"):
        workspace.resume(view.id, more_epochs=1)
    assert workspace.library.view(view.id).status == "finished"
    assert workspace.library.damage(view.id) == ()
    assert workspace.library.reports(view.id).test.rows


def test_a_run_interrupted_before_its_end_event_keeps_its_model_and_is_finished_by_resume(studio: Studio, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    view = wait_for_end(studio, start_run(studio, small_csv))
    log = Run(workspace.library.folder(view.id)).log
    log.path.write_bytes(b"".join(log.content().splitlines(keepends=True)[:-1]))
    interrupted = workspace.library.view(view.id)
    assert (interrupted.status, interrupted.has_model, workspace.library.damage(view.id)) == ("interrupted", True, ())
    assert "Resume finishes it" in train_view.head(interrupted, "my file")
    assert workspace.library.reports(view.id).test.rows
    model = workspace.library.folder(view.id) / "model"
    files_before = {path.name: (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns) for path in model.iterdir()}
    workspace.resume(view.id)
    resumed = wait_for_end(studio, view)
    assert {path.name: (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns) for path in model.iterdir()} == files_before
    assert (resumed.kept, resumed.duration_seconds) == (view.kept, view.duration_seconds)
    assert (resumed.status, resumed.has_model, resumed.lacks_end, workspace.library.damage(view.id)) == ("finished", True, False, ())


def test_a_resume_reads_each_file_of_a_state_at_most_once(
    studio: Studio,
    hold: Hold,
    small_csv: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace = studio.for_owner(ME)
    view = start_run(studio, small_csv, RECIPE)
    hold.wait_until_started()
    workspace.stop(view.id)
    hold.release()
    assert wait_for_end(studio, view).status == "stopped"
    read: list[str] = []
    digest = hashlib.file_digest

    def recording_digest(file: BinaryIO, *options: object) -> object:
        # A new state is also read under its temporary name, just after it was written.
        read.append(file.name)
        return digest(file, *options)

    monkeypatch.setattr(hashlib, "file_digest", recording_digest)
    # Resume returns at once, however large the state is.
    with monkeypatch.context() as patched:
        patched.setattr(studio._queue, "put", lambda run_id: None)
        workspace.resume(view.id)
    assert [name for name in read if "checkpoints" in name] == []
    assert wait_for_end(studio, workspace.resume(view.id)).status == "finished"
    reads_by_file = Counter(name.replace("/.", "/") for name in read if "checkpoints" in name)
    assert any("state-" in name for name in reads_by_file)
    assert set(reads_by_file.values()) == {1}


def test_a_resume_from_a_damaged_state_fails_and_leaves_the_parent_alone(studio: Studio, hold: Hold, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    view = start_run(studio, small_csv, RECIPE)
    hold.wait_until_started()
    workspace.stop(view.id)
    hold.release()
    stopped = wait_for_end(studio, view)
    for file in Run(workspace.library.folder(view.id)).checkpoints.glob("state-*/optimizer.safetensors"):
        content = bytearray(file.read_bytes())
        content[-3] ^= 1
        file.write_bytes(content)
    failed = wait_for_end(studio, workspace.resume(view.id))
    assert (failed.parent, failed.status, failed.code, failed.has_model) == (view.id, "failed", "run_damaged", False)
    assert "The last state of" in failed.message
    assert failed.name in failed.message
    assert workspace.library.view(view.id) == stopped
    assert workspace.library.reports(view.id).test.rows
