"""A promise becomes part of a sealed model and leaves it again, and one that cannot be kept is refused."""

import json

import pytest

from tests.browser.example_runs import make_run
from trainer.errors import UserError
from trainer.runs.run import Run
from trainer.runs.writer_lock import maintenance_lock
from trainer.settings import LOCAL_OWNER
from trainer.studio import Studio

MATRIX = ((300, 20), (20, 300))


def test_a_promise_is_in_config_and_card_and_the_model_stays_whole(studio: Studio) -> None:
    view = make_run(studio.settings.runs_dir, MATRIX, ("spam", "ham"))
    workspace = studio.for_owner(LOCAL_OWNER)
    promises = workspace.library.reports(view.id).confidence
    config = Run(workspace.library.folder(view.id)).model / "config.json"
    card = config.with_name("README.md")
    assert workspace.models.promised(view.id) is None
    workspace.models.keep_promise(view.id, promises.promise(0.90))
    assert json.loads(config.read_text()) == {"abstain_below": promises.promise(0.90).threshold, "abstain_target": 0.9}
    assert workspace.models.promised(view.id) == 0.9
    assert "at least 90 % of its answers are right" in card.read_text(encoding="utf-8")
    assert workspace.models.is_complete(view.id)
    assert workspace.library.damage(view.id) == ()
    workspace.models.keep_promise(view.id, None)
    assert json.loads(config.read_text()) == {}
    assert "abstain_below" not in card.read_text(encoding="utf-8")
    assert workspace.models.is_complete(view.id)


def test_a_promise_that_cannot_be_kept_is_refused_and_changes_nothing(studio: Studio) -> None:
    view = make_run(studio.settings.runs_dir, MATRIX, ("spam", "ham"))
    workspace = studio.for_owner(LOCAL_OWNER)
    promises = workspace.library.reports(view.id).confidence
    workspace.models.keep_promise(view.id, promises.promise(0.80))
    with pytest.raises(UserError, match="cannot be promised") as refused:
        workspace.models.keep_promise(view.id, promises.promise(0.98))
    assert refused.value.code == "no_promise"
    assert workspace.models.promised(view.id) == 0.8


def test_a_damaged_model_or_one_that_is_being_written_gets_no_promise(studio: Studio) -> None:
    view = make_run(studio.settings.runs_dir, MATRIX, ("spam", "ham"))
    workspace = studio.for_owner(LOCAL_OWNER)
    promise = workspace.library.reports(view.id).confidence.promise(0.80)
    folder = workspace.library.folder(view.id)
    with maintenance_lock(folder), pytest.raises(UserError) as refused:
        workspace.models.keep_promise(view.id, promise)
    assert refused.value.code == "run_is_live"
    (folder / "model" / "model.safetensors").write_bytes(b"x")
    with pytest.raises(UserError) as refused:
        workspace.models.keep_promise(view.id, promise)
    assert refused.value.code == "run_damaged"
