"""A gradio page whose calls are looked at before they are done: whatever a program sends, the answer is a sentence and the log keeps no text of it.

Not what a value means: that is the business of the handler it is for.
"""

import logging
import math
from typing import Any

import gradio as gr
from gradio.components import Component

from trainer.errors import error_location
from trainer.runs.schema import can_be_written
from trainer.security.server_errors import UNEXPECTED_MESSAGE
from trainer.ui.uploads import NO_UPLOAD, contains_only_uploads

_MOST_LETTERS = 20_000
"""Of what a press is for."""
_EXPECTED: tuple[tuple[type[Component], tuple[type, ...], str], ...] = (
    (gr.Textbox, (str,), "a text"),
    (gr.HTML, (str,), "a text"),
    (gr.Checkbox, (bool,), "true or false"),
    (gr.Number, (int, float), "a number"),
    (gr.Slider, (int, float), "a number"),
    (gr.CheckboxGroup, (list,), "a list"),
    (gr.Radio, (str, int, float), "one choice"),
    (gr.Dropdown, (str, int, float), "one choice"),
    (gr.File, (dict,), "a file"),
    (gr.UploadButton, (dict,), "a file"),
)

_log = logging.getLogger("emotune")


class ValidatingBlocks(gr.Blocks):
    """``process_api`` is what every call comes through, from the page or a program, queued or not. Where it raises anything but its own kind of
    error gradio prints what was sent."""

    async def process_api(self, block_fn: Any, inputs: list[Any], **more: Any) -> dict[str, Any]:
        try:
            # No call of ours stands for several at once.
            if isinstance(more.get("request"), list):
                raise _refused("This call cannot be made for several at once.")
            if not can_be_written(more.get("session_hash") or ""):
                raise _refused("The session's name holds half a character.")
            inputs = _looked_at(block_fn, inputs, more.get("event_data"))
            return await super().process_api(block_fn, inputs, **more)
        except gr.Error as error:
            error.print_exception = False
            raise
        except Exception as error:
            _log.error("a call failed: %s", error_location(error))
            raise gr.Error(UNEXPECTED_MESSAGE, title="unexpected", print_exception=False) from None


def _looked_at(block_fn: Any, inputs: list[Any], event: gr.EventData | None) -> list[Any]:
    """The values of a call. Raises gr.Error where they cannot be its own."""
    if len(inputs) != len(block_fn.inputs):
        raise _refused(f"This call takes {len(block_fn.inputs)} values; {len(inputs)} were sent.")
    for place, (component, value) in enumerate(zip(block_fn.inputs, inputs, strict=True)):
        # Before anything reads it: gradio would fetch an address that is named instead of a file.
        if not contains_only_uploads(value):
            raise _refused(NO_UPLOAD, "not_uploaded")
        for kind, types, words in _EXPECTED:
            if isinstance(component, kind) and not (value is None or _is_one_of(value, types)):
                raise _refused(f"Value {place} of this call must be {words}.")
        if isinstance(value, str) and not can_be_written(value):
            raise _refused("A text holds half a character, which no program can write down. Send it anew.")
    if block_fn.collects_event_data:
        if event is None or not _is_press(event._data):
            raise _refused("What was pressed is not known here.")
        # A handler for the one kind may be called with the other.
        event._data = {"action": "", "code": "", "run": "", **event._data}
    # The page sends a text for each of its texts, be it an empty one; handlers count on that.
    return [
        "" if value is None and isinstance(component, (gr.Textbox, gr.HTML)) else value
        for component, value in zip(block_fn.inputs, inputs, strict=True)
    ]


def _refused(sentence: str, code: str = "wrong_values") -> gr.Error:
    return gr.Error(sentence, title=code, print_exception=False)


def _is_one_of(value: Any, types: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in types
    return isinstance(value, types) and not (isinstance(value, float) and not math.isfinite(value))


def _is_press(data: Any) -> bool:
    """What our components send with an event: which button it was and what it is for, or the run that was chosen."""
    if not isinstance(data, dict):
        return False
    # Of a question the answer may come along.
    texts = [data["run"]] if "run" in data else [data.get("action"), data.get("code"), data.get("value") or ""]
    return all(isinstance(text, str) and len(text) <= _MOST_LETTERS and can_be_written(text) for text in texts)
