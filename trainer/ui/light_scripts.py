"""Gradio's script of loading states without two kinds of work whose results this page does not show; they were most of what it cost a browser.

Gradio keeps a loading state for each input of an event that has ended, for components that send a stream, and from then on walks through the page for
each of them, twice in each later event. And it counts the seconds beside a spinner anew for each frame that is drawn, for ever, also when the spinner of
the page's first moment is gone: so a frame is drawn sixty times a second.
"""

import re
from collections.abc import Callable
from pathlib import Path

from gradio.route_utils import BUILD_PATH_LIB
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_STATE_OF_INPUT = re.compile(r"\w+\.includes\(\w+\)&&\w+\?`input`:(?=\w+\.includes\(\w+\)\?`output`:`skip`)")
_NEXT_FRAME = re.compile(r"(?<=\)/1e3\)),\w+&&(\w+)\(\)(?=\}\)\}let )")


def light_script_routes() -> list[Route]:
    """The lighter script at gradio's address, to come before gradio's own; none if gradio has changed it, whose own is then served."""
    routes = []
    for path in Path(BUILD_PATH_LIB).glob("statustracker-*.js"):
        script, states = _STATE_OF_INPUT.subn("", path.read_text(encoding="utf-8"))
        script, frames = _NEXT_FRAME.subn("", script)
        if (states, frames) == (1, 1):
            routes.append(Route(f"/assets/{path.name}", _serve(script), methods=["GET"]))
    return routes


def _serve(script: str) -> Callable[[Request], Response]:
    def serve(_: Request) -> Response:
        # The name contains a digest of what gradio wrote, not of what is left of it here, which another release may change.
        return Response(script, media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})

    return serve
