"""How much later our page is first painted than a bare Gradio page with the same kinds of components, both opened in turn in a new browser."""

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.addresses import free_port
from tests.bench.page import serving

_BARE = [sys.executable, "-m", "tests.bench.bare_page"]
_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_ROUNDS = 7


def measure(rounds: int = _ROUNDS) -> dict[str, float]:
    """Medians of both in milliseconds, and of their difference; nothing where there is no Chromium."""
    program = shutil.which("chromium")
    if program is None:
        return {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        with serving(free_port(), Path(folder)) as ours, serving(free_port(), Path(folder), _BARE) as bare:
            pairs = [(_painted(browser, bare), _painted(browser, ours)) for _ in range(rounds + 1)][1:]
        browser.close()
    return {
        "bare_first_paint_ms": round(statistics.median(pair[0] for pair in pairs)),
        "first_paint_ms": round(statistics.median(pair[1] for pair in pairs)),
        "first_paint_later_by_ms": round(statistics.median(pair[1] - pair[0] for pair in pairs)),
    }


def _painted(browser: Browser, address: str) -> float:
    """Milliseconds to the first contentful paint, in a browser that has nothing in its cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = context.new_page()
    page.goto(address)
    page.get_by_role("tab").first.wait_for()
    painted = page.evaluate(_PAINT)
    context.close()
    return float(painted)


if __name__ == "__main__":
    print(measure())
