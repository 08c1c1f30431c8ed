"""``app.py`` serves on the given port, refuses a used one with one sentence, and neither it nor its page contacts another host."""

import json
import os
import re
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlparse

import pytest

from tests.addresses import TIMEOUT_SECONDS, free_port, wait_until_served
from tests.child_processes import popen
from tests.warm_interpreter import WarmInterpreter
from trainer.training.encoders import Encoder

ROOT = Path(__file__).resolve().parents[1]


def command(port: int, runs: Path) -> dict:
    """How to start ``app.py``, with everything enabled that it must disable."""
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port), "EMOTUNE_RUNS": str(runs), "CI": "1"}
    environment |= {"GRADIO_ANALYTICS_ENABLED": "True", "GRADIO_RUN_HISTORY": "True"}
    environment.pop("GRADIO_SERVER_NAME", None)
    return {"args": [sys.executable, str(ROOT / "app.py")], "env": environment, "cwd": runs.parent}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of that ``app.py``; its runs are in ``runs``."""
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[str]:
    """The address of a real ``app.py`` process."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with open(folder / "output", "wb") as output:
        process = popen(**command(port, folder / "runs"), stdout=output, stderr=output)
    try:
        wait_until_served(address, process, (folder / "output").read_text)
        yield address
    finally:
        process.terminate()
        process.wait(TIMEOUT_SECONDS)


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as response:
        return response.read().decode()


class Links(HTMLParser):
    """URLs that a browser loads by itself: not the targets of <a>."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in ("script", "img", "iframe", "source"):
            self.urls += [values["src"]] if values.get("src") else []
        if tag == "link" and values.get("href"):
            self.urls.append(values["href"])


def test_it_serves_the_page_at_the_port_it_was_given(served: str) -> None:
    assert "gradio_config" in get(served)
    config = json.loads(get(f"{served}/config"))
    assert config["title"] == "Emotune"
    labels = {c["props"].get("label") for c in config["components"] if c["type"] == "tabitem"}
    assert labels == {"Data", "Train", "Results", "Try it", "Check labels", "Runs"}


def test_analytics_and_run_history_are_off_even_if_the_environment_enables_them(served: str) -> None:
    config = json.loads(get(f"{served}/config"))
    assert config["analytics_enabled"] is False
    assert config["run_history"] is False
    assert config["space_id"] is None
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(f"{served}/monitoring")
    assert refused.value.code in (403, 404)


def test_the_page_loads_nothing_from_another_host(served: str) -> None:
    links = Links()
    page, config = get(served), json.loads(get(f"{served}/config"))
    links.feed(page)
    links.feed(config["head"] or "")
    # Plotly is loaded when the first chart is shown.
    assert not any("plotly" in link for link in links.urls)
    assert config["stylesheets"] == []
    for link in links.urls:
        assert urlparse(urljoin(served, link)).netloc == urlparse(served).netloc, link
    style = get(f"{served}/theme.css")
    assert not re.search(r"(?:url\(\s*['\"]?|@import\s+(?:url\()?['\"]?)(?:https?:)?//", page + style + config["css"])
    ours = [file for pattern in ("styles/*.css", "*.js") for file in (ROOT / "assets").glob(pattern)]
    assert len(ours) > 10
    for file in ours:
        assert not re.search(r"https?://|url\(", file.read_text(encoding="utf-8")), file


def test_the_page_says_where_a_file_goes(served: str) -> None:
    config = json.loads(get(f"{served}/config"))
    html = " ".join(str(c["props"].get("value")) for c in config["components"] if c["type"] == "html")
    assert "Your file stays on this computer" in html


def test_neither_source_nor_runs_are_served(served: str) -> None:
    for path in (ROOT / "app.py", ROOT / "trainer" / "studio.py", Path("/etc/passwd")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(f"{served}/gradio_api/file={path}")
        assert refused.value.code in (403, 404)


def test_a_used_port_gives_a_one_line_message(warm_interpreter: WarmInterpreter, tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        completed = warm_interpreter.run(**command(port, tmp_path / "runs"), timeout=TIMEOUT_SECONDS)
    assert completed.returncode == 1
    assert "Traceback" not in completed.stdout + completed.stderr
    assert len(completed.stderr.strip().splitlines()) == 1
    assert f"Port {port} is used" in completed.stderr
    assert "GRADIO_SERVER_PORT" in completed.stderr


def test_an_address_other_than_loopback_needs_a_password_or_public(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    import app

    for name in ("EMOTUNE_PASSWORD", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")
    assert app.main([]) == 2
    error = capsys.readouterr().err
    assert len(error.strip().splitlines()) == 1
    assert "EMOTUNE_PASSWORD" in error
    assert "--public" in error
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_cannot_be_written_gives_a_one_line_message(warm_interpreter: WarmInterpreter, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    runs = tmp_path / "file" / "runs"
    completed = warm_interpreter.run(**{**command(free_port(), runs), "cwd": tmp_path}, timeout=TIMEOUT_SECONDS)
    assert completed.returncode == 1
    assert "Traceback" not in completed.stdout + completed.stderr
    assert len(completed.stderr.strip().splitlines()) == 1
    assert str(runs) in completed.stderr


def test_a_second_server_on_the_same_runs_gives_a_one_line_message(warm_interpreter: WarmInterpreter, served: str, folder: Path) -> None:
    completed = warm_interpreter.run(**command(free_port(), folder / "runs"), timeout=TIMEOUT_SECONDS)
    assert completed.returncode == 1
    assert "Traceback" not in completed.stdout + completed.stderr
    assert len(completed.stderr.strip().splitlines()) == 1
    assert f"already serves the folder {folder / 'runs'}, at {served} (process" in completed.stderr
    assert "EMOTUNE_RUNS" in completed.stderr
    assert "gradio_config" in get(served)


def test_the_terminal_trains_beside_a_server(
    warm_interpreter: WarmInterpreter, served: str, folder: Path, tiny_encoder: Encoder, small_csv: Path
) -> None:
    settings = ["--encoder", tiny_encoder.source, "--epochs", "1", "--set", "max_length=32", "--json"]
    environment = {**os.environ, "EMOTUNE_RUNS": str(folder / "runs"), "PYTHONPATH": str(ROOT)}
    train = [sys.executable, "-m", "trainer", "train", str(small_csv), *settings]
    completed = warm_interpreter.run(train, env=environment, cwd=folder)
    assert completed.returncode == 0, completed.stderr
    assert (folder / "runs" / json.loads(completed.stdout.splitlines()[-1])["run"] / "model" / "model.safetensors").is_file()
