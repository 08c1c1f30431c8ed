"""Calls that do not fit are refused in words before anything is done, and the log keeps neither a traceback nor a text."""

import logging
from typing import Any

import gradio as gr
import pytest

from tests.security.client import run
from trainer.ui.validating_blocks import ValidatingBlocks


class Panic(BaseException):
    """As a library in Rust raises it."""

    __module__ = "pyo3_runtime"


@pytest.fixture(scope="module")
def page() -> ValidatingBlocks:
    def shout(text: str, count: float, often: bool) -> str:
        if text == "break":
            raise RuntimeError(text + " my secret")
        if text == "panic":
            raise Panic(text + " my secret")
        return text.upper() * int(count)

    def pressed(press: gr.EventData) -> str:
        return press.action

    def repeat(text: str, count: int = 2, mark: str | None = None) -> str:
        return f"{text * count}{mark}"

    def describe(text: str | None = None) -> str:
        return f"{text}"

    with ValidatingBlocks() as made:
        text, count, often = gr.Textbox(), gr.Number(), gr.Checkbox()
        color = gr.Radio(["red", "green"])
        columns = gr.Dropdown([], multiselect=True, allow_custom_value=True)
        text.change(shout, [text, count, often], text)
        text.submit(pressed, None, text)
        color.change(lambda chosen: chosen, color, color)
        columns.input(lambda chosen: ", ".join(chosen), columns, text)
        gr.api(repeat, api_name="repeat")
        gr.api(describe, api_name="describe")
        size = gr.Radio(["small", "large"], value="small")
        size.change(lambda chosen: chosen, size, size)
        encoder = gr.Dropdown(["tiny", "base"], value="tiny", allow_custom_value=True)
        encoder.change(lambda chosen: str(chosen), encoder, text)
    return made


def call(page: ValidatingBlocks, which: int, inputs: list[Any], event: Any = None, **options: Any) -> Any:
    data = gr.EventData(None, event)
    return run(page.process_api(page.fns[which], inputs, event_data=data, **options))["data"]


def test_a_call_that_fits_is_done(page: ValidatingBlocks) -> None:
    assert call(page, 0, ["ab", 2, True]) == ["ABAB"]
    assert call(page, 1, [], {"action": "go", "code": ""}) == ["go"]


@pytest.mark.parametrize(
    ("which", "inputs", "answer"),
    [
        (4, ["ab"], "ababNone"),
        (4, ["ab", 1], "abNone"),
        (4, ["ab", 1, "!"], "ab!"),
        (5, [], "None"),
    ],
)
def test_the_last_values_of_an_endpoint_have_defaults(page: ValidatingBlocks, which: int, inputs: list, answer: str) -> None:
    assert call(page, which, inputs) == [answer]


@pytest.mark.parametrize("inputs", [[], ["ab", 1, "!", 4]])
def test_values_without_a_default_are_missed(page: ValidatingBlocks, inputs: list) -> None:
    with pytest.raises(gr.Error, match=f"takes 1 to 3 values; {len(inputs)} were sent"):
        call(page, 4, inputs)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "takes 3 values; 0 were sent"),
        (["a", 1, True, 4], "takes 3 values; 4 were sent"),
        ([7, 1, True], "Value 0 of this call must be a text"),
        ([["my secret"], 1, True], "must be a text"),
        (["a", "my secret", True], "Value 1 of this call must be a number"),
        (["a", True, True], "must be a number"),
        (["a", float("nan"), True], "must be a number"),
        (["a", float("inf"), True], "must be a number"),
        (["a", 1, 1], "Value 2 of this call must be true or false"),
        (["a \ud800", 1, True], "half a character"),
        (["break", 1, True], "Something went wrong here"),
        (["panic", 1, True], "Something went wrong here"),
    ],
)
def test_values_that_do_not_fit_are_refused_in_words(
    page: ValidatingBlocks, inputs: list, message: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(gr.Error, match=message) as refused:
        call(page, 0, inputs)
    assert refused.value.print_exception is False
    written = caplog.text + "".join(capfd.readouterr()) + refused.value.message
    assert "secret" not in written
    assert "Traceback" not in written


@pytest.mark.parametrize(
    "event", [None, [], "x", {}, {"action": "go"}, {"action": 7, "code": ""}, {"action": "go", "code": "\ud800"}, {"run": None}]
)
def test_a_press_that_is_none_is_refused(page: ValidatingBlocks, event: Any) -> None:
    with pytest.raises(gr.Error, match="This event is unknown"):
        call(page, 1, [], event)


def test_a_choice_that_there_is_not_is_refused_without_a_traceback(page: ValidatingBlocks) -> None:
    with pytest.raises(gr.Error) as refused:
        call(page, 2, ["blue"])
    assert refused.value.print_exception is False


def test_several_choices_are_a_list_of_texts(page: ValidatingBlocks) -> None:
    """Every list was refused as if it had to be one choice: what was chosen did not arrive."""
    assert call(page, 3, [["#1", "joy"]]) == ["#1, joy"]
    for wrong in ("#1", 1, [1], [["#1"]], ["\ud800"]):
        with pytest.raises(gr.Error, match="Value 0 of this call must be a list of choices"):
            call(page, 3, [wrong])


def test_a_choice_that_the_page_cannot_clear_is_there(page: ValidatingBlocks) -> None:
    assert call(page, 6, [None]) == ["small"]


def test_where_choices_are_texts_none_is_a_number(page: ValidatingBlocks) -> None:
    assert call(page, 7, ["somebody/encoder"]) == ["somebody/encoder"]
    with pytest.raises(gr.Error, match="must be one choice"):
        call(page, 7, [7])


@pytest.mark.parametrize("path", ["http://127.0.0.1:1/x", "https://example.org/x", "/etc/passwd", None, 7, "a\0b"])
def test_a_file_that_was_not_uploaded_is_neither_read_nor_fetched(page: ValidatingBlocks, path: Any) -> None:
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    for value in (file, [file], {"deep": [[file]]}):
        with pytest.raises(gr.Error, match="no such upload"):
            call(page, 2, [value])


def test_values_as_deep_as_they_come_are_looked_at(page: ValidatingBlocks) -> None:
    value: list = []
    for _ in range(50_000):
        value = [value]
    with pytest.raises(gr.Error):
        call(page, 2, [value])


def test_several_calls_in_one_are_refused(page: ValidatingBlocks) -> None:
    with pytest.raises(gr.Error, match="batches"):
        call(page, 0, ["a", 1, True], request=[None])
