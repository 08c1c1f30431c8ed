"""A sample of the attack: raw requests, and two foreign pages in a real Chromium."""

from typing import TYPE_CHECKING

from tests.attack import foreign_pages
from tests.attack.outcomes import AttackOptions
from tests.attack.target_server import TargetServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_requests_from_foreign_origins_and_hosts_are_refused(server: TargetServer) -> None:
    outcome = foreign_pages.attack_with_requests(AttackOptions(fraction=0.2), server)
    assert outcome.effects == []
    assert outcome.tries > 50


def test_a_foreign_page_in_a_browser_neither_reads_nor_does_anything(server: TargetServer, browser: "Browser") -> None:
    outcome = foreign_pages.attack_in_browser(AttackOptions(fraction=0.2), server, browser)
    assert outcome.effects == []
    assert outcome.tries > 20
