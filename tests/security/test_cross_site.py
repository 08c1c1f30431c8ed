"""Requests that a browser sends for another site's page are refused; those of programs and of our own page are not."""

from pathlib import Path

import pytest

from tests.security.client import RESPONSE, ask
from trainer.security.cross_site import CrossSiteMiddleware
from trainer.security.headers import HUB_ORIGINS, SecurityHeadersMiddleware
from trainer.security.hosts import allowed_hosts
from trainer.settings import Settings

HOSTS = allowed_hosts("127.0.0.1", Settings(runs_dir=Path("unused"), hosts=("me-emotune.hf.space",)))
APP = CrossSiteMiddleware(RESPONSE, HOSTS, framed=False)
FRAMED_APP = CrossSiteMiddleware(RESPONSE, HOSTS, framed=True)
OWN_ORIGIN = "http://127.0.0.1:7860"
VISIT = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
PATHS = [
    "/",
    "/gradio_api/upload",
    "/gradio_api/run/predict",
    "/gradio_api/queue/join",
    "/gradio_api/queue/data",
    "/download/x",
    "/prepared/x/exact",
    "/labels/x/corrected",
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
    response = ask(APP, method, path, headers={"origin": origin})
    assert response.status_code == 403
    assert "access-control-allow-origin" not in response.headers
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize("path", PATHS)
def test_a_name_bound_to_our_address_gets_nothing_even_from_its_own_page(path: str) -> None:
    for headers in ({}, {"origin": "http://evil.test:7860", "sec-fetch-site": "same-origin"}):
        assert ask(APP, "GET", path, host="evil.test:7860", headers=headers).status_code == 421


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    "path", ["/download/x", "/prepared/x/exact", "/gradio_api/file=x", "/config", "/gradio_api/queue/data", "/assets/x.js"]
)
def test_what_another_site_embeds_or_links_to_is_not_handed_out(site: str, path: str) -> None:
    for mode, dest in (("no-cors", "image"), ("no-cors", "script"), ("navigate", "document"), ("navigate", "iframe"), ("cors", "empty")):
        headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
        assert ask(APP, "GET", path, headers=headers).status_code == 403


def test_a_link_leads_to_the_page_and_not_into_a_frame() -> None:
    assert ask(APP, headers=VISIT).status_code == 200
    assert ask(APP, "POST", headers=VISIT).status_code == 403
    assert ask(APP, headers=VISIT | {"sec-fetch-dest": "iframe"}).status_code == 403
    assert ask(FRAMED_APP, headers=VISIT | {"sec-fetch-dest": "iframe"}).status_code == 200
    assert ask(FRAMED_APP, path="/download/x", headers=VISIT | {"sec-fetch-dest": "iframe"}).status_code == 403


def test_our_own_page_and_programs_get_what_they_ask_for() -> None:
    for headers in (
        {},
        {"origin": OWN_ORIGIN},
        {"origin": OWN_ORIGIN, "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"},
        # Without a referrer a browser keeps its origin back.
        {"origin": "null", "sec-fetch-site": "same-origin"},
    ):
        assert ask(APP, "POST", "/gradio_api/upload", headers=headers).status_code == 200, headers
    space = {"origin": "https://me-emotune.hf.space", "sec-fetch-site": "same-origin"}
    assert ask(FRAMED_APP, "POST", "/gradio_api/upload", host="me-emotune.hf.space", headers=space).status_code == 200


def test_two_hosts_or_two_origins_are_none() -> None:
    response = ask(APP, headers=[("host", "127.0.0.1:7860"), ("host", "evil.test")])
    assert response.status_code == 421
    response = ask(APP, "POST", headers=[("origin", OWN_ORIGIN), ("origin", "http://evil.test")])
    assert response.status_code == 403


def test_every_answer_forbids_frames_guessed_types_referrers_and_other_hosts() -> None:
    for app, path in ((SecurityHeadersMiddleware(APP), "/"), (SecurityHeadersMiddleware(APP), "/download/x")):
        for headers in ({}, {"origin": "http://evil.test"}):
            response = ask(app, path=path, headers=headers)
            policy = dict(part.split(" ", 1) for part in response.headers["content-security-policy"].split("; "))
            assert policy["frame-ancestors"] == "'none'"
            assert policy["default-src"] == "'self'"
            assert not [value for value in policy.values() if "http" in value or "*" in value]
            assert response.headers["x-frame-options"] == "DENY"
            assert response.headers["x-content-type-options"] == "nosniff"
            assert response.headers["referrer-policy"] == "no-referrer"


def test_the_hub_may_frame_a_space_and_nobody_else() -> None:
    response = ask(SecurityHeadersMiddleware(FRAMED_APP, framed_by=HUB_ORIGINS))
    assert "frame-ancestors https://huggingface.co https://*.hf.space" in response.headers["content-security-policy"]
    assert "x-frame-options" not in response.headers
