"""What a container grants of the machine's memory: the kernel ends whoever takes more, whatever the machine has."""

import math
from collections.abc import Iterator
from pathlib import Path

_MOUNTED, _OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_FILES = {
    2: ("memory.max", "memory.current", "inactive_file"),
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}
"""By version of the control groups: the limit, what is taken, and what of that are copies of files, which give way."""


def available_bytes(mounted: Path = _MOUNTED, own: Path = _OWN) -> float:
    """Bytes that this process may still take, of its own control group and of all above it; infinity where none has a limit."""
    return min((_left(folder, *_FILES[version]) for version, folder in _groups(mounted, own)), default=math.inf)


def _groups(mounted: Path, own: Path) -> Iterator[tuple[int, Path]]:
    """The folders of this process's groups, with the version of each. Inside a container some of them are not to be seen."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers or "memory" in controllers.split(","):
            version, root = (1, mounted / "memory") if controllers else (2, mounted)
            inside = root / path.strip("/")
            yield from ((version, folder) for folder in (inside, *inside.parents) if folder.is_relative_to(root))


def _left(folder: Path, limit: str, taken: str, files: str) -> float:
    try:
        most, now = int((folder / limit).read_text()), int((folder / taken).read_text())
        counts = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return max(0, most - now + int(counts.get(files, 0)))
    except (OSError, ValueError):  # no such file, or "max"
        return math.inf
