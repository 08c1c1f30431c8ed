"""Threads that go on late after each event that they log: what a busy machine does to one now and then, this does to all of them.

A test that looks at what a job does after an event, before it has asked whether it is done, fails then each time:

    LATE_THREADS_SECONDS=0.5 .venv/bin/python -m pytest -n 4 tests/jobs tests/workspace
"""

import random
import threading
import time

from trainer.runs.event_schema import Event
from trainer.runs.events import EventLog


def make_threads_late(seconds: float) -> None:
    """Let each thread of this process but the main one sleep up to so many seconds after each event that it has appended to a log."""
    append = EventLog.append

    def append_and_sleep(log: EventLog, event: Event, *, durable: bool = False) -> None:
        append(log, event, durable=durable)
        if threading.current_thread() is not threading.main_thread():
            time.sleep(random.uniform(0, seconds))

    EventLog.append = append_and_sleep  # type: ignore[method-assign]
