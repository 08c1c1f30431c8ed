"""The one way to bring a file, a folder or a removal to the disk: after it is said to be done, no power cut undoes it.

Knows nothing of what is written. A rename alone would not do: the content of a file and the names in a folder are each on the disk only once they
were fsynced. Standard library only, but for ``write_parquet``; everything here raises OSError.
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

REMOVED = ".deleted-"
"""How the names begin of what is being removed: nothing counts that is named so, and whoever starts next may clear it away."""

_OWNERS_FILE, _OWNERS_FOLDER = 0o600, 0o700
_FOLDERS_ARE_NOT_SYNCED = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)
"""What some network file systems answer; they have no other way."""


def write_file(path: Path, content: bytes) -> None:
    """Write a file, or replace one, as a whole: readers see the old one or the new one, never half of one or none."""
    with replacing(path) as file:
        file.write(content)


def write_parquet(path: Path, table: "pyarrow.Table") -> None:
    """Write a table as a Parquet file, or replace one, as a whole."""
    import pyarrow.parquet

    with replacing(path) as file:
        pyarrow.parquet.write_table(table, file)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """An open file that takes the place of ``path`` when the block ends; where that fails, nothing has changed. Only its owner may read it."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(partial, "xb", opener=_owners) as file:
            yield file
            sync_open(file)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync(path.parent)


def move(source: Path, target: Path) -> None:
    """Give a file or folder its place in the same file system; all in it must be on the disk already (see ``sync_tree``).

    A file there is replaced in one step. No system can do so with a folder: the one before is put aside first, so that between the two there is
    none, but never a mixture of both.
    """
    before = _put_aside(target, target.parent) if target.is_dir() else None
    os.replace(source, target)
    sync(target.parent)
    if source.parent != target.parent:
        sync(source.parent)
    if before is not None:
        shutil.rmtree(before, ignore_errors=True)


def link_file(source: Path, place: Path) -> None:
    """Give a file another name, or copy it where the disk knows no links; nobody may write into it again. It is not on the disk yet."""
    try:
        os.link(source, place)
    except OSError:
        shutil.copyfile(source, place)
        place.chmod(_OWNERS_FILE)


def make_folder(path: Path) -> None:
    """Make a folder where there is none, and those that it is in; only their owner may look in."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(mode=_OWNERS_FOLDER, exist_ok=True)
    sync(path.parent)


def remove_folder(path: Path, *, aside: Path | None = None) -> None:
    """Remove a folder at once and for good: it is whole or gone, and never comes back under its name.

    What a crash leaves of it has a name that begins with REMOVED, in the folder ``aside`` or, if none is given, in the one that it was in.
    """
    shutil.rmtree(put_aside(path, aside=aside), ignore_errors=True)


def put_aside(path: Path, *, aside: Path | None = None) -> Path:
    """Take a folder out of sight for good, for whoever has to read in it before it is removed; where it is now."""
    gone = _put_aside(path, path.parent if aside is None else aside)
    sync(path.parent)
    return gone


def remove_file(path: Path) -> None:
    """Remove a file, if there is one, for good."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    sync(path.parent)


def sync_tree(folder: Path) -> None:
    """Bring a folder and all in it to the disk."""
    for inside, _, names in os.walk(folder, topdown=False):
        for name in names:
            sync(Path(inside, name))
        sync(Path(inside))


def sync(path: Path) -> None:
    """Bring the content of a file to the disk or, where the system can, the names in a folder."""
    folder = path.is_dir()
    if folder and os.name == "nt":
        return
    try:
        handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    except PermissionError:
        # A folder above ours may be one in which nobody may look.
        if folder:
            return
        raise
    try:
        os.fsync(handle)
    except OSError as error:
        if not folder or error.errno not in _FOLDERS_ARE_NOT_SYNCED:
            raise
    finally:
        os.close(handle)


def sync_open(file: IO[bytes]) -> None:
    """Bring what was written to an open file to the disk."""
    file.flush()
    os.fsync(file.fileno())


def _owners(path: str, flags: int) -> int:
    """Opens a new file that only its owner may read, whatever the umask."""
    return os.open(path, flags, _OWNERS_FILE)


def _put_aside(path: Path, folder: Path) -> Path:
    aside = folder / f"{REMOVED}{path.name}-{secrets.token_hex(4)}"
    os.replace(path, aside)
    return aside
