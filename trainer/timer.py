"""A call that comes if something takes too long."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def call_after(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    """Call ``action`` in another thread once the block has taken ``seconds``, unless it ends before."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
