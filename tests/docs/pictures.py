"""Make the pictures of the documentation anew: ``make pictures``. Needs Chromium, and a minute or two in which the sample is trained."""

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.addresses import free_port
from tests.bench.page import running_page
from tests.docs.pages import ROOT

FOLDER = ROOT / "assets"
_SIZE = {"width": 1280, "height": 860}
_WAIT_MS, _SETTLE_MS = 600_000, 1_000
_EVALUATED = """n => {
    const chart = document.querySelector("#accuracy-chart .js-plotly-plot");
    return (chart?.data ?? []).some(trace => trace.name?.startsWith("validation") && trace.x?.length >= n);
}"""


def main() -> int:
    chromium = shutil.which("chromium")
    if chromium is None:
        print("The pictures need Chromium (Debian: apt-get install chromium).", file=sys.stderr)
        return 1
    expect.set_options(timeout=_WAIT_MS)
    with tempfile.TemporaryDirectory() as runs, running_page(free_port(), Path(runs)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=_SIZE)
        page.set_default_timeout(_WAIT_MS)
        page.goto(address)
        expect(page.locator("html[data-opened]")).to_be_attached()
        _take_all(page)
        browser.close()
    return 0


def _take_all(page: Page) -> None:
    """From the first click to a prediction, then a file with findings."""
    page.locator("#try-sample").click()
    page.wait_for_function(_EVALUATED, arg=2)
    _take(page, "train")
    page.locator("#to-results").click()
    expect(page.locator("#headline h2")).to_contain_text("texts it never saw")
    _take(page, "results")
    page.locator("#to-try").click()
    expect(page.locator("#prediction .em-share").first).to_be_visible()
    of_an_example = page.locator("#prediction").inner_html()
    page.locator("#try-text textarea").fill("I can't believe it, we finally won!")
    page.wait_for_function("before => document.querySelector('#prediction').innerHTML != before", arg=of_an_example)
    expect(page.locator("#prediction .em-share").first).to_be_visible()
    _take(page, "try")
    page.get_by_role("tab", name="Data").click()
    page.locator("#upload input[type=file]").set_input_files(FOLDER / "messy_emotions.csv")
    expect(page.locator("#data-summary [data-draft]")).to_contain_text("messy_emotions.csv")
    expect(page.locator("#findings")).to_be_visible()
    _take(page, "data")


def _take(page: Page, name: str) -> None:
    """A picture of what is in view, in 256 colours."""
    # The highlight under the pointer, the ring around what has the focus and a chart that is still drawn would be in it.
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement?.blur()")
    page.wait_for_timeout(_SETTLE_MS)
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled")))
    # The default method gives two classes the same colour; this one differs by at most 7 of 255, in a third of the bytes of all colours.
    few = picture.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(FOLDER / f"{name}.png", optimize=True)
    print(f"made: assets/{name}.png")


if __name__ == "__main__":
    sys.exit(main())
