"""Servers that can be made and killed by the hundred: a process that has imported everything forks one for each line it reads.

    python tests/faults/forker.py ENCODER_FOLDER

Each line is a JSON object: ``runs`` (a runs folder with one run), and how the server ends: ``kill_after`` (seconds), ``die_at`` (the N-th call
that brings something to the disk, counted from 1), or neither: it works until the run is over. The answer is a line: ``seconds`` that it lived,
``died`` (whether by signal 9), ``calls`` (how many such calls it made, where it lived).
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from trainer.settings import LOCAL_OWNER, Settings, prepare_environment

prepare_environment()

import sklearn.metrics  # noqa: E402, F401
import transformers  # noqa: E402, F401

import trainer.training.loop  # noqa: E402
import trainer.training.predictor  # noqa: E402, F401
from trainer.studio import Studio  # noqa: E402
from trainer.training.encoders import Encoder, local_encoder  # noqa: E402


def serve(encoder: Encoder, runs: Path, log: int) -> None:
    """What a server does that finds this folder: it trains what waits, and somebody presses Resume on what was interrupted."""
    os.dup2(log, 1)
    os.dup2(log, 2)
    studio = Studio(Settings(runs_dir=runs, save_seconds=0), encoders=[encoder])
    studio.recover()
    for view in studio.runs(LOCAL_OWNER):
        if view.status in ("interrupted", "failed"):
            studio.resume(LOCAL_OWNER, view.id)
        studio.wait(LOCAL_OWNER, view.id, 120)


def count_calls(die_at: int | None) -> list[int]:
    """Count what brings something to the disk; at the N-th such call this process is killed, before it or after it by turns."""
    calls = [0]

    def counting(function: object) -> object:
        def counted(*args: object, **kwargs: object) -> object:
            calls[0] += 1
            if calls[0] == die_at and calls[0] % 2:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = function(*args, **kwargs)
            if calls[0] == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return counted

    for name in ("fsync", "replace", "rename", "link", "mkdir", "rmdir", "unlink"):
        setattr(os, name, counting(getattr(os, name)))
    return calls


def main(encoder: Encoder) -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        begun = time.monotonic()
        reading, writing = os.pipe()
        log = os.open(Path(asked["runs"]).with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        child = os.fork()
        if child == 0:
            calls = count_calls(asked.get("die_at")) if "die_at" in asked else [0]
            try:
                serve(encoder, Path(asked["runs"]), log)
            finally:
                os.write(writing, str(calls[0]).encode())
                os._exit(0)
        os.close(writing)
        os.close(log)
        if asked.get("kill_after") is not None:
            time.sleep(asked["kill_after"])
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        calls = int(os.read(reading, 32) or 0)
        os.close(reading)
        answer = {
            "seconds": time.monotonic() - begun,
            "died": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
            "calls": calls,
        }
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(local_encoder(Path(sys.argv[1])))
