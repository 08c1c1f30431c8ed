"""Texts a second and a CPU second when many texts are labelled, in turn with transformers' pipeline, and how often the labels agree.

    python -m tests.bench.whole_file [TEXTS] [RUN] [RIVAL_TEXTS]

With a third argument the pipeline and the ways in 32 bits get parts from all over the texts alone, about so many texts: of 100,000 the pipeline would take half an hour. Without a run the model is the packaged encoder with a fresh head; of a run its exports are measured too (``exports`` does so). The rival is ``pipeline("text-classification", ...)(texts, batch_size=32, truncation=True)`` in float32; same model, same texts, in parts by turns.
"""

import csv
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.bench.prediction import _save_model
from tests.bench.training import TWEETS
from trainer.settings import prepare_environment

if TYPE_CHECKING:
    from trainer.training.block_predictor import Engine

_TEXTS = 2_000
_PART_TEXTS = 1_000  # half a block
_FAST = ("16_bits", "onnx_int8")
_ALLOWED = {"amx": 5.0, "other": 3.0}
_WAYS: "Mapping[Engine, str]" = {"torch": "exact", "16-bit": "16_bits", "onnx": "onnx", "onnx-int8": "onnx_int8"}


def measure(n_texts: int = _TEXTS, model: Path | None = None, rival_texts: int | None = None) -> dict[str, float]:
    """Texts a second and a CPU second of each way, and the agreement of its labels with the pipeline's. ``model``: the model folder of a run."""
    from transformers import pipeline

    from trainer.jobs.export.export_run import onnx_predictors
    from trainer.training.block_predictor import BlockPredictor
    from trainer.training.hardware import detect_hardware
    from trainer.training.predictor import Predictor

    texts, hardware = _texts(n_texts), detect_hardware()
    with tempfile.TemporaryDirectory() as folder:
        exports = {} if model is None else onnx_predictors(model)
        model = model or _save_model(Path(folder))
        classify = pipeline("text-classification", model=str(model))
        predictor = Predictor(model)
        engines: list[Engine] = ["torch", *([] if hardware.precision == "fp32" else ["16-bit"]), *exports]

        def labels_of(predict: BlockPredictor) -> Callable[[Sequence[str]], list[str]]:
            return lambda part: [predictor.label_names[i] for i in predictor.task.decide(predict.label(part).probabilities)]

        ways: dict[str, Callable[[Any], list[str]]] = {
            "pipeline": lambda part: [result["label"] for result in classify(list(part), batch_size=32, truncation=True)],
            **{_WAYS[engine]: labels_of(BlockPredictor(predictor, hardware, engine, onnx=exports)) for engine in engines},
        }
        seconds: dict[str, float] = dict.fromkeys(ways, 0.0)
        cpu_seconds = dict(seconds)
        done = dict.fromkeys(ways, 0)
        said: dict[str, list[str]] = {name: [] for name in ways}
        for way in ways.values():
            way(texts[:64])
        parts = np.array_split(np.array(texts, dtype=object), max(1, len(texts) // _PART_TEXTS))
        every = max(1, len(texts) // rival_texts) if rival_texts else 1
        for number, part in enumerate(parts):
            is_compared = number % every == 0
            for name, way in ways.items():
                if not is_compared and name not in _FAST:
                    continue
                started, cpu_started = time.perf_counter(), time.process_time()
                labels = way(part.tolist())
                seconds[name] += time.perf_counter() - started
                cpu_seconds[name] += time.process_time() - cpu_started
                done[name] += len(part)
                said[name] += labels if is_compared else []
    results: dict[str, float] = {f"whole_file_texts_{name}": count for name, count in done.items()} if rival_texts else {}
    for of, taken in (("second", seconds), ("cpu_second", cpu_seconds)):
        speed = {name: done[name] / taken[name] for name in ways}
        results |= {f"whole_file_texts_per_{of}_{name}": round(value, 1) for name, value in speed.items()}
        results |= {
            f"whole_file_times_pipeline_per_{of}_{name}": round(speed[name] / speed["pipeline"], 2) for name in ways if name != "pipeline"
        }
    for name in (name for name in ways if name != "pipeline"):
        results[f"whole_file_agreement_{name}"] = round(
            float(np.mean([a == b for a, b in zip(said[name], said["pipeline"], strict=True)])), 4
        )
    return results


def show(results: dict[str, float]) -> None:
    print(
        f"Many texts, in turn with the pipeline (wanted: {_ALLOWED['amx']} times with AMX, {_ALLOWED['other']} without; agreement 0.995, of 8 bits 0.98)"
    )
    for name, value in results.items():
        print(f"  {name.removeprefix('whole_file_'):<40} {value:8.2f}")


def _texts(count: int) -> list[str]:
    """Tweets, or the sample's texts if there are none, as often as needed."""
    from trainer.drafts.drafts import SAMPLE

    file = TWEETS if TWEETS.is_file() else SAMPLE
    with open(file, encoding="utf-8", newline="") as lines:
        rows = [max(row, key=len) for row in csv.reader(lines, delimiter=";" if file == TWEETS else ",")][1:]
    return [rows[number % len(rows)] for number in range(count)]


if __name__ == "__main__":
    prepare_environment()
    from trainer.cli.predict import model_folder

    count, run, rival = int((sys.argv[1:] or [_TEXTS])[0]), sys.argv[2:3], sys.argv[3:]
    measured = measure(count, model_folder(run[0]) if run else None, int(rival[0]) if rival else None)
    show(measured)
    print(json.dumps(measured))
