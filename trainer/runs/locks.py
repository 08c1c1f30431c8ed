"""Advisory locks on open files, on every system Python runs on. Who holds one, and what for, is the caller's business.

A lock dies with its process, however it dies.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
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


def _not_held(error: OSError) -> bool:
    """What a refused lock means: False where somebody holds it, True where this file system knows no locks."""
    return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
