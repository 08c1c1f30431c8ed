"""Tiny ASGI apps, and requests to them in this process, without a socket."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from trainer.security.visitors import owner_of


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Responds with what was requested, after reading the whole body."""
    request = Request(scope, receive)
    size = len(await request.body())
    await JSONResponse({"path": scope["path"], "method": scope["method"], "bytes": size})(scope, receive, send)


async def say_owner(scope: Scope, receive: Receive, send: Send) -> None:
    """Responds with the owner that was named for a request."""
    await JSONResponse({"owner": owner_of(scope)})(scope, receive, send)


async def failing_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Raises an error whose message contains the request body."""
    raise ValueError((await Request(scope, receive).body()).decode())


def run(coroutine: Coroutine) -> Any:
    """Run a coroutine in a thread of its own, since tests of the page leave a loop running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def ask(
    app: ASGIApp,
    method: str = "GET",
    path: str = "/",
    *,
    host: str = "127.0.0.1:7860",
    headers: dict[str, str] | None = None,
    **options: Any,
) -> httpx.Response:
    """One request."""
    return run(ask_async(app, method, path, host=host, headers=headers, **options))


async def ask_async(
    app: ASGIApp, method: str, path: str, *, host: str = "127.0.0.1:7860", headers: dict[str, str] | None = None, **options: Any
) -> httpx.Response:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True, client=options.pop("client", ("127.0.0.1", 4711)))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}", follow_redirects=False) as client:
        return await client.request(method, path, headers=headers, **options)


AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
RESPONSE: AsgiApp = PlainTextResponse("here")
