"""What a user does on the page and sees there: steps that the browser tests share."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Server
from trainer.drafts.history import DraftHistory
from trainer.drafts.store import DraftStore
from trainer.settings import LOCAL_OWNER

POINTS = """id => {
    const chart = document.querySelector(`#${id} .js-plotly-plot`);
    // Until the first answer about a run that was just started, the chart is that of the run before.
    if (chart?.layout?.uirevision !== document.body.dataset.watched) return [];
    const line = (chart?.data ?? []).find(trace => trace.name?.startsWith("training") && trace.x?.length);
    return line ? Array.from(line.x, (x, i) => [x, line.y[i]]) : [];
}"""
RANGE = "id => document.querySelector(`#${id} .js-plotly-plot`)._fullLayout.xaxis.range.map(Number)"
NAMES = "id => [...document.querySelectorAll(`#${id} .xtick text, #${id} .ytick text`)].map(node => node.textContent)"


def tab(page: Page, name: str) -> None:
    """Choose a tab: "Data", "Train", "Results", "Try it", "Check labels" or "Runs"."""
    button = page.get_by_role("tab", name=name)
    button.click()
    expect(button).to_have_attribute("aria-selected", "true")


def upload(page: Page, path: Path | dict, rows: str | None = None) -> None:
    """Upload a file; with ``rows``, wait until the page shows this file with so many rows instead of the previous one."""
    previous = page.locator("#data-summary [data-draft]")
    previous_id = previous.get_attribute("data-draft") if previous.count() else ""
    page.locator("#upload input[type=file]").set_input_files(path)
    if rows is not None:
        expect(page.locator(f"#data-summary [data-draft]:not([data-draft='{previous_id}'])")).to_contain_text(f"{rows} rows")


def setting(page: Page, name: str) -> Locator:
    return page.locator(f"#setting-{name.replace('_', '-')}").locator("input, textarea")


def choose_settings(page: Page, **values: str) -> None:
    """Fill in settings of the next training."""
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


def wait_until_form_saved(page: Page, server: Server, values: dict[str, str]) -> None:
    """Wait until the server has these values with the open file; a reload before that would bring earlier ones back."""
    history = DraftHistory(DraftStore(server.folder / "runs" / "drafts"))
    while not values.items() <= history.latest(LOCAL_OWNER).form.items():
        page.wait_for_timeout(100)


def shown_run(page: Page) -> str:
    """The id of the run that the Train tab shows; empty while the next one is prepared."""
    return page.evaluate("document.body.dataset.watched ?? ''")


def start_training(page: Page, seed: str, epochs: str = "6") -> str:
    """Start a training on the open file; returns the run's id."""
    choose_settings(page, epochs=epochs, batch_size="16", learning_rate="0.005", max_length="32", seed=seed)
    expect(page.locator("#start")).to_be_enabled()
    previous_run = shown_run(page)
    page.locator("#start").click()
    page.wait_for_function("previous => !!document.body.dataset.watched && document.body.dataset.watched !== previous", arg=previous_run)
    expect(page.locator("#watch-head h2")).to_be_visible()
    return shown_run(page)


def headline(page: Page) -> Locator:
    """The sentence above the charts."""
    return page.locator("#watch-head h2")


def wait_until_trained(page: Page) -> None:
    """Wait until the shown run is trained. The sentence of the run before stays until the first answer about this one."""
    page.wait_for_function("() => document.querySelector('#to-results')?.dataset.code === document.body.dataset.watched")
    expect(headline(page)).to_contain_text("Trained.")


def points(page: Page, chart: str = "loss-chart") -> list[list[float]]:
    return page.evaluate(POINTS, chart)


def wait_for_points(page: Page, more_than: int, chart: str = "loss-chart") -> list[list[float]]:
    page.wait_for_function(f"([id, n]) => ({POINTS})(id).length > n", arg=[chart, more_than])
    return points(page, chart)


def wait_until_idle(page: Page) -> None:
    """Wait until no run is training or queued."""
    expect(page.locator("#status-bar .em-status-bar[data-state=running]")).to_have_count(0)


def end_training(page: Page, server: Server) -> None:
    """Stop the training and wait until the server is idle. With the brake off before Stop is pressed it might end by itself in between."""
    page.evaluate("() => { const stop = document.querySelector('#stop'); if (stop?.checkVisibility()) stop.click(); }")
    server.brake(False)
    wait_until_idle(page)


def remove_checkpoint_folder(server: Server, run: str) -> None:
    """Replace a training's checkpoint folder with a file, so that it fails at its next checkpoint. The brake holds it at one of its next points:
    while it saves one it would make the folder again."""
    folder = server.folder / "runs" / run / "checkpoints"
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("in the way")
    server.brake(False)


def box(page: Page, selector: str) -> dict[str, float]:
    """Position of the first visible match in the window: x, y, width, height, bottom, in pixels."""
    return page.locator(selector).locator("visible=true").first.evaluate("e => e.getBoundingClientRect().toJSON()")


def hold_first_request(page: Page, address: str, content: str = "") -> Callable[[], Route]:
    """Hold back the first request to this address whose body has this ``content``, as other parts of the page may send requests of their own, and let
    the others pass. The returned function waits for it and returns its route, to be continued by the test."""
    routes: list[Route] = []

    def hold(route: Route) -> None:
        if routes or content not in (route.request.post_data or ""):
            route.continue_()
        else:
            routes.append(route)

    def wait_for_route() -> Route:
        while not routes:
            page.wait_for_timeout(20)
        return routes[0]

    page.route(address, hold)
    return wait_for_route


def in_view(page: Page, selector: str) -> bool:
    """Whether the first visible match is completely in the window and not under the footer or the status bar."""
    return (
        page.locator(selector)
        .locator("visible=true")
        .first.evaluate(
            """element => {
            const { top, bottom, left, right, height } = element.getBoundingClientRect();
            const inFooter = element.closest('.em-footer, #status-bar');
            const footer = [...document.querySelectorAll('.em-footer')].find(node => node.offsetParent !== null || getComputedStyle(node).position === 'fixed' && node.getClientRects().length);
            const end = inFooter || !footer ? innerHeight : footer.getBoundingClientRect().top;
            return height > 0 && top >= 0 && bottom <= end + 1 && left >= 0 && right <= innerWidth + 1;
        }"""
        )
    )


def boxes(page: Page, *selectors: str) -> list[dict[str, float]]:
    """Like ``box`` for several selectors, all measured at the same moment: what comes late may move the page between two measurements."""
    for selector in selectors:
        expect(page.locator(selector).locator("visible=true").first).to_be_visible()
    return page.evaluate(
        """selectors => selectors.map(selector => {
            const shown = [...document.querySelectorAll(selector)].find(node => node.checkVisibility() && node.getClientRects().length);
            return shown.getBoundingClientRect().toJSON();
        })""",
        list(selectors),
    )
