"""Serve the page: address, browser, the app behind the walls; a taken port is a sentence.

The walls themselves are in ``trainer/security``.
"""

import logging
import os
import socket
import sys
import threading
import warnings
import weakref
import webbrowser
from contextlib import ExitStack
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from gradio.route_utils import FnIndexInferError
from gradio.utils import get_upload_folder
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from trainer.errors import UserError, error_location
from trainer.runs.permissions import restrict_permissions, restrict_umask
from trainer.runs.server_lock import server_lock
from trainer.security.hosts import allowed_hosts, check_protected, is_loopback
from trainer.security.middleware import add_middleware
from trainer.security.refusals import Refusal
from trainer.security.server import WebServer, bind_port
from trainer.security.server_errors import UNEXPECTED
from trainer.settings import LOCAL_OWNER, Settings
from trainer.signals import end_is_asked
from trainer.studio import Studio
from trainer.ui.downloads import download_route, prepared_route
from trainer.ui.page import build, page_options

_log = logging.getLogger("emotune")

_LOOK_SECONDS = 1.0
"""Where a wait without an end hears no signal, as on Windows."""

_API = "/gradio_api"
_MOST_SESSIONS, _MOST_WAITING = 200, 100
_UNUSED = (
    *("/monitoring", "/svelte", "/logout"),
    *(f"{_API}/{name}" for name in ("component_server", "process_recording", "custom_component", "proxy=", "deep_link", "dev/", "stream/")),
    *(f"{_API}/{name}" for name in ("runs", "run-history", "vibe-", "undo-vibe-", "profiling", "startup-events", "token", "file/")),
)
"""What gradio serves and this page has no use for."""

_SEE_API = "“Use via API” at the foot of the page shows"
_NO_SUCH_CALL = Refusal(404, f"There is no such call here. {_SEE_API} those there are.", "unknown_call")
_UNREADABLE = Refusal(422, f"This request does not have the form of a call. {_SEE_API} how they look.", "unreadable")


def serve(settings: Settings, *, block: bool = True, public: bool = False) -> gr.Blocks:
    """Open the page; with ``block``, return only when the server is asked to end, and has. ``public``: everybody who can reach it may use it.

    What trains when it ends does so after its current step and keeps its best model. Raises UserError where the page cannot be served as asked,
    ``open_to_all`` where nobody has said that it is meant for all who reach it. No other server gets the runs folder meanwhile: until the end
    with ``block``, else for as long as the page exists.
    """
    host, port = os.environ.get("GRADIO_SERVER_NAME", "").strip() or "127.0.0.1", _port()
    check_protected(host, settings, public=public)
    restrict_umask()
    settings.ensure_writable()
    # Gradio keeps a copy of each upload for a day; it belongs where the rest of the person's data is, and nobody else may read it.
    os.environ.setdefault("GRADIO_TEMP_DIR", str(settings.uploads_dir))
    with ExitStack() as held:
        tell_address = held.enter_context(server_lock(settings.runs_dir))
        # From here on something may train.
        asked = held.enter_context(end_is_asked()) if block else None
        studio = Studio(settings)
        blocks = launch(studio, host, port)
        tell_address(blocks.local_url)
        # Runs of before may have been made for everybody to read; with many that takes longer than the page should wait.
        threading.Thread(target=restrict_permissions, args=(settings.runs_dir,), name="restrict-permissions", daemon=True).start()
        print(f"Emotune is at {blocks.local_url}", flush=True)
        if _has_browser():
            webbrowser.open(blocks.local_url)
        # The page comes first; and what waits in the queue begins only once the machine's speed has been measured.
        studio.warm_up()
        studio.recover()
        if asked is not None:
            while not asked.wait(_LOOK_SECONDS):
                pass
            _end(studio, blocks)
        else:
            weakref.finalize(blocks, held.pop_all().close)
    return blocks


def _end(studio: Studio, blocks: gr.Blocks) -> None:
    """Close the page, and let what trains keep its best model; a second signal changes nothing in that."""
    training = [view.name for view in studio.runs(LOCAL_OWNER) if view.status == "running"]
    words = f" {training[0]} stops after its current step and keeps its best model; that may take a moment." if training else ""
    print(f"The page is closed.{words}", file=sys.stderr, flush=True)
    blocks.close(verbose=False)
    studio.close()


def launch(studio: Studio, host: str, port: int | None) -> gr.Blocks:
    """The page, open at its address (``local_url``) until it is closed. Raises UserError where that cannot be had."""
    hosts = allowed_hosts(host, studio.settings)
    blocks = build(studio, storage_notice=storage_notice(studio.settings, host), is_local=is_loopback(host))
    try:
        listener = bind_port(host, port)
    except OSError as error:
        raise UserError(_why_not_served(host, port), code="not_served") from error
    app = add_middleware(
        _app(studio, blocks),
        hosts,
        studio.settings,
        uploads=Path(get_upload_folder()),
        upload_path=f"{_API}/upload",
        closed=_UNUSED,
    )
    blocks.server = WebServer(app, listener)
    blocks.server.start()
    shown = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host.strip("[]") and "[" not in host else host
    blocks.local_url = f"http://{shown}:{listener.getsockname()[1]}/"
    return blocks


def _app(studio: Studio, blocks: gr.Blocks) -> ASGIApp:
    """Gradio's app with our own paths before it. Not ``Blocks.launch``: what is to come before all that gradio answers has no place there."""
    in_words = {
        KeyError: _no_such_call,
        FnIndexInferError: _no_such_call,
        RequestValidationError: _unreadable,
        UnicodeError: _unreadable,
        TypeError: _perhaps_unreadable,
        ValueError: _perhaps_unreadable,
        Exception: _in_words,
    }
    own = [download_route(studio), prepared_route(studio)]
    app = FastAPI(routes=own, docs_url=None, redoc_url=None, openapi_url=None, exception_handlers=in_words)
    gr.mount_gradio_app(
        app,
        blocks,
        "/",
        max_file_size=studio.settings.max_file_bytes,
        root_path=os.environ.get("GRADIO_ROOT_PATH") or None,
        app_kwargs={"exception_handlers": in_words},
        **page_options(),
    )
    # Of a call that does not come through the queue gradio writes into the log what the page would have been told.
    warnings.filterwarnings("ignore", module=r"gradio\.helpers")
    # Without it gradio takes any file of this computer for an upload, if a call names it.
    blocks.has_launched = True
    # Each keeps a copy of the page's components; the one that was used longest ago goes first.
    blocks.state_holder.capacity = _MOST_SESSIONS
    # What ``Blocks.close`` ends; what is begun at the start must not be begun again by a request.
    blocks.app = app.routes[-1].app
    blocks.app.startup_events_triggered = True
    # More are refused; what a page asks each second does not wait.
    blocks._queue.max_size = _MOST_WAITING
    # Gradio looks for queued work each millisecond, and each ten for news of progress bars, of which there are none: a twentieth of a
    # core, taken from the training.
    blocks._queue.sleep_when_free = 0.05
    blocks._queue.progress_update_sleep_when_free = 1.0
    return app


async def _no_such_call(request: Request, error: Exception) -> Response:
    return _NO_SUCH_CALL.to_response()


async def _unreadable(request: Request, error: Exception) -> Response:
    """Without what was sent, of which gradio's own answer is full."""
    return _UNREADABLE.to_response()


async def _perhaps_unreadable(request: Request, error: Exception) -> Response:
    """Where values are given by name, gradio takes a wrong name for a mistake of its own."""
    if "/call/v2/" in request.url.path:
        return _UNREADABLE.to_response()
    _log.error("a request failed: %s", error_location(error))
    return UNEXPECTED.to_response()


async def _in_words(request: Request, error: Exception) -> Response:
    return UNEXPECTED.to_response()


def _port() -> int | None:
    """The port asked for in the environment; without one, gradio takes the first free one from 7860."""
    named = os.environ.get("GRADIO_SERVER_PORT", "").strip()
    if not named:
        return None
    if not named.isdecimal() or not 0 < int(named) < 65536:
        raise UserError(f"GRADIO_SERVER_PORT must be a number from 1 to 65535; found “{named[:40]}”.", code="not_served")
    return int(named)


def _why_not_served(host: str, port: int | None) -> str:
    try:
        with socket.create_server((host, 0)):
            taken = f"The port {port} is" if port else "All ports from 7860 to 7959 are"
            return f"{taken} taken by another program. Close it, or choose another one in the environment variable GRADIO_SERVER_PORT."
    except OSError:
        return f"This computer has no address “{host}” to serve on. Change the environment variable GRADIO_SERVER_NAME, or remove it."


def storage_notice(settings: Settings, host: str) -> str:
    """Where an uploaded file goes, in one sentence."""
    if is_loopback(host):
        return f"Your file stays on this computer, in {settings.runs_dir}. It is sent nowhere else."
    return "Your file goes to the computer that serves this page and stays there; whoever can open this page can see it. It is sent nowhere else."


def _has_browser() -> bool:
    """Whether there is a screen to open a browser on; on a server, or in a hosted Space, there is none."""
    if os.environ.get("SPACE_ID") or os.environ.get("CI"):
        return False
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
