"""One password before everything: whoever has not given it gets the page that asks for it, and nothing else.

Not a list of users: all who know the password share what is there.
"""

import asyncio
import hmac
import secrets
from html import escape
from ipaddress import IPv6Address, ip_address
from urllib.parse import parse_qs

from cachetools import TTLCache
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from trainer.security.refusals import Refusal

_LOGIN = "/login"
_SESSION_SECONDS = 7 * 24 * 3600
_MOST_SESSIONS, _MOST_ADDRESSES = 1_000, 10_000
_REMEMBERED_SECONDS = 3600.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_MOST_BYTES = 8_192

_NO_PASSWORD = Refusal(401, "This needs the password. Open the page and give it there, or log in first (see the README).", "no_password")


class PasswordMiddleware:
    """Guards every path. ``embedded`` where the page is shown in another site's frame, so that its cookie has to come along there."""

    def __init__(self, app: ASGIApp, password: str, *, embedded: bool = False) -> None:
        self._app, self._password, self._embedded = app, password.encode(), embedded
        # Cookies know no ports: two servers on one computer must not take each other's away.
        self._cookie = f"emotune-{secrets.token_hex(4)}"
        self._sessions: TTLCache[str, bool] = TTLCache(_MOST_SESSIONS, _SESSION_SECONDS)
        self._wrong: TTLCache[str, int] = TTLCache(_MOST_ADDRESSES, _REMEMBERED_SECONDS)
        self._trying: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_known(scope):
            await self._app(scope, receive, send)
            return
        await (await self._answer(scope, receive))(scope, receive, send)

    def _is_known(self, scope: Scope) -> bool:
        return HTTPConnection(scope).cookies.get(self._cookie, "") in self._sessions

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        path = scope["path"].rstrip("/") or "/"
        if path == _LOGIN and scope["method"] == "POST":
            return await self._login(scope, receive)
        if path in ("/", _LOGIN) and scope["method"] in ("GET", "HEAD"):
            return _page("") if path == _LOGIN else RedirectResponse("." + _LOGIN, status_code=303)
        return _NO_PASSWORD.to_response()

    async def _login(self, scope: Scope, receive: Receive) -> Response:
        who = _address(scope)
        if who in self._trying:
            return _page("Another try is still being checked. Wait a moment.", status=429)
        self._trying.add(who)
        try:
            given = await _given(receive)
            wrong = self._wrong.get(who, 0)
            if wrong:
                await asyncio.sleep(min(_FIRST_PAUSE * 2 ** (wrong - 1), _LONGEST_PAUSE))
            if not hmac.compare_digest(given, self._password):
                self._wrong[who] = min(wrong + 1, 20)
                return _page("That is not the password. Try again.", status=400)
        finally:
            self._trying.discard(who)
        self._wrong.pop(who, None)
        return self._welcome(scope)

    def _welcome(self, scope: Scope) -> Response:
        session = secrets.token_urlsafe(32)
        self._sessions[session] = True
        wants_page = "text/html" in HTTPConnection(scope).headers.get("accept", "")
        answer: Response = RedirectResponse("./", status_code=303) if wants_page else JSONResponse({"success": True})
        secure = self._embedded or scope.get("scheme") == "https"
        answer.set_cookie(self._cookie, session, httponly=True, secure=secure, samesite="none" if self._embedded else "lax", path="/")
        return answer


async def _given(receive: Receive) -> bytes:
    """The password in the body of a form; nothing where there is none."""
    body, more = b"", True
    while more and len(body) <= _MOST_BYTES:
        message = await receive()
        body += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
    try:
        return parse_qs(body[:_MOST_BYTES].decode("utf-8"), keep_blank_values=True).get("password", [""])[0].encode()
    except ValueError:
        return b""


def _address(scope: Scope) -> str:
    """Who asks; of the newer kind of addresses a household has 2 to the power of 64."""
    address = (scope.get("client") or ("", 0))[0]
    try:
        number = ip_address(address)
    except ValueError:
        return address
    return f"{int(number) >> 64:x}" if isinstance(number, IPv6Address) and number.ipv4_mapped is None else address


def _page(said: str, status: int = 200) -> Response:
    told = f'<p role="alert">{escape(said)}</p>' if said else ""
    # A browser that keeps its origin back, as it does without a referrer, could not log in.
    return HTMLResponse(
        _PAGE.format(told=told), status_code=status, headers={"Referrer-Policy": "same-origin", "Cache-Control": "no-store"}
    )


_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Emotune</title><style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
main {{ max-width: 22rem; margin: 15vh auto; padding: 0 1rem }}
input, button {{ font: inherit; box-sizing: border-box; width: 100%; min-height: 44px; padding: .5rem .75rem; margin-top: .5rem }}
</style></head><body><main><h1>Emotune</h1><p>This page is kept for those who know its password.</p>{told}
<form method="post" action="login"><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<button>Open</button></form></main></body></html>"""
