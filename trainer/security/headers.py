"""Security headers of every response: no frames, nothing from other hosts, no guessed content types, no referrer.

cross_site.py refuses requests.
"""

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HUB_ORIGINS = ("https://huggingface.co", "https://*.hf.space")

_POLICY = {
    "default-src": "'self'",
    # Gradio writes its settings into the page as a script, and creates functions from code of components.
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    # The page creates images of charts.
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "frame-src": "'none'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}


_ASSET_TYPES = ("text/css", "text/javascript", "application/javascript", "font/", "image/png", "image/x-icon", "image/vnd.microsoft.icon")
"""Content types without the policy: browsers do not need it there, and it would make the eighty files of the page a tenth larger."""


class SecurityHeadersMiddleware:
    """Adds the headers to each response. ``framed_by`` are the sites that may show the page in a frame."""

    def __init__(self, app: ASGIApp, *, framed_by: Iterable[str] = ()) -> None:
        self._app = app
        ancestors = " ".join(framed_by)
        policy = {**_POLICY, "frame-ancestors": ancestors or "'none'"}
        self._page_headers = {"Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items())}
        self._headers = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if not ancestors:
            self._page_headers["X-Frame-Options"] = "DENY"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_asset = headers.get("content-type", "").startswith(_ASSET_TYPES)
                for name, value in (self._headers if is_asset else self._headers | self._page_headers).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
