"""Training speed on this CPU compared with two plain setups of transformers' Trainer, and how fast the page responds meanwhile.

The tutorial's: float32, every text padded to the longest of the split. The better one: float32, dynamic padding within each batch. Same
encoder, same rows, same batch size; measured in turn, several times, without the first steps.
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
from tests.bench.page import ROOT, running_page
from trainer.data.corpus import Corpus, build_corpus
from trainer.data.files.read_table import read_table
from trainer.data.rows import save_rows
from trainer.data.splits import Splits
from trainer.recipe import Recipe
from trainer.runs.event_types import Created
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoder_loading import load_classifier, load_tokenizer

TWEETS = ROOT.parent / "shared" / "data" / "emotion" / "dair_train.txt"
_BATCH_SIZE = 64
_WARM_UP_STEPS = 2
"""First steps, in which memory is allocated and libraries choose their kernels."""


def measure(rounds: int = 2) -> dict[str, float]:
    """Samples per second of all three, their ratios, and how fast the page responds meanwhile."""
    corpus = load_tweets()
    speeds: dict[str, list[float]] = {"tutorial": [], "dynamic": [], "ours": []}
    max_length = _max_length(corpus)
    for number in range(rounds):
        speeds["tutorial"].append(_train_with_trainer(corpus, steps=6, pad_to=max_length, seed=number))
        speeds["dynamic"].append(_train_with_trainer(corpus, steps=8, pad_to=None, seed=number))
        speeds["ours"].append(_train_run(corpus, rows=4_000, seed=number))
    results = {f"{name}_samples_per_second": round(statistics.median(values), 1) for name, values in speeds.items()}
    results["ratio_vs_tutorial"] = round(statistics.median(o / t for o, t in zip(speeds["ours"], speeds["tutorial"], strict=True)), 2)
    results["ratio_vs_dynamic_padding"] = round(statistics.median(o / d for o, d in zip(speeds["ours"], speeds["dynamic"], strict=True)), 2)
    return results | _page_response_times()


def load_tweets() -> Corpus:
    return build_corpus(read_table(TWEETS.read_bytes()), text=0, label=1)


def _max_length(corpus: Corpus) -> int:
    tokenizer = load_tokenizer(EncoderCatalogue().default, max_length=512)
    return max(len(ids) for ids in tokenizer(list(corpus.texts))["input_ids"])


def _train_with_trainer(corpus: Corpus, *, steps: int, pad_to: int | None, seed: int) -> float:
    """Samples per second of a Trainer as in the tutorials."""
    import torch
    from transformers import DataCollatorWithPadding, Trainer, TrainerCallback, TrainingArguments
    from transformers.trainer_callback import PrinterCallback

    tokenizer = load_tokenizer(EncoderCatalogue().default, max_length=512)
    indices = random.Random(seed).sample(range(len(corpus)), (steps + _WARM_UP_STEPS) * _BATCH_SIZE)
    padding = {"padding": "max_length", "max_length": pad_to} if pad_to else {}
    encoded = tokenizer([corpus.texts[i] for i in indices], truncation=True, **padding)
    rows = [{**{name: encoded[name][n] for name in encoded}, "labels": int(corpus.label_ids[i])} for n, i in enumerate(indices)]
    step_times: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            step_times.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=_BATCH_SIZE,
            num_train_epochs=1,
            save_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
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
    return _BATCH_SIZE * (len(step_times) - _WARM_UP_STEPS) / (step_times[-1] - step_times[_WARM_UP_STEPS - 1])


def _train_run(corpus: Corpus, *, rows: int, seed: int) -> float:
    """Samples per second of our training steps."""
    from trainer.jobs.train.run_training import RunHistory, train_run

    with tempfile.TemporaryDirectory() as folder:
        run, splits = _run(Path(folder), corpus, rows, seed)
        return train_run(run, RunHistory.read(run), EncoderCatalogue().default, corpus, splits).samples_per_second


def _run(folder: Path, corpus: Corpus, rows: int, seed: int) -> tuple[Run, Splits]:
    order = np.random.default_rng(seed).permutation(len(corpus))
    parts = [np.sort(order[a:b]) for a, b in ((0, rows), (rows, rows + 200), (rows + 200, rows + 400), (rows + 400, len(corpus)))]
    splits = Splits(*parts, split_notes=())
    recipe = Recipe(epochs=1, batch_size=_BATCH_SIZE, seed=seed)
    run = RunStore(folder).create(
        recipe=recipe,
        resolved=recipe.resolved(train_rows=rows, learning_rate=EncoderCatalogue().default.learning_rate),
        fill=lambda new: save_rows(new / "data.parquet", corpus, splits),
        created=Created(name="bench", owner="local", rows={}),
    )
    return run, splits


def _page_response_times(ticks: int = 60) -> dict[str, float]:
    """Milliseconds that a real server takes for a full redraw of the page while it trains on all cores."""
    with tempfile.TemporaryDirectory() as runs, running_page(free_port(), Path(runs)) as address:
        file = Path(runs) / "tweets.csv"
        shutil.copyfile(TWEETS, file)
        script = "from gradio_client import Client, handle_file; import sys; c = Client(sys.argv[1], verbose=False); "
        script += "c.predict(handle_file(sys.argv[2]), None, None, {}, api_name='/start')"
        subprocess.run([sys.executable, "-c", script, address, str(file)], check=True, stdout=subprocess.DEVNULL)
        config = json.loads(urllib.request.urlopen(f"{address}/config").read())
        tick = next(d for d in config["dependencies"] if any(event == "tick" for _, event in d["targets"]))
        body = json.dumps({"fn_index": tick["id"], "data": ["", None, None, None], "session_hash": "bench"}).encode()
        milliseconds = []
        while len(milliseconds) < ticks:
            started = time.perf_counter()
            request = urllib.request.Request(f"{address}/gradio_api/run/predict", body, {"Content-Type": "application/json"})
            response = urllib.request.urlopen(request, timeout=60).read()
            if b"step " in response:  # a redraw, not a tick without changes
                milliseconds.append(1000 * (time.perf_counter() - started))
            time.sleep(0.4)
    return {
        "page_p95_ms_while_training": round(float(np.percentile(milliseconds, 95)), 1),
        "page_median_ms_while_training": round(statistics.median(milliseconds), 1),
    }


def show(results: dict[str, float]) -> None:
    print("Training on the 16,000 tweets, batch 64, packaged encoder, texts per second, in turn")
    print(f"  the tutorial's Trainer, fp32, padded to the longest text   {results['tutorial_samples_per_second']:7.1f}")
    print(f"  a Trainer with dynamic padding, fp32                       {results['dynamic_samples_per_second']:7.1f}")
    print(f"  Emotune                                                    {results['ours_samples_per_second']:7.1f}")
    ratios = f"{results['ratio_vs_tutorial']:.1f} and {results['ratio_vs_dynamic_padding']:.1f} times as fast"
    print(f"  {ratios}   (target: 7 and 4.2)")
    print(f"  a full redraw of the page while it trains, p95: {results['page_p95_ms_while_training']:.0f} ms   (allowed: 500)")
