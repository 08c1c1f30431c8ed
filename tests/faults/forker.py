"""Servers that can be made and killed by the hundred: a process that has imported everything forks one for each line it reads.

    python tests/faults/forker.py ENCODER_FOLDER

Each line is a JSON object: ``runs`` (a runs folder with one run), and how the server ends: ``kill_after`` (seconds), ``die_at`` (the N-th call
that brings something to the disk, counted from 1), or neither: it works until the run is over. With ``fail_at`` the N-th such call fails as on a
full disk, with ``for_long`` all that follow too; then there is room again, and somebody presses Resume. The answer is a line: ``seconds`` that it
lived, ``died`` (whether by signal 9) and, where it lived, ``calls`` (how many such calls there were), and ``status`` and ``message`` of the run
before the Resume.
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

from tests.tied import die_with
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
    """What a server does that finds this folder: it trains what waits, and somebody presses Resume on what was interrupted or failed."""
    studio = Studio(Settings(runs_dir=runs, save_seconds=0), encoders=[encoder])
    studio.recover()
    (view,) = studio.runs(LOCAL_OWNER)
    if view.status in ("interrupted", "failed"):
        studio.resume(LOCAL_OWNER, view.id)
    # Where nothing at all can be written, it keeps waiting for room.
    view = studio.wait(LOCAL_OWNER, view.id, 30)
    faults.over = True
    if view.status != "finished":
        studio.resume(LOCAL_OWNER, view.id)
        studio.wait(LOCAL_OWNER, view.id, 120)
    return {"status": view.status, "message": view.message, "calls": faults.calls}


class Faults:
    """Counts what brings something to the disk in the training thread, and at the N-th such call kills this process or lets it fail."""

    def __init__(self, *, die_at: int | None = None, fail_at: int | None = None, for_long: bool = False) -> None:
        self.calls, self.over = 0, False
        self._die_at, self._fail_at, self._for_long = die_at, fail_at, for_long

    def install(self) -> None:
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        for name in ("fsync", "replace", "rename", "link", "mkdir"):
            setattr(os, name, self._counting(getattr(os, name), full))
        builtins.open = io.open = self._counting(open, full, only=_writes)
        safetensors.torch.serialize_file = self._counting(safetensors.torch.serialize_file, SafetensorError(f"I/O error: {full}"))
        pyarrow.parquet.write_table = self._counting(pyarrow.parquet.write_table, full)

    def _counting(self, function: Callable, error: Exception, only: Callable[..., bool] = lambda *_, **__: True) -> Callable:
        def counted(*args: object, **kwargs: object) -> object:
            if self.over or threading.current_thread().name != "training" or not only(*args, **kwargs):
                return function(*args, **kwargs)
            self.calls += 1
            if self.calls == self._fail_at or (self._for_long and self._fail_at and self.calls > self._fail_at):
                raise error
            # Before the call and after it, by turns.
            if self.calls == self._die_at and self.calls % 2:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = function(*args, **kwargs)
            if self.calls == self._die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return counted


def _writes(file: object, mode: str = "r", *_: object, **__: object) -> bool:
    return any(sign in mode for sign in "wax+")


def main(encoder: Encoder) -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        runs, kill_after = Path(asked.pop("runs")), asked.pop("kill_after", None)
        begun = time.monotonic()
        reading, writing = os.pipe()
        parent, child = os.getpid(), os.fork()
        if child == 0:
            die_with(parent)
            work(encoder, runs, asked, writing)
        os.close(writing)
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, signal.SIGKILL)
        with os.fdopen(reading) as pipe:
            said = json.loads(pipe.read() or "{}")
        status = os.waitpid(child, 0)[1]
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print(json.dumps({"seconds": time.monotonic() - begun, "died": died, **said}), flush=True)


def work(encoder: Encoder, runs: Path, asked: dict, answers: int) -> None:
    """The life of one server; its words go into a file beside the runs."""
    log = os.open(runs.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faults = Faults(**asked)
    if asked:
        faults.install()
    try:
        os.write(answers, json.dumps(serve(encoder, runs, faults)).encode())
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(local_encoder(Path(sys.argv[1])))
