"""Runs as folders: made whole or not at all, found only by their owner, never by a made-up id."""

from pathlib import Path

import pytest

from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs.checksums import dump, read_json, write_json
from trainer.runs.run import Run, RunStore, is_id


def make(store: RunStore, owner: str = "local") -> Run:
    return store.create(recipe=Recipe(), fill=lambda folder: None, name="brisk otter", owner=owner)


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
        store.create(recipe=Recipe(), fill=fill, name="n", owner="local")
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
    run.log.append("queued")
    assert store.view(run).status == "queued"
    run.log.append("failed", message="no")
    assert store.view(run).status == "failed"


def test_newest_first(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    runs = [make(store) for _ in range(3)]
    for i, run in enumerate(runs):
        run.log.path.write_bytes(b"".join(dump({**event, "time": 1000 + i}) + b"\n" for event in run.log.read()))
    assert [v.id for v in RunStore(tmp_path).list("local")] == [r.id for r in reversed(runs)]


def test_write_json_replaces_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]
