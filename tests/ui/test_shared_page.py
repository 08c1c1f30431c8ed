"""The page behind a link to a shared run, over HTTP."""

from collections.abc import Iterator

import httpx
import pytest

from tests.ui.conftest import Server
from trainer.settings import LOCAL_OWNER


@pytest.fixture
def link(server: Server, run: str) -> Iterator[str]:
    shared = server.studio.for_owner(LOCAL_OWNER).shared
    yield f"{server.address}shared/{shared.share(run, with_texts=False).token}"
    shared.end(run)


def test_the_page_has_no_script_and_predicts_what_is_posted(link: str) -> None:
    page = httpx.get(link)
    assert page.status_code == 200
    # Else the form would come with the origin "null", which over plain HTTP is refused.
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert "Prediction" not in page.text
    answer = httpx.post(link, data={"text": "<b>so happy</b> today"})
    assert "<th>Prediction</th>" in answer.text
    assert "&lt;b&gt;so happy&lt;/b&gt; today</textarea>" in answer.text


def test_a_link_in_a_mail_opens_and_a_form_of_another_site_does_not(link: str) -> None:
    linked = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert httpx.get(link, headers=linked).status_code == 200
    assert httpx.post(link, data={"text": "x"}, headers={**linked, "origin": "https://evil.test"}).status_code == 403
    assert httpx.get(link, headers={**linked, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}).status_code == 403


def test_a_wrong_link_says_so_and_a_text_too_many_is_a_sentence(server: Server, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = httpx.get(f"{server.address}shared/{'A' * 22}")
    assert (wrong.status_code, wrong.text[:22]) == (404, "This link leads nowher")
    monkeypatch.setattr("trainer.call_rate.CallRate.admit", lambda self, owner, limit: 30.0)
    refused = httpx.post(link, data={"text": "so happy"})
    assert refused.status_code == 200
    assert '<p role="alert">That were more than' in refused.text
