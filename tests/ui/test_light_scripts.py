"""Gradio's script of loading states is served without the states of inputs and the count of each frame, and otherwise as it is."""

from pathlib import Path

from gradio.route_utils import BUILD_PATH_LIB
from starlette.applications import Starlette

from tests.security.client import ask
from trainer.ui.light_scripts import light_script_routes

LEFT_OUT = ("h.includes(e)&&s?`input`:", ",W&&ze()")
"""In the script of the locked release of gradio."""


def test_two_expressions_are_left_out_of_the_script() -> None:
    (route,) = light_script_routes()
    answer = ask(Starlette(routes=[route]), path=route.path)
    expected = Path(BUILD_PATH_LIB, route.path.removeprefix("/assets/")).read_text(encoding="utf-8")
    for expression in LEFT_OUT:
        assert expected.count(expression) == 1
        expected = expected.replace(expression, "")
    assert answer.text == expected
    assert answer.headers["content-type"].startswith("text/javascript")
