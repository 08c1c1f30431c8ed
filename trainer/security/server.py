"""The web server: uvicorn in a thread, on a port that is bound before its address is announced."""

import logging
import socket
import threading
import time
from collections.abc import Iterable

import uvicorn
from starlette.types import ASGIApp

from trainer.security.connections import LimitedH11Protocol

_FREE_PORTS = range(7860, 7960)
_POLL_SECONDS = 0.005


def bind_port(host: str, port: int | None) -> socket.socket:
    """A socket that listens on ``port``, or on the first free one from 7860 if it is None. Raises OSError if there is none."""
    host = host.strip("[]")
    ports: Iterable[int] = _FREE_PORTS if port is None else (port,)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    dual_stack = host == "::" and socket.has_dualstack_ipv6()
    failure: OSError | None = None
    for number in ports:
        try:
            return socket.create_server((host, number), family=family, backlog=512, dualstack_ipv6=dual_stack)
        except OSError as error:
            failure = error
    raise failure or OSError("no port to try")


class WebServer:
    """Serves ``app`` on a socket until it is closed; ``connection`` is the protocol class."""

    def __init__(self, app: ASGIApp, listener: socket.socket, *, connection: type[LimitedH11Protocol] = LimitedH11Protocol) -> None:
        config = uvicorn.Config(
            app,
            http=connection,
            ws="none",
            lifespan="on",
            # Uvicorn's own settings would replace our logging.
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=3,
        )
        # ErrorMiddleware logs errors. Everything else that uvicorn logs is about streams that end with the server, and python_multipart
        # logs bytes of uploads that are no forms.
        for name in ("uvicorn.error", "python_multipart"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="web-server", daemon=True)

    def start(self) -> None:
        """Return once it answers. Raises RuntimeError if it ends before."""
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the web server ended before it began")
            time.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """Finish requests in progress, for some seconds at most, and end."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()
