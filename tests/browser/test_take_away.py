"""A model is taken away on the page: its folder at once; exported, ONNX and a web page too, and ONNX Runtime answers in Try it."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import hold_first_request, tab
from tests.browser.test_results_and_try import train_run
from tests.browser.test_whole_file import shot
from trainer.data.reader.file_reader import FileReader
from trainer.runs.view import RunView
from trainer.training.encoders import Encoder

Open = Callable[..., Visit]
NOTE_PROGRESS = """() => {
    const look = () => (window.progressShown ||= document.querySelector("#take-away [role=progressbar]")?.checkVisibility());
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""


@pytest.fixture(scope="module")
def run(server: Server, tiny_encoder: Encoder, reader: FileReader, moods_csv: Path) -> RunView:
    return train_run(server, tiny_encoder, reader, moods_csv)


def test_a_model_is_exported_and_taken_away(server: Server, run: RunView, visit: Open) -> None:
    page = visit().page
    tab(page, "Try it")
    section = page.locator("#take-away")
    expect(section.locator("li")).to_have_count(1)
    section.scroll_into_view_if_needed()
    shot(page, "take 1 before")
    # Looked for after each change from now on: it may be shown for a second, before this test goes on.
    page.evaluate(NOTE_PROGRESS)
    section.get_by_role("button", name="Export the model").click()
    page.wait_for_function("() => window.progressShown")
    shot(page, "take 2 at work")
    expect(section.locator("li")).to_have_count(4)
    expect(section).to_contain_text("8 bits: ")
    expect(section.get_by_role("button", name="Export the model")).to_have_count(0)
    with page.expect_download() as download:
        section.get_by_role("link", name="Download: ONNX in 8 bits").click()
    assert download.value.suggested_filename.endswith("-onnx-int8.zip")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert {Path(name).name for name in archive.namelist()} >= {"model.onnx", "predict.py", "tokenizer.json", "labels.json"}
    page.locator("#try-text textarea").fill("so happy and glad")
    expect(page.locator("#prediction")).to_contain_text("Computed by ONNX Runtime, 32 bits")
    prediction, engines = page.locator("#prediction"), page.get_by_label("Answers computed by")
    expect(prediction.locator("[data-explained]")).to_be_visible()
    # Another answer for the same text, whose words are there.
    engines.click()
    page.get_by_role("option", name="ONNX Runtime, 8 bits").click()
    expect(prediction).to_contain_text("Computed by ONNX Runtime, 8 bits")
    # With its words, which would be held back otherwise.
    expect(prediction.locator("[data-choice='onnx-int8'][data-explained]")).to_be_visible()
    # And one that comes before the words that were asked for at the choice before it; its own words are held back, so that these are told apart.
    held_back = hold_first_request(page, "**/gradio_api/queue/join*", '"words"')
    page.locator("#try-text textarea").fill("sad and lonely")
    late = held_back()
    held_back = hold_first_request(page, "**/gradio_api/queue/join*", '"words"')
    engines.click()
    page.get_by_role("option", name="PyTorch").click()
    own = held_back()
    late.continue_()
    expect(page.locator("#tried")).to_contain_text("sad and lonely")
    expect(prediction.locator("[data-choice=torch][data-wanted]")).to_be_visible()
    own.continue_()
    expect(prediction.locator("[data-choice=torch][data-explained]")).to_be_visible()
    for width, scheme in ((390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")) if os.environ.get("EMOTUNE_SHOTS") else ():
        page.set_viewport_size({"width": width, "height": 860})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(800)
        shot(page, f"take 3 {width} {scheme}")
