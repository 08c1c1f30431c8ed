"""The report to share, opened from the disk: it asks nobody for anything, fits both widths, and prints."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.addresses import patient
from tests.workspace.steps import ME
from tests.workspace.test_reports import SECRET, make_run
from trainer.studio import Studio

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_shared_report_needs_no_request(browser: "Browser", studio: Studio, tmp_path: Path, width: int, scheme: str) -> None:
    _, content = studio.for_owner(ME).reports.html(make_run(studio), with_texts=width == 390)
    file = tmp_path / "report.html"
    file.write_bytes(content)
    page = patient(browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme))
    requests: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.route("**/*", lambda route: route.continue_() if route.request.url == file.as_uri() else route.abort())
    page.goto(file.as_uri())
    assert "% right" in page.locator("h1").inner_text()
    assert page.locator("h2").all_inner_texts()[:3] == ["Scores", "Class by class worst first", "What it confuses"]
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("document.scripts.length") == 0
    assert SECRET not in page.content()
    assert len(page.pdf()) > 10_000
    assert requests == [file.as_uri()]
    assert errors == []
    page.close()
