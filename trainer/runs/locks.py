"""Advisory locks on open files, on every system Python runs on. Who holds one, and what for, is the caller's business.

A lock dies with its process, however it dies.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

if os.name == "nt":
    import msvcrt

    _FAR = 1 << 30

    def try_lock(file: BinaryIO, *, shared: bool) -> bool:
        """Take the lock of an open file without waiting; False where somebody else holds it. Closing the file lets go of it.

        Here a shared lock shuts out the others too: Windows knows no other kind. It covers the byte at the file's position.
        """
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            return _not_held(error)
        return True

    @contextmanager
    def locked(file: FileIO) -> Iterator[None]:
        """Hold the lock of an open file while the block runs. Where there are no locks, or nobody lets go for 10 seconds, the block runs without.

        It covers a byte far beyond the end of the file, since Windows lets nobody read what another one has locked.
        """
        with suppress(OSError):
            file.seek(_FAR)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        try:
            yield
        finally:
            with suppress(OSError):
                file.seek(_FAR)
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

    @contextmanager
    def hold_lock_file(path: Path) -> Iterator[None]:
        """Be seen by ``is_held`` while the block runs. Here a file that is open cannot be put in another one's place: readers are waited for."""
        with open(path, "a+b") as file:
            while not try_lock(file, shared=False):
                time.sleep(0.01)
            yield
else:
    import fcntl

    def try_lock(file: BinaryIO, *, shared: bool) -> bool:
        """Take the lock of an open file without waiting; False where somebody else holds it. Closing the file lets go of it."""
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            return _not_held(error)
        return True

    @contextmanager
    def locked(file: FileIO) -> Iterator[None]:
        """Wait for the lock of an open file and hold it while the block runs; where this file system knows no locks, the block runs without."""
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            # Closing would not do: a process forked meanwhile has the file open too.
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_UN)

    @contextmanager
    def hold_lock_file(path: Path) -> Iterator[None]:
        """Be seen by ``is_held`` while the block runs; at most one may do so at a time.

        The file is locked before it gets its name: nobody who looks, be it for an instant or stopped in the middle, is ever in the way.
        """
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        with open(fresh, "wb") as file:
            try_lock(file, shared=False)
            os.replace(fresh, path)
            yield


def is_held(path: Path) -> bool:
    """Whether somebody has the file in ``hold_lock_file``. Keeps nobody from anything; where this file system knows no locks, nobody has."""
    try:
        with open(path, "rb") as file:
            return not try_lock(file, shared=True)
    except OSError:
        return False


def _not_held(error: OSError) -> bool:
    """What a refused lock means: False where somebody holds it, True where this file system knows no locks."""
    return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
