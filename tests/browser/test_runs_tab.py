"""The Runs tab in a real browser: history, selection, comparison, names, deletion, more epochs."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.test_page import EVIL, IDLE, NAMES, tab
from trainer.recipe import Recipe
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder

RECIPE = Recipe(encoder="tiny-bert", epochs=1, batch_size=16, learning_rate=5e-3, max_length=32)

Open = Callable[..., Visit]
Train = Callable[..., RunView]


@pytest.fixture(scope="module")
def train(server: Server, tiny_encoder: Encoder, moods_csv: Path) -> Train:
    """Trains a run on the server's folder from another process, as a terminal would; the page finds it there."""

    def trained(**settings: object) -> RunView:
        studio = Studio(Settings(runs_dir=server.folder / "runs"), encoders=[tiny_encoder])
        recipe = Recipe.from_dict({**RECIPE.to_dict(), **settings})
        view = studio.train_files(LOCAL_OWNER, {"main": (moods_csv.name, moods_csv)}, recipe)
        view = studio.wait(LOCAL_OWNER, view.id, 60)
        studio.close()
        assert view.status == "finished"
        return view

    return trained


@pytest.fixture(scope="module")
def pair(train: Train) -> tuple[RunView, RunView]:
    """Two runs with the same test rows; the second is trained for longer."""
    return train(), train(epochs=3)


def runs_tab(page: Page) -> None:
    tab(page, "Runs")
    expect(page.locator("#runs-list tbody tr").first).to_be_visible()


def row(page: Page, view: RunView) -> Locator:
    return page.locator("#runs-list tr").filter(has=page.locator(f"#run-{view.id}"))


def box(page: Page, view: RunView) -> Locator:
    return page.locator(f"#run-{view.id}")


def test_before_there_is_a_run(visit: Open) -> None:
    page = visit().page
    tab(page, "Runs")
    expect(page.locator("#runs-list")).to_contain_text("No runs yet")
    for button in ("open-run", "compare-runs", "rename-run", "delete-runs"):
        expect(page.locator(f"#{button}")).to_be_disabled()


def test_the_history_and_two_runs_compared(visit: Open, pair: tuple[RunView, RunView]) -> None:
    short, long = pair
    page = visit().page
    runs_tab(page)
    names = page.locator("#runs-list label").all_inner_texts()
    assert names.index(long.name) < names.index(short.name)
    expect(row(page, long)).to_contain_text("my moods.csv · tiny-bert")
    expect(row(page, long)).to_contain_text("finished")
    assert re.search(r"\d\.\d %", row(page, long).inner_text())

    # By keyboard alone.
    box(page, long).focus()
    page.keyboard.press("Space")
    expect(page.locator("#runs-about")).to_contain_text(f"{long.name} is ticked")
    expect(page.locator("#open-run")).to_be_enabled()
    expect(page.locator("#compare-runs")).to_be_disabled()
    row(page, short).locator("td").nth(3).click()  # anywhere in the row
    expect(box(page, short)).to_be_checked()
    page.locator("#compare-runs").click()

    expect(page.locator("#verdict")).to_contain_text("On 48 shared test rows")
    expect(page.locator("#verdict tbody tr")).to_have_count(2)
    expect(page.locator("#differences tbody tr")).to_have_count(1)
    expect(page.locator("#differences tbody tr")).to_contain_text("Epochs")
    for chart in ("compare-loss-chart", "compare-score-chart"):
        expect(page.locator(f"#{chart} .annotation-text")).to_have_count(2)
    label = "() => document.querySelector('#compare-score-chart .chart').getAttribute('aria-label')"
    assert "validation accuracy of 2 runs" in page.evaluate(label)
    page.locator("#compare-score-of").get_by_label("Macro F1").check()
    page.wait_for_function(f"() => ({label})().includes('validation macro F1')")
    assert page.evaluate(NAMES, "compare-loss-chart")


def test_a_name_given_here_is_seen_there_and_nobodys_ticks_jump(visit: Open, pair: tuple[RunView, RunView]) -> None:
    short = pair[0]
    here, there = visit(), visit(elsewhere=True)
    for visited in (here, there):
        runs_tab(visited.page)
    for view in pair:
        box(there.page, view).check()
    expect(there.page.locator("#runs-about")).to_contain_text("2 runs are ticked")
    box(there.page, short).focus()

    page = here.page
    box(page, short).check()
    for name, about in (("  ", "1 to 60 characters"), (EVIL, None)):
        page.locator("#rename-run").click()
        field = page.locator("#run-name").locator("input, textarea")
        expect(field).to_be_focused()
        field.fill(name)
        field.press("Enter")
        if about:
            expect(page.locator("#runs-notice [role=alert]")).to_contain_text(about)
    for visited in (here, there):
        expect(row(visited.page, short).locator("label")).to_have_text(EVIL)
        assert visited.page.locator("img[src=x]").count() == 0
    for view in pair:
        expect(box(there.page, view)).to_be_checked()
    expect(box(there.page, short)).to_be_focused()

    there.page.locator("#compare-runs").click()
    expect(there.page.locator("#verdict")).to_contain_text("<img src=x")
    assert there.page.locator("img[src=x]").count() == 0
    assert there.page.evaluate("window.__pwned") is None
    here.reload()
    runs_tab(page)
    expect(row(page, short).locator("label")).to_have_text(EVIL)
    expect(box(page, short)).not_to_be_checked()


def test_deleting_asks_first(visit: Open, train: Train, pair: tuple[RunView, RunView]) -> None:
    gone, kept = train(seed=7), pair[1]
    visited = visit()
    page = visited.page
    runs_tab(page)
    box(page, gone).check()
    box(page, kept).check()
    page.locator("#compare-runs").click()
    expect(page.locator("#verdict")).to_be_visible()
    box(page, kept).uncheck()
    expect(page.locator("#runs-about")).to_contain_text(f"{gone.name} is ticked")
    page.locator("#delete-runs").click()
    question = page.locator("#delete-question")
    expect(question).to_contain_text(f"Delete “{gone.name}”?")
    expect(question).to_contain_text("lost for good")
    assert re.search(r"frees [\d.]+ [KM]B of disk space", question.inner_text())
    expect(page.locator("#keep-runs")).to_be_focused()
    page.keyboard.press("Enter")
    expect(question).to_be_hidden()
    expect(box(page, gone)).to_be_checked()

    page.locator("#delete-runs").click()
    page.locator("#confirm-delete").click()
    expect(row(page, gone)).to_have_count(0)
    expect(question).to_be_hidden()
    expect(page.locator("#verdict")).to_be_hidden()  # one of what it compared is gone
    expect(page.locator("#delete-runs")).to_be_disabled()
    visited.reload()
    runs_tab(page)
    expect(row(page, gone)).to_have_count(0)
    expect(row(page, kept)).to_have_count(1)


def test_a_run_is_opened_and_trained_further(visit: Open, server: Server, train: Train) -> None:
    run = train(seed=8)
    page = visit().page
    runs_tab(page)
    box(page, run).check()
    page.locator("#open-run").click()
    expect(page.get_by_role("tab", name="3 Results")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#headline")).to_contain_text(run.name)

    tab(page, "Runs")
    expect(box(page, run)).to_be_checked()
    server.brake(True)
    page.get_by_label("More epochs").fill("2")
    expect(page.locator("#train-further")).to_have_text("Train 2 more epochs")
    page.locator("#train-further").click()
    expect(page.get_by_role("tab", name="2 Train")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#strip strong")).to_have_text(run.name)
    tab(page, "Runs")
    page.locator("#delete-runs").click()
    expect(page.locator("#runs-notice [role=alert]")).to_contain_text("cannot be deleted while training")
    server.brake(False)
    expect(page.locator("#strip")).to_contain_text(IDLE)
    expect(row(page, run)).to_contain_text("finished")
    expect(box(page, run)).to_be_checked()


def test_nothing_is_wider_than_a_phone(visit: Open, pair: tuple[RunView, RunView]) -> None:
    page = visit(width=390, height=844).page
    runs_tab(page)
    for view in pair:
        box(page, view).check()
    page.locator("#compare-runs").click()
    expect(page.locator("#compare-loss-chart .js-plotly-plot")).to_be_visible()
    page.locator("#delete-runs").click()
    expect(page.locator("#delete-question")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("(() => { const l = document.querySelector('.em-runs-scroll'); return l.scrollWidth - l.clientWidth })()") <= 0
