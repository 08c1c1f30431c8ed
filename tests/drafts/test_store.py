"""Drafts: a file being prepared survives, unchanged, and belongs to one owner."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from trainer.drafts.history import DraftHistory
from trainer.drafts.store import DraftStore
from trainer.errors import UserError


def test_a_draft_keeps_the_file_byte_for_byte_and_the_choices(tmp_path: Path) -> None:
    store = DraftStore(tmp_path / "drafts")
    draft = store.create(
        "local", {"main": ("a.csv", b"\xff\x00a,b\r\n"), "test": ("t.csv", b"x")}, text_columns=("0",), repair_codes=("html_in_texts",)
    )
    assert store.path(draft, draft.main).read_bytes() == b"\xff\x00a,b\r\n"
    changed = replace(
        draft,
        main=replace(draft.main, text_columns=("b", 1), label_column=0),
        class_names={"0": "joy"},
        dismissed=("several_labels",),
        form={"epochs": 3},
    )
    store.save(changed)
    assert changed.version != draft.version
    assert replace(changed, form={}).version == changed.version
    again = DraftStore(tmp_path / "drafts").get(draft.id, "local")
    assert again == changed
    assert (again.main.text_columns, again.main.label_column, again.class_names, again.repairs) == (
        ("b", 1),
        0,
        {"0": "joy"},
        ("html_in_texts",),
    )
    assert again.test is not None
    assert DraftHistory(store).latest("local") == again
    run = tmp_path / "run"
    run.mkdir()
    store.copy_to_run(again, run)
    assert (run / "source").read_bytes() == b"\xff\x00a,b\r\n"
    assert (run / "source-test").read_bytes() == b"x"
    store.remove(again)
    assert DraftHistory(store).latest("local") is None
    assert (run / "source").exists()


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\a\\b.csv", "a\nb\x00.csv", "", "x" * 400])
def test_names_are_for_reading_only(tmp_path: Path, name: str) -> None:
    draft = DraftStore(tmp_path / "drafts").create("local", {"main": (name, b"x")})
    assert draft.main.file == "source"
    assert "/" not in draft.main.name
    assert "\\" not in draft.main.name
    assert draft.main.name.isprintable()
    assert 0 < len(draft.main.name) <= 120


def test_foreign_and_unknown_drafts_are_refused(tmp_path: Path) -> None:
    store = DraftStore(tmp_path / "drafts")
    draft = store.create("somebody", {"main": ("a.csv", b"x")})
    for wanted in (draft.id, "f" * 32, "../x", None):
        with pytest.raises(UserError, match="no longer here"):
            store.get(wanted, "local")
    assert DraftHistory(store).latest("local") is None


@pytest.mark.parametrize("harm", [b"", b"[" * 100_000, b"[]", b'{"owner": "local"}', None])
def test_a_damaged_draft_is_no_longer_here_and_hides_no_other(tmp_path: Path, harm: bytes | None) -> None:
    store = DraftStore(tmp_path / "drafts")
    whole, broken = (store.create("local", {"main": ("a.csv", b"x")}) for _ in range(2))
    file = tmp_path / "drafts" / broken.id / "draft.json"
    file.write_bytes(file.read_bytes().replace(b"a.csv", b"b.csv") if harm is None else harm)
    with pytest.raises(UserError, match="no longer here"):
        store.get(broken.id, "local")
    assert DraftHistory(store).latest("local") == whole
    store.prune("local", keep=20)


def test_text_that_cannot_be_written_is_cleaned(tmp_path: Path) -> None:
    draft = DraftStore(tmp_path / "drafts").create(
        "local", {"main": ("a \ud800.csv", b"x")}, text_columns=("\ud800",), label_column="\udfff"
    )
    again = DraftStore(tmp_path / "drafts").get(draft.id, "local")
    assert (again.main.text_columns, again.main.label_column) == (("?",), "?")


def test_only_the_newest_drafts_are_kept(tmp_path: Path) -> None:
    store = DraftStore(tmp_path / "drafts")
    for number in range(8):
        last = store.create("local", {"main": ("a.csv", b"x")})
        # The clock of a file system may tick only every few milliseconds.
        os.utime(tmp_path / "drafts" / last.id / "draft.json", (1000 + number, 1000 + number))
    other = store.create("somebody", {"main": ("a.csv", b"x")})
    store.prune("local", keep=3)
    assert len(list((tmp_path / "drafts").iterdir())) == 4
    assert store.get(last.id, "local") == last
    assert store.get(other.id, "somebody") == other


def test_a_file_that_cannot_be_written_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    store = DraftStore(tmp_path / "drafts")
    with pytest.raises(OSError, match="No space left"):
        store.create("local", {"main": ("a.csv", b"x")})
    assert list((tmp_path / "drafts").iterdir()) == []


def test_a_draft_is_made_again_of_what_a_run_keeps(tmp_path: Path) -> None:
    store, run = DraftStore(tmp_path / "drafts"), tmp_path / "run"
    run.mkdir()
    draft = store.create(
        "local", {"main": ("a.csv", b"x"), "validation": ("v.csv", b"v")}, text_columns=("0",), repair_codes=("html_in_texts",)
    )
    draft = replace(draft, class_names={"0": "joy"}, form={"epochs": 3})
    store.copy_to_run(draft, run)
    store.remove(draft)
    again = store.create_from_run(run, "local")
    assert again == replace(draft, id=again.id)
    assert again.id != draft.id
    assert [store.path(again, source).read_bytes() for source in again.sources] == [b"x", b"v"]
    assert DraftHistory(store).latest("local") == again


@pytest.mark.parametrize("harm", [b"", b"[]", b"{}", None])
def test_of_a_run_whose_choices_cannot_be_read_no_draft_is_made(tmp_path: Path, harm: bytes | None) -> None:
    store, run = DraftStore(tmp_path / "drafts"), tmp_path / "run"
    run.mkdir()
    store.copy_to_run(store.create("local", {"main": ("a.csv", b"x")}), run)
    if harm is None:
        (run / "source").unlink()
    else:
        (run / "draft.json").write_bytes(harm)
    with pytest.raises((OSError, ValueError)):
        store.create_from_run(run, "local")
    assert len(list((tmp_path / "drafts").iterdir())) == 1
