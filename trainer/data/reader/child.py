"""The process that reads files: ``python -m trainer.data.reader.child PARENT``, orders and files on stdin, tables or refusals on stdout.

Not for use by hand; ``FileReader`` starts it. Dying here is allowed: its parent lives on and says so kindly.
"""

import gc
import os
import select
import signal
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any, BinaryIO

from trainer.data.files.reading import Limits, open_content, read_content
from trainer.data.reader import resource_limits
from trainer.data.reader.wire import MAX_CELL_BYTES, BrokenWireError, packed, receive, receive_json, send, send_json
from trainer.errors import UserError, error_location

_MAX_MEMORY_GROWTH = 100 << 20
"""Bytes of memory; after a file that took more, or a big one, this process ends, so that its memory goes back."""
_MAX_FILES = 200
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Read one file after the other until the parent says no more, or a file was so big that a fresh process is better."""
    _end_with_parent(int(sys.argv[1]))
    orders, answers = _open_streams()
    _import_ahead(orders)
    resource_limits.forbid_file_writes()
    gc.collect()
    gc.freeze()
    gc.disable()  # a million rows of text hold no cycles, and looking for some takes a third of the time
    idle = resource_limits.peak_bytes()
    with suppress(BrokenWireError, OSError):
        for number in range(1, _MAX_FILES + 1):
            if _handle_request(orders, answers, idle=idle, last=number == _MAX_FILES):
                return
            gc.collect()


def _end_with_parent(parent: int) -> None:
    """Ctrl-C is for the parent, which closes the pipe when it ends; and Linux ends this process with it, whatever it is at."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # it has ended meanwhile


def _open_streams() -> tuple[BinaryIO, BinaryIO]:
    """Where orders come from and answers go to. What a library may print goes nowhere."""
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return orders, answers


def _import_ahead(orders: BinaryIO) -> None:
    """Import before the first file comes what would be imported for one; where it has come already, it waits for no more of that."""
    sys.meta_path.insert(0, _PandasBlocker())
    for name in ("pyarrow.ipc", "pyarrow.parquet", "trainer.data.files.parquet", "python_calamine", "chardet"):
        if _has_input(orders):
            return
        import_module(name)
    sys.modules["chardet"].detect(b"a first time takes longest: \xe4\xf6\xfc")


def _has_input(orders: BinaryIO) -> bool:
    """Whether something waits to be read; on Windows that cannot be asked of a pipe."""
    return sys.platform != "win32" and bool(select.select([orders], [], [], 0)[0])


class _PandasBlocker:
    """Hides pandas from pyarrow, which would import it to see that a list is no series: half a second, and memory, in each child."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def _handle_request(orders: BinaryIO, answers: BinaryIO, *, idle: int, last: bool) -> bool:
    """Answer one order; whether it is the last one that this process takes. ``idle``: bytes of memory that it takes without a file."""
    how = receive_json(orders)
    data = receive(orders, MAX_CELL_BYTES)
    last = last or len(data) >= resource_limits.BIG_FILE_BYTES
    send_json(answers, {"weight": len(data)})
    resource_limits.limit_resources(len(data))
    cells: list[Any] = []
    try:
        limits = Limits(**how.pop("limits"))
        content = open_content(data, limits)
        del data
        resource_limits.limit_resources(content.weight)
        send_json(answers, {"weight": content.weight, "kind": content.kind})
        last = last or content.weight >= resource_limits.BIG_FILE_BYTES
        answer, *cells = packed(read_content(content, limits, **how))
    except UserError as error:
        answer = {"refused": {"message": error.message, "code": error.code}}
    except MemoryError:
        answer, last = {"beyond": "memory"}, True
    except Exception as error:
        answer, last = {"failed": error_location(error)}, True
    content = None
    resource_limits.lift_memory_limit()
    last = last or resource_limits.peak_bytes() - idle > _MAX_MEMORY_GROWTH
    send_json(answers, answer | {"last": last})
    send(answers, *cells)
    return last


if __name__ == "__main__":
    main()
