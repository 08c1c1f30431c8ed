"""A served page that programs can call, and one finished run on it."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from tests.addresses import TIMEOUT_SECONDS, free_port
from trainer.data.reader.file_reader import FileReader
from trainer.runs.ids import is_id
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder
from trainer.ui import launch

RECIPE = {"encoder": "tiny-bert", "epochs": 12, "batch_size": 16, "learning_rate": 5e-3, "max_length": 32}


@dataclass(frozen=True)
class Server:
    studio: Studio
    address: str
    client: Client

    def upload(self, path: Path) -> str:
        """Where an uploaded file lies on the server."""
        response = httpx.post(f"{self.address}gradio_api/upload", files={"files": (path.name, path.read_bytes())})
        return response.json()[0]

    def post(self, endpoint: str, body: str) -> str:
        """What a program that minds no client library gets: the event stream of one call."""
        url = f"{self.address}gradio_api/call/{endpoint}"
        request = urllib.request.Request(url, data=body.encode(), headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            event = json.load(response)["event_id"]
        with urllib.request.urlopen(f"{url}/{event}", timeout=TIMEOUT_SECONDS) as response:
            return response.read().decode()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, reader: FileReader) -> Iterator[Server]:
    """The real ``serve`` in this process, over a studio whose only encoder is the tiny one."""
    studio = Studio(Settings(runs_dir=tmp_path_factory.mktemp("served") / "runs"), encoders=[tiny_encoder], reader=reader)
    port = free_port()
    with pytest.MonkeyPatch.context() as kept:
        # Gradio reads it at each upload. Left as ``serve`` sets it, the servers of later tests would keep their uploads here too.
        kept.setenv("GRADIO_TEMP_DIR", str(studio.settings.uploads_dir))
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(launch, "Studio", lambda settings: studio)
            patched.setenv("GRADIO_SERVER_PORT", str(port))
            patched.setenv("CI", "1")
            blocks = launch.serve(studio.settings, block=False)
        client = Client(blocks.local_url, verbose=False)
        yield Server(studio, blocks.local_url, client)
        client.close()
        blocks.close()
        studio.close()


@pytest.fixture(scope="package")
def run(server: Server, small_csv: Path) -> str:
    """The id of a run that /start began and /progress saw finish."""
    begun = server.client.predict(handle_file(small_csv), None, None, RECIPE, api_name="/start")
    assert is_id(begun["run"])
    assert begun["status"] in ("queued", "running")
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (now := server.client.predict(begun["run"], api_name="/progress"))["status"] in ("queued", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert now["status"] == "finished", now
    # It says so before its lock is free.
    server.studio.for_owner("local").wait(begun["run"], TIMEOUT_SECONDS)
    return begun["run"]


def refusal(call: Callable[[], object]) -> str:
    """The sentence with which a call is refused."""
    with pytest.raises(AppError) as refused:
        call()
    sentence = str(refused.value)
    assert "Traceback" not in sentence
    assert "verbose error reporting" not in sentence
    assert sentence.endswith(".")
    return sentence
