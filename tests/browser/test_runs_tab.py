"""The Runs tab in a real browser: history by file, selection, comparison, confirmations, earlier files, disk space."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.addresses import TIMEOUT_SECONDS
from tests.browser.conftest import Server, Visit
from tests.browser.steps import NAMES, choose_settings, in_view, setting, tab, upload, wait_until_idle
from tests.conftest import small_rows, write_rows
from trainer.data.reader.file_reader import FileReader
from trainer.recipe import Recipe
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder

EVIL = '<img src=x onerror="window.__pwned=1">'
RECIPE = Recipe(encoder="tiny-bert", epochs=1, batch_size=16, learning_rate=5e-3, max_length=32)
PHONE = {"width": 390, "height": 844}
SMALL_TARGETS = """minHeight => [...document.querySelectorAll("#tabs > [role=tabpanel]")]
  .filter(panel => panel.offsetParent !== null || panel.getClientRects().length)
  .flatMap(panel => [...panel.querySelectorAll("button, input[type=checkbox], summary, .em-dialog input")])
  .filter(node => node.getClientRects().length && !node.closest(".em-chart-tools"))
  .map(node => [(node.closest("label.em-tickbox") ?? node).getBoundingClientRect().height, node.outerHTML.slice(0, 80)])
  .filter(([height]) => height < minHeight - 0.5)"""

Open = Callable[..., Visit]
Train = Callable[..., RunView]


@pytest.fixture(scope="module")
def train(server: Server, tiny_encoder: Encoder, moods_csv: Path, reader: FileReader) -> Train:
    """Trains a run in the server's folder from another process, like the terminal; the page then lists it."""

    def train_run(path: Path = moods_csv, **settings: object) -> RunView:
        studio = Studio(Settings(runs_dir=server.folder / "runs"), encoders=[tiny_encoder], reader=reader)
        recipe = Recipe.from_dict({**RECIPE.to_dict(), **settings})
        view = studio.for_owner(LOCAL_OWNER).train_files({"main": (path.name, path)}, recipe)
        view = studio.for_owner(LOCAL_OWNER).wait(view.id, TIMEOUT_SECONDS)
        studio.close()
        assert view.status == "finished"
        return view

    return train_run


@pytest.fixture(scope="module")
def pair(train: Train) -> tuple[RunView, RunView]:
    """Two runs with the same test rows; the second is trained longer."""
    return train(), train(epochs=3)


@pytest.fixture(scope="module")
def other_run(train: Train, tmp_path_factory: pytest.TempPathFactory) -> RunView:
    """A run on another file, with few test rows."""
    return train(write_rows(tmp_path_factory.mktemp("upload") / "few_rows.csv", small_rows(60)))


def runs_tab(page: Page) -> None:
    tab(page, "Runs")
    expect(page.locator("#runs-list tbody tr").first).to_be_visible()


def row(page: Page, view: RunView) -> Locator:
    return page.locator("#runs-list tr").filter(has=page.locator(f"#run-{view.id}"))


def checkbox(page: Page, view: RunView) -> Locator:
    return page.locator(f"#run-{view.id}")


def title(page: Page, view: RunView) -> Locator:
    return row(page, view).locator("button")


def tick(page: Page, *views: RunView) -> None:
    """Tick exactly these runs, and wait until the footer says so."""
    ids = sorted(view.id for view in views)
    # By their ids, since the list may be drawn again after each of them. What stays ticked is left alone: the footer would be right too early.
    for run in page.locator("#runs-list input:checked").evaluate_all("boxes => boxes.map((box) => box.dataset.run)"):
        if run not in ids:
            page.locator(f"#run-{run}").uncheck()
    for view in views:
        checkbox(page, view).check()
    # The buttons in the footer are those of the previous selection until the server has answered.
    page.wait_for_function(
        "ids => (document.querySelector('#footer-runs [data-action=delete]')?.dataset.code ?? '').split(' ').sort().join() === ids.join()",
        arg=ids,
    )


def press(page: Page, action: str, where: str = "#footer-runs") -> None:
    # Until the previous press is answered, another one there would be ignored.
    expect(page.locator(f"{where} [aria-busy=true]")).to_have_count(0)
    page.locator(f"{where} button[data-action='{action}']").locator("visible=true").first.click()


def question(page: Page) -> Locator:
    return page.locator("#runs-dialog .em-question")


def test_without_a_run(visit: Open, empty_server: Server) -> None:
    page = visit(empty_server).page
    tab(page, "Runs")
    expect(page.locator("#runs-list")).to_contain_text("No runs yet")
    press(page, "to-data")
    expect(page.get_by_role("tab", name="Data")).to_have_attribute("aria-selected", "true")
    page.wait_for_function("() => document.activeElement.tagName === 'H2'")


def test_runs_are_listed_by_file_and_opened_by_their_titles(visit: Open, pair: tuple[RunView, RunView], other_run: RunView) -> None:
    short, long = pair
    page = visit().page
    runs_tab(page)
    files = page.locator("#runs-list h3").all_inner_texts()
    assert [file.split("\n")[0].split("  ")[0].rsplit(".csv")[0] for file in files] == ["few_rows", "my moods"]
    expect(title(page, long)).to_have_text(f"my moods, own settings ({long.name})")
    assert page.locator("#runs-list tr").filter(has_text=long.name).count() == 1
    titles = page.locator("#runs-list .em-open").all_inner_texts()
    assert titles.index(f"my moods, own settings ({long.name})") < titles.index(f"my moods, own settings ({short.name})")
    expect(row(page, long)).to_contain_text("✓ finished")
    assert re.search(r"\d\.\d %\s*\(\d+ to \d+ %, 48 rows\)", row(page, long).inner_text())
    # With few test rows, the number of right ones is shown instead of a percentage.
    assert re.search(r"\d+ of 12 right\s*too few rows to say", row(page, other_run).inner_text())

    title(page, short).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="Results")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#model-picker select")).to_have_value(short.id)
    page.wait_for_function("() => scrollY === 0")


def test_two_runs_of_a_file_compared(visit: Open, pair: tuple[RunView, RunView]) -> None:
    short, long = pair
    page = visit().page
    runs_tab(page)
    # By keyboard alone.
    checkbox(page, long).focus()
    page.keyboard.press("Space")
    expect(page.locator("#footer-runs")).to_contain_text(f"({long.name}) is selected")
    expect(page.locator("#open-run")).to_be_visible()
    row(page, short).locator("td").nth(3).click()  # anywhere in the row
    expect(checkbox(page, short)).to_be_checked()
    page.locator("#compare-runs").focus()
    page.keyboard.press("Enter")

    head = page.locator("#comparison-summary h3").first
    expect(head).to_have_text("2 runs of my moods.csv compared")
    expect(head).to_be_focused()
    expect(page.locator("#comparison-summary")).to_contain_text("On 48 shared test rows")
    expect(page.locator("#comparison-summary table.em-stacked tbody tr")).to_have_count(2)
    expect(page.locator("#differences tbody tr")).to_have_count(1)
    expect(page.locator("#differences tbody tr")).to_contain_text("Epochs")
    for chart in ("compare-loss-chart", "compare-score-chart"):
        expect(page.locator(f"#{chart} .annotation-text")).to_have_count(2)
    label = "() => document.querySelector('#compare-score-chart .chart').getAttribute('aria-label')"
    page.wait_for_function(f"() => ({label})()?.includes('validation accuracy of 2 runs')")
    page.locator("#compare-score-name").get_by_label("Macro F1").check()
    page.wait_for_function(f"() => ({label})().includes('validation macro F1')")
    assert page.evaluate(NAMES, "compare-loss-chart")
    expect(page.locator("#comparison .js-plotly-plot")).to_have_count(4)  # with the last of them nothing may be too wide
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page.evaluate("[...document.querySelectorAll('#comparison table')].every(t => t.getBoundingClientRect().right <= 1200)")

    # The comparison closes when one of its runs is deselected.
    page.locator("#runs-list").scroll_into_view_if_needed()
    checkbox(page, short).uncheck()
    expect(page.locator("#comparison")).to_be_hidden()


def test_runs_of_several_files_have_no_common_curves(visit: Open, pair: tuple[RunView, RunView], other_run: RunView) -> None:
    page = visit().page
    runs_tab(page)
    tick(page, pair[0], other_run)
    press(page, "compare")
    expect(page.locator("#comparison-summary")).to_contain_text("trained on different files")
    expect(page.locator("#comparison-summary table.em-stacked tbody tr")).to_have_count(2)
    expect(page.locator("#compare-loss-chart")).to_be_hidden()
    expect(page.locator("#compare-score-chart")).to_be_hidden()
    # Charts are shown only for runs that can be compared.
    checkbox(page, other_run).uncheck()
    expect(page.locator("#comparison")).to_be_hidden()
    tick(page, *pair)
    press(page, "compare")
    expect(page.locator("#compare-loss-chart .annotation-text")).to_have_count(2)


def test_a_rename_is_seen_on_other_pages_and_keeps_their_selection(visit: Open, train: Train, pair: tuple[RunView, RunView]) -> None:
    renamed = train(seed=5)
    first, second = visit(), visit(new_context=True)
    for visited in (first, second):
        runs_tab(visited.page)
    tick(second.page, renamed, pair[1])
    press(second.page, "compare")
    expect(second.page.locator("#comparison-summary table.em-stacked tbody")).to_contain_text(renamed.name)
    # The comparison takes the focus once it is shown.
    expect(second.page.locator("#comparison-summary h3").first).to_be_focused()
    checkbox(second.page, renamed).focus()

    page = first.page
    tick(page, renamed)
    press(page, "rename")
    field = page.locator("#runs-dialog input")
    expect(field).to_be_focused()
    field.fill("   ")
    field.press("Enter")
    expect(question(page).locator("[role=alert]")).to_contain_text("1 to 60 characters")
    expect(field).to_be_focused()
    expect(field).to_have_value("   ")
    field.fill(EVIL)
    field.press("Enter")
    expect(question(page)).to_have_count(0)
    for visited in (first, second):
        expect(title(visited.page, renamed)).to_have_text(EVIL)
    # The comparison shows the new name at once.
    expect(second.page.locator("#comparison-summary table.em-stacked tbody")).to_contain_text(EVIL)
    expect(second.page.locator("#differences, #comparison-summary").first).not_to_contain_text(f"({renamed.name})")
    for visited in (first, second):
        assert visited.page.locator("img[src=x]").count() == 0
        assert visited.page.evaluate("window.__pwned") is None
    for view in (renamed, pair[1]):
        expect(checkbox(second.page, view)).to_be_checked()
    expect(checkbox(second.page, renamed)).to_be_focused()


def test_deleting_asks_for_confirmation_and_escape_cancels(visit: Open, train: Train, pair: tuple[RunView, RunView]) -> None:
    deleted, kept = train(seed=7), pair[1]
    visited = visit()
    page = visited.page
    runs_tab(page)
    tick(page, deleted)
    press(page, "delete")
    expect(question(page)).to_contain_text(f"my moods, own settings ({deleted.name})”?")
    expect(question(page)).to_contain_text("lost for good")
    assert re.search(r"frees [\d.]+ [KM]B of disk space", question(page).inner_text())
    assert in_view(page, "#runs-dialog .em-dialog")
    expect(page.locator("#runs-dialog button[data-action=cancel]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(question(page)).to_have_count(0)
    expect(page.locator("#footer-runs button[data-action=delete]").first).to_be_focused()
    expect(checkbox(page, deleted)).to_be_checked()

    # Ticked and pressed at once: the question is about all that is ticked.
    page.evaluate(
        """run => {
            document.querySelector(`#runs-list input[data-run="${run}"]`).click();
            document.querySelector("#footer-runs button[data-action=delete]").click();
        }""",
        kept.id,
    )
    expect(question(page)).to_contain_text("Their model, curves, scores")
    page.keyboard.press("Escape")
    expect(question(page)).to_have_count(0)
    press(page, "compare")
    expect(page.locator("#comparison")).to_be_visible()
    press(page, "delete")
    expect(question(page)).to_contain_text("Their model, curves, scores")
    press(page, "cancel", "#runs-dialog")
    expect(question(page)).to_have_count(0)
    tick(page, deleted)
    press(page, "delete")
    press(page, "confirm-delete", "#runs-dialog")
    expect(row(page, deleted)).to_have_count(0)
    expect(question(page)).to_have_count(0)
    expect(page.locator("#comparison")).to_be_hidden()
    expect(page.locator("#footer-runs button")).to_have_count(0)
    page.wait_for_function("() => document.querySelector('#runs-list').contains(document.activeElement)")
    visited.reload()
    runs_tab(page)
    expect(row(page, deleted)).to_have_count(0)
    expect(row(page, kept)).to_have_count(1)


def test_a_run_is_continued_with_more_epochs(visit: Open, server: Server, train: Train) -> None:
    run = train(seed=8)
    page = visit().page
    runs_tab(page)
    tick(page, run)
    press(page, "more-epochs")
    field = page.locator("#runs-dialog input")
    expect(field).to_be_focused()
    field.fill("0")
    field.press("Enter")
    expect(question(page).locator("[role=alert]")).to_contain_text("how many more epochs")
    server.brake(True)
    field.fill("5")
    field.press("Enter")
    expect(page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
    # A child run continues the training; the parent is unchanged.
    page.wait_for_function("id => ![id, ''].includes(document.body.dataset.watched ?? '')", arg=run.id)
    child = replace(run, id=page.evaluate("document.body.dataset.watched"))
    expect(page.locator("#loss-chart")).to_contain_text("continues here")
    tab(page, "Runs")
    expect(row(page, child)).to_contain_text("training")
    expect(row(page, child)).to_contain_text("+ 5 epochs")
    expect(row(page, child)).to_contain_text("continues")
    expect(row(page, run)).to_contain_text("finished")
    expect(checkbox(page, run)).to_be_checked()
    tick(page, child)
    press(page, "delete")
    expect(question(page).locator("[role=alert]")).to_contain_text("cannot be deleted while training")
    page.keyboard.press("Escape")
    expect(question(page)).to_have_count(0)
    server.brake(False)
    wait_until_idle(page)
    expect(row(page, child)).to_contain_text("finished")
    expect(checkbox(page, child)).to_be_checked()


def test_a_run_is_repeated_with_its_settings(visit: Open, train: Train) -> None:
    run = train(seed=9, epochs=2)
    page = visit().page
    runs_tab(page)
    tick(page, run)
    press(page, "again")
    expect(page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
    choose_settings(page)
    expect(page.locator("#start")).to_be_enabled()
    expect(setting(page, "epochs")).to_have_value("2")
    expect(setting(page, "seed")).to_have_value("9")
    expect(page.locator("#train-source")).to_contain_text("my moods.csv")


def test_earlier_files_can_be_opened_again_and_removed(visit: Open, moods_csv: Path, tmp_path: Path) -> None:
    page = visit().page
    upload(page, moods_csv, rows="240")
    upload(page, write_rows(tmp_path / "later.csv", small_rows(90)), rows="90")
    runs_tab(page)
    page.get_by_role("button", name="Files opened before").click()
    lines = page.locator("#files-list li")
    expect(lines.first).to_contain_text("later.csv")
    expect(lines.first).to_contain_text("open now")
    moods = lines.filter(has_text="my moods.csv").first
    expect(moods).to_contain_text(re.compile(r"\d+ KB"))
    moods.get_by_role("button", name="Open").click()
    expect(page.get_by_role("tab", name="Data")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#data-summary")).to_contain_text("240 rows")

    tab(page, "Runs")
    expect(lines.first).to_contain_text("my moods.csv")  # the section was left open
    n_files = lines.count()
    lines.first.get_by_role("button", name="Remove").click()
    expect(question(page)).to_contain_text("Remove “my moods.csv”?")
    expect(page.locator("#runs-dialog button[data-action=cancel]")).to_be_focused()
    press(page, "confirm-remove-draft", "#runs-dialog")
    expect(lines).to_have_count(n_files - 1)
    tab(page, "Data")
    expect(page.locator("#data-summary")).to_be_hidden()


def test_disk_usage_is_shown_and_freed(visit: Open, train: Train) -> None:
    run = train(seed=10)
    page = visit().page
    runs_tab(page)
    assert page.locator("#disk-usage table").count() == 0  # nothing is computed before the section is opened
    page.get_by_role("button", name="Disk space").click()
    line = page.locator("#disk-usage tbody tr").filter(has=page.locator(f"button[data-code='{run.id}']"))
    expect(line).to_contain_text(re.compile(r"[\d.]+ [KM]B"))
    expect(page.locator("#disk-usage")).to_contain_text("of this disk are free")
    line.locator("button[data-action=free]").click()
    expect(question(page)).to_contain_text("cannot be continued afterwards; its model, scores and curves stay")
    press(page, "confirm-free", "#runs-dialog")
    expect(page.locator("#disk-usage [role=status]")).to_contain_text("can no longer be trained further")
    expect(line.locator("button[data-action=free]")).to_have_count(0)

    tick(page, run)
    press(page, "more-epochs")
    page.locator("#runs-dialog input").press("Enter")
    expect(question(page).locator("[role=alert]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(question(page)).to_have_count(0)
    # On another page: a return to this tab renders the section again, with the answer to a later press or without it.
    other = visit().page
    runs_tab(other)
    title(other, run).click()
    expect(other.get_by_role("tab", name="Results")).to_have_attribute("aria-selected", "true")
    expect(other.locator("#headline h2")).to_contain_text("of 48 texts it never saw")

    line.locator("button[data-action=delete]").click()
    press(page, "confirm-delete", "#runs-dialog")
    expect(line).to_have_count(0)
    expect(page.locator("#disk-usage [role=status]")).to_contain_text("1 run deleted.")


def test_on_a_phone_nothing_scrolls_by_itself_and_targets_are_large(visit: Open, pair: tuple[RunView, RunView], other_run: RunView) -> None:
    page = visit(**PHONE).page
    runs_tab(page)
    wide = "document.documentElement.scrollWidth"
    inner = "[...document.querySelectorAll('#runs-list, #runs-list *')].filter(node => node.scrollHeight > node.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(node).overflowY)).length"
    assert page.evaluate(inner) == 0
    assert page.evaluate(wide) <= 390
    assert page.evaluate(SMALL_TARGETS, 44) == []
    tick(page, pair[0])
    assert in_view(page, "#open-run")
    assert page.locator("#footer-runs button[data-action=rename]").is_hidden()
    press(page, "more")
    expect(page.locator("#runs-dialog button")).to_have_count(6)
    assert in_view(page, "#runs-dialog .em-dialog")
    assert page.evaluate(SMALL_TARGETS, 44) == []
    press(page, "rename", "#runs-dialog")
    expect(page.locator("#runs-dialog input")).to_be_focused()
    assert in_view(page, "#runs-dialog .em-dialog")
    assert page.evaluate(SMALL_TARGETS, 44) == []
    page.keyboard.press("Escape")
    expect(question(page)).to_have_count(0)
    tick(page, *pair)
    press(page, "compare")
    expect(page.locator("#comparison .js-plotly-plot")).to_have_count(4)
    assert page.evaluate(wide) <= 390
    tick(page, pair[0], other_run)
    press(page, "compare")
    expect(page.locator("#comparison-summary")).to_contain_text("different files")
    assert page.evaluate(wide) <= 390
    for section, inside in (
        ("Files opened before", "#files-list .em-with-buttons > *"),
        ("Disk space", "#disk-usage table"),
    ):
        page.get_by_role("button", name=section).click()
        expect(page.locator(inside).first).to_be_visible()
    assert page.evaluate(wide) <= 390
    assert page.evaluate(SMALL_TARGETS, 44) == []


def test_on_a_desktop_targets_are_36_pixels_and_the_footer_holds_all_actions(visit: Open, pair: tuple[RunView, RunView]) -> None:
    page = visit(width=1280, height=860).page
    runs_tab(page)
    tick(page, pair[0])
    for action in ("delete", "rename", "more-epochs", "again", "open"):
        button = page.locator(f"#footer-runs button[data-action={action}]")
        expect(button).to_be_visible()
        assert button.bounding_box()["height"] >= 36
    assert page.locator("#footer-runs").bounding_box()["height"] <= 66
    press(page, "deselect")
    expect(checkbox(page, pair[0])).not_to_be_checked()
    expect(page.locator("#footer-runs button")).to_have_count(0)
