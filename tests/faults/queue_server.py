"""A server over a runs folder with a queue, forked from a process that has imported everything, and two processes of a training forked likewise.

It does what the page's server does without the page: it trains what waits, SIGINT ends it as Ctrl-C does, and at SIGUSR1 somebody presses Stop.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from tests.addresses import free_port
from tests.tied import die_with
from trainer.jobs import torchrun, worker
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER, Settings
from trainer.signals import end_is_asked
from trainer.studio import Studio
from trainer.training.encoders import Encoder

STUCK_SECONDS = 240.0
"""A server in which nothing has happened for so long hangs: it gives up, and what it did not do is missing."""

_TORCHRUN_SECONDS = 30.0
"""torchrun waits so long for the others to end when one process has failed."""


@dataclass(frozen=True)
class Server:
    """How servers are made: over which folder, with how many processes for a training, and whether it is torchrun that starts these."""

    encoder: Encoder
    processes: int = 1
    torchrun: bool = False

    def fork(self, runs: Path, life: Callable[[Studio], object]) -> "Living":
        """Start one that lives ``life`` and ends; its words go into a file beside the runs folder."""
        reading, writing = os.pipe()
        parent, child = os.getpid(), os.fork()
        if child == 0:
            die_with(parent)
            os.close(reading)
            self._live(runs, life, writing)
        os.close(writing)
        return Living(child, reading)

    def _live(self, runs: Path, life: Callable[[Studio], object], answers: int) -> NoReturn:
        log = os.open(runs.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if not self.torchrun:
            torchrun.subprocess = SimpleNamespace(run=run_forked, DEVNULL=subprocess.DEVNULL)  # type: ignore[attr-defined]
        try:
            studio = Studio(Settings(runs_dir=runs, save_seconds=0, processes=self.processes), encoders=[self.encoder])
            os.write(answers, json.dumps(life(studio)).encode())
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(0)


@dataclass(frozen=True)
class Living:
    """A server that was forked."""

    process: int
    answers: int

    def ended(self) -> bool:
        """Whether it has; known once only."""
        return os.waitpid(self.process, os.WNOHANG)[0] != 0

    def answer(self) -> Any:
        """What its life came to, once it has ended; None where it was killed."""
        os.waitpid(self.process, 0)
        return self.left()

    def left(self) -> Any:
        # Processes that outlive the server have it open too.
        os.set_blocking(self.answers, False)
        with os.fdopen(self.answers, "rb") as pipe:
            said = pipe.read()
        return json.loads(said) if said else None


def serve(studio: Studio, target: str, *, goes_on: bool) -> dict[str, int]:
    """Train all that waits until all is over, or until Ctrl-C. With ``goes_on`` somebody resumes whatever has not finished, each of them
    twice at most; how often is the answer, by run."""
    pressed = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: pressed.set())
    resumed: dict[str, int] = {}
    with end_is_asked() as asked:
        studio.recover()
        moved = time.monotonic()
        while not asked.is_set() and time.monotonic() - moved < STUCK_SECONDS:
            seen, token = studio._queue.changes, studio.token(LOCAL_OWNER)
            views = studio.runs(LOCAL_OWNER)
            if pressed.is_set():
                pressed.clear()
                studio.stop(LOCAL_OWNER, target)
                continue
            again = [view for view in unfinished(views) if not view.live and resumed.get(view.id, 0) < 2] if goes_on else []
            for view in again:
                resumed[view.id] = resumed.get(view.id, 0) + 1
                studio.resume(LOCAL_OWNER, view.id)
            if not again and not any(view.live for view in views):
                break
            # Short, as a signal wakes nobody who waits for the queue.
            studio._queue.wait(seen, 0.05)
            moved = time.monotonic() if studio.token(LOCAL_OWNER) != token else moved
        studio.close()
    return resumed


def unfinished(views: Sequence[RunView]) -> list[RunView]:
    """The runs that have not finished and that no other run goes on from."""
    parents = {view.parent for view in views}
    return [view for view in views if view.status != "finished" and view.id not in parents]


def run_forked(command: Sequence[str], *, stdout: Any, **_: Any) -> subprocess.CompletedProcess:
    """What torchrun does, without the seconds of importing: the processes are forked, and one that fails ends the others."""
    count = next(int(word.partition("=")[2]) for word in command if word.startswith("--nproc-per-node="))
    arguments = list(command[command.index("trainer.jobs.worker") + 1 :])
    agent = os.fork()
    if agent == 0:
        try:
            os.setsid()
            os.dup2(stdout.fileno(), 1)
            os.dup2(stdout.fileno(), 2)
            ended = _be_agent(count, arguments)
        except BaseException:
            os.write(2, traceback.format_exc().encode())
            ended = 1
        os._exit(ended)
    return subprocess.CompletedProcess(command, os.waitstatus_to_exitcode(os.waitpid(agent, 0)[1]))


def _be_agent(count: int, arguments: list[str]) -> int:
    port, ranks = free_port(), {}
    for rank in range(count):
        process = os.fork()
        if process == 0:
            _be_rank(
                arguments, RANK=rank, WORLD_SIZE=count, LOCAL_RANK=rank, LOCAL_WORLD_SIZE=count, MASTER_ADDR="127.0.0.1", MASTER_PORT=port
            )
        ranks[process] = rank
    failed = False
    while ranks:
        process, status = os.waitpid(-1, 0)
        ranks.pop(process)
        if status and not failed:
            failed = True
            for other in ranks:
                os.kill(other, signal.SIGTERM)
            signal.signal(signal.SIGALRM, lambda *_: [os.kill(other, signal.SIGKILL) for other in ranks])
            signal.setitimer(signal.ITIMER_REAL, _TORCHRUN_SECONDS)
    return int(failed)


def _be_rank(arguments: list[str], **environment: object) -> NoReturn:
    # The server that this was forked from may have used the tokenizer, whose threads did not come along.
    os.environ.update({"TOKENIZERS_PARALLELISM": "false", **{name: str(value) for name, value in environment.items()}})
    ended = 1
    try:
        ended = worker.main(arguments)
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    sys.stdout.flush()
    os._exit(ended)
