"""Python programs forked from a process that has already imported all libraries, so that they start at once instead of after seconds.

    python tests/warm_interpreter.py

Each input line is a JSON object: ``command`` (the arguments of ``python``), ``environment``, ``folder``, ``output``, ``errors`` and ``session``. The
output is ``{"started": PID}``, and ``{"exited": PID, "status": N}`` when the program has ended. On systems other than Linux programs are started
normally; tests of the start itself do so everywhere.
"""

import atexit
import contextlib
import gc
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.addresses import TIMEOUT_SECONDS, free_port
from tests.child_processes import die_with, popen

_ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Program:
    """A forked program, with the methods of ``subprocess.Popen`` that tests use."""

    pid: int
    _changed: threading.Condition
    returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        with self._changed:
            if not self._changed.wait_for(lambda: self.returncode is not None, timeout):
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            return self.returncode

    def send_signal(self, number: int) -> None:
        with self._changed:
            if self.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@dataclass
class WarmInterpreter:
    """The test side of the forking process."""

    process: subprocess.Popen | None
    _running: dict[int, Program] = field(default_factory=dict)
    """By process id: the system gives an id again once its process has ended."""
    _started: list[Program] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _request_lock: threading.Lock = field(default_factory=threading.Lock)

    def popen(
        self,
        args: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | Path,
        stdout: IO,
        stderr: IO,
        start_new_session: bool = False,
    ) -> "Program | subprocess.Popen":
        """Like ``subprocess.Popen`` of a Python program; ``stdout`` and ``stderr`` are open files that have names."""
        if self.process is None:
            return popen(list(args), env=env, cwd=cwd, stdout=stdout, stderr=stderr, start_new_session=start_new_session)
        request = {"command": list(args[1:]), "environment": dict(env), "folder": str(cwd), "session": start_new_session}
        request |= {"output": str(stdout.name), "errors": str(stderr.name)}
        with self._request_lock, self._changed:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            self._changed.wait_for(lambda: self._started or self.process.poll() is not None)
            return self._started.pop()

    def run(
        self, args: Sequence[str], *, env: Mapping[str, str], cwd: str | Path, timeout: float = TIMEOUT_SECONDS
    ) -> subprocess.CompletedProcess:
        """Like ``subprocess.run`` with captured text."""
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            program = self.popen(args, env=env, cwd=cwd, stdout=out, stderr=err)
            try:
                status = program.wait(timeout)
            finally:
                program.kill()
            return subprocess.CompletedProcess(args, status, Path(out.name).read_text("utf-8"), Path(err.name).read_text("utf-8"))

    def torchrun(self, command: Sequence[str], *, env: Mapping[str, str], stdout: IO, **_: object) -> subprocess.CompletedProcess:
        """Like ``subprocess.run`` of torchrun: starts its processes, and ends all of them when one fails."""
        if self.process is None:
            return subprocess.run(command, env=env, stdout=stdout, stderr=stdout, check=False)
        world_size = next(int(word.partition("=")[2]) for word in command if word.startswith("--nproc-per-node="))
        module = ["python", *command[command.index("-m", command.index("torch.distributed.run")) :]]
        world = {"WORLD_SIZE": world_size, "LOCAL_WORLD_SIZE": world_size, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
        ranks = []
        for rank in range(world_size):
            rank_environment = {name: str(value) for name, value in {**world, "RANK": rank, "LOCAL_RANK": rank}.items()}
            ranks.append(
                self.popen(module, env={**env, **rank_environment}, cwd=_ROOT, stdout=stdout, stderr=stdout, start_new_session=True)
            )
        with self._changed:
            self._changed.wait_for(lambda: any(rank.returncode for rank in ranks) or all(rank.returncode == 0 for rank in ranks))
        if failed := any(rank.returncode for rank in ranks):
            for rank in ranks:
                rank.terminate()
            for rank in ranks:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    rank.wait(TIMEOUT_SECONDS)
                rank.kill()
        return subprocess.CompletedProcess(command, int(failed))

    def listen(self) -> None:
        """Read the messages of the forking process until it ends."""
        for line in self.process.stdout:
            message = json.loads(line)
            with self._changed:
                if "started" in message:
                    program = self._running[message["started"]] = Program(message["started"], self._changed)
                    self._started.append(program)
                elif message["exited"] in self._running:
                    self._running.pop(message["exited"]).returncode = message["status"]
                self._changed.notify_all()
        # Its output ends before it does, and nobody else tells those who wait.
        self.process.wait()
        with self._changed:
            self._changed.notify_all()


@contextlib.contextmanager
def start_warm_interpreter() -> Iterator[WarmInterpreter]:
    """A forking process that ends with the block, and its programs with it."""
    if sys.platform != "linux":
        yield WarmInterpreter(None)
        return
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    process = popen(
        [sys.executable, str(Path(__file__))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=_ROOT
    )
    warm = WarmInterpreter(process)
    threading.Thread(target=warm.listen, daemon=True).start()
    try:
        yield warm
    finally:
        process.stdin.close()
        process.wait()


def main() -> None:
    """Fork a program for each input line, report when one has ended, and end with the input."""
    _import_all()
    wakeup_read, wakeup_write = os.pipe()
    os.set_blocking(wakeup_write, False)
    os.set_blocking(wakeup_read, False)
    signal.set_wakeup_fd(wakeup_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    buffer = b""
    while True:
        ready, _, _ = select.select([0, wakeup_read], [], [])
        if wakeup_read in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wakeup_read, 4096)
            _send_exited()
        if 0 in ready:
            chunk = os.read(0, 1 << 16)
            if not chunk:
                return
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                _send(started=_fork(json.loads(line), (wakeup_read, wakeup_write)))


def _import_all() -> None:
    from trainer.settings import prepare_environment

    prepare_environment()
    import accelerate  # noqa: F401
    import sklearn.feature_extraction.text
    import sklearn.linear_model
    import sklearn.metrics  # noqa: F401
    import torch.distributed  # noqa: F401
    import transformers  # noqa: F401

    import trainer.training.acceleration
    import trainer.training.fit
    import trainer.training.predictor
    import trainer.training.trainer
    import trainer.ui.launch  # noqa: F401

    # Imported modules stay; the programs need not include them in their garbage collection.
    gc.freeze()


def _send(**message: int) -> None:
    os.write(1, (json.dumps(message) + "\n").encode())


def _send_exited() -> None:
    with contextlib.suppress(ChildProcessError):
        while (exited := os.waitpid(-1, os.WNOHANG))[0]:
            _send(exited=exited[0], status=os.waitstatus_to_exitcode(exited[1]))


def _fork(request: dict, pipes: tuple[int, int]) -> int:
    parent, child = os.getpid(), os.fork()
    if child == 0:
        status = 1
        try:
            _prepare(request, pipes, parent)
            status = _run(request["command"])
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(status)
    return child


def _prepare(request: dict, pipes: tuple[int, int], parent: int) -> None:
    """Set up the forked process like the kernel and the interpreter do for a new program."""
    die_with(parent)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for pipe in pipes:
        os.close(pipe)
    if request["session"]:
        os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for name, number in (("output", 1), ("errors", 2)):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None
    if encoding := os.environ.get("PYTHONIOENCODING"):
        sys.stdout.reconfigure(encoding=encoding)  # type: ignore[union-attr]
    os.chdir(request["folder"])
    for folder in reversed(os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        sys.path.insert(0, folder)
        customised = Path(folder) / "sitecustomize.py"
        if folder and customised.is_file():
            runpy.run_path(str(customised))


def _run(command: list[str]) -> int:
    """Run ``python`` with these arguments; returns the exit status."""
    status = 0
    try:
        if command[0] == "-m":
            sys.argv = command[1:]
            sys.path.insert(0, os.getcwd())
            runpy.run_module(command[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = command
            sys.path.insert(0, str(Path(command[0]).parent))
            runpy.run_path(command[0], run_name="__main__")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        status = 1
    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    return status


if __name__ == "__main__":
    main()
