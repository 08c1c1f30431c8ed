"""A server for the tests of the page: the real ``serve`` with the tiny encoder, and a brake so that a training lasts as long as a test needs.

    python tests/browser/server.py ENCODER_FOLDER BRAKE_FILE [hasty]

A hasty one gives slow senders two seconds. While BRAKE_FILE exists, the training rests after each point that it logs, and goes no further than POINTS
unless it is asked to stop. EMOTUNE_RUNS and GRADIO_SERVER_PORT are honoured as by app.py.
"""

import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

from trainer.settings import Settings, prepare_environment

REST_SECONDS = 0.12
POINTS = 45


def main(encoder: Path, brake: Path, *, hasty: bool = False) -> None:
    prepare_environment()
    from trainer.runs.events import EventLog
    from trainer.security import middleware
    from trainer.security.body_limit import BodyTimeouts
    from trainer.security.connections import LimitedH11Protocol
    from trainer.studio import Studio
    from trainer.training.encoders import local_encoder
    from trainer.ui import serving

    append, logged = EventLog.append, Counter()

    def slowly(self: EventLog, kind: str, **fields: object) -> None:
        append(self, kind, **fields)
        if kind != "log":
            return
        logged[self.path] += 1
        if brake.exists():
            time.sleep(REST_SECONDS)
        while logged[self.path] >= POINTS and brake.exists() and not (self.path.parent / "stop").exists():
            time.sleep(REST_SECONDS)

    EventLog.append = slowly
    if hasty:
        LimitedH11Protocol.header_seconds = 2.0
        middleware.BODY_TIMEOUTS = BodyTimeouts(max_pause=2.0, base_seconds=2.0, bytes_per_second=100_000.0)
    serving.Studio = partial(Studio, encoders=[local_encoder(encoder)])
    serving.serve(Settings.from_environment())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), hasty="hasty" in sys.argv[3:])
