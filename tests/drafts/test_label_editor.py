"""What a user decides about labels: checked, saved at once, and removed with the draft."""

import threading
from pathlib import Path

import pytest

from tests.conftest import write_rows
from trainer.data.reader.file_reader import FileReader
from trainer.drafts.draft_cache import DraftCache
from trainer.drafts.drafts import Drafts
from trainer.drafts.editor import DraftEditor
from trainer.drafts.label_editor import LabelEditor
from trainer.errors import UserError
from trainer.settings import Settings

ME = "local"
ROWS = [(f"text number {n} about {label}", label) for n in range(4) for label in ("joy", "love", "fear")]


@pytest.fixture
def cache(settings: Settings, reader: FileReader) -> DraftCache:
    settings.runs_dir.mkdir()
    return DraftCache(settings, reader)


@pytest.fixture
def draft_id(cache: DraftCache, tmp_path: Path) -> str:
    return Drafts(cache, ME).open_files({"main": ("moods.csv", write_rows(tmp_path / "moods.csv", ROWS))}).draft.id


@pytest.fixture
def editor(cache: DraftCache) -> LabelEditor:
    return LabelEditor(cache, ME)


def test_decisions_say_what_the_row_had_and_survive_a_restart(cache: DraftCache, editor: LabelEditor, draft_id: str) -> None:
    editor.decide(
        draft_id, [("main", 0), ("main", 1)], "relabel", label="fear", reasons={("main", 0): "9 of its 10 most similar rows say fear"}
    )
    editor.decide(draft_id, [("main", 2)], "drop")
    again = LabelEditor(DraftCache(cache.settings, cache.reader), ME).state(draft_id).decisions
    assert [(d.row, d.action, d.before, d.after, d.text) for d in again.rows.values()] == [
        (0, "relabel", "joy", "fear", "text number 0 about joy"),
        (1, "relabel", "love", "fear", "text number 0 about love"),
        (2, "drop", "fear", "", "text number 0 about fear"),
    ]
    assert again.rows["main", 0].reason.startswith("9 of its 10")


def test_the_label_that_a_row_has_keeps_it(editor: LabelEditor, draft_id: str) -> None:
    decisions = editor.decide(draft_id, [("main", 0)], "relabel", label="joy").decisions
    assert decisions.rows["main", 0].action == "keep"
    assert not decisions.changes_rows
    assert editor.take_back(draft_id, [("main", 0), ("main", 1)]).decisions.rows == {}


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda editor, draft: editor.decide(draft, [("main", 0)], "relabel", label="grief"), "unknown_label"),
        (lambda editor, draft: editor.decide(draft, [("main", 99)], "keep"), "no_row"),
        (lambda editor, draft: editor.decide(draft, [("test", 0)], "keep"), "no_row"),
        (lambda editor, draft: editor.rename_class(draft, "grief", "sorrow"), "unknown_label"),
        (lambda editor, draft: editor.rename_class(draft, "joy", " \t"), "bad_class_name"),
        (lambda editor, draft: editor.add_class(draft, "x" * 201), "bad_class_name"),
        (lambda editor, draft: editor.add_class(draft, "\ud83d"), "not_text"),
        (lambda editor, draft: editor.define(draft, "grief", "sorrow"), "unknown_label"),
        (lambda editor, draft: editor.define(draft, "joy", "x" * 501), "definition_too_long"),
        (lambda editor, _: editor.decide("0" * 32, [("main", 0)], "keep"), "unknown_draft"),
        (lambda editor, _: editor.state("../../etc"), "unknown_draft"),
    ],
)
def test_what_cannot_be_decided_is_refused_and_nothing_is_saved(editor: LabelEditor, draft_id: str, act, code: str) -> None:
    with pytest.raises(UserError) as error:
        act(editor, draft_id)
    assert error.value.code == code
    assert editor.size(draft_id) == 0


def test_nobody_else_can_decide(cache: DraftCache, draft_id: str) -> None:
    with pytest.raises(UserError) as error:
        LabelEditor(cache, "somebody else").decide(draft_id, [("main", 0)], "keep")
    assert error.value.code == "unknown_draft"


def test_classes_are_renamed_merged_restored_added_and_defined(editor: LabelEditor, draft_id: str) -> None:
    editor.add_class(draft_id, "calm")
    editor.decide(draft_id, [("main", 0)], "relabel", label="calm")
    editor.rename_class(draft_id, "love", "joy")
    editor.rename_class(draft_id, "calm", "peace of mind")
    state = editor.define(draft_id, "joy", "  the writer\nis glad ")
    assert state.class_names == ("fear", "joy", "peace of mind")
    assert state.decisions.definitions == {"joy": "the writer is glad"}
    assert state.decisions.rows["main", 0].after == "peace of mind"
    assert editor.restore_class(draft_id, "love").class_names == ("fear", "joy", "love", "peace of mind")


def test_a_class_that_gets_its_own_name_back_takes_the_rows_along_that_were_decided_since(editor: LabelEditor, draft_id: str) -> None:
    editor.rename_class(draft_id, "love", "affection")
    state = editor.rename_class(draft_id, "affection", "tenderness")
    assert state.decisions.renamed == {"love": "tenderness"}
    editor.decide(draft_id, [("main", 0)], "relabel", label="tenderness")
    state = editor.restore_class(draft_id, "love")
    assert state.decisions.rows["main", 0].after == "love"
    assert state.class_names == ("fear", "joy", "love")
    assert state.decisions.renamed == {}


def test_decisions_of_one_label_column_are_not_those_of_another(cache: DraftCache, tmp_path: Path) -> None:
    rows = [(f"text {n} {label}", label, str(n % 2)) for n, label in enumerate(["joy", "love"] * 6)]
    path = write_rows(tmp_path / "two.csv", rows, header=("text", "mood", "spam"))
    editor, draft_editor = LabelEditor(cache, ME), DraftEditor(cache, ME)
    draft = Drafts(cache, ME).open_files({"main": ("two.csv", path)}, text_columns=["text"], label_column="mood").draft.id
    editor.decide(draft, [("main", 0)], "relabel", label="love")
    draft_editor.set_columns(draft, label_column="spam")
    assert editor.state(draft).decisions.rows == {}
    editor.decide(draft, [("main", 3)], "relabel", label="0")
    # The class gets a name on the Data tab: the decision follows it.
    draft_editor.name_classes(draft, {"0": "no", "1": "yes"})
    assert editor.state(draft).decisions.rows["main", 3].after == "no"
    draft_editor.name_classes(draft, {"0": "yes", "1": "no"})
    assert editor.state(draft).decisions.rows["main", 3].after == "yes"
    assert editor.state(draft).decisions.renamed == {}
    draft_editor.set_columns(draft, label_column="mood")
    assert editor.state(draft).decisions.rows["main", 0].after == "love"


def test_two_windows_that_decide_at_once_lose_nothing(editor: LabelEditor, draft_id: str) -> None:
    rows = [[("main", 2 * n), ("main", 2 * n + 1)] for n in range(6)]
    threads = [threading.Thread(target=editor.decide, args=(draft_id, pair, "drop")) for pair in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    decisions = editor.state(draft_id).decisions
    assert (len(decisions.rows), decisions.damaged) == (12, 0)


def test_deleting_the_draft_deletes_the_decisions_and_a_removed_draft_takes_no_more(
    cache: DraftCache, editor: LabelEditor, draft_id: str
) -> None:
    editor.decide(draft_id, [("main", 0)], "drop")
    Drafts(cache, ME).remove(draft_id)
    assert list(cache.store.root.rglob("decisions*")) == []
    with pytest.raises(UserError) as error:
        editor.decide(draft_id, [("main", 1)], "drop")
    assert error.value.code == "unknown_draft"
    assert list(cache.store.root.rglob("decisions*")) == []


def test_a_file_with_decisions_is_not_pruned(cache: DraftCache, editor: LabelEditor, draft_id: str) -> None:
    editor.decide(draft_id, [("main", 0)], "drop")
    cache.store.prune(ME, keep=0)
    assert editor.state(draft_id).decisions.rows.keys() == {("main", 0)}


def test_the_list_of_changes_names_the_column(editor: LabelEditor, draft_id: str) -> None:
    editor.decide(draft_id, [("main", 0)], "relabel", label="fear")
    name, content = editor.change_log(draft_id)
    assert name == "moods label changes.csv"
    assert content.decode().splitlines()[1].startswith("0,main,mood,joy,fear,relabel,,20")
