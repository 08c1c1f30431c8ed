"""A big file beside small ones: while a server reads and checks it, each small file is inspected within two seconds.

The times are meaningful on a quiet machine only: the test suite sends a smaller file, and checks no times.
"""

import threading
import time
from typing import Any

from tests.attack.outcomes import AttackOptions, Outcome
from tests.attack.target_server import TargetServer, running_server
from tests.conftest import FILLERS, MOODS, small_rows, write_rows

ROWS = 400_000
_MAX_SECONDS = 2.0


def attack(options: AttackOptions) -> Outcome:
    with running_server(uploads_gb=1) as server:
        return attack_server(options, server, timed=options.fraction == 1)


def attack_server(options: AttackOptions, server: TargetServer, *, timed: bool) -> Outcome:
    """The times of small files beside a big one; only with ``timed`` are they limited."""
    outcome = Outcome()
    big = server.upload(write_rows(server.folder / "big.csv", _rows(options.scaled(ROWS))))
    seconds = {"alone": [_inspect(server, outcome, _small_file(server, number)) for number in range(3)], "beside": [], "big": []}
    reading = threading.Thread(target=lambda: seconds["big"].append(_inspect(server, outcome, big)))
    reading.start()
    # One at least, however quick the big one is.
    while True:
        seconds["beside"].append(_inspect(server, outcome, _small_file(server, 3 + len(seconds["beside"]))))
        if not reading.is_alive():
            break
    reading.join()
    slowest = max(seconds["beside"])
    outcome.figures = {
        "rows of the big file": options.scaled(ROWS),
        "seconds of the big file": round(seconds["big"][0], 1),
        "seconds of a small file alone": round(min(seconds["alone"]), 2),
        "small files beside it": len(seconds["beside"]),
        "most seconds of one of them": round(slowest, 2),
    }
    if timed and slowest > _MAX_SECONDS:
        outcome.effects.append(f"a small file took {slowest:.1f} s beside a big one")
    outcome.effects += server.problems()
    return outcome


def _inspect(server: TargetServer, outcome: Outcome, upload: dict[str, Any]) -> float:
    outcome.tries += 1
    started = time.monotonic()
    status, value = server.call("inspect", upload)
    if status != "complete" or not value["ok"]:
        outcome.effects.append(f"a file was not inspected: {value}")
    return time.monotonic() - started


def _small_file(server: TargetServer, number: int) -> dict[str, Any]:
    """Another one each time: what was read before is remembered."""
    rows = [(f"{text} {number}", label) for text, label in small_rows()]
    return server.upload(write_rows(server.folder / f"small {number}.csv", rows))


def _rows(n: int) -> list[tuple[str, str]]:
    moods = [(mood, word) for mood, words in MOODS.items() for word in words.split()]
    return [(f"{FILLERS[i % len(FILLERS)]} {moods[i % len(moods)][1]} number {i}", moods[i % len(moods)][0]) for i in range(n)]
