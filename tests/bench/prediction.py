"""CPU seconds of a whole ``python -m trainer predict`` process for one text, in turn with transformers' pipeline.

    python -m tests.bench.prediction [CHECKOUT ...]

Further checkouts of this project are measured in turn with this one, to compare versions.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from trainer.settings import prepare_environment

ROOT = Path(__file__).resolve().parents[2]
_ROUNDS = 5
_ALLOWED = 6.0
_TEXT = "we sing at home"
_PIPELINE = """
import sys
from trainer.settings import prepare_environment
prepare_environment()
from transformers import pipeline
print(pipeline("text-classification", model=sys.argv[1], top_k=None)([sys.argv[2]], truncation=True))
"""


def measure(*checkouts: Path) -> dict[str, float]:
    """Medians of ``_ROUNDS`` rounds."""
    with tempfile.TemporaryDirectory() as folder:
        model = _save_model(Path(folder))
        commands = {"pipeline": (ROOT, ["-c", _PIPELINE])}
        for checkout in (ROOT, *checkouts):
            commands["ours" if checkout == ROOT else str(checkout)] = (checkout, ["-m", "trainer", "predict"])
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(_ROUNDS):
            for name, (checkout, command) in commands.items():
                seconds[name].append(_cpu_seconds([*command, str(model), _TEXT], checkout))
    return {f"predict_one_text_cpu_seconds_{name}": round(statistics.median(values), 2) for name, values in seconds.items()}


def show(results: dict[str, float]) -> None:
    print(f"One text in the terminal, CPU seconds of the whole process (median of {_ROUNDS}, in turn)")
    for name, seconds in results.items():
        print(f"  {name.removeprefix('predict_one_text_cpu_seconds_'):<40} {seconds:6.2f}")
    print(f"  {'allowed':<40} {_ALLOWED:6.2f}")


def _cpu_seconds(arguments: list[str], cwd: Path) -> float:
    start = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime


def _save_model(folder: Path) -> Path:
    """The packaged encoder with a fresh head."""
    from trainer.recipe import Recipe
    from trainer.training.classifier import build_classifier, save_classifier
    from trainer.training.encoder_catalogue import EncoderCatalogue
    from trainer.training.encoder_loading import load_tokenizer

    encoder = EncoderCatalogue().default
    recipe = Recipe(encoder=encoder.name).resolved(train_rows=1000, learning_rate=encoder.learning_rate)
    save_classifier(build_classifier(encoder, ("joy", "sadness", "anger"), recipe), folder)
    load_tokenizer(encoder, max_length=128).save_pretrained(folder)
    return folder


if __name__ == "__main__":
    prepare_environment()
    measured = measure(*map(Path, sys.argv[1:]))
    show(measured)
    print(json.dumps(measured))
