"""Who sends a request. In public mode each browser gets a random token in a cookie, and the owner of its work is a digest of that token.

A program may send the token in a header instead. In a team the owner is the user who has logged in (``password.py``). Which work an owner has: ``trainer/studio.py``.
"""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainer.security import handover
from trainer.security.refusals import Refusal, refuse

HEADER = "x-emotune-visitor"
"""For programs that keep no cookies: a token of their own, 22 letters, digits, dashes and underscores."""
KNOWN_PATH = "/visitor"
"""Says whether a request came with a token: a page in a frame asks, as its browser may have refused the cookie (``assets/visitor_token.js``)."""
_OWNER = "owner"
_TOKEN_BYTES = 16
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
BLOCKED = Refusal("This server does not answer you any more. Ask whoever runs it.", "blocked")
_COOKIE_SECONDS = 400 * 24 * 3600
"""The longest that browsers keep one; what it leads to is deleted earlier."""


class VisitorMiddleware:
    """Names the owner of each request in its scope, from where ``owner_of`` reads it.

    ``runs_dir`` tells the cookies of two servers on one computer apart, since cookies ignore ports. ``framed``: the page may be in a frame of
    another site, so its cookie must be sent there too. ``seen`` is called with the owner of each request whose token is not new; requests of an
    owner who ``is_blocked`` are refused, and one who ``has_work`` can take it along.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        runs_dir: Path,
        framed: bool,
        seen: Callable[[str], None] = lambda _: None,
        is_blocked: Callable[[str], bool] = lambda _: False,
        has_work: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._app, self._framed, self._seen, self._is_blocked, self._has_work = app, framed, seen, is_blocked, has_work
        self._handovers = handover.Handovers()
        self._cookie = f"emotune-visitor-{hashlib.sha256(str(runs_dir).encode()).hexdigest()[:8]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        sent = connection.headers.get(HEADER) or connection.cookies.get(self._cookie, "")
        token = sent if _TOKEN.fullmatch(sent) else secrets.token_urlsafe(_TOKEN_BYTES)
        owner = owner_of_token(token)
        name_owner(scope, owner)
        if token == sent:
            if self._is_blocked(owner):
                await refuse(scope, receive, send, BLOCKED, close=True)
                return
            self._seen(owner)
        app, token = await self._answer(scope, token, known=token == sent)
        # With each visit of the page itself its time begins anew.
        cookie = self._set_cookie(scope, token) if token != sent or scope["path"] == "/" else ""

        async def send_with_cookie(message: Message) -> None:
            if cookie and message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", cookie)
            await send(message)

        await app(scope, receive, send_with_cookie)

    async def _answer(self, scope: Scope, token: str, *, known: bool) -> tuple[ASGIApp, str]:
        """What answers a request, and the token that its browser keeps."""
        path, code = scope["path"], scope["path"].removeprefix(f"{handover.PATH}/")
        if path == KNOWN_PATH:
            return JSONResponse({"known": known}), token
        if path == handover.PATH:
            has_work = known and await asyncio.to_thread(self._has_work, owner_of(scope))
            return handover.offer_page(self._handovers.offer(token)) if has_work else handover.nothing_page(known=known), token
        if code == path:
            return self._app, token
        if scope["method"] != "POST":
            return handover.question_page() if self._handovers.is_offered(code) else handover.gone(), token
        taken = self._handovers.take(code)
        return (handover.gone(), token) if taken is None else (RedirectResponse("../", status_code=303), taken)

    def _set_cookie(self, scope: Scope, token: str) -> str:
        # Starlette knows the attribute Partitioned only from Python 3.14 on.
        if self._framed:
            rules = "SameSite=None; Secure; Partitioned"
        else:
            rules = "SameSite=Lax; Secure" if scope.get("scheme") == "https" else "SameSite=Lax"
        return f"{self._cookie}={token}; Path=/; Max-Age={_COOKIE_SECONDS}; HttpOnly; {rules}"


def owner_of_token(token: str) -> str:
    """The owner whose work a token opens. What is on the disk names the owner, from which nobody can compute the token."""
    return f"visitor-{hashlib.sha256(token.encode()).hexdigest()[:32]}"


def name_owner(scope: Scope, owner: str) -> None:
    """Name the owner of a request, from where ``owner_of`` reads it."""
    scope.setdefault("state", {})[_OWNER] = owner


def owner_of(scope: Scope) -> str:
    """The owner that has been named for a request. Raises LookupError without one: then nobody's work is shown."""
    return scope["state"][_OWNER]
