"""Taking a model away: what there is before, during and after the export."""

from dataclasses import replace
from pathlib import Path

from trainer.jobs.job import Job, Progress
from trainer.training.export.exported import Exported, Measured, Tokens
from trainer.ui.take_away_view import take_away_html

SAVED = Measured(90_900_000, 17.04, 0.755)
EXPORTED = Exported(
    Path("exports"), {}, {}, Tokens(64, 0, "[PAD]", 1), ("input_ids",), ("joy", "sadness"), 400, SAVED,
    Measured(91_000_000, 9.0, 0.755, 1.0, 1e-7, 1e-6), Measured(23_500_000, 3.52, 0.758, 0.981, 0.0069, 0.1),
)  # fmt: skip
JOB = Job("j", "export", "local", "brisk otter", Path("job"), "queued")


def test_before_the_export_there_is_the_folder_and_a_button() -> None:
    html = take_away_html("r", None, None, None)
    assert html.count("<li>") == 1
    assert 'href="download/r"' in html
    assert 'data-action="export"' in html
    failed = take_away_html("r", None, replace(JOB, status="failed", message="It broke <b>."), None)
    assert "It broke &lt;b&gt;." in failed
    assert 'data-action="export"' in failed


def test_while_it_is_exported_there_is_its_progress() -> None:
    running = replace(JOB, status="running", progress=Progress("translating the model into ONNX", 0.25))
    html = take_away_html("r", None, running, None)
    assert "Translating the model into ONNX" in html
    assert 'aria-valuenow="25"' in html
    assert 'data-action="stop-export"' in html
    assert 'data-action="export"' not in html
    assert "2 before it" in take_away_html("r", None, JOB, 2)


def test_afterwards_every_form_has_its_figures_and_8_bits_are_recommended_if_they_agree() -> None:
    html = take_away_html("r", EXPORTED, replace(JOB, status="finished"), None)
    assert html.count("<li>") == 4
    assert "24 MB · 3.5 ms a text · 98.1 % same label" in html
    assert "<strong>ONNX in 8 bits</strong> <small>recommended</small>" in html
    assert "accuracy changes by 0.3 points" in html
    damaged = take_away_html("r", EXPORTED, replace(JOB, status="finished"), None, is_damaged=True)
    assert damaged.count("<li>") == 1
    assert "missing or damaged" in damaged
    assert 'data-action="export"' in damaged
    poor = replace(EXPORTED, int8=replace(EXPORTED.int8, agreement=0.95))
    html = take_away_html("r", poor, None, None)
    assert "<strong>ONNX</strong> <small>recommended</small>" in html
    assert "That is below 97 %" in html
