"""CPU time and memory that a block of code costs this process and its children, above their idle values. Reads /proc: Linux only.

CPU time is that of the programs themselves: what the system takes for a new page of memory depends on how much the host has at hand (once three
seconds for 330 MB), and memory has a limit of its own.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.cpu_time import in_quiet_seconds

_SAMPLE_SECONDS = 0.01
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """``cpu`` in seconds of an idle core, ``megabytes`` at the peak above the start; set when the block ends."""

    cpu: float = 0.0
    megabytes: float = 0.0


@contextmanager
def measure_cost() -> Iterator[Cost]:
    """Measure the block. Of children that start within it only memory above 100 MB counts, since each replaces an idle one."""
    own_pid = os.getpid()
    for pid in (own_pid, *child_processes()):
        with suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # resets the peak (VmHWM)
    idle = {child: _memory(child, "VmRSS") for child in child_processes()}
    own_cpu, children_cpu, own_memory = os.times().user, _children_cpu_seconds(), _memory(own_pid, "VmRSS")
    peaks, finished, cost = dict(idle), threading.Event(), Cost()

    def update_peaks() -> None:
        for child in child_processes():
            peaks[child] = max(peaks.get(child, 0.0), _memory(child, "VmHWM"))

    def sample() -> None:
        while not finished.wait(_SAMPLE_SECONDS):
            update_peaks()

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    yield cost
    update_peaks()
    finished.set()
    sampler.join()
    cost.cpu = in_quiet_seconds(os.times().user - own_cpu + max(0.0, _children_cpu_seconds() - children_cpu))
    own_growth = max(0.0, _memory(own_pid, "VmHWM") - own_memory)
    cost.megabytes = own_growth + sum(max(0.0, peak - idle.get(child, 100.0)) for child, peak in peaks.items())


def child_processes() -> list[int]:
    """PIDs of the running children of this process, started by any of its threads."""
    pids: list[int] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            pids += map(int, (task / "children").read_text().split())
    return pids


def _memory(pid: int, field: str) -> float:
    """Megabytes of a field of /proc/PID/status; 0 if the process has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _children_cpu_seconds() -> float:
    """CPU seconds of all children, running or ended, without those of the system."""
    times = os.times()
    running = 0.0
    for child in child_processes():
        with suppress(OSError, ValueError, IndexError):
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            running += int(fields[11]) / _TICKS_PER_SECOND
    return times.children_user + running


def resident_megabytes() -> float:
    """Current resident memory of this process."""
    return _memory(os.getpid(), "VmRSS")
