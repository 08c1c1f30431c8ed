"""A folder is listed while others remove it: nothing is there then, which is no failure."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from trainer.drafts.copies import source_digests
from trainer.drafts.history import DraftHistory
from trainer.drafts.store import DraftStore
from trainer.runs.checkpoints import Checkpoints
from trainer.runs.evaluations import Evaluations
from trainer.runs.run import Run
from trainer.runs.run_files import list_folder
from trainer.runs.seal import files_in


@pytest.fixture
def removed_before_listing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Has a folder removed in the moment in which it is listed for the next time."""

    def prepare(folder: Path) -> None:
        scandir = os.scandir

        def remove_first(path: os.PathLike | str = ".") -> object:
            if Path(path) == folder and folder.is_dir():
                monkeypatch.setattr(os, "scandir", scandir)
                shutil.rmtree(folder)
            return scandir(path)

        monkeypatch.setattr(os, "scandir", remove_first)

    return prepare


def test_names_with_the_prefix_come_in_order(tmp_path: Path) -> None:
    for name in ("source-test", "source", "draft.json", ".part"):
        (tmp_path / name).touch()
    assert list_folder(tmp_path, "source") == [tmp_path / "source", tmp_path / "source-test"]
    assert len(list_folder(tmp_path)) == 4


def test_no_folder_and_no_longer_a_folder_hold_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert list_folder(tmp_path / "missing") == list_folder(tmp_path / "file") == []


def test_what_cannot_be_read_is_not_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(OSError, match="Too many open files"):
        list_folder(tmp_path)


@pytest.mark.parametrize(
    "read",
    [
        lambda folder: list_folder(folder),
        lambda folder: source_digests(folder),
        lambda folder: list(files_in(folder)),
        lambda folder: Checkpoints(folder, run_id="a" * 32).remove_after(None),
        lambda folder: Evaluations(Run(folder.parent)).list(),
    ],
)
def test_a_folder_that_is_removed_while_it_is_listed_holds_nothing(
    tmp_path: Path, removed_before_listing: Callable[[Path], None], read: Callable[[Path], object]
) -> None:
    folder = tmp_path / "evaluations"
    folder.mkdir()
    (folder / "source").touch()
    removed_before_listing(folder)
    assert not read(folder)
    assert not folder.exists()


def test_two_requests_remove_the_oldest_drafts_at_once(tmp_path: Path, removed_before_listing: Callable[[Path], None]) -> None:
    store = DraftStore(tmp_path / "drafts")
    drafts = [store.create("local", {"main": ("a.csv", b"x")}) for _ in range(3)]
    for number, draft in enumerate(drafts):
        os.utime(tmp_path / "drafts" / draft.id / "draft.json", (1000 + number, 1000 + number))
    removed_before_listing(tmp_path / "drafts" / drafts[0].id)
    store.prune("local", keep=1)
    assert [draft.id for draft in store.iter_drafts("local")] == [drafts[2].id]


def test_a_draft_that_is_removed_while_all_are_closed_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DraftStore(tmp_path / "drafts")
    drafts = [store.create("local", {"main": ("a.csv", b"x")}) for _ in range(2)]
    monkeypatch.setattr(store, "iter_drafts", lambda owner: iter(drafts))
    store.remove(drafts[0])
    history = DraftHistory(store)
    history.close("local")
    monkeypatch.undo()
    assert history.latest("local") is None


def test_a_draft_whose_decisions_cannot_be_looked_for_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DraftStore(tmp_path / "drafts")
    draft = store.create("local", {"main": ("a.csv", b"x")})
    scandir = os.scandir

    def refuse(path: os.PathLike | str = ".") -> object:
        if Path(path) == tmp_path / "drafts" / draft.id:
            raise OSError(24, "Too many open files")
        return scandir(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refuse)
        store.prune("local", keep=0)
    assert store.get(draft.id, "local") == draft
