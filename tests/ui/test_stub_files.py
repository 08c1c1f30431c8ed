"""Gradio writes no type stubs of its components; the tests import it as the app does (conftest.py)."""

import importlib
from pathlib import Path

import pytest

COMPONENT = """
import gradio as gr

class OfThisTest(gr.HTML):
    pass
"""


def test_a_component_is_made_without_a_stub_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "component_of_this_test.py"
    path.write_text(COMPONENT)
    monkeypatch.syspath_prepend(tmp_path)
    component = importlib.import_module(path.stem).OfThisTest("a")
    assert component.get_config()["value"] == "a"
    assert not path.with_suffix(".pyi").exists()
