"""Memory that was freed and that the C library keeps, given back to the system. Measures nothing and frees nothing that is in use.

Batches of ever new lengths leave glibc's heap full of holes: for each new shape oneDNN keeps a few small kernels for good, and they come to
lie between the large tensors of a step, so that what was freed around them joins into nothing that a longer batch could use.
"""

import ctypes
from collections.abc import Callable
from functools import cache


def trim_heap() -> None:
    """Give the holes of the heap back, some hundreds of megabytes in some hundredths of a second. Elsewhere than with glibc nothing is done."""
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    try:
        return ctypes.CDLL(None).malloc_trim
    # macOS and musl have no such function, and on Windows there is no such library.
    except (AttributeError, OSError, TypeError):
        return None
