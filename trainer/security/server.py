"""The web server under the walls: uvicorn in a thread, on a port that is ours before anything is said about it.

Knows no request: it is handed an ASGI app.
"""

import logging
import socket
import threading
import time
from collections.abc import Iterable

import uvicorn
from starlette.types import ASGIApp

from trainer.security.connections import LimitedH11Protocol

_FREE_PORTS = range(7860, 7960)
_LOOK_SECONDS = 0.005


def bind_port(host: str, port: int | None) -> socket.socket:
    """A socket that listens on the port; without one, on the first free one from 7860. Raises OSError where that cannot be had."""
    host = host.strip("[]")
    wanted: Iterable[int] = _FREE_PORTS if port is None else (port,)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    failed: OSError | None = None
    for number in wanted:
        try:
            return socket.create_server((host, number), family=family, backlog=512, dualstack_ipv6=both)
        except OSError as error:
            failed = error
    raise failed or OSError("no port to try")


class WebServer:
    """Serves ``app`` on a socket until it is closed; ``connection`` is the kind of its connections."""

    def __init__(self, app: ASGIApp, listener: socket.socket, *, connection: type[LimitedH11Protocol] = LimitedH11Protocol) -> None:
        config = uvicorn.Config(
            app,
            http=connection,
            ws="none",
            lifespan="on",
            # Its own settings would take the server's log over.
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
        )
        # What breaks is told by the walls; all else it has to say is of streams that end with the server.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="web-server", daemon=True)

    def start(self) -> None:
        """Return once it answers. Raises RuntimeError where it ended before."""
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the web server ended before it began")
            time.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        """Answer what is under way, for some seconds at most, and end."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()
