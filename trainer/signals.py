"""Signals that request the end of the program (Ctrl-C, shutdown) as an event, instead of an exception in the middle of a training or its death."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""SIGHUP: the terminal was closed; SIGBREAK: Ctrl-Break on Windows. No system has all of them."""


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """While the block runs, each of these signals sets the yielded event and does nothing else.

    A signal that is ignored (``nohup``) stays ignored. Outside of the main thread, which alone may handle signals, the event is never set.
    """
    stop_requested = threading.Event()
    previous_handlers = {}
    if threading.current_thread() is threading.main_thread():
        for number in (getattr(signal, name) for name in _STOP_SIGNALS if hasattr(signal, name)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                previous_handlers[number] = signal.signal(number, lambda *_: stop_requested.set())
    try:
        yield stop_requested
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
