"""Foreign pages: what a browser asks for another site's page is refused, and programs and our own page are not."""

from pathlib import Path

import pytest

from tests.security.client import ANSWER, ask
from trainer.security.cross_site import CrossSiteMiddleware
from trainer.security.headers import HUB_ORIGINS, SecurityHeadersMiddleware
from trainer.security.hosts import allowed_hosts
from trainer.settings import Settings

HOSTS = allowed_hosts("127.0.0.1", Settings(runs_dir=Path("unused"), hosts=("me-emotune.hf.space",)))
WALL = CrossSiteMiddleware(ANSWER, HOSTS, framed=False)
FRAMED = CrossSiteMiddleware(ANSWER, HOSTS, framed=True)
OWN = "http://127.0.0.1:7860"
VISIT = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
PATHS = [
    "/",
    "/gradio_api/upload",
    "/gradio_api/run/predict",
    "/gradio_api/queue/join",
    "/gradio_api/queue/data",
    "/download/x",
    "/prepared/x/exact",
    "/config",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.test",
        "https://evil.test",
        "http://localhost:9999",
        "http://127.0.0.1",
        "http://127.0.0.1:7860.evil.test",
        "null",
        "file://",
    ],
)
def test_a_foreign_origin_gets_nothing(path: str, method: str, origin: str) -> None:
    answer = ask(WALL, method, path, headers={"origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("path", PATHS)
def test_a_name_bound_to_our_address_gets_nothing_even_from_its_own_page(path: str) -> None:
    for headers in ({}, {"origin": "http://evil.test:7860", "sec-fetch-site": "same-origin"}):
        assert ask(WALL, "GET", path, host="evil.test:7860", headers=headers).status_code == 421


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    "path", ["/download/x", "/prepared/x/exact", "/gradio_api/file=x", "/config", "/gradio_api/queue/data", "/assets/x.js"]
)
def test_what_another_site_embeds_or_links_to_is_not_handed_out(site: str, path: str) -> None:
    for mode, dest in (("no-cors", "image"), ("no-cors", "script"), ("navigate", "document"), ("navigate", "iframe"), ("cors", "empty")):
        headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
        assert ask(WALL, "GET", path, headers=headers).status_code == 403


def test_a_link_leads_to_the_page_and_not_into_a_frame() -> None:
    assert ask(WALL, headers=VISIT).status_code == 200
    assert ask(WALL, "POST", headers=VISIT).status_code == 403
    assert ask(WALL, headers=VISIT | {"sec-fetch-dest": "iframe"}).status_code == 403
    assert ask(FRAMED, headers=VISIT | {"sec-fetch-dest": "iframe"}).status_code == 200
    assert ask(FRAMED, path="/download/x", headers=VISIT | {"sec-fetch-dest": "iframe"}).status_code == 403


def test_our_own_page_and_programs_get_what_they_ask_for() -> None:
    for headers in (
        {},
        {"origin": OWN},
        {"origin": OWN, "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
        # Without a referrer a browser keeps its origin back.
        {"origin": "null", "sec-fetch-site": "same-origin"},
    ):
        assert ask(WALL, "POST", "/gradio_api/upload", headers=headers).status_code == 200, headers
    space = {"origin": "https://me-emotune.hf.space", "sec-fetch-site": "same-origin"}
    assert ask(FRAMED, "POST", "/gradio_api/upload", host="me-emotune.hf.space", headers=space).status_code == 200


def test_two_hosts_or_two_origins_are_none() -> None:
    answer = ask(WALL, headers=[("host", "127.0.0.1:7860"), ("host", "evil.test")])
    assert answer.status_code == 421
    answer = ask(WALL, "POST", headers=[("origin", OWN), ("origin", "http://evil.test")])
    assert answer.status_code == 403


def test_every_answer_forbids_frames_guessed_types_referrers_and_other_hosts() -> None:
    for app, path in ((SecurityHeadersMiddleware(WALL), "/"), (SecurityHeadersMiddleware(WALL), "/download/x")):
        for headers in ({}, {"origin": "http://evil.test"}):
            answer = ask(app, path=path, headers=headers)
            policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
            assert policy["frame-ancestors"] == "'none'"
            assert policy["default-src"] == "'self'"
            assert not [value for value in policy.values() if "http" in value or "*" in value]
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"


def test_the_hub_may_frame_a_space_and_nobody_else() -> None:
    answer = ask(SecurityHeadersMiddleware(FRAMED, framed_by=HUB_ORIGINS))
    assert "frame-ancestors https://huggingface.co https://*.hf.space" in answer.headers["content-security-policy"]
    assert "x-frame-options" not in answer.headers
