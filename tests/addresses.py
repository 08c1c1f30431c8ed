"""Where a server that a test starts is asked: a free port, waiting until it answers there, and what a page asks of anybody else."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlparse

if TYPE_CHECKING:
    from tests.warm import Program

PATIENCE = 180.0


def free_port() -> int:
    """A port of this computer on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_served(address: str, process: "subprocess.Popen | Program", output: Callable[[], str] = str) -> None:
    """Wait for the first answer of a page; ``output`` tells what its process has said, should that end or hang."""
    deadline = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, output()
        assert time.monotonic() < deadline, output()
        try:
            urllib.request.urlopen(f"{address}/config", timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)


def is_elsewhere(url: str, host: str) -> bool:
    """Whether an address that a page asks is of another host than its own."""
    there = urlparse(url)
    return there.scheme in ("http", "https", "ws", "wss") and there.netloc != host
