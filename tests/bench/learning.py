"""What a training learns from few rows or many classes, scored on rows that it never saw: the defaults beside what they have to beat.

``python -m tests.bench.learning tweeteval --rows 800 --draws 10``; ``--per-class 8`` draws so many rows of each class, and neither takes all.
Every draw is trained in each way on the same rows and scored on the published test file (ISEAR has none: 1,500 rows are set aside), or with
``--on-training-file`` on other rows of the training file. ``--ways setfit`` needs the package SetFit (see setfit_rival.py).
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tests.bench.page import ROOT
from trainer.data.corpus import build_corpus
from trainer.data.files.read_table import read_table

_DATA = ROOT.parent / "shared" / "data"
_SETS = {
    "tweeteval": ("quirks/tweeteval_emotion_train.csv", "quirks/tweeteval_emotion_test.csv", "text", "label"),
    "banking77": ("quirks/banking77_train.csv", "quirks/banking77_test.csv", "text", "category"),
    "emotion": ("emotion/dair_train.txt", "emotion/dair_test.txt", 0, 1),
    "isear": ("quirks/isear.csv", None, "SIT", "Field1"),
}
_SET_ASIDE = 1_500

WAYS: dict[str, dict[str, str]] = {
    "default": {},
    "before": {"pooling": "cls", "added_tokens": "off", "layer_decay": "1", "distillation": "0"},
    "first token": {"pooling": "cls"},
    "linear start": {"method": "full", "pooling": "mean"},
    "contrastive": {"method": "contrastive"},
    "no fine-tuning": {"method": "frozen"},
    "texts alone": {"method": "frozen", "class_names": "off"},
}
"""The defaults; those of before, which fine-tuned on the first token however many rows and classes; two ways between which these decide now, beside the third, no fine-tuning;
contrastive learning; the linear model on the unchanged encoder alone; and the same without the names of the classes."""

SETFIT = "setfit"

Rows = list[tuple[str, str]]


def load_rows(name: str) -> tuple[Rows, Rows]:
    """Texts with the names of their labels: the training and the test file of a set."""
    train, test, text, label = _SETS[name]
    rows = _read(_DATA / train, text, label)
    if test is not None:
        return rows, _read(_DATA / test, text, label)
    order = np.random.default_rng(0).permutation(len(rows))
    return [rows[i] for i in order[_SET_ASIDE:]], [rows[i] for i in order[:_SET_ASIDE]]


def _read(file: Path, text: str | int, label: str | int) -> Rows:
    table = read_table(file.read_bytes())
    columns = [column if isinstance(column, int) else table.columns.index(column) for column in (text, label)]
    corpus = build_corpus(table, text=columns[0], label=columns[1])
    return [(text, corpus.label_names[i]) for text, i in zip(corpus.texts, corpus.label_ids, strict=True)]


def draw(rows: Rows, seed: int, *, total: int | None, per_class: int | None) -> Rows:
    """``total`` rows, ``per_class`` rows of each class, or all, in a random order."""
    shuffled = [rows[i] for i in np.random.default_rng([seed, 77]).permutation(len(rows))]
    if per_class is None:
        return shuffled[:total]
    seen: dict[str, int] = {}
    drawn = []
    for text, label in shuffled:
        seen[label] = seen.get(label, 0) + 1
        if seen[label] <= per_class:
            drawn.append((text, label))
    return drawn


def _others(rows: Rows, drawn: Rows, seed: int) -> Rows:
    taken = set(drawn)
    shuffled = [rows[i] for i in np.random.default_rng([seed, 78]).permutation(len(rows))]
    return [row for row in shuffled if row not in taken][:_SET_ASIDE]


def _write(file: Path, rows: Rows) -> None:
    with open(file, "w", newline="", encoding="utf-8") as output:
        csv.writer(output).writerows([("text", "label"), *rows])


def train(folder: Path, seed: int, settings: dict[str, str]) -> dict[str, float]:
    """Accuracy and macro F1 on the rows of test.csv, those of counting words, and seconds from call to report."""
    options = [part for setting, value in {**settings, "seed": str(seed)}.items() for part in ("--set", f"{setting}={value}")]
    command = [sys.executable, "-m", "trainer", "train", str(folder / "train.csv"), "--test", str(folder / "test.csv")]
    started = time.monotonic()
    done = subprocess.run(
        [*command, "--text", "text", "--label", "label", "--as-it-is", "--json", *options],
        env={**os.environ, "EMOTUNE_RUNS": str(folder / "runs")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(done.stdout.splitlines()[-1])
    scores = {"accuracy": result["test"]["accuracy"], "macro_f1": result["test"]["macro_f1"], "seconds": time.monotonic() - started}
    return scores | {f"words_{key}": result["baseline"][key] for key in ("accuracy", "macro_f1") if result["baseline"]}


def train_setfit(folder: Path, seed: int, iterations: int) -> dict[str, float]:
    """The same for the package SetFit, without word counts; ``iterations`` pairs of each kind are drawn for a row."""
    started = time.monotonic()
    command = [sys.executable, "-m", "tests.bench.setfit_rival", str(folder / "train.csv"), str(folder / "test.csv")]
    command += ["--seed", str(seed), "--iterations", str(iterations)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1]) | {"seconds": time.monotonic() - started}


def _mean_and_error(values: Sequence[float]) -> str:
    error = f" ± {100 * statistics.stdev(values) / len(values) ** 0.5:.2f}" if len(values) > 1 else ""
    return f"{100 * statistics.fmean(values):.2f}{error}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", choices=_SETS)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--per-class", type=int)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=[*WAYS, SETFIT], default=list(WAYS))
    parser.add_argument("--iterations", type=int, default=20, help="pairs of each kind that SetFit draws for a row")
    parser.add_argument(
        "--on-training-file", action="store_true", help="score on 1,500 other rows of the training file, to choose between ways"
    )
    options = parser.parse_args()
    rows, test = load_rows(options.set)
    results: dict[str, list[dict[str, float]]] = {way: [] for way in options.ways}
    for number in range(options.draws):
        drawn = draw(rows, number, total=options.rows, per_class=options.per_class)
        scored = _others(rows, drawn, number) if options.on_training_file else test
        for way in options.ways:
            with tempfile.TemporaryDirectory() as name:
                folder, seed = Path(name), 42 + number
                _write(folder / "train.csv", drawn)
                _write(folder / "test.csv", scored)
                results[way].append(train_setfit(folder, seed, options.iterations) if way == SETFIT else train(folder, seed, WAYS[way]))
            print(f"draw {number}, {way}: {json.dumps({key: round(value, 4) for key, value in results[way][-1].items()})}", flush=True)
    for way, scores in results.items():
        means = ", ".join(f"{key} {_mean_and_error([score[key] for score in scores])}" for key in ("accuracy", "macro_f1"))
        print(f"{options.set}, {way}: {means}, {statistics.fmean(score['seconds'] for score in scores):.0f} s")
    first, *others = options.ways
    for way in others if options.draws > 1 else ():
        for key in ("accuracy", "macro_f1"):
            gains = [ours[key] - theirs[key] for ours, theirs in zip(results[first], results[way], strict=True)]
            print(f"  {first} against {way}, paired, {key}: {_mean_and_error(gains)}")
    print(json.dumps({"set": options.set, "rows": options.rows, "per_class": options.per_class, "results": results}))


if __name__ == "__main__":
    main()
