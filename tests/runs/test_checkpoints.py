"""Checkpoints are complete or do not count, whatever happened to them."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.runs.checkpoints import Checkpoints, link_files

Fill = Callable[[Path], None]
RUN = "5eed" * 8


def holding(text: str = "weights") -> Fill:
    def fill(folder: Path) -> None:
        (folder / "inner").mkdir()
        (folder / "model").write_text(text)
        (folder / "inner" / "more").write_text("more")

    return fill


@pytest.fixture
def kept(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints", RUN)


def names(kept: Checkpoints) -> list[str]:
    return sorted(p.name for p in kept.folder.iterdir())


def test_there_is_none_before_the_first(kept: Checkpoints) -> None:
    assert kept.newest() is None
    assert kept.best(3) is None
    kept.remove_after(None)


def test_the_newest_goes_by_its_step_and_never_by_time(kept: Checkpoints) -> None:
    for step in (9, 100, 12):
        kept.write("state", step, holding())
    for at, name in enumerate(("state-00000100", "state-00000012")):
        os.utime(kept.folder / name, (at, at))
    assert kept.newest().step == 100


@pytest.mark.parametrize("name", ["model", "inner/more", "COMPLETE.json"])
@pytest.mark.parametrize("harm", ["removed", "emptied", "cut", "flipped"])
def test_a_damaged_one_does_not_count(kept: Checkpoints, name: str, harm: str) -> None:
    kept.write("state", 1, holding())
    file = kept.write("state", 2, holding()).path / name
    content = bytearray(file.read_bytes())
    content[0] ^= 1
    harms = {"removed": file.unlink, "emptied": lambda: file.write_bytes(b"")}
    harms |= {"cut": lambda: file.write_bytes(file.read_bytes()[:-1]), "flipped": lambda: file.write_bytes(content)}
    harms[harm]()
    assert kept.newest().step == 1


def test_damaged_states_after_the_newest_whole_one_are_named(kept: Checkpoints) -> None:
    assert kept.newest_and_damaged() == (None, ())
    kept.write("state", 1, holding())
    kept.write("best", 2, holding())
    kept.write("state", 2, holding(), best=2)
    assert (kept.newest_and_damaged()[0].step, kept.newest_and_damaged()[1]) == (2, ())
    (kept.folder / "best-00000002" / "model").write_text("other")
    assert (kept.newest_and_damaged()[0].step, kept.newest_and_damaged()[1]) == (1, (2,))
    (kept.folder / "state-00000001" / "COMPLETE.json").write_text("[" * 100_000)
    assert kept.newest_and_damaged() == (None, (2, 1))


def test_one_of_another_run_does_not_count(kept: Checkpoints) -> None:
    kept.write("best", 2, holding())
    kept.write("state", 2, holding(), best=2)
    other = Checkpoints(kept.folder, "0" * 32)
    assert other.newest_and_damaged() == (None, (2,))
    assert (other.best(2), kept.best(2).step) == (None, 2)


def test_one_without_its_best_weights_does_not_count(kept: Checkpoints) -> None:
    kept.write("best", 1, holding())
    kept.write("state", 1, holding(), best=1)
    kept.write("best", 2, holding(), needed=[1])
    kept.write("state", 2, holding(), best=2)
    assert kept.newest().best == 2
    (kept.folder / "best-00000002" / "model").write_text("other")
    assert (kept.newest().step, kept.newest().best) == (1, 1)


def test_one_that_fails_while_it_is_written_leaves_those_before(kept: Checkpoints) -> None:
    kept.write("state", 1, holding())

    def full(folder: Path) -> None:
        (folder / "model").write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="full"):
        kept.write("state", 2, full)
    assert kept.newest().step == 1
    kept.remove_after(kept.newest())
    assert names(kept) == ["state-00000001"]


def test_what_is_too_old_goes_and_what_is_named_stays(kept: Checkpoints) -> None:
    kept.write("best", 1, holding())
    for step in (1, 2, 3):
        kept.write("state", step, holding(), best=1)
    assert names(kept) == ["best-00000001", "state-00000002", "state-00000003"]
    kept.write("best", 4, holding(), needed=[1])
    kept.write("state", 4, holding(), best=4)
    assert names(kept) == ["best-00000001", "best-00000004", "state-00000003", "state-00000004"]
    kept.write("state", 5, holding(), best=4)
    assert names(kept) == ["best-00000004", "state-00000004", "state-00000005"]
    kept.keep_only(kept.newest())
    assert names(kept) == ["best-00000004", "state-00000005"]


def test_going_on_from_a_step_forgets_what_came_after(kept: Checkpoints) -> None:
    kept.write("best", 1, holding())
    kept.write("state", 2, holding(), best=1)
    kept.write("best", 3, holding(), needed=[1])
    (kept.folder / ".state-00000004").mkdir()
    kept.remove_after(kept.newest())
    assert names(kept) == ["best-00000001", "state-00000002"]
    kept.remove_after(None)
    assert names(kept) == []


def test_linked_files_are_the_files_without_the_mark(kept: Checkpoints, tmp_path: Path) -> None:
    path = kept.write("best", 1, holding("w")).path
    link_files(path, tmp_path / "model")
    assert sorted(str(p.relative_to(tmp_path / "model")) for p in (tmp_path / "model").rglob("*") if p.is_file()) == ["inner/more", "model"]
    kept.remove_after(None)
    assert (tmp_path / "model" / "model").read_text() == "w"


@pytest.mark.parametrize(
    "mark", ["", "[]", "{}", '{"files": {}}', '{"files": 3}', '{"files": {"model": 7}}', '{"files": {"../x": [1, "y"]}}']
)
def test_a_strange_mark_is_no_mark(kept: Checkpoints, mark: str) -> None:
    (kept.write("state", 1, holding()).path / "COMPLETE.json").write_text(mark)
    assert kept.newest() is None


@settings(deadline=None, max_examples=30)  # each waits for the disk
@given(st.dictionaries(st.integers(0, 99_999_999), st.booleans(), max_size=6))
def test_the_newest_is_the_highest_complete_step(tmp_path_factory: pytest.TempPathFactory, steps: dict[int, bool]) -> None:
    kept = Checkpoints(tmp_path_factory.mktemp("kept"), RUN)
    for step, whole in steps.items():
        folder = kept.folder / f"state-{step:08d}"
        made = Checkpoints(kept.folder / "aside", RUN).write("state", step, holding())
        made.path.rename(folder)
        if not whole:
            mark = json.loads((folder / "COMPLETE.json").read_text())
            mark["files"]["model"][0] += 1
            (folder / "COMPLETE.json").write_text(json.dumps(mark))
    complete = [step for step, whole in steps.items() if whole]
    newest = kept.newest()
    assert (newest.step if newest else None) == max(complete, default=None)


def test_what_was_written_or_read_is_read_again_only_where_it_has_changed(kept: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda file, kind: (read.append(Path(file.name).name), digest(file, kind))[1])
    kept.write("best", 1, holding())
    kept.write("state", 1, holding(), best=1)
    read.clear()
    assert kept.newest().step == 1
    assert kept.newest_and_damaged(digest=None)[0].step == 1
    assert read == []
    other = Checkpoints(kept.folder, RUN)
    assert other.newest_and_damaged(digest=None)[0].step == 1
    assert read == []
    for _ in range(2):
        assert other.newest().step == 1
    assert sorted(read) == ["model", "model", "more", "more"]
    # Sizes cannot tell; reading does.
    (kept.folder / "state-00000001" / "model").write_text("WEIGHTS")
    # The clock of a file system may tick only every few milliseconds.
    os.utime(kept.folder / "state-00000001" / "model", (1, 1))
    for checkpoints in (kept, other):
        assert checkpoints.newest() is None
        assert checkpoints.newest_and_damaged(digest=None)[0].step == 1
