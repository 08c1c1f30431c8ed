"""What an export to ONNX changes: size, time of texts that come one by one, agreement with the saved model; and how long a terminal takes for one text.

    python -m tests.bench.exports [ROWS]

The rival is the saved model, computed by PyTorch. The process that exports asks all of them the same validation rows, in turn for each text. The model is the packaged encoder,
fine-tuned with the defaults for two epochs. At the end its web page is opened in Chromium (``web_page``).
"""

import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench import web_page, whole_file
from tests.bench.training import ROOT, TWEETS
from tests.bench.whole_file import _texts
from trainer.runs.run import Run
from trainer.settings import prepare_environment

_ROWS = 4_000
_TEXT = "I can't believe it!"


def measure(n_rows: int = _ROWS) -> dict[str, float]:
    """Megabytes, milliseconds a text and agreement of each way, and CPU seconds of a process that predicts one text."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = os.environ | {"EMOTUNE_RUNS": str(folder / "runs")}
        trained = _last_line(environment, "train", str(_tweets(folder / "tweets.csv", n_rows)), "--epochs", "2", "--as-it-is", "--json")
        run = json.loads(trained)["run"]
        exported = json.loads(_last_line(environment, "export", run, "--format", "onnx-int8", "--out", str(folder / "int8.zip"), "--json"))
        seconds = {}
        for engine in ("torch", "onnx", "onnx-int8"):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            _last_line(environment, "predict", run, _TEXT, "--engine", engine)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds[engine] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        whole = whole_file.measure(model=folder / "runs" / run / "model")
        web = web_page.measure_run(Run(folder / "runs" / run), [" ".join(text.split()) for text in _texts(100)])
    results: dict[str, float] = {"exports_rows": exported["rows"], "exports_int8_zip_mb": round(exported["file_size"] / 1e6, 1)}
    for engine, taken in seconds.items():
        way, key = exported[engine], engine.replace("-", "_")
        results |= {
            f"exports_{key}_mb": round(way["size"] / 1e6, 1),
            f"exports_{key}_ms": round(way["ms_per_text"], 2),
            f"exports_{key}_agreement": round(way["agreement"], 4),
            f"exports_{key}_accuracy": round(way["accuracy"], 4),
            f"exports_{key}_max_change": round(way["max_change"], 7),
            f"exports_{key}_predict_cpu_seconds": round(taken, 2),
        }
    return results | {f"exports_{name}": value for name, value in web.items()} | whole


def show(results: dict[str, float]) -> None:
    print(
        f"A model in other forms, on {results['exports_rows']:,.0f} validation rows (wanted: 8 bits below 30 MB, 97 % of the labels; 32 bits to 0.0001)"
    )
    whole_file.show({name: value for name, value in results.items() if name.startswith("whole_file_")})
    for name, value in results.items():
        print(f"  {name.removeprefix('exports_'):<36} {value:10.4f}")


def _tweets(file: Path, n_rows: int) -> Path:
    """A random part of the tweets, or the sample if there are none."""
    from trainer.drafts.drafts import SAMPLE

    if not TWEETS.is_file():
        return SAMPLE
    rows = [line.rpartition(";")[::2] for line in TWEETS.read_text(encoding="utf-8").splitlines()]
    with open(file, "w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([("text", "label"), *random.Random(0).sample(rows, n_rows)])
    return file


def _last_line(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "trainer", *arguments]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    return done.stdout.splitlines()[-1]


if __name__ == "__main__":
    prepare_environment()
    measured = measure(*map(int, sys.argv[1:]))
    show(measured)
    print(json.dumps(measured))
