"""A real Chromium and a real server process that can be killed and restarted on the same port with the same runs."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from tests.addresses import TIMEOUT_SECONDS, free_port, is_external, is_free, patient, wait_until_served
from tests.conftest import small_rows, write_rows
from tests.warm_interpreter import Program, WarmInterpreter
from trainer.drafts.history import DraftHistory
from trainer.drafts.store import DraftStore
from trainer.runs.ids import is_id
from trainer.settings import LOCAL_OWNER
from trainer.training.encoders import Encoder

ROOT = Path(__file__).resolve().parents[2]

expect.set_options(timeout=1000 * TIMEOUT_SECONDS)


@dataclass
class Server:
    """One server process at a time, for one runs folder and one port."""

    folder: Path
    encoder: Encoder
    warm_interpreter: WarmInterpreter
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further environment variables."""
    port: int = field(default_factory=free_port)
    process: Program | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "EMOTUNE_RUNS": str(self.folder / "runs"), "CI": "1"}
        environment["EMOTUNE_SAVE_SECONDS"] = "0"
        environment |= {"GRADIO_SERVER_PORT": str(self.port), "GRADIO_TEMP_DIR": str(self.folder / "uploads"), **self.settings}
        command = [sys.executable, str(Path(__file__).with_name("server.py")), self.encoder.source, str(self.folder / "brake")]
        with open(self.folder / "output", "ab") as output:
            self.process = self.warm_interpreter.popen(command, env=environment, stdout=output, stderr=output, cwd=self.folder)
        wait_until_served(self.address, self.process, lambda: self.output)

    def end(self, signal_number: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(signal_number)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def brake(self, on: bool, *, points: int | None = None) -> None:
        """With the brake on, a training takes about an eighth of a second per logged point and waits halfway until the brake is off; with ``points``
        once it has logged so many, in the middle of the last one."""
        brake = self.folder / "brake"
        if on:
            # At once, since the server may read it at any moment.
            new = brake.with_name("brake.new")
            new.write_text("" if points is None else f"{points}")
            new.replace(brake)
        else:
            brake.unlink(missing_ok=True)

    def close_file(self) -> None:
        """Close the open file, so that a page opened now shows an empty Data tab and the default form."""
        DraftHistory(DraftStore(self.folder / "runs" / "drafts")).close(LOCAL_OWNER)

    def runs(self) -> list[str]:
        runs = self.folder / "runs"
        return sorted(p.name for p in runs.iterdir() if is_id(p.name)) if runs.is_dir() else []


@dataclass
class Visit:
    """An open page, with its errors, its requests to other hosts and its dialogs."""

    page: Page
    address: str
    errors: list[str] = field(default_factory=list)
    """Errors on the console and uncaught exceptions."""
    outside: list[str] = field(default_factory=list)
    """Requests to other hosts."""
    dialogs: list[str] = field(default_factory=list)
    errors_allowed: bool = False
    """Set while the page is closed or its server is killed: requests fail then, and Gradio logs that on the console."""

    def reload(self) -> None:
        allowed, self.errors_allowed = self.errors_allowed, True
        self.page.reload()
        expect(self.page.locator("html[data-opened]")).to_be_attached()
        self.errors_allowed = allowed

    def record_events(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self._error(str(error)))
        self.page.on("request", self._request)
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._error(f"{message.text} {message.location.get('url', '')}")

    def _error(self, message: str) -> None:
        if not self.errors_allowed:
            self.errors.append(message)

    def _request(self, request: Request) -> None:
        if is_external(request.url, urlparse(self.address).netloc):
            self.outside.append(request.url)


@dataclass
class Servers:
    """Starts servers, each with its own empty folder, on the ports of servers that have ended.

    Chromium keeps the page's files and what it has compiled of them for an address: without that, loading the page takes twice the CPU time.
    """

    tmp_path_factory: pytest.TempPathFactory
    encoder: Encoder
    warm_interpreter: WarmInterpreter
    ports: list[int] = field(default_factory=list)

    @contextmanager
    def started(self) -> Iterator[Server]:
        server = Server(self.tmp_path_factory.mktemp("server"), self.encoder, self.warm_interpreter, port=self._port())
        server.start()
        yield server
        server.brake(False)
        server.end()
        self.ports.append(server.port)

    def _port(self) -> int:
        while self.ports:
            if is_free(port := self.ports.pop()):
                return port
        return free_port()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, warm_interpreter: WarmInterpreter) -> Servers:
    return Servers(tmp_path_factory, tiny_encoder, warm_interpreter)


@pytest.fixture(scope="module")
def server(servers: Servers, browser: Browser) -> Iterator[Server]:
    """The server that most tests share; each test leaves it with no training and the brake off."""
    with servers.started() as started:
        yield started


@pytest.fixture(scope="module")
def empty_server(servers: Servers, browser: Browser) -> Iterator[Server]:
    """A server on which nothing is ever trained."""
    with servers.started() as started:
        yield started


@pytest.fixture
def fresh_server(servers: Servers, browser: Browser) -> Iterator[Server]:
    """A server for one test, with no files and no runs."""
    with servers.started() as started:
        yield started


@pytest.fixture
def visit(browser: Browser, shared_context: BrowserContext, server: Server) -> Iterator[Callable[..., Visit]]:
    """Opens a page, with ``new_context`` in another browser context; ``script`` runs before the page's own scripts.

    A test's first page on a server has no open file, and its browser remembers nothing of others. After each test: no request to another host, no dialog, no error on the console.
    """
    visits: list[Visit] = []

    def open_page(target: Server = server, *, new_context: bool = False, width: int = 1280, height: int = 900, script: str = "") -> Visit:
        context = browser.new_context() if new_context else shared_context
        page = patient(context.new_page())
        if target.address not in [opened.address for opened in visits]:
            target.close_file()
            context.new_cdp_session(page).send("Storage.clearDataForOrigin", {"origin": target.address, "storageTypes": "local_storage"})
        opened = Visit(page, target.address)
        opened.record_events()
        visits.append(opened)
        opened.page.set_viewport_size({"width": width, "height": height})
        opened.page.add_init_script(script)
        opened.page.goto(target.address)
        # The page has loaded the open file and its form; earlier input would be overwritten by them.
        expect(opened.page.locator("html[data-opened]")).to_be_attached()
        return opened

    yield open_page
    server.brake(False)
    for opened in visits:
        opened.errors_allowed = True
        opened.page.close()
        if opened.page.context is not shared_context:
            opened.page.context.close()
    for opened in visits:
        assert opened.outside == []
        assert opened.dialogs == []
        assert opened.errors == []


@pytest.fixture(scope="session")
def moods_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("upload") / "my moods.csv", small_rows())
