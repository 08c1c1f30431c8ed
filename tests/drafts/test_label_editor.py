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


def test_a_new_text_is_checked_kept_and_taken_back(editor: LabelEditor, draft_id: str) -> None:
    editor.label_text(draft_id, "  how kind of you ", "love")
    editor.label_text(draft_id, "=1+1", "joy")
    assert editor.state(draft_id).decisions.texts == {"how kind of you": "love", "=1+1": "joy"}
    name, content = editor.texts_csv(draft_id)
    assert (name, content.decode("utf-8-sig")) == ("moods added texts.csv", "text,mood\r\nhow kind of you,love\r\n'=1+1,joy\r\n")
    for text, label, code in (
        ("so kind", "awe", "unknown_label"),
        (" ", "joy", "empty_text"),
        ("x" * 10_001, "joy", "text_too_long"),
        ("text number 0 about joy", "fear", "text_is_row"),
    ):
        with pytest.raises(UserError) as refused:
            editor.label_text(draft_id, text, label)
        assert refused.value.code == code
    editor.take_text_back(draft_id, "how kind of you")
    editor.take_text_back(draft_id, "never said")
    assert editor.state(draft_id).decisions.texts == {"=1+1": "joy"}


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


def test_a_column_defines_labels_until_somebody_does(cache: DraftCache, editor: LabelEditor, tmp_path: Path) -> None:
    meanings = {"joy": "the writer is glad", "love": "the writer likes somebody", "fear": "the writer expects harm"}
    file = tmp_path / "defined.csv"
    file.write_text("text,label,meaning\n" + "".join(f"{text},{label},{meanings[label]}\n" for text, label in ROWS))
    draft_id = Drafts(cache, ME).open_files({"main": ("defined.csv", file)}).draft.id
    assert editor.state(draft_id).decisions.definitions == meanings
    editor.rename_class(draft_id, "love", "affection")
    state = editor.define(draft_id, "joy", "glad or proud")
    assert state.decisions.definitions == {"joy": "glad or proud", "affection": meanings["love"], "fear": meanings["fear"]}
    assert editor.define(draft_id, "joy", "").decisions.definitions["joy"] == meanings["joy"]


def test_somebody_chooses_the_column_that_says_what_labels_mean(cache: DraftCache, editor: LabelEditor, tmp_path: Path) -> None:
    german = {"joy": "Freude", "love": "Liebe", "fear": "Angst"}
    file = tmp_path / "translated.csv"
    file.write_text("text,label,german,place\n" + "".join(f"{text},{label},{german[label]},{n}\n" for n, (text, label) in enumerate(ROWS)))
    draft_id = Drafts(cache, ME).open_files({"main": ("translated.csv", file)}).draft.id
    state = editor.state(draft_id)
    assert state.decisions.definitions == {}
    assert list(state.prepared.definitions_by_column) == [2]
    editor.rename_class(draft_id, "love", "affection")
    editor.define(draft_id, "fear", "expecting harm")
    assert editor.define_from_column(draft_id, "2").decisions.definitions == {"joy": "Freude", "affection": "Liebe", "fear": "Angst"}
    for other in ("3", "x", "-1", "9" * 30):
        with pytest.raises(UserError) as error:
            editor.define_from_column(draft_id, other)
        assert error.value.code == "unknown_column"


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


def test_where_a_text_may_have_several_labels_sets_are_decided_and_earlier_decisions_wait(
    cache: DraftCache, editor: LabelEditor, tmp_path: Path
) -> None:
    rows = [(f"text number {n} about things", ("joy", "love", "joy, love", "fear")[n % 4]) for n in range(80)]
    opened = Drafts(cache, ME).open_files({"main": ("moods.csv", write_rows(tmp_path / "moods.csv", rows))}).draft.id
    drafts = DraftEditor(cache, ME)
    drafts.choose_task(opened, "single")
    editor.decide(opened, [("main", 0)], "relabel", label="love")
    drafts.choose_task(opened, "several")
    assert not editor.state(opened).decisions.changes_rows

    state = editor.decide(opened, [("main", 0), ("main", 2)], "relabel", label='["love", "joy"]')
    # A row that gets the labels it has is kept, in whatever order they are given.
    assert [(row.action, row.before, row.after) for row in state.decisions.rows.values()] == [
        ("relabel", '["joy"]', '["joy", "love"]'),
        ("keep", '["joy", "love"]', '["joy", "love"]'),
    ]
    editor.decide(opened, [("main", 3)], "relabel", label="[]")
    with pytest.raises(UserError, match="no class “awe”") as refused:
        editor.decide(opened, [("main", 1)], "relabel", label='["joy", "awe"]')
    assert refused.value.code == "unknown_label"
    with pytest.raises(UserError, match="half a character"):
        editor.decide(opened, [("main", 1)], "relabel", label='["\\ud83d"]')
    editor.rename_class(opened, "joy", "delight")
    state = editor.define(opened, "delight", "being glad")
    assert [row.after for row in state.decisions.rows.values()] == ['["delight", "love"]', '["delight", "love"]', "[]"]
    assert state.decisions.definitions == {"delight": "being glad"}
    assert editor.change_log(opened)[1].decode().count("rename class") == 1

    name, rewritten = drafts.corrected_file(opened, editor.state(opened).decisions)
    assert name == "moods corrected.csv"
    before, after = (tmp_path / "moods.csv").read_bytes().splitlines(), rewritten.data.splitlines()
    assert (after[1].endswith(b'"delight, love"'), after[4].split(b",")[-1], before[2]) == (True, b"[]", after[2])

    drafts.choose_task(opened, "single")
    assert [row.after for row in editor.state(opened).decisions.rows.values()] == ["love"]
