"""The outermost middleware: turns an uncaught exception into a response and a line in the log.

The line says where it happened, without the exception's message, which may contain a user's texts.
"""

import logging

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainer.errors import error_location
from trainer.security.refusals import Refusal, refuse

UNEXPECTED_MESSAGE = "Something went wrong here that should not have. The details are in the server's log; nothing of yours is lost."
UNEXPECTED = Refusal(UNEXPECTED_MESSAGE, "unexpected")

_log = logging.getLogger("emotune")


class ErrorMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_and_record(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_and_record)
        except Exception as error:
            if started and isinstance(error.__cause__, HTTPException):
                # Gradio refuses a session that it does not know when its stream has begun; the last message says so, and nothing has failed.
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            _log.error("a request failed: %s", error_location(error))
            if not started:
                await refuse(scope, receive, send, UNEXPECTED)
