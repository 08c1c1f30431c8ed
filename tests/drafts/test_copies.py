"""Deleted for good: with a run or a draft go the copies of its file, also after a crash; what stays is told before."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from trainer.data.reader.file_reader import FileReader
from trainer.drafts.copies import file_digests, has_digest, remove_copies
from trainer.jobs.queue import JobQueue
from trainer.recipe import Recipe
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder
from trainer.ui import runs_confirmations

ME, OTHER = "local", "somebody else"
RECIPE = Recipe(encoder="tiny-bert", epochs=1, batch_size=16, learning_rate=5e-3, max_length=32)


@pytest.fixture
def idle(settings: Settings, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch, reader: FileReader) -> Studio:
    """A studio whose runs wait for ever."""
    monkeypatch.setattr(JobQueue, "put", lambda self, item: None)
    return Studio(settings, encoders=[tiny_encoder], reader=reader)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "secret.csv", small_rows(90, seed=5))


@pytest.fixture
def harmless(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "harmless.csv", small_rows(90, seed=6))


def opened(studio: Studio, path: Path, owner: str = ME) -> str:
    """Opened on the page, which keeps the upload."""
    folder = studio.settings.uploads_dir / f"upload{len(list(studio.settings.uploads_dir.glob('*')))}"
    folder.mkdir(parents=True)
    (folder / path.name).write_bytes(path.read_bytes())
    return studio.for_owner(owner).drafts.open_files({"main": (path.name, folder / path.name)}).draft.id


def begun(studio: Studio, draft: str, **changes: object) -> str:
    """A run that is over before it began."""
    workspace = studio.for_owner(ME)
    return workspace.stop(workspace.start(draft, replace(RECIPE, **changes)).id).id


def copies_in(studio: Studio, path: Path) -> set[str]:
    """Where the runs folder has_digest this content: names of the folders that its files are in."""
    content = path.read_bytes()
    root = studio.settings.runs_dir
    files = [file for file in root.rglob("*") if file.is_file() and file.read_bytes() == content]
    return {file.relative_to(root).parts[0] for file in files}


def deletion(studio: Studio, *runs: str) -> str:
    return runs_confirmations.build_question(studio, "delete", " ".join(runs)).details


def test_with_a_run_go_all_copies_of_its_file(idle: Studio, secret: Path, harmless: Path) -> None:
    workspace = idle.for_owner(ME)
    run = begun(idle, opened(idle, secret))
    opened(idle, secret)
    kept = opened(idle, harmless)
    assert copies_in(idle, secret) == {run, "drafts", "uploads"}
    assert "2 files opened before with the same content are deleted too." in deletion(idle, run)
    workspace.delete(run)
    assert copies_in(idle, secret) == set()
    assert copies_in(idle, harmless) == {"drafts", "uploads"}
    assert [draft.id for draft in workspace.drafts.summaries()] == [kept]
    assert list(idle.settings.runs_dir.glob("**/.deleted-*")) == []


def test_what_is_open_stays_and_is_told(idle: Studio, secret: Path) -> None:
    workspace = idle.for_owner(ME)
    draft = opened(idle, secret)
    run = begun(idle, draft)
    sentence = deletion(idle, run)
    assert "secret.csv is open on the Data tab and stays there until you remove it." in sentence
    assert "opened before" not in sentence
    workspace.delete(run)
    assert copies_in(idle, secret) == {"drafts"}
    assert workspace.drafts.get(draft).corpus is not None
    workspace.drafts.remove(draft)
    assert copies_in(idle, secret) == set()


def test_another_run_of_the_same_file_keeps_its_copy_and_its_draft_and_is_told(idle: Studio, secret: Path, harmless: Path) -> None:
    workspace = idle.for_owner(ME)
    first, second = opened(idle, secret), opened(idle, secret)
    gone, stays = begun(idle, first), begun(idle, second, seed=7)
    opened(idle, harmless)
    sentence = deletion(idle, gone)
    assert "1 file opened before with the same content is deleted too." in sentence
    assert "was trained on the same file and keeps a copy of its data." in sentence
    workspace.delete(gone)
    assert copies_in(idle, secret) == {stays, "drafts"}
    assert first not in {draft.id for draft in workspace.drafts.summaries()}
    assert second in {draft.id for draft in workspace.drafts.summaries()}
    # With the last of them everything goes; both at once are asked about as one.
    assert "trained on the same file" not in deletion(idle, stays)
    workspace.delete(stays)
    assert copies_in(idle, secret) == set()


def test_a_draft_takes_the_uploads_with_it_and_leaves_the_run(idle: Studio, secret: Path) -> None:
    draft = opened(idle, secret)
    run = begun(idle, draft)
    idle.for_owner(ME).drafts.remove(draft)
    assert copies_in(idle, secret) == {run}


def test_nothing_of_another_owner_goes(idle: Studio, secret: Path) -> None:
    workspace = idle.for_owner(ME)
    theirs = opened(idle, secret, OTHER)
    idle.for_owner(OTHER).drafts.close()
    run = begun(idle, opened(idle, secret))
    workspace.drafts.close()
    workspace.delete(run)
    assert [draft.id for draft in idle.for_owner(OTHER).drafts.summaries()] == [theirs]
    assert workspace.drafts.summaries() == ()


_KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from trainer.settings import Settings
import trainer.storage
from trainer.studio import Studio

what, place, runs, name = sys.argv[1:]
setattr(shutil if place == "rmtree" else trainer.storage, place, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
workspace = Studio(Settings(runs_dir=Path(runs))).for_owner("local")
workspace.delete(name) if what == "run" else workspace.drafts.remove(name)
"""


@pytest.mark.parametrize(("what", "place"), [("run", "find_copies"), ("run", "remove_copies"), ("run", "rmtree"), ("draft", "rmtree")])
def test_after_a_crash_in_the_deletion_the_next_start_ends_it(
    idle: Studio, tiny_encoder: Encoder, secret: Path, harmless: Path, what: str, place: str
) -> None:
    draft = opened(idle, secret)
    run = begun(idle, draft)
    left = opened(idle, harmless)
    command = [sys.executable, "-c", _KILLED, what, place, str(idle.settings.runs_dir), run if what == "run" else draft]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    again = Studio(idle.settings, encoders=[tiny_encoder], reader=idle.reader)
    assert copies_in(again, secret)
    assert list(again.settings.runs_dir.glob("**/.deleted-*"))
    assert (run if what == "run" else draft) not in {
        one.id for one in (*again.for_owner(ME).library.runs(), *again.for_owner(ME).drafts.summaries())
    }
    again.recover()
    assert copies_in(again, secret) == (set() if what == "run" else {run})
    assert list(again.settings.runs_dir.glob("**/.deleted-*")) == []
    assert [one.id for one in again.for_owner(ME).drafts.summaries()] == [left]


def test_a_start_clears_the_uploads_of_the_server_before_and_no_other(
    idle: Studio, tiny_encoder: Encoder, secret: Path, harmless: Path
) -> None:
    draft = opened(idle, secret)
    old = next(idle.settings.uploads_dir.rglob("secret.csv"))
    os.utime(old, (1000, 1000))
    server = Studio(idle.settings, encoders=[tiny_encoder], reader=idle.reader)
    opened(server, harmless)
    server.recover()
    assert [file.name for file in server.settings.uploads_dir.rglob("*.csv")] == ["harmless.csv"]
    assert server.for_owner(ME).drafts.get(draft).corpus is not None


def test_a_start_clears_what_a_crash_left_of_drafts_being_made_and_no_living_one(idle: Studio, secret: Path) -> None:
    whole, halves = opened(idle, secret), [idle._services.drafts.store.root / f".new-{letter * 32}" for letter in "ab"]
    unused_file = idle._services.drafts.store.root / whole / "source-test-0123"
    for file in (*(folder / "source" for folder in halves), unused_file):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"text,mood")
    for old in (halves[0], unused_file):
        os.utime(old, (1000, 1000))
    idle.recover()
    # The young one may be another process's, still being filled.
    assert [folder.exists() for folder in halves] == [False, True]
    assert not unused_file.exists()
    assert idle.for_owner(ME).drafts.get(whole).corpus is not None


def test_copies_are_told_by_their_content_alone(tmp_path: Path) -> None:
    for name, content in (("a/x.csv", b"1234"), ("b/y.csv", b"1235"), ("b/z.csv", b"1234"), ("c/x.csv", b"12345")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    wanted = file_digests([tmp_path / "a" / "x.csv", tmp_path / "missing"])
    assert len(wanted) == 1
    assert [has_digest(tmp_path / name, wanted) for name in ("b/z.csv", "b/y.csv", "c/x.csv", "missing")] == [True, False, False, False]
    remove_copies(tmp_path, wanted)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["b", "b/y.csv", "c", "c/x.csv"]
    remove_copies(tmp_path / "missing", wanted)
    remove_copies(tmp_path, frozenset())
