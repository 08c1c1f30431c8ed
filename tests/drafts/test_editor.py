"""The desk: drafts are listed, closed, reopened and removed; a test or validation file is added and taken away again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from trainer.data.reader.file_reader import FileReader
from trainer.drafts.editor import DraftEditor
from trainer.drafts.preparation import GivenFile, read_tables
from trainer.drafts.store import MAX_DRAFTS
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.settings import Settings

ME, OTHER = "local", "somebody else"
ROWS = small_rows(120)


@pytest.fixture
def desk(settings: Settings, reader: FileReader) -> DraftEditor:
    return DraftEditor(settings, reader)


@pytest.fixture
def moods(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "moods.csv", ROWS[:90])


def aged(desk: DraftEditor, draft: str, seconds: float) -> None:
    """As if it had been changed last so many seconds after 1970."""
    os.utime(desk.settings.runs_dir / "drafts" / draft / "draft.json", (seconds, seconds))


def opened(desk: DraftEditor, path: Path, owner: str = ME) -> str:
    return desk.open_files(owner, {"main": (path.name, path)}).draft.id


def files_of(desk: DraftEditor, draft: str) -> list[str]:
    return sorted(path.name for path in (desk.settings.runs_dir / "drafts" / draft).iterdir())


def refused(code: str) -> pytest.RaisesExc[UserError]:
    return pytest.raises(UserError, check=lambda error: error.code == code)


# Drafts


def test_drafts_are_listed_newest_first_with_their_files_and_room(desk: DraftEditor, moods: Path, tmp_path: Path) -> None:
    test = write_rows(tmp_path / "aside.csv", ROWS[90:])
    older = opened(desk, moods)
    newer = desk.open_files(ME, {"main": ("more.csv", moods), "test": ("aside.csv", test)}).draft.id
    opened(desk, moods, OTHER)
    aged(desk, older, 1000)
    first, second = desk.drafts(ME)
    assert (first.id, first.name, first.test, first.validation, first.open) == (newer, "more.csv", "aside.csv", "", True)
    assert (second.id, second.name, second.test, second.changed, second.open) == (older, "moods.csv", "", 1000.0, False)
    assert first.bytes > second.bytes > moods.stat().st_size
    assert len(desk.drafts(OTHER)) == 1


def test_the_list_of_drafts_reads_no_table(settings: Settings, moods: Path, monkeypatch: pytest.MonkeyPatch, reader: FileReader) -> None:
    opened(DraftEditor(settings, reader), moods)
    monkeypatch.setattr("trainer.drafts.editor.read_tables", lambda *_: pytest.fail("a table was read"))
    assert [draft.name for draft in DraftEditor(settings, reader).drafts(ME)] == ["moods.csv"]


def test_a_reopened_draft_is_the_latest_with_all_that_was_chosen(desk: DraftEditor, moods: Path) -> None:
    first = opened(desk, moods)
    desk.name_classes(ME, first, {"joy": "delight"})
    second = desk.open_sample(ME).draft.id
    aged(desk, first, 1000)
    aged(desk, second, 2000)
    assert desk.latest_draft(ME) == second
    assert "delight" in desk.reopen(ME, first).corpus.label_names
    assert DraftEditor(desk.settings, desk.reader).latest_draft(ME) == first
    assert [draft.id for draft in desk.drafts(ME)] == [first, second]


def test_a_closed_draft_is_not_shown_again_and_is_not_lost(desk: DraftEditor, moods: Path) -> None:
    first, second = opened(desk, moods), opened(desk, moods)
    theirs = opened(desk, moods, OTHER)
    desk.close_draft(ME)
    again = DraftEditor(desk.settings, desk.reader)
    assert (again.latest_draft(ME), again.latest_prepared_draft(ME)) == (None, None)
    assert again.latest_draft(OTHER) == theirs
    assert {draft.id for draft in again.drafts(ME)} == {first, second}
    assert not any(draft.open for draft in again.drafts(ME))
    # A page that still shows it hands in its form: that opens nothing.
    desk.save_form(ME, second, {"epochs": 3})
    assert desk.latest_draft(ME) is None
    desk.reopen(ME, first)
    assert desk.latest_draft(ME) == first
    desk.close_draft(ME)
    third = opened(desk, moods)
    assert desk.latest_draft(ME) == third


def test_a_bad_file_leaves_the_draft_before_as_it_was(desk: DraftEditor, moods: Path) -> None:
    first = desk.prepared_draft(ME, opened(desk, moods))
    with pytest.raises(UserError, match="picture"):
        desk.open_files(ME, {"main": ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(2000))})
    desk.close_draft(ME)
    assert [draft.id for draft in desk.drafts(ME)] == [first.draft.id]
    assert desk.reopen(ME, first.draft.id) == first


def test_a_draft_that_is_removed_while_it_is_open_opens_no_other(desk: DraftEditor, moods: Path) -> None:
    first, second, third = (opened(desk, moods) for _ in range(3))
    for age, draft in enumerate((first, second, third)):
        aged(desk, draft, 1000 + age)
    desk.remove_draft(ME, first)
    assert desk.latest_draft(ME) == third
    desk.remove_draft(ME, third)
    assert desk.latest_draft(ME) is None
    assert [draft.id for draft in desk.drafts(ME)] == [second]
    with refused("unknown_draft"):
        desk.remove_draft(ME, third)


def test_so_many_drafts_are_kept(desk: DraftEditor, moods: Path) -> None:
    drafts = []
    for number in range(MAX_DRAFTS + 1):
        drafts.append(opened(desk, moods))
        aged(desk, drafts[-1], 1000 + number)
    assert [draft.id for draft in desk.drafts(ME)] == drafts[:0:-1]


def test_nobody_sees_opens_or_removes_a_draft_that_is_not_theirs(desk: DraftEditor, moods: Path) -> None:
    theirs = opened(desk, moods, OTHER)
    for call in (
        lambda: desk.reopen(ME, theirs),
        lambda: desk.remove_draft(ME, theirs),
        lambda: desk.add_file(ME, theirs, "test", "x.csv", moods),
        lambda: desk.remove_file(ME, theirs, "test"),
        lambda: desk.remove_draft(ME, "../drafts"),
    ):
        with refused("unknown_draft"):
            call()
    assert desk.drafts(ME) == ()
    assert [draft.id for draft in desk.drafts(OTHER)] == [theirs]


# A test and a validation file


@pytest.mark.parametrize("role", ["test", "validation"])
def test_a_given_file_is_its_split(desk: DraftEditor, moods: Path, tmp_path: Path, role: str) -> None:
    draft = opened(desk, moods)
    desk.name_classes(ME, draft, {"joy": "delight"})
    more = write_rows(tmp_path / "more.csv", [(mood, text) for text, mood in ROWS[90:]], ("Mood", "TEXT"))
    added = desk.add_file(ME, draft, role, "more.csv", more)
    assert added.given == (GivenFile(role, "more.csv", 30, ("TEXT", "Mood")),)
    assert added.problem is None
    assert len(getattr(added.splits(Recipe()), role)) == 30
    assert added.draft == DraftEditor(desk.settings, desk.reader).latest_prepared_draft(ME).draft
    assert "delight" in added.corpus.label_names
    assert len(added.corpus) == 120
    without = desk.remove_file(ME, draft, role)
    assert (without.given, len(without.corpus)) == ((), 90)
    assert desk.remove_file(ME, draft, role) == without
    assert files_of(desk, draft) == ["draft.json", "source"]


def test_a_second_file_takes_the_place_of_the_first(desk: DraftEditor, moods: Path, tmp_path: Path) -> None:
    draft = opened(desk, moods)
    desk.add_file(ME, draft, "test", "few.csv", write_rows(tmp_path / "few.csv", ROWS[90:100]))
    desk.add_file(ME, draft, "validation", "other.csv", write_rows(tmp_path / "other.csv", ROWS[100:110]))
    both = desk.add_file(ME, draft, "test", "all.csv", write_rows(tmp_path / "all.csv", ROWS[95:]).read_bytes())
    assert [(given.role, given.name, given.rows) for given in both.given] == [("test", "all.csv", 25), ("validation", "other.csv", 10)]
    assert both.corpus.given_split.count("test") == 25
    assert len(files_of(desk, draft)) == 4


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", "empty_file", "bad.csv: "),
        (b"\x89PNG\r\n\x1a\n" + bytes(2000), None, "bad.csv: "),
        (b"id,words\n1,a b\n2,c d\n3,e f\n", "unknown_column", "bad.csv lacks one of the columns"),
        (b"text,mood\nwe sing at home,glee\nwe sing at work,glee\n", "unknown_class", "“glee”"),
    ],
)
def test_a_file_that_does_not_fit_changes_nothing(
    desk: DraftEditor, moods: Path, tmp_path: Path, content: bytes, code: str | None, said: str
) -> None:
    draft = opened(desk, moods)
    before = desk.add_file(ME, draft, "test", "good.csv", write_rows(tmp_path / "good.csv", ROWS[90:]))
    files = files_of(desk, draft)
    with pytest.raises(UserError, match=said) as refusal:
        desk.add_file(ME, draft, "test", "bad.csv", content)
    assert code in (None, refusal.value.code)
    assert desk.prepared_draft(ME, draft) == before
    assert files_of(desk, draft) == files


def test_a_file_without_the_columns_is_refused_though_something_else_is_wrong(desk: DraftEditor, tmp_path: Path) -> None:
    one_class = write_rows(tmp_path / "joy.csv", [row for row in ROWS if row[1] == "joy"])
    draft = desk.open_files(ME, {"main": ("joy.csv", one_class)}, text=["text"], label="mood")
    assert draft.problem.code == "one_class"
    with refused("unknown_column"):
        desk.add_file(ME, draft.draft.id, "test", "bad.csv", b"id,words\n1,a b\n2,c d\n")
    later = desk.add_file(ME, draft.draft.id, "test", "more.csv", write_rows(tmp_path / "more.csv", ROWS[:9]))
    assert later.given[0].columns == ("text", "mood")


def test_columns_chosen_later_are_looked_for_in_the_given_file_too(desk: DraftEditor, tmp_path: Path) -> None:
    main = write_rows(tmp_path / "two.csv", [(text, mood, mood[:1]) for text, mood in ROWS[:90]], ("text", "mood", "letter"))
    draft = desk.open_files(ME, {"main": ("two.csv", main)}, label="mood").draft.id
    desk.add_file(ME, draft, "test", "more.csv", write_rows(tmp_path / "more.csv", ROWS[90:]))
    chosen = desk.set_columns(ME, draft, label="letter")
    assert chosen.problem.code == "unknown_column"
    assert chosen.given == (GivenFile("test", "more.csv", 30, ()),)


@pytest.mark.parametrize("role", ["main", "../test", ""])
def test_there_are_no_other_roles(desk: DraftEditor, moods: Path, role: str) -> None:
    draft = opened(desk, moods)
    for call in (lambda: desk.add_file(ME, draft, role, "x.csv", moods), lambda: desk.remove_file(ME, draft, role)):
        with refused("unknown_role"):
            call()


# A file that ends the process that reads it

_DEADLY = """
import os, signal, sys
from pathlib import Path
import trainer.drafts.editor
import trainer.drafts.preparation
from tests.readers import InThisProcess
from trainer.settings import Settings

how, runs, file, *draft = sys.argv[1:]
desk = trainer.drafts.editor.DraftEditor(Settings(runs_dir=Path(runs)), InThisProcess())
ends = {"exit": lambda *_: os._exit(3), "kill": lambda *_: os.kill(os.getpid(), signal.SIGKILL)}
if how in ends:
    trainer.drafts.editor.read_tables = ends[how]
if how == "understand":
    trainer.drafts.editor.understand = lambda *_, **__: os._exit(3)
if how == "add":
    trainer.drafts.editor.read_tables = lambda drafts, draft, *others: os._exit(3) if draft.test else real(drafts, draft, *others)
    real = trainer.drafts.preparation.read_tables
    desk.add_file("local", draft[0], "test", "aside.csv", Path(file))
desk.open_files("local", {"main": (Path(file).name, Path(file))}) if not draft else desk.reopen("local", draft[0], force=True)
"""


def ended_while_reading(how: str, desk: DraftEditor, file: Path, *draft: str) -> None:
    """Another process opens the file, or the draft that there is, and comes to a sudden end."""
    command = [sys.executable, "-c", _DEADLY, how, str(desk.settings.runs_dir), str(file), *draft]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode not in (0, 1), done.stderr


@pytest.mark.parametrize("how", ["exit", "kill", "understand"])
def test_a_file_that_ended_its_reader_is_not_read_again_by_itself(
    desk: DraftEditor, moods: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    first = opened(desk, moods)
    ended_while_reading(how, desk, moods)
    again = DraftEditor(desk.settings, desk.reader)
    with monkeypatch.context() as reads:
        reads.setattr("trainer.drafts.editor.read_tables", lambda *_: pytest.fail("it was read"))
        assert (again.latest_draft(ME), again.latest_prepared_draft(ME)) == (None, None)
        deadly = again.withheld_draft(ME)
        assert (deadly.name, deadly.withheld, deadly.open) == ("moods.csv", True, False)
        assert [(one.id, one.withheld) for one in again.drafts(ME)] == [(deadly.id, True), (first, False)]
        assert again.withheld_draft(OTHER) is None
        for read in (again.preparation, again.reopen):
            with refused("withheld_draft"):
                read(ME, deadly.id)
    # The other files open as ever, and this one once somebody says so.
    assert again.reopen(ME, first).corpus is not None
    assert again.withheld_draft(ME) is None
    assert again.reopen(ME, deadly.id, force=True).corpus is not None
    assert DraftEditor(desk.settings, desk.reader).latest_draft(ME) == deadly.id
    assert files_of(desk, deadly.id) == ["draft.json", "source"]


def test_a_file_that_ends_its_reader_each_time_is_withheld_each_time_and_can_be_removed(desk: DraftEditor, moods: Path) -> None:
    ended_while_reading("kill", desk, moods)
    deadly = desk.withheld_draft(ME).id
    ended_while_reading("kill", desk, moods, deadly)
    assert desk.withheld_draft(ME).id == deadly
    desk.remove_draft(ME, deadly)
    assert (desk.withheld_draft(ME), desk.latest_draft(ME), desk.drafts(ME)) == (None, None, ())


def test_a_test_file_that_ended_its_reader_does_not_take_the_draft_with_it(desk: DraftEditor, moods: Path) -> None:
    draft = opened(desk, moods)
    ended_while_reading("add", desk, moods, draft)
    again = DraftEditor(desk.settings, desk.reader)
    assert again.withheld_draft(ME) is None
    assert again.latest_prepared_draft(ME).given == ()


def test_two_processes_on_one_folder_do_not_take_each_other_for_dead(
    desk: DraftEditor, moods: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, seen = opened(desk, moods), []
    other = (
        "import sys; from pathlib import Path; from tests.readers import InThisProcess; from trainer.drafts.editor import DraftEditor; from trainer.settings import Settings; "
        + (
            "desk = DraftEditor(Settings(runs_dir=Path(sys.argv[1])), InThisProcess()); print(desk.latest_draft('local'), len(desk.latest_prepared_draft('local').corpus))"
        )
    )

    def look(*how: object) -> object:
        command = [sys.executable, "-c", other, str(desk.settings.runs_dir)]
        seen.append(subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True).stdout.split())
        return read_tables(*how)

    monkeypatch.setattr("trainer.drafts.editor.read_tables", look)
    DraftEditor(desk.settings, desk.reader).prepared_draft(ME, draft)
    assert seen == [[draft, "90"]]


def test_a_file_that_aborts_its_parser_is_a_sentence_and_the_page_opens_after_it(desk: DraftEditor, shared: Path, moods: Path) -> None:
    file = shared / "faults" / "files" / "abort.parquet"
    if not file.is_file():
        pytest.skip(f"needs {file}, which is not part of the project")
    for way in (lambda: opened(desk, file), lambda: desk.add_file(ME, opened(desk, moods), "test", file.name, file)):
        with refused("file_damaged"):
            way()
    again = DraftEditor(desk.settings, desk.reader)
    assert (again.withheld_draft(ME), again.latest_prepared_draft(ME).draft.main.name) == (None, "moods.csv")
    assert len(again.drafts(ME)) == 1


def test_a_real_file_that_aborts_its_reader_is_withheld(desk: DraftEditor, shared: Path) -> None:
    """The second wall: without a process of its own, or where that takes the server with it."""
    file = shared / "faults" / "files" / "abort.parquet"
    if not file.is_file():
        pytest.skip(f"needs {file}, which is not part of the project")
    ended_while_reading("", desk, file)
    deadly = desk.withheld_draft(ME)
    assert deadly.name == "abort.parquet"
    assert desk.latest_prepared_draft(ME) is None
    with pytest.raises(UserError, match=r"abort\.parquet is not opened by itself: Emotune ended suddenly while it was reading it"):
        desk.reopen(ME, deadly.id)


def test_a_file_on_which_the_reading_fails_unexpectedly_is_not_kept(
    desk: DraftEditor, moods: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("trainer.drafts.editor.read_tables", fails)
    with pytest.raises(MemoryError):
        opened(desk, moods)
    assert desk.drafts(ME) == ()
