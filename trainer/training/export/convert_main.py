"""The process that exports a model: ``python -m trainer.training.export.convert_main MODEL_FOLDER WORK_FOLDER``.

Started by ``jobs/export``, not by hand. The work folder holds ``texts.json``; the models and ``answers.npz`` are written beside it. Each line of its
output is JSON: what is being done and the fraction that is done, at the end the result or what went wrong.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from trainer.errors import UserError, error_location
from trainer.settings import prepare_environment

TEXTS, ANSWERS = "texts.json", "answers.npz"
_TIMED_TEXTS = 100
"""How many texts the saved model answers too, for its time; what it says of all is known already."""


def main(arguments: Sequence[str]) -> int:
    """Export one model; returns 0, or 1 if it cannot be exported."""
    model, work = map(Path, arguments)
    # What a library prints must not come between the lines.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(**values: Any) -> None:
        print(json.dumps(values), file=channel, flush=True)

    try:
        tell(result=export_model(model, work, lambda what, done: tell(what=what, done=done)))
    except UserError as error:
        tell(error=error.message, code=error.code)
        return 1
    except OSError as error:
        tell(disk=[error.errno, error.strerror or str(error)])
        return 1
    except Exception as error:
        tell(unexpected=type(error).__name__, where=error_location(error))
        return 1
    return 0


def export_model(model: Path, work: Path, report: Callable[[str, float], None]) -> dict[str, Any]:
    """Export the model of a folder into the work folder, ask it and the exports for the texts there, and return what is to be known of them."""
    prepare_environment()
    report("loading the model", 0.0)
    from trainer.training.export.convert import convert
    from trainer.training.predictor import Predictor

    saved = Predictor(model)
    tokens = convert(saved, work, lambda what, done: report(what, 0.1 + 0.6 * done))
    report("comparing what it says", 0.7)
    from trainer.training.export.exported import ONNX_FILES
    from trainer.training.export.onnx_predictor import OnnxPredictor

    texts = json.loads((work / TEXTS).read_text(encoding="utf-8"))
    ways = {name: OnnxPredictor(model, work / file, tokens, saved.label_names) for name, file in ONNX_FILES.items()}
    answers = {name: np.zeros((len(texts), len(saved.label_names)), dtype=np.float32) for name in ways}
    seconds: dict[str, list[float]] = {name: [] for name in ("torch", *ways)}
    for number, text in enumerate(texts):
        # One after the other, so that another program slows all alike.
        for name, way in ways.items() if number >= _TIMED_TEXTS else (("torch", saved), *ways.items()):
            started = time.perf_counter()
            probabilities = way.probabilities([text])[0]
            seconds[name].append(time.perf_counter() - started)
            if name in answers:
                answers[name][number] = probabilities
        if number % 10 == 0:
            report("comparing what it says", 0.7 + 0.3 * number / len(texts))
    np.savez(work / ANSWERS, **answers)
    times = {name: 1000 * float(np.median(values[:_TIMED_TEXTS])) for name, values in seconds.items()}
    return {"tokens": asdict(tokens), "inputs": ways["onnx"].inputs, "label_names": saved.label_names, "ms_per_text": times}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
