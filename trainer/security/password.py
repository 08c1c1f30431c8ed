"""The login: without it a visitor gets the login page and nothing else.

Either one password for everything, which all who know it share, or the names and passwords of a team (``trainer/users.py``).
"""

import asyncio
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from ipaddress import IPv6Address, ip_address
from typing import Protocol
from urllib.parse import parse_qs, quote

from cachetools import TTLCache
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from trainer.errors import UserError
from trainer.html_page import html_page
from trainer.security.refusals import Refusal
from trainer.security.visitors import BLOCKED, name_owner
from trainer.users import owner_of_user

_LOGIN, _LOGOUT = "/login", "/logout"
_SESSION_SECONDS = 7 * 24 * 3600
_MAX_SESSIONS, _MAX_ADDRESSES = 1_000, 10_000
_FORGET_SECONDS = 3600.0
_FIRST_PAUSE, _MAX_PAUSE = 0.5, 30.0
_MAX_BODY_BYTES = 8_192
_FORM_SECONDS, _MAX_NAME = 20.0, 64
_LINK = re.compile(r"(shared|along)/[A-Za-z0-9_-]{1,64}", re.ASCII)
"""Links that somebody was sent. They lead to the login, and from there on; no other address does, here or elsewhere."""


class Accounts(Protocol):
    """Who may log in. A session is what ``log_in`` returned: a name, and what tells its password from a later one."""

    named: bool
    """Whether each has a name, and work of their own."""

    def log_in(self, name: str, password: str) -> tuple[str, str] | None: ...

    def is_valid(self, session: tuple[str, str]) -> bool: ...


class SharedPassword:
    """One password, whatever the name."""

    named = False

    def __init__(self, password: str) -> None:
        self._password = password.encode()

    def log_in(self, name: str, password: str) -> tuple[str, str] | None:
        return ("", "") if hmac.compare_digest(password.encode("utf-8", "surrogatepass"), self._password) else None

    def is_valid(self, session: tuple[str, str]) -> bool:
        return True


_NO_PASSWORD = Refusal("This needs the password. Open the page and give it there, or log in first (docs/http.md says how).", "no_password")


class PasswordMiddleware:
    """Protects every path. ``embedded``: the page is shown in another site's frame, so its cookie must be sent there too.

    If accounts are named, their owners are named in the scope of each request, ``seen`` is called with them, and those who are blocked are refused.
    """

    def __init__(
        self,
        app: ASGIApp,
        accounts: Accounts,
        *,
        embedded: bool = False,
        seen: Callable[[str], None] = lambda _: None,
        is_blocked: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._app, self._accounts, self._embedded, self._seen, self._is_blocked = app, accounts, embedded, seen, is_blocked
        # Cookies ignore ports: two servers on one computer must not overwrite each other's.
        self._cookie = f"emotune-{secrets.token_hex(4)}"
        self._sessions: TTLCache[str, tuple[str, str]] = TTLCache(_MAX_SESSIONS, _SESSION_SECONDS)
        self._failures: TTLCache[str, int] = TTLCache(_MAX_ADDRESSES, _FORGET_SECONDS)
        self._in_progress: set[str] = set()
        # A check is meant to cost a tenth of a second of CPU time: a flood of invented names must not take all cores.
        self._one_check = asyncio.Semaphore(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_login = scope["type"] == "http" and scope["path"].rstrip("/") == _LOGIN
        # Whoever is logged in may log in as somebody else: gradio's own login is closed to both.
        session = self._session(scope) if scope["type"] == "http" and not is_login else None
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif session is None:
            await (await self._response(scope, receive))(scope, receive, send)
        elif scope["path"] == _LOGOUT:
            self._sessions.pop(self._cookie_of(scope), None)
            await RedirectResponse("." + _LOGIN, status_code=303)(scope, receive, send)
        else:
            await (self._enter(scope, session[0]) or self._app)(scope, receive, send)

    def _enter(self, scope: Scope, name: str) -> ASGIApp | None:
        """Name the owner of a request; returns a refusal if the owner is blocked."""
        if self._accounts.named:
            owner = owner_of_user(name)
            if self._is_blocked(owner):
                return BLOCKED.to_response({"connection": "close"})
            name_owner(scope, owner)
            self._seen(owner)
        return None

    def _cookie_of(self, scope: Scope) -> str:
        return HTTPConnection(scope).cookies.get(self._cookie, "")

    def _session(self, scope: Scope) -> tuple[str, str] | None:
        """The session of a request, if it still holds."""
        session = self._sessions.get(self._cookie_of(scope))
        try:
            return session if session is not None and self._accounts.is_valid(session) else None
        except UserError:
            return None

    async def _response(self, scope: Scope, receive: Receive) -> Response:
        path = scope["path"].rstrip("/") or "/"
        if path == _LOGIN and scope["method"] == "POST":
            return await self._login(scope, receive)
        if path in ("/", _LOGIN) and scope["method"] in ("GET", "HEAD"):
            wanted = HTTPConnection(scope).query_params.get("next", "")
            return self._page("", wanted) if path == _LOGIN else RedirectResponse("." + _LOGIN, status_code=303)
        link = path.removeprefix("/")
        if _LINK.fullmatch(link) and (scope["method"] in ("GET", "HEAD") or _wants_page(scope)):
            return RedirectResponse(f"..{_LOGIN}?next={quote(link, safe='')}", status_code=303)
        return _NO_PASSWORD.to_response()

    async def _login(self, scope: Scope, receive: Receive) -> Response:
        try:
            form = await asyncio.wait_for(_read_form(receive), _FORM_SECONDS)
        except TimeoutError:
            return self._page("The name and the password came in too slowly. Try again.", status=408)
        # Many users of a team may share an address, and a guesser may have many: there each name has its own count.
        client, guessed = _address(scope), form.name.strip().lower()[:_MAX_NAME] if self._accounts.named else ""
        counted, trying = guessed or client, f"{client} {guessed}"
        if trying in self._in_progress:
            return self._page("Another try is still being checked. Wait a moment.", form.wanted, status=429)
        self._in_progress.add(trying)
        try:
            failures = self._failures.get(counted, 0)
            if failures:
                await asyncio.sleep(min(_FIRST_PAUSE * 2 ** (failures - 1), _MAX_PAUSE))
            async with self._one_check:
                session = await asyncio.to_thread(self._accounts.log_in, form.name, form.password)
            if session is None:
                self._failures[counted] = min(failures + 1, 20)
                wrong = "This name and this password do not belong together." if self._accounts.named else "That is not the password."
                return self._page(f"{wrong} Try again.", form.wanted, status=400)
        except UserError as error:
            return self._page(error.message, form.wanted, status=error.status)
        finally:
            self._in_progress.discard(trying)
        self._failures.pop(counted, None)
        self._sessions.pop(self._cookie_of(scope), None)
        return self._start_session(scope, session, form.wanted)

    def _start_session(self, scope: Scope, session: tuple[str, str], wanted: str) -> Response:
        token = secrets.token_urlsafe(32)
        self._sessions[token] = session
        link = wanted if _LINK.fullmatch(wanted) else ""
        response: Response = RedirectResponse(f"./{link}", status_code=303) if _wants_page(scope) else JSONResponse({"success": True})
        secure = self._embedded or scope.get("scheme") == "https"
        response.set_cookie(self._cookie, token, httponly=True, secure=secure, samesite="none" if self._embedded else "lax", path="/")
        return response

    def _page(self, message: str, wanted: str = "", status: int = 200) -> Response:
        """The form; whoever came by a link, ``wanted``, gets there from it."""
        notice = f'<p role="alert">{escape(message)}</p>' if message else ""
        fields = f'<input type="hidden" name="next" value="{wanted}">' if _LINK.fullmatch(wanted) else ""
        fields += _NAME_FIELD if self._accounts.named else ""
        # One field is where one begins to type: the first.
        form = _FORM.format(notice=notice, fields=fields, password_focus="" if self._accounts.named else " autofocus")
        # Without a referrer a browser sends the origin "null" and could not log in.
        headers = {"Referrer-Policy": "same-origin", "Cache-Control": "no-store"}
        return HTMLResponse(html_page("Emotune", form, style=_STYLE), status_code=status, headers=headers)


@dataclass(frozen=True)
class _Form:
    """What was sent; empty where there is nothing. ``wanted`` is the link by which somebody came."""

    name: str = ""
    password: str = field(default="", repr=False)
    wanted: str = ""


def _wants_page(scope: Scope) -> bool:
    """Whether a browser asks, and not a program."""
    return "text/html" in HTTPConnection(scope).headers.get("accept", "")


async def _read_form(receive: Receive) -> _Form:
    body, has_more = b"", True
    while has_more and len(body) <= _MAX_BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")
        has_more = message["type"] == "http.request" and message.get("more_body", False)
    try:
        fields = parse_qs(body[:_MAX_BODY_BYTES].decode("utf-8"), keep_blank_values=True)
    except ValueError:
        return _Form()
    return _Form(*(fields.get(key, [""])[0] for key in ("username", "password", "next")))


def _address(scope: Scope) -> str:
    """The client's address; for IPv6 only the first 64 bits, which a household shares."""
    address = (scope.get("client") or ("", 0))[0]
    try:
        number = ip_address(address)
    except ValueError:
        return address
    return f"{int(number) >> 64:x}" if isinstance(number, IPv6Address) and number.ipv4_mapped is None else address


_NAME_FIELD = """<label for="username">Name</label>
<input id="username" name="username" autocomplete="username" autocapitalize="none" required autofocus>
"""
_FORM = """<h1>Emotune</h1><p>This page is protected by a password.</p>{notice}
<form method="post" action="login">{fields}<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required{password_focus}>
<button>Open</button></form>"""
_STYLE = "main { max-width: 24rem; padding-top: 15vh; } button { width: 100%; }"
