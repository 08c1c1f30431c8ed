"""Seals: the size and SHA-256 of files that must not change, in a small file that tells whether it is whole itself.

Standard library only; which files are sealed, and when, is the business of ``run`` and ``checkpoints``. What holds nothing that could be wrong
has no seal: the stop file, the lock, the signs of life, and error.log and processes.log, which are for people.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.atomic import sync
from trainer.runs.checksums import read_json, write_json

Digest = Callable[[Path], str]


@dataclass(frozen=True)
class Seal:
    """Size in bytes and SHA-256 (hex) of files by their path in a folder, and facts of whoever sealed them."""

    files: Mapping[str, tuple[int, str]]
    facts: Mapping[str, Any] = field(default_factory=dict)
    replaced: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """What a file was that is being replaced at this moment: it is whole as either."""


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in hex. Raises OSError."""
    with open(path, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def file_signature(path: str | Path) -> tuple[int, int, int]:
    """What changes when a file or folder does: size, time, number; zeros where it is missing."""
    try:
        facts = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return (facts.st_size, facts.st_mtime_ns, facts.st_ino)


def write_seal(path: Path, folder: Path, files: Iterable[Path], **facts: Any) -> None:
    """Bring the files of a folder to the disk, then their seal: whoever sees the seal sees the rest. Raises OSError."""
    sealed, folders = {}, {folder}
    for file in files:
        sync(file)
        sealed[file.relative_to(folder).as_posix()] = (file.stat().st_size, file_digest(file))
        folders |= {parent for parent in file.parents if folder in parent.parents}
    for inner in folders:
        sync(inner)
    save_seal(path, Seal(sealed, facts))


def save_seal(path: Path, seal: Seal) -> None:
    """Write the seal alone, of files that are on the disk already. Raises OSError."""
    write_json(path, {"files": seal.files, "replaced": seal.replaced, "facts": seal.facts})


def read_seal(path: Path) -> Seal | None:
    """The seal of this path; None where it is missing or damaged."""
    try:
        values = read_json(path)
        files, replaced = (
            {str(name): (int(size), str(digest)) for name, (size, digest) in values[kind].items()} for kind in ("files", "replaced")
        )
        if any(_leads_out(name) for name in (*files, *replaced)):
            return None
        return Seal(files, dict(values["facts"]), replaced)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
        return None


def _leads_out(name: str) -> bool:
    """Whether a path is none within the folder of the seal, as one that was made elsewhere may say."""
    return name.startswith(("/", "\\")) or "\\" in name or ":" in name or ".." in name.split("/")


def damaged_files(folder: Path, seal: Seal, names: Iterable[str] | None = None, *, digest: Digest | None = file_digest) -> tuple[str, ...]:
    """The sealed files that are missing or differ, of ``names`` or all of them; with ``digest`` None only sizes are looked at."""
    return tuple(
        name
        for name in (seal.files if names is None else names)
        if not any(_is_whole(folder, name, sealed[name], digest) for sealed in (seal.files, seal.replaced) if name in sealed)
    )


def _is_whole(folder: Path, name: str, sealed: tuple[int, str], digest: Digest | None) -> bool:
    try:
        # Text, not a Path: this is asked of each file of each run in the list.
        found = os.lstat(os.path.join(folder, name))
        # A link or a pipe is no file of ours: it could lead anywhere, or never end.
        same_size = stat.S_ISREG(found.st_mode) and found.st_size == sealed[0]
        return same_size and (digest is None or digest(folder / name) == sealed[1])
    except (OSError, ValueError):
        return False


def files_in(folder: Path) -> Iterator[Path]:
    """The files in a folder and in those inside it, by name."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
