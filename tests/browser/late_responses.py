"""Every call of the page answered late, each by a time of its own: what a busy machine does to a test now and then, this does to all of them.

A test that looks at the page before it has asked whether the response is there fails then each time:

    LATE_RESPONSES_SECONDS=2 .venv/bin/python -m pytest -n 4 tests/browser
"""

import asyncio
import random

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CALLS = "/gradio_api/"


class LateResponses:
    """``app``, whose calls begin late, one after the other as they came, and whose responses leave late: up to a quarter of ``seconds`` and
    up to all of them."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds
        self._line = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_call = scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(_CALLS)
        if is_call:
            async with self._line:
                # Further calls wait for this one: with a tick a second they must not pile up.
                await self._pause(self._seconds / 4)

        async def send_late(message: Message) -> None:
            if is_call and message["type"] == "http.response.start":
                await self._pause(self._seconds)
            await send(message)

        await self._app(scope, receive, send_late)

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(random.uniform(0, seconds))
