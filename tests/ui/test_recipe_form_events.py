"""The form of a training: the level of a run, and what a page that was just opened shows of the last file."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import small_rows, write_rows
from trainer.drafts.drafts import Drafts
from trainer.errors import UserError
from trainer.presets import LEVELS
from trainer.runs.checksums import dump
from trainer.settings import LOCAL_OWNER
from trainer.studio import Studio
from trainer.ui import page, recipe_form, recipe_form_events
from trainer.ui.components import Page


@pytest.fixture
def laid_out(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Page:
    """All components of the page."""
    made: list[Page] = []
    monkeypatch.setattr(recipe_form_events, "wire", lambda studio, page, blocks: made.append(page))
    page.build(studio, storage_notice="Here.", is_local=True)
    return made[0]


def from_browser(value: Any) -> Any:
    """As JavaScript hands it back: it knows no 1.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else json.loads(json.dumps(value))


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_its_settings_and_nothing_else(studio: Studio, laid_out: Page, tmp_path: Path, level: str) -> None:
    workspace = studio.for_owner(LOCAL_OWNER)
    draft = workspace.drafts.open_files({"main": ("moods.csv", write_rows(tmp_path / "moods.csv", small_rows(90)))}).draft.id
    values = [component.value for component in laid_out.form]
    first = len(laid_out.data.form) + 2
    values[first - 1] = level
    recipe, _ = workspace.recipe_for_level(draft, level, recipe_form_events.base_recipe(laid_out, values))
    values[first:] = map(from_browser, recipe_form.values(recipe))
    assert recipe_form_events.recipe_from_form(laid_out, values) == recipe
    assert recipe_form_events.chosen_level(studio, laid_out, draft, values) == level
    # The level changes a moment later than what is typed.
    for other in ("7", "0", "many"):
        assert recipe_form_events.chosen_level(studio, laid_out, draft, [*values[:first], other, *values[first + 1 :]]) == ""
    values[first - 1] = recipe_form.CUSTOM
    assert recipe_form_events.chosen_level(studio, laid_out, draft, values) == ""


# What a page shows of the files that is opened


@pytest.fixture
def loaded(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> tuple[Page, dict[str, Any]]:
    """All components of the page, and its handlers by their names."""
    return load(studio, monkeypatch, lambda laid: laid.form)


def load(studio: Studio, monkeypatch: pytest.MonkeyPatch, inputs: Callable[[Page], Any]) -> tuple[Page, dict[str, Any]]:
    """All components of the page, and by their names the handlers with these inputs."""
    made: list[Page] = []
    wire = recipe_form_events.wire
    monkeypatch.setattr(recipe_form_events, "wire", lambda studio, page, blocks: (made.append(page), wire(studio, page, blocks)))
    blocks = page.build(studio, storage_notice="Here.", is_local=True)
    by_name = {handler.name: handler.fn for handler in blocks.fns.values() if handler.inputs == list(inputs(made[0]))}
    return made[0], by_name


def crash_while_reading(studio: Studio, draft: str) -> None:
    """What a process leaves that was killed while it read the draft's file."""
    folder = studio.settings.runs_dir / "drafts" / draft
    (folder / "reading-x").write_bytes(dump({"process": "another", "files": ["source"]}))


@pytest.mark.parametrize("handler", ["show_latest_draft", "show_reopened_draft"])
def test_a_page_opens_without_the_file_that_crashed_and_says_so(studio: Studio, loaded: Any, handler: str) -> None:
    workspace = studio.for_owner(LOCAL_OWNER)
    laid, handlers = loaded
    draft = workspace.drafts.open_sample().draft.id
    crash_while_reading(studio, draft)
    shown = handlers[handler](*(component.value for component in laid.form))
    notice = shown[laid.data.parts["notice"]]
    assert "sample_emotions.csv is not opened automatically: Emotune ended suddenly" in notice
    assert f'data-action="remove" data-code="{draft}"' in notice
    assert f'data-action="retry" data-code="{draft}"' in notice
    assert f'data-action="retry" data-code="{draft}"' in shown[laid.data.parts["drafts"]]
    assert shown[laid.data.draft] is None
    workspace.drafts.reopen(draft, force=True)
    assert handlers[handler](*(component.value for component in laid.form))[laid.data.draft] == draft


def test_a_check_of_the_form_takes_away_its_own_error_alone(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks come late on a busy server: one of them took away that an uploaded recipe was none."""
    laid, handlers = load(studio, monkeypatch, lambda page: [page.data.draft, page.train.recipe.invalid, *page.form])
    values = [component.value for component in laid.form]
    for name in ("check_change", "check_blur"):
        assert laid.train.notice not in handlers[name](None, "", *values)
        assert handlers[name](None, recipe_form.ELSEWHERE, *values)[laid.train.notice] == ""
    shown = handlers["check_change"](None, "", "Custom", 95, 95, *values[3:])
    assert shown[laid.train.recipe.invalid] == recipe_form.ELSEWHERE
    assert shown[laid.train.notice] != ""


def test_a_file_is_reopened_in_one_step(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page showed an answer before the file: what a user opened then was replaced by the older file a moment later."""
    laid, handlers = load(studio, monkeypatch, lambda page: [page.data.draft, *page.data.form])
    draft = studio.for_owner(LOCAL_OWNER).drafts.open_sample().draft.id
    updates = handlers["handle_button"](SimpleNamespace(action="reopen", code=draft), None, *(c.value for c in laid.data.form))
    assert list(updates) == [laid.data.reopened]


@pytest.mark.parametrize("handler", ["show_latest_draft", "show_reopened_draft"])
@pytest.mark.parametrize("wrong", [MemoryError(), ValueError("a bug"), UserError("It cannot be read.", code="x")])
def test_whatever_is_wrong_with_the_last_file_the_page_opens_and_the_others_are_in_reach(
    studio: Studio, loaded: Any, monkeypatch: pytest.MonkeyPatch, handler: str, wrong: Exception
) -> None:
    laid, handlers = loaded
    draft = studio.for_owner(LOCAL_OWNER).drafts.open_sample().draft.id

    def fails(*_: object) -> None:
        raise wrong

    monkeypatch.setattr(Drafts, "latest", fails)
    shown = handlers[handler](*(component.value for component in laid.form))
    assert ("It cannot be read." if isinstance(wrong, UserError) else "Something went wrong here") in shown[laid.data.parts["notice"]]
    assert f'data-action="remove" data-code="{draft}"' in shown[laid.data.parts["drafts"]]
    monkeypatch.setattr(Drafts, "summaries", fails)
    assert laid.data.parts["notice"] in handlers[handler](*(component.value for component in laid.form))
