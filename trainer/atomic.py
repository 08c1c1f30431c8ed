"""Atomic and durable writes, moves and removals: once a function returns, no power cut undoes it.

A rename alone is not enough: the content of a file and the names in a folder are on the disk only after an fsync of each. Standard library only,
except in ``write_parquet``; all functions raise OSError.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import pyarrow

REMOVED_PREFIX = ".deleted-"
"""Prefix of names that are being removed: such files do not count, and the next start may delete them."""

_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700
_CANNOT_SYNC_FOLDERS = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)
"""Errors of some network file systems, which cannot sync folders."""


def write_file(path: Path, content: bytes) -> None:
    """Write or replace a file atomically: readers see the old or the new content, never a part or nothing."""
    with open_atomic(path) as file:
        file.write(content)


def write_parquet(path: Path, table: "pyarrow.Table") -> None:
    """Write a table as a Parquet file, or replace one, as a whole."""
    import pyarrow.parquet

    with open_atomic(path) as file:
        pyarrow.parquet.write_table(table, file)


@contextmanager
def open_atomic(path: Path) -> Iterator[BinaryIO]:
    """Open a file that replaces ``path`` when the block ends; after an exception nothing has changed. Only its owner may read it."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(partial, "xb", opener=_open_private) as file:
            yield file
            sync_open(file)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync(path.parent)


def move(source: Path, target: Path) -> None:
    """Rename a file or folder within a file system; its content must be on the disk already (see ``sync_tree``).

    An existing file is replaced atomically. No system can do that with a folder: the old one is moved aside first, so that for a moment there
    is none, but never a mixture of both.
    """
    previous = _rename_aside(target, target.parent) if target.is_dir() else None
    os.replace(source, target)
    sync(target.parent)
    if source.parent != target.parent:
        sync(source.parent)
    if previous is not None:
        shutil.rmtree(previous, ignore_errors=True)


def link_file(source: Path, target: Path) -> None:
    """Hard-link a file, or copy it if the disk has no links; nobody may write into it any more. Not synced yet."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
        target.chmod(_PRIVATE_FILE)


def make_folder(path: Path) -> None:
    """Make a folder and its missing parents; only their owner may read them."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
    sync(path.parent)


def remove_folder(path: Path, *, aside: Path | None = None) -> None:
    """Remove a folder atomically and durably: it never comes back under its name.

    After a crash its rest has a name that begins with REMOVED_PREFIX, in the folder ``aside`` or, by default, in its parent.
    """
    shutil.rmtree(put_aside(path, aside=aside), ignore_errors=True)


def put_aside(path: Path, *, aside: Path | None = None) -> Path:
    """Move a folder aside durably, for callers that read in it before they remove it; returns its new path."""
    moved = _rename_aside(path, path.parent if aside is None else aside)
    sync(path.parent)
    return moved


def remove_file(path: Path) -> None:
    """Remove a file durably, if it exists."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    sync(path.parent)


def sync_tree(folder: Path) -> None:
    """Sync a folder and everything in it to the disk."""
    for inside, _, names in os.walk(folder, topdown=False):
        for name in names:
            sync(Path(inside, name))
        sync(Path(inside))


def sync(path: Path) -> None:
    """Sync the content of a file to the disk or, if the system can, the names in a folder."""
    is_folder = path.is_dir()
    if is_folder and os.name == "nt":
        return
    try:
        handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    except PermissionError:
        # A parent of our folders may be unreadable.
        if is_folder:
            return
        raise
    try:
        os.fsync(handle)
    except OSError as error:
        if not is_folder or error.errno not in _CANNOT_SYNC_FOLDERS:
            raise
    finally:
        os.close(handle)


def sync_open(file: IO[bytes]) -> None:
    """Flush an open file and sync it to the disk."""
    file.flush()
    os.fsync(file.fileno())


def _open_private(path: str, flags: int) -> int:
    """Open a new file that only its owner may read, whatever the umask."""
    return os.open(path, flags, _PRIVATE_FILE)


def _rename_aside(path: Path, folder: Path) -> Path:
    aside = folder / f"{REMOVED_PREFIX}{path.name}-{secrets.token_hex(4)}"
    os.replace(path, aside)
    return aside
