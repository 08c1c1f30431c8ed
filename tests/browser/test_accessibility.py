"""axe-core finds nothing on any tab in any state, light and dark, on a desktop and on a phone."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PATIENCE, Server
from tests.browser.steps import begin, choose_settings, tab, upload, wait_for_points, wait_until_trained

TABS = ("Data", "Train", "Results", "Try it", "Runs")

ONLY_GRADIO = {
    # rule: what of gradio's own parts it is about, by a piece of the element's HTML.
}
"""What only gradio itself can mend."""


def wrong(page: Page) -> list[str]:
    """What axe-core has found, with its best practices, in short."""
    page.wait_for_timeout(300)  # colours fade in
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} ({node['failureSummary'].splitlines()[-1].strip()[:120]})"
        for rule in found
        for node in rule["nodes"]
        if not any(part in node["html"] for part in ONLY_GRADIO.get(rule["id"], ()))
    ]


@pytest.mark.slow  # many minutes: every tab in every state, four times
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 860), (390, 844)])
def test_axe_finds_nothing(browser: Browser, empty_handed: Server, moods_csv: Path, width: int, height: int, scheme: str) -> None:
    server = empty_handed
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(server.address)
    found: dict[str, list[str]] = {}

    def look(state: str, *names: str) -> None:
        for name in names:
            tab(page, name)
            found[f"{state}, {name}"] = wrong(page)

    expect(page.locator("#try-sample")).to_be_visible()
    look("empty", *TABS)
    tab(page, "Data")
    upload(page, {"name": "picture.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n" + bytes(64)})
    expect(page.locator("[role=alert]").locator("visible=true").first).to_be_visible()
    look("a file that is none", "Data")
    upload(page, moods_csv, rows="240")
    look("a file is open", "Data", "Train")
    choose_settings(page, epochs="0")
    page.locator("#start").click()
    expect(page.locator("#foot-start [role=alert]")).to_be_visible()
    look("a mistake in the settings", "Train")
    server.brake(True)
    begin(page, seed="1")
    wait_for_points(page, 5)
    look("training", "Train", "Data")
    server.brake(False)
    page.locator("#stop").click()
    tab(page, "Train")
    expect(page.locator("#to-results")).to_be_visible()
    look("trained", *TABS)
    tab(page, "Train")
    begin(page, seed="2", epochs="1")
    wait_until_trained(page)
    tab(page, "Runs")
    for box in page.locator("#runs-list input[type=checkbox]").all():
        box.check()
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator("#comparison")).to_be_visible()
    found["comparing, Runs"] = wrong(page)
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#runs-sheet .em-question")).to_be_visible()
    found["a question, Runs"] = wrong(page)
    context.close()
    assert {state: nodes for state, nodes in found.items() if nodes} == {}
