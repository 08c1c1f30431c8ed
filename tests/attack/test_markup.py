"""A sample of words that are markup, in every place of the page and beyond; ``make attack`` shows all of them."""

from typing import TYPE_CHECKING

import pytest

from tests.attack.markup import attack_in_browser
from tests.attack.markup_scan import BEFORE, Watched
from tests.attack.outcomes import AttackOptions
from tests.attack.payloads import HAND_WRITTEN, payloads
from tests.warm import Warm

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_words_of_somebody_stay_words_wherever_they_are_shown(browser: "Browser", warm: Warm) -> None:
    outcome = attack_in_browser(browser, warm, AttackOptions(fraction=len(HAND_WRITTEN) / len(payloads())), presses=False)
    assert outcome.effects == []
    assert outcome.tries > 200


@pytest.mark.parametrize(
    "word",
    [
        "<img src=x onerror=window.__pwned=1>",
        "<svg onload=alert(1)>",
        "<a href=javascript:alert(1)>press</a>",
        "<a href='http://evil.test/'>press</a>",
        "<iframe srcdoc=x></iframe>",
        "<style>@import 'http://evil.test/x.css'</style>",
        "<p style=\"background:url('http://evil.test/x.png')\">x</p>",
        "<form action=/><button>press</button></form>",
    ],
)
def test_words_that_become_more_would_be_seen(browser: "Browser", word: str) -> None:
    context = browser.new_context()
    try:
        watched = Watched(context.new_page(), "")
        watched.page.evaluate(f"() => {{{BEFORE}}}")
        watched.settle()
        watched.page.evaluate(
            "word => { const there = document.createElement('div'); document.body.append(there); there.innerHTML = word; }", word
        )
        watched.page.wait_for_timeout(100)
        assert watched.effects("here")
    finally:
        context.close()
