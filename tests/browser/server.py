"""A server for the page tests: the real ``serve`` with the tiny encoder, and a brake so that a training lasts as long as a test needs.

    python tests/browser/server.py ENCODER_FOLDER BRAKE_FILE [short-timeouts] [short-rounds]

With ``short-timeouts``, slow senders get two seconds. With ``short-rounds``, the server looks several times a second for visitors who left, and those whose
owners are in the file ``gone`` beside BRAKE_FILE count as such. With LATE_RESPONSES_SECONDS in the environment, it answers late. While BRAKE_FILE exists, the training pauses after each logged point, lets a page catch up with it, however slow that is, and waits after as many as the file says, POINTS if
it is empty, until it says more, is removed, or a stop is requested. EMOTUNE_RUNS and GRADIO_SERVER_PORT work as in app.py.
"""

import math
import os
import sys
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from trainer.settings import Settings, prepare_environment

PAUSE_SECONDS = 0.12
ROUND_SECONDS = 0.3
POINTS = 45
POINTS_A_REFRESH = 3
"""Points that the training may be ahead of what a page has asked for."""
WITHOUT_A_PAGE_SECONDS = 3.0
"""After which it goes on all the same: no page may be open."""


def main(encoder: Path, brake: Path, *, short_timeouts: bool = False, short_rounds: bool = False) -> None:
    prepare_environment()
    from tests.browser.late_responses import LateResponses
    from tests.late_threads import make_threads_late
    from trainer import studio
    from trainer.runs.event_schema import Event
    from trainer.runs.event_types import Logged
    from trainer.runs.events import EventLog
    from trainer.security import middleware
    from trainer.security.connections import LimitedH11Protocol
    from trainer.security.request_body_limit import BodyTimeouts
    from trainer.training.encoders import local_encoder
    from trainer.ui import launch, page
    from trainer.visits import Rounds, Visits

    append, log_counts, ahead = EventLog.append, Counter(), Counter()
    refreshed, refresh = threading.Condition(), page.refresh

    def refresh_and_tell(*args: Any, **options: Any) -> Any:
        updates = refresh(*args, **options)
        with refreshed:
            ahead.clear()
            refreshed.notify_all()
        return updates

    def append_slowly(self: EventLog, event: Event, **options: bool) -> None:
        append(self, event, **options)
        if not isinstance(event, Logged):
            return
        log_counts[self.path] += 1
        if brake.exists():
            time.sleep(PAUSE_SECONDS)
            with refreshed:
                ahead[self.path] += 1
                refreshed.wait_for(lambda: ahead[self.path] < POINTS_A_REFRESH or not brake.exists(), WITHOUT_A_PAGE_SECONDS)
        while log_counts[self.path] >= points_allowed(brake) and not (self.path.parent / "stop").exists():
            time.sleep(PAUSE_SECONDS)

    EventLog.append = append_slowly
    if late_seconds := float(os.environ.get("LATE_THREADS_SECONDS", 0)):
        make_threads_late(late_seconds)
    page.refresh = refresh_and_tell
    if short_timeouts:
        LimitedH11Protocol.header_seconds = 2.0
        middleware.BODY_TIMEOUTS = BodyTimeouts(max_pause=2.0, base_seconds=2.0, bytes_per_second=100_000.0)
    if short_rounds:
        gone, last = brake.with_name("gone"), Visits.last
        Visits.last = lambda self, owner: 0.0 if gone.exists() and owner in gone.read_text().split() else last(self, owner)
        studio.Rounds = partial(Rounds, seconds=ROUND_SECONDS)
    if late_seconds := float(os.environ.get("LATE_RESPONSES_SECONDS", 0)):
        add_middleware = launch.add_middleware
        launch.add_middleware = lambda *args, **options: LateResponses(add_middleware(*args, **options), late_seconds)
    launch.Studio = partial(studio.Studio, encoders=[local_encoder(encoder)])
    launch.serve(Settings.from_environment())


def points_allowed(brake: Path) -> float:
    """The points after which a training waits."""
    try:
        return int(brake.read_text() or POINTS)
    except FileNotFoundError:
        return math.inf


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), short_timeouts="short-timeouts" in sys.argv[3:], short_rounds="short-rounds" in sys.argv[3:])
