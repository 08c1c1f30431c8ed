"""Ctrl-C and the signals of a machine that shuts down as a wish to end: not an exception in the middle of something, nor the death of a training."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_WISHES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""SIGHUP: the terminal was closed; SIGBREAK: Ctrl-Break on Windows. No system has all of them."""


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """While the block runs, such a signal sets the event that is yielded, each time it comes, and does nothing else.

    What was told to be ignored (``nohup``) stays so. Outside of the main thread, which alone may listen to signals, the event is never set.
    """
    asked = threading.Event()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name) for name in _WISHES if hasattr(signal, name)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, lambda *_: asked.set())
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
