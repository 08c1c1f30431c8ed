"""Serve the page: address, browser, download route; a taken port is a sentence."""

import os
import socket
import sys
import tempfile
import threading
import weakref
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import gradio as gr
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from trainer.errors import UserError
from trainer.runs.private import keep_private, tighten
from trainer.runs.serving_lock import serving_alone
from trainer.settings import LOCAL_OWNER, Settings
from trainer.signals import end_is_asked
from trainer.studio import Studio
from trainer.ui.page import build, page_options
from trainer.ui.session import owner

_LOOK_SECONDS = 1.0
"""Where a wait without an end hears no signal, as on Windows."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(settings: Settings, *, block: bool = True) -> gr.Blocks:
    """Open the page; with ``block``, return only when the server is asked to end, and has. Raises UserError where it cannot be served as asked.

    What trains then ends after its current step and keeps its best model.

    No other server gets the runs folder meanwhile: until the end with ``block``, else for as long as the page exists.
    """
    keep_private()
    settings.check_writable()
    # Gradio keeps a copy of each upload for a day; it belongs where the rest of the person's data is, and nobody else may read it.
    os.environ.setdefault("GRADIO_TEMP_DIR", str(settings.runs_dir / "uploads"))
    host, port = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), _port()
    with ExitStack() as held:
        tell_address = held.enter_context(serving_alone(settings.runs_dir))
        # From here on something may train.
        asked = held.enter_context(end_is_asked()) if block else None
        studio = Studio(settings)
        blocks = launch(studio, host, port, browser=_has_browser())
        tell_address(blocks.local_url)
        # Runs of before may have been made for everybody to read; with many that takes longer than the page should wait.
        threading.Thread(target=tighten, args=(settings.runs_dir,), name="tighten", daemon=True).start()
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


def launch(studio: Studio, host: str, port: int | None, *, browser: bool = False) -> gr.Blocks:
    """The page, open at its address. Raises UserError where that cannot be had."""
    blocks = build(studio, whereabouts=whereabouts(studio.settings, host), stays_here=host in _LOOPBACK)
    try:
        blocks.launch(
            server_name=host,
            server_port=port,
            inbrowser=browser,
            share=False,
            prevent_thread_lock=True,
            max_file_size=studio.settings.max_file_bytes,
            app_kwargs={"routes": [download_route(studio), prepared_route(studio)]},
            **page_options(),
        )
    except OSError as error:
        raise UserError(_why_not_served(host, port), code="not_served") from error
    # Gradio looks for queued work each millisecond, and each ten for news of progress bars, of which there are none: a twentieth of a
    # core, taken from the training.
    blocks._queue.sleep_when_free = 0.05
    blocks._queue.progress_update_sleep_when_free = 1.0
    return blocks


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


def whereabouts(settings: Settings, host: str) -> str:
    """Where an uploaded file goes, in one sentence."""
    if host in _LOOPBACK:
        return f"Your file stays on this computer, in {settings.runs_dir}. It is sent nowhere else."
    return "Your file goes to the computer that serves this page and stays there; whoever can open this page can see it. It is sent nowhere else."


def download_route(studio: Studio) -> Route:
    """``/download/<run id>``: the run's model as a zip, made for this one answer."""

    def download(request: Request) -> Response:
        handle, file = tempfile.mkstemp(suffix=".zip", prefix="emotune-")
        os.close(handle)
        path = Path(file)
        try:
            name = studio.zip_model(owner(), request.path_params["run"], path)
        except UserError as error:
            path.unlink()
            return PlainTextResponse(error.message, status_code=404)
        except OSError as error:
            path.unlink()
            message = f"The zip could not be written ({error.strerror or error}). Free some disk space and try again."
            return PlainTextResponse(message, status_code=507)
        return FileResponse(path, filename=name, media_type="application/zip", background=BackgroundTask(path.unlink))

    return Route("/download/{run}", download, methods=["GET"])


def prepared_route(studio: Studio) -> Route:
    """``/prepared/<draft id>/<exact | spreadsheet | changes>``: the repaired file, or the list of what was changed in it."""

    def download(request: Request) -> Response:
        try:
            name, data = studio.export(owner(), request.path_params["draft"], request.path_params["form"])
        except UserError as error:
            return PlainTextResponse(error.message, status_code=404)
        # Never shown in the browser as a page, whatever the cells hold.
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "X-Content-Type-Options": "nosniff"}
        return Response(data, media_type="text/csv; charset=utf-8", headers=headers)

    return Route("/prepared/{draft}/{form}", download, methods=["GET"])


def _has_browser() -> bool:
    """Whether there is a screen to open a browser on; on a server, or in a hosted Space, there is none."""
    if os.environ.get("SPACE_ID") or os.environ.get("CI"):
        return False
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
