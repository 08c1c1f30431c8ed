"""The memory of a server, from opening 1,000,000 short rows to the first step of a training on them, stage by stage. Linux only.

    python -m tests.bench.million_rows [ROWS]

The model is a tiny one: what is measured is what the rows take.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainer.settings import LOCAL_OWNER, Settings, prepare_environment

_ALLOWED = 3000
_LABELS = ("joy", "sadness", "anger", "fear", "love", "surprise")
_SYLLABLES = (
    "ba be bi bo bu da de di do du ka ke ki ko ku la le li lo lu ma me mi mo mu na ne ni no nu ra re ri ro ru sa se si so su".split()
)
_LOOK_SECONDS = 0.02


def measure(rows: int = 1_000_000) -> dict[str, int]:
    """Megabytes of resident memory at the peak of each stage, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.million_rows", "--child", str(rows), folder]
        done = subprocess.run(command, cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return {f"rows_{rows}_{stage}_peak_mb": peak for stage, peak in json.loads(done.stdout.splitlines()[-1]).items()}


def show(found: dict[str, int]) -> None:
    print(f"Resident memory from a file of short rows to the first step, MB at the peak of each stage (allowed: {_ALLOWED:,})")
    for name, peak in found.items():
        print(f"  {name:<40} {peak:6,}")


class Peaks:
    """The most memory of each stage, looked at by a thread; the stage is named by whoever enters it."""

    def __init__(self) -> None:
        self.peaks: dict[str, int] = {}
        self.stage = "start_up"
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        while True:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            megabytes = pages * os.sysconf("SC_PAGE_SIZE") // 2**20
            self.peaks[self.stage] = max(self.peaks.get(self.stage, 0), megabytes)
            time.sleep(_LOOK_SECONDS)

    def entering(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def entered(*args: Any, **kwargs: Any) -> Any:
            self.stage = stage
            return call(*args, **kwargs)

        return entered


def _child(rows: int, folder: Path) -> None:
    """Open, prepare, start, and train until the first step is told; prints the peaks."""
    from trainer.jobs import pipeline
    from trainer.recipe import Recipe
    from trainer.runs.run import Run
    from trainer.studio import Studio
    from trainer.training import fit
    from trainer.training.encoders import local_encoder

    path, encoder = _write(folder / "short.csv", rows), local_encoder(_tiny(folder / "tiny"))
    studio = Studio(Settings(runs_dir=folder / "runs"), encoders=[encoder])
    recipe = Recipe(encoder=encoder.name, epochs=1, batch_size=32, max_length=32, log_every=1, evaluations_per_epoch=1)
    peaks = Peaks()
    fit.load_training_libraries()
    peaks.stage = "opened"
    draft = studio.for_owner(LOCAL_OWNER).drafts.open_files({"main": (path.name, path)}).draft.id
    peaks.stage = "prepared"
    studio.for_owner(LOCAL_OWNER).drafts.get(draft).splits(recipe)
    studio.for_owner(LOCAL_OWNER).advise(draft, recipe)
    peaks.stage = "started"
    pipeline.load_run_rows = peaks.entering("rows_loaded", pipeline.load_run_rows)
    fit.tokenize_dataset = peaks.entering("tokenised", fit.tokenize_dataset)
    pipeline._score_quick_baselines = peaks.entering("word_counts", pipeline._score_quick_baselines)
    fit.train_with_oom_retry = peaks.entering("first_step", fit.train_with_oom_retry)
    run = studio.for_owner(LOCAL_OWNER).start(draft, recipe, as_it_is=True)
    log = Run(studio.settings.runs_dir / run.id).log
    while not any(event["kind"] == "log" for event in log.read()):
        if not studio.for_owner(LOCAL_OWNER).library.view(run.id).live:
            raise RuntimeError(studio.for_owner(LOCAL_OWNER).library.view(run.id).message)
        time.sleep(1)
    print(json.dumps(peaks.peaks), flush=True)
    os._exit(0)


def _write(path: Path, rows: int) -> Path:
    draw = random.Random(1)
    words = [a + b for a in _SYLLABLES for b in _SYLLABLES]
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        file.writelines(f"{' '.join(draw.choices(words, k=5))},{_LABELS[draw.randrange(6)]}\n" for _ in range(rows))
    return path


def _tiny(folder: Path) -> Path:
    from transformers import BertConfig, BertModel, BertTokenizer

    words = [a + b for a in _SYLLABLES for b in _SYLLABLES]
    vocabulary = {token: i for i, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words])}
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": 64}
    BertModel(BertConfig(vocab_size=len(vocabulary), **size)).save_pretrained(folder)
    BertTokenizer(vocab=vocabulary).save_pretrained(folder)
    return folder


if __name__ == "__main__":
    prepare_environment()
    if sys.argv[1:2] == ["--child"]:
        _child(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        measured = measure(*map(int, sys.argv[1:2]))
        show(measured)
        print(json.dumps(measured))
