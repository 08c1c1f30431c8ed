"""A real Chromium over a real server process that can be killed and started again on the same port and the same runs."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from tests.addresses import PATIENCE, free_port, is_elsewhere, wait_until_served
from tests.conftest import small_rows, write_rows
from tests.warm import Program, Warm
from trainer.drafts.store import DraftStore
from trainer.runs.run import is_run_id
from trainer.settings import LOCAL_OWNER
from trainer.training.encoders import Encoder

ROOT = Path(__file__).resolve().parents[2]

expect.set_options(timeout=1000 * PATIENCE)


@dataclass
class Server:
    """One server process at a time, over one runs folder and one port."""

    folder: Path
    encoder: Encoder
    warm: Warm
    port: int = 0
    process: Program | None = None

    @property
    def file_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        if not self.port:
            self.port = free_port()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "EMOTUNE_RUNS": str(self.folder / "runs"), "CI": "1"}
        environment["EMOTUNE_SAVE_SECONDS"] = "0"
        environment |= {"GRADIO_SERVER_PORT": str(self.port), "GRADIO_TEMP_DIR": str(self.folder / "uploads")}
        command = [sys.executable, str(Path(__file__).with_name("server.py")), self.encoder.source, str(self.folder / "brake")]
        with open(self.folder / "output", "ab") as output:
            self.process = self.warm.popen(command, env=environment, stdout=output, stderr=output, cwd=self.folder)
        wait_until_served(self.address, self.process, lambda: self.output)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def brake(self, on: bool) -> None:
        """With the brake on, a training takes about an eighth of a second for each logged point, and waits in its middle for the brake to be off."""
        if on:
            (self.folder / "brake").touch()
        else:
            (self.folder / "brake").unlink(missing_ok=True)

    def close_file(self) -> None:
        """No file is open, and the form of a page that is opened now holds what it holds by itself."""
        DraftStore(self.folder / "runs" / "drafts").close(LOCAL_OWNER)

    def runs(self) -> list[str]:
        runs = self.folder / "runs"
        return sorted(p.name for p in runs.iterdir() if is_run_id(p.name)) if runs.is_dir() else []


@dataclass
class Visit:
    """What a page did while it was open."""

    page: Page
    address: str
    errors: list[str] = field(default_factory=list)
    """Errors on the console and uncaught exceptions."""
    outside: list[str] = field(default_factory=list)
    """Requests to other hosts."""
    dialogs: list[str] = field(default_factory=list)
    errors_allowed: bool = False
    """While the page is left or its server is killed, requests break off, and gradio says so on the console."""

    def reload(self) -> None:
        allowed, self.errors_allowed = self.errors_allowed, True
        self.page.reload()
        expect(self.page.locator("html[data-opened]")).to_be_attached()
        self.errors_allowed = allowed

    def watch(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self._error(str(error)))
        self.page.on("request", self._request)
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._error(f"{message.text} {message.location.get('url', '')}")

    def _error(self, words: str) -> None:
        if not self.errors_allowed:
            self.errors.append(words)

    def _request(self, request: Request) -> None:
        if is_elsewhere(request.url, urlparse(self.address).netloc):
            self.outside.append(request.url)


@pytest.fixture(scope="module")
def new_server(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, warm: Warm) -> Iterator[Callable[[], Server]]:
    """Starts servers, each over an empty folder of its own."""
    servers: list[Server] = []

    def start() -> Server:
        servers.append(Server(tmp_path_factory.mktemp("server"), tiny_encoder, warm))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.brake(False)
        server.end()


@pytest.fixture(scope="module")
def server(new_server: Callable[[], Server], browser: Browser) -> Server:
    """The server that most tests share; each leaves it with nothing training and the brake off."""
    return new_server()


@pytest.fixture(scope="module")
def empty_server(new_server: Callable[[], Server], browser: Browser) -> Server:
    """A server on which nothing is ever trained."""
    return new_server()


@pytest.fixture
def empty_handed(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, warm: Warm, browser: Browser) -> Iterator[Server]:
    """A server of this test alone, on which nobody has opened a file yet."""
    fresh = Server(tmp_path_factory.mktemp("server"), tiny_encoder, warm)
    fresh.start()
    yield fresh
    fresh.end()


@pytest.fixture(scope="session")
def home(browser: Browser) -> Iterator[BrowserContext]:
    """The browser of one user. All its pages share a process, which knows gradio's scripts after the first: an open page costs half as much."""
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def visit(browser: Browser, home: BrowserContext, server: Server) -> Iterator[Callable[..., Visit]]:
    """Opens a page, ``elsewhere`` in another browser, ``script`` run before its own; the first of a test on a server finds no file open there.

    Whatever a test does: no other host, no dialog, no error on the console.
    """
    visits: list[Visit] = []

    def open_page(where: Server = server, *, elsewhere: bool = False, width: int = 1280, height: int = 900, script: str = "") -> Visit:
        if where.address not in [made.address for made in visits]:
            where.close_file()
        context = browser.new_context() if elsewhere else home
        if not home.pages:
            # Stays open, so that the process does.
            home.new_page().goto(f"{where.address}/favicon.ico")
        made = Visit(context.new_page(), where.address)
        made.watch()
        visits.append(made)
        made.page.set_default_timeout(1000 * PATIENCE)
        made.page.set_viewport_size({"width": width, "height": height})
        made.page.add_init_script(script)
        made.page.goto(where.address)
        # What the page shows of the file that was open, and of its form, is there: whoever is quicker would be overtaken by it.
        expect(made.page.locator("html[data-opened]")).to_be_attached()
        return made

    yield open_page
    server.brake(False)
    for made in visits:
        made.errors_allowed = True
        made.page.close()
        if made.page.context is not home:
            made.page.context.close()
    for made in visits:
        assert made.outside == []
        assert made.dialogs == []
        assert made.errors == []


@pytest.fixture(scope="session")
def moods_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("upload") / "my moods.csv", small_rows())
