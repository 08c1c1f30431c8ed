"""The server that attacks are made on: the real one in a process of its own, with a finished run, one that trains and an open file.

It is on loopback, over a folder that is made for it, and ends with whoever started it. All attacks of a process share one.
"""

import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from subprocess import Popen
from typing import Any

import httpx

from tests.addresses import free_port, wait_until_served
from tests.conftest import save_tiny_bert, small_rows, write_rows
from tests.tied import popen
from tests.warm import Program, Warm
from trainer.runs.run import Run, RunStore, is_run_id

PATIENCE = 600.0
CANARY = "canary-7f3a"
"""Stands in texts that are sent: no log may have it."""
RECIPE = {"encoder": "tiny-bert", "batch_size": 16, "learning_rate": 5e-3, "max_length": 32}
_SERVER = Path(__file__).resolve().parents[1] / "browser" / "server.py"
_ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Served:
    """One server. ``finished`` is the id of a run with a model, ``training`` of one that trains until the attacks are over."""

    folder: Path
    port: int
    process: "Popen | Program"
    finished: str = ""
    training: str = ""
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=PATIENCE))

    @property
    def file_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def runs_dir(self) -> Path:
        return self.folder / "runs"

    @property
    def uploads(self) -> list[Path]:
        return sorted(path for path in (self.runs_dir / "uploads").rglob("*") if path.is_file())

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text(encoding="utf-8", errors="replace")

    @cached_property
    def csv(self) -> Path:
        return write_rows(self.folder / "moods.csv", small_rows())

    @cached_property
    def config(self) -> dict[str, Any]:
        return self.http.get(f"{self.address}/config").json()

    def get(self, path: str, **how: Any) -> httpx.Response:
        return self.http.get(self.address + path, **how)

    def upload(self, path: Path | None = None) -> dict[str, Any]:
        """A file as a call names it."""
        path = path or self.csv
        answer = self.http.post(f"{self.address}/gradio_api/upload", files={"files": (path.name, path.read_bytes())})
        answer.raise_for_status()
        return {"path": answer.json()[0], "meta": {"_type": "gradio.FileData"}}

    def call(self, endpoint: str, *data: Any) -> tuple[str, Any]:
        """What a named endpoint answers: "complete" and the value, or "error" and what is said."""
        answer = self.http.post(f"{self.address}/gradio_api/call/{endpoint}", json={"data": list(data)})
        if answer.status_code != 200:
            return "error", answer.json()
        stream = self.get(f"/gradio_api/call/{endpoint}/{answer.json()['event_id']}").text
        kind, said = re.findall(r"event: (complete|error)\ndata: (.*)", stream)[-1]
        value = json.loads(said)
        return kind, value[0] if kind == "complete" else value

    def states(self) -> dict[str, tuple[str, bool, str]]:
        """Of each run its status, whether it is to stop, and its name: what nobody may change who does not say so."""
        store = RunStore(self.runs_dir)
        runs = [Run(path) for path in sorted(self.runs_dir.iterdir()) if is_run_id(path.name)]
        return {run.id: (store.view(run).status, run.stop_asked(), store.view(run).name) for run in runs}

    def complaints(self) -> list[str]:
        """What in the server's output should not be there."""
        output = self.output
        found = [f"the log has a traceback, the last: …{output[output.rindex('Traceback') :][-900:]}"] if "Traceback" in output else []
        found += [f"the log has a fault: {line[:600]}" for line in output.splitlines() if " failed: " in line]
        if CANARY in output:
            found.append("the log has a text that was sent")
        if self.process.poll() is not None:
            found.append(f"the server ended with {self.process.returncode}")
        return found

    def memory(self) -> int:
        """Bytes that it has in memory."""
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) * 1024


@contextmanager
def serving(*, hasty: bool = False, uploads_gb: float = 0.05, warm: Warm | None = None) -> Iterator[Served]:
    """A server with its runs; ``hasty`` gives slow senders two seconds instead of twenty. With ``warm`` it starts at once."""
    with tempfile.TemporaryDirectory(prefix="emotune-attack-") as made, httpx.Client(timeout=PATIENCE) as http:
        folder = Path(made)
        save_tiny_bert(folder / "tiny-bert")
        port = free_port()
        environment = {**os.environ, "PYTHONPATH": str(_ROOT), "EMOTUNE_RUNS": str(folder / "runs"), "CI": "1"}
        environment |= {"GRADIO_SERVER_PORT": str(port), "EMOTUNE_UPLOADS_GB": str(uploads_gb)}
        for name in ("GRADIO_TEMP_DIR", "GRADIO_SERVER_NAME", "EMOTUNE_PASSWORD", "EMOTUNE_HOSTS"):
            environment.pop(name, None)
        command = [sys.executable, str(_SERVER), str(folder / "tiny-bert"), str(folder / "brake"), *(["hasty"] if hasty else [])]
        with open(folder / "output", "ab") as output:
            process = (warm.popen if warm else popen)(command, env=environment, stdout=output, stderr=output, cwd=folder)
        served = Served(folder, port, process, http=http)
        try:
            _settle(served)
            yield served
        finally:
            process.kill()
            process.wait()


def _settle(served: Served) -> None:
    """Wait for it, train a run to its end and begin another one that lasts."""
    wait_until_served(served.address, served.process, lambda: served.output)
    served.finished = _started(served, epochs=2)
    _until(served, lambda: served.states()[served.finished][0] == "finished")
    (served.folder / "brake").touch()
    served.training = _started(served, epochs=50, batch_size=4)
    _until(served, lambda: served.states()[served.training][0] == "running")


def _started(served: Served, **settings: Any) -> str:
    kind, value = served.call("start", served.upload(), None, None, RECIPE | settings)
    assert kind == "complete", value
    return value["run"]


def _until(served: Served, is_so: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        assert served.process.poll() is None, served.output
        assert time.monotonic() < deadline, served.output
        try:
            if is_so():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
