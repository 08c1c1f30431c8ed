"""From the first page to a prediction of one's own model: number of clicks, no scrolling, what is in view, no layout shift."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import boxes, headline, in_view, upload, wait_for_points, wait_until_trained

Open = Callable[..., Visit]
SIZES = [(1280, 860), (390, 844)]
SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver(list => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push([entry.value, entry.sources.map(source => {
            const node = source.node;
            const format = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(" ");
            const name = node?.id || node?.className || node?.textContent?.slice(0, 40) || node?.nodeName;
            return `${name}: ${format(source.previousRect)} -> ${format(source.currentRect)}`;
        })]);
    }).observe({ type: "layout-shift" });
}"""


class Walker:
    """Counts the clicks that a user has to make."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0

    def click(self, selector: str) -> None:
        """Click an element that is in view without scrolling."""
        expect(self.page.locator(selector)).to_be_enabled()
        assert self.page.evaluate("scrollY") == 0
        assert in_view(self.page, selector), f"{selector} is out of view"
        self.page.locator(selector).click()
        self.clicks += 1

    def expect_in_view(self, *selectors: str) -> None:
        for selector in selectors:
            expect(self.page.locator(selector).locator("visible=true").first).to_be_visible()
            assert in_view(self.page, selector), f"{selector} is out of view"
        assert self.page.evaluate("scrollY") == 0


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_three_clicks_from_the_first_page_to_a_prediction(visit: Open, fresh_server: Server, width: int, height: int) -> None:
    page = visit(fresh_server, width=width, height=height).page
    walker = Walker(page)
    # What is in view while it trains is looked at while it trains.
    fresh_server.brake(True)
    walker.click("#try-sample")
    expect(headline(page)).to_be_visible()
    walker.expect_in_view("#watch-head h2", "#loss-chart .chart", "#accuracy-chart .chart", "#status-bar")
    if width == 390:
        accuracy, loss = boxes(page, "#accuracy-chart", "#loss-chart")
        assert accuracy["y"] < loss["y"]
    wait_for_points(page, 2)
    assert walker.clicks == 1
    fresh_server.brake(False)

    wait_until_trained(page)
    walker.expect_in_view("#footer-watch .em-footer-message", "#to-results")
    expect(page.locator("#footer-watch")).to_contain_text(re.compile(r"right on 204 test rows \([\d.]+ to [\d.]+ %\); counting words: "))
    walker.click("#to-results")
    expect(page.locator("#headline h2")).to_contain_text("of 204 texts it never saw")
    walker.expect_in_view("#headline h2")
    page.wait_for_function("() => document.activeElement.tagName === 'H2'")
    assert walker.clicks == 2

    walker.click("#to-try")
    expect(page.locator("#prediction .em-share").first).to_be_visible()
    walker.expect_in_view("#prediction .em-share")
    assert walker.clicks == 3


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_from_a_file_to_the_charts_takes_three_steps_and_nothing_moves_while_it_trains(
    visit: Open, server: Server, moods_csv: Path, width: int, height: int
) -> None:
    page = visit(server, width=width, height=height).page
    walker = Walker(page)
    upload(page, moods_csv, rows="240")
    walker.clicks += 1
    walker.expect_in_view("#readiness h2", "#footer-data .em-footer-message")
    walker.click("#to-train")
    page.wait_for_function("() => document.activeElement.tagName === 'H2'")
    server.brake(True)
    walker.click("#start")
    expect(headline(page)).to_be_visible()
    walker.expect_in_view("#watch-head h2", "#loss-chart .chart", "#accuracy-chart .chart")
    assert walker.clicks == 3
    # The answer to the press changes the page; on busy cores it comes later than the half second that browsers allow for it.
    wait_for_points(page, 1)
    page.evaluate(SHIFTS)
    wait_for_points(page, 25)
    server.brake(False)
    wait_until_trained(page)
    page.wait_for_timeout(1500)
    shifts = page.evaluate("window.shifts")
    assert sum(value for value, _ in shifts) <= 0.01, shifts


def test_the_whole_way_by_keyboard(visit: Open, fresh_server: Server) -> None:
    page = visit(fresh_server).page

    def walk_to(selector: str, max_presses: int = 40) -> None:
        for _ in range(max_presses):
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{selector} is not reached by Tab")

    walk_to("#try-sample")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.tagName === 'H2'")
    wait_until_trained(page)
    walk_to("#to-results")
    page.keyboard.press("Enter")
    expect(page.locator("#headline h2")).to_be_focused()
    # What is rendered again while it has the focus loses it to the heading.
    for selector in ("#confusion-chart .js-plotly-plot", "#per-class tbody tr", "#found-rows h3"):
        expect(page.locator(selector).first).to_be_visible()
    expect(page.locator("#suggestions")).to_contain_text("What would help most")
    expect(page.locator("#suggestions")).not_to_contain_text("Looking at the rows")
    # Past the matrix, the rows and the promises.
    walk_to("#to-try", max_presses=80)
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.activeElement.tagName === 'H2'")
    walk_to("#try-text textarea")
    prediction = page.locator("#prediction [data-text]")
    of_example = prediction.get_attribute("data-text")
    page.keyboard.type("happy laugh and dance today")
    expect(prediction).not_to_have_attribute("data-text", of_example)
    expect(prediction).to_contain_text(re.compile("Probably|Perhaps"))
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
