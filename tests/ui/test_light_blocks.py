"""LightBlocks sends what gradio's Blocks send, and a session keeps what gradio's keeps, without the work for what has not changed."""

from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from tests.security.client import run
from trainer.ui.light_blocks import LightBlocks, LightSession, LightSessions

COMPONENTS = ("text", "html", "kept", "choice")
RESULTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "nothing": lambda page: gr.skip(),
    "one of four": lambda page: {page["html"]: "<b>new</b>"},
    "a value that stays on the server": lambda page: {page["kept"]: "server", page["text"]: "page"},
    "only that": lambda page: {page["kept"]: "server"},
    "other options of a component": lambda page: {page["choice"]: gr.Dropdown(["c", "d"], value="d", visible=False)},
    "an option by name": lambda page: {page["html"]: gr.update(visible=False), page["text"]: ""},
    "one named as unchanged": lambda page: {page["html"]: gr.skip(), page["text"]: "page"},
    "all, as a list": lambda page: ["page", "<i>x</i>", "server", "a"],
    "unchanged within a list": lambda page: ["page", gr.skip(), "server", gr.skip()],
}


def make_page(kind: type[gr.Blocks], *, outputs: tuple[str, ...] = COMPONENTS) -> tuple[gr.Blocks, dict[str, Any]]:
    with kind() as blocks:
        page = {"text": gr.Textbox(), "html": gr.HTML("<b>old</b>"), "kept": gr.State("first"), "choice": gr.Dropdown(["a", "b"])}
        blocks.load(lambda: None, None, [page[name] for name in outputs])
    return blocks, page


def answer(kind: type[gr.Blocks], session_type: type[SessionState], result: Callable, outputs: tuple[str, ...] = COMPONENTS) -> tuple:
    """What is sent, and what the session then holds of the state and of the choices."""
    blocks, page = make_page(kind, outputs=outputs)
    session = session_type(blocks)
    sent = run(blocks.postprocess_data(blocks.fns[0], result(page), session))
    # Gradio tells an HTML component that has not changed that a property "__type__" has.
    sent = [gr.skip() if value == {"props": gr.skip(), **gr.skip()} else value for value in sent]
    return sent, session[page["kept"]._id], session[page["choice"]._id].choices


@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_it_sends_and_keeps_what_gradio_would(result: Callable) -> None:
    assert answer(LightBlocks, LightSession, result) == answer(gr.Blocks, SessionState, result)


def test_an_event_with_one_output_is_no_exception() -> None:
    for result in (lambda page: {page["html"]: "<b>new</b>"}, lambda page: gr.skip(), lambda page: "text"):
        assert answer(LightBlocks, LightSession, result, ("html",)) == answer(gr.Blocks, SessionState, result, ("html",))


def test_a_component_that_is_no_output_of_the_event_is_reported() -> None:
    with pytest.raises(ValueError, match="not specified as output"):
        answer(LightBlocks, LightSession, lambda page: {page["choice"]: "a"}, ("html", "text"))


def test_what_has_not_changed_is_not_built_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks, page = make_page(LightBlocks)
    session, built = LightSession(blocks), []
    for kind in (gr.Textbox, gr.HTML, gr.Dropdown):
        monkeypatch.setattr(kind, "__init__", lambda self, *args, **options: built.append(type(self)))
    assert run(blocks.postprocess_data(blocks.fns[0], {page["text"]: "page"}, session))[0] == "page"
    assert built == []


def test_a_session_describes_no_component_but_keeps_its_values(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks, page = make_page(LightBlocks)
    described = []
    for component in page.values():
        monkeypatch.setattr(component, "get_config", lambda *_: described.append(1) or {})
    sessions = LightSessions()
    sessions.set_blocks(blocks)
    sessions["one"][page["kept"]._id] = "mine"
    sessions["one"]._update_value_in_config(page["text"]._id, "typed")
    assert (sessions["one"][page["kept"]._id], sessions["two"][page["kept"]._id]) == ("mine", "first")
    assert described == []


def test_the_least_recently_used_session_goes_first() -> None:
    sessions = LightSessions()
    sessions.set_blocks(make_page(LightBlocks)[0])
    sessions.capacity = 2
    for name in ("one", "two", "one", "three"):
        assert isinstance(sessions[name], LightSession)
    assert list(sessions.session_data) == ["one", "three"]
