"""axe-core finds nothing on any tab in any state, light and dark, on a desktop and on a phone."""

from collections.abc import Callable, Mapping
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import (
    choose_settings,
    headline,
    remove_checkpoint_folder,
    start_training,
    tab,
    upload,
    wait_for_points,
    wait_until_trained,
)

Open = Callable[..., Visit]

TABS = ("Data", "Train", "Results", "Try it", "Check labels", "Runs")

ONLY_GRADIO = {
    # rule: pieces of HTML that identify Gradio's own elements.
}
"""Violations that only Gradio itself can fix."""


def violations(page: Page, dark: bool) -> list[str]:
    """axe-core's violations, best practices included, in short; in dark mode only the colours are checked, as nothing else differs from light mode."""
    # The elements that pass are neither collected nor sent, and style sheets of other hosts not fetched again, of which there are none.
    options = {"resultTypes": ["violations"], "preload": False, **({"runOnly": ["color-contrast"]} if dark else {})}
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    results = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} ({node['failureSummary'].splitlines()[-1].strip()[:120]})"
        for rule in results
        for node in rule["nodes"]
        if not any(part in node["html"] for part in ONLY_GRADIO.get(rule["id"], ()))
    ]


TRAINED = {
    "Train": ("#to-results",),
    "Results": ("#headline .em-download", "#per-class tbody tr", "#confusion-chart .js-plotly-plot", "#found-rows h3"),
    "Try it": ("#prediction .em-prediction", "#examples .em-row-to-try", "#take-away li"),
    "Check labels": ("#check-labels",),
    "Runs": ("#runs-list .em-run-score strong",),
}
"""What each tab shows once a model is trained: the parts come with different responses."""

_VIEWS = [(390, 844, False), (1280, 860, False), (1280, 860, True)]


def stop_motion(page: Page) -> None:
    """Otherwise colours are checked in the middle of a transition."""
    page.add_style_tag(content="*, *::before, *::after { transition: none !important; animation: none !important; }")


def violations_by_view(page: Page, state: str) -> dict[str, list[str]]:
    """The violations of a page in this ``state`` by state, width and colours; nothing may be wider than the page."""
    found = {}
    for width, height, dark in _VIEWS:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
        # Charts are drawn again in one of the next frames, with the other width and the other colours.
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))")
        page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
        found[f"{state}, {width} pixels, {'dark' if dark else 'light'}"] = violations(page, dark)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, state
    page.set_viewport_size({"width": 1280, "height": 900})
    page.evaluate("document.body.classList.remove('dark')")
    return found


def test_axe_finds_nothing(visit: Open, fresh_server: Server, moods_csv: Path) -> None:
    server = fresh_server
    page = visit(server).page
    stop_motion(page)
    problems: dict[str, list[str]] = {}

    def check(state: str, *names: str, shown: Mapping[str, tuple[str, ...]] | None = None) -> None:
        for name in names:
            tab(page, name)
            for part in (shown or {}).get(name, ()):
                expect(page.locator(part).first).to_be_visible()
            problems.update(violations_by_view(page, f"{state}, {name}"))

    expect(page.locator("#try-sample")).to_be_visible()
    check("empty", *TABS)
    tab(page, "Data")
    upload(page, {"name": "picture.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n" + bytes(64)})
    expect(page.locator("[role=alert]").locator("visible=true").first).to_be_visible()
    check("an unreadable file", "Data")
    upload(page, moods_csv, rows="240")
    check("a file is open", "Data", "Train", shown={"Train": ("#start",)})
    choose_settings(page, epochs="0")
    page.locator("#start").click()
    expect(page.locator("#footer-start [role=alert]")).to_be_visible()
    check("an invalid setting", "Train")
    server.brake(True)
    start_training(page, seed="1")
    wait_for_points(page, 5)
    check("training", "Train", "Data")
    tab(page, "Train")
    # With the brake on the training cannot end before the button is pressed.
    page.locator("#stop").click()
    expect(page.locator("#to-results")).to_be_visible()
    server.brake(False)
    check("trained", *TABS, shown=TRAINED)
    tab(page, "Results")
    page.locator("#rows-split").get_by_text("Validation rows").click()
    # Each choice is answered by itself: one after the other.
    expect(page.locator("#found-rows h3")).to_contain_text("validation rows")
    page.locator("#rows-shown").get_by_text("All", exact=True).click()
    expect(page.locator("#found-rows h3")).to_have_text("24 of 24 validation rows")
    page.locator("#found-rows .em-row-open").first.click()
    expect(page.locator(".em-similar li")).to_have_count(3)
    check("a row is open", "Results")
    tab(page, "Try it")
    page.locator("#try-text textarea").fill("happy laugh and dance\nso unfair")
    expect(page.locator("#prediction .em-words .em-for").first).to_be_visible()
    check("words", "Try it")
    page.locator("#try-lines input").check()
    page.locator("#prediction .em-row-open").first.click()
    expect(page.locator("#prediction .em-row-detail .em-for").first).to_be_visible()
    check("several texts", "Try it")
    tab(page, "Train")
    server.brake(True, points=4)
    failed = start_training(page, seed="2")
    wait_for_points(page, 3)
    remove_checkpoint_folder(server, failed)
    expect(headline(page)).to_contain_text("failed")
    check("failed", "Train")
    start_training(page, seed="3", epochs="1")
    wait_until_trained(page)
    tab(page, "Runs")
    expect(page.locator("#runs-list input[type=checkbox]")).to_have_count(3)
    scored = page.locator("#runs-list tr").filter(has=page.locator(".em-run-score strong")).locator("input[type=checkbox]")
    # A run is listed before it has a score.
    expect(scored).to_have_count(2)
    for run in scored.all():
        run.check()
        expect(run).to_be_checked()
    expect(page.locator("#footer-runs")).to_contain_text("2 runs are selected")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator("#comparison .js-plotly-plot").first).to_be_visible()
    check("comparing", "Runs")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator("#runs-dialog .em-question")).to_be_visible()
    check("a question", "Runs")
    assert {state: nodes for state, nodes in problems.items() if nodes} == {}
