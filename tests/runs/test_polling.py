"""The folder is only listed again if it has changed; each of many runs has its turn."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.runs.polling import FolderListing, RoundRobin


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Records each listing of a folder."""
    seen: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (seen.append(str(path)), scandir(path))[1])
    return seen


def settle(folder: Path, at: int) -> None:
    """Make the last change look old."""
    os.utime(folder, (at, at))


def test_a_folder_is_listed_again_only_where_something_came_or_went(tmp_path: Path, listed: list[str]) -> None:
    listing = FolderListing(tmp_path, str.isalpha)
    for name in ("a", "b", "7"):
        (tmp_path / name).mkdir()
    (tmp_path / "c").write_text("a file")
    settle(tmp_path, 1_000)
    assert [listing.names() for _ in range(5)] == [{"a", "b"}] * 5
    assert len(listed) == 1
    (tmp_path / "a").rmdir()
    (tmp_path / "d").mkdir()
    settle(tmp_path, 2_000)
    assert [listing.names() for _ in range(5)] == [{"b", "d"}] * 5
    assert len(listed) == 2


def test_one_that_changed_just_now_is_listed_each_time(tmp_path: Path, listed: list[str]) -> None:
    listing = FolderListing(tmp_path, str.isalpha)
    # A clock that is ahead of ours, as that of a file server may be.
    for number, name in enumerate("abc", start=1):
        (tmp_path / name).mkdir()
        settle(tmp_path, 2**33)
        assert len(listing.names()) == number
    assert len(listed) == 3


def test_a_missing_folder_has_none_until_it_is_there(tmp_path: Path) -> None:
    listing = FolderListing(tmp_path / "runs", str.isalpha)
    assert listing.names() == frozenset()
    (tmp_path / "runs" / "a").mkdir(parents=True)
    assert listing.names() == {"a"}


@given(st.sets(st.text("abc", min_size=1, max_size=4), max_size=30), st.integers(1, 8))
def test_each_has_its_turn_within_so_many_calls(names: set[str], turns: int) -> None:
    round_robin = RoundRobin(turns)
    for _ in range(3):
        chosen = [round_robin.next(names) for _ in range(turns)]
        assert {name for few in chosen for name in few} == names
        assert max(map(len, chosen)) <= -(-len(names) // turns)
    assert round_robin.next([]) == [] or names
