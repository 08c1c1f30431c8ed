"""Advisory locks on open files, on every system Python runs on. Who holds one, and what for, is the caller's business.

A lock dies with its process, however it dies.
"""

import errno
import os
from typing import BinaryIO

if os.name == "nt":
    import msvcrt

    def try_lock(file: BinaryIO, *, shared: bool) -> bool:
        """Take the lock of an open file without waiting; False where somebody else holds it. Closing the file lets go of it.

        Here a shared lock shuts out the others too: Windows knows no other kind. It covers the byte at the file's position.
        """
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            return _not_held(error)
        return True
else:
    import fcntl

    def try_lock(file: BinaryIO, *, shared: bool) -> bool:
        """Take the lock of an open file without waiting; False where somebody else holds it. Closing the file lets go of it."""
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            return _not_held(error)
        return True


def _not_held(error: OSError) -> bool:
    """What a refused lock means: False where somebody holds it, True where this file system knows no locks."""
    return error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK)
