"""Serve the page: address, browser, download route; a taken port is a sentence."""

import os
import sys
import tempfile
from pathlib import Path

import gradio as gr
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from trainer.errors import UserError
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.ui.page import build, page_options
from trainer.ui.session import owner

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def serve(settings: Settings, *, block: bool = True) -> gr.Blocks:
    """Open the page; with ``block``, return only when the server ends. Raises UserError where the port is taken."""
    studio = Studio(settings)
    settings.check_writable()
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    blocks = build(studio, whereabouts=whereabouts(settings, host))
    try:
        blocks.launch(
            server_name=host,
            inbrowser=_has_browser(),
            prevent_thread_lock=True,
            max_file_size=settings.max_file_bytes,
            app_kwargs={"routes": [Route("/download/{run}", _download(studio))]},
            **page_options(),
        )
    except OSError as error:
        port = os.environ.get("GRADIO_SERVER_PORT", "7860 to 7959")
        raise UserError(
            f"The port {port} is taken by another program. Close it, or choose another one in the environment variable GRADIO_SERVER_PORT.",
            code="port_taken",
        ) from error
    studio.recover()
    studio.warm_up()
    if block:
        blocks.block_thread()
    return blocks


def whereabouts(settings: Settings, host: str) -> str:
    """Where an uploaded file goes, in one sentence."""
    if host in _LOOPBACK:
        return f"Your file stays on this computer, in {settings.runs_dir}. It is sent nowhere else."
    return "Your file goes to the computer that serves this page and stays there; whoever can open this page can see it. It is sent nowhere else."


def _download(studio: Studio) -> object:
    def download(request: Request) -> Response:
        handle, name = tempfile.mkstemp(suffix=".zip", prefix="emotune-")
        os.close(handle)
        path = Path(name)
        try:
            name = studio.zip_model(owner(), request.path_params["run"], path)
        except UserError as error:
            path.unlink()
            return PlainTextResponse(error.message, status_code=404)
        return FileResponse(path, filename=name, media_type="application/zip", background=BackgroundTask(path.unlink))

    return download


def _has_browser() -> bool:
    """Whether there is a screen to open a browser on; on a server, or in a hosted Space, there is none."""
    if os.environ.get("SPACE_ID") or os.environ.get("CI"):
        return False
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
