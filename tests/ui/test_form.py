"""The form of a training: by what level of the dial a run is called."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import small_rows, write_rows
from trainer.presets import LEVELS
from trainer.settings import LOCAL_OWNER
from trainer.studio import Studio
from trainer.ui import form, page, recipe_form
from trainer.ui.components import Page


@pytest.fixture
def laid_out(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Page:
    """All components of the page."""
    made: list[Page] = []
    monkeypatch.setattr(form, "wire", lambda studio, page, blocks: made.append(page))
    page.build(studio, whereabouts="Here.", stays_here=True)
    return made[0]


def from_browser(value: Any) -> Any:
    """As JavaScript hands it back: it knows no 1.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else json.loads(json.dumps(value))


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_its_settings_and_nothing_else(studio: Studio, laid_out: Page, tmp_path: Path, level: str) -> None:
    draft = studio.open_files(LOCAL_OWNER, {"main": ("moods.csv", write_rows(tmp_path / "moods.csv", small_rows(90)))}).draft.id
    values = [component.value for component in laid_out.form]
    first = len(laid_out.data.form) + 2
    values[first - 1] = level
    recipe, _ = studio.dial(LOCAL_OWNER, draft, level, form.base_of(laid_out, values))
    values[first:] = map(from_browser, recipe_form.values(recipe))
    assert form.recipe_of(laid_out, values) == recipe
    assert form.level_of(studio, laid_out, draft, values) == level
    # The dial moves a moment later than what is typed.
    for other in ("7", "0", "many"):
        assert form.level_of(studio, laid_out, draft, [*values[:first], other, *values[first + 1 :]]) == ""
    values[first - 1] = recipe_form.OWN
    assert form.level_of(studio, laid_out, draft, values) == ""
