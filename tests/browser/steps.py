"""What a person does on the page, and what they see: steps that the browser tests share."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Server

POINTS = """id => {
    const chart = document.querySelector(`#${id} .js-plotly-plot`);
    const line = (chart?.data ?? []).find(trace => trace.name?.startsWith("training") && trace.x?.length);
    return line ? Array.from(line.x, (x, i) => [x, line.y[i]]) : [];
}"""
RANGE = "id => document.querySelector(`#${id} .js-plotly-plot`)._fullLayout.xaxis.range.map(Number)"
NAMES = "id => [...document.querySelectorAll(`#${id} .xtick text, #${id} .ytick text`)].map(node => node.textContent)"


def tab(page: Page, name: str) -> None:
    """Choose a tab: "Data", "Train", "Results", "Try it" or "Runs"."""
    there = page.get_by_role("tab", name=name)
    there.click()
    expect(there).to_have_attribute("aria-selected", "true")


def upload(page: Page, path: Path | dict, rows: str | None = None) -> None:
    """Hand a file in; with ``rows``, wait until it stands there instead of the one before, and the page says that it has so many."""
    before = page.locator("#data-summary [data-draft]")
    known = before.get_attribute("data-draft") if before.count() else ""
    page.locator("#upload input[type=file]").set_input_files(path)
    if rows is not None:
        expect(page.locator(f"#data-summary [data-draft]:not([data-draft='{known}'])")).to_contain_text(f"{rows} rows")


def setting(page: Page, name: str) -> Locator:
    return page.locator(f"#setting-{name.replace('_', '-')}").locator("input, textarea")


def choose_settings(page: Page, **values: str) -> None:
    """Fill settings of the next training in."""
    tab(page, "Train")
    prepare = page.locator("#run-details [data-action=prepare]")
    expect(page.locator("#start:visible, #run-details [data-action=prepare]:visible").first).to_be_visible()
    if prepare.is_visible():
        prepare.click()
    epochs = setting(page, "epochs")
    expect(page.locator("#start")).to_be_visible()
    if not page.locator("#settings .label-wrap.open").count():
        page.locator("#settings").get_by_text("More settings", exact=True).click()
    expect(epochs).to_be_visible()
    # Once the level has set them for this file: otherwise it might overwrite what is typed now.
    expect(page.locator("#level-explanation")).to_contain_text(re.compile("training rows|Your own settings|The settings of "))
    for name, value in values.items():
        setting(page, name).fill(value)


def watched(page: Page) -> str:
    """The id of the run whose course the Train tab shows; empty while the next one is prepared."""
    return page.evaluate("document.body.dataset.watched ?? ''")


def begin(page: Page, seed: str, epochs: str = "6") -> str:
    """Start a training of the file that is open; returns the run's id."""
    choose_settings(page, epochs=epochs, batch_size="16", learning_rate="0.005", max_length="32", seed=seed)
    expect(page.locator("#start")).to_be_enabled()
    before = watched(page)
    page.locator("#start").click()
    page.wait_for_function("before => !!document.body.dataset.watched && document.body.dataset.watched !== before", arg=before)
    expect(page.locator("#watch-head h2")).to_be_visible()
    return watched(page)


def course(page: Page) -> Locator:
    """The sentence over the charts."""
    return page.locator("#watch-head h2")


def wait_until_trained(page: Page) -> None:
    expect(course(page)).to_contain_text("Trained.")


def points(page: Page, chart: str = "loss-chart") -> list[list[float]]:
    return page.evaluate(POINTS, chart)


def wait_for_points(page: Page, more_than: int, chart: str = "loss-chart") -> list[list[float]]:
    page.wait_for_function(f"([id, n]) => ({POINTS})(id).length > n", arg=[chart, more_than])
    return points(page, chart)


def wait_until_idle(page: Page) -> None:
    """Until nothing trains and nothing waits."""
    expect(page.locator("#status-bar .em-status-bar[data-state=running]")).to_have_count(0)


def end_training(page: Page, server: Server) -> None:
    """Leave the server with nothing to do."""
    server.brake(False)
    if page.locator("#stop").is_visible():
        page.locator("#stop").click()
    wait_until_idle(page)


def take_its_folder_away(server: Server, run: str) -> None:
    """What a training meets when somebody tidies up under it: it fails at its next checkpoint."""
    folder = server.folder / "runs" / run / "checkpoints"
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("in the way")
    server.brake(False)


def box(page: Page, selector: str) -> dict[str, float]:
    """Where the first visible match stands in the window: x, y, width, height, bottom, in pixels."""
    return page.locator(selector).locator("visible=true").first.evaluate("e => e.getBoundingClientRect().toJSON()")


def hold_first(page: Page, address: str) -> list[Route]:
    """Hold the first request to this address up on its way; it stands in the list then, for whoever lets it go on. The others pass."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route(address, hold)
    return held


def in_view(page: Page, selector: str) -> bool:
    """Whether the first visible match stands wholly in the window, clear of the foot and the strip."""
    return (
        page.locator(selector)
        .locator("visible=true")
        .first.evaluate(
            """element => {
            const { top, bottom, left, right, height } = element.getBoundingClientRect();
            const own = element.closest('.em-footer, #status-bar');
            const foot = [...document.querySelectorAll('.em-footer')].find(one => one.offsetParent !== null || getComputedStyle(one).position === 'fixed' && one.getClientRects().length);
            const end = own || !foot ? innerHeight : foot.getBoundingClientRect().top;
            return height > 0 && top >= 0 && bottom <= end + 1 && left >= 0 && right <= innerWidth + 1;
        }"""
        )
    )
