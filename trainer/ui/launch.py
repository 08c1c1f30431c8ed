"""Serve the page: address, browser, and gradio's app behind the middleware of ``trainer/security``."""

import logging
import os
import socket
import sys
import threading
import urllib.request
import warnings
import weakref
import webbrowser
from contextlib import ExitStack, suppress
from http.client import HTTPException
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from gradio.route_utils import FnIndexInferError
from gradio.utils import get_upload_folder
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from trainer.errors import UnavailableError, error_location
from trainer.jobs.train import zero_gpu
from trainer.runs.permissions import restrict_permissions, restrict_umask
from trainer.runs.server_lock import server_lock
from trainer.security.hosts import allowed_hosts, check_protected, is_loopback
from trainer.security.middleware import Owners, add_middleware
from trainer.security.refusals import Refusal
from trainer.security.server import WebServer, bind_port
from trainer.security.server_errors import UNEXPECTED
from trainer.settings import LOCAL_OWNER, Settings
from trainer.signals import stop_signals
from trainer.studio import Studio
from trainer.text_format import approximate_duration
from trainer.ui.downloads import download_routes, labelled_route, labels_route, prepared_route, report_route, rows_route
from trainer.ui.error_status import ErrorStatusMiddleware
from trainer.ui.light_blocks import LightSessions
from trainer.ui.light_scripts import light_script_routes
from trainer.ui.owned_queue import OwnedQueue
from trainer.ui.page import build, mount_options
from trainer.ui.shared_page import shared_route
from trainer.ui.take_away_view import FORGETS

_log = logging.getLogger("emotune")

_SIGNAL_POLL_SECONDS = 1.0
"""On Windows, a wait without a timeout would not notice a signal."""

_PAGE_SECONDS = 10.0
"""How long the start waits at most until the page is written for the first time."""
_API = "/gradio_api"
_MAX_SESSIONS, _MAX_QUEUED, _MAX_QUEUED_OF_OWNER = 200, 100, 20
_UNUSED = (
    *("/monitoring", "/svelte", "/logout"),
    *(f"{_API}/{name}" for name in ("component_server", "process_recording", "custom_component", "proxy=", "deep_link", "dev/", "stream/")),
    *(f"{_API}/{name}" for name in ("runs", "run-history", "vibe-", "undo-vibe-", "profiling", "startup-events", "token", "file/")),
)
"""Routes of gradio that this page does not use."""

_SEE_API = "“Use via API” at the foot of the page shows"
_NO_SUCH_CALL = Refusal(f"There is no such endpoint. {_SEE_API} the endpoints.", "unknown_call")
_UNREADABLE = Refusal(f"This request does not have the form of a call. {_SEE_API} the form.", "unreadable")


def serve(settings: Settings, *, block: bool = True) -> gr.Blocks:
    """Open the page; with ``block``, return after the server was asked to end and has ended.

    A running training stops after its current step and keeps its best model. Raises UserError if the page cannot be served, with the code
    ``open_to_all`` if others could reach the work of the one owner without a password. No other server can use the runs folder until the end
    with ``block``, or else as long as the page exists.
    """
    host, port = os.environ.get("GRADIO_SERVER_NAME", "").strip() or "127.0.0.1", _port()
    check_protected(host, settings)
    restrict_umask()
    settings.ensure_writable()
    # Gradio keeps a copy of each upload for a day: in the folder with the user's other data, which nobody else can read.
    os.environ.setdefault("GRADIO_TEMP_DIR", str(settings.uploads_dir))
    with ExitStack() as stack:
        tell_address = stack.enter_context(server_lock(settings.runs_dir))
        # From here on, a training may run.
        end_requested = stack.enter_context(stop_signals()) if block else None
        studio = Studio(settings)
        zero_gpu.register()
        blocks = launch(studio, host, port)
        tell_address(blocks.local_url)
        _write_page(blocks.local_url)
        # Runs made by older versions may be readable by everybody; with many runs this takes longer than the page should wait.
        threading.Thread(target=restrict_permissions, args=(settings.runs_dir,), name="restrict-permissions", daemon=True).start()
        print(f"Emotune is at {blocks.local_url}", flush=True)
        if _has_browser():
            webbrowser.open(blocks.local_url)
        # The page comes first, and the queue starts only after the machine's speed was measured.
        studio.warm_up()
        studio.recover()
        if end_requested is not None:
            while not end_requested.wait(_SIGNAL_POLL_SECONDS):
                pass
            _shut_down(studio, blocks)
        else:
            weakref.finalize(blocks, stack.pop_all().close)
    return blocks


def _write_page(address: str) -> None:
    """Ask for the page once, as a browser does, so that the first visitor need not wait until gradio has written it: it is kept from then on. Who has to
    log in first waits all the same."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(address, headers={"Accept-Encoding": "gzip"})
    with suppress(OSError, HTTPException), opener.open(request, timeout=_PAGE_SECONDS) as page:
        page.read()


def _shut_down(studio: Studio, blocks: gr.Blocks) -> None:
    """Close the page and let a running training keep its best model; a second signal does not interrupt this."""
    separate = studio.settings.mode.separate_visitors  # whose names are nobody else's business
    training = [] if separate else [view.name for view in studio.for_owner(LOCAL_OWNER).library.runs() if view.status == "running"]
    notice = f" {training[0]} stops after its current step and keeps its best model; this may take a moment." if training else ""
    print(f"The page is closed.{notice}", file=sys.stderr, flush=True)
    blocks.close(verbose=False)
    studio.close()


def launch(studio: Studio, host: str, port: int | None) -> gr.Blocks:
    """The page, served at its address (``local_url``) until it is closed. Raises UserError if the address is not available."""
    hosts = allowed_hosts(host, studio.settings)
    blocks = build(
        studio,
        storage_notice=storage_notice(studio.settings, host),
        is_local=is_loopback(host) and not studio.settings.mode.separate_visitors,
    )
    try:
        listener = bind_port(host, port)
    except OSError as error:
        raise UnavailableError(_why_not_served(host, port), code="not_served") from error
    app, queue = ErrorStatusMiddleware(_app(studio, blocks)), OwnedQueue(blocks._queue, of_owner=_MAX_QUEUED_OF_OWNER)
    if studio.settings.mode.separate_visitors:
        blocks.upload_owners = studio.uploads
        queue.take_over()
        studio.after_deletion.append(queue.forget)
    app = add_middleware(
        app,
        hosts,
        studio.settings,
        uploads=Path(get_upload_folder()),
        api_path=_API,
        closed=_UNUSED,
        owners=Owners(studio.uploads, studio.visits.record, lambda owner: studio.for_owner(owner).has_work, queue.owns),
    )
    blocks.server = WebServer(app, listener)
    blocks.server.start()
    hostname = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host.strip("[]") and "[" not in host else host
    blocks.local_url = f"http://{hostname}:{listener.getsockname()[1]}/"
    return blocks


def _app(studio: Studio, blocks: gr.Blocks) -> ASGIApp:
    """Gradio's app with our own routes before it. ``Blocks.launch`` would leave no room for our middleware."""
    exception_handlers = {
        KeyError: _no_such_call,
        FnIndexInferError: _no_such_call,
        RequestValidationError: _unreadable,
        UnicodeError: _unreadable,
        TypeError: _perhaps_unreadable,
        ValueError: _perhaps_unreadable,
        Exception: _unexpected,
    }
    routes = [
        *download_routes(studio),
        prepared_route(studio),
        rows_route(studio),
        labels_route(studio),
        labelled_route(studio),
        report_route(studio),
        shared_route(studio),
        *light_script_routes(),
    ]
    app = FastAPI(routes=routes, docs_url=None, redoc_url=None, openapi_url=None, exception_handlers=exception_handlers)
    gr.mount_gradio_app(
        app,
        blocks,
        "/",
        max_file_size=studio.settings.max_file_bytes,
        root_path=os.environ.get("GRADIO_ROOT_PATH") or None,
        app_kwargs={"exception_handlers": exception_handlers},
        **mount_options(framed=studio.settings.space),
    )
    # For a call outside the queue, gradio writes the messages meant for the page into the log.
    warnings.filterwarnings("ignore", module=r"gradio\.helpers")
    # Without it gradio would accept any file of this computer that a call names as an upload.
    blocks.has_launched = True
    # ``Blocks.close`` needs the app; a request must not trigger the startup events again.
    blocks.app = app.routes[-1].app
    blocks.app.startup_events_triggered = True
    blocks.app.state_holder = LightSessions()
    blocks.app.state_holder.set_blocks(blocks)
    # Each session keeps the page's values; the least recently used one is dropped first.
    blocks.state_holder.capacity = _MAX_SESSIONS
    # More calls are refused; the refresh of each second is not queued.
    blocks._queue.max_size = _MAX_QUEUED
    # Gradio polls its queue each millisecond and progress bars, which we do not use, each ten: that takes a twentieth of a core from the
    # training.
    blocks._queue.sleep_when_free = 0.05
    blocks._queue.progress_update_sleep_when_free = 1.0
    return app


async def _no_such_call(request: Request, error: Exception) -> Response:
    return _NO_SUCH_CALL.to_response()


async def _unreadable(request: Request, error: Exception) -> Response:
    """Without the input, which gradio's own response would contain."""
    return _UNREADABLE.to_response()


async def _perhaps_unreadable(request: Request, error: Exception) -> Response:
    """If values are given by name, gradio treats a wrong name as a bug of its own."""
    if "/call/v2/" in request.url.path:
        return _UNREADABLE.to_response()
    _log.error("a request failed: %s", error_location(error))
    return UNEXPECTED.to_response()


async def _unexpected(request: Request, error: Exception) -> Response:
    return UNEXPECTED.to_response()


def _port() -> int | None:
    """The port set in the environment; None for the first free one from 7860."""
    port = os.environ.get("GRADIO_SERVER_PORT", "").strip()
    if not port:
        return None
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise UnavailableError(f"GRADIO_SERVER_PORT must be a number from 1 to 65535; found “{port[:40]}”.", code="not_served")
    return int(port)


def _why_not_served(host: str, port: int | None) -> str:
    try:
        with socket.create_server((host, 0)):
            ports = f"Port {port} is" if port else "All ports from 7860 to 7959 are"
            return f"{ports} used by another program. Close it, or set the environment variable GRADIO_SERVER_PORT to another port."
    except OSError:
        return f"This computer does not have the address “{host}”. Change the environment variable GRADIO_SERVER_NAME, or remove it."


def storage_notice(settings: Settings, host: str) -> str:
    """A sentence that says where an uploaded file is stored, who sees it, and how long."""
    if settings.mode.separate_visitors:
        kept = f" It is deleted {approximate_duration(settings.keep_seconds)} after your last visit." if settings.keep_seconds else ""
        who = "only you see it" if settings.mode.named else "only your browser sees it"
        forgotten = f" {FORGETS}" if settings.forgets else ""
        return f"Your file goes to this page's server, where {who}.{kept}{forgotten} Do not upload what must stay secret."
    if is_loopback(host):
        return f"Your file stays on this computer, in {settings.runs_dir}. It is sent nowhere else."
    return "Your file is stored on the computer that serves this page; everyone who can open this page can see it. It is sent nowhere else."


def _has_browser() -> bool:
    """Whether there is a screen to open a browser on; on a server, or in a hosted Space, there is none."""
    if os.environ.get("SPACE_ID") or os.environ.get("CI"):
        return False
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
