"""The question before an action: its text, the disk space that is freed, and what cannot be asked."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.ui.test_runs_list import RUN, TRAINING
from trainer.drafts.copies import Copies
from trainer.drafts.history import DraftSummary
from trainer.errors import UserError
from trainer.runs.disk_space import RunStorage, Storage
from trainer.runs.view import KeptModel
from trainer.settings import Settings
from trainer.ui import runs_confirmations

TRAINED = dataclasses.replace(RUN, model=KeptModel(step=9), train_seconds=80.0, epochs=2)
OTHER = dataclasses.replace(TRAINED, id="c" * 32, name="a very long name that stands in the way", level="Best", renamed=True)
IN_FOLDS = dataclasses.replace(TRAINED, id="e" * 32, name="in five parts", renamed=True, folds=5)
DRAFT = DraftSummary("d" * 32, "my moods.csv", "", "", 0.0, 1_200_000, open=False)


@pytest.fixture
def studio() -> Any:
    usage = Storage(1, (RunStorage(TRAINED.id, TRAINED.name, 1, 180_000_000, 1),), (), 2_000_000, 1, 180_000_000, 1)
    workspace = SimpleNamespace(
        library=SimpleNamespace(runs=lambda: [TRAINED, OTHER, TRAINING, IN_FOLDS]),
        files=SimpleNamespace(of_run=lambda run: [f"a file that {run} labelled"]),
        drafts=SimpleNamespace(summaries=lambda: (DRAFT,)),
        storage=SimpleNamespace(
            run_bytes=lambda _: 90_000_000,
            find_copies=lambda _: Copies((), None, ()),
            usage=lambda: usage,
        ),
    )
    return SimpleNamespace(for_owner=lambda _: workspace, settings=Settings(runs_dir=Path("unused")))


def test_what_needs_no_question_asks_none(studio: Any) -> None:
    assert runs_confirmations.build_question(studio, "again", TRAINED.id) is None


def test_deleting_says_what_is_lost_and_what_is_freed(studio: Any) -> None:
    one = runs_confirmations.build_question(studio, "delete", TRAINED.id)
    assert one.title == "Delete “my moods, quick look (brisk otter)”?"
    assert "Its model, curves, scores and copy of the data are lost for good. This frees 90.0 MB of disk space." in one.details
    assert "1 file that it labelled is deleted too." in one.details
    assert [button.action for button in one.buttons] == ["confirm-delete", "cancel"]
    two = runs_confirmations.build_question(studio, "delete", f"{TRAINED.id} {OTHER.id}")
    assert OTHER.name in two.title
    assert "frees 180.0 MB" in two.details
    assert "2 files that they labelled are deleted too." in two.details
    assert two.buttons[0].title == "Delete 2 runs for good"


def test_what_trains_is_not_deleted(studio: Any) -> None:
    with pytest.raises(UserError, match="cannot be deleted while training or waiting"):
        runs_confirmations.build_question(studio, "delete", f"{TRAINED.id} {TRAINING.id}")


@pytest.mark.parametrize("action", ["rename", "more-epochs", "delete", "free", "remove-draft", "more"])
def test_what_was_deleted_no_longer_exists(studio: Any, action: str) -> None:
    with pytest.raises(UserError, match=r"no longer exists?"):
        runs_confirmations.build_question(studio, action, "f" * 32)


def test_the_name_field_holds_the_title_and_shows_errors(studio: Any) -> None:
    question = runs_confirmations.build_question(studio, "rename", TRAINED.id)
    assert question.field.value == "my moods, quick look"
    assert runs_confirmations.build_question(studio, "rename", OTHER.id).field.value == OTHER.name
    assert runs_confirmations.build_question(studio, "rename", TRAINED.id, error="Too long.").error == "Too long."


def test_more_epochs_say_how_long_one_took(studio: Any) -> None:
    question = runs_confirmations.build_question(studio, "more-epochs", TRAINED.id)
    assert "So far an epoch took about 40 s." in question.details
    assert question.field.input_type == "number"
    assert "folds" not in question.details
    in_folds = runs_confirmations.build_question(studio, "more-epochs", IN_FOLDS.id)
    assert "Its 5 folds are trained from the beginning, each for all epochs" in in_folds.details


def test_freeing_says_what_stays(studio: Any) -> None:
    question = runs_confirmations.build_question(studio, "free", TRAINED.id)
    assert "cannot be continued afterwards; its model, scores and curves stay. This frees 180.0 MB" in question.details
    assert "frees up to 1.2 MB" in runs_confirmations.build_question(studio, "remove-draft", DRAFT.id).details
    assert "frees up to 2.0 MB" in runs_confirmations.build_question(studio, "clear", "").details


def test_a_narrow_screen_gets_all_actions_and_a_way_out(studio: Any) -> None:
    question = runs_confirmations.build_question(studio, "more", TRAINED.id)
    assert [button.action for button in question.buttons] == ["again", "more-epochs", "rename", "delete", "deselect", "cancel"]
