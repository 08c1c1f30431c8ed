"""Deletion test: how far the predicted class's probability falls without the words that speak most for it, beside as many random words.

    python -m tests.bench.attributions [MODEL_FOLDER]

200 test texts of TweetEval's emotions (``shared/data``); without a model folder one is trained on its training file with the default settings.
Not part of ``python -m tests.bench``, as it trains for minutes.
"""

import csv
import json
import math
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from trainer.settings import prepare_environment

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "quirks"
_TEXTS = 200
_REMOVED = 0.2
_DRAWS = 10
_SEED = 7
_WANTED_FALL, _WANTED_RATIO, _ALLOWED_MS = 0.42, 4.0, 200.0


def measure(folder: Path) -> dict[str, float]:
    """Means over the texts, and the median time of an attribution, which comes after a few that warm up."""
    from trainer.data.words import find_words
    from trainer.training.predictor import Predictor

    predictor, source = Predictor(folder), random.Random(_SEED)
    with open(_DATA / "tweeteval_emotion_test.csv", encoding="utf-8", newline="") as file:
        texts = source.sample([row["text"] for row in csv.DictReader(file) if len(find_words(row["text"])) >= 5], _TEXTS)
    falls, random_falls, milliseconds, cpu_milliseconds, errors = [], [], [], [], []
    for prediction in predictor.predict(texts):
        label = prediction.decided_name(predictor.label_names)
        label_id = predictor.label_names.index(label)
        started, cpu_started = time.perf_counter(), time.process_time()
        attribution = predictor.attribute(prediction.text, label)
        milliseconds.append(1_000 * (time.perf_counter() - started))
        cpu_milliseconds.append(1_000 * (time.process_time() - cpu_started))
        words = [(word.start, word.end) for word in sorted(attribution.words, key=lambda word: -word.value)]
        count = math.ceil(_REMOVED * len(words))
        shortened = [_without(attribution.text, words[:count])]
        shortened += [_without(attribution.text, source.sample(words, count)) for _ in range(_DRAWS)]
        left = [float(prediction.probabilities[label_id]) - float(p) for p in predictor.probabilities(shortened)[:, label_id]]
        falls.append(left[0])
        random_falls.append(statistics.mean(left[1:]))
        errors.append(abs(attribution.error))
    return {
        "attribution_fall": round(statistics.mean(falls), 3),
        "attribution_random_fall": round(statistics.mean(random_falls), 3),
        "attribution_ms": round(statistics.median(milliseconds[5:]), 1),
        "attribution_cpu_ms": round(statistics.median(cpu_milliseconds[5:]), 1),
        "attribution_completeness_error": round(statistics.median(errors), 3),
    }


def show(results: dict[str, float]) -> None:
    fall, random_fall = results["attribution_fall"], results["attribution_random_fall"]
    print(f"{_TEXTS} texts without the {_REMOVED:.0%} of words that speak most for the predicted class")
    print(
        f"  its probability falls by {fall:.3f} (wanted: {_WANTED_FALL}), {fall / random_fall:.1f} times as much as by random words ({_WANTED_RATIO})"
    )
    print(
        f"  {results['attribution_ms']:.0f} ms a text (allowed: {_ALLOWED_MS:.0f} on quiet cores), {results['attribution_cpu_ms']:.0f} ms of CPU time"
    )


def _without(text: str, words: list[tuple[int, int]]) -> str:
    for start, end in sorted(words, reverse=True):
        text = text[:start] + text[end:]
    return " ".join(text.split())


def _train(folder: Path) -> Path:
    """A model of the training file with the default settings."""
    from trainer.settings import LOCAL_OWNER, Settings
    from trainer.studio import Studio

    studio = Studio(Settings(runs_dir=folder))
    workspace = studio.for_owner(LOCAL_OWNER)
    file = _DATA / "tweeteval_emotion_train.csv"
    draft = workspace.drafts.open_files({"main": (file.name, file.read_bytes())}).draft.id
    from trainer.recipe import Recipe

    view = workspace.start(draft, Recipe(), ignore_findings=True)
    while view.live:
        view = workspace.wait(view.id, 5.0)
    studio.close()
    return folder / view.id / "model"


if __name__ == "__main__":
    prepare_environment()
    with tempfile.TemporaryDirectory() as own:
        measured = measure(Path(sys.argv[1]) if len(sys.argv) > 1 else _train(Path(own)))
    show(measured)
    print(json.dumps(measured))
