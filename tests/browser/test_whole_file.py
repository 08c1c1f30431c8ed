"""A whole file is labelled on the page: chosen, labelled, reloaded, downloaded, removed."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import tab
from tests.browser.test_results_and_try import train_run
from trainer.data.reader.file_reader import FileReader
from trainer.runs.view import RunView
from trainer.training.encoders import Encoder

Open = Callable[..., Visit]


@pytest.fixture(scope="module")
def run(server: Server, tiny_encoder: Encoder, reader: FileReader, moods_csv: Path) -> RunView:
    return train_run(server, tiny_encoder, reader, moods_csv)


def shot(page: Page, name: str) -> None:
    """A picture to look at, if a folder for them is named."""
    if folder := os.environ.get("EMOTUNE_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_file_in_and_a_file_out(server: Server, run: RunView, visit: Open, tmp_path: Path) -> None:
    source = tmp_path / "what people said.csv"
    rows = "".join(f"{n};so happy and glad, {n} times{' <b>& more</b>' * (n % 4)};x{n}\r\n" for n in range(40))
    source.write_bytes(("number;what was said;remark\r\n" + rows + "40;;empty\r\n").encode("utf-16"))
    page = visit().page
    tab(page, "Try it")
    section = page.locator("#whole-file")
    expect(section).to_be_visible()
    shot(page, "1 before")
    page.locator("#whole-file-upload input[type=file], #whole-file input[type=file]").first.set_input_files(source)
    expect(page.locator("#whole-file-chosen")).to_contain_text("what people said.csv: 41 rows, 3 columns")
    expect(page.locator("#whole-file-column input")).to_have_value("what was said")
    shot(page, "2 chosen")
    page.locator("#whole-file-start").click()
    job = page.locator("#whole-file-job")
    expect(job).to_contain_text("is labelled: 41 rows")
    expect(job).to_contain_text("1 row has nothing to read and no label")
    expect(job.locator(".em-difference")).to_contain_text("than the model learnt from")
    expect(page.locator("#whole-file-options")).not_to_be_visible()
    job.locator("summary").click()
    expect(job.locator("tbody tr")).to_have_count(20)
    shot(page, "3 labelled")
    with page.expect_download() as download:
        job.get_by_role("link", name="Download the labelled file").click()
    assert download.value.suggested_filename == "what people said labelled.csv"
    data = download.value.path().read_bytes().decode("utf-16")
    assert data.startswith("number;what was said;remark;label;confidence;cut\r\n0;so happy and glad, 0 times;x0;joy;0.")
    opened = visit().page
    tab(opened, "Try it")
    expect(opened.locator("#whole-file-job")).to_contain_text("is labelled: 41 rows")
    for width, scheme in ((390, "light"), (390, "dark"), (1280, "dark")) if os.environ.get("EMOTUNE_SHOTS") else ():
        opened.set_viewport_size({"width": width, "height": 860})
        opened.emulate_media(color_scheme=scheme)
        opened.wait_for_timeout(800)
        shot(opened, f"4 {width} {scheme}")
    opened.locator("#whole-file-job [data-action=remove-file]").click()
    expect(opened.locator("#whole-file-job")).to_have_text("")


def test_a_file_with_labels_is_compared_with_them(server: Server, run: RunView, visit: Open, tmp_path: Path) -> None:
    source = tmp_path / "march.json"
    lists = {
        name: [
            {
                "what was said": f"{'happy and glad' if n % 2 else 'we cry and weep'} once more, {n} {name}",
                "mood": label if n else "hope",
                name: n,
            }
            for n in range(rows)
        ]
        for name, label, rows in (("first week", "joy", 40), ("second week", "sadness", 30))
    }
    source.write_text(json.dumps(lists))
    page = visit().page
    tab(page, "Try it")
    page.locator("#whole-file-upload input[type=file], #whole-file input[type=file]").first.set_input_files(source)
    expect(page.locator("#whole-file-part")).to_be_visible()
    page.locator("#whole-file-part input").click()
    page.get_by_role("option", name="second week").click()
    expect(page.locator("#whole-file-chosen")).to_contain_text("30 rows, 3 columns")
    shot(page, "5 part")
    page.locator("#whole-file-judge").click()
    job = page.locator("#whole-file-job")
    expect(job).to_contain_text("compared with the labels in “mood”")
    expect(job.locator(".em-difference")).to_contain_text("occur in no training row")
    expect(job).to_contain_text("1 row has a label that this model does not know: “hope”")
    shot(page, "6 judged")
    job.locator("[data-action=see-evaluation]").click()
    other = page.locator("#other-file")
    expect(other).to_contain_text("Not the test rows")
    expect(other).to_contain_text("14 of 29 right (too few rows to say)")
    expect(page.locator("#found-rows")).to_contain_text("rows of this file")
    expect(page.locator("#headline")).to_contain_text("texts it never saw")
    for width, scheme in ((1280, "light"), (390, "light"), (390, "dark"), (1280, "dark")) if os.environ.get("EMOTUNE_SHOTS") else ():
        page.set_viewport_size({"width": width, "height": 860})
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(800)
        shot(page, f"7 {width} {scheme}")
    page.locator("#rows-split").get_by_text("Test rows", exact=True).click()
    expect(other).to_have_text("")
    expect(page.locator("#found-rows")).to_contain_text("test rows")
    page.locator("#rows-split").get_by_text("march.json: not the test rows").click()
    other.locator("[data-action=remove-evaluation]").click()
    expect(page.locator("#rows-split")).not_to_contain_text("march.json")
    expect(other).to_have_text("")


def test_a_file_that_is_no_table_is_told(server: Server, run: RunView, visit: Open, tmp_path: Path) -> None:
    source = tmp_path / "numbers.csv"
    source.write_text("a,b,c\n1,2,3\n4,5,6\n7,8,9\n")
    page = visit().page
    tab(page, "Try it")
    page.locator("#whole-file-upload input[type=file], #whole-file input[type=file]").first.set_input_files(source)
    expect(page.locator("#whole-file-notice")).to_contain_text("No text column was found")
