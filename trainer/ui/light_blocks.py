"""gr.Blocks without two kinds of gradio's work whose results this page does not use; together they were three quarters of a tick, and more of a call.

Both happen in the one thread that answers all requests, so that everybody waits for them.
"""

from copy import copy
from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.state_holder import SessionState, StateHolder


class LightBlocks(gr.Blocks):
    """Only what a handler changes is processed: gradio would build every other output of the event anew, to send that nothing has changed."""

    async def postprocess_data(self, block_fn: BlockFunction, predictions: Any, state: SessionState | None) -> list[Any]:
        if not isinstance(predictions, dict):
            return await super().postprocess_data(block_fn, predictions, state)
        unchanged = gr.skip()
        changes = {} if predictions == unchanged else {block: value for block, value in predictions.items() if value != unchanged}
        changed = [block for block in block_fn.outputs if block in changes]
        if len(changed) < len(changes):  # a mistake of ours, which gradio reports
            return await super().postprocess_data(block_fn, predictions, state)
        data: list[Any] = []
        if changed:
            part = copy(block_fn)
            part.outputs = changed
            values = [changes[block] for block in changed]
            data = await super().postprocess_data(part, values if len(values) > 1 else values[0], state)
        processed = dict(zip(changed, data, strict=True))
        # For a value that stays on the server, gradio sends nothing.
        return [processed[block] if block in processed else None if block.stateful else gr.skip() for block in block_fn.outputs]


class LightSession(SessionState):
    """A session without its own copy of the page's description, which gradio keeps for links to a session; that route is closed (``launch.py``).

    The copy takes some 15 ms of CPU time, and each call over HTTP is a session of its own.
    """

    def __init__(self, blocks: gr.Blocks) -> None:
        # Gradio describes those of its blocks that are in ``blocks``.
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks={}))  # type: ignore[arg-type]
        # And each one again that changes.
        self.blocks_config.config_for_block = _no_description  # type: ignore[method-assign]


class LightSessions(StateHolder):
    """Gradio's sessions, each a ``LightSession``."""

    def __getitem__(self, session_id: str) -> SessionState:
        if session_id not in self.session_data:
            self.session_data[session_id] = LightSession(self.blocks)
        return super().__getitem__(session_id)


def _no_description(*_: Any, **__: Any) -> dict[str, Any]:
    return {}
