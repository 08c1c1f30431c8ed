"""Run folders are created completely or not at all, and found only by their owner, never by an invalid id."""

import os
import shutil
from pathlib import Path

import pytest

from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.recipe_file import load_recipe
from trainer.runs.checksums import dump, read_json_with_checksum, write_json_with_checksum
from trainer.runs.event_schema import dump_event
from trainer.runs.event_types import Created, Failed, Queued, Started
from trainer.runs.ids import is_id, random_id
from trainer.runs.run import Run
from trainer.runs.store import RunStore


def make(store: RunStore, owner: str = "local") -> Run:
    return store.create(recipe=Recipe(), resolved=Recipe(), fill=lambda folder: None, created=Created(name="brisk otter", owner=owner))


def test_a_run_is_made_whole(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = make(store)
    assert is_id(run.id)
    assert run.recipe() == Recipe()
    assert store.view(run).name == "brisk otter"
    assert [v.id for v in store.list("local")] == [run.id]


def test_a_failure_while_making_it_leaves_nothing(tmp_path: Path) -> None:
    def fill(folder: Path) -> None:
        (folder / "source").write_text("x")
        raise OSError("disk full")

    store = RunStore(tmp_path)
    with pytest.raises(OSError, match="disk full"):
        store.create(recipe=Recipe(), resolved=Recipe(), fill=fill, created=Created(name="n", owner="local"))
    assert list(tmp_path.iterdir()) == []
    assert store.list("local") == []


@pytest.mark.parametrize("guess", ["", "..", "../x", "a" * 32 + "/..", "A" * 32, "g" * 32, None, 7, "0" * 31, "5eed" * 8])
def test_unknown_and_made_up_ids_get_one_answer(tmp_path: Path, guess: object) -> None:
    store = RunStore(tmp_path)
    foreign = make(store, owner="somebody else")
    answers = set()
    for wanted in (guess, foreign.id):
        with pytest.raises(UserError) as refused:
            store.get(wanted, "local")
        answers.add((refused.value.code, refused.value.message))
    assert len(answers) == 1


def test_views_follow_the_log(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = make(store)
    run.log.append(Queued())
    assert store.view(run).status == "queued"
    run.log.append(Failed(message="no"))
    assert store.view(run).status == "failed"


def test_newest_first(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    runs = [make(store) for _ in range(3)]
    for i, run in enumerate(runs):
        run.log.path.write_bytes(b"".join(dump({**dump_event(event), "time": 1000 + i}) + b"\n" for event in run.log.read()))
    assert [v.id for v in RunStore(tmp_path).list("local")] == [r.id for r in reversed(runs)]


def test_write_json_replaces_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json_with_checksum(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json_with_checksum(path, {"a": float("nan")})
    assert read_json_with_checksum(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_known_of_deleted_runs_is_let_go(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    runs = [make(store) for _ in range(5)]
    store.list("local")
    for run in runs[1:]:
        shutil.rmtree(run.path)
    assert [view.id for view in store.list("local")] == [runs[0].id]
    assert set(store._read_runs) == {runs[0].id}


def test_folders_that_are_hardly_runs_are_listed_and_take_nothing_down(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    whole = make(store)
    empty, unreadable = (tmp_path / random_id() for _ in range(2))
    empty.mkdir()
    (unreadable / "events.jsonl").mkdir(parents=True)
    (unreadable / "recipe.json").mkdir()
    (tmp_path / random_id()).write_text("a file")
    views = {view.id: view for view in store.list("local")}
    assert set(views) == {whole.id, empty.name, unreadable.name}
    assert views[whole.id].damage == ()
    for folder in (empty, unreadable):
        view = views[folder.name]
        assert (view.status, view.live, view.has_model) == ("damaged", False, False)
        assert view.created == pytest.approx(folder.stat().st_mtime)
        assert "events.jsonl" in view.damage[0]
        assert store.damage(store.get(folder.name, "local"))


def test_a_recipe_says_whether_it_is_whole_and_can_still_be_handed_in(tmp_path: Path) -> None:
    asked, resolved = Recipe(seed=7), Recipe(seed=7, epochs=7, batch_size=8, learning_rate=1e-4)
    run = RunStore(tmp_path).create(
        recipe=asked, resolved=resolved, fill=lambda folder: None, created=Created(name="brisk otter", owner="local")
    )
    assert run.resolved_recipe() == resolved
    path = run.path / "recipe.json"
    assert run.recipe() == load_recipe(path) == asked
    path.write_bytes(path.read_bytes().replace(b"7,", b"8,"))
    with pytest.raises(UserError, match="The settings of brisk otter") as refused:
        run.recipe()
    assert refused.value.code == "run_damaged"


def test_a_heartbeat_of_another_byte_is_nobodys(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = make(store)
    run.log.append(Started(total_steps=3))
    (run.path / "lock").touch()
    (run.path / "heartbeat").write_bytes(b"\xff\xfe")
    os.utime(run.path / "heartbeat", (1, 1))
    assert store.view(run).status == "interrupted"
