"""The library: names, deletions, disk space, comparisons. Runs are written by hand; nothing is trained."""

import dataclasses
import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.addresses import TIMEOUT_SECONDS
from tests.conftest import small_rows
from trainer import run_library
from trainer.atomic import REMOVED_PREFIX
from trainer.data.corpus import Corpus
from trainer.data.rows import save_rows
from trainer.data.splits import Splits
from trainer.errors import UserError
from trainer.evaluation.predictions import Predictions, save_predictions
from trainer.recipe import Recipe
from trainer.runs.event_types import EVENT_TYPES, Created, Evaluated, Finished, Queued, Started
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.runs.writer_lock import writer_lock
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.predictor import Prediction

ME, OTHER = "local", "somebody else"
ROWS = small_rows(100)
NAMES = ("anger", "joy", "sadness")


@pytest.fixture
def studio(settings: Settings) -> Studio:
    return Studio(settings)


def create_run(
    studio: Studio,
    name: str = "brisk otter",
    *,
    owner: str = ME,
    recipe: Recipe | None = None,
    rows: Sequence[tuple[str, str]] = ROWS,
    names: tuple[str, ...] = NAMES,
    n_wrong: int = 0,
    n_wrong_validation: int = 0,
    end: str = "finished",
    source: bytes | None = None,
) -> RunView:
    """A run of 100 rows, 20 for validation and 40 for the test, with ``n_wrong`` wrong test predictions, the first ones."""
    ids = np.array([names.index(label) for _, label in rows])
    row_numbers = np.arange(len(rows))
    corpus = Corpus(tuple(text for text, _ in rows), ids, names, row_numbers, row_numbers + 2, None, ())
    splits = Splits(row_numbers[:40], row_numbers[40:60], row_numbers[60:], row_numbers[:0], ())
    probabilities = np.eye(len(names))[ids[40:]]
    for rows_to_swap in (slice(0, n_wrong_validation), slice(20, 20 + n_wrong)):
        probabilities[rows_to_swap] = np.roll(probabilities[rows_to_swap], 1, axis=1)

    def fill(folder: Path) -> None:
        save_rows(folder / "data.parquet", corpus, splits)
        if source is not None:
            (folder / "source").write_bytes(source)
        (folder / "model").mkdir()
        (folder / "model" / "weights").write_bytes(b"w" * 5000)
        (folder / "model" / "config.json").write_text("{}")
        (folder / "model" / "README.md").write_text("# a card")
        predictions = Predictions(row_numbers[40:], ["validation"] * 20 + ["test"] * 40, ids[40:], probabilities, names)
        save_predictions(folder / "predictions.parquet", predictions)

    store = RunStore(studio.settings.runs_dir)
    run = store.create(
        recipe=recipe or Recipe(), resolved=recipe or Recipe(), fill=fill, created=Created(name=name, owner=owner, source_name="moods.csv")
    )
    run.log.append(Started(total_steps=10, epochs=1))
    run.log.append(Evaluated(step=10, loss=0.5, accuracy=0.8, macro_f1=0.7))
    if end in ("finished", "stopped"):
        run.seal_results_and_log(Finished())
    if end:
        run.log.append(Queued() if end == "queued" else EVENT_TYPES[end](seconds=5.0))
    return store.view(run)


def refused(code: str) -> pytest.RaisesExc[UserError]:
    return pytest.raises(UserError, check=lambda error: error.code == code)


# Names


def test_a_run_can_be_renamed(studio: Studio) -> None:
    workspace = studio.for_owner(ME)
    run = create_run(studio)
    assert workspace.library.rename(run.id, "  my best one yet  ").name == "my best one yet"
    assert Studio(studio.settings).for_owner(ME).library.view(run.id).name == "my best one yet"
    assert workspace.library.rename(run.id, "感情 <b>1</b>").name == "感情 <b>1</b>"
    size = (workspace.library.folder(run.id) / "events.jsonl").stat().st_size
    workspace.library.rename(run.id, "感情 <b>1</b> ")
    assert (workspace.library.folder(run.id) / "events.jsonl").stat().st_size == size


@pytest.mark.parametrize("name", ["", "   ", "y" * 61, "two\nlines", "null\0", "\u202ereversed", "torn \ud800"])
def test_unreadable_names_are_refused(studio: Studio, name: str) -> None:
    workspace = studio.for_owner(ME)
    run = create_run(studio)
    with refused("bad_name"):
        workspace.library.rename(run.id, name)
    assert workspace.library.view(run.id).name == "brisk otter"


def test_no_name_leaves_the_zip(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner(ME)
    import zipfile

    run = create_run(studio)
    for name, stem in (("../../etc/x", "etc-x"), ("..", "model"), ("C:\\x", "C-x"), ("größer 2", "größer-2")):
        workspace.library.rename(run.id, name)
        assert workspace.models.write_zip(run.id, tmp_path / "model.zip") == f"{stem}.zip"
        with zipfile.ZipFile(tmp_path / "model.zip") as archive:
            assert archive.namelist() == [f"{stem}/README.md", f"{stem}/config.json"]


# Deleting


def test_deleting_a_run_removes_all_its_files_and_no_other_run(studio: Studio) -> None:
    workspace = studio.for_owner(ME)
    deleted, kept = create_run(studio), create_run(studio, "calm fox")
    workspace.library.scores(deleted.id)
    folder = workspace.library.folder(deleted.id)
    workspace.delete(deleted.id)
    assert not folder.exists()
    assert [v.id for v in workspace.library.runs()] == [kept.id]
    assert sorted(p.name for p in studio.settings.runs_dir.iterdir()) == [kept.id]
    with refused("unknown_run"):
        workspace.delete(deleted.id)
    with refused("unknown_run"):
        workspace.library.scores(deleted.id)


def test_runs_that_train_or_wait_are_not_deleted(studio: Studio) -> None:
    workspace = studio.for_owner(ME)
    waiting, training = create_run(studio, end="queued"), create_run(studio, end="")
    with writer_lock(workspace.library.folder(training.id)) as acquired:
        assert acquired
        for run, doing in ((waiting, "waits in the queue"), (training, "is training")):
            with pytest.raises(UserError, match=f"{doing}, so it cannot be deleted") as error:
                workspace.delete(run.id)
            assert error.value.code == "run_is_live"
    assert len(workspace.library.runs()) == 2
    workspace.delete(training.id)  # nothing writes it any more


def test_a_folder_that_cannot_be_moved_loses_nothing(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = studio.for_owner(ME)
    run = create_run(studio)

    def fails(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fails)
        with pytest.raises(UserError, match="Permission denied"):
            workspace.delete(run.id)
    assert workspace.library.scores(run.id).test.rows == 40


def test_a_crash_in_the_middle_of_a_deletion_leaves_no_half_run(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = studio.for_owner(ME)
    run = create_run(studio)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    workspace.delete(run.id)
    assert workspace.library.runs() == []
    (remaining,) = studio.settings.runs_dir.iterdir()
    assert remaining.name.startswith(f"{REMOVED_PREFIX}{run.id}")


def test_runs_of_another_owner_cannot_be_used(studio: Studio) -> None:
    workspace = studio.for_owner(ME)
    foreign_run, own_run = create_run(studio, owner=OTHER), create_run(studio)
    for call in (
        lambda: workspace.library.rename(foreign_run.id, "mine"),
        lambda: workspace.delete(foreign_run.id),
        lambda: workspace.storage.run_bytes(foreign_run.id),
        lambda: workspace.library.scores(foreign_run.id),
        lambda: workspace.library.examples(foreign_run.id),
        lambda: workspace.library.compare([own_run.id, foreign_run.id]),
        lambda: workspace.delete("../" + own_run.id),
    ):
        with refused("unknown_run"):
            call()
    assert studio.for_owner(OTHER).library.view(foreign_run.id).name == "brisk otter"


def test_disk_usage_counts_all_files(studio: Studio) -> None:
    workspace = studio.for_owner(ME)
    run = create_run(studio)
    folder = workspace.library.folder(run.id)
    assert workspace.storage.run_bytes(run.id) == sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) > 5000


# Examples


def test_examples_are_readable_test_rows_of_different_classes_the_same_each_time(studio: Studio) -> None:
    workspace = studio.for_owner(ME)
    short, long = ("ha", "joy"), ("word " * 60, "anger")
    rows = [*ROWS[:60], *[short] * 15, *[long] * 15, *ROWS[60:70]]
    run = create_run(studio, rows=rows)
    examples = workspace.library.examples(run.id)
    assert len({row.label for row in examples}) == 3
    assert all(row.source_row > 60 and rows[row.source_row - 1] == (row.text, row.label) for row in examples)
    assert not {row.text for row in examples} & {short[0], long[0]}
    assert examples == Studio(studio.settings).for_owner(ME).library.examples(run.id)
    assert workspace.library.examples(run.id, 2) == examples[:2]


def test_there_are_at_most_as_many_examples_as_test_rows_and_unusual_ones_come_last(studio: Studio) -> None:
    rows = [*ROWS[:60], *[("ha", "joy")] * 39, ("word " * 60, "joy")]
    run = create_run(studio, rows=rows)
    examples = studio.for_owner(ME).library.examples(run.id, 50)
    assert [row.text for row in examples] == ["ha"] * 39 + ["word " * 60]
    assert {row.label for row in examples} == {"joy"}


def test_rows_are_not_read_again_for_their_examples(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = studio.for_owner(ME)
    run = create_run(studio)
    examples = workspace.library.examples(run.id)
    monkeypatch.setattr(run_library.pipeline, "load_run_rows", lambda run: pytest.fail("the rows were read"))
    assert workspace.library.examples(run.id) == examples


# Scores and comparisons


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The splits whose reports were computed."""
    computed = []
    load = run_library.split_report
    monkeypatch.setattr(run_library, "split_report", lambda saved, split: (computed.append(split), load(saved, split))[1])
    return computed


def test_a_report_is_computed_once_for_its_predictions(studio: Studio, loads: list[str]) -> None:
    workspace = studio.for_owner(ME)
    run = create_run(studio, n_wrong=10, n_wrong_validation=2)
    for _ in range(3):
        reports, scores = workspace.library.reports(run.id), workspace.library.scores(run.id)
    assert sorted(loads) == ["test", "validation"]
    assert (scores.test.rows, scores.test.accuracy.value) == (40, 0.75)
    assert (scores.validation.rows, scores.validation.accuracy.value) == (20, 0.9)
    assert (scores.test.macro_f1, scores.validation.macro_f1) == (reports.test.macro_f1, reports.validation.macro_f1)
    # A rename or another event does not change the predictions.
    workspace.library.rename(run.id, "renamed")
    Run(workspace.library.folder(run.id)).log.append(Finished(seconds=9.0))
    assert workspace.library.reports(run.id) is reports
    assert workspace.library.scores(run.id) is scores


def test_other_predictions_give_another_report(studio: Studio, loads: list[str]) -> None:
    workspace = studio.for_owner(ME)
    run, better = create_run(studio, n_wrong=10), create_run(studio, "better")
    assert workspace.library.scores(run.id).test.accuracy.value == 0.75
    path = workspace.library.folder(run.id) / "predictions.parquet"
    path.write_bytes((workspace.library.folder(better.id) / "predictions.parquet").read_bytes())
    os.utime(path, ns=(1, 1))
    Run(path.parent).seal_results_and_log(Finished())
    assert workspace.library.scores(run.id).test.accuracy.value == workspace.library.reports(run.id).test.accuracy.value == 1.0
    assert len(loads) == 4


def test_an_error_about_damaged_predictions_is_not_cached(studio: Studio) -> None:
    workspace = studio.for_owner(ME)
    run = create_run(studio)
    path = workspace.library.folder(run.id) / "predictions.parquet"
    content = path.read_bytes()
    path.unlink()
    for _ in range(2):
        with refused("run_damaged"):
            workspace.library.scores(run.id)
    path.write_bytes(content)
    assert workspace.library.scores(run.id).test.rows == 40


def test_scores_are_computed_once_even_for_more_runs_than_cached_reports(
    studio: Studio, loads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    studio._services.scores.reports = run_library.SingleFlightCache(2)
    runs = [create_run(studio, f"run {i}") for i in range(5)]
    for _ in range(3):
        for run in runs:
            studio.for_owner(ME).library.scores(run.id)
    assert len(loads) == 10
    assert len(studio._services.scores.reports) == 2


def test_concurrent_requests_compute_a_report_once(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    run, computed, all_started = create_run(studio), [], threading.Barrier(4)
    load = run_library.split_report
    monkeypatch.setattr(run_library, "split_report", lambda saved, split: (computed.append(split), load(saved, split))[1])

    def ask() -> object:
        all_started.wait(TIMEOUT_SECONDS)
        return studio.for_owner(ME).library.reports(run.id)

    with ThreadPoolExecutor(4) as pool:
        reports = [future.result(60) for future in [pool.submit(ask) for _ in range(4)]]
    assert len({id(report) for report in reports}) == 1
    assert len(computed) == 2


def test_a_deleted_run_leaves_no_report_in_memory(studio: Studio) -> None:
    workspace = studio.for_owner(ME)
    run, kept = create_run(studio), create_run(studio, "kept")
    for view in (run, kept):
        workspace.library.scores(view.id)
    workspace.delete(run.id)
    assert (len(studio._services.scores.reports), len(studio._services.scores.scores)) == (1, 1)


def test_runs_side_by_side(studio: Studio) -> None:
    recipe = Recipe(epochs=2)
    worse, best, none = (
        create_run(studio, n_wrong=12, n_wrong_validation=3),
        create_run(studio, "calm fox", recipe=recipe, n_wrong=2),
        create_run(studio, "torn", end="failed"),
    )
    comparison = studio.for_owner(ME).library.compare([worse.id, none.id, best.id, worse.id])
    assert [run.view.name for run in comparison.runs] == ["calm fox", "brisk otter", "torn"]
    assert [run.recipe for run in comparison.runs] == [recipe, Recipe(), Recipe()]
    assert comparison.runs[2].scores is None
    assert comparison.reference == 0
    [(at, paired)] = comparison.paired
    assert at == 1
    assert (paired.n_shared_rows, paired.both, paired.only_a, paired.only_b, paired.neither) == (40, 28, 10, 0, 2)
    assert paired.p_value == pytest.approx(2 / 2**10)


def test_no_test_score_chooses_or_orders_anything(studio: Studio) -> None:
    lucky = create_run(studio, "lucky on the test rows", n_wrong=0, n_wrong_validation=6)
    chosen = create_run(studio, "chosen by validation", n_wrong=15, n_wrong_validation=1)
    between = create_run(studio, "between", n_wrong=30, n_wrong_validation=3)
    for order in ([lucky, chosen, between], [between, chosen, lucky]):
        comparison = studio.for_owner(ME).library.compare([run.id for run in order])
        assert [run.view.name for run in comparison.runs] == ["chosen by validation", "between", "lucky on the test rows"]
        assert comparison.reference == 0
        assert [(at, paired.difference) for at, paired in comparison.paired] == [(1, pytest.approx(15 / 40)), (2, pytest.approx(-15 / 40))]


def test_of_runs_with_equal_validation_scores_the_older_is_the_reference(studio: Studio) -> None:
    workspace = studio.for_owner(ME)
    runs = [create_run(studio, name, n_wrong=wrong) for name, wrong in (("first", 9), ("second", 0), ("third", 4))]
    for order in (runs, runs[::-1]):
        comparison = workspace.library.compare([run.id for run in order])
        assert [run.view.name for run in comparison.runs] == ["first", "second", "third"]
    # Two comparisons are corrected for multiple testing.
    [(_, alone)] = workspace.library.compare([runs[0].id, runs[2].id]).paired
    assert comparison.paired[1][1].p_value == pytest.approx(min(1.0, 2 * alone.p_value))


def test_runs_of_other_files_and_class_orders_are_compared_on_what_they_share(studio: Studio) -> None:
    workspace = studio.for_owner(ME)
    run = create_run(studio, n_wrong=1)
    other_classes = create_run(studio, "turned", names=NAMES[::-1], n_wrong=5)
    other_texts = create_run(studio, "elsewhere", rows=[(f"{text} elsewhere", label) for text, label in ROWS])
    [(_, shared)] = workspace.library.compare([run.id, other_classes.id]).paired
    assert (shared.n_shared_rows, shared.only_a, shared.only_b) == (40, 4, 0)
    [(_, without_shared_rows)] = workspace.library.compare([run.id, other_texts.id]).paired
    assert (without_shared_rows.n_shared_rows, without_shared_rows.p_value) == (0, 1)


def test_rows_that_one_run_was_trained_on_are_not_compared(studio: Studio) -> None:
    first, second = create_run(studio), create_run(studio, "other split", rows=[*ROWS[20:], *ROWS[:20]])
    [(_, shared)] = studio.for_owner(ME).library.compare([first.id, second.id]).paired
    assert shared.n_shared_rows == 20


def test_comparisons_take_two_to_six_runs(studio: Studio) -> None:
    workspace = studio.for_owner(ME)
    runs = [create_run(studio, f"run {n}", end="failed").id for n in range(7)]
    for chosen in ([], runs[:1], [runs[0]] * 2, runs):
        with refused("compare_count"):
            workspace.library.compare(chosen)
    comparison = workspace.library.compare(runs[:6])
    assert (comparison.reference, comparison.paired) == (None, ())


def test_a_damaged_run_is_compared_with_its_problem(studio: Studio) -> None:
    workspace = studio.for_owner(ME)
    runs = [create_run(studio, name) for name in ("one", "two", "torn")]
    (workspace.library.folder(runs[2].id) / "predictions.parquet").write_bytes(b"no parquet")
    comparison = workspace.library.compare([run.id for run in runs])
    assert [bool(run.problem) for run in comparison.runs] == [False, False, True]
    assert len(comparison.paired) == 1
    (workspace.library.folder(runs[1].id) / "data.parquet").unlink()
    with refused("run_damaged"):
        workspace.library.compare([run.id for run in runs])


def test_an_almost_empty_run_folder_can_be_renamed_or_gives_an_error_and_can_be_deleted(studio: Studio) -> None:
    workspace = studio.for_owner(ME)
    intact_run = create_run(studio)
    for harm in ("emptied", "a folder"):
        run = create_run(studio)
        folder = workspace.library.folder(run.id)
        for file in folder.rglob("*"):
            file.unlink() if file.is_file() else None
        if harm == "a folder":
            (folder / "events.jsonl").mkdir()
            with refused("disk_not_writable"):
                workspace.library.rename(run.id, "calm fox")
        else:
            assert workspace.library.rename(run.id, "calm fox").name == "calm fox"
        assert workspace.library.damage(run.id)
        for use in (workspace.library.recipe, workspace.library.reports, lambda run_id: workspace.models.predict(run_id, ["happy"])):
            with pytest.raises(UserError):
                use(run.id)
        workspace.delete(run.id)
    assert [view.id for view in workspace.library.runs()] == [intact_run.id]


@pytest.mark.parametrize(
    ("sources", "others", "one_file"),
    [
        ((b"a", b"a"), {"rows": small_rows(100, seed=2)}, True),
        ((b"a", b"a"), {"end": ""}, True),
        ((b"a", b"b"), {}, True),  # the same test rows
        ((b"a", b"b"), {"end": ""}, False),
        ((b"a", b"b"), {"rows": small_rows(100, seed=2)}, False),
        ((b"a", b"b"), {"rows": [*ROWS[:99], (ROWS[99][0], "joy" if ROWS[99][1] != "joy" else "anger")]}, False),
        ((None, None), {"end": ""}, False),
    ],
)
def test_a_comparison_says_whether_its_runs_are_of_one_file(
    studio: Studio, sources: tuple[bytes | None, bytes | None], others: dict, one_file: bool
) -> None:
    runs = create_run(studio, source=sources[0]), create_run(studio, "calm fox", source=sources[1], **others)
    assert studio.for_owner(ME).library.compare([run.id for run in runs]).same_file is one_file


# Models in memory


def test_a_changed_model_of_a_run_is_loaded_again(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = studio.for_owner(ME)
    loaded = []

    @dataclasses.dataclass
    class Loaded:
        folder: Path

        def __post_init__(self) -> None:
            loaded.append(self.folder)

        label_names = NAMES

    def predict(model: Loaded, texts: list[str], *, max_chars: int) -> list[Prediction]:
        return [Prediction(text, False, np.full(3, 1 / 3), 3, 3, False) for text in texts]

    monkeypatch.setattr("trainer.training.predictor.Predictor", Loaded)
    monkeypatch.setattr("trainer.training.predictor.predict_texts", predict)
    run = create_run(studio)
    for _ in range(2):
        workspace.models.predict(run.id, ["happy"])
    assert len(loaded) == 1
    os.utime(workspace.library.folder(run.id) / "model" / "weights", ns=(1, 1))
    workspace.models.predict(run.id, ["happy"])
    assert len(loaded) == 2
    workspace.delete(run.id)
    assert not len(studio._services.models.predictors)
