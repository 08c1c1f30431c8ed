"""The shelf: names, deletions, room on the disk, comparisons. Runs are written by hand; nothing is trained."""

import dataclasses
import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import small_rows
from trainer import library
from trainer.atomic import REMOVED
from trainer.data.corpus import Corpus
from trainer.data.rows import save_rows
from trainer.data.splits import Splits
from trainer.errors import UserError
from trainer.evaluation.predictions import Predictions, save_predictions
from trainer.library import Shelf
from trainer.recipe import Recipe
from trainer.runs.run import Run, RunStore
from trainer.runs.view import RunView
from trainer.runs.writer_lock import writer_lock
from trainer.settings import Settings
from trainer.training.predictor import Prediction

ME, OTHER = "local", "somebody else"
ROWS = small_rows(100)
NAMES = ("anger", "joy", "sadness")


@pytest.fixture
def shelf(settings: Settings) -> Shelf:
    return Shelf(settings)


def put(
    shelf: Shelf,
    name: str = "brisk otter",
    *,
    owner: str = ME,
    recipe: Recipe | None = None,
    rows: Sequence[tuple[str, str]] = ROWS,
    names: tuple[str, ...] = NAMES,
    wrong: int = 0,
    wrong_validation: int = 0,
    end: str = "finished",
    source: bytes | None = None,
) -> RunView:
    """A run of 100 rows, 20 for the validation and 40 for the test, whose model has the first ``wrong`` of these wrong."""
    ids = np.array([names.index(label) for _, label in rows])
    at = np.arange(len(rows))
    corpus = Corpus(tuple(text for text, _ in rows), ids, names, at, at + 2, None, ())
    splits = Splits(at[:40], at[40:60], at[60:], at[:0], ())
    said = np.eye(len(names))[ids[40:]]
    for part in (slice(0, wrong_validation), slice(20, 20 + wrong)):
        said[part] = np.roll(said[part], 1, axis=1)

    def fill(folder: Path) -> None:
        save_rows(folder / "data.parquet", corpus, splits)
        if source is not None:
            (folder / "source").write_bytes(source)
        (folder / "model").mkdir()
        (folder / "model" / "weights").write_bytes(b"w" * 5000)
        (folder / "model" / "config.json").write_text("{}")
        (folder / "model" / "README.md").write_text("# a card")
        predictions = Predictions(at[40:], ["validation"] * 20 + ["test"] * 40, ids[40:], said, names)
        save_predictions(folder / "predictions.parquet", predictions)

    store = RunStore(shelf.settings.runs_dir)
    run = store.create(recipe=recipe or Recipe(), resolved=recipe or Recipe(), fill=fill, name=name, owner=owner, source_name="moods.csv")
    run.log.append("started", total_steps=10, epochs=1)
    run.log.append("eval", step=10, loss=0.5, accuracy=0.8, macro_f1=0.7)
    if end in ("finished", "stopped"):
        run.seal_results({"kind": "finished"})
    if end:
        run.log.append(end, seconds=5.0 if end != "queued" else None)
    return store.view(run)


def refused(code: str) -> pytest.RaisesExc[UserError]:
    return pytest.raises(UserError, check=lambda error: error.code == code)


# Names


def test_a_run_gets_another_name_that_everybody_sees(shelf: Shelf) -> None:
    run = put(shelf)
    assert shelf.rename(ME, run.id, "  my best one yet  ").name == "my best one yet"
    assert Shelf(shelf.settings).view(ME, run.id).name == "my best one yet"
    assert shelf.rename(ME, run.id, "感情 <b>1</b>").name == "感情 <b>1</b>"
    size = (shelf.folder(ME, run.id) / "events.jsonl").stat().st_size
    shelf.rename(ME, run.id, "感情 <b>1</b> ")
    assert (shelf.folder(ME, run.id) / "events.jsonl").stat().st_size == size


@pytest.mark.parametrize("name", ["", "   ", "y" * 61, "two\nlines", "null\0", "\u202ereversed", "torn \ud800"])
def test_names_that_nobody_could_read_are_refused(shelf: Shelf, name: str) -> None:
    run = put(shelf)
    with refused("bad_name"):
        shelf.rename(ME, run.id, name)
    assert shelf.view(ME, run.id).name == "brisk otter"


def test_no_name_leads_out_of_the_zip(shelf: Shelf, tmp_path: Path) -> None:
    import zipfile

    run = put(shelf)
    for name, wanted in (("../../etc/x", "etc-x"), ("..", "model"), ("C:\\x", "C-x"), ("größer 2", "größer-2")):
        shelf.rename(ME, run.id, name)
        assert shelf.zip_model(ME, run.id, tmp_path / "model.zip") == f"{wanted}.zip"
        with zipfile.ZipFile(tmp_path / "model.zip") as archive:
            assert archive.namelist() == [f"{wanted}/README.md", f"{wanted}/config.json"]


# Taking away


def test_a_deleted_run_is_gone_with_all_its_files_and_no_other_is(shelf: Shelf) -> None:
    gone, kept = put(shelf), put(shelf, "calm fox")
    shelf.scores(ME, gone.id)
    folder = shelf.folder(ME, gone.id)
    shelf.delete(ME, gone.id)
    assert not folder.exists()
    assert [v.id for v in shelf.runs(ME)] == [kept.id]
    assert sorted(p.name for p in shelf.settings.runs_dir.iterdir()) == [kept.id]
    with refused("unknown_run"):
        shelf.delete(ME, gone.id)
    with refused("unknown_run"):
        shelf.scores(ME, gone.id)


def test_runs_that_train_or_wait_are_not_deleted(shelf: Shelf) -> None:
    waiting, training = put(shelf, end="queued"), put(shelf, end="")
    with writer_lock(shelf.folder(ME, training.id)) as mine:
        assert mine
        for run, doing in ((waiting, "waits in the queue"), (training, "is training")):
            with pytest.raises(UserError, match=f"{doing}, so it cannot be deleted") as error:
                shelf.delete(ME, run.id)
            assert error.value.code == "run_is_live"
    assert len(shelf.runs(ME)) == 2
    shelf.delete(ME, training.id)  # nobody writes it any more


def test_a_folder_that_cannot_be_moved_loses_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    run = put(shelf)

    def fails(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fails)
        with pytest.raises(UserError, match="Permission denied"):
            shelf.delete(ME, run.id)
    assert shelf.scores(ME, run.id).test.rows == 40


def test_a_crash_in_the_middle_of_a_deletion_leaves_no_half_run(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    run = put(shelf)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    shelf.delete(ME, run.id)
    assert shelf.runs(ME) == []
    (left,) = shelf.settings.runs_dir.iterdir()
    assert left.name.startswith(f"{REMOVED}{run.id}")


def test_nobody_names_deletes_weighs_or_compares_what_is_not_theirs(shelf: Shelf) -> None:
    run, mine = put(shelf, owner=OTHER), put(shelf)
    for call in (
        lambda: shelf.rename(ME, run.id, "mine"),
        lambda: shelf.delete(ME, run.id),
        lambda: shelf.disk_bytes(ME, run.id),
        lambda: shelf.scores(ME, run.id),
        lambda: shelf.examples(ME, run.id),
        lambda: shelf.compare(ME, [mine.id, run.id]),
        lambda: shelf.delete(ME, "../" + mine.id),
    ):
        with refused("unknown_run"):
            call()
    assert shelf.view(OTHER, run.id).name == "brisk otter"


def test_room_on_the_disk_is_that_of_all_files(shelf: Shelf) -> None:
    run = put(shelf)
    folder = shelf.folder(ME, run.id)
    assert shelf.disk_bytes(ME, run.id) == sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) > 5000


# Examples


def test_examples_are_readable_test_rows_of_different_classes_the_same_each_time(shelf: Shelf) -> None:
    short, long = ("ha", "joy"), ("word " * 60, "anger")
    rows = [*ROWS[:60], *[short] * 15, *[long] * 15, *ROWS[60:70]]
    run = put(shelf, rows=rows)
    found = shelf.examples(ME, run.id)
    assert len({row.label for row in found}) == 3
    assert all(row.source_row > 60 and rows[row.source_row - 1] == (row.text, row.label) for row in found)
    assert not {row.text for row in found} & {short[0], long[0]}
    assert found == Shelf(shelf.settings).examples(ME, run.id)
    assert shelf.examples(ME, run.id, 2) == found[:2]


def test_there_are_no_more_examples_than_test_rows_and_the_odd_ones_come_last(shelf: Shelf) -> None:
    rows = [*ROWS[:60], *[("ha", "joy")] * 39, ("word " * 60, "joy")]
    run = put(shelf, rows=rows)
    found = shelf.examples(ME, run.id, 50)
    assert [row.text for row in found] == ["ha"] * 39 + ["word " * 60]
    assert {row.label for row in found} == {"joy"}


def test_rows_are_not_read_again_for_their_examples(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    run = put(shelf)
    found = shelf.examples(ME, run.id)
    monkeypatch.setattr(library.pipeline, "load_run_rows", lambda run: pytest.fail("the rows were read"))
    assert shelf.examples(ME, run.id) == found


# Scores and comparisons


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The splits whose reports were computed."""
    computed = []
    load = library.pipeline.split_report
    monkeypatch.setattr(library.pipeline, "split_report", lambda saved, split: (computed.append(split), load(saved, split))[1])
    return computed


def test_a_report_is_computed_once_for_its_predictions(shelf: Shelf, loads: list[str]) -> None:
    run = put(shelf, wrong=10, wrong_validation=2)
    for _ in range(3):
        reports, scores = shelf.reports(ME, run.id), shelf.scores(ME, run.id)
    assert sorted(loads) == ["test", "validation"]
    assert (scores.test.rows, scores.test.accuracy.value) == (40, 0.75)
    assert (scores.validation.rows, scores.validation.accuracy.value) == (20, 0.9)
    assert (scores.test.macro_f1, scores.validation.macro_f1) == (reports.test.macro_f1, reports.validation.macro_f1)
    # Neither another name nor another event makes other predictions.
    shelf.rename(ME, run.id, "renamed")
    Run(shelf.folder(ME, run.id)).log.append("finished", seconds=9.0)
    assert shelf.reports(ME, run.id) is reports
    assert shelf.scores(ME, run.id) is scores


def test_other_predictions_give_another_report(shelf: Shelf, loads: list[str]) -> None:
    run, better = put(shelf, wrong=10), put(shelf, "better")
    assert shelf.scores(ME, run.id).test.accuracy.value == 0.75
    path = shelf.folder(ME, run.id) / "predictions.parquet"
    path.write_bytes((shelf.folder(ME, better.id) / "predictions.parquet").read_bytes())
    os.utime(path, ns=(1, 1))
    Run(path.parent).seal_results({"kind": "finished"})
    assert shelf.scores(ME, run.id).test.accuracy.value == shelf.reports(ME, run.id).test.accuracy.value == 1.0
    assert len(loads) == 4


def test_damaged_predictions_are_not_kept_as_an_answer(shelf: Shelf) -> None:
    run = put(shelf)
    path = shelf.folder(ME, run.id) / "predictions.parquet"
    whole = path.read_bytes()
    path.unlink()
    for _ in range(2):
        with refused("run_damaged"):
            shelf.scores(ME, run.id)
    path.write_bytes(whole)
    assert shelf.scores(ME, run.id).test.rows == 40


def test_a_list_longer_than_the_kept_reports_is_computed_once(shelf: Shelf, loads: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shelf._reports = library.SingleFlightCache(2)
    runs = [put(shelf, f"run {i}") for i in range(5)]
    for _ in range(3):
        for run in runs:
            shelf.scores(ME, run.id)
    assert len(loads) == 10
    assert len(shelf._reports) == 2


def test_many_who_ask_at_once_compute_a_report_once(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    run, computed, all_asked = put(shelf), [], threading.Barrier(4)
    load = library.pipeline.split_report
    monkeypatch.setattr(library.pipeline, "split_report", lambda saved, split: (computed.append(split), load(saved, split))[1])

    def ask() -> object:
        all_asked.wait(30)
        return shelf.reports(ME, run.id)

    with ThreadPoolExecutor(4) as pool:
        answers = [future.result(60) for future in [pool.submit(ask) for _ in range(4)]]
    assert len({id(answer) for answer in answers}) == 1
    assert len(computed) == 2


def test_a_deleted_run_leaves_no_report_in_memory(shelf: Shelf) -> None:
    run, kept = put(shelf), put(shelf, "kept")
    for one in (run, kept):
        shelf.scores(ME, one.id)
    shelf.delete(ME, run.id)
    assert (len(shelf._reports), len(shelf._scores)) == (1, 1)


def test_runs_side_by_side(shelf: Shelf) -> None:
    recipe = Recipe(epochs=2)
    worse, best, none = (
        put(shelf, wrong=12, wrong_validation=3),
        put(shelf, "calm fox", recipe=recipe, wrong=2),
        put(shelf, "torn", end="failed"),
    )
    found = shelf.compare(ME, [worse.id, none.id, best.id, worse.id])
    assert [run.view.name for run in found.runs] == ["calm fox", "brisk otter", "torn"]
    assert [run.recipe for run in found.runs] == [recipe, Recipe(), Recipe()]
    assert found.runs[2].scores is None
    assert found.reference == 0
    [(at, paired)] = found.against
    assert at == 1
    assert (paired.rows, paired.both, paired.only_a, paired.only_b, paired.neither) == (40, 28, 10, 0, 2)
    assert paired.p == pytest.approx(2 / 2**10)


def test_no_test_score_chooses_or_orders_anything(shelf: Shelf) -> None:
    lucky = put(shelf, "lucky on the test rows", wrong=0, wrong_validation=6)
    chosen = put(shelf, "chosen by validation", wrong=15, wrong_validation=1)
    between = put(shelf, "between", wrong=30, wrong_validation=3)
    for asked in ([lucky, chosen, between], [between, chosen, lucky]):
        found = shelf.compare(ME, [run.id for run in asked])
        assert [run.view.name for run in found.runs] == ["chosen by validation", "between", "lucky on the test rows"]
        assert found.reference == 0
        assert [(at, paired.difference) for at, paired in found.against] == [(1, pytest.approx(15 / 40)), (2, pytest.approx(-15 / 40))]


def test_of_runs_that_validate_alike_the_older_is_the_reference(shelf: Shelf) -> None:
    runs = [put(shelf, name, wrong=wrong) for name, wrong in (("first", 9), ("second", 0), ("third", 4))]
    for order in (runs, runs[::-1]):
        found = shelf.compare(ME, [run.id for run in order])
        assert [run.view.name for run in found.runs] == ["first", "second", "third"]
    # Two comparisons are looked at together.
    [(_, alone)] = shelf.compare(ME, [runs[0].id, runs[2].id]).against
    assert found.against[1][1].p == pytest.approx(min(1.0, 2 * alone.p))


def test_runs_of_other_files_and_class_orders_are_compared_on_what_they_share(shelf: Shelf) -> None:
    here = put(shelf, wrong=1)
    other_classes = put(shelf, "turned", names=NAMES[::-1], wrong=5)
    elsewhere = put(shelf, "elsewhere", rows=[(f"{text} elsewhere", label) for text, label in ROWS])
    [(_, shared)] = shelf.compare(ME, [here.id, other_classes.id]).against
    assert (shared.rows, shared.only_a, shared.only_b) == (40, 4, 0)
    [(_, nothing)] = shelf.compare(ME, [here.id, elsewhere.id]).against
    assert (nothing.rows, nothing.p) == (0, 1)


def test_rows_that_one_run_learned_from_are_not_shared(shelf: Shelf) -> None:
    one, other = put(shelf), put(shelf, "other split", rows=[*ROWS[20:], *ROWS[:20]])
    [(_, shared)] = shelf.compare(ME, [one.id, other.id]).against
    assert shared.rows == 20


def test_comparisons_take_two_to_six_runs(shelf: Shelf) -> None:
    runs = [put(shelf, f"run {n}", end="failed").id for n in range(7)]
    for chosen in ([], runs[:1], [runs[0]] * 2, runs):
        with refused("compare_count"):
            shelf.compare(ME, chosen)
    found = shelf.compare(ME, runs[:6])
    assert (found.reference, found.against) == (None, ())


def test_a_damaged_run_stands_beside_the_others_with_its_problem(shelf: Shelf) -> None:
    runs = [put(shelf, name) for name in ("one", "two", "torn")]
    (shelf.folder(ME, runs[2].id) / "predictions.parquet").write_bytes(b"no parquet")
    found = shelf.compare(ME, [run.id for run in runs])
    assert [bool(run.problem) for run in found.runs] == [False, False, True]
    assert len(found.against) == 1
    (shelf.folder(ME, runs[1].id) / "data.parquet").unlink()
    with refused("run_damaged"):
        shelf.compare(ME, [run.id for run in runs])


def test_a_folder_that_is_hardly_a_run_is_named_or_refused_in_words_and_goes(shelf: Shelf) -> None:
    whole = put(shelf)
    for harm in ("emptied", "a folder"):
        run = put(shelf)
        folder = shelf.folder(ME, run.id)
        for file in folder.rglob("*"):
            file.unlink() if file.is_file() else None
        if harm == "a folder":
            (folder / "events.jsonl").mkdir()
            with refused("disk_not_writable"):
                shelf.rename(ME, run.id, "calm fox")
        else:
            assert shelf.rename(ME, run.id, "calm fox").name == "calm fox"
        assert shelf.damage(ME, run.id)
        for use in (shelf.recipe, shelf.reports, lambda *run: shelf.predict(*run, ["happy"])):
            with pytest.raises(UserError):
                use(ME, run.id)
        shelf.delete(ME, run.id)
    assert [view.id for view in shelf.runs(ME)] == [whole.id]


@pytest.mark.parametrize(
    ("sources", "others", "one_file"),
    [
        ((b"a", b"a"), {"rows": small_rows(100, seed=2)}, True),
        ((b"a", b"a"), {"end": ""}, True),
        ((b"a", b"b"), {}, True),  # the very same test rows
        ((b"a", b"b"), {"end": ""}, False),
        ((b"a", b"b"), {"rows": small_rows(100, seed=2)}, False),
        ((b"a", b"b"), {"rows": [*ROWS[:99], (ROWS[99][0], "joy" if ROWS[99][1] != "joy" else "anger")]}, False),
        ((None, None), {"end": ""}, False),
    ],
)
def test_a_comparison_says_whether_its_runs_are_of_one_file(
    shelf: Shelf, sources: tuple[bytes | None, bytes | None], others: dict, one_file: bool
) -> None:
    runs = put(shelf, source=sources[0]), put(shelf, "calm fox", source=sources[1], **others)
    assert shelf.compare(ME, [run.id for run in runs]).one_file is one_file


# Models in memory


def test_a_new_model_of_a_run_is_loaded_anew(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []

    @dataclasses.dataclass
    class Loaded:
        folder: Path

        def __post_init__(self) -> None:
            loaded.append(self.folder)

        label_names = NAMES

        def predict(self, texts: list[str], *, max_chars: int) -> list[Prediction]:
            return [Prediction(text, False, np.full(3, 1 / 3), 3, 3, False) for text in texts]

    monkeypatch.setattr("trainer.training.predictor.Predictor", Loaded)
    run = put(shelf)
    for _ in range(2):
        shelf.predict(ME, run.id, ["happy"])
    assert len(loaded) == 1
    os.utime(shelf.folder(ME, run.id) / "model" / "weights", ns=(1, 1))
    shelf.predict(ME, run.id, ["happy"])
    assert len(loaded) == 2
    shelf.delete(ME, run.id)
    assert not shelf._predictors
