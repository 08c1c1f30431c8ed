"""The curves of a run as plain data."""

import json

from trainer.evaluation.curves import RunCurves
from trainer.runs.view import Evaluation, LogPoint, Majority, RunView


def test_curves_are_plain_data() -> None:
    view = RunView(
        "a" * 32,
        points=(LogPoint(5, 1.5, 0.25), LogPoint(10, 1.25, None)),
        evaluations=(Evaluation(10, 1.0, 0.5, 0.4),),
        total_steps=20,
        epoch_steps=(10, 20),
        best_step=10,
        majority=Majority("joy", 0.3, 0.4),
    )
    shape = RunCurves.from_view(view, name="brisk otter").to_dict()
    assert json.loads(json.dumps(shape, allow_nan=False))["loss"] == [1.5, 1.25]
    assert (shape["steps"], shape["loss"], shape["accuracy"]) == ((5, 10), (1.5, 1.25), (0.25, None))
    assert (shape["eval_steps"], shape["eval_loss"], shape["eval_accuracy"], shape["eval_macro_f1"]) == ((10,), (1.0,), (0.5,), (0.4,))
    assert shape["reference_lines"] == ({"name": "most frequent class", "score": 0.3},)
    assert (shape["key"], shape["name"], shape["best_step"]) == ("a" * 32, "brisk otter", 10)
