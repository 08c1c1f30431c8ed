"""The HTTP status of a direct call that was refused: that of its error, where gradio answers 500 to everything.

Calls through gradio's queue have no status of their own: their answer is an event in a stream.
"""

from typing import Any

import gradio as gr
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainer.error_codes import ERROR_CODES

_KEY = "emotune.error_codes"


def note_error(request: gr.Request | None, error: gr.Error) -> None:
    """Remember the code of an error, which is its title, for the response of its request."""
    # Gradio's own tests and the start of the page have no request.
    scope: dict[str, Any] = getattr(getattr(request, "request", None), "scope", {})
    scope.get(_KEY, []).append(error.title)


class ErrorStatusMiddleware:
    """Sends the status of the error that ``note_error`` has remembered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        codes: list[str] = []

        async def send_with_status(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 500 and codes and codes[-1] in ERROR_CODES:
                message = {**message, "status": ERROR_CODES[codes[-1]].status}
            await send(message)

        await self._app({**scope, _KEY: codes}, receive, send_with_status)
