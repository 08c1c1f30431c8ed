"""A sample of the attack: raw requests, and two foreign pages in a real Chromium."""

from typing import TYPE_CHECKING

from tests.attack import foreign_pages
from tests.attack.outcomes import Bounds
from tests.attack.served import Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_requests_of_foreign_pages_and_names_are_refused(served: Served) -> None:
    found = foreign_pages.attacked_raw(Bounds(share=0.2), served)
    assert found.effects == []
    assert found.tries > 50


def test_a_foreign_page_in_a_browser_neither_reads_nor_does_anything(served: Served, browser: "Browser") -> None:
    found = foreign_pages.attacked_in_browser(Bounds(share=0.2), served, browser)
    assert found.effects == []
    assert found.tries > 20
