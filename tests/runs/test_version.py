"""The version of a runs folder changes whenever a view changes, and is cheap."""

import builtins
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from trainer.recipe import Recipe
from trainer.runs.event_types import EVENT_TYPES, Created, Queued, Started
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.runs.writer_lock import writer_lock

CALLS = 20
"""Calls until each run was checked."""


def make(store: RunStore, owner: str = "local", *, end: str = "finished") -> Run:
    run = store.create(
        recipe=Recipe(),
        resolved=Recipe(),
        fill=lambda folder: (folder / "source").write_text("text"),
        created=Created(name="brisk otter", owner=owner),
    )
    if end:
        run.log.append(Started(total_steps=1))
        run.log.append(EVENT_TYPES[end]())
    return run


@contextmanager
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Counts system calls by name; those of this thread, as others of the process may still end what earlier tests began."""
    seen: Counter[str] = Counter()
    thread = threading.get_ident()

    def counting_calls(name: str, call: Callable) -> Callable:
        def counts(*args: object, **named: object) -> object:
            if threading.get_ident() == thread:
                seen[name] += 1
            return call(*args, **named)

        return counts

    with monkeypatch.context() as patched:
        for name in ("stat", "lstat", "scandir", "open", "listdir"):
            patched.setattr(os, name, counting_calls(name, getattr(os, name)))
        patched.setattr(builtins, "open", counting_calls("open", open))
        yield seen


def later(store: RunStore) -> str:
    """The version after every run was checked."""
    return [store.version("local") for _ in range(CALLS)][-1]


def test_where_nothing_happens_it_stays_and_costs_a_few_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RunStore(tmp_path)
    for _ in range(60):
        make(store)
    os.utime(tmp_path, (1_000, 1_000))
    store.list("local")
    version = store.version("local")
    monkeypatch.setattr(Run, "read_view", lambda self: pytest.fail("a log was read"))
    for _ in range(2 * CALLS):
        with counting(monkeypatch) as seen:
            assert store.version("local") == version
        # The folder itself, and log and folder of each whose turn it is.
        assert seen == {"stat": 1 + 2 * 60 // CALLS}


def test_the_first_one_knows_every_run(tmp_path: Path) -> None:
    runs = {make(RunStore(tmp_path)).id for _ in range(30)}
    store = RunStore(tmp_path)
    store.version("local")
    assert {view.id for view in store.list("local")} == set(store._read_runs) == runs


@pytest.mark.parametrize(
    "happens",
    [
        lambda store, live, finished: live.log.append(Started(total_steps=3)),
        lambda store, live, finished: live.request_stop(),
        lambda store, live, finished: make(store),
        lambda store, live, finished: make(RunStore(store.root)),
        lambda store, live, finished: store.rename(finished, "calm fox") or store.view(finished),
        lambda store, live, finished: finished.log.append(Queued()) or store.view(finished),
        lambda store, live, finished: finished.path.rename(store.root / ".deleted-x"),
    ],
    ids=["log", "stop", "made", "made by another process", "renamed here", "queued here", "deleted"],
)
def test_what_happens_here_or_to_a_live_run_is_told_at_once(
    tmp_path: Path, happens: Callable[[RunStore, Run, Run], RunView | None]
) -> None:
    store = RunStore(tmp_path)
    live, finished = make(store, end=""), make(store)
    for _ in range(40):
        make(store)
    version = later(store)
    assert later(store) == version
    happens(store, live, finished)
    changed = store.version("local")
    assert changed != version
    assert later(store) == changed


@pytest.mark.parametrize(
    "happens",
    [
        lambda run: RunStore(run.path.parent).rename(run, "calm fox"),
        lambda run: run.log.append(Queued()),
        lambda run: (run.path / "source").unlink(),
        lambda run: (run.path / "recipe.json").unlink(),
        lambda run: run.log.path.write_bytes(run.log.content()[:-9]),
    ],
    ids=["renamed", "queued", "source gone", "recipe gone", "log cut"],
)
def test_what_others_do_to_one_that_is_not_live_is_told_once_it_had_its_turn(tmp_path: Path, happens: Callable[[Run], object]) -> None:
    store = RunStore(tmp_path)
    runs = [make(store) for _ in range(25)]
    version = later(store)
    happens(runs[7])
    assert later(store) != version


def test_a_writer_that_dies_is_told_at_once(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = make(store, end="")
    run.log.append(Started(total_steps=3))
    with writer_lock(run.path):
        assert store.view(run).status == "running"
        version = store.version("local")
    assert store.version("local") != version
    assert store.view(run).status == "interrupted"


def test_looking_closely_changes_it_only_where_something_is_found(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = make(store, end="failed")
    version = later(store)
    assert store.damage(run) == ()
    assert later(store) == version
    (run.path / "source").write_text("TEXT")
    assert store.damage(run)
    version_now = later(store)
    assert version_now != version
    # Else the page would look again for ever.
    assert store.damage(run)
    assert later(store) == version_now


def test_each_owner_has_their_own_and_each_process_too(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    make(store)
    version = later(store)
    make(store, owner="somebody else")
    assert later(store) == version
    assert store.version("somebody else") != version
    other = RunStore(tmp_path)
    assert other.version("local") not in ("", version)
