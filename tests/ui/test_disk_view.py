"""What takes disk, and the files opened before, as HTML."""

import dataclasses

from tests.ui.test_runs_list import EVIL, RUN, TRAINING
from trainer.drafts.history import DraftSummary
from trainer.runs.disk_space import DraftStorage, RunStorage, Storage
from trainer.runs.view import KeptModel
from trainer.ui import disk_view

TITLES = {RUN.id: "my moods, quick look", TRAINING.id: "my moods, balanced"}
DRAFT = DraftSummary("d" * 32, "my moods.csv", "test.csv", "", 1_000_000.0, 1_200_000, open=True)


def storage(**changes: object) -> Storage:
    runs = (RunStorage(RUN.id, RUN.name, 90_000_000, 180_000_000, 1_000_000), RunStorage(TRAINING.id, TRAINING.name, 0, 300_000_000, 0))
    whole = Storage(
        total=571_000_000,
        runs=runs,
        drafts=(DraftStorage(DRAFT.id, DRAFT.name, DRAFT.bytes),),
        uploads=2_000_000,
        free=70_000_000_000,
        checkpoints=480_000_000,
        limit=10_000_000_000,
    )
    return dataclasses.replace(whole, **changes)


def room(storage: Storage) -> str:
    trained = dataclasses.replace(RUN, model=KeptModel(step=3))
    return disk_view.usage_html(storage, [trained, TRAINING], TITLES)


def test_disk_usage_is_listed_by_run_the_largest_first() -> None:
    html = room(storage())
    for expected in (
        "<strong>571.0 MB</strong>",
        "70.0 GB of this disk are free",
        ">90.0 MB<",
        ">180.0 MB<",
        ">271.0 MB<",
        "1.2 MB",
        "2.0 MB",
    ):
        assert expected in html
    assert html.index("my moods, balanced") < html.index("my moods, quick look")


def test_what_other_jobs_take_is_listed_if_they_take_anything() -> None:
    assert "Work on whole files" not in room(storage())
    html = room(storage(jobs=34_000_000))
    assert "Work on whole files" in html
    assert "34.0 MB" in html


def test_states_are_freed_only_where_a_model_stays() -> None:
    html = room(storage())
    assert f'data-action="free" data-code="{RUN.id}"' in html
    assert f'data-action="free" data-code="{TRAINING.id}"' not in html
    assert f'data-action="delete" data-code="{TRAINING.id}" disabled' in html
    assert f'data-action="delete" data-code="{RUN.id}">' in html


def test_the_limit_of_checkpoints_and_the_next_to_be_deleted_are_named() -> None:
    html = room(storage())
    assert "take 480.0 MB. Up to 10.0 GB of ended trainings are kept" in html
    assert "The next are those of" not in html
    assert "The next are those of “my moods, quick look”; models, scores and curves stay." in room(storage(expiring_checkpoints=(RUN.id,)))


def test_nothing_to_clear_cannot_be_cleared() -> None:
    assert 'data-action="clear">' in room(storage())
    assert 'data-action="clear" disabled' in room(storage(uploads=0))
    assert "<table" not in disk_view.usage_html(storage(runs=()), [], {})


def test_the_result_of_an_action_is_shown() -> None:
    assert 'role="status" class="em-result">1 run deleted.' in disk_view.usage_html(storage(), [], {}, result="1 run deleted.")


def test_a_file_says_when_it_was_opened_and_what_goes_with_it() -> None:
    html = disk_view.files_html([DRAFT], now=1_000_000.0 + 3 * 3600 + 50)
    for expected in (
        "my moods.csv",
        "3 hours ago · 1.2 MB · with test file test.csv",
        "open now",
        f'data-action="reopen" data-code="{DRAFT.id}"',
    ):
        assert expected in html
    assert "just now" in disk_view.files_html([DRAFT], now=1_000_030.0)
    assert "No file has been opened yet." in disk_view.files_html([], now=0.0)


def test_nothing_that_somebody_typed_is_markup() -> None:
    evil = dataclasses.replace(DRAFT, name=EVIL, test=EVIL)
    assert "<img" not in disk_view.files_html([evil], now=1_000_000.0)
    assert "<img" not in disk_view.usage_html(storage(drafts=(DraftStorage("d" * 32, EVIL, 1),)), [], {RUN.id: EVIL})


def test_a_file_that_ended_emotune_is_tried_again_knowingly() -> None:
    html = disk_view.files_html([dataclasses.replace(DRAFT, withheld=True)], now=1_000_060.0)
    assert f'data-action="retry" data-code="{DRAFT.id}"' in html
    assert "Emotune crashed while reading it" in html
    assert 'data-action="reopen"' not in html
