"""What may answer in the Try it tab is named with its time and with what it changes."""

from tests.ui.test_take_away_view import EXPORTED
from trainer.ui.engine_choice import computed_by, engine_names


def test_each_engine_is_named_with_its_time_and_its_difference() -> None:
    assert engine_names(EXPORTED) == [
        ("PyTorch (17.0 ms a text, as it was trained)", "torch"),
        ("ONNX Runtime, 32 bits (9.0 ms a text, the same answers)", "onnx"),
        ("ONNX Runtime, 8 bits (3.5 ms a text, 98.1 % same label)", "onnx-int8"),
    ]


def test_an_answer_says_what_computed_it() -> None:
    assert computed_by(EXPORTED, "torch") == computed_by(None, "onnx") == ""
    exact, short = computed_by(EXPORTED, "onnx"), computed_by(EXPORTED, "onnx-int8")
    assert exact.startswith("Computed by ONNX Runtime, 32 bits: 9.0 ms a text instead of 17.0. No probability differs")
    assert short.startswith("Computed by ONNX Runtime, 8 bits: 3.5 ms a text instead of 17.0. 98.1 % of 400 validation rows")
