"""How much memory and time the reading of a file may take, and how a process is held to it.

Decides by the size of what is read alone. Where the system has no such limits (Windows), only ``wall_seconds`` holds, which the parent keeps.
"""

import math
import os
from contextlib import suppress

_BASE_MEMORY_BYTES = 300 << 20
_MEMORY_PER_BYTE = 30
_BASE_CPU_SECONDS = 15.0  # seconds
_CPU_SECONDS_PER_MEGABYTE = 1.0
_WALL_PER_CPU_SECOND = 5.0
BIG_FILE_BYTES = 4 << 20
"""Bytes of a file, or of what it unpacks to, from which on it has a place and a process of its own."""
MAX_WEIGHT = 300 << 20
"""Bytes; more is unpacked of no file."""


def memory_bytes(weight: int) -> int:
    """Beyond what the process takes before it reads. ``weight``: bytes of the file as it is parsed, unpacked that is."""
    return _BASE_MEMORY_BYTES + _MEMORY_PER_BYTE * _clamp(weight)


def cpu_seconds(weight: int) -> int:
    """Of a processor. A core of 2024 reads ten times as fast or more."""
    return math.ceil(_BASE_CPU_SECONDS + _CPU_SECONDS_PER_MEGABYTE * _clamp(weight) / 2**20)


def wall_seconds(weight: int) -> float:
    """By the clock: a machine that does much else is slower."""
    return _WALL_PER_CPU_SECOND * cpu_seconds(weight)


def _clamp(weight: int) -> int:
    return min(max(weight, 0), MAX_WEIGHT)


def forbid_file_writes() -> None:
    """Let this process write no file and leave no picture of its memory when it fails."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
            resource.setrlimit(kind, (0, 0))


def limit_resources(weight: int) -> None:
    """Hold this process to the memory and the processor time of a reading that begins now."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _set_soft_limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + cpu_seconds(weight))
        # The address space, as Linux can limit no other: only there is it known how much of it is taken.
        _set_soft_limit(resource.RLIMIT_AS, _address_space_bytes() + memory_bytes(weight))


def peak_bytes() -> int:
    """The most memory that this process has had; 0 where the system does not tell."""
    # Not getrusage: what that tells begins with the memory of the parent.
    with suppress(OSError), open("/proc/self/status", "rb") as file:
        for line in file:
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def lift_memory_limit() -> None:
    """Lift the limit of memory: an answer has to be written."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        _set_soft_limit(resource.RLIMIT_AS, resource.RLIM_INFINITY)


def _set_soft_limit(kind: int, value: int) -> None:
    import resource

    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = hard if value == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, hard))


def _address_space_bytes() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
