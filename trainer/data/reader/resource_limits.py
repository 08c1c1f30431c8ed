"""How much memory and time reading a file may take, by its size, and how a process limits itself.

On systems without such limits (Windows) only ``wall_seconds`` applies, which the parent enforces.
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
"""Bytes, packed or unpacked; larger files use the slots for big files and end their process."""
MAX_WEIGHT = 300 << 20
"""Maximum unpacked bytes of any file."""


def memory_bytes(weight: int) -> int:
    """Memory allowed in addition to that of the idle process. ``weight``: unpacked bytes of the file."""
    return _BASE_MEMORY_BYTES + _MEMORY_PER_BYTE * _clamp(weight)


def cpu_seconds(weight: int) -> int:
    """CPU time allowed. A core of 2024 is at least ten times as fast."""
    return math.ceil(_BASE_CPU_SECONDS + _CPU_SECONDS_PER_MEGABYTE * _clamp(weight) / 2**20)


def wall_seconds(weight: int) -> float:
    """Wall-clock time allowed; a busy machine is slower."""
    return _WALL_PER_CPU_SECOND * cpu_seconds(weight)


def _clamp(weight: int) -> int:
    return min(max(weight, 0), MAX_WEIGHT)


def forbid_file_writes() -> None:
    """Forbid this process to write files and core dumps."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
            resource.setrlimit(limit, (0, 0))


def limit_resources(weight: int) -> None:
    """Limit the memory and CPU time of this process from now on."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        _set_soft_limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + cpu_seconds(weight))
        # The address space, the only memory that Linux can limit; only there its current size is known.
        _set_soft_limit(resource.RLIMIT_AS, _address_space_bytes() + memory_bytes(weight))


def peak_bytes() -> int:
    """Peak memory of this process; 0 if the system does not tell."""
    # Not getrusage, which starts from the parent's memory.
    with suppress(OSError), open("/proc/self/status", "rb") as file:
        for line in file:
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def lift_memory_limit() -> None:
    """Remove the memory limit, so that the reply can be written."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        _set_soft_limit(resource.RLIMIT_AS, resource.RLIM_INFINITY)


def _set_soft_limit(limit: int, value: int) -> None:
    import resource

    hard = resource.getrlimit(limit)[1]
    if hard != resource.RLIM_INFINITY:
        value = hard if value == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (value, hard))


def _address_space_bytes() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
