"""Texts a CPU second when many texts are labelled, in turn with transformers' pipeline, and how often the labels agree.

    python -m tests.bench.whole_file [TEXTS]

The rival is ``pipeline("text-classification", ...)(texts, batch_size=32, truncation=True)`` in float32; same model, same texts, in parts by turns.
"""

import csv
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.prediction import _save_model
from tests.bench.training import TWEETS
from trainer.settings import prepare_environment

_TEXTS = 2_000
_PART_TEXTS = 1_000  # half a block
_ALLOWED = {"amx": 5.0, "other": 3.0}


def measure(n_texts: int = _TEXTS) -> dict[str, float]:
    """Texts a CPU second of each way, and the agreement of its labels with the pipeline's."""
    from transformers import pipeline

    from trainer.training.block_predictor import BlockPredictor
    from trainer.training.hardware import detect_hardware
    from trainer.training.predictor import Predictor

    texts, hardware = _texts(n_texts), detect_hardware()
    with tempfile.TemporaryDirectory() as folder:
        model = _save_model(Path(folder))
        classify = pipeline("text-classification", model=str(model))
        predictor = Predictor(model)
        exact, short = BlockPredictor(predictor, hardware), BlockPredictor(predictor, hardware, "16-bit")

        def labels(predict: BlockPredictor) -> Callable[[Sequence[str]], list[str]]:
            return lambda part: [predictor.label_names[i] for i in predictor.task.decide(predict.label(part).probabilities)]

        ways: dict[str, Callable[[Any], list[str]]] = {
            "pipeline": lambda part: [result["label"] for result in classify(list(part), batch_size=32, truncation=True)],
            "exact": labels(exact),
            "16_bits": labels(short),
        }
        seconds, said = dict.fromkeys(ways, 0.0), {name: [] for name in ways}
        for way in ways.values():
            way(texts[:64])
        for part in np.array_split(np.array(texts, dtype=object), max(1, len(texts) // _PART_TEXTS)):
            for name, way in ways.items():
                started = time.process_time()
                said[name] += way(part.tolist())
                seconds[name] += time.process_time() - started
    results = {f"whole_file_texts_per_cpu_second_{name}": round(len(texts) / taken, 1) for name, taken in seconds.items()}
    for name in ("exact", "16_bits"):
        results[f"whole_file_times_pipeline_{name}"] = round(seconds["pipeline"] / seconds[name], 2)
        results[f"whole_file_agreement_{name}"] = round(
            float(np.mean([a == b for a, b in zip(said[name], said["pipeline"], strict=True)])), 4
        )
    return results


def show(results: dict[str, float]) -> None:
    print(f"Many texts, in turn with the pipeline (wanted: {_ALLOWED['amx']} times with AMX, {_ALLOWED['other']} without; agreement 0.995)")
    for name, value in results.items():
        print(f"  {name.removeprefix('whole_file_'):<40} {value:8.2f}")


def _texts(count: int) -> list[str]:
    """Tweets, or the sample's texts if there are none, as often as needed."""
    from trainer.drafts.drafts import SAMPLE

    file = TWEETS if TWEETS.is_file() else SAMPLE
    with open(file, encoding="utf-8", newline="") as lines:
        rows = [max(row, key=len) for row in csv.reader(lines)][1:]
    return [rows[number % len(rows)] for number in range(count)]


if __name__ == "__main__":
    prepare_environment()
    measured = measure(*map(int, sys.argv[1:]))
    show(measured)
    print(json.dumps(measured))
