"""One password for everything: without it a visitor gets the login page and nothing else.

There are no user accounts: everybody with the password shares the same data.
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
_MAX_SESSIONS, _MAX_ADDRESSES = 1_000, 10_000
_FORGET_SECONDS = 3600.0
_FIRST_PAUSE, _MAX_PAUSE = 0.5, 30.0
_MAX_BODY_BYTES = 8_192

_NO_PASSWORD = Refusal("This needs the password. Open the page and give it there, or log in first (docs/http.md says how).", "no_password")


class PasswordMiddleware:
    """Protects every path. ``embedded``: the page is shown in another site's frame, so its cookie must be sent there too."""

    def __init__(self, app: ASGIApp, password: str, *, embedded: bool = False) -> None:
        self._app, self._password, self._embedded = app, password.encode(), embedded
        # Cookies ignore ports: two servers on one computer must not overwrite each other's.
        self._cookie = f"emotune-{secrets.token_hex(4)}"
        self._sessions: TTLCache[str, bool] = TTLCache(_MAX_SESSIONS, _SESSION_SECONDS)
        self._failures: TTLCache[str, int] = TTLCache(_MAX_ADDRESSES, _FORGET_SECONDS)
        self._in_progress: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_logged_in(scope):
            await self._app(scope, receive, send)
            return
        await (await self._response(scope, receive))(scope, receive, send)

    def _is_logged_in(self, scope: Scope) -> bool:
        return HTTPConnection(scope).cookies.get(self._cookie, "") in self._sessions

    async def _response(self, scope: Scope, receive: Receive) -> Response:
        path = scope["path"].rstrip("/") or "/"
        if path == _LOGIN and scope["method"] == "POST":
            return await self._login(scope, receive)
        if path in ("/", _LOGIN) and scope["method"] in ("GET", "HEAD"):
            return _page("") if path == _LOGIN else RedirectResponse("." + _LOGIN, status_code=303)
        return _NO_PASSWORD.to_response()

    async def _login(self, scope: Scope, receive: Receive) -> Response:
        client = _address(scope)
        if client in self._in_progress:
            return _page("Another try is still being checked. Wait a moment.", status=429)
        self._in_progress.add(client)
        try:
            password = await _read_password(receive)
            failures = self._failures.get(client, 0)
            if failures:
                await asyncio.sleep(min(_FIRST_PAUSE * 2 ** (failures - 1), _MAX_PAUSE))
            if not hmac.compare_digest(password, self._password):
                self._failures[client] = min(failures + 1, 20)
                return _page("That is not the password. Try again.", status=400)
        finally:
            self._in_progress.discard(client)
        self._failures.pop(client, None)
        return self._start_session(scope)

    def _start_session(self, scope: Scope) -> Response:
        session = secrets.token_urlsafe(32)
        self._sessions[session] = True
        wants_page = "text/html" in HTTPConnection(scope).headers.get("accept", "")
        response: Response = RedirectResponse("./", status_code=303) if wants_page else JSONResponse({"success": True})
        secure = self._embedded or scope.get("scheme") == "https"
        response.set_cookie(self._cookie, session, httponly=True, secure=secure, samesite="none" if self._embedded else "lax", path="/")
        return response


async def _read_password(receive: Receive) -> bytes:
    """The password in the body of a form; empty if there is none."""
    body, has_more = b"", True
    while has_more and len(body) <= _MAX_BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")
        has_more = message["type"] == "http.request" and message.get("more_body", False)
    try:
        return parse_qs(body[:_MAX_BODY_BYTES].decode("utf-8"), keep_blank_values=True).get("password", [""])[0].encode()
    except ValueError:
        return b""


def _address(scope: Scope) -> str:
    """The client's address; for IPv6 only the first 64 bits, which a household shares."""
    address = (scope.get("client") or ("", 0))[0]
    try:
        number = ip_address(address)
    except ValueError:
        return address
    return f"{int(number) >> 64:x}" if isinstance(number, IPv6Address) and number.ipv4_mapped is None else address


def _page(message: str, status: int = 200) -> Response:
    notice = f'<p role="alert">{escape(message)}</p>' if message else ""
    # Without a referrer a browser sends the origin "null" and could not log in.
    return HTMLResponse(
        _PAGE.format(notice=notice), status_code=status, headers={"Referrer-Policy": "same-origin", "Cache-Control": "no-store"}
    )


_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Emotune</title><style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
main {{ max-width: 22rem; margin: 15vh auto; padding: 0 1rem }}
input, button {{ font: inherit; box-sizing: border-box; width: 100%; min-height: 44px; padding: .5rem .75rem; margin-top: .5rem }}
</style></head><body><main><h1>Emotune</h1><p>This page is protected by a password.</p>{notice}
<form method="post" action="login"><label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<button>Open</button></form></main></body></html>"""
