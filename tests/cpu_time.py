"""CPU time of a piece of work, relative to a fixed piece of work measured right after it.

No wall clock and no absolute time: a busy or slow machine slows down both.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_STEPS = 1_000_000
_QUIET_SECONDS = 0.05
"""CPU time of the yardstick on an idle core of 2024: a second of ours is about a second of such a core."""

_NEGLIGIBLE = 0.2


@dataclass
class CpuTime:
    """``seconds`` of an idle core, set when the block has ended."""

    seconds: float = 0.0


@contextmanager
def cpu_time() -> Iterator[CpuTime]:
    """CPU time of the block, in this process and in child processes that ended in it."""
    spent, start = CpuTime(), _cpu()
    yield spent
    spent.seconds = in_quiet_seconds(_cpu() - start)


def in_quiet_seconds(used: float) -> float:
    """Convert CPU seconds that were just measured into seconds of an idle core."""
    # What is negligible on a slow machine is negligible on any.
    return used if used < _NEGLIGIBLE else used * _QUIET_SECONDS / max(_yardstick(), _yardstick())


def _yardstick() -> float:
    start = time.process_time()
    table: dict[int, str] = {}
    for step in range(_STEPS):
        table[step % 1_000] = "x"
    return time.process_time() - start


def _cpu() -> float:
    children = os.times()
    return time.process_time() + children.children_user + children.children_system
