"""Advisory locks on open files, for Windows and POSIX.

A lock ends with its process, however that ends.
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

    _LOCKED_BYTE = 1 << 30

    def try_lock(file: BinaryIO, *, shared: bool) -> bool:
        """Take the lock of an open file without waiting; False if somebody else holds it. Closing the file releases it.

        On Windows a shared lock is exclusive too. It covers the byte at the file's position.
        """
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            return _not_held(error)
        return True

    @contextmanager
    def locked(file: FileIO) -> Iterator[None]:
        """Hold the lock of an open file while the block runs. Without lock support, or after waiting 10 seconds, the block runs without it.

        It covers a byte far beyond the end of the file, since on Windows others cannot read locked bytes.
        """
        with suppress(OSError):
            file.seek(_LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        try:
            yield
        finally:
            with suppress(OSError):
                file.seek(_LOCKED_BYTE)
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

    @contextmanager
    def hold_lock_file(path: Path) -> Iterator[None]:
        """Let ``is_held`` return True while the block runs. On Windows an open file cannot replace another one, so this waits for readers."""
        with open(path, "a+b") as file:
            while not try_lock(file, shared=False):
                time.sleep(0.01)
            yield
else:
    import fcntl

    def try_lock(file: BinaryIO, *, shared: bool) -> bool:
        """Take the lock of an open file without waiting; False if somebody else holds it. Closing the file releases it."""
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            return _not_held(error)
        return True

    @contextmanager
    def locked(file: FileIO) -> Iterator[None]:
        """Wait for the lock of an open file and hold it while the block runs; if the file system has no locks, the block runs without it."""
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            # Closing is not enough: a process forked meanwhile has the file open too.
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_UN)

    @contextmanager
    def hold_lock_file(path: Path) -> Iterator[None]:
        """Let ``is_held`` return True while the block runs; at most one process may do so at a time.

        The file is locked before it gets its name, so that a reader's short shared lock never blocks this.
        """
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        with open(temporary, "wb") as file:
            try_lock(file, shared=False)
            os.replace(temporary, path)
            yield


def is_held(path: Path) -> bool:
    """Whether a process holds the file with ``hold_lock_file``. Never blocks it. False if the file system has no locks."""
    try:
        with open(path, "rb") as file:
            return not try_lock(file, shared=True)
    except OSError:
        return False


def _not_held(error: OSError) -> bool:
    """What a refused lock means: False if somebody holds it, True if the file system has no locks."""
    return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
