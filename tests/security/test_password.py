"""Without the password there is only the login page, and guessing is slow."""

import asyncio
import re
import time
from pathlib import Path
from urllib.parse import quote, urljoin

import httpx
import pytest

from tests.security.client import RESPONSE, ask, ask_async, run, say_owner
from trainer.security import password
from trainer.security.password import PasswordMiddleware, SharedPassword
from trainer.security.visitors import HEADER
from trainer.users import Users

FORM = {"accept": "text/html,*/*"}


@pytest.fixture
def app() -> PasswordMiddleware:
    return PasswordMiddleware(RESPONSE, SharedPassword("öpen sesame"))


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
    cookie = login(PasswordMiddleware(RESPONSE, SharedPassword("x"), embedded=True), "x").headers["set-cookie"]
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


@pytest.fixture
def team(tmp_path: Path) -> PasswordMiddleware:
    """A team of two in front of an app that says whose request it is."""
    users = Users(tmp_path / "users.json")
    for name in ("ada", "bob"):
        users.set_password(name, f"password of {name}")
    return PasswordMiddleware(say_owner, users, is_blocked=lambda owner: owner == "user-bob")


def log_in_as(team: PasswordMiddleware, name: str) -> dict[str, str]:
    response = ask(team, "POST", "/login", data={"username": name, "password": f"password of {name.lower()}"})
    return {"cookie": response.headers["set-cookie"].partition(";")[0]}


def test_in_a_team_each_request_is_that_of_the_user_who_logged_in(team: PasswordMiddleware) -> None:
    form = ask(team, path="/login").text
    assert re.findall(r'<input id="(\w+)"[^>]* autofocus>', form) == ["username"]
    ada = log_in_as(team, "Ada")
    assert ask(team, path="/x", headers=ada).json() == {"owner": "user-ada"}
    assert ask(team, path="/x", headers={**ada, HEADER: "A" * 22}).json() == {"owner": "user-ada"}
    assert ask(team, path="/x").status_code == 401
    assert ask(team, path="/x", headers=log_in_as(team, "bob")).json()["code"] == "blocked"
    assert ask(team, "POST", "/login", data={"username": "bob", "password": "password of ada"}).status_code == 400


@pytest.mark.parametrize("link", ["shared/AbC_-123", "along/AbC_-123"])
def test_whoever_comes_by_a_link_is_led_to_it_after_the_login(team: PasswordMiddleware, link: str) -> None:
    question = ask(team, path=f"/{link}")
    assert question.status_code == 303
    page = urljoin(f"http://server/{link}", question.headers["location"])
    assert page.startswith("http://server/login?")
    answers = [ask(team, path=page.removeprefix("http://server"))]
    for password_ in ("wrong", "password of ada"):
        form = dict(re.findall(r'<input[^>]* name="(\w+)"(?: value="([^"]*)")?', answers[-1].text)) | {
            "username": "ada",
            "password": password_,
        }
        answers.append(ask(team, "POST", "/login", data=form, headers=FORM))
    assert urljoin("http://server/login", answers[-1].headers["location"]) == f"http://server/{link}"
    # A form on the page behind the link, sent after the session has ended, leads to the login too; a program is told that it needs one.
    assert ask(team, "POST", f"/{link}", data={"text": "x"}, headers=FORM).headers["location"] == question.headers["location"]
    assert ask(team, "POST", f"/{link}", data={"text": "x"}).status_code == 401


@pytest.mark.parametrize(
    "wanted",
    ["//evil.test", "https://evil.test/", "/\\evil.test", "shared//evil.test", "shared/../x", "shared/x\n", "shared/x\r\nset-cookie: a=b",
     "along/@evil.test", "javascript:alert(1)", "shared/ａ", "login", "logout", "download/x", '"><script>', "shared/" + "a" * 65],
)  # fmt: skip
def test_the_login_leads_to_no_other_address(team: PasswordMiddleware, wanted: str) -> None:
    assert 'name="next"' not in ask(team, path=f"/login?next={quote(wanted)}").text
    form = {"username": "ada", "password": "password of ada", "next": wanted}
    assert ask(team, "POST", "/login", data=form, headers=FORM).headers["location"] == "./"


def test_after_logging_out_or_with_another_password_the_cookie_opens_nothing(team: PasswordMiddleware, tmp_path: Path) -> None:
    ada = log_in_as(team, "ada")
    assert ask(team, path="/logout", headers=ada).headers["location"] == "./login"
    assert ask(team, path="/x", headers=ada).status_code == 401
    ada = log_in_as(team, "ada")
    Users(tmp_path / "users.json").set_password("ada", "another password")
    assert ask(team, path="/x", headers=ada).status_code == 401


def test_a_damaged_list_of_users_is_said_on_the_login_page(team: PasswordMiddleware, tmp_path: Path) -> None:
    (tmp_path / "users.json").write_text("[")
    response = ask(team, "POST", "/login", data={"username": "ada", "password": "password of ada"})
    assert response.status_code == 503
    assert "cannot be read" in response.text


def test_in_a_team_each_name_has_its_own_count(team: PasswordMiddleware, pauses: list[float]) -> None:
    def guess(name: str) -> None:
        ask(team, "POST", "/login", data={"username": name, "password": "a wrong password"})

    guess("ada")
    guess("Ada ")
    # Another user's success, or somebody else's mistake at the same address, changes nothing for either.
    log_in_as(team, "bob")
    assert pauses == [0.5]
    guess("ada")
    assert pauses == [0.5, 1]


def test_a_flood_of_invented_names_is_checked_one_after_the_other() -> None:
    class SlowAccounts:
        named, checking, most = True, 0, 0

        def log_in(self, name: str, password: str) -> tuple[str, str] | None:
            self.checking += 1
            self.most = max(self.most, self.checking)
            time.sleep(0.01)
            self.checking -= 1
            return (name, "") if name == "ada" else None

        def is_valid(self, session: tuple[str, str]) -> bool:
            return True

    accounts = SlowAccounts()
    app = PasswordMiddleware(RESPONSE, accounts)

    async def flood() -> list[int]:
        names = (*(f"invented{number}" for number in range(30)), "ada")
        answers = await asyncio.gather(
            *(ask_async(app, "POST", "/login", data={"username": name, "password": "a long guess"}) for name in names)
        )
        return [response.status_code for response in answers]

    assert run(flood()) == [400] * 30 + [200]
    assert accounts.most == 1


def test_a_second_login_ends_the_first_session(team: PasswordMiddleware) -> None:
    ada = log_in_as(team, "ada")
    again = ask(team, "POST", "/login", data={"username": "ada", "password": "password of ada"}, headers=ada)
    assert again.status_code == 200
    assert ask(team, path="/x", headers=ada).status_code == 401


def test_a_form_that_never_comes_keeps_nobody_out(app: PasswordMiddleware, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password, "_FORM_SECONDS", 0.01)

    async def nothing() -> dict:
        await asyncio.Event().wait()
        return {}

    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/login", "headers": [], "client": ("127.0.0.1", 4711)}
    run(app(scope, nothing, send))
    assert sent[0]["status"] == 408
    assert login(app, "öpen sesame").status_code == 200
