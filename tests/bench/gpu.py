"""The tutorial's training (BERT base, 11,200 texts, two epochs) on an NVIDIA GPU, from Start to the report, compared with a hand-written loop.

The weights are random, since speed does not depend on them. The bare loop has autocast, fused AdamW, the same model, the same batches in the
same order, and nothing else. Run it with ``make bench-gpu``; without such a GPU it prints a notice. ``--tiny`` runs all of it with a tiny model
on any device, to test the measurement.
"""

import argparse
import contextlib
import json
import math
import random
import resource
import statistics
import string
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.data.corpus import Corpus, build_corpus
from trainer.data.files.read_table import read_table
from trainer.data.rows import save_rows
from trainer.data.splits import Splits, split
from trainer.jobs.train import pipeline
from trainer.recipe import Recipe
from trainer.runs.event_types import Created
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.settings import prepare_environment
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoder_loading import load_classifier, load_tokenizer
from trainer.training.encoders import Encoder, local_encoder
from trainer.training.hardware import Hardware, detect_hardware

_TWEETS = Path(__file__).resolve().parents[3] / "shared" / "data" / "emotion" / "dair_train.txt"
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_LABELS = ("sadness", "joy", "love", "anger", "fear", "surprise")
_WARM_UP = 5
"""Steps of the bare loop before the measurement, in which the GPU wakes up and libraries choose their kernels."""


@dataclass(frozen=True)
class BenchmarkSize:
    """Sizes of the model and of the training."""

    num_hidden_layers: int
    hidden_size: int
    num_attention_heads: int
    vocab_size: int
    rows: int
    """Rows of all splits; 70 % are training rows."""
    batch_size: int
    epochs: int
    rounds: int


TUTORIAL = BenchmarkSize(
    num_hidden_layers=12, hidden_size=768, num_attention_heads=12, vocab_size=30_522, rows=16_000, batch_size=64, epochs=2, rounds=3
)
TINY = BenchmarkSize(
    num_hidden_layers=2, hidden_size=32, num_attention_heads=2, vocab_size=2_000, rows=300, batch_size=16, epochs=1, rounds=1
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, then one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gpu", description="Measure a training on an NVIDIA GPU.")
    parser.add_argument("--tiny", action="store_true", help="test the measurement with a tiny model on any device")
    tiny = parser.parse_args(arguments).tiny
    hardware = detect_hardware()
    if hardware.device != "cuda" and not tiny:
        reason = f"no NVIDIA GPU that torch can use was found ({hardware.name})"
        print(f"The training on a GPU is not measured: {reason}.")
        print(json.dumps({"skipped": reason}))
        return
    results = measure(TINY if tiny else TUTORIAL, hardware)
    print(
        f"{results['device']}: {results['parameters'] / 1e6:.1f} M parameters, {results['train_rows']:,} texts, {results['epochs']} epochs"
    )
    print(f"  from Start to the report, seconds          {results['seconds_start_to_report']:9.1f}   (target: 15 or less)")
    print(f"  texts per second, Emotune                    {results['samples_per_second']:9.1f}")
    print(f"  texts per second, a bare loop by hand        {results['bare_loop_samples_per_second']:9.1f}")
    print(f"  Emotune's speed relative to the bare loop  {results['ratio_vs_bare_loop']:9.2f}   (target: 0.70 or more)")
    print(f"  peak memory, MB                            {results['peak_megabytes']:9,.0f}")
    print(json.dumps(results))


def measure(size: BenchmarkSize, hardware: Hardware) -> dict[str, Any]:
    """Medians over the rounds; in each round Emotune and the bare loop train on the same rows in turn."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        corpus = _corpus(root / "texts.csv", size.rows)
        splits = split(corpus, validation_share=0.1, test_share=0.2, seed=42)
        encoder = _random_encoder(root / "random-bert", corpus.texts, size)
        _train_bare_loop(encoder, corpus, splits, size, hardware, max_steps=_WARM_UP)
        ours, bare, peaks = [], [], []
        for number in range(size.rounds):
            with _peak_memory(hardware, peaks):
                ours.append(_train_run(root / f"runs-{number}", encoder, corpus, splits, size))
            bare.append(_train_bare_loop(encoder, corpus, splits, size, hardware))
    return {
        "device": hardware.description,
        "parameters": encoder.parameters,
        "train_rows": len(splits.train),
        "epochs": size.epochs,
        "seconds_start_to_report": round(statistics.median(view.duration_seconds for view in ours), 2),
        "samples_per_second": round(statistics.median(view.samples_per_second for view in ours), 1),
        "bare_loop_samples_per_second": round(statistics.median(bare), 1),
        "ratio_vs_bare_loop": round(statistics.median(o.samples_per_second / b for o, b in zip(ours, bare, strict=True)), 3),
        "peak_megabytes": round(max(peaks)),
    }


def _corpus(file: Path, n_rows: int) -> Corpus:
    """A sample of the emotion tweets or, without them, sentences of random words with the same lengths (log-normal, 2 to 66 words)."""
    rng = random.Random(1)
    if _TWEETS.is_file():
        lines = _TWEETS.read_text(encoding="utf-8").splitlines()
        lines = rng.sample(lines, min(n_rows, len(lines)))
    else:
        words = list({"".join(rng.choices(string.ascii_lowercase, k=rng.randint(1, 9))) for _ in range(16_000)})
        frequencies = [1 / rank for rank in range(1, len(words) + 1)]  # Zipf's law
        lengths = [min(66, max(2, round(rng.lognormvariate(2.78, 0.61)))) for _ in range(n_rows)]
        lines = [f"{' '.join(rng.choices(words, frequencies, k=length))};{rng.choice(_LABELS)}" for length in lengths]
    file.write_text("text;label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return build_corpus(read_table(file.read_bytes()), text=0, label=1)


def _random_encoder(folder: Path, texts: Sequence[str], size: BenchmarkSize) -> Encoder:
    """A BERT with random weights; its vocabulary has characters, then the texts' words by frequency, then unused tokens."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    words = [word for word, _ in Counter(" ".join(texts).lower().split()).most_common()]
    pieces = [*string.ascii_lowercase, *string.digits, *(f"##{c}" for c in string.ascii_lowercase + string.digits)]
    vocabulary = list(dict.fromkeys([*_SPECIAL, *pieces, *words]))[: size.vocab_size]
    vocabulary += [f"[unused{n}]" for n in range(size.vocab_size - len(vocabulary))]
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=size.vocab_size,
        hidden_size=size.hidden_size,
        num_hidden_layers=size.num_hidden_layers,
        num_attention_heads=size.num_attention_heads,
        intermediate_size=4 * size.hidden_size,
    )
    BertModel(config).save_pretrained(folder)
    BertTokenizer(vocab={token: number for number, token in enumerate(vocabulary)}).save_pretrained(folder)
    return local_encoder(folder)


def _train_run(root: Path, encoder: Encoder, corpus: Corpus, splits: Splits, size: BenchmarkSize) -> RunView:
    """A whole run, as in the training thread of the page."""
    store, recipe = RunStore(root), Recipe(encoder=encoder.name, epochs=size.epochs, batch_size=size.batch_size)
    run = store.create(
        recipe=recipe,
        resolved=recipe.resolved(train_rows=len(splits.train), learning_rate=encoder.learning_rate),
        fill=lambda new: save_rows(new / "data.parquet", corpus, splits),
        created=Created(
            name="bench",
            owner="local",
            source_name="texts.csv",
            rows={"train": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)},
        ),
    )
    pipeline.run_job(run, EncoderCatalogue([encoder]))
    view = store.view(run)
    if view.status != "finished":
        raise RuntimeError(f"the run {view.status}: {view.message}")
    pipeline.load_report(run, "test")
    return view


def _train_bare_loop(
    encoder: Encoder, corpus: Corpus, splits: Splits, size: BenchmarkSize, hardware: Hardware, *, max_steps: int | None = None
) -> float:
    """Texts per second of a hand-written loop, from the first to the last step; without logs, evaluations or files."""
    import torch
    from transformers import DataCollatorWithPadding

    from trainer.training.batching import epoch_order
    from trainer.training.tokenized_dataset import tokenize_dataset

    tokenizer = load_tokenizer(encoder, max_length=128)
    rows = tokenize_dataset(tokenizer, [corpus.texts[i] for i in splits.train], corpus.label_ids[splits.train])
    collate = DataCollatorWithPadding(tokenizer)
    model = load_classifier(encoder, corpus.label_names).to(hardware.device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=encoder.learning_rate, fused=hardware.device == "cuda")
    steps = math.ceil(len(rows) / size.batch_size) * size.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
    scaler = torch.amp.GradScaler(hardware.device, enabled=hardware.precision == "fp16")
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(hardware.precision)

    def load_epoch(epoch: int) -> Any:
        order = epoch_order(rows.lengths, batch_size=size.batch_size, seed=0, epoch=epoch)
        batches = [[rows[i] for i in order[start : start + size.batch_size]] for start in range(0, len(order), size.batch_size)]
        return torch.utils.data.DataLoader(
            batches, batch_size=None, collate_fn=lambda batch: dict(collate(batch)), pin_memory=hardware.device == "cuda"
        )

    started, n_texts, n_steps = time.perf_counter(), 0, 0
    for epoch in range(size.epochs):
        for batch in load_epoch(epoch):
            batch = {name: tensor.to(hardware.device, non_blocking=True) for name, tensor in batch.items()}
            with torch.autocast(hardware.device, dtype=dtype, enabled=dtype is not None):
                loss = model(**batch).loss
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            n_texts += len(batch["labels"])
            n_steps += 1
            if n_steps == max_steps:
                return n_texts / (time.perf_counter() - started)
    if hardware.device == "cuda":
        torch.cuda.synchronize()
    return n_texts / (time.perf_counter() - started)


@contextlib.contextmanager
def _peak_memory(hardware: Hardware, peaks: list[float]) -> Any:
    """Append the peak megabytes of the block: of the GPU, or else of this process since its start."""
    import torch

    if hardware.device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    yield
    scale = 1024 if sys.platform == "darwin" else 1
    used = torch.cuda.max_memory_reserved() / 2**20 if hardware.device == "cuda" else None
    peaks.append(used or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / scale)


if __name__ == "__main__":
    prepare_environment()
    main()
