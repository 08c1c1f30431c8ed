"""gr.Blocks that validate every call before gradio handles it: whatever a client sends, the reply is a message and the log keeps none of the input.

The handlers check what a value means.
"""

import logging
import math
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.components.api_component import Api
from gradio.utils import get_function_params

from trainer.errors import error_location, is_failure
from trainer.runs.event_schema import is_valid_utf8
from trainer.security.server_errors import UNEXPECTED_MESSAGE
from trainer.security.visitors import owner_of
from trainer.ui.error_status import note_error
from trainer.ui.light_blocks import LightBlocks
from trainer.ui.uploads import NO_UPLOAD, contains_only_uploads, resolve_upload
from trainer.upload_owners import UploadOwners

_MAX_EVENT_CHARS = 20_000
"""Of each text that an event carries."""
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


class ValidatingBlocks(LightBlocks):
    """Every call goes through ``process_api``, from the page or a program, queued or not. If it raised anything but ``gr.Error``, gradio would
    print what was sent."""

    upload_owners: UploadOwners | None = None
    """In public mode: whose the uploads are."""

    async def process_api(self, block_fn: Any, inputs: list[Any], **options: Any) -> dict[str, Any]:
        try:
            # None of our handlers takes batches.
            if isinstance(options.get("request"), list):
                raise _call_error("This call does not take batches.")
            if not is_valid_utf8(options.get("session_hash") or ""):
                raise _call_error("The session hash holds half a character.")
            inputs = _validated(block_fn, inputs, options.get("event_data"), self._is_upload(options.get("request")))
            return await super().process_api(block_fn, inputs, **options)
        except gr.Error as error:
            error.print_exception = False
            note_error(options.get("request"), error)
            raise
        except BaseException as error:
            if not is_failure(error):
                raise
            _log.error("a call failed: %s", error_location(error))
            raise gr.Error(UNEXPECTED_MESSAGE, title="unexpected", print_exception=False) from None

    async def preprocess_data(self, *args: Any, **options: Any) -> list[Any]:
        try:
            return await super().preprocess_data(*args, **options)
        except ValueError:
            # Gradio's or pydantic's. Without its message, which holds the value.
            raise _call_error("A value of this call does not fit its component.") from None

    def _is_upload(self, request: gr.Request | None) -> Callable[[Any], bool]:
        """Whether a path in a call is that of an upload, of this visitor if each has their own."""
        owners = self.upload_owners
        if owners is None:
            return lambda path: resolve_upload(path) is not None
        # Without a request there is no visitor, and the call fails here.
        owner = owner_of(request.request.scope)
        return lambda path: (resolved := resolve_upload(path)) is not None and owners.owns(owner, resolved)


def _validated(block_fn: Any, inputs: list[Any], event: gr.EventData | None, is_upload: Callable[[Any], bool]) -> list[Any]:
    """The values of a call. Raises gr.Error if they do not fit its inputs."""
    defaults = _defaults(block_fn)
    n_inputs, n_required = len(block_fn.inputs), len(block_fn.inputs) - len(defaults)
    if not n_required <= len(inputs) <= n_inputs:
        values = f"{n_required} to {n_inputs}" if defaults else f"{n_inputs}"
        raise _call_error(f"This call takes {values} values; {len(inputs)} were sent.")
    inputs = [*inputs, *defaults[len(inputs) - n_required :]]
    for index, (component, value) in enumerate(zip(block_fn.inputs, inputs, strict=True)):
        # Before anything reads it: gradio would fetch a URL that is given instead of a file.
        if not contains_only_uploads(value, is_upload):
            raise _call_error(NO_UPLOAD, "not_uploaded")
        for types, description in _expected(component):
            if not (value is None or _is_one_of(value, types)):
                raise _call_error(f"Value {index} of this call must be {description}.")
        if isinstance(component, gr.Dropdown) and isinstance(value, list) and not all(map(_is_text, value)):
            raise _call_error(f"Value {index} of this call must be a list of choices.")
        if isinstance(value, str) and not is_valid_utf8(value):
            raise _call_error("A text holds half a character (a lone surrogate), which cannot be encoded. Send it again without it.")
    if block_fn.collects_event_data:
        if event is None or not _is_event_data(event._data):
            raise _call_error("This event is unknown.")
        # A handler of one event may be called with the data of another.
        event._data = {"action": "", "code": "", "run": "", **event._data}
    return [_without_none(component, value) for component, value in zip(block_fn.inputs, inputs, strict=True)]


def _without_none(component: Any, value: Any) -> Any:
    """The page sends a string for each text, possibly empty, and one of the choices that nobody can clear; handlers rely on that."""
    if value is None and isinstance(component, (gr.Textbox, gr.HTML)):
        return ""
    return component.value if value is None and isinstance(component, gr.Radio) else value


def _expected(component: Any) -> list[tuple[tuple[type, ...], str]]:
    """The types that a component may send, and a word for them; empty for a component that checks its values itself."""
    if isinstance(component, gr.Dropdown) and component.multiselect:
        return [((list,), "a list of choices")]
    if isinstance(component, gr.Dropdown) and component.choices and all(isinstance(value, str) for _, value in component.choices):
        return [((str,), "one choice")]
    return [(types, description) for component_type, types, description in _EXPECTED if isinstance(component, component_type)]


def _defaults(block_fn: Any) -> list[Any]:
    """Of the last values of an endpoint that a call may leave out, as gradio_client fills them in: a program written before a value was added
    goes on working. The page's own calls are complete."""
    if not block_fn.inputs or not all(isinstance(component, Api) for component in block_fn.inputs):
        return []
    parameters = get_function_params(block_fn.fn)
    required = max((position for position, (_, has_default, *_) in enumerate(parameters, start=1) if not has_default), default=0)
    return [default for _, _, default, _ in parameters[required:]]


def _call_error(message: str, code: str = "wrong_values") -> gr.Error:
    return gr.Error(message, title=code, print_exception=False)


def _is_one_of(value: Any, types: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in types
    return isinstance(value, types) and not (isinstance(value, float) and not math.isfinite(value))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and is_valid_utf8(value)


def _is_event_data(data: Any) -> bool:
    """Whether this is what our components send with an event: the button's action and code, or the chosen run."""
    if not isinstance(data, dict):
        return False
    # A dialog also sends what was typed.
    texts = [data["run"]] if "run" in data else [data.get("action"), data.get("code"), data.get("value") or ""]
    return all(isinstance(text, str) and len(text) <= _MAX_EVENT_CHARS and is_valid_utf8(text) for text in texts)
