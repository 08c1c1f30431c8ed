"""Visitors: a random token in a cookie, and work that belongs to a digest of it."""

import re
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from tests.security.client import ask, ask_async, run, say_owner
from trainer.security.upload_access import UploadAccessMiddleware
from trainer.security.visitors import HEADER, KNOWN_PATH, VisitorMiddleware, owner_of, owner_of_token
from trainer.upload_owners import UploadOwners

TOKEN = "A" * 22
RUNS = Path("/somewhere/runs")


def visitors(seen: list[str] | None = None, **options: object) -> VisitorMiddleware:
    return VisitorMiddleware(say_owner, runs_dir=RUNS, seen=(seen if seen is not None else []).append, **{"framed": False, **options})


def cookie_of(response: httpx.Response) -> tuple[str, str]:
    name, _, value = response.headers["set-cookie"].partition(";")[0].partition("=")
    return name, value


def test_each_new_browser_is_another_visitor_and_comes_back_by_its_cookie() -> None:
    seen: list[str] = []
    app = visitors(seen)
    first, second = ask(app), ask(app)
    name, token = cookie_of(first)
    assert re.fullmatch(r"[\w-]{22}", token)
    assert first.json() != second.json()
    assert seen == []  # who never comes back has nothing
    again = ask(app, path="/x", headers={"cookie": f"{name}={token}"})
    assert again.json() == first.json() == {"owner": owner_of_token(token)}
    assert seen == [owner_of_token(token)]
    assert "set-cookie" not in again.headers
    assert cookie_of(ask(app, headers={"cookie": f"{name}={token}"})) == (name, token)


def test_the_owner_s_name_does_not_tell_the_token() -> None:
    assert TOKEN not in owner_of_token(TOKEN)
    assert re.fullmatch(r"visitor-[0-9a-f]{32}", owner_of_token(TOKEN))


def test_a_program_may_send_a_token_in_a_header() -> None:
    response = ask(visitors(), path="/x", headers={HEADER: TOKEN})
    assert response.json() == {"owner": owner_of_token(TOKEN)}
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("forged", ["", "local", "A" * 21, "A" * 23, "../" * 7 + "A", "A" * 20 + "\u00e9\u00e9"])
def test_a_forged_token_opens_nothing(forged: str) -> None:
    owner = ask(visitors(), headers={HEADER: forged.encode()}).json()["owner"]
    assert owner not in (owner_of_token(forged), "local")
    assert re.fullmatch(r"visitor-[0-9a-f]{32}", owner)


def test_the_cookie_is_for_this_site_only_and_in_a_frame_for_that_frame_only() -> None:
    plain, framed = (ask(visitors(framed=framed)).headers["set-cookie"] for framed in (False, True))
    assert plain.endswith("; HttpOnly; SameSite=Lax")
    assert framed.endswith("; HttpOnly; SameSite=None; Secure; Partitioned")


def test_a_page_learns_whether_the_browser_sends_its_cookie() -> None:
    app = visitors()
    first = ask(app, path=KNOWN_PATH)
    name, token = cookie_of(first)
    assert first.json() == {"known": False}
    assert ask(app, path=KNOWN_PATH, headers={"cookie": f"{name}={token}"}).json() == {"known": True}
    assert ask(app, path=KNOWN_PATH, headers={HEADER: TOKEN}).json() == {"known": True}


def test_work_is_taken_along_once_and_only_by_who_asks_for_it() -> None:
    app = visitors()
    first = ask(app)
    name, token = cookie_of(first)
    mine, other = {"cookie": f"{name}={token}"}, {"cookie": f"{name}={'B' * 22}"}
    old, code = (re.search(r'href="along/([\w-]{22})"', ask(app, path="/along", headers=mine).text)[1] for _ in range(2))
    link = f"/along/{code}"
    assert ask(app, "POST", f"/along/{old}", headers=other).status_code == 404
    # Looking at it, as programs of a chat do, does not use it up.
    for _ in range(2):
        looked = ask(app, path=link, headers=other)
        assert '<form method="post">' in looked.text
        assert "set-cookie" not in looked.headers
    taken = ask(app, "POST", link, headers=other)
    assert (taken.status_code, taken.headers["location"], cookie_of(taken)) == (303, "../", (name, token))
    for method in ("GET", "POST"):
        again = ask(app, method, link, headers=other)
        assert again.status_code == 404
        assert "set-cookie" not in again.headers
        assert again.text == ask(app, method, f"/along/{'C' * 22}", headers=other).text


def test_a_browser_without_a_cookie_has_nothing_to_take_along() -> None:
    page = ask(visitors(), path="/along")
    assert "nothing to take along" in page.text
    assert 'href="along/' not in page.text


def test_invented_visitors_push_out_no_link_of_others() -> None:
    somebody = owner_of_token(TOKEN)
    app = visitors(has_work=lambda owner: owner == somebody)
    link = re.search(r'href="(along/[\w-]{22})"', ask(app, path="/along", headers={HEADER: TOKEN}).text)[1]

    async def invent() -> set[str]:
        return {(await ask_async(app, "GET", "/along", headers={HEADER: f"{number:022}"})).text for number in range(1_200)}

    pages = run(invent())
    assert len(pages) == 1
    assert "You have no files and no runs" in pages.pop()
    assert ask(app, path=f"/{link}", headers={HEADER: "B" * 22}).status_code == 200


def test_two_servers_on_one_computer_use_two_cookies() -> None:
    other = VisitorMiddleware(say_owner, runs_dir=Path("/elsewhere"), framed=False)
    assert cookie_of(ask(visitors()))[0] != cookie_of(ask(other))[0]


def test_without_the_middleware_there_is_no_owner() -> None:
    with pytest.raises(LookupError):
        owner_of({"type": "http", "state": {}})


async def gradio(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers an upload as gradio does, and any other request with the path."""
    if scope["path"] == "/upload":
        await Request(scope, receive).body()
        await JSONResponse(["/uploads/f00d/file.csv"])(scope, receive, send)
    else:
        await JSONResponse({"served": scope["path"]})(scope, receive, send)


def test_an_upload_is_served_to_its_sender_only() -> None:
    owners = UploadOwners()
    app = VisitorMiddleware(
        UploadAccessMiddleware(gradio, owners, upload_path="/upload", file_path="/file=", folder=Path("/uploads")),
        runs_dir=RUNS,
        framed=False,
    )
    sender, other = {HEADER: TOKEN}, {HEADER: "B" * 22}
    assert ask(app, "POST", "/upload", headers=sender, content=b"x").json() == ["/uploads/f00d/file.csv"]
    assert owners.owns(owner_of_token(TOKEN), "/uploads/f00d/file.csv")
    assert not owners.owns(owner_of_token("B" * 22), "/uploads/f00d/file.csv")
    # A path that is decoded twice would lie elsewhere.
    for path in ("/file=/uploads/f00d/file.csv", "/file=/uploads/x/%2e%2e/f00d/file.csv", "/file=/uploads/f00d/%252e%252e/%2e%2e/file.csv"):
        assert ask(app, path=path, headers=sender).status_code == 200
        assert ask(app, path=path, headers=other).json()["code"] == "not_here"
    # What belongs to the page itself is for everybody.
    assert ask(app, path="/file=/assets/page.js", headers=other).status_code == 200
