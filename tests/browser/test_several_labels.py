"""Texts that have several labels, from the file to an answer of several labels or none; axe-core on every tab that they change."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import start_training, tab, upload, wait_until_trained
from tests.browser.test_accessibility import stop_motion, violations_by_view
from tests.several_labels import write_several_labels

Open = Callable[..., Visit]
GO_EMOTIONS = Path(__file__).resolve().parents[3] / "shared" / "data" / "goemotions"


@pytest.fixture
def several_csv(tmp_path: Path) -> Path:
    return write_several_labels(tmp_path / "moods.csv", n_wrong=10)


def test_from_a_file_to_several_labels_or_none(visit: Open, fresh_server: Server, several_csv: Path) -> None:
    page = visit(fresh_server).page
    stop_motion(page)
    problems: dict[str, list[str]] = {}

    def check(state: str) -> None:
        problems.update(violations_by_view(page, state))

    upload(page, several_csv, rows="240")
    expect_task(page, "several")
    expect(page.locator("#preview")).to_contain_text("no label")
    check("Data")
    page.locator("#readiness [data-action=task][data-code=single]").click()
    expect_task(page, "single")
    expect(page.locator("#readiness")).to_contain_text("As you chose")
    page.locator("#readiness [data-action=task][data-code=several]").click()
    expect_task(page, "several")

    start_training(page, seed="1", epochs="10")
    expect(page.locator("#accuracy-chart h3")).to_contain_text("Macro F1")
    wait_until_trained(page)
    expect(page.locator("#footer-watch")).to_contain_text(
        re.compile(r"macro F1 [\d.]+ % on 48 test rows \([\d.]+ to [\d.]+ %\); counting words: ")
    )
    check("Train")

    page.locator("#to-results").click()
    expect(page.locator("#headline h2")).to_have_text(re.compile(r"Macro F1 [\d.]+\s% on 48 texts it never saw"))
    expect(page.locator("#headline .em-scores dt")).to_have_text(["Macro F1", "Micro F1", "Samples F1", "Exact match", "Hamming loss"])
    expect(page.locator("#per-class thead th")).to_have_text(["Class", "F1", "Precision", "Recall", "Average precision", "Cut", "Rows"])
    expect(page.locator("#confusion-chart .js-plotly-plot")).to_be_visible()
    expect(page.locator("#confusion-chart h3")).to_contain_text("What it misses and says instead")
    expect(page.locator("#suggestions")).to_contain_text("24 validation rows cannot tell what would help")
    # The rows come with their filters, which would otherwise overwrite what is chosen now.
    expect(page.locator("#found-rows h3")).to_be_visible()
    page.locator("#rows-shown").get_by_text("All", exact=True).click()
    expect(page.locator("#found-rows h3")).to_have_text("48 of 48 test rows")
    page.locator("#rows-label input").click()
    page.get_by_role("option", name="no label").click()
    expect(page.locator("#found-rows h3")).to_contain_text("have no label")
    check("Results")
    page.locator("#found-rows .em-row-open").first.click()
    expect(page.locator(".em-row-detail .em-cut")).to_have_count(3)
    check("a row is open")

    page.locator("#to-try").click()
    box = page.locator("#try-text textarea")
    # What a tiny model has learned in seconds is not the same on every machine.
    answer = re.compile(r"\(\d|No label is above its cut")
    expect(box).not_to_have_value("")  # the example, which comes with the tab
    box.fill("happy laugh and lonely tears")
    expect(page.locator("#prediction h3")).to_have_text(answer)
    expect(page.locator("#prediction .em-why .em-cut")).to_have_count(3)
    expect(page.locator("#prediction .em-words .em-for").first).to_be_visible()
    check("Try it")
    page.locator("#try-lines input").check()
    box.fill("happy laugh and lonely tears\nwe work at home")
    expect(page.locator("#prediction .em-lines tbody tr")).to_have_count(2)
    check("several texts")

    tab(page, "Runs")
    expect(page.locator("#runs-list thead")).to_contain_text("Test macro F1")
    check("Runs")

    tab(page, "Check labels")
    page.locator("#check-labels").click()
    expect(page.locator(".em-labels h2")).to_have_text(re.compile("of the texts seem to miss a label or to have one too many|stands? out"))
    corrected = mend_labels(page)
    check("Check labels")
    before, after = (data.decode().splitlines() for data in (several_csv.read_bytes(), corrected))
    changed = [(one, other) for one, other in zip(before, after, strict=True) if one != other]
    assert len(changed) == 2
    # Text and other labels stay; each of the two has one label more or less.
    assert all(sum(a != b for a, b in zip(one.split(","), other.split(","), strict=True)) == 1 for one, other in changed)
    assert {state: nodes for state, nodes in problems.items() if nodes} == {}


def test_columns_of_labels_are_chosen_by_hand(visit: Open, fresh_server: Server, several_csv: Path) -> None:
    page = visit(fresh_server).page
    stop_motion(page)
    upload(page, several_csv, rows="240")
    expect_task(page, "several")
    # Nobody is sure of these columns, so the lists are shown.
    picker = page.locator("#label-columns")
    expect(picker.locator(".token")).to_have_text(["anger", "joy", "sadness"])
    # One after the other, whether the first one is answered or not.
    picker.locator(".token", has_text="anger").locator(".token-remove").click()
    picker.locator(".token", has_text="joy").locator(".token-remove").click()
    expect_labels(page, ["sadness"])
    picker.locator("input").click()
    page.get_by_role("option", name="joy").click()
    expect_labels(page, ["sadness", "joy"])
    # What the list does with keys is no input: it is seen when it is left.
    picker.locator("input").press("Backspace")
    expect(picker.locator(".token")).to_have_count(1)
    picker.locator("input").press("Tab")
    expect_labels(page, ["sadness"])
    page.reload()
    expect_labels(page, ["sadness"])
    # They are chosen by now, so the lists are shown on demand.
    page.locator(".em-change:not([open]) summary").click()
    expect(picker).to_be_visible()
    page.locator("#readiness [data-action=task][data-code=single]").click()
    expect_task(page, "single")
    expect(page.locator("#label-column")).to_be_visible()
    expect(picker).to_be_hidden()


def expect_labels(page: Page, columns: list[str]) -> None:
    """The server has read these columns of labels, and the list shows them."""
    names = ", ".join(f"“{name}”" for name in columns)
    expect(page.locator("#readiness .em-chosen-columns > span")).to_have_text(
        re.compile(f"{'label' if len(columns) == 1 else 'labels'} = {names}$")
    )
    expect(page.locator("#label-columns .token")).to_have_text(columns)


@pytest.mark.slow
@pytest.mark.skipif(not GO_EMOTIONS.exists(), reason="needs ../shared")
def test_three_thousand_comments_from_upload_to_a_mended_label_and_a_labelled_file(
    visit: Open, fresh_server: Server, tmp_path: Path
) -> None:
    lines = (GO_EMOTIONS / "train.tsv").read_text("utf-8").splitlines(keepends=True)[:3000]
    source = tmp_path / "comments.tsv"
    source.write_text("".join(lines), encoding="utf-8")
    page = visit(fresh_server).page
    stop_motion(page)
    upload(page, source, rows="3,000")
    expect_task(page, "several")
    page.locator("#upload-names input[type=file], input[data-testid*='labels.txt']").first.set_input_files(GO_EMOTIONS / "labels.txt")
    expect(page.locator("#classes")).to_contain_text("admiration")
    start_training(page, seed="1", epochs="1")
    wait_until_trained(page)
    tab(page, "Check labels")
    page.locator("#check-labels").click()
    expect(page.locator(".em-label-row").first).to_be_visible()
    corrected = mend_labels(page).decode().splitlines(keepends=True)
    changed = [number for number, line in enumerate(lines) if line != corrected[number]]
    assert (len(corrected), len(changed)) == (3000, 2)
    # Numbers stay numbers, with the file's own sign between them.
    assert all(re.fullmatch(r"\d+(,\d+)*|\[\]", corrected[number].split("\t")[1]) for number in changed)
    assert violations_by_view(page, "Check labels") == {view: [] for view in violations_by_view(page, "Check labels")}

    tab(page, "Try it")
    page.locator("#whole-file-upload input[type=file], #whole-file input[type=file]").first.set_input_files(source)
    page.locator("#whole-file-start").click()
    job = page.locator("#whole-file-job")
    expect(job).to_contain_text("is labelled: 3,000 rows")
    with page.expect_download() as download:
        job.get_by_role("link", name="Download the labelled file").click()
    assert len(download.value.path().read_text("utf-8").splitlines()) == 3000


def mend_labels(page: Page) -> bytes:
    """Take the first suggestion and, by its number, give or take the first label of the next text, both by keyboard; the corrected file."""
    expect(page.locator(".em-label-row").first).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("1")
    expect(page.locator(".em-decided-as.em-relabel")).to_have_count(2)
    expect(page.locator(".em-saving")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="the corrected file").click()
    return download.value.path().read_bytes()


def expect_task(page: Page, task: str) -> None:
    expect(page.locator(f"#readiness [data-action=task][data-code={task}]")).to_have_attribute("aria-pressed", "true")
