"""Who asks, and how a mistake becomes a sentence on the page."""

import logging
from collections.abc import Callable
from functools import wraps
from html import escape
from typing import Any

import gradio as gr

from trainer.errors import UserError
from trainer.settings import LOCAL_OWNER

QUIET = {"api_visibility": "private", "show_progress": "hidden"}
"""For a handler of the page: not part of the API, and no spinner over what it updates."""

_log = logging.getLogger("emotune")


def owner() -> str:
    """Whose runs these are. In local mode there is one owner, whatever the browser."""
    return LOCAL_OWNER


def warned(handler: Callable) -> Callable:
    """For handlers that may be called from any tab: what is refused is told in a corner of the page, on whatever tab one is."""

    def answer(message: str) -> Any:
        gr.Warning(escape(message), duration=20)
        return gr.skip()  # an empty dictionary would be taken for a value

    return said(answer)(handler)


def said(answer: Callable[[str], Any]) -> Callable[[Callable], Callable]:
    """For handlers: a UserError becomes ``answer(message)``; anything else goes to the server's log, and a plain sentence to the page."""

    def wrap(handler: Callable) -> Callable:
        @wraps(handler)
        def guarded(*args: Any) -> Any:
            try:
                return handler(*args)
            except UserError as error:
                return answer(error.message)
            except Exception:
                _log.exception("handler %s failed", handler.__name__)
                return answer(
                    "Something went wrong here that should not have. The details are in the server's log; nothing of yours is lost."
                )

        return guarded

    return wrap
