"""Runs the process that exports a model and follows it; ends it when asked to stop. What the process does is in training/export/convert_main.py."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any

from trainer.errors import ModelError

_PROJECT = Path(__file__).resolve().parents[3]
_POLL_SECONDS = 1.0
"""How late a stop is seen while the process says nothing: it may translate a large model for minutes."""
_OUTPUT_BYTES = 4_000
"""Of the end of what the libraries print, for the log of an export that failed."""


def run_conversion(model: Path, work: Path, report: Callable[[str, float], None], stop_if_asked: Callable[[], None]) -> dict[str, Any]:
    """Export the model of a folder into a work folder and return what the process says of it. ``stop_if_asked`` raises to stop.

    Raises UserError ``no_export`` or ``export_failed``, or what loading the model raises; and OSError.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in (str(_PROJECT), os.environ.get("PYTHONPATH", "")) if p)}
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen(
            _command(model, work), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=output, start_new_session=True
        ) as process,
    ):
        lines: SimpleQueue[bytes] = SimpleQueue()
        reader = threading.Thread(target=_read, args=(process.stdout, lines), name="export", daemon=True)
        reader.start()
        try:
            for line in _until_the_end(lines, stop_if_asked):
                message = json.loads(line)
                if "result" in message:
                    return message["result"]
                if "what" not in message:
                    raise _failure(message)
                report(message["what"], message["done"])
            raise _ended_early(process.wait(), _tail(output))
        finally:
            process.kill()
            reader.join()


def _command(model: Path, work: Path) -> list[str]:
    return [sys.executable, "-m", "trainer.training.export.convert_main", str(model), str(work)]


def _read(stdout: IO[bytes], lines: "SimpleQueue[bytes]") -> None:
    for line in stdout:
        lines.put(line)
    lines.put(b"")


def _until_the_end(lines: "SimpleQueue[bytes]", stop_if_asked: Callable[[], None]) -> Iterator[bytes]:
    """The lines that come; asks for a stop between them, and while none comes."""
    while True:
        stop_if_asked()
        try:
            line = lines.get(timeout=_POLL_SECONDS)
        except Empty:
            continue
        if not line:
            return
        yield line


def _failure(message: dict[str, Any]) -> Exception:
    """What the process says that went wrong, as the error it would be here."""
    if "disk" in message:
        return OSError(*message["disk"])
    if "error" in message:
        return ModelError(message["error"], code=message["code"])
    if message["unexpected"] == MemoryError.__name__:
        return _lacks_memory()
    failed = ModelError(
        f"The export failed unexpectedly ({message['unexpected']}). Try again; if it fails again, take the model folder.",
        code="export_failed",
    )
    failed.__cause__ = RuntimeError(message["where"])
    return failed


def _ended_early(status: int, output: str) -> ModelError:
    """The error for a process that ended, with this exit status, without a word."""
    if status == -getattr(signal, "SIGKILL", 9):
        # So ends a process for which the system has no memory left.
        failed = _lacks_memory()
    else:
        failed = ModelError(
            f"The process that exports the model ended before it was done (exit status {status}). Try again; if it fails again, take the model folder.",
            code="export_failed",
        )
    failed.__cause__ = RuntimeError(output)
    return failed


def _lacks_memory() -> ModelError:
    return ModelError(
        "The process that exports the model ended before it was done; it may lack memory. End other programs and try again.",
        code="export_failed",
    )


def _tail(output: IO[bytes]) -> str:
    output.seek(max(0, output.seek(0, os.SEEK_END) - _OUTPUT_BYTES))
    return output.read().decode(errors="replace")
