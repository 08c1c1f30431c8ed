"""What a restarted server resumes."""

import dataclasses
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from tests.warm_interpreter import WarmInterpreter
from tests.workspace.steps import ME, QUICK, TIMEOUT_SECONDS, Hold, events, refused, start_run, wait_for_end
from trainer.atomic import REMOVED_PREFIX
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs.ids import random_id
from trainer.settings import LOCAL, PUBLIC, TEAM, Mode, Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder

TWO_EPOCHS = Recipe(encoder="tiny-bert", epochs=2, batch_size=16, learning_rate=5e-3, max_length=32)


def close_during_training(studio: Studio, hold: Hold) -> None:
    """The server ends while the held training is in its first step: that goes on only once it has been asked to stop."""
    closing = threading.Thread(target=studio.close)
    closing.start()
    while not any(studio.settings.runs_dir.glob("*/stop")):
        time.sleep(0.01)
    hold.release()
    closing.join(TIMEOUT_SECONDS)


def test_recover_trains_queued_runs_oldest_first(studio: Studio, hold: Hold, small_csv: Path, tiny_encoder: Encoder) -> None:
    workspace = studio.for_owner(ME)
    first = start_run(studio, small_csv)
    hold.wait_until_started()
    queued = [start_run(studio, small_csv, dataclasses.replace(QUICK, seed=n)) for n in (2, 3)]
    close_during_training(studio, hold)
    assert workspace.library.view(first.id).status == "stopped"
    assert [workspace.library.view(v.id).status for v in queued] == ["queued", "queued"]

    server = Studio(studio.settings, encoders=[tiny_encoder], reader=studio.reader)
    server.recover()
    server.recover()
    assert [wait_for_end(server, v).status for v in queued] == ["finished", "finished"]
    assert len(server.for_owner(ME).library.runs()) == 3
    end_time = next(e.time for e in events(server, queued[0]) if e.type == "finished")
    start_time = next(e.time for e in events(server, queued[1]) if e.type == "phase")
    assert start_time >= end_time
    server.close()


@pytest.mark.parametrize(
    ("mode", "first_owner", "second_owner"),
    # The model of a public server has tests of its own.
    [(LOCAL, ME, ME), (TEAM, "user-ada", "user-bob"), (replace(PUBLIC, offers_model=False), "visitor-1", "visitor-2")],
    ids=["local", "team", "public"],
)
def test_a_restart_in_mid_training_loses_nothing_of_anybody(
    studio: Studio, hold: Hold, small_csv: Path, tiny_encoder: Encoder, mode: Mode, first_owner: str, second_owner: str
) -> None:
    studio.settings = replace(studio.settings, mode=mode, keep_seconds=24 * 3600 if mode.anonymous else 0)
    training = start_run(studio, small_csv, TWO_EPOCHS, owner=first_owner)
    hold.wait_until_started()
    waiting = start_run(studio, small_csv, QUICK, owner=second_owner)
    for owner in (first_owner, second_owner):
        studio.visits.record(owner)
    files = {owner: studio.for_owner(owner).drafts.summaries() for owner in (first_owner, second_owner)}
    close_during_training(studio, hold)

    server = Studio(studio.settings, encoders=[tiny_encoder], reader=studio.reader)
    server.recover()
    server.forget_visitors()
    first, second = server.for_owner(first_owner), server.for_owner(second_owner)
    assert second.wait(waiting.id, TIMEOUT_SECONDS).status == "finished"
    stopped = first.library.view(training.id)
    assert (stopped.status, stopped.has_model) == ("stopped", True)
    assert first.wait(first.resume(training.id).id, TIMEOUT_SECONDS).status == "finished"
    assert {owner: server.for_owner(owner).drafts.summaries() for owner in files} == files
    if first_owner != second_owner:
        with refused("unknown_run"):
            second.library.view(training.id)
        with refused("unknown_run"):
            first.models.predict(waiting.id, ["fine"])
    server.close()


@pytest.mark.parametrize("inside", [".", "drafts"], ids=["runs", "drafts"])
def test_unfinished_and_half_removed_folders_are_cleared_at_the_next_start(studio: Studio, inside: str) -> None:
    root = studio.settings.runs_dir / inside
    # An old one left by a crash, a new one that another process may be writing, and two that were deleted.
    old, young, removed, just_removed = (root / f"{prefix}{random_id()}" for prefix in (".new-", ".new-", REMOVED_PREFIX, REMOVED_PREFIX))
    for folder in (old, young, removed, just_removed):
        folder.mkdir(parents=True)
        (folder / "draft.json").write_text("{")
    for folder in (old, removed):
        os.utime(folder, (time.time() - 10 * 86_400,) * 2)
    studio.recover()
    assert [folder.exists() for folder in (old, young, removed, just_removed)] == [False, True, False, False]


def test_a_run_killed_during_training_is_interrupted_and_keeps_its_points(
    settings: Settings, tiny_encoder: Encoder, warm_interpreter: WarmInterpreter, tmp_path: Path, reader: FileReader
) -> None:
    path = write_rows(tmp_path / "many.csv", small_rows(2000))
    command = [sys.executable, "-m", "trainer", "train", str(path), "--encoder", tiny_encoder.source]
    command += ["--epochs", "50", "--set", "batch_size=4", "--set", "max_length=32"]
    environment = {**os.environ, "EMOTUNE_RUNS": str(settings.runs_dir)}
    studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    with open(tmp_path / "output", "wb") as output:
        process = warm_interpreter.popen(command, env=environment, cwd=tmp_path, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not (runs := studio.for_owner(ME).library.runs()) or len(runs[0].points) < 3:
            assert process.poll() is None, (tmp_path / "output").read_text()
            assert time.monotonic() < deadline, (tmp_path / "output").read_text()
            time.sleep(0.05)
        # This process sees the run as running.
        assert studio.for_owner(ME).library.runs()[0].status == "running"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    view = studio.for_owner(ME).library.runs()[0]
    assert view.status == "interrupted"
    assert len(view.points) >= 3
    assert [p.step for p in view.points] == [e.step for e in events(studio, view) if e.type == "log"]
    assert view.total_steps > view.last_logged_step
    assert not view.live
    with pytest.raises(UserError, match="was interrupted"):
        studio.for_owner(ME).models.predict(view.id, ["x"])
    # A restarted server leaves it alone and can train another run.
    studio.recover()
    assert wait_for_end(studio, start_run(studio, path)).status == "finished"
    assert studio.for_owner(ME).library.view(view.id).status == "interrupted"
    studio.close()


def test_runs_queued_by_a_dead_process_can_be_trained_or_cancelled(
    settings: Settings, tiny_encoder: Encoder, small_csv: Path, reader: FileReader
) -> None:
    ended_studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    ended_studio._queue.put = lambda run_id: None  # the server ends before it trains
    resumed, stopped = start_run(ended_studio, small_csv), start_run(ended_studio, small_csv, TWO_EPOCHS)
    new_studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    assert new_studio.for_owner(ME).stop(stopped.id).status == "cancelled"
    assert new_studio.for_owner(ME).resume(resumed.id).live
    assert wait_for_end(new_studio, resumed).status == "finished"
    assert new_studio.for_owner(ME).library.view(stopped.id).status == "cancelled"
    new_studio.close()


def test_a_new_server_keeps_the_order_in_which_they_were_queued(
    settings: Settings, tiny_encoder: Encoder, small_csv: Path, reader: FileReader
) -> None:
    first = Studio(settings, encoders=[tiny_encoder], reader=reader)
    old = wait_for_end(first, start_run(first, small_csv))
    first.close()
    idle = Studio(settings, encoders=[tiny_encoder], reader=reader)
    idle._queue.put = lambda run_id: None  # the server ends before it trains
    young = start_run(idle, small_csv, TWO_EPOCHS)
    child = idle.for_owner(ME).resume(old.id, more_epochs=1)
    second = Studio(settings, encoders=[tiny_encoder], reader=reader)
    queued: list[str] = []
    second._queue.put = lambda run_id: queued.append(run_id)
    second.recover()
    assert queued == [young.id, child.id]
