"""The workspace of a request, options of event listeners, and how errors become messages on the page."""

import logging
from collections.abc import Callable
from functools import wraps
from html import escape
from typing import Any

import gradio as gr
from gradio.context import LocalContext
from starlette.requests import Request

from trainer.errors import UserError, error_location, is_failure
from trainer.security.server_errors import UNEXPECTED_MESSAGE
from trainer.security.visitors import owner_of
from trainer.settings import LOCAL_OWNER
from trainer.studio import Studio
from trainer.workspace import Workspace

PRIVATE_EVENT = {"api_visibility": "private", "show_progress": "hidden", "show_progress_on": []}
"""Options of an event listener of the page: not part of the API, and no spinner over its outputs.

``show_progress_on`` is empty because gradio's page otherwise walks through every output and its children twice for each request, even with
progress hidden; with the tabs among the outputs that kept a core busy."""

REFRESH_EVENT = {**PRIVATE_EVENT, "queue": False, "preprocess": False, "postprocess": False}
"""Options of a listener whose inputs and outputs are texts and HTML, and that comes each second.

Not queued: it is one small request; in the queue it would be two and wait behind longer work. Its texts are what they are: gradio would hand each
of them to another thread and back, for nothing, and beside a training each such step may wait for a turn on the processor."""

PRIVATE_EVENT_MULTIPLE = {**PRIVATE_EVENT, "trigger_mode": "multiple"}
"""Options of a listener that runs for every event, one after the other.

Also for the second listener of an event that already has one with "always_last": with two of those, a change during a request makes gradio's page
call both in turns forever."""

_log = logging.getLogger("emotune")


def in_turn(name: str) -> dict[str, Any]:
    """Options that listeners which update the same components share: calls are answered in the order in which they came.

    Gradio otherwise handles calls of different listeners at once, and an answer on its way for long would take the place of a later one. Calls of
    other visitors wait too, so none of these listeners may take long.
    """
    return {"concurrency_id": name, "concurrency_limit": 1}


def current_workspace(studio: Studio, request: Request | None = None) -> Workspace:
    """What the owner of a request can do: of the one that gradio is handling in this thread, or of ``request`` in a route of our own.

    In local mode there is one owner, whatever the browser. Otherwise raises LookupError outside of a request.
    """

    def owner() -> str:
        if not studio.settings.mode.separate_visitors:
            return LOCAL_OWNER
        # Queued calls are handled in a task of their own, so a context variable of ours would name another visitor.
        handled = LocalContext.request.get(None) if request is None else request
        if handled is None:
            raise LookupError("outside of a request nobody is visiting")
        return owner_of(getattr(handled, "request", handled).scope)

    return studio.for_owner(owner())


def current_page() -> str:
    """The session of the page whose request gradio is handling in this thread; empty outside of one."""
    return getattr(LocalContext.request.get(None), "session_hash", None) or ""


def event_number(event: gr.EventData) -> int:
    """The number that an event carries; 0 if a call that is not the page's carries none."""
    return int(event.code) if event.code.isdecimal() and event.code.isascii() else 0


def user_errors_as_warning(handler: Callable) -> Callable:
    """Decorator: a UserError becomes a toast, which is seen on any tab."""

    def show_toast(message: str) -> Any:
        gr.Warning(escape(message), duration=20)
        return gr.skip()  # gradio would take an empty dictionary for a value

    return user_errors(show_toast)(handler)


def user_errors(show: Callable[[str], Any]) -> Callable[[Callable], Callable]:
    """Decorator: a UserError becomes ``show(message)``; any other exception goes to the server's log, and a general message to the page."""

    def decorate(handler: Callable) -> Callable:
        @wraps(handler)
        def wrapper(*args: Any) -> Any:
            try:
                return handler(*args)
            except UserError as error:
                return show(error.message)
            except BaseException as error:
                if not is_failure(error):
                    raise
                _log.error("handler %s failed: %s", handler.__name__, error_location(error))
                return show(UNEXPECTED_MESSAGE)

        return wrapper

    return decorate
