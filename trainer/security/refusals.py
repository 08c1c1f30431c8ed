"""Responses to refused requests: a sentence and a code; the connection is closed if the rest of the request is not wanted.

Errors of the page itself are not refusals.
"""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainer.error_codes import ERROR_CODES


@dataclass(frozen=True)
class Refusal:
    """Why a request is refused: a message, and a code of error_codes.py for programs."""

    message: str
    code: str

    @property
    def status(self) -> int:
        """Of the HTTP response."""
        return ERROR_CODES[self.code].status

    def to_response(self, headers: dict[str, str] | None = None) -> Response:
        """JSON with the message twice: the page and gradio's client show ``detail``."""
        body = {"error": self.message, "detail": self.message, "code": self.code}
        return JSONResponse(body, status_code=self.status, headers=headers)


async def refuse(scope: Scope, receive: Receive, send: Send, refusal: Refusal, *, close: bool = False) -> None:
    """Send a refusal. For an upload it is the message alone, since the page shows the whole response."""
    headers = {"connection": "close"} if close else None
    if scope["path"].rstrip("/").endswith("/upload"):
        response: Response = PlainTextResponse(refusal.message, status_code=refusal.status, headers=headers)
    else:
        response = refusal.to_response(headers)
    await response(scope, receive, send)


async def call_unless_refused(app: ASGIApp, scope: Scope, receive: Receive, send: Send, refused: Callable[[], Refusal | None]) -> None:
    """Call an app, unless ``refused`` returns a refusal while the body is still coming in: then that is the response, whatever the app
    does with the incomplete request. A response that has started is finished."""
    started = False

    async def send_unless_refused(message: Message) -> None:
        nonlocal started
        if started or refused() is None:
            started = started or message["type"] == "http.response.start"
            await send(message)

    try:
        await app(scope, receive, send_unless_refused)
    except Exception:
        if refused() is None:
            raise
    refusal = refused()
    if refusal is not None and not started:
        await refuse(scope, receive, send, refusal, close=True)
