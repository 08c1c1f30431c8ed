"""The server under attack: the real one in a separate process, with a finished run, a training run and an open file.

It listens on loopback, uses a temporary folder, and ends with its parent process.
"""

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from subprocess import Popen
from types import MappingProxyType
from typing import Any

import httpx

from tests.addresses import free_port, wait_until_served
from tests.child_processes import popen
from tests.conftest import save_tiny_bert, small_rows, write_rows
from tests.warm_interpreter import Program, WarmInterpreter
from trainer.runs.ids import is_id
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.users import Users

TIMEOUT_SECONDS = 600.0
CANARY = "canary-7f3a"
"""Part of submitted texts: no log may contain it."""
RECIPE = {"encoder": "tiny-bert", "batch_size": 16, "learning_rate": 5e-3, "max_length": 32}
_MOST_EPOCHS = 50
_SERVER = Path(__file__).resolve().parents[1] / "browser" / "server.py"
_ROOT = Path(__file__).resolve().parents[2]
_SAMPLE = _ROOT / "assets" / "sample_emotions.csv"


@dataclass
class TargetServer:
    """``finished`` is the id of a run with a model, ``training`` of one that trains until the attacks are over."""

    folder: Path
    port: int
    start: "Callable[[], Popen | Program]"
    """Starts the process with these runs at this address."""
    process: "Popen | Program"
    finished: str = ""
    training: str = ""
    is_real: bool = False
    """Whether it is the app as people start it, which trains the packaged encoder with its own settings and without pauses."""
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=TIMEOUT_SECONDS))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def runs_dir(self) -> Path:
        return self.folder / "runs"

    @property
    def gone(self) -> Path:
        """A file with the names of owners whose last visit counts as long ago."""
        return self.folder / "gone"

    @property
    def uploads(self) -> list[Path]:
        return sorted(path for path in (self.runs_dir / "uploads").rglob("*") if path.is_file())

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text(encoding="utf-8", errors="replace")

    @cached_property
    def csv(self) -> Path:
        return _SAMPLE if self.is_real else write_rows(self.folder / "moods.csv", small_rows())

    @cached_property
    def config(self) -> dict[str, Any]:
        return self.http.get(f"{self.address}/config").json()

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.http.get(self.address + path, **options)

    def upload(self, path: Path | None = None) -> dict[str, Any]:
        """Upload a file; returns the value that endpoints take for it."""
        path = path or self.csv
        response = self.http.post(f"{self.address}/gradio_api/upload", files={"files": (path.name, path.read_bytes())})
        response.raise_for_status()
        return {"path": response.json()[0], "meta": {"_type": "gradio.FileData"}}

    def call(self, endpoint: str, *data: Any) -> tuple[str, Any]:
        """The result of a named endpoint: "complete" and the value, or "error" and its details."""
        response = self.http.post(f"{self.address}/gradio_api/call/{endpoint}", json={"data": list(data)})
        if response.status_code != 200:
            return "error", response.json()
        stream = self.get(f"/gradio_api/call/{endpoint}/{response.json()['event_id']}").text
        status, data = re.findall(r"event: (complete|error)\ndata: (.*)", stream)[-1]
        value = json.loads(data)
        return status, value[0] if status == "complete" else value

    def start_run(self, **settings: Any) -> str:
        """Start a training; returns its id."""
        status, value = self.call("start", self.upload(), None, None, ({} if self.is_real else RECIPE) | settings, None)
        assert status == "complete", value
        return value["run"]

    def states(self) -> dict[str, tuple[str, bool, str]]:
        """Status, stop request and name of each run: what no attack may change."""
        store = RunStore(self.runs_dir)
        runs = [Run(path) for path in sorted(self.runs_dir.iterdir()) if is_id(path.name)]
        return {run.id: (store.view(run).status, run.is_stop_requested(), store.view(run).name) for run in runs}

    def restart(self) -> None:
        """Kill the server in the middle of whatever it does, and start it again."""
        self.process.kill()
        self.process.wait()
        self.process = self.start()
        wait_until_served(self.address, self.process, lambda: self.output)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so that the server does."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            with suppress(httpx.TransportError):
                if condition():
                    return
            time.sleep(0.1)

    def problems(self) -> list[str]:
        """Anything in the server's output that should not be there."""
        output = self.output
        problems = [f"the log has a traceback, the last: …{output[output.rindex('Traceback') :][-900:]}"] if "Traceback" in output else []
        problems += [f"the log has a failure: {line[:600]}" for line in output.splitlines() if " failed: " in line]
        if CANARY in output:
            problems.append("the log has a submitted text")
        if self.process.poll() is not None:
            problems.append(f"the server ended with {self.process.returncode}")
        return problems

    def resident_bytes(self) -> int:
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) * 1024


@contextmanager
def running_server(
    *,
    short_timeouts: bool = False,
    short_rounds: bool = False,
    uploads_gb: float = 0.05,
    real: bool = False,
    settings: Mapping[str, str] = MappingProxyType({}),
    users: Sequence[str] = (),
    warm_interpreter: WarmInterpreter | None = None,
) -> Iterator[TargetServer]:
    """A server with its runs; ``short_timeouts`` gives slow senders two seconds instead of twenty, and with ``short_rounds`` it looks several
    times a second, instead of once a minute, for visitors who left. With ``warm_interpreter`` it starts at once.

    ``settings`` are environment variables, ``users`` the names of a team, of which the first has the runs. With ``real`` it is the app itself with the packaged encoder, and the training never pauses; without, all is tiny, and it pauses.
    """
    with tempfile.TemporaryDirectory(prefix="emotune-attack-") as temporary, httpx.Client(timeout=TIMEOUT_SECONDS) as http:
        folder = Path(temporary)
        save_tiny_bert(folder / "tiny-bert")
        port = free_port()
        for name in users:
            Users(folder / "runs" / "users.json").set_password(name, password_of(name))
        environment = {**os.environ, "PYTHONPATH": str(_ROOT), "EMOTUNE_RUNS": str(folder / "runs"), "CI": "1"}
        environment |= {"GRADIO_SERVER_PORT": str(port), "EMOTUNE_UPLOADS_GB": str(uploads_gb)}
        for name in ("GRADIO_TEMP_DIR", "GRADIO_SERVER_NAME", "EMOTUNE_PASSWORD", "EMOTUNE_HOSTS", "EMOTUNE_MODE"):
            environment.pop(name, None)
        environment |= settings
        options = [name for name, chosen in (("short-timeouts", short_timeouts), ("short-rounds", short_rounds)) if chosen]
        tiny = [str(_SERVER), str(folder / "tiny-bert"), str(folder / "brake"), *options]
        command = [sys.executable, *([str(_ROOT / "app.py")] if real else tiny)]

        def start() -> "Popen | Program":
            with open(folder / "output", "ab") as output:
                return (warm_interpreter.popen if warm_interpreter else popen)(
                    command, env=environment, stdout=output, stderr=output, cwd=folder
                )

        server = TargetServer(folder, port, start, start(), is_real=real, http=http)
        try:
            wait_until_served(server.address, server.process, lambda: server.output)
            for name in users[:1]:
                log_in(http, server, name)
            _prepare_runs(server, is_public=settings.get("EMOTUNE_MODE") == "public")
            yield server
        finally:
            server.process.kill()
            server.process.wait()


def _prepare_runs(server: TargetServer, *, is_public: bool) -> None:
    """Train one run to its end, and start a long one."""
    server.finished = server.start_run(epochs=2)
    # A public server trains a model of its own too, sooner or later, which the brake would stop for ever.
    server.wait_until(lambda: [status for status, *_ in server.states().values()] == ["finished"] * (2 if is_public else 1))
    (server.folder / "brake").touch()
    server.training = server.start_run(epochs=_MOST_EPOCHS) if server.is_real else server.start_run(epochs=_MOST_EPOCHS, batch_size=4)
    server.wait_until(lambda: server.call("progress", server.training)[1]["step"] > 0 if server.is_real else _status(server) == "running")


def password_of(name: str) -> str:
    """The password of a user of the team."""
    return f"the password of {name}"


def log_in(client: httpx.Client, server: TargetServer, name: str) -> None:
    """Let a client be a user of the team."""
    form = {"username": name, "password": password_of(name)}
    client.post(f"{server.address}/login", data=form).raise_for_status()


def _status(server: TargetServer) -> str:
    return server.states()[server.training][0]
