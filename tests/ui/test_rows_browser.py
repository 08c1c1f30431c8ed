"""Presses in the rows of the Results tab: those of the run that was shown before, which stand there for a moment, do nothing."""

import gradio as gr
import pytest

from tests.browser.example_runs import make_run
from trainer.evaluation.mistakes import RowFilter
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.ui import open_row, rows_browser
from trainer.ui.open_row_view import OpenRow


@pytest.fixture
def browser() -> rows_browser.RowsBrowser:
    with gr.Blocks():
        return rows_browser.build(gr.Radio(["validation", "test"]))


def test_a_press_in_the_rows_of_the_run_before_does_nothing(
    studio: Studio, settings: Settings, browser: rows_browser.RowsBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, chosen = (make_run(settings.runs_dir, [[3, 1], [0, 4]], ["joy", "fear"]).id for _ in range(2))
    decided = []
    monkeypatch.setattr(open_row, "decide", lambda *facts: decided.append(facts) or "")
    monkeypatch.setattr(open_row, "read_detail", lambda *_, **__: None)

    def press(run_id: str, action: str) -> object:
        pressed = OpenRow.of(run_id, 0, 0)._replace(class_id=1)
        return rows_browser._press_in_row(studio, browser, action, pressed, "", chosen, "test", RowFilter())

    for action in ("row", "class", "relabel", "undo", "similar"):
        assert press(before, action) == gr.skip()
    assert decided == []
    assert "em-row-open" in press(chosen, "relabel")[browser.rows]
    assert len(decided) == 1
