"""Who asks, and how a mistake becomes a sentence on the page."""

import logging
from collections.abc import Callable
from functools import wraps
from html import escape
from typing import Any

import gradio as gr

from trainer.errors import UserError, error_location
from trainer.security.server_errors import UNEXPECTED_MESSAGE
from trainer.settings import LOCAL_OWNER

PRIVATE_EVENT = {"api_visibility": "private", "show_progress": "hidden", "show_progress_on": []}
"""For a handler of the page: not part of the API, and no spinner over what it updates.

Nor does it tell its outputs that it works, hidden as that would be: gradio's page takes stock of each of them, with all that is inside, twice for
every request; with the tabs among them that kept a core busy."""

PRIVATE_EVENT_MULTIPLE = {**PRIVATE_EVENT, "trigger_mode": "multiple"}
"""For a handler that answers every event, one after the other; of a change, too, that another handler follows with "always_last". Of those an event
may have one: where it has two, a change in the middle of an answer makes gradio's page ask for each after the other, for ever."""

_log = logging.getLogger("emotune")


def owner() -> str:
    """Whose runs these are. In local mode there is one owner, whatever the browser."""
    return LOCAL_OWNER


def user_errors_as_warning(handler: Callable) -> Callable:
    """For handlers that may be called from any tab: what is refused is told in a corner of the page, on whatever tab one is."""

    def answer(message: str) -> Any:
        gr.Warning(escape(message), duration=20)
        return gr.skip()  # an empty dictionary would be taken for a value

    return user_errors(answer)(handler)


def user_errors(answer: Callable[[str], Any]) -> Callable[[Callable], Callable]:
    """For handlers: a UserError becomes ``answer(message)``; anything else goes to the server's log, and a plain sentence to the page."""

    def wrap(handler: Callable) -> Callable:
        @wraps(handler)
        def guarded(*args: Any) -> Any:
            try:
                return handler(*args)
            except UserError as error:
                return answer(error.message)
            except Exception as error:
                _log.error("handler %s failed: %s", handler.__name__, error_location(error))
                return answer(UNEXPECTED_MESSAGE)

        return guarded

    return wrap
