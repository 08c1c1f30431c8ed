"""How long tests wait, and addresses of servers that they start: free ports, waiting for the first response, and which URLs are external."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlparse

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.warm_interpreter import Program

TIMEOUT_SECONDS = 300.0
"""How long any test waits for anything: so long that only what hangs takes it, also where many programs share the cores."""


def patient(page: "Page") -> "Page":
    """The same page, which waits as long as all tests do: of its own accord it would wait for 30 seconds."""
    page.set_default_timeout(1000 * TIMEOUT_SECONDS)
    return page


def free_port() -> int:
    """A free port of this computer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def is_free(port: int) -> bool:
    """Whether a server can be started on this port of this computer."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def wait_until_served(address: str, process: "subprocess.Popen | Program", output: Callable[[], str] = str) -> None:
    """Wait for the first response; ``output`` returns the output of the server process, for the message if it ends or hangs."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        assert process.poll() is None, output()
        assert time.monotonic() < deadline, output()
        try:
            urllib.request.urlopen(f"{address}/config", timeout=5).close()
            return
        except urllib.error.HTTPError:
            return  # a login is asked for first
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)


def is_external(url: str, host: str) -> bool:
    """Whether a URL requested by a page belongs to another host."""
    parsed = urlparse(url)
    return parsed.scheme in ("http", "https", "ws", "wss") and parsed.netloc != host
