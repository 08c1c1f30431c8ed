"""Memory limits of the container (Linux control groups): the kernel kills a process that exceeds them, whatever the machine has."""

import math
from collections.abc import Iterator
from pathlib import Path

_MOUNT, _MEMBERSHIP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_FILES = {
    2: ("memory.max", "memory.current", "inactive_file"),
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
"""By version of the control groups: the limit, the usage, and the part of it that caches files and can be reclaimed."""


def available_bytes(mount: Path = _MOUNT, membership: Path = _MEMBERSHIP) -> float:
    """Bytes that this process may still use in its control group and all its parents; infinity if none has a limit."""
    return min((available for _, available in _limits(mount, membership)), default=math.inf)


def used_share(mount: Path = _MOUNT, membership: Path = _MEMBERSHIP) -> float:
    """The share 0..1 of its limit that is in use in the fullest of these groups; 0 if none has a limit."""
    return max((1 - available / limit for limit, available in _limits(mount, membership) if limit), default=0.0)


def _limits(mount: Path, membership: Path) -> Iterator[tuple[float, float]]:
    """The limit and what is available of it, in bytes, of each group that has one."""
    for version, folder in _groups(mount, membership):
        if (found := _limit_of(folder, *_FILES[version])) is not None:
            yield found


def _groups(mount: Path, membership: Path) -> Iterator[tuple[int, Path]]:
    """The folders of this process's groups, each with its version. Inside a container some of them are not visible."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers or "memory" in controllers.split(","):
            version, root = (1, mount / "memory") if controllers else (2, mount)
            group = root / path.strip("/")
            yield from ((version, folder) for folder in (group, *group.parents) if folder.is_relative_to(root))


def _limit_of(folder: Path, limit_file: str, usage_file: str, reclaimable: str) -> tuple[float, float] | None:
    try:
        limit, usage = int((folder / limit_file).read_text()), int((folder / usage_file).read_text())
        statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return limit, max(0, limit - usage + int(statistics.get(reclaimable, 0)))
    except (OSError, ValueError):  # no such file, or "max"
        return None
