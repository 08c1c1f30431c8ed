"""Rows to try: of the model in hand, or none; what somebody typed is theirs."""

from pathlib import Path

import pytest

from tests.browser.example_runs import make_run
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio
from trainer.ui import try_tab


@pytest.fixture
def run(settings: Settings) -> str:
    return make_run(settings.runs_dir, [[3, 1], [0, 4]], ["joy", "fear"]).id


def test_the_first_example_fills_an_empty_box_only(studio: Studio, run: str) -> None:
    first = studio.for_owner(LOCAL_OWNER).library.examples(run)[0].text
    for empty in ("", "  \n", None):
        assert try_tab.text_or_example(studio, run, empty) == first
    assert try_tab.text_or_example(studio, run, " mine ") == " mine "


def test_without_a_model_or_its_rows_there_is_no_example(studio: Studio, run: str, settings: Settings) -> None:
    assert try_tab.text_or_example(studio, "", "") == ""
    assert try_tab.example(studio, run, 99) == ""
    rows: Path = settings.runs_dir / run / "data.parquet"
    rows.write_bytes(b"")
    assert try_tab.text_or_example(studio, run, "") == ""


def test_without_a_model_the_prediction_says_so(studio: Studio) -> None:
    html = try_tab.show(studio, "", "is anybody there?")
    assert 'data-run=""' in html
    assert f'data-text="{try_tab.checksum("is anybody there?")}"' in html
    assert "No model yet" in html
