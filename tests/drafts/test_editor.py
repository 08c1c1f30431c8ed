"""The studio: drafts are listed, closed, reopened and removed; a test or validation file is added and taken away again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from tests.several_labels import labels_from, write_scores
from trainer.audit.decisions import Decision, Decisions
from trainer.data.reader.file_reader import FileReader
from trainer.drafts.preparation import GivenFile, read_tables
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.settings import Settings
from trainer.studio import Studio

ME, OTHER = "local", "somebody else"
ROWS = small_rows(120)


@pytest.fixture
def studio(settings: Settings, reader: FileReader) -> Studio:
    return Studio(settings, reader=reader)


@pytest.fixture
def moods(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "moods.csv", ROWS[:90])


def aged(studio: Studio, draft: str, seconds: float) -> None:
    """As if it had been changed last so many seconds after 1970."""
    os.utime(studio.settings.runs_dir / "drafts" / draft / "draft.json", (seconds, seconds))


def opened(studio: Studio, path: Path, owner: str = ME) -> str:
    return studio.for_owner(owner).drafts.open_files({"main": (path.name, path)}).draft.id


def files_of(studio: Studio, draft: str) -> list[str]:
    return sorted(path.name for path in (studio.settings.runs_dir / "drafts" / draft).iterdir())


def refused(code: str) -> pytest.RaisesExc[UserError]:
    return pytest.raises(UserError, check=lambda error: error.code == code)


# Drafts


def test_drafts_are_listed_newest_first_with_their_files_and_room(studio: Studio, moods: Path, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    test = write_rows(tmp_path / "aside.csv", ROWS[90:])
    older = opened(studio, moods)
    newer = workspace.drafts.open_files({"main": ("more.csv", moods), "test": ("aside.csv", test)}).draft.id
    opened(studio, moods, OTHER)
    aged(studio, older, 1000)
    first, second = workspace.drafts.summaries()
    assert (first.id, first.name, first.test, first.validation, first.open) == (newer, "more.csv", "aside.csv", "", True)
    assert (second.id, second.name, second.test, second.changed, second.open) == (older, "moods.csv", "", 1000.0, False)
    assert first.bytes > second.bytes > moods.stat().st_size
    assert len(studio.for_owner(OTHER).drafts.summaries()) == 1


def test_the_list_of_drafts_reads_no_table(settings: Settings, moods: Path, monkeypatch: pytest.MonkeyPatch, reader: FileReader) -> None:
    opened(Studio(settings, reader=reader), moods)
    monkeypatch.setattr("trainer.drafts.draft_cache.read_tables", lambda *_: pytest.fail("a table was read"))
    assert [draft.name for draft in Studio(settings, reader=reader).for_owner(ME).drafts.summaries()] == ["moods.csv"]


def test_a_reopened_draft_is_the_latest_with_all_that_was_chosen(studio: Studio, moods: Path) -> None:
    workspace = studio.for_owner(ME)
    first = opened(studio, moods)
    workspace.editor.name_classes(first, {"joy": "delight"})
    second = workspace.drafts.open_sample().draft.id
    aged(studio, first, 1000)
    aged(studio, second, 2000)
    assert workspace.drafts.latest_id() == second
    assert "delight" in workspace.drafts.reopen(first).corpus.label_names
    assert Studio(studio.settings, reader=studio.reader).for_owner(ME).drafts.latest_id() == first
    assert [draft.id for draft in workspace.drafts.summaries()] == [first, second]


def test_a_closed_draft_is_not_shown_again_and_is_not_lost(studio: Studio, moods: Path) -> None:
    workspace = studio.for_owner(ME)
    first, second = opened(studio, moods), opened(studio, moods)
    theirs = opened(studio, moods, OTHER)
    workspace.drafts.close()
    again = Studio(studio.settings, reader=studio.reader)
    assert (again.for_owner(ME).drafts.latest_id(), again.for_owner(ME).drafts.latest()) == (None, None)
    assert again.for_owner(OTHER).drafts.latest_id() == theirs
    assert {draft.id for draft in again.for_owner(ME).drafts.summaries()} == {first, second}
    assert not any(draft.open for draft in again.for_owner(ME).drafts.summaries())
    # A page that still shows it hands in its form: that opens nothing.
    workspace.editor.save_form(second, {"epochs": 3})
    assert workspace.drafts.latest_id() is None
    workspace.drafts.reopen(first)
    assert workspace.drafts.latest_id() == first
    workspace.drafts.close()
    third = opened(studio, moods)
    assert workspace.drafts.latest_id() == third


def test_a_bad_file_leaves_the_draft_before_as_it_was(studio: Studio, moods: Path) -> None:
    workspace = studio.for_owner(ME)
    first = workspace.drafts.get(opened(studio, moods))
    with pytest.raises(UserError, match="picture"):
        workspace.drafts.open_files({"main": ("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(2000))})
    workspace.drafts.close()
    assert [draft.id for draft in workspace.drafts.summaries()] == [first.draft.id]
    assert workspace.drafts.reopen(first.draft.id) == first


def test_a_draft_that_is_removed_while_it_is_open_opens_no_other(studio: Studio, moods: Path) -> None:
    workspace = studio.for_owner(ME)
    first, second, third = (opened(studio, moods) for _ in range(3))
    for age, draft in enumerate((first, second, third)):
        aged(studio, draft, 1000 + age)
    workspace.drafts.remove(first)
    assert workspace.drafts.latest_id() == third
    workspace.drafts.remove(third)
    assert workspace.drafts.latest_id() is None
    assert [draft.id for draft in workspace.drafts.summaries()] == [second]
    with refused("unknown_draft"):
        workspace.drafts.remove(third)


def test_so_many_drafts_are_kept(studio: Studio, moods: Path) -> None:
    drafts = []
    for number in range(20 + 1):
        drafts.append(opened(studio, moods))
        aged(studio, drafts[-1], 1000 + number)
    assert [draft.id for draft in studio.for_owner(ME).drafts.summaries()] == drafts[:0:-1]


def test_nobody_sees_opens_or_removes_a_draft_that_is_not_theirs(studio: Studio, moods: Path) -> None:
    workspace = studio.for_owner(ME)
    theirs = opened(studio, moods, OTHER)
    for call in (
        lambda: workspace.drafts.reopen(theirs),
        lambda: workspace.drafts.remove(theirs),
        lambda: workspace.editor.add_file(theirs, "test", "x.csv", moods),
        lambda: workspace.editor.remove_file(theirs, "test"),
        lambda: workspace.drafts.remove("../drafts"),
    ):
        with refused("unknown_draft"):
            call()
    assert workspace.drafts.summaries() == ()
    assert [draft.id for draft in studio.for_owner(OTHER).drafts.summaries()] == [theirs]


# A test and a validation file


@pytest.mark.parametrize("role", ["test", "validation"])
def test_a_given_file_is_its_split(studio: Studio, moods: Path, tmp_path: Path, role: str) -> None:
    workspace = studio.for_owner(ME)
    draft = opened(studio, moods)
    workspace.editor.name_classes(draft, {"joy": "delight"})
    extra_file = write_rows(tmp_path / "more.csv", [(mood, text) for text, mood in ROWS[90:]], ("Mood", "TEXT"))
    added = workspace.editor.add_file(draft, role, "more.csv", extra_file)
    assert added.given == (GivenFile(role, "more.csv", 30, ("TEXT", "Mood")),)
    assert added.problem is None
    assert len(getattr(added.splits(Recipe()), role)) == 30
    assert added.draft == Studio(studio.settings, reader=studio.reader).for_owner(ME).drafts.latest().draft
    assert "delight" in added.corpus.label_names
    assert len(added.corpus) == 120
    without = workspace.editor.remove_file(draft, role)
    assert (without.given, len(without.corpus)) == ((), 90)
    assert workspace.editor.remove_file(draft, role) == without
    assert files_of(studio, draft) == ["draft.json", "source"]


def test_a_second_file_takes_the_place_of_the_first(studio: Studio, moods: Path, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    draft = opened(studio, moods)
    workspace.editor.add_file(draft, "test", "few.csv", write_rows(tmp_path / "few.csv", ROWS[90:100]))
    workspace.editor.add_file(draft, "validation", "other.csv", write_rows(tmp_path / "other.csv", ROWS[100:110]))
    both = workspace.editor.add_file(draft, "test", "all.csv", write_rows(tmp_path / "all.csv", ROWS[95:]).read_bytes())
    assert [(given.role, given.name, given.rows) for given in both.given] == [("test", "all.csv", 25), ("validation", "other.csv", 10)]
    assert both.corpus.given_split.count("test") == 25
    assert len(files_of(studio, draft)) == 4


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"", "empty_file", "bad.csv: "),
        (b"\x89PNG\r\n\x1a\n" + bytes(2000), None, "bad.csv: "),
        (b"id,words\n1,a b\n2,c d\n3,e f\n", "unknown_column", "bad.csv lacks one of the columns"),
        (b"text,mood\nwe sing at home,glee\nwe sing at work,glee\n", "unknown_class", "“glee”"),
    ],
)
def test_a_file_that_does_not_fit_changes_nothing(
    studio: Studio, moods: Path, tmp_path: Path, content: bytes, code: str | None, message: str
) -> None:
    workspace = studio.for_owner(ME)
    draft = opened(studio, moods)
    previous = workspace.editor.add_file(draft, "test", "good.csv", write_rows(tmp_path / "good.csv", ROWS[90:]))
    files = files_of(studio, draft)
    with pytest.raises(UserError, match=message) as refusal:
        workspace.editor.add_file(draft, "test", "bad.csv", content)
    assert code in (None, refusal.value.code)
    assert workspace.drafts.get(draft) == previous
    assert files_of(studio, draft) == files


def test_a_file_without_the_columns_is_refused_though_something_else_is_wrong(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    one_class = write_rows(tmp_path / "joy.csv", [row for row in ROWS if row[1] == "joy"])
    draft = workspace.drafts.open_files({"main": ("joy.csv", one_class)}, text_columns=["text"], label_column="mood")
    assert draft.problem.code == "one_class"
    with refused("unknown_column"):
        workspace.editor.add_file(draft.draft.id, "test", "bad.csv", b"id,words\n1,a b\n2,c d\n")
    later = workspace.editor.add_file(draft.draft.id, "test", "more.csv", write_rows(tmp_path / "more.csv", ROWS[:9]))
    assert later.given[0].columns == ("text", "mood")


def test_columns_chosen_later_are_looked_for_in_the_given_file_too(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    main = write_rows(tmp_path / "two.csv", [(text, mood, mood[:1]) for text, mood in ROWS[:90]], ("text", "mood", "letter"))
    draft = workspace.drafts.open_files({"main": ("two.csv", main)}, label_column="mood").draft.id
    workspace.editor.add_file(draft, "test", "more.csv", write_rows(tmp_path / "more.csv", ROWS[90:]))
    chosen = workspace.editor.set_columns(draft, label_column="letter")
    assert chosen.problem.code == "unknown_column"
    assert chosen.given == (GivenFile("test", "more.csv", 30, ()),)


@pytest.mark.parametrize("role", ["main", "../test", ""])
def test_there_are_no_other_roles(studio: Studio, moods: Path, role: str) -> None:
    workspace = studio.for_owner(ME)
    draft = opened(studio, moods)
    for call in (lambda: workspace.editor.add_file(draft, role, "x.csv", moods), lambda: workspace.editor.remove_file(draft, role)):
        with refused("unknown_role"):
            call()
    assert workspace.drafts.get(draft).given == ()


# A file that ends the process that reads it

_DEADLY = """
import os, signal, sys
from pathlib import Path
import trainer.drafts.draft_cache
import trainer.drafts.preparation
from tests.readers import InProcessReader
from trainer.settings import Settings
from trainer.studio import Studio

how, runs, file, *draft = sys.argv[1:]
workspace = Studio(Settings(runs_dir=Path(runs)), reader=InProcessReader()).for_owner("local")
ends = {"exit": lambda *_: os._exit(3), "kill": lambda *_: os.kill(os.getpid(), signal.SIGKILL)}
if how in ends:
    trainer.drafts.draft_cache.read_tables = ends[how]
if how == "prepare":
    trainer.drafts.draft_cache.prepare = lambda *_, **__: os._exit(3)
if how == "add":
    trainer.drafts.draft_cache.read_tables = lambda drafts, draft, *others: os._exit(3) if draft.test else real(drafts, draft, *others)
    real = trainer.drafts.preparation.read_tables
    workspace.editor.add_file(draft[0], "test", "aside.csv", Path(file))
workspace.drafts.open_files({"main": (Path(file).name, Path(file))}) if not draft else workspace.drafts.reopen(draft[0], force=True)
"""


def ended_while_reading(how: str, studio: Studio, file: Path, *draft: str) -> None:
    """Another process opens the file, or the draft that there is, and comes to a sudden end."""
    command = [sys.executable, "-c", _DEADLY, how, str(studio.settings.runs_dir), str(file), *draft]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode not in (0, 1), done.stderr


@pytest.mark.parametrize("how", ["exit", "kill", "prepare"])
def test_a_file_that_ended_its_reader_is_not_read_again_by_itself(
    studio: Studio, moods: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    first = opened(studio, moods)
    ended_while_reading(how, studio, moods)
    again = Studio(studio.settings, reader=studio.reader)
    with monkeypatch.context() as reads:
        reads.setattr("trainer.drafts.draft_cache.read_tables", lambda *_: pytest.fail("it was read"))
        assert (again.for_owner(ME).drafts.latest_id(), again.for_owner(ME).drafts.latest()) == (None, None)
        deadly = again.for_owner(ME).drafts.withheld()
        assert (deadly.name, deadly.withheld, deadly.open) == ("moods.csv", True, False)
        assert [(one.id, one.withheld) for one in again.for_owner(ME).drafts.summaries()] == [(deadly.id, True), (first, False)]
        assert again.for_owner(OTHER).drafts.withheld() is None
        for read in (again.for_owner(ME).drafts.get, again.for_owner(ME).drafts.reopen):
            with refused("withheld_draft"):
                read(deadly.id)
    # The other files open as ever, and this one once somebody says so.
    assert again.for_owner(ME).drafts.reopen(first).corpus is not None
    assert again.for_owner(ME).drafts.withheld() is None
    aged(studio, deadly.id, 1000)
    aged(studio, first, 2000)
    assert again.for_owner(ME).drafts.reopen(deadly.id, force=True).corpus is not None
    assert Studio(studio.settings, reader=studio.reader).for_owner(ME).drafts.latest_id() == deadly.id
    assert files_of(studio, deadly.id) == ["draft.json", "source"]


def test_a_file_that_ends_its_reader_each_time_is_withheld_each_time_and_can_be_removed(studio: Studio, moods: Path) -> None:
    workspace = studio.for_owner(ME)
    ended_while_reading("kill", studio, moods)
    deadly = workspace.drafts.withheld().id
    ended_while_reading("kill", studio, moods, deadly)
    assert workspace.drafts.withheld().id == deadly
    workspace.drafts.remove(deadly)
    assert (workspace.drafts.withheld(), workspace.drafts.latest_id(), workspace.drafts.summaries()) == (None, None, ())


def test_a_test_file_that_ended_its_reader_does_not_take_the_draft_with_it(studio: Studio, moods: Path) -> None:
    draft = opened(studio, moods)
    ended_while_reading("add", studio, moods, draft)
    again = Studio(studio.settings, reader=studio.reader)
    assert again.for_owner(ME).drafts.withheld() is None
    assert again.for_owner(ME).drafts.latest().given == ()


def test_two_processes_on_one_folder_do_not_take_each_other_for_dead(studio: Studio, moods: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft, seen = opened(studio, moods), []
    other = (
        "import sys; from pathlib import Path; from tests.readers import InProcessReader; from trainer.settings import Settings; from trainer.studio import Studio; "
        + (
            "drafts = Studio(Settings(runs_dir=Path(sys.argv[1])), reader=InProcessReader()).for_owner('local').drafts; print(drafts.latest_id(), len(drafts.latest().corpus))"
        )
    )

    def counting_read(*how: object) -> object:
        command = [sys.executable, "-c", other, str(studio.settings.runs_dir)]
        seen.append(subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True).stdout.split())
        return read_tables(*how)

    monkeypatch.setattr("trainer.drafts.draft_cache.read_tables", counting_read)
    Studio(studio.settings, reader=studio.reader).for_owner(ME).drafts.get(draft)
    assert seen == [[draft, "90"]]


def test_a_file_that_aborts_its_parser_is_a_sentence_and_the_page_opens_after_it(studio: Studio, shared: Path, moods: Path) -> None:
    file = shared / "faults" / "files" / "abort.parquet"
    if not file.is_file():
        pytest.skip(f"needs {file}, which is not part of the project")
    for way in (lambda: opened(studio, file), lambda: studio.for_owner(ME).editor.add_file(opened(studio, moods), "test", file.name, file)):
        with refused("file_damaged"):
            way()
    again = Studio(studio.settings, reader=studio.reader)
    assert (again.for_owner(ME).drafts.withheld(), again.for_owner(ME).drafts.latest().draft.main.name) == (None, "moods.csv")
    assert len(again.for_owner(ME).drafts.summaries()) == 1


def test_a_real_file_that_aborts_its_reader_is_withheld(studio: Studio, shared: Path) -> None:
    """The second wall: without a process of its own, or where that takes the server with it."""
    workspace = studio.for_owner(ME)
    file = shared / "faults" / "files" / "abort.parquet"
    if not file.is_file():
        pytest.skip(f"needs {file}, which is not part of the project")
    ended_while_reading("", studio, file)
    deadly = workspace.drafts.withheld()
    assert deadly.name == "abort.parquet"
    assert workspace.drafts.latest() is None
    with pytest.raises(UserError, match=r"abort\.parquet is not opened automatically: Emotune ended suddenly while it was reading it"):
        workspace.drafts.reopen(deadly.id)


def test_a_file_on_which_the_reading_fails_unexpectedly_is_not_kept(studio: Studio, moods: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("trainer.drafts.draft_cache.read_tables", fails)
    with pytest.raises(MemoryError):
        opened(studio, moods)
    assert studio.for_owner(ME).drafts.summaries() == ()


def test_the_corrected_file_is_made_of_the_bytes_of_the_source(studio: Studio, tmp_path: Path) -> None:
    rows = [f"{text};{label}" for text, label in ROWS[:60]]
    source = "\r\n".join(["# by hand", "text;label", *rows]).encode("utf-16")
    file = tmp_path / "my moods.tsv"
    file.write_bytes(source)
    draft = opened(studio, file)
    text, label = ROWS[3]
    row = Decision(3, "relabel", label, "a; new one", text=text)
    dropped = Decision(5, "drop", ROWS[5][1], "", text=ROWS[5][0])
    name, corrected = studio.for_owner(ME).editor.corrected_file(draft, Decisions({row.key: row, dropped.key: dropped}))
    expected = [*rows[:3], f'{text};"a; new one"', rows[4], *rows[6:]]
    assert (name, corrected.data) == ("my moods corrected.tsv", "\r\n".join(["# by hand", "text;label", *expected]).encode("utf-16"))
    with pytest.raises(UserError):
        studio.for_owner(OTHER).editor.corrected_file(draft, Decisions())


# Several labels a text


def test_whether_a_text_has_one_label_or_several_is_chosen_and_kept(studio: Studio, tmp_path: Path) -> None:
    rows = [(text, ("joy, fear", "joy", "fear")[n % 3]) for n, (text, _) in enumerate(ROWS[:60])]
    draft, editor = opened(studio, write_rows(tmp_path / "several.csv", rows)), studio.for_owner(ME).editor
    assert studio.for_owner(ME).drafts.get(draft).columns.several
    single = editor.choose_task(draft, "single")
    assert (single.draft.task, single.columns.several, len(single.corpus.label_names)) == ("single", False, 3)
    assert editor.repair(draft, ["several_labels"]).ready
    several = editor.choose_task(draft, "several")
    assert (several.draft.repairs, several.corpus.label_names) == ((), ("fear", "joy"))
    assert studio.for_owner(ME).drafts.get(draft).columns.several
    assert editor.choose_task(draft, "").columns.several
    with refused("unknown_setting"):
        editor.choose_task(draft, "many")


def test_columns_of_labels_that_are_confirmed_stay_together(studio: Studio, tmp_path: Path) -> None:
    rows = [(text, *(str(int(n % prime == 0)) for prime in (2, 3, 5))) for n, (text, _) in enumerate(ROWS[:60])]
    path = write_rows(tmp_path / "marks.csv", rows, ("text", "joy", "fear", "awe"))
    draft, workspace = opened(studio, path), studio.for_owner(ME)
    before = workspace.drafts.get(draft)
    after = workspace.editor.confirm_columns(draft)
    assert "columns_unsure" in {finding.code for finding in before.findings} - {finding.code for finding in after.findings}
    assert (after.corpus.label_sets, after.columns.label_columns) == (before.corpus.label_sets, (1, 2, 3))
    assert workspace.editor.set_columns(draft, label_column="fear").columns.label_columns == (1, 2, 3)
    assert workspace.editor.set_columns(draft, label_column=("awe", "joy")).columns.label_columns == (3, 1)
    assert workspace.drafts.get(draft).draft.main.label_column == ("awe", "joy")
    assert workspace.editor.set_columns(draft, label_column="fear").columns.label_columns == (1, 2, 3)
    one = workspace.editor.choose_task(draft, "single")
    assert (one.columns.label_columns, one.corpus.label_names) == ((2,), ("0", "1"))


def test_the_cut_of_scores_is_chosen_and_kept(studio: Studio, tmp_path: Path) -> None:
    draft, editor = opened(studio, write_scores(tmp_path / "scores.csv")), studio.for_owner(ME).editor

    def labels_now(again: Studio = studio) -> tuple[float | None, list[tuple[str, ...]]]:
        prepared = again.for_owner(ME).drafts.get(draft)
        return prepared.columns.cut, list(prepared.corpus.label_sets)

    assert labels_now() == (0.5, labels_from(0.5))
    changed = editor.choose_cut(draft, "0,3")
    assert (changed.draft.cut, labels_now()) == (0.3, (0.3, labels_from(0.3)))
    assert labels_now(Studio(studio.settings, reader=studio.reader)) == labels_now()
    for wrong in ("many", "1.5", 0):
        with refused("setting_out_of_range"):
            editor.choose_cut(draft, wrong)
    assert studio.for_owner(ME).drafts.get(draft) == changed
    assert editor.choose_cut(draft, "").columns.cut == 0.5
    editor.choose_cut(draft, 0.3)
    assert editor.set_columns(draft, label_column=("joy", "anger")).draft.cut is None
    editor.choose_cut(draft, 0.3)
    assert editor.choose_task(draft, "several").columns.cut == 0.3
    assert editor.choose_task(draft, "single").draft.cut is None
    with refused("settings_disagree"):
        editor.choose_cut(draft, 0.3)
