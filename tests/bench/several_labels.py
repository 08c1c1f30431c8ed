"""GoEmotions, 28 labels of which a text may have several: the defaults beside a plain Trainer, and the same models, that say what is more probable than not.

``python -m tests.bench.several_labels --seeds 3``; ``--rows 5000`` learns from a part of the training rows. The published split; both learn from the
same rows for as many epochs in batches of the same size and as many bits, and only Emotune looks at the development rows (for its checkpoint and cuts).
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
from pathlib import Path

import numpy as np

from tests.bench.page import ROOT
from trainer.settings import prepare_environment

_DATA = ROOT.parent / "shared" / "data" / "goemotions"
_DRAWS = 500
_LEARNING_RATE = 2.5e-4
"""Emotune's own for this encoder. With 5e-5, the default of TrainingArguments, the plain Trainer says next to nothing after three epochs: macro F1 0.01."""

Rows = list[tuple[str, tuple[int, ...]]]


def read(part: str) -> Rows:
    """The texts of "train", "dev" or "test" with the ids of their labels."""
    with open(_DATA / f"{part}.tsv", encoding="utf-8", newline="") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    return [(text, tuple(map(int, ids.split(",")))) for text, ids, _ in rows]


def multi_hot(rows: Rows, classes: int) -> np.ndarray:
    """Int64 (n, ``classes``)."""
    labels = np.zeros((len(rows), classes), dtype=np.int64)
    for number, (_, ids) in enumerate(rows):
        labels[number, list(ids)] = 1
    return labels


def train_ours(parts: dict[str, Rows], names: list[str], seed: int) -> tuple[dict[str, object], np.ndarray, np.ndarray]:
    """What ``train --json`` prints, with the seconds from call to report; what the model says of the test rows, (n, k) in the order of ``names``, and what
    it would say with 0.5 for each label; its probabilities are calibrated."""
    from trainer.data.rows import load_rows
    from trainer.evaluation.predictions import load_predictions

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, rows in parts.items():
            with open(folder / f"{part}.csv", "w", newline="", encoding="utf-8") as output:
                csv.writer(output).writerows([("text", "emotions"), *((text, "; ".join(names[i] for i in ids)) for text, ids in rows)])
        command = [sys.executable, "-m", "trainer", "train", *(str(folder / "train.csv"), "--validation", str(folder / "dev.csv"))]
        command += ["--test", str(folder / "test.csv"), "--task", "several", "--as-it-is", "--json", "--set", f"seed={seed}"]
        started = time.monotonic()
        environment = {**os.environ, "EMOTUNE_RUNS": str(folder / "runs")}
        done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        result = json.loads(done.stdout.splitlines()[-1]) | {"seconds": round(time.monotonic() - started, 1)}
        run = Path(result["path"])
        (corpus, _), test = load_rows(run / "data.parquet"), load_predictions(run / "predictions.parquet").for_split("test")
    order = [test.label_names.index(label) for label in names]
    texts, nothing = [corpus.texts[row] for row in test.rows.tolist()], np.zeros(len(names), dtype=np.int64)

    def of_test_rows(said: np.ndarray) -> np.ndarray:
        by_text = dict(zip(texts, said, strict=True))
        # A text that is no test row any more, as it has nothing to read, gets no label.
        return np.stack([by_text.get(text.strip(), nothing)[order] for text, _ in parts["test"]])

    return result, of_test_rows(test.predicted), of_test_rows((test.probabilities >= 0.5).astype(np.int64))


def train_plain(parts: dict[str, Rows], classes: int, seed: int, *, epochs: int, batch_size: int) -> np.ndarray:
    """What a Trainer with its defaults but for the learning rate, the bits and batches of similar lengths makes of the packaged encoder says of the test
    rows with 0.5 for each label, (n, k)."""
    import torch
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    from trainer.training.encoder_catalogue import EncoderCatalogue
    from trainer.training.hardware import detect_hardware

    hardware = detect_hardware()
    folder = EncoderCatalogue().default.source
    set_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    options = {"num_labels": classes, "problem_type": "multi_label_classification", "dtype": torch.float32}
    model = AutoModelForSequenceClassification.from_pretrained(folder, **options)

    def dataset(rows: Rows) -> list[dict[str, object]]:
        encoded = tokenizer([text for text, _ in rows], truncation=True, max_length=128)
        labels = multi_hot(rows, classes).astype(np.float32)
        return [{"labels": labels[i], **{name: values[i] for name, values in encoded.items()}} for i in range(len(rows))]

    with tempfile.TemporaryDirectory() as output:
        arguments = TrainingArguments(
            output_dir=output,
            num_train_epochs=epochs,
            per_device_train_batch_size=batch_size,
            per_device_eval_batch_size=128,
            learning_rate=_LEARNING_RATE,
            train_sampling_strategy="group_by_length",
            use_cpu=hardware.device == "cpu",
            bf16=hardware.precision == "bf16",
            fp16=hardware.precision == "fp16",
            seed=seed,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer = Trainer(
            model=model, args=arguments, train_dataset=dataset(parts["train"]), data_collator=DataCollatorWithPadding(tokenizer)
        )
        trainer.train()
        return (trainer.predict(dataset(parts["test"])).predictions >= 0).astype(np.int64)


def scores(labels: np.ndarray, said: np.ndarray) -> dict[str, float]:
    """Macro and micro F1."""
    hits, both = (labels * said).sum(axis=0), (labels + said).sum(axis=0)
    return {"macro_f1": float((2 * hits / np.maximum(both, 1)).mean()), "micro_f1": float(2 * hits.sum() / both.sum())}


def paired(labels: np.ndarray, ours: np.ndarray, theirs: np.ndarray) -> dict[str, tuple[float, float]]:
    """How much higher ours is, and the standard error of that by drawing the test rows again."""
    generator = np.random.default_rng(0)
    gains: dict[str, list[float]] = {}
    for _ in range(_DRAWS):
        rows = generator.integers(0, len(labels), len(labels))
        one, other = scores(labels[rows], ours[rows]), scores(labels[rows], theirs[rows])
        for key in one:
            gains.setdefault(key, []).append(one[key] - other[key])
    one, other = scores(labels, ours), scores(labels, theirs)
    return {key: (one[key] - other[key], statistics.stdev(values)) for key, values in gains.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    prepare_environment()
    names = (_DATA / "labels.txt").read_text(encoding="utf-8").split()
    parts = {part: read(part) for part in ("train", "dev", "test")}
    if options.rows:
        drawn = np.random.default_rng(0).permutation(len(parts["train"]))[: options.rows]
        parts["train"] = [parts["train"][i] for i in drawn]
    labels, results = multi_hot(parts["test"], len(names)), []
    for seed in range(42, 42 + options.seeds):
        result, ours, even = train_ours(parts, names, seed)
        theirs = train_plain(parts, len(names), seed, epochs=result["epochs"], batch_size=result["batch_size"])
        found = {"seconds": result["seconds"], "ours": scores(labels, ours), "even": scores(labels, even), "plain": scores(labels, theirs)}
        found |= {
            "paired": paired(labels, ours, theirs),
            "paired_even": paired(labels, ours, even),
            "words": result["baseline"],
            "linear": result["linear_model"],
        }
        results.append(found)
        print(f"seed {seed}: {json.dumps(found)}", flush=True)
    for key in ("macro_f1", "micro_f1"):
        print(f"{key}: {100 * statistics.fmean(found['ours'][key] for found in results):.2f}")
        for way, pairs, name in (("even", "paired_even", "the same models with 0.5"), ("plain", "paired", "a plain Trainer with 0.5")):
            score = statistics.fmean(found[way][key] for found in results)
            gain, error = (statistics.fmean(found[pairs][key][i] for found in results) for i in (0, 1))
            print(f"  {name}: {100 * score:.2f}, paired {100 * gain:+.2f} ± {100 * error:.2f}")
    print(json.dumps({"set": "goemotions", "rows": options.rows, "results": results}))


if __name__ == "__main__":
    main()
