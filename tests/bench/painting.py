"""How much later our page is first painted than a bare Gradio page with the same types of components, opened in turn without a cache."""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.addresses import free_port
from tests.bench.page import running_page

_BARE = [sys.executable, "-m", "tests.bench.bare_page"]
_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_ROUNDS = 7


def measure(rounds: int = _ROUNDS) -> dict[str, float]:
    """Medians of both and of their difference in milliseconds; empty without Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with running_page(free_port(), Path(folder)) as ours, running_page(free_port(), Path(folder), _BARE) as bare:
            pairs = [(_first_paint_ms(browser, bare), _first_paint_ms(browser, ours)) for _ in range(rounds + 1)][1:]
        browser.close()
    return {
        "bare_first_paint_ms": round(statistics.median(pair[0] for pair in pairs)),
        "first_paint_ms": round(statistics.median(pair[1] for pair in pairs)),
        "first_paint_later_by_ms": round(statistics.median(pair[1] - pair[0] for pair in pairs)),
    }


def _first_paint_ms(browser: Browser, address: str) -> float:
    """Milliseconds to the first contentful paint, in a new browser context."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.goto(address)
    page.get_by_role("tab").first.wait_for()
    milliseconds = page.evaluate(_PAINT)
    context.close()
    return float(milliseconds)


def show(results: dict[str, float]) -> None:
    if not results:
        print("The first paint is not measured: there is no Chromium.")
        return
    print(f"First contentful paint, milliseconds (median of {_ROUNDS}, in turn, without a cache)")
    print(f"  a bare Gradio page with the same types of components   {results['bare_first_paint_ms']:6,}")
    print(f"  Emotune                                                {results['first_paint_ms']:6,}")
    print(f"  later by                                               {results['first_paint_later_by_ms']:6,}   (allowed: 500)")


if __name__ == "__main__":
    print(measure())
