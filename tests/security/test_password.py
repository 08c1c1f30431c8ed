"""Without the password there is only the login page, and guessing is slow."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.security.client import RESPONSE, ask, ask_async, run
from trainer.security import password
from trainer.security.password import PasswordMiddleware

FORM = {"accept": "text/html,*/*"}


@pytest.fixture
def app() -> PasswordMiddleware:
    return PasswordMiddleware(RESPONSE, "öpen sesame")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Records pauses without waiting."""
    made: list[float] = []
    sleep = asyncio.sleep

    async def pause(seconds: float) -> None:
        made.append(seconds)
        await sleep(0)

    monkeypatch.setattr(password.asyncio, "sleep", pause)
    return made


def login(app: PasswordMiddleware, given_password: str, **how: object) -> httpx.Response:
    return ask(app, "POST", "/login", data={"username": "me", "password": given_password}, **how)


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "path",
    ["/config", "/gradio_api/upload", "/gradio_api/call/start", "/gradio_api/run/predict", "/gradio_api/heartbeat/x", "/gradio_api/cancel",
     "/gradio_api/startup-events", "/download/x", "/prepared/x/exact", "/theme.css", "/assets/x.js", "/login/x", "//", "/%6cogin2"],
)  # fmt: skip
def test_without_the_password_there_is_nothing(app: PasswordMiddleware, path: str, method: str) -> None:
    assert ask(app, method, path).status_code in (401, 303)
    assert ask(app, method, path).text != "here"
    assert ask(app, method, path, headers={"cookie": "emotune-00000000=x; session=y"}).text != "here"


def test_the_page_leads_to_the_question_and_the_right_answer_back_to_the_page(app: PasswordMiddleware) -> None:
    assert ask(app).headers["location"] == "./login"
    question = ask(app, path="/login")
    assert question.status_code == 200
    assert 'type="password"' in question.text
    assert "<script" not in question.text
    response = login(app, "öpen sesame", headers=FORM)
    assert (response.status_code, response.headers["location"]) == (303, "./")
    cookie = response.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    inside = {"cookie": cookie.partition(";")[0]}
    assert ask(app, path="/download/x", headers=inside).text == "here"
    assert ask(app, "POST", "/gradio_api/upload", headers=inside).text == "here"


def test_a_program_gets_its_cookie_without_a_redirect(app: PasswordMiddleware) -> None:
    response = login(app, "öpen sesame")
    assert (response.status_code, response.json()) == (200, {"success": True})
    assert ask(app, headers={"cookie": response.headers["set-cookie"].partition(";")[0]}).text == "here"


def test_in_the_hub_s_frame_the_cookie_comes_along_over_https_alone() -> None:
    cookie = login(PasswordMiddleware(RESPONSE, "x", embedded=True), "x").headers["set-cookie"]
    assert "SameSite=none" in cookie
    assert "Secure" in cookie


def test_each_wrong_password_makes_the_next_try_slower(app: PasswordMiddleware, pauses: list[float]) -> None:
    for _ in range(10):
        response = login(app, "open sesame", headers=FORM)
        assert (response.status_code, "That is not the password" in response.text) == (400, True)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    assert login(app, "wrong", client=("10.0.0.9", 1)).status_code == 400
    assert len(pauses) == 9, "who has not guessed does not wait"
    assert login(app, "öpen sesame").status_code == 200
    login(app, "wrong")
    assert len(pauses) == 10, "whoever knew it begins anew"


def test_of_an_ipv6_household_all_addresses_are_one(app: PasswordMiddleware, pauses: list[float]) -> None:
    for last in range(4):
        login(app, "wrong", client=(f"2001:db8::{last}", 1))
    assert len(pauses) == 3


def test_many_guesses_at_once_are_not_checked(app: PasswordMiddleware, pauses: list[float]) -> None:
    async def storm() -> list[int]:
        login_form = {"data": {"password": "wrong"}}
        answers = await asyncio.gather(*(ask_async(app, "POST", "/login", **login_form) for _ in range(50)))
        again = await asyncio.gather(*(ask_async(app, "POST", "/login", **login_form) for _ in range(50)))
        return [response.status_code for response in (*answers, *again)]

    codes = run(storm())
    assert set(codes) <= {400, 429}
    assert codes[50:].count(400) == 1
    assert pauses


@pytest.mark.parametrize("body", [b"", b"password", b"password=%ff%fe", b"\xff\xfe", b"password=" + b"x" * 100_000, b"user=x&pass=y"])
def test_what_is_no_form_is_no_password(app: PasswordMiddleware, body: bytes) -> None:
    assert ask(app, "POST", "/login", content=body).status_code == 400


def test_the_password_is_not_in_the_text_of_the_settings() -> None:
    from trainer.settings import Settings

    assert "sesame" not in repr(Settings(runs_dir=Path("unused"), password="sesame"))
