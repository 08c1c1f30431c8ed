"""Unusable files and folders, and trainings that fail."""

import dataclasses
import errno
import os
from pathlib import Path

import pytest

from tests.addresses import TIMEOUT_SECONDS
from tests.workspace.steps import ME, QUICK, Hold, refused, start_run, wait_for_end
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.runs.ids import random_id
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"text\nhello there\nhow are you\nvery well\n", "one_column"),
        (b"text,label\n" + b"".join(b"this is text number %d,same\n" % n for n in range(30)), "one_class"),
    ],
)
def test_an_unusable_file_is_refused_and_leaves_no_run(studio: Studio, content: bytes, code: str) -> None:
    workspace = studio.for_owner(ME)
    with refused(code):
        prepared = workspace.drafts.open_files({"main": ("bad.csv", content)})
        with refused(code):
            workspace.start(prepared.draft.id, QUICK)
        prepared.require_corpus()
    assert workspace.library.runs() == []


def test_a_missing_file_gives_a_message(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing-here"):
        studio.for_owner(ME).drafts.open_files({"main": ("nothing-here.csv", tmp_path / "nothing-here.csv")})


def test_an_unknown_encoder_is_refused(studio: Studio, small_csv: Path) -> None:
    with refused("unknown_encoder"):
        start_run(studio, small_csv, dataclasses.replace(QUICK, encoder="no-such-encoder"))
    assert studio.for_owner(ME).library.runs() == []


def test_a_runs_folder_below_a_file_is_refused_at_once(tmp_path: Path, tiny_encoder: Encoder, small_csv: Path, reader: FileReader) -> None:
    (tmp_path / "file").write_text("not a folder")
    studio = Studio(Settings(runs_dir=tmp_path / "file" / "runs"), encoders=[tiny_encoder], reader=reader)
    for call in (
        lambda: start_run(studio, small_csv),
        lambda: studio.for_owner(ME).drafts.open_sample(),
        lambda: studio.for_owner(ME).start(random_id(), QUICK),
    ):
        with pytest.raises(UserError, match="cannot write") as error:
            call()
        assert error.value.code == "disk_not_writable"
        assert str(tmp_path / "file" / "runs") in error.value.message
    assert studio.for_owner(ME).library.runs() == []


def test_a_disk_that_becomes_unwritable_refuses_start_and_nothing_is_lost(
    tmp_path: Path, tiny_encoder: Encoder, small_csv: Path, reader: FileReader
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "file").write_text("not a folder")
    link = tmp_path / "runs"
    link.symlink_to(tmp_path / "real")
    studio = Studio(Settings(runs_dir=link), encoders=[tiny_encoder], reader=reader)
    draft = studio.for_owner(ME).drafts.open_files({"main": ("moods.csv", small_csv)}).draft.id
    link.unlink()
    link.symlink_to(tmp_path / "file" / "runs")
    with refused("disk_not_writable"):
        studio.for_owner(ME).start(draft, QUICK)
    link.unlink()
    link.symlink_to(tmp_path / "real")
    assert studio.for_owner(ME).library.runs() == []
    assert wait_for_end(studio, studio.for_owner(ME).start(draft, QUICK)).status == "finished"
    studio.close()


# Failures


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "disk is full"),
        (RuntimeError("a bug in us <b>"), "error.log"),
        (UserError("The loss is no longer a number.", code="loss_not_finite"), "no longer a number"),
    ],
)
def test_a_failing_training_says_so_and_the_next_run_trains(
    studio: Studio, small_csv: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    workspace = studio.for_owner(ME)

    def fails(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr("trainer.training.fit.fit", fails)
        view = wait_for_end(studio, start_run(studio, small_csv))
    assert view.status == "failed"
    assert message in view.message
    assert "Traceback" not in view.message
    assert "a bug in us" not in view.message
    log = (workspace.library.folder(view.id) / "error.log").read_text(encoding="utf-8")
    assert "Traceback" in log
    assert type(error).__name__ in log
    for call in (lambda: workspace.models.predict(view.id, ["x"]), lambda: workspace.library.reports(view.id)):
        with pytest.raises(UserError, match=f"{view.name} failed"):
            call()

    assert wait_for_end(studio, start_run(studio, small_csv)).status == "finished"


def test_a_full_disk_at_the_first_heartbeat_does_not_end_the_queue(
    studio: Studio, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = studio.for_owner(ME)

    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("trainer.runs.writer_lock.write_heartbeat", full)
        view = workspace.wait(start_run(studio, small_csv).id, TIMEOUT_SECONDS)
    assert not view.live
    assert workspace.wait(start_run(studio, small_csv, dataclasses.replace(QUICK, seed=2)).id, TIMEOUT_SECONDS).status == "finished"


def test_a_run_whose_folder_was_deleted_while_it_waited_does_not_end_the_queue(studio: Studio, hold: Hold, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    start_run(studio, small_csv)
    hold.wait_until_started()
    second = start_run(studio, small_csv, dataclasses.replace(QUICK, seed=2))
    folder = workspace.library.folder(second.id)
    third = start_run(studio, small_csv, dataclasses.replace(QUICK, seed=3))
    folder.rename(folder.with_name("gone"))
    hold.release()
    assert workspace.wait(third.id, TIMEOUT_SECONDS).status == "finished"
