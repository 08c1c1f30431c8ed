"""A tiny app behind walls and what asks it, in this process and without a socket."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Says what it was asked, once it has read the whole body."""
    request = Request(scope, receive)
    size = len(await request.body())
    await JSONResponse({"path": scope["path"], "method": scope["method"], "bytes": size})(scope, receive, send)


async def careless(scope: Scope, receive: Receive, send: Send) -> None:
    """Breaks, with what it was sent in its words."""
    raise ValueError((await Request(scope, receive).body()).decode())


def run(coroutine: Coroutine) -> Any:
    """What it returns; in a thread of its own, as the tests of the page leave a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def ask(
    app: ASGIApp, method: str = "GET", path: str = "/", *, host: str = "127.0.0.1:7860", headers: dict[str, str] | None = None, **how: Any
) -> httpx.Response:
    """One request."""
    return run(asked(app, method, path, host=host, headers=headers, **how))


async def asked(
    app: ASGIApp, method: str, path: str, *, host: str = "127.0.0.1:7860", headers: dict[str, str] | None = None, **how: Any
) -> httpx.Response:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True, client=how.pop("client", ("127.0.0.1", 4711)))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}", follow_redirects=False) as client:
        return await client.request(method, path, headers=headers, **how)


Answer = Callable[[Scope, Receive, Send], Awaitable[None]]
ANSWER: Answer = PlainTextResponse("here")
