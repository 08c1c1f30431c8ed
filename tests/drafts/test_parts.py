"""Which sheet of a workbook, file of a zip or list of a JSON file is read: chosen, kept through a restart, recorded in runs, refused if it is gone."""

import json

import pytest

from tests.conftest import small_rows
from tests.data.files.samples import make_workbook, make_zip
from trainer.data.reader.file_reader import FileReader
from trainer.drafts.preparation import PreparedDraft
from trainer.errors import UserError
from trainer.jobs.queue import JobQueue
from trainer.recipe import Recipe
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder

ME = "local"
ANSWERS = [list(row) for row in small_rows(90)]
STAFF = [[text, {"joy": "pay", "sadness": "team", "anger": "pay"}[mood]] for text, mood in small_rows(60, seed=2)]
WORKBOOK = make_workbook(
    {
        "Read me": [["What each of the sheets is for and how to fill it in"]] * 9,
        "answers": [["text", "mood"], *ANSWERS],
        "<b>staff</b>": [["remark", "topic"], *STAFF],
        "empty": [],
    }
)


def csv_of(rows: list[list[str]], header: str) -> bytes:
    return "\n".join([header, *map(",".join, rows)]).encode()


ZIP = make_zip({"a/answers.csv": csv_of(ANSWERS, "text,mood"), "b/staff.csv": csv_of(STAFF, "remark,topic")})
JSON = json.dumps(
    {"answers": [{"text": t, "mood": m} for t, m in ANSWERS], "data": {"staff": [{"remark": t, "topic": m} for t, m in STAFF]}}
).encode()
FILES = [(WORKBOOK, "answers", "<b>staff</b>"), (ZIP, "a/answers.csv", "b/staff.csv"), (JSON, "answers", "data.staff")]


@pytest.fixture
def studio(settings: Settings, reader: FileReader) -> Studio:
    return Studio(settings, reader=reader)


def opened(studio: Studio, content: bytes, **options: str) -> PreparedDraft:
    return studio.for_owner(ME).drafts.open_files({"main": ("file", content)}, **options)


def described(prepared: PreparedDraft) -> tuple[str | None, int, set[str]]:
    return prepared.table.part, len(prepared.table.rows), set(prepared.corpus.label_names)


@pytest.mark.parametrize(("content", "read", "other"), FILES, ids=["sheets", "files", "lists"])
def test_another_part_is_read_and_still_after_a_restart(studio: Studio, content: bytes, read: str, other: str) -> None:
    first = opened(studio, content)
    assert described(first) == (read, 90, {"joy", "sadness", "anger"})
    assert {part.name: part.rows for part in first.table.parts}.items() >= {read: 90, other: 60}.items()
    chosen = studio.for_owner(ME).editor.choose_part(first.draft.id, other)
    assert described(chosen) == (other, 60, {"pay", "team"})
    assert {part.name: part.rows for part in chosen.table.parts} == {part.name: part.rows for part in first.table.parts}
    assert not [finding for finding in chosen.findings if finding.code.startswith("other_")]
    restarted = Studio(studio.settings, reader=studio.reader).for_owner(ME)
    assert described(restarted.drafts.latest()) == (other, 60, {"pay", "team"})
    again = restarted.editor.choose_part(first.draft.id, None)
    assert described(again) == described(first)
    assert again.draft == first.draft


def test_choices_for_the_columns_of_another_part_are_not_carried_over(studio: Studio) -> None:
    editor = studio.for_owner(ME).editor
    draft = opened(studio, WORKBOOK).draft.id
    editor.set_columns(draft, text_columns=["text"], label_column="mood")
    editor.name_classes(draft, {"joy": "delight"})
    editor.repair(draft, ["duplicate_texts"])
    other = editor.choose_part(draft, "<b>staff</b>").draft
    assert (other.main.text_columns, other.main.label_column, other.repairs, dict(other.class_names)) == ((), None, (), {})


def test_choices_are_kept_if_the_columns_are_the_same(studio: Studio) -> None:
    editor = studio.for_owner(ME).editor
    draft = opened(studio, make_workbook({"May": [["text", "mood"], *ANSWERS], "June": [["text", "mood"], *ANSWERS[:40]]})).draft.id
    editor.name_classes(draft, {"joy": "delight"})
    june = editor.choose_part(draft, "June")
    assert (len(june.corpus), "delight" in june.corpus.label_names) == (40, True)


@pytest.mark.parametrize(
    ("part", "code"), [("gone", "unknown_part"), ("empty", "empty_file"), ("\ud83d", "not_text"), ("", "unknown_part")]
)
def test_a_part_that_cannot_be_read_is_refused_and_changes_nothing(studio: Studio, part: str, code: str) -> None:
    first = opened(studio, WORKBOOK)
    with pytest.raises(UserError, match=r"\.$") as refusal:
        studio.for_owner(ME).editor.choose_part(first.draft.id, part)
    assert refusal.value.code == code
    assert studio.for_owner(ME).drafts.get(first.draft.id) == first


def test_a_file_that_holds_one_table_has_no_parts(studio: Studio) -> None:
    first = opened(studio, csv_of(ANSWERS, "text,mood"))
    assert (first.table.part, first.table.parts) == (None, ())
    with pytest.raises(UserError, match="a single table") as refusal:
        opened(studio, csv_of(ANSWERS, "text,mood"), part="answers")
    assert refusal.value.code == "unknown_part"


def test_a_run_and_what_is_made_from_it_read_the_same_part(
    settings: Settings, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch, reader: FileReader
) -> None:
    monkeypatch.setattr(JobQueue, "put", lambda self, item: None)
    studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    workspace = studio.for_owner(ME)
    draft = opened(studio, WORKBOOK, part="<b>staff</b>")
    view = workspace.start(draft.draft.id, Recipe(encoder="tiny-bert"), ignore_findings=True)
    assert (view.source_part, view.source_title) == ("<b>staff</b>", "file › <b>staff</b>")
    workspace.editor.choose_part(draft.draft.id, "answers")
    prepared, _ = workspace.prepare_again(view.id)
    assert prepared.draft.id != draft.draft.id
    assert described(prepared) == ("<b>staff</b>", 60, {"pay", "team"})
    workspace.editor.repair(prepared.draft.id, ["duplicate_texts"])
    _, copy = workspace.editor.export(prepared.draft.id, "exact")
    assert copy.decode().startswith("remark,topic\n")


def test_a_part_of_the_test_file_can_be_chosen_too(studio: Studio) -> None:
    workspace = studio.for_owner(ME)
    draft = opened(studio, csv_of(ANSWERS, "text,mood")).draft.id
    aside = make_workbook({"May": [["text", "mood"], *ANSWERS[:20]], "June": [["text", "mood"], *ANSWERS[20:30]], "x": [["a"], ["b"]]})
    workspace.editor.add_file(draft, "test", "aside.xlsx", aside)
    chosen = workspace.editor.choose_part(draft, "June", "test")
    assert [(given.role, given.rows) for given in chosen.given] == [("test", 10)]
    with pytest.raises(UserError, match=r"aside\.xlsx lacks one of the columns"):
        workspace.editor.choose_part(draft, "x", "test")
    assert workspace.drafts.get(draft) == chosen
    with pytest.raises(UserError, match="no validation file"):
        workspace.editor.choose_part(draft, "June", "validation")
