"""What a piece of work costs, whatever else this machine does: CPU time, in units of a fixed piece of work measured right after it.

No wall clock, and no absolute time: a busy or slow machine slows both.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_STEPS = 1_000_000
_QUIET_SECONDS = 0.05
"""What the yardstick takes on two quiet cores of 2024: a unit of effort is about a second of such a core."""

_NOTHING = 0.2


@dataclass
class Effort:
    """``seconds`` of a quiet core, known when the block has ended."""

    seconds: float = 0.0


@contextmanager
def effort() -> Iterator[Effort]:
    """What the block costs this process and the children that ended in it."""
    spent, begun = Effort(), _cpu()
    yield spent
    spent.seconds = in_quiet_seconds(_cpu() - begun)


def in_quiet_seconds(used: float) -> float:
    """What seconds of CPU that were just measured would be on a quiet core."""
    # What is next to nothing on a slow machine is so on any.
    return used if used < _NOTHING else used * _QUIET_SECONDS / max(_yardstick(), _yardstick())


def _yardstick() -> float:
    begun = time.process_time()
    found: dict[int, str] = {}
    for step in range(_STEPS):
        found[step % 1_000] = "x"
    return time.process_time() - begun


def _cpu() -> float:
    children = os.times()
    return time.process_time() + children.children_user + children.children_system
