"""A sample of markup in every place of the page and beyond; ``make attack`` shows all payloads."""

from typing import TYPE_CHECKING

import pytest

from tests.addresses import patient
from tests.attack.markup import attack_in_browser
from tests.attack.markup_scan import INIT_SCRIPT, WatchedPage
from tests.attack.outcomes import AttackOptions
from tests.attack.payloads import HAND_WRITTEN, payloads
from tests.warm_interpreter import WarmInterpreter

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_markup_is_plain_text_wherever_it_is_shown(browser: "Browser", warm_interpreter: WarmInterpreter) -> None:
    options = AttackOptions(fraction=len(HAND_WRITTEN) / len(payloads()))
    outcome = attack_in_browser(browser, warm_interpreter, options, ("results", "runs", "files", "elsewhere"))
    assert outcome.effects == []
    assert outcome.tries > 200


@pytest.mark.parametrize(
    "html",
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
def test_injected_markup_would_be_detected(browser: "Browser", html: str) -> None:
    context = browser.new_context()
    try:
        watched = WatchedPage(patient(context.new_page()), "")
        watched.page.evaluate(f"() => {{{INIT_SCRIPT}}}")
        watched.set_baseline()
        watched.page.evaluate(
            "html => { const target = document.createElement('div'); document.body.append(target); target.innerHTML = html; }", html
        )
        watched.page.wait_for_timeout(100)
        assert watched.effects("here")
    finally:
        context.close()
