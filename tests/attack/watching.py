"""What reading a file costs a server: processor time and memory of this process and of its children, above what they take when idle. Linux only.

Looks at /proc; knows nothing of files.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.effort import in_quiet_seconds

_LOOK_SECONDS = 0.01
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """``cpu`` in seconds of a quiet core, ``megabytes`` at the peak above the beginning; known when the block has ended."""

    cpu: float = 0.0
    megabytes: float = 0.0


@contextmanager
def watching() -> Iterator[Cost]:
    """Measure the block. Children that begin in it count only from 100 MB on, as they replace one that was idle."""
    me = os.getpid()
    for process in (me, *children()):
        with suppress(OSError):
            Path(f"/proc/{process}/clear_refs").write_text("5")  # their peaks begin anew
    idle = {child: _memory(child, "VmRSS") for child in children()}
    begun, cpu, mine = time.process_time(), _cpu(), _memory(me, "VmRSS")
    peaks, over, cost = dict(idle), threading.Event(), Cost()

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            for child in children():
                peaks[child] = max(peaks.get(child, 0.0), _memory(child, "VmHWM"))

    looker = threading.Thread(target=look, daemon=True)
    looker.start()
    yield cost
    for child in children():
        peaks[child] = max(peaks.get(child, 0.0), _memory(child, "VmHWM"))
    over.set()
    looker.join()
    cost.cpu = in_quiet_seconds(time.process_time() - begun + max(0.0, _cpu() - cpu))
    cost.megabytes = max(0.0, _memory(me, "VmHWM") - mine) + sum(max(0.0, peak - idle.get(child, 100.0)) for child, peak in peaks.items())


def children() -> list[int]:
    """The children of this process that have not ended, whichever thread has started them."""
    found: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found


def _memory(process: int, kind: str) -> float:
    """Megabytes; 0 for one that has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith(f"{kind}:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _cpu() -> float:
    """Seconds of the children, ended or not."""
    times = os.times()
    living = 0.0
    for child in children():
        with suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            living += (int(fields[11]) + int(fields[12])) / _TICK
    return times.children_user + times.children_system + living


def memory() -> float:
    """Megabytes of this process now."""
    return _memory(os.getpid(), "VmRSS")
