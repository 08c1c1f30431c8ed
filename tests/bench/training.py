"""Training speed on this machine's processor beside two plain setups of transformers' Trainer, and how fast the page answers meanwhile.

The tutorial's: float32, every text padded to the longest of the split. The better one: float32, padded within each batch. Same encoder,
same rows, same batch size; taken in turn, several times, first steps not counted.
"""

import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

from tests.addresses import free_port
from tests.bench.page import ROOT, serving
from trainer.data.corpus import Corpus, build_corpus
from trainer.data.files.reading import read_table
from trainer.data.rows import save_rows
from trainer.data.splits import Splits
from trainer.recipe import Recipe
from trainer.runs.run import Run, RunStore
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoder_loading import load_classifier, load_tokenizer

TWEETS = ROOT.parent / "shared" / "data" / "emotion" / "dair_train.txt"
_BATCH = 64
_SKIPPED = 2
"""First steps, in which memory is found and libraries choose their kernels."""


def measure(rounds: int = 2) -> dict[str, float]:
    """Samples a second of all three and the ratios, and how fast the page answers meanwhile."""
    corpus = build_corpus(read_table(TWEETS.read_bytes()), text=0, label=1)
    speeds: dict[str, list[float]] = {"tutorial": [], "dynamic": [], "ours": []}
    longest = _longest(corpus)
    for number in range(rounds):
        speeds["tutorial"].append(_plain(corpus, steps=6, pad_to=longest, seed=number))
        speeds["dynamic"].append(_plain(corpus, steps=8, pad_to=None, seed=number))
        speeds["ours"].append(_ours(corpus, rows=4_000, seed=number))
    found = {f"{name}_samples_per_second": round(statistics.median(each), 1) for name, each in speeds.items()}
    found["ratio_vs_tutorial"] = round(statistics.median(o / t for o, t in zip(speeds["ours"], speeds["tutorial"], strict=True)), 2)
    found["ratio_vs_dynamic_padding"] = round(statistics.median(o / d for o, d in zip(speeds["ours"], speeds["dynamic"], strict=True)), 2)
    return found | _answers()


def _longest(corpus: Corpus) -> int:
    tokenizer = load_tokenizer(EncoderCatalogue().default, max_length=512)
    return max(len(ids) for ids in tokenizer(list(corpus.texts))["input_ids"])


def _plain(corpus: Corpus, *, steps: int, pad_to: int | None, seed: int) -> float:
    """Samples a second of a Trainer as the tutorials set it up."""
    import torch
    from transformers import DataCollatorWithPadding, Trainer, TrainerCallback, TrainingArguments
    from transformers.trainer_callback import PrinterCallback

    tokenizer = load_tokenizer(EncoderCatalogue().default, max_length=512)
    chosen = random.Random(seed).sample(range(len(corpus)), (steps + _SKIPPED) * _BATCH)
    how = {"padding": "max_length", "max_length": pad_to} if pad_to else {}
    encoded = tokenizer([corpus.texts[i] for i in chosen], truncation=True, **how)
    rows = [{**{name: encoded[name][n] for name in encoded}, "labels": int(corpus.label_ids[i])} for n, i in enumerate(chosen)]
    times: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, per_device_train_batch_size=_BATCH, num_train_epochs=1, save_strategy="no", disable_tqdm=True, use_cpu=True
        )
        torch.manual_seed(seed)
        trainer = Trainer(
            model=load_classifier(EncoderCatalogue().default, corpus.label_names),
            args=arguments,
            train_dataset=rows,
            data_collator=DataCollatorWithPadding(tokenizer),
            callbacks=[Clock()],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return _BATCH * (len(times) - _SKIPPED) / (times[-1] - times[_SKIPPED - 1])


def _ours(corpus: Corpus, *, rows: int, seed: int) -> float:
    """Samples a second of our own training, in its steps."""
    from trainer.jobs.pipeline import RunHistory, train_run

    with tempfile.TemporaryDirectory() as folder:
        run, splits = _run(Path(folder), corpus, rows, seed)
        return train_run(run, RunHistory.read(run), EncoderCatalogue().default, corpus, splits).samples_per_second


def _run(folder: Path, corpus: Corpus, rows: int, seed: int) -> tuple[Run, Splits]:
    order = np.random.default_rng(seed).permutation(len(corpus))
    parts = [np.sort(order[a:b]) for a, b in ((0, rows), (rows, rows + 200), (rows + 200, rows + 400), (rows + 400, len(corpus)))]
    splits = Splits(*parts, split_notes=())
    recipe = Recipe(epochs=1, batch_size=_BATCH, seed=seed)
    run = RunStore(folder).create(
        recipe=recipe,
        resolved=recipe.resolved(train_rows=rows, learning_rate=EncoderCatalogue().default.learning_rate),
        fill=lambda new: save_rows(new / "data.parquet", corpus, splits),
        name="bench",
        owner="local",
        rows={},
    )
    return run, splits


def _answers(ticks: int = 60) -> dict[str, float]:
    """Milliseconds in which a real server answers a full redraw of the page while it trains on all cores."""
    with tempfile.TemporaryDirectory() as runs, serving(free_port(), Path(runs)) as address:
        file = Path(runs) / "tweets.csv"
        shutil.copyfile(TWEETS, file)
        start = "from gradio_client import Client, handle_file; import sys; c = Client(sys.argv[1], verbose=False); "
        start += "c.predict(handle_file(sys.argv[2]), None, None, {}, api_name='/start')"
        subprocess.run([sys.executable, "-c", start, address, str(file)], check=True, stdout=subprocess.DEVNULL)
        config = json.loads(urllib.request.urlopen(f"{address}/config").read())
        tick = next(d for d in config["dependencies"] if any(event == "tick" for _, event in d["targets"]))
        body = json.dumps({"fn_index": tick["id"], "data": ["", None, None, None], "session_hash": "bench"}).encode()
        spent, seen = [], 0
        while seen < ticks:
            begun = time.perf_counter()
            request = urllib.request.Request(f"{address}/gradio_api/run/predict", body, {"Content-Type": "application/json"})
            answer = urllib.request.urlopen(request, timeout=60).read()
            if b'"step ' in answer or b"step " in answer:
                spent.append(1000 * (time.perf_counter() - begun))
                seen += 1
            time.sleep(0.4)
    return {
        "page_p95_ms_while_training": round(float(np.percentile(spent, 95)), 1),
        "page_median_ms_while_training": round(statistics.median(spent), 1),
    }
