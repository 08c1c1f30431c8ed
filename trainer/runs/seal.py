"""Seals: the size and SHA-256 of files that must not change, in a small file with its own checksum.

Standard library only; integrity.py and checkpoints.py decide which files are sealed, and when.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.atomic import sync
from trainer.runs.checksums import read_json_with_checksum, write_json_with_checksum

Digest = Callable[[Path], str]


@dataclass(frozen=True)
class Seal:
    """Size in bytes and SHA-256 (hex) of files by their path in a folder, and facts that the caller adds."""

    files: Mapping[str, tuple[int, str]]
    facts: Mapping[str, Any] = field(default_factory=dict)
    replaced: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """The old size and SHA-256 of a file that is just being replaced: it is intact with either."""


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in hex. Raises OSError."""
    with open(path, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def file_signature(path: str | Path) -> tuple[int, int, int]:
    """Size, time and inode, which change when a file or folder does; zeros if it is missing."""
    try:
        stat_result = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return (stat_result.st_size, stat_result.st_mtime_ns, stat_result.st_ino)


def write_seal(path: Path, folder: Path, files: Iterable[Path], **facts: Any) -> None:
    """Sync the files of a folder, then write their seal: if the seal is there, the files are. Raises OSError."""
    sealed, folders = {}, {folder}
    for file in files:
        sync(file)
        sealed[file.relative_to(folder).as_posix()] = (file.stat().st_size, file_digest(file))
        folders |= {parent for parent in file.parents if folder in parent.parents}
    for inner in folders:
        sync(inner)
    save_seal(path, Seal(sealed, facts))


def save_seal(path: Path, seal: Seal) -> None:
    """Write only the seal, for files that are on the disk already. Raises OSError."""
    write_json_with_checksum(path, {"files": seal.files, "replaced": seal.replaced, "facts": seal.facts})


def read_seal(path: Path) -> Seal | None:
    """The seal at this path; None if it is missing or damaged."""
    try:
        values = read_json_with_checksum(path)
        files, replaced = (
            {str(name): (int(size), str(digest)) for name, (size, digest) in values[key].items()} for key in ("files", "replaced")
        )
        if any(_is_outside(name) for name in (*files, *replaced)):
            return None
        return Seal(files, dict(values["facts"]), replaced)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None


def _is_outside(name: str) -> bool:
    """Whether a path leads out of the folder, as in a seal made elsewhere it may."""
    return name.startswith(("/", "\\")) or "\\" in name or ":" in name or ".." in name.split("/")


def damaged_files(folder: Path, seal: Seal, names: Iterable[str] | None = None, *, digest: Digest | None = file_digest) -> tuple[str, ...]:
    """The sealed files that are missing or differ, of ``names`` or all of them; with ``digest`` None only sizes are compared."""
    return tuple(
        name
        for name in (seal.files if names is None else names)
        if not any(_is_intact(folder, name, sealed[name], digest) for sealed in (seal.files, seal.replaced) if name in sealed)
    )


def _is_intact(folder: Path, name: str, sealed: tuple[int, str], digest: Digest | None) -> bool:
    try:
        # A string, not a Path: this runs for each file of each run in the list.
        stat_result = os.lstat(os.path.join(folder, name))
        # A link or a pipe is not our file: it could lead anywhere, or never end.
        same_size = stat.S_ISREG(stat_result.st_mode) and stat_result.st_size == sealed[0]
        return same_size and (digest is None or digest(folder / name) == sealed[1])
    except (OSError, ValueError):
        return False


def files_in(folder: Path) -> Iterator[Path]:
    """The files in a folder and its subfolders, sorted by name, without those that others remove meanwhile. Raises OSError."""
    found = (Path(inside, name) for inside, _, names in os.walk(folder, onerror=_raise_unless_gone) for name in names)
    return (path for path in sorted(found) if path.is_file())


def _raise_unless_gone(error: OSError) -> None:
    """What cannot be read for want of permission has no files either."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError | PermissionError):
        raise error
