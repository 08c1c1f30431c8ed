"""Seals tell which files are intact, and whether they are intact themselves."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs.event_types import Cancelled, Created, Finished, Queued, Renamed, Started
from trainer.runs.ids import random_id
from trainer.runs.run import Run
from trainer.runs.run_files import CARD, INPUT_SEAL, MODEL, PREDICTIONS, RESULT_SEAL, ROWS
from trainer.runs.seal import Seal, damaged_files, file_digest, files_in, read_seal, save_seal, write_seal
from trainer.runs.store import RunStore
from trainer.runs.writer_lock import writer_lock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model" / "inner").mkdir(parents=True)
    for name in ("a", "model/weights", "model/inner/more"):
        (tmp_path / name).write_text(f"content of {name}")
    return tmp_path


def finished(store: RunStore) -> Run:
    def fill(folder: Path) -> None:
        (folder / "model").mkdir()
        for name in ("source", "source-test", ROWS, PREDICTIONS, CARD, "model/weights"):
            (folder / name).write_text(f"content of {name}")

    run = store.create(recipe=Recipe(), resolved=Recipe(), fill=fill, created=Created(name="brisk otter", owner="local"))
    run.log.append(Started(total_steps=1))
    run.seal_results_and_log(Finished())
    run.log.append(Finished(seconds=1.0))
    return run


def test_a_seal_is_read_back_and_names_what_differs(folder: Path) -> None:
    write_seal(folder / "seal.json", folder, files_in(folder), step=7)
    seal = read_seal(folder / "seal.json")
    assert (sorted(seal.files), seal.facts) == (["a", "model/inner/more", "model/weights"], {"step": 7})
    assert seal.files["a"] == (12, file_digest(folder / "a"))
    assert damaged_files(folder, seal) == ()
    (folder / "a").write_text("content of A")
    (folder / "model" / "inner" / "more").unlink()
    assert damaged_files(folder, seal) == ("a", "model/inner/more")
    assert damaged_files(folder, seal, digest=None) == ("model/inner/more",)
    assert damaged_files(folder, seal, ["model/weights", "unknown"]) == ("unknown",)


def test_a_seal_of_which_any_byte_is_another_one_is_none(folder: Path) -> None:
    path = folder / "seal.json"
    write_seal(path, folder, files_in(folder))
    content = path.read_bytes()
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert read_seal(path) is None
    path.unlink()
    assert read_seal(path) is None


@pytest.mark.parametrize("files", [3, {"a": 3}, {"a": ["x", "y"]}, {"a": [1, 2, 3]}, None, [["a", 1]]])
def test_a_strange_seal_is_none(tmp_path: Path, files: object) -> None:
    save_seal(tmp_path / "seal.json", Seal(files))  # type: ignore[arg-type]
    assert read_seal(tmp_path / "seal.json") is None


def test_a_finished_run_is_whole_and_each_use_asks_for_its_own_files(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = finished(store)
    assert store.view(run).damage == store.damage(run) == ()
    run.check(ROWS, PREDICTIONS, MODEL, CARD)
    for name, part in ((ROWS, ROWS), (PREDICTIONS, PREDICTIONS), ("model/weights", MODEL), (CARD, CARD)):
        (run.path / name).write_text(f"CONTENT of {name}")
        others = {ROWS, PREDICTIONS, MODEL, CARD} - {part}
        run.check(*others)
        with pytest.raises(UserError, match=name) as refused:
            run.check(part)
        assert refused.value.code == "run_damaged"
        assert "brisk otter" in refused.value.message
        (run.path / name).write_text(f"content of {name}")
    assert store.damage(run) == ()


@pytest.mark.parametrize(
    ("harm", "text"),
    [
        (lambda run: (run.path / RESULT_SEAL).unlink(), "check that the model and the scores"),
        (lambda run: (run.path / INPUT_SEAL).write_text("{}"), "check that the rows"),
        (lambda run: (run.path / "source-test").unlink(), "source-test"),
        (lambda run: (run.path / "model" / "weights").unlink(), "model/weights"),
        (lambda run: (run.path / "recipe.json").write_text("{}"), "recipe.json"),
        (lambda run: run.log.path.unlink(), "events.jsonl"),
        (lambda run: run.log.path.write_bytes(run.log.content()[:-199]), "has lost a part"),
    ],
    ids=["no seal", "strange seal", "source gone", "weights gone", "recipe", "log gone", "log cut"],
)
def test_what_costs_nothing_to_see_is_told_in_the_list(tmp_path: Path, harm: Callable[[Run], object], text: str) -> None:
    store = RunStore(tmp_path)
    run, other = finished(store), finished(store)
    assert not any(view.damage for view in store.list("local"))
    harm(run)
    views = {view.id: view for view in RunStore(tmp_path).list("local")}
    assert text in " ".join(views[run.id].damage)
    assert views[other.id].damage == ()


def swap(one: Run, other: Run, *names: str) -> None:
    for name in names:
        temporary = one.path.parent / "aside"
        (one.path / name).rename(temporary)
        (other.path / name).rename(one.path / name)
        temporary.rename(other.path / name)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("recipe.json",), "recipe.json"),
        ((INPUT_SEAL, ROWS, "source", "source-test"), INPUT_SEAL),
        ((RESULT_SEAL, PREDICTIONS, "model"), RESULT_SEAL),
        ((RESULT_SEAL, PREDICTIONS, "model", "events.jsonl"), RESULT_SEAL),
        (("events.jsonl",), "of another run"),
    ],
    ids=["recipe", "inputs", "results", "results and log", "log"],
)
def test_whole_files_of_another_run_are_told(tmp_path: Path, names: tuple[str, ...], text: str) -> None:
    store = RunStore(tmp_path)
    runs = finished(store), finished(store)
    swap(*runs, *names)
    for run in runs:
        assert text in " ".join(RunStore(tmp_path).damage(run))
        assert RunStore(tmp_path).view(run).damage
    swap(*runs, *names)
    assert not any(RunStore(tmp_path).damage(run) for run in runs)


def test_a_folder_copied_under_another_id_is_told_and_never_queued(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run, waiting = (
        finished(store),
        store.create(recipe=Recipe(), resolved=Recipe(), fill=lambda folder: None, created=Created(name="calm fox", owner="local")),
    )
    for whole in (run, waiting):
        copy = Run(Path(shutil.copytree(whole.path, tmp_path / random_id())))
        view, messages = store.view(copy), " ".join(store.damage(copy))
        assert (view.status, view.live) == ("damaged", False)
        assert all(word in messages for word in ("events.jsonl) is that of another run", "recipe.json", INPUT_SEAL))
        for part in (ROWS, PREDICTIONS, MODEL, CARD):
            with pytest.raises(UserError):
                copy.check(part)
        assert store.damage(whole) == ()


def test_what_keeps_its_size_is_told_where_the_run_is_looked_at_and_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    monkeypatch.setattr("trainer.runs.store.file_digest", lambda path: (read.append(path.name), file_digest(path))[1])
    store = RunStore(tmp_path)
    run = finished(store)
    for _ in range(3):
        assert store.damage(run) == ()
    assert sorted(read) == sorted(["README.md", "data.parquet", "predictions.parquet", "source", "source-test", "weights"])
    weights = run.path / "model" / "weights"
    times = weights.stat()
    weights.write_text("Content of model/weights")
    os.utime(weights, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    assert store.view(run).damage == ()
    assert "model/weights" in store.damage(run)[0]


def test_a_rename_seals_the_log_anew(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = finished(store)
    store.rename(run, "calm fox")
    sealed = read_seal(run.path / RESULT_SEAL).facts["log"]
    assert sealed[0] == run.log.size()
    run.log.path.write_bytes(b"".join(run.log.content().splitlines(keepends=True)[:-1]))
    assert "has lost a part" in store.view(run).damage[0]
    # What is damaged is not sealed as if it were whole.
    store.rename(run, "bold owl")
    assert "has lost a part" in store.view(run).damage[0]
    assert store.view(run).name == "bold owl"


def without(content: bytes, *event_types: str) -> bytes:
    return b"".join(
        line
        for line in content.splitlines(keepends=True)
        if not any(f'"type": "{event_type}"'.encode() in line for event_type in event_types)
    )


def test_a_power_cut_between_the_seal_and_the_end_is_no_damage_and_resume_is_named(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = finished(store)
    run.log.path.write_bytes(without(run.log.content(), "finished"))
    with writer_lock(run.path):
        assert (store.view(run).status, store.view(run).has_model, store.view(run).message) == ("running", False, "")
    for _ in range(2):
        view = RunStore(tmp_path).view(run)
        assert (view.status, view.has_model, RunStore(tmp_path).damage(run)) == ("interrupted", True, ())
        assert "Resume finishes it" in view.message
        # A name changes nothing of that.
        run.log.append(Renamed(name="calm fox"))
    # Put into the queue once more, taken out again, and then its end is told.
    run.log.append(Queued())
    assert (store.view(run).status, store.view(run).has_model, store.view(run).damage) == ("queued", True, ())
    run.log.append(Cancelled())
    assert (store.view(run).status, store.view(run).has_model, store.view(run).damage) == ("interrupted", True, ())
    run.log.append(Queued())
    run.log.append(run.missing_end())
    assert (store.view(run).status, store.damage(run), run.missing_end()) == ("finished", (), None)


def test_a_run_whose_end_was_removed_before_later_lines_keeps_its_model_and_is_told(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = finished(store)
    run.log.append(Queued())
    run.log.append(Cancelled(message="Taken out of the queue."))
    run.log.path.write_bytes(without(run.log.content(), "finished"))
    view = store.view(run)
    assert (view.status, view.has_model) == ("interrupted", True)
    assert "1 line is damaged or out of place" in " ".join(store.damage(run))


def test_a_card_is_whole_at_every_moment_of_its_replacement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RunStore(tmp_path)
    run = finished(store)
    seen: list[tuple[str, ...]] = []

    def watched(call: Callable[..., object]) -> Callable[..., object]:
        def watching(*args: object, **named: object) -> object:
            result = call(*args, **named)
            if not str(args[-1]).endswith("seen"):
                seen.append((*RunStore(tmp_path).damage(run), *RunStore(tmp_path).view(run).damage))
                run.check(MODEL, CARD)
            return result

        return watching

    for name in ("replace", "fsync"):
        monkeypatch.setattr(os, name, watched(getattr(os, name)))
    for text in ("a longer card than before", "short"):
        run.replace_model_card(text)
    assert (run.path / CARD).read_text() == "short"
    assert len(seen) >= 2 * 6
    assert set(seen) == {()}
    # Once it is replaced the old one is no longer good.
    (run.path / CARD).write_text("a longer card than before")
    assert CARD in store.damage(run)[0]


def test_a_card_replaced_halfway_by_a_crash_is_whole_and_can_be_replaced_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RunStore(tmp_path)
    for crash in (1, 2, 3):
        run, calls = finished(store), 0
        replace_file = os.replace

        def crashing(source: object, target: object, crash: int = crash, replace_file: Callable[..., object] = replace_file) -> None:
            nonlocal calls
            calls += 1
            if calls == crash:
                raise KeyboardInterrupt
            replace_file(source, target)

        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", crashing)
            with pytest.raises(KeyboardInterrupt):
                run.replace_model_card("another card")
        assert store.damage(run) == ()
        run.replace_model_card("a third card")
        assert ((run.path / CARD).read_text(), store.damage(run)) == ("a third card", ())


def test_a_reader_whose_seal_was_replaced_meanwhile_looks_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished(RunStore(tmp_path))
    read: list[Path] = []

    def replaced_while_read(path: Path) -> Seal | None:
        seal = read_seal(path)
        if path.name == RESULT_SEAL and len(read) < 3:
            read.append(path)
            with monkeypatch.context() as patched:
                patched.setattr("trainer.runs.integrity.read_seal", read_seal)
                run.replace_model_card(f"card {'x' * len(read)}")
        return seal

    monkeypatch.setattr("trainer.runs.integrity.read_seal", replaced_while_read)
    run.check(CARD)
    assert len(read) == 3


@pytest.mark.parametrize("name", ["evil.txt", "adapter_config.json", "inner/head.json"])
def test_a_file_added_to_the_model_is_told_and_not_handed_out(tmp_path: Path, name: str) -> None:
    store = RunStore(tmp_path)
    run = finished(store)
    for left in (".DS_Store", "Thumbs.db"):
        (run.model / left).write_text("left by a file manager")
    assert store.damage(run) == ()
    run.check(MODEL)
    (run.model / name).parent.mkdir(exist_ok=True)
    (run.model / name).write_text("{}")
    assert f"model/{name}" in store.damage(run)[0]
    assert f"model/{name}" in RunStore(tmp_path).view(run).damage[0]
    run.check(PREDICTIONS, CARD)
    with pytest.raises(UserError, match=name):
        run.check(MODEL)
    assert [file.name for file in run.model_files()] == ["README.md", "weights"]


@pytest.mark.parametrize("name", ["../outside", "model/../../outside", "/etc/passwd", "..\\outside", "C:\\outside"])
def test_a_seal_that_names_files_outside_its_folder_is_none(tmp_path: Path, name: str) -> None:
    save_seal(tmp_path / "seal", Seal({name: (0, "")}))
    assert read_seal(tmp_path / "seal") is None


@pytest.mark.skipif(os.name != "posix", reason="needs links and pipes")
def test_a_link_or_a_pipe_in_the_place_of_a_sealed_file_is_damage_and_is_not_opened(tmp_path: Path) -> None:
    outside, empty = tmp_path / "outside", hashlib.sha256(b"").hexdigest()
    outside.touch()
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    os.mkfifo(folder / "pipe")
    seal = Seal({"link": (0, empty), "pipe": (0, empty)})
    assert damaged_files(folder, seal) == ("link", "pipe")
