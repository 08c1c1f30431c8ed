"""A sample of words that are markup, in every place of the page and beyond; ``make attack`` shows all of them."""

from typing import TYPE_CHECKING

from tests.attack.markup import attack_in
from tests.attack.outcomes import Bounds
from tests.attack.payloads import OWN, payloads

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_words_of_somebody_stay_words_wherever_they_are_shown(browser: "Browser") -> None:
    outcome = attack_in(browser, Bounds(share=len(OWN) / len(payloads())))
    assert outcome.effects == []
    assert outcome.tries > 300
