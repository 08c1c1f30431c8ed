"""Refuses requests that a page of another site makes a browser send (CSRF, DNS rebinding), before anything else sees them.

No protection against other programs: they can send any header, and on loopback they are the user's own.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from trainer.security.hosts import AllowedHosts
from trainer.security.refusals import Refusal, refuse

_LINKABLE_PATHS = ("/", "/login")
_LINKABLE_BEGINNINGS = ("/shared/", "/along/")
"""Paths to which another site, a mail or a chat may link."""


class CrossSiteMiddleware:
    """Checks Host (a foreign name that resolves to our address), Origin (a page that calls us) and Sec-Fetch-Site (a page that embeds us).

    ``framed``: a page of another site may show ours in a frame, as the Hub does with a Space.
    """

    def __init__(self, app: ASGIApp, hosts: AllowedHosts, *, framed: bool) -> None:
        self._app, self._hosts, self._framed = app, hosts, framed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            refusal = self._refusal(scope)
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await refuse(scope, receive, send, refusal, close=True)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else ""
        if not self._hosts.allows(host):
            return Refusal(
                "This server is not served under that name. Name it in the environment variable EMOTUNE_HOSTS if it is yours.",
                "unknown_host",
            )
        origins = headers.getlist("origin")
        if not origins and "sec-fetch-site" not in headers:
            return None  # not a browser
        if self._is_own_page(headers, host, origins) or self._is_link(scope, headers, origins):
            return None
        return Refusal("A page of another site asked for this. Open Emotune itself and do it there.", "foreign_page")

    def _is_own_page(self, headers: Headers, host: str, origins: list[str]) -> bool:
        site = headers.get("sec-fetch-site")
        if site not in (None, "same-origin", "none"):
            return False
        if not origins:
            return True
        # Without a referrer a browser sends the origin "null", to us too; the other header says that it is our page.
        return len(origins) == 1 and (site == "same-origin" if origins[0] == "null" else self._hosts.is_own_origin(origins[0], host))

    def _is_link(self, scope: Scope, headers: Headers, origins: list[str]) -> bool:
        """Whether a link on another site leads to the page itself; requests of the page are then our own."""
        destinations = ("document", "iframe") if self._framed else ("document",)
        return (
            not origins
            and scope["method"] in ("GET", "HEAD")
            and ((path := urlsplit(scope["path"]).path) in _LINKABLE_PATHS or path.startswith(_LINKABLE_BEGINNINGS))
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") in destinations
        )
