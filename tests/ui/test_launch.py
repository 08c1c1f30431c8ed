"""The server: asked to end while something trains, it closes the page and lets the training keep its best model."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.addresses import TIMEOUT_SECONDS, free_port
from tests.cli.test_resume import ROOT, has_points, wait_for
from tests.jobs.train.test_torchrun import at  # noqa: F401
from tests.warm_interpreter import WarmInterpreter
from tests.workspace.steps import RECIPE, other_studio, start_run
from trainer.data.reader.file_reader import FileReader
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder
from trainer.ui import launch


def test_the_page_is_written_before_anybody_asks_and_a_server_that_does_not_answer_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str | None]] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Accept-Encoding"]))
            self.send_response(200 if len(asked) == 1 else 401)
            self.end_headers()

    # A proxy cannot know this address.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        answering = threading.Thread(target=lambda: [server.handle_request() for _ in range(2)])
        answering.start()
        for _ in range(2):
            launch._write_page(f"http://127.0.0.1:{server.server_port}/")
        answering.join()
    launch._write_page(f"http://127.0.0.1:{server.server_port}/")
    assert asked == [("/", "gzip")] * 2


@pytest.mark.parametrize("wish", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_server_that_is_told_to_end_keeps_the_best_model(
    tmp_path: Path,
    tiny_encoder: Encoder,
    small_csv: Path,
    warm_interpreter: WarmInterpreter,
    at: Callable[..., None],  # noqa: F811
    wish: signal.Signals,
    reader: FileReader,
) -> None:
    runs = tmp_path / "runs"
    waiting = start_run(other_studio(Studio(Settings(runs_dir=runs), encoders=[tiny_encoder], reader=reader)), small_csv, RECIPE)
    at("log", "hold")
    with open(tmp_path / "output", "wb") as output:
        server = warm_interpreter.popen(
            [sys.executable, str(ROOT / "tests" / "browser" / "server.py"), tiny_encoder.source, str(tmp_path / "brake")],
            env={**os.environ, "EMOTUNE_RUNS": str(runs), "GRADIO_SERVER_PORT": str(free_port()), "CI": "1"},
            cwd=tmp_path,
            stdout=output,
            stderr=output,
        )
    try:
        wait_for(runs, has_points(1), server, tmp_path / "output")
        for _ in range(2):
            server.send_signal(wish)
        assert server.wait(TIMEOUT_SECONDS) == 0, (tmp_path / "output").read_text()
    finally:
        server.kill()
        server.wait()
    view = RunStore(runs).view(Run(runs / waiting.id))
    assert (view.status, view.has_model) == ("stopped", True), view.message
    output = (tmp_path / "output").read_text()
    assert f"{view.name} stops after its current step and keeps its best model" in output
    assert "Traceback" not in output
