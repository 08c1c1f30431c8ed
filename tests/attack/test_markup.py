"""A sample of markup in every place of the page and beyond; ``make attack`` shows all payloads."""

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tests.addresses import patient
from tests.attack.markup import attack_in_browser
from tests.attack.markup_models import ModelsAttack
from tests.attack.markup_scan import INIT_SCRIPT, WatchedPage
from tests.attack.outcomes import AttackOptions
from tests.attack.payloads import HAND_WRITTEN, payloads
from tests.warm_interpreter import WarmInterpreter
from trainer.runs.ids import is_id
from trainer.runs.run import Run
from trainer.training.encoders import Encoder

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def test_markup_is_plain_text_wherever_it_is_shown(browser: "Browser", warm_interpreter: WarmInterpreter) -> None:
    options = AttackOptions(fraction=len(HAND_WRITTEN) / len(payloads()))
    outcome = attack_in_browser(browser, warm_interpreter, options, ("results", "runs", "files", "elsewhere"))
    assert outcome.effects == []
    assert outcome.tries > 200


def test_the_models_of_the_attack_are_trained_and_shared(tiny_encoder: Encoder, tmp_path: Path) -> None:
    """What they show is looked at by ``make attack`` alone, which takes many minutes."""
    server = SimpleNamespace(folder=tmp_path)
    attack = ModelsAttack(SimpleNamespace(server=server, payloads=HAND_WRITTEN[:6]), tmp_path)  # type: ignore[arg-type]
    attack.train(tiny_encoder)
    views = [Run(folder).read_view() for folder in (tmp_path / "runs").iterdir() if is_id(folder.name)]
    assert [(view.status, view.has_model) for view in views] == [("finished", True)] * 2
    assert len({view.task for view in views}) == 2


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
