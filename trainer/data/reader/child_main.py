"""The process that reads files: ``python -m trainer.data.reader.child_main PARENT [LIBRARY ...]``, requests and files on stdin, tables or errors on stdout.

Started by ``FileReader``, not by hand. If it crashes, its parent reports that as a UserError.
"""

import gc
import os
import select
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any, BinaryIO

from trainer.data.files.read_table import Content, open_content, read_content
from trainer.data.files.table import Limits
from trainer.data.reader import resource_limits
from trainer.data.reader.edit_wire import receive_edits
from trainer.data.reader.wire import (
    MAX_CELL_BYTES,
    BrokenWireError,
    pack_columns,
    pack_table,
    receive,
    receive_json,
    send,
    send_json,
    unpack_columns,
)
from trainer.data.rewrite.edits import Appending, Edits
from trainer.errors import UserError, error_location

_MAX_MEMORY_GROWTH = 100 << 20
"""Bytes; after a big file, or one that took more memory than this, the process ends to return its memory."""
_MAX_FILES = 200
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Read one file after another until the parent closes the pipe or the process should be replaced."""
    _end_with_parent(int(sys.argv[1]))
    requests, replies = _open_streams()
    sys.meta_path.insert(0, _PandasBlocker())
    _import_ahead(sys.argv[2:], requests)
    resource_limits.forbid_file_writes()
    gc.collect()
    gc.freeze()
    gc.disable()  # rows of text have no cycles, and searching for them takes a third of the time
    idle = resource_limits.peak_bytes()
    with suppress(BrokenWireError, OSError):
        for number in range(1, _MAX_FILES + 1):
            if _handle_request(requests, replies, idle=idle, last=number == _MAX_FILES):
                return
            gc.collect()


def _end_with_parent(parent: int) -> None:
    """Ignore Ctrl-C, which the parent handles; on Linux let the kernel kill this process when the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # the parent has ended already


def _open_streams() -> tuple[BinaryIO, BinaryIO]:
    """``(requests, replies)``: copies of stdin and stdout, which are then redirected so that no library can print into the replies."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    devnull = os.open(os.devnull, os.O_RDWR)
    os.dup2(devnull, 0)
    os.dup2(devnull, 1)
    return requests, replies


def _import_ahead(libraries: Sequence[str], requests: BinaryIO) -> None:
    """Import ``libraries`` ahead, as long as no file is waiting."""
    for name in libraries:
        if _has_input(requests):
            return
        import_module(name)
    if chardet := sys.modules.get("chardet"):
        chardet.detect(b"a first time takes longest: \xe4\xf6\xfc")


def _has_input(requests: BinaryIO) -> bool:
    """Whether there is input to read; Windows cannot tell this of a pipe."""
    return sys.platform != "win32" and bool(select.select([requests], [], [], 0)[0])


class _PandasBlocker:
    """Hides pandas from pyarrow, which would import it only for type checks: half a second, and memory, in each child."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


@dataclass(frozen=True)
class _Wanted:
    """What a request asks for beside the table: the file with ``edits``, ``written_as`` itself or as CSV, or with the columns of ``appending``;
    or its texts, in ``text_columns``, of which only ``with_texts`` more than their place comes back."""

    edits: Edits | None = None
    written_as: str = "itself"
    appending: Appending | None = None
    text_columns: list[str | int] | None = None
    with_texts: bool = False


def _receive_wanted(requests: BinaryIO, options: dict[str, Any]) -> _Wanted:
    edits, appending = options.pop("edits", None), options.pop("appending", None)
    return _Wanted(
        None if edits is None else receive_edits(requests, edits),
        options.pop("written_as", "itself"),
        None if appending is None else Appending(**appending | {"columns": tuple(map(tuple, appending["columns"]))}),
        options.pop("text_columns", None),
        options.pop("with_texts", False),
    )


@dataclass(frozen=True)
class _File:
    """The file of a request; ``data`` is empty if only its content is needed."""

    data: bytes
    content: Content
    limits: Limits
    options: dict[str, Any]


def _answer(file: _File, wanted: _Wanted, requests: BinaryIO, replies: BinaryIO) -> tuple[Any, ...]:
    """The reply and its frames: the table in a file, its texts, or the file with other cells."""
    data, content, limits, options = file.data, file.content, file.limits, file.options
    if wanted.appending is not None:
        return _append(file, wanted.appending, requests, replies)
    if wanted.edits is not None:
        from trainer.data.rewrite.rewrite_file import rewrite, rewrite_as_csv

        if wanted.written_as == "itself":
            rewritten = rewrite(data, wanted.edits, limits, **options)
        else:
            rewritten = rewrite_as_csv(
                read_content(content, limits, **options), wanted.edits, spreadsheet=wanted.written_as == "spreadsheet"
            )
        return {"rewritten": {"notes": list(rewritten.notes)}}, rewritten.data
    if wanted.text_columns is None:
        return pack_table(read_content(content, limits, **options))
    from trainer.data.reader.read_texts import read_texts

    rows, parts = read_texts(content, limits, wanted.text_columns, **options)
    frames = [pack_columns([part], range(len(part))) for part in parts] if wanted.with_texts else []
    return {"texts": asdict(rows), "frames": len(frames)}, *frames


def _append(file: _File, appending: Appending, requests: BinaryIO, replies: BinaryIO) -> tuple[Any, ...]:
    """Ask for the new cells of the next rows, and send the file with them, again and again; the reply ends it."""
    from trainer.data.rewrite.append_columns import append_columns

    def cells(rows: int) -> list[list[str]]:
        send_json(replies, {"rows": rows})
        return unpack_columns(receive(requests, MAX_CELL_BYTES), len(appending.columns))[0]

    pieces = append_columns(file.data, file.content, appending, cells, file.limits, **file.options)
    while True:
        try:
            piece = next(pieces)
        except StopIteration as end:
            return ({"rewritten": {"notes": list(end.value)}},)
        send_json(replies, {"piece": True})
        send(replies, piece)


def _handle_request(requests: BinaryIO, replies: BinaryIO, *, idle: int, last: bool) -> bool:
    """Handle one request; return whether the process should end. ``idle``: peak bytes of memory before the first file."""
    options = receive_json(requests)
    data = receive(requests, MAX_CELL_BYTES)
    wanted = _receive_wanted(requests, options)
    last = last or len(data) >= resource_limits.BIG_FILE_BYTES
    send_json(replies, {"weight": len(data)})
    resource_limits.limit_resources(len(data))
    cells: list[Any] = []
    try:
        limits = Limits(**options.pop("limits"))
        content = open_content(data, limits)
        if not wanted.edits and not wanted.appending and data is not content.data:
            data = b""
        resource_limits.limit_resources(content.weight)
        send_json(replies, {"weight": content.weight, "file_format": content.file_format})
        last = last or content.weight >= resource_limits.BIG_FILE_BYTES
        reply, *cells = _answer(_File(data, content, limits, options), wanted, requests, replies)
    except UserError as error:
        reply = {"error": {"message": error.message, "code": error.code}}
    except MemoryError:
        reply, last = {"out_of_memory": True}, True
    except Exception as error:
        reply, last = {"failed": error_location(error)}, True
    content = None
    resource_limits.lift_memory_limit()
    last = last or resource_limits.peak_bytes() - idle > _MAX_MEMORY_GROWTH
    send_json(replies, reply | {"last": last})
    send(replies, *cells)
    return last


if __name__ == "__main__":
    main()
