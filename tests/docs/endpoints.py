"""The named endpoints with their arguments and results, from gradio's own description of the page and its functions."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr
from gradio.utils import get_function_description

from tests.docs.markdown import code, sentence, table
from trainer.studio import Studio
from trainer.ui.endpoints import build

ALL_OF_PROGRESS = "..."
"""The result has all that ``/progress`` returns."""


@dataclass(frozen=True)
class Endpoint:
    """A named endpoint: what it does, and the meaning of each argument and of each key of its result."""

    name: str
    description: str
    arguments: dict[str, str]
    defaults: dict[str, object]
    returns: dict[str, str]


def endpoints(studio: Studio) -> list[Endpoint]:
    """The endpoints that the page offers, in their order."""
    with gr.Blocks() as blocks:
        build(studio)
    return [_endpoint(f.api_name, f.fn) for f in blocks.fns.values() if f.api_visibility == "public"]


def endpoint_table(studio: Studio) -> str:
    """Each endpoint with its description, its arguments and its result."""
    return "\n\n".join(map(_describe, endpoints(studio)))


def _endpoint(name: str, function: Callable) -> Endpoint:
    description, arguments, returned = get_function_description(function)
    parameters = inspect.signature(function).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    keys = dict(line.split(": ", 1) for line in returned)
    return Endpoint(f"/{name}", description, arguments, defaults, keys)


def _describe(endpoint: Endpoint) -> str:
    arguments = [
        (code(name), f"{sentence(meaning)}{f' Default: {endpoint.defaults[name]}.' if name in endpoint.defaults else ''}")
        for name, meaning in endpoint.arguments.items()
    ]
    returns = [(code(name), sentence(m)) for name, m in endpoint.returns.items()]
    parts = [f"### {endpoint.name}", sentence(endpoint.description), table(["argument", "meaning"], arguments)]
    return "\n\n".join([*parts, table(["key of the result", "meaning"], returns)])
