"""Forks servers by the hundred: this process imports everything once and forks a server for each line that it reads.

    python tests/faults/forker.py ENCODER_FOLDER

Each line is a JSON object: ``runs`` (a runs folder with one run), and how the server ends: ``kill_after`` (seconds of CPU time, so that a busy
machine kills at the same places), ``die_at`` (the N-th call that writes to the disk, counted from 1), or neither: it works until the run is over.
With ``fail_at`` the N-th such call fails with a full disk, with ``persistent`` all later ones too; then there is space again, and the run is
resumed. The response is one line: ``seconds`` of CPU time that the server has used, ``died`` (killed by signal 9) and, if it was not, ``calls``
(the number of such calls), ``status`` and ``message`` of the run before it was resumed.
"""

import builtins
import errno
import io
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import psutil

from tests.addresses import TIMEOUT_SECONDS
from tests.child_processes import die_with
from trainer.settings import LOCAL_OWNER, Settings, prepare_environment

prepare_environment()

import pyarrow.parquet  # noqa: E402
import safetensors.torch  # noqa: E402
import sklearn.metrics  # noqa: E402, F401
import transformers  # noqa: E402, F401
from safetensors import SafetensorError  # noqa: E402

from trainer.studio import Studio  # noqa: E402
from trainer.training.encoders import Encoder, local_encoder  # noqa: E402


def serve(encoder: Encoder, runs: Path, faults: "Faults") -> dict:
    """Start a server in this folder: train the queued run, or resume the interrupted or failed one."""
    studio = Studio(Settings(runs_dir=runs, save_seconds=0), encoders=[encoder])
    studio.recover()
    workspace = studio.for_owner(LOCAL_OWNER)
    (view,) = workspace.library.runs()
    if view.status in ("interrupted", "failed"):
        workspace.resume(view.id)
    while True:
        changes = studio._queue.changes
        # If nothing can be written, it keeps waiting for space.
        if not studio._queue.has(view.id) or (faults.persistent and studio._queue.delay(view.id) is not None):
            break
        studio._queue.wait(changes, TIMEOUT_SECONDS)
    view = workspace.library.view(view.id)
    faults.over = True
    if view.status != "finished":
        workspace.resume(view.id)
        workspace.wait(view.id, TIMEOUT_SECONDS)
    return {"status": view.status, "message": view.message, "calls": faults.calls}


class Faults:
    """Counts the calls in the training thread that write to the disk; at the N-th it kills this process or raises an error."""

    def __init__(self, *, die_at: int | None = None, fail_at: int | None = None, persistent: bool = False) -> None:
        self.calls, self.over = 0, False
        self.persistent = persistent
        self._die_at, self._fail_at = die_at, fail_at

    def install(self) -> None:
        disk_full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        for name in ("fsync", "replace", "rename", "link", "mkdir"):
            setattr(os, name, self._patched(getattr(os, name), disk_full))
        builtins.open = io.open = self._patched(open, disk_full, counts=_writes)
        safetensors.torch.serialize_file = self._patched(safetensors.torch.serialize_file, SafetensorError(f"I/O error: {disk_full}"))
        pyarrow.parquet.write_table = self._patched(pyarrow.parquet.write_table, disk_full)

    def _patched(self, function: Callable, error: Exception, counts: Callable[..., bool] = lambda *_, **__: True) -> Callable:
        def wrapper(*args: object, **kwargs: object) -> object:
            if self.over or threading.current_thread().name != "training" or not counts(*args, **kwargs):
                return function(*args, **kwargs)
            self.calls += 1
            if self.calls == self._fail_at or (self.persistent and self._fail_at and self.calls > self._fail_at):
                raise error
            # Die before the call at odd numbers, after it at even ones.
            if self.calls == self._die_at and self.calls % 2:
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*args, **kwargs)
            if self.calls == self._die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return wrapper


def _writes(file: object, mode: str = "r", *_: object, **__: object) -> bool:
    return any(flag in mode for flag in "wax+")


def fork_servers(encoder: Encoder) -> None:
    for line in sys.stdin:
        request = json.loads(line)
        runs, kill_after = Path(request.pop("runs")), request.pop("kill_after", None)
        read_end, write_end = os.pipe()
        parent, child = os.getpid(), os.fork()
        if child == 0:
            die_with(parent)
            run_server(encoder, runs, request, write_end)
        os.close(write_end)
        if kill_after is not None:
            server = psutil.Process(child)
            while sum(server.cpu_times()[:2]) < kill_after and server.status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.002)
            os.kill(child, signal.SIGKILL)
        with os.fdopen(read_end) as pipe:
            result = json.loads(pipe.read() or "{}")
        _, status, used = os.wait4(child, 0)
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print(json.dumps({"seconds": used.ru_utime + used.ru_stime, "died": died, **result}), flush=True)


def run_server(encoder: Encoder, runs: Path, request: dict, write_end: int) -> NoReturn:
    """Run one server in this process and exit; its output goes into a log file beside the runs."""
    log = os.open(runs.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faults = Faults(**request)
    if request:
        faults.install()
    try:
        os.write(write_end, json.dumps(serve(encoder, runs, faults)).encode())
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(0)


if __name__ == "__main__":
    fork_servers(local_encoder(Path(sys.argv[1])))
