"""Programs of this project, forked from a process that has imported everything: what a fresh one spends seconds on, and each of these starts at once.

    python tests/warm.py

Each line that it reads is a JSON object: ``command`` (what stands behind ``python``), ``environment``, ``folder``, ``output``, ``errors`` and ``session``.
It answers ``{"started": PID}``, and ``{"ended": PID, "status": N}`` when that one has. On other systems than Linux programs are started as they
are; so are, everywhere, those of the few tests that look at the start itself.
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

from tests.addresses import free_port
from tests.tied import die_with, popen

_ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Program:
    """One that was forked, with what tests use of ``subprocess.Popen``."""

    pid: int
    _ended: dict[int, int]
    _told: threading.Condition

    @property
    def returncode(self) -> int | None:
        return self._ended.get(self.pid)

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        with self._told:
            if not self._told.wait_for(lambda: self.pid in self._ended, timeout):
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            return self._ended[self.pid]

    def send_signal(self, which: int) -> None:
        with self._told:
            if self.pid not in self._ended:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, which)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@dataclass
class Warm:
    """The process that forks them, seen from the tests."""

    process: subprocess.Popen | None
    _ended: dict[int, int] = field(default_factory=dict)
    _started: list[int] = field(default_factory=list)
    _told: threading.Condition = field(default_factory=threading.Condition)
    _asking: threading.Lock = field(default_factory=threading.Lock)

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
        """As ``subprocess.Popen`` with the interpreter and what stands behind it; ``stdout`` and ``stderr`` are open files that have names."""
        if self.process is None:
            return popen(list(args), env=env, cwd=cwd, stdout=stdout, stderr=stderr, start_new_session=start_new_session)
        asked = {"command": list(args[1:]), "environment": dict(env), "folder": str(cwd), "session": start_new_session}
        asked |= {"output": str(stdout.name), "errors": str(stderr.name)}
        with self._asking, self._told:
            self.process.stdin.write(json.dumps(asked) + "\n")
            self.process.stdin.flush()
            self._told.wait_for(lambda: self._started or self.process.poll() is not None)
            return Program(self._started.pop(), self._ended, self._told)

    def run(self, args: Sequence[str], *, env: Mapping[str, str], cwd: str | Path, timeout: float = 240.0) -> subprocess.CompletedProcess:
        """As ``subprocess.run`` that captures text."""
        with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
            program = self.popen(args, env=env, cwd=cwd, stdout=out, stderr=err)
            try:
                status = program.wait(timeout)
            finally:
                program.kill()
            return subprocess.CompletedProcess(args, status, Path(out.name).read_text("utf-8"), Path(err.name).read_text("utf-8"))

    def torchrun(self, command: Sequence[str], *, env: Mapping[str, str], stdout: IO, **_: object) -> subprocess.CompletedProcess:
        """What torchrun comes to, as ``subprocess.run`` of it: so many processes, and one that fails ends the others."""
        if self.process is None:
            return subprocess.run(command, env=env, stdout=stdout, stderr=stdout, check=False)
        count = next(int(word.partition("=")[2]) for word in command if word.startswith("--nproc-per-node="))
        module = ["python", *command[command.index("-m", command.index("torch.distributed.run")) :]]
        world = {"WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
        ranks = []
        for rank in range(count):
            place = {name: str(value) for name, value in {**world, "RANK": rank, "LOCAL_RANK": rank}.items()}
            ranks.append(self.popen(module, env={**env, **place}, cwd=_ROOT, stdout=stdout, stderr=stdout, start_new_session=True))
        with self._told:
            self._told.wait_for(lambda: any(rank.returncode for rank in ranks) or all(rank.returncode == 0 for rank in ranks))
        if failed := any(rank.returncode for rank in ranks):
            for rank in ranks:
                rank.terminate()
            for rank in ranks:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    rank.wait(30)
                rank.kill()
        return subprocess.CompletedProcess(command, int(failed))

    def hear(self) -> None:
        """Take in what it says, until it ends."""
        for line in self.process.stdout:
            said = json.loads(line)
            with self._told:
                if "started" in said:
                    self._started.append(said["started"])
                else:
                    self._ended[said["ended"]] = said["status"]
                self._told.notify_all()
        with self._told:
            self._told.notify_all()


@contextlib.contextmanager
def warmed() -> Iterator[Warm]:
    """One that ends with the block, and all that it forked with it."""
    if sys.platform != "linux":
        yield Warm(None)
        return
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    process = popen(
        [sys.executable, str(Path(__file__))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=_ROOT
    )
    warm = Warm(process)
    threading.Thread(target=warm.hear, daemon=True).start()
    try:
        yield warm
    finally:
        process.stdin.close()
        process.wait()


def main() -> None:
    """Fork a program for each line, tell when one has ended, and end with whoever asks."""
    _import_all()
    waking, alarm = os.pipe()
    os.set_blocking(alarm, False)
    os.set_blocking(waking, False)
    signal.set_wakeup_fd(alarm)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    asked = b""
    while True:
        ready, _, _ = select.select([0, waking], [], [])
        if waking in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(waking, 4096)
            _tell_ended()
        if 0 in ready:
            more = os.read(0, 1 << 16)
            if not more:
                return
            *lines, asked = (asked + more).split(b"\n")
            for line in lines:
                _tell(started=_fork(json.loads(line), (waking, alarm)))


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
    import trainer.ui.serving  # noqa: F401

    # What is imported stays; whoever is forked need not look through it for garbage.
    gc.freeze()


def _tell(**said: int) -> None:
    os.write(1, (json.dumps(said) + "\n").encode())


def _tell_ended() -> None:
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            _tell(ended=ended[0], status=os.waitstatus_to_exitcode(ended[1]))


def _fork(asked: dict, pipes: tuple[int, int]) -> int:
    parent, child = os.getpid(), os.fork()
    if child == 0:
        status = 1
        try:
            _prepare(asked, pipes, parent)
            status = _run(asked["command"])
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(status)
    return child


def _prepare(asked: dict, pipes: tuple[int, int], parent: int) -> None:
    """What the kernel and the interpreter do for a program that is started."""
    die_with(parent)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for pipe in pipes:
        os.close(pipe)
    if asked["session"]:
        os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for name, number in (("output", 1), ("errors", 2)):
        os.dup2(os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    os.environ.clear()
    os.environ.update(asked["environment"])
    tempfile.tempdir = None
    if encoding := os.environ.get("PYTHONIOENCODING"):
        sys.stdout.reconfigure(encoding=encoding)  # type: ignore[union-attr]
    os.chdir(asked["folder"])
    for folder in reversed(os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        sys.path.insert(0, folder)
        customised = Path(folder) / "sitecustomize.py"
        if folder and customised.is_file():
            runpy.run_path(str(customised))


def _run(command: list[str]) -> int:
    """Be ``python`` with these arguments; the exit status."""
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
