"""A server with a queue, forked from a process that has imported everything; training processes are forked as well.

It does what the page's server does, without the page: it trains queued runs, ends at SIGINT (Ctrl-C), and stops a run at SIGUSR1 (the Stop button).
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
from tests.child_processes import die_with
from trainer.jobs.train import torchrun, torchrun_process
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER, Settings
from trainer.signals import stop_signals
from trainer.studio import Studio
from trainer.training.encoders import Encoder

STUCK_SECONDS = 240.0
"""A server without any change for this long gives up; its runs then count as lost."""

_TORCHRUN_SECONDS = 30.0
"""How long torchrun waits for the other processes to end when one has failed."""


@dataclass(frozen=True)
class Server:
    """How servers are forked: the encoder, the number of training processes, and whether torchrun starts these."""

    encoder: Encoder
    processes: int = 1
    torchrun: bool = False

    def fork(self, runs: Path, work: Callable[[Studio], object]) -> "ServerProcess":
        """Fork a server that does ``work`` and ends; its output goes into a log file beside the runs folder."""
        read_end, write_end = os.pipe()
        _mask_signals(signal.SIG_BLOCK)
        parent, child = os.getpid(), os.fork()
        if child == 0:
            die_with(parent)
            os.close(read_end)
            self._run(runs, work, write_end)
        _mask_signals(signal.SIG_UNBLOCK)
        os.close(write_end)
        return ServerProcess(child, read_end)

    def _run(self, runs: Path, work: Callable[[Studio], object], write_end: int) -> NoReturn:
        log = os.open(runs.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if not self.torchrun:
            torchrun.subprocess = SimpleNamespace(run=run_forked, DEVNULL=subprocess.DEVNULL)  # type: ignore[attr-defined]
        try:
            studio = Studio(Settings(runs_dir=runs, save_seconds=0, processes=self.processes), encoders=[self.encoder])
            os.write(write_end, json.dumps(work(studio)).encode())
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(0)


@dataclass(frozen=True)
class ServerProcess:
    """A forked server."""

    pid: int
    read_end: int

    def has_ended(self) -> bool:
        """Whether the process has ended; true only once, since this reaps it."""
        return os.waitpid(self.pid, os.WNOHANG)[0] != 0

    def result(self) -> Any:
        """Wait for the end; returns the result of its work, or None if it was killed."""
        os.waitpid(self.pid, 0)
        return self.read_result()

    def read_result(self) -> Any:
        # Processes that outlive the server keep the pipe open.
        os.set_blocking(self.read_end, False)
        with os.fdopen(self.read_end, "rb") as pipe:
            content = pipe.read()
        return json.loads(content) if content else None


def _mask_signals(how: int) -> None:
    """Keep back what a server is told by signals until it listens, since the system would end it, or let it come."""
    signal.pthread_sigmask(how, (signal.SIGINT, signal.SIGUSR1))


def serve(studio: Studio, target: str, *, resume: bool) -> dict[str, int]:
    """Train all queued runs until they are over, or until Ctrl-C. With ``resume`` every unfinished run is resumed, twice at most; returns how
    often, by run."""
    stop_pressed = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: stop_pressed.set())
    resumed: dict[str, int] = {}
    workspace = studio.for_owner(LOCAL_OWNER)
    with stop_signals() as end_requested:
        _mask_signals(signal.SIG_UNBLOCK)
        studio.recover()
        changed_at = time.monotonic()
        while not end_requested.is_set() and time.monotonic() - changed_at < STUCK_SECONDS:
            seen, token = studio._queue.changes, workspace.change_token()
            views = workspace.library.runs()
            if stop_pressed.is_set():
                stop_pressed.clear()
                workspace.stop(target)
                continue
            # One that has just ended keeps its thread for a moment, and its lock.
            under_way = {view.id for view in views if view.live or studio._queue.has(view.id)}
            ended = [view for view in unfinished(views) if view.id not in under_way]
            to_resume = [view for view in ended if resumed.get(view.id, 0) < 2] if resume else []
            for view in to_resume:
                resumed[view.id] = resumed.get(view.id, 0) + 1
                workspace.resume(view.id)
            if not to_resume and not under_way:
                break
            # Short, since a signal does not interrupt this wait.
            studio._queue.wait(seen, 0.05)
            changed_at = time.monotonic() if workspace.change_token() != token else changed_at
        studio.close()
    return resumed


def unfinished(views: Sequence[RunView]) -> list[RunView]:
    """The runs that have not finished and have no child run."""
    parents = {view.parent for view in views}
    return [view for view in views if view.status != "finished" and view.id not in parents]


def run_forked(command: Sequence[str], *, stdout: Any, **_: Any) -> subprocess.CompletedProcess:
    """A torchrun that forks its processes instead of importing everything again; one that fails ends the others."""
    n_processes = next(int(word.partition("=")[2]) for word in command if word.startswith("--nproc-per-node="))
    arguments = list(command[command.index("trainer.jobs.train.torchrun_process") + 1 :])
    agent = os.fork()
    if agent == 0:
        try:
            os.setsid()
            os.dup2(stdout.fileno(), 1)
            os.dup2(stdout.fileno(), 2)
            exit_code = _run_agent(n_processes, arguments)
        except BaseException:
            os.write(2, traceback.format_exc().encode())
            exit_code = 1
        os._exit(exit_code)
    return subprocess.CompletedProcess(command, os.waitstatus_to_exitcode(os.waitpid(agent, 0)[1]))


def _run_agent(n_processes: int, arguments: list[str]) -> int:
    port, pids = free_port(), set()
    for rank in range(n_processes):
        pid = os.fork()
        if pid == 0:
            _run_rank(
                arguments,
                RANK=rank,
                WORLD_SIZE=n_processes,
                LOCAL_RANK=rank,
                LOCAL_WORLD_SIZE=n_processes,
                MASTER_ADDR="127.0.0.1",
                MASTER_PORT=port,
            )
        pids.add(pid)
    failed = False
    while pids:
        pid, status = os.waitpid(-1, 0)
        pids.remove(pid)
        if status and not failed:
            failed = True
            for other in pids:
                os.kill(other, signal.SIGTERM)
            signal.signal(signal.SIGALRM, lambda *_: [os.kill(other, signal.SIGKILL) for other in pids])
            signal.setitimer(signal.ITIMER_REAL, _TORCHRUN_SECONDS)
    return int(failed)


def _run_rank(arguments: list[str], **environment: object) -> NoReturn:
    # The forking server may have used the tokenizer, whose threads do not survive a fork.
    os.environ.update({"TOKENIZERS_PARALLELISM": "false", **{name: str(value) for name, value in environment.items()}})
    exit_code = 1
    try:
        exit_code = torchrun_process.main(arguments)
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    sys.stdout.flush()
    os._exit(exit_code)
