"""The tutorial's training (a BERT of base size, 11,200 texts twice) on an NVIDIA GPU: from Start to the report, and beside a bare loop.

The weights are random and made on the spot, since speed does not ask what they know. The rival is what one would write by hand: autocast,
fused AdamW, the same model, the same batches in the same order, and nothing else. Run it with ``make bench-gpu``; where there is no
such GPU it says so. ``--tiny`` does all of it with a tiny model on any device, to see that it works.
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
from trainer.data.files.reading import read_table
from trainer.data.rows import save_rows
from trainer.data.splits import Splits, split
from trainer.jobs import pipeline
from trainer.recipe import Recipe
from trainer.runs.run import RunStore
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
"""Steps of the bare loop before anything is measured: the GPU wakes, and libraries choose their kernels."""


@dataclass(frozen=True)
class Size:
    """How much is trained."""

    layers: int
    width: int
    heads: int
    vocabulary: int
    rows: int
    """All of them: seven tenths are trained on."""
    batch: int
    epochs: int
    rounds: int


TUTORIAL = Size(layers=12, width=768, heads=12, vocabulary=30_522, rows=16_000, batch=64, epochs=2, rounds=3)
TINY = Size(layers=2, width=32, heads=2, vocabulary=2_000, rows=300, batch=16, epochs=1, rounds=1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a table, then one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gpu", description="Measure a training on an NVIDIA GPU.")
    parser.add_argument("--tiny", action="store_true", help="a tiny model on any device: does the measurement work?")
    tiny = parser.parse_args(arguments).tiny
    hardware = detect_hardware()
    if hardware.device != "cuda" and not tiny:
        reason = f"no NVIDIA GPU that torch can use was found ({hardware.name})"
        print(f"The training on a GPU is not measured: {reason}.")
        print(json.dumps({"skipped": reason}))
        return
    found = measure(TINY if tiny else TUTORIAL, hardware)
    print(f"{found['device']}: {found['parameters'] / 1e6:.1f} M parameters, {found['train_rows']:,} texts, {found['epochs']} epochs")
    print(f"  from Start to the report, seconds          {found['seconds_start_to_report']:9.1f}   (wanted: 15 or less)")
    print(f"  texts a second, Emotune                    {found['samples_per_second']:9.1f}")
    print(f"  texts a second, a bare loop by hand        {found['bare_loop_samples_per_second']:9.1f}")
    print(f"  Emotune's share of the bare loop's speed   {found['ratio_vs_bare_loop']:9.2f}   (wanted: 0.70 or more)")
    print(f"  peak memory, MB                            {found['peak_megabytes']:9,.0f}")
    print(json.dumps(found))


def measure(size: Size, hardware: Hardware) -> dict[str, Any]:
    """Medians over the rounds; in each, ours and the bare loop take their turns on the same rows."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        corpus = _corpus(root / "texts.csv", size.rows)
        splits = split(corpus, validation_share=0.1, test_share=0.2, seed=42)
        encoder = _random_encoder(root / "random-bert", corpus.texts, size)
        _bare(encoder, corpus, splits, size, hardware, most_steps=_WARM_UP)
        ours, bare, peaks = [], [], []
        for number in range(size.rounds):
            with _peak(hardware, peaks):
                ours.append(_ours(root / f"runs-{number}", encoder, corpus, splits, size))
            bare.append(_bare(encoder, corpus, splits, size, hardware))
    return {
        "device": hardware.description,
        "parameters": encoder.parameters,
        "train_rows": len(splits.train),
        "epochs": size.epochs,
        "seconds_start_to_report": round(statistics.median(view.seconds for view in ours), 2),
        "samples_per_second": round(statistics.median(view.samples_per_second for view in ours), 1),
        "bare_loop_samples_per_second": round(statistics.median(bare), 1),
        "ratio_vs_bare_loop": round(statistics.median(o.samples_per_second / b for o, b in zip(ours, bare, strict=True)), 3),
        "peak_megabytes": round(max(peaks)),
    }


def _corpus(file: Path, count: int) -> Corpus:
    """So many of the emotion tweets, or sentences of made-up words whose lengths are distributed like theirs (log-normal, 2 to 66 words)."""
    draw = random.Random(1)
    if _TWEETS.is_file():
        lines = _TWEETS.read_text(encoding="utf-8").splitlines()
        lines = draw.sample(lines, min(count, len(lines)))
    else:
        words = list({"".join(draw.choices(string.ascii_lowercase, k=draw.randint(1, 9))) for _ in range(16_000)})
        frequencies = [1 / rank for rank in range(1, len(words) + 1)]  # Zipf's law
        lengths = [min(66, max(2, round(draw.lognormvariate(2.78, 0.61)))) for _ in range(count)]
        lines = [f"{' '.join(draw.choices(words, frequencies, k=length))};{draw.choice(_LABELS)}" for length in lengths]
    file.write_text("text;label\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return build_corpus(read_table(file.read_bytes()), text=0, label=1)


def _random_encoder(folder: Path, texts: Sequence[str], size: Size) -> Encoder:
    """A BERT with random weights; its vocabulary has characters, then the texts' words by frequency, then fillers up to the usual size."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    words = [word for word, _ in Counter(" ".join(texts).lower().split()).most_common()]
    pieces = [*string.ascii_lowercase, *string.digits, *(f"##{c}" for c in string.ascii_lowercase + string.digits)]
    known = list(dict.fromkeys([*_SPECIAL, *pieces, *words]))[: size.vocabulary]
    known += [f"[unused{n}]" for n in range(size.vocabulary - len(known))]
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=size.vocabulary,
        hidden_size=size.width,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        intermediate_size=4 * size.width,
    )
    BertModel(config).save_pretrained(folder)
    BertTokenizer(vocab={token: number for number, token in enumerate(known)}).save_pretrained(folder)
    return local_encoder(folder)


def _ours(root: Path, encoder: Encoder, corpus: Corpus, splits: Splits, size: Size) -> RunView:
    """A whole run, as the training thread of the page does it."""
    store, recipe = RunStore(root), Recipe(encoder=encoder.name, epochs=size.epochs, batch_size=size.batch)
    run = store.create(
        recipe=recipe,
        resolved=recipe.resolved(train_rows=len(splits.train), learning_rate=encoder.learning_rate),
        fill=lambda new: save_rows(new / "data.parquet", corpus, splits),
        name="bench",
        owner="local",
        source_name="texts.csv",
        rows={"train": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)},
    )
    pipeline.run_job(run, EncoderCatalogue([encoder]))
    view = store.view(run)
    if view.status != "finished":
        raise RuntimeError(f"the run {view.status}: {view.message}")
    pipeline.load_report(run, "test")
    return view


def _bare(encoder: Encoder, corpus: Corpus, splits: Splits, size: Size, hardware: Hardware, *, most_steps: int | None = None) -> float:
    """Texts a second of a loop by hand, from its first step to its last; no logs, no evaluations, no files."""
    import torch
    from transformers import DataCollatorWithPadding

    from trainer.training.batching import epoch_order
    from trainer.training.tokenized_dataset import tokenize_dataset

    tokenizer = load_tokenizer(encoder, max_length=128)
    rows = tokenize_dataset(tokenizer, [corpus.texts[i] for i in splits.train], corpus.label_ids[splits.train])
    collate = DataCollatorWithPadding(tokenizer)
    model = load_classifier(encoder, corpus.label_names).to(hardware.device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=encoder.learning_rate, fused=hardware.device == "cuda")
    steps = math.ceil(len(rows) / size.batch) * size.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / steps))
    scaler = torch.amp.GradScaler(hardware.device, enabled=hardware.precision == "fp16")
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(hardware.precision)

    def batches(epoch: int) -> Any:
        order = epoch_order(rows.lengths, batch_size=size.batch, seed=0, epoch=epoch)
        chosen = [[rows[i] for i in order[start : start + size.batch]] for start in range(0, len(order), size.batch)]
        return torch.utils.data.DataLoader(
            chosen, batch_size=None, collate_fn=lambda batch: dict(collate(batch)), pin_memory=hardware.device == "cuda"
        )

    begun, texts, done = time.perf_counter(), 0, 0
    for epoch in range(size.epochs):
        for batch in batches(epoch):
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
            texts += len(batch["labels"])
            done += 1
            if done == most_steps:
                return texts / (time.perf_counter() - begun)
    if hardware.device == "cuda":
        torch.cuda.synchronize()
    return texts / (time.perf_counter() - begun)


@contextlib.contextmanager
def _peak(hardware: Hardware, peaks: list[float]) -> Any:
    """Add the most megabytes that were taken meanwhile: of the GPU, or else of this process since its start."""
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
