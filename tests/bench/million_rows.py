"""The peak memory of a server at each stage, from opening 1,000,000 short rows to the first training step. Linux only.

    python -m tests.bench.million_rows [ROWS]

The model is tiny: the measurement is about the rows.
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

from trainer.runs.event_types import Logged
from trainer.settings import LOCAL_OWNER, Settings, prepare_environment

_ALLOWED_MB = 3000
_LABELS = ("joy", "sadness", "anger", "fear", "love", "surprise")
_SYLLABLES = (
    "ba be bi bo bu da de di do du ka ke ki ko ku la le li lo lu ma me mi mo mu na ne ni no nu ra re ri ro ru sa se si so su".split()
)
_POLL_SECONDS = 0.02


def measure(rows: int = 1_000_000) -> dict[str, int]:
    """Peak resident megabytes of each stage, in a separate process."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.million_rows", "--child", str(rows), folder]
        process = subprocess.run(command, cwd=Path(__file__).resolve().parents[2], capture_output=True, text=True, check=False)
    if process.returncode:
        raise RuntimeError(process.stderr)
    return {f"rows_{rows}_{stage}_peak_mb": peak for stage, peak in json.loads(process.stdout.splitlines()[-1]).items()}


def show(peaks: dict[str, int]) -> None:
    print(f"Resident memory from a file of short rows to the first step, MB at the peak of each stage (allowed: {_ALLOWED_MB:,})")
    for name, peak in peaks.items():
        print(f"  {name:<40} {peak:6,}")


class Peaks:
    """Samples the memory in a thread and keeps the peak of each ``stage``."""

    def __init__(self) -> None:
        self.peaks: dict[str, int] = {}
        self.stage = "start_up"
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self) -> None:
        while True:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            megabytes = pages * os.sysconf("SC_PAGE_SIZE") // 2**20
            self.peaks[self.stage] = max(self.peaks.get(self.stage, 0), megabytes)
            time.sleep(_POLL_SECONDS)

    def at_call(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            self.stage = stage
            return call(*args, **kwargs)

        return wrapper


def _child(rows: int, folder: Path) -> None:
    """Open, prepare, start, and train until the first step is logged; prints the peaks."""
    from trainer.jobs.train import pipeline
    from trainer.recipe import Recipe
    from trainer.runs.run import Run
    from trainer.studio import Studio
    from trainer.training import fit
    from trainer.training.encoders import local_encoder

    path, encoder = _write_rows(folder / "short.csv", rows), local_encoder(_tiny_bert(folder / "tiny"))
    workspace = Studio(Settings(runs_dir=folder / "runs"), encoders=[encoder]).for_owner(LOCAL_OWNER)
    recipe = Recipe(encoder=encoder.name, epochs=1, batch_size=32, max_length=32, log_every=1, evaluations_per_epoch=1)
    peaks = Peaks()
    fit.load_training_libraries()
    peaks.stage = "opened"
    draft = workspace.drafts.open_files({"main": (path.name, path)}).draft.id
    peaks.stage = "prepared"
    workspace.drafts.get(draft).splits(recipe)
    workspace.advise(draft, recipe)
    peaks.stage = "started"
    pipeline.load_run_rows = peaks.at_call("rows_loaded", pipeline.load_run_rows)
    fit.tokenize_dataset = peaks.at_call("tokenized", fit.tokenize_dataset)
    pipeline._score_quick_baselines = peaks.at_call("baselines", pipeline._score_quick_baselines)
    fit.train_with_oom_retry = peaks.at_call("first_step", fit.train_with_oom_retry)
    run = workspace.start(draft, recipe, ignore_findings=True)
    log = Run(folder / "runs" / run.id).log
    while not any(isinstance(event, Logged) for event in log.read()):
        if not workspace.library.view(run.id).live:
            raise RuntimeError(workspace.library.view(run.id).message)
        time.sleep(1)
    print(json.dumps(peaks.peaks), flush=True)
    os._exit(0)


def _write_rows(path: Path, rows: int) -> Path:
    rng = random.Random(1)
    words = [a + b for a in _SYLLABLES for b in _SYLLABLES]
    with path.open("w", encoding="utf-8") as file:
        file.write("text,label\n")
        file.writelines(f"{' '.join(rng.choices(words, k=5))},{_LABELS[rng.randrange(6)]}\n" for _ in range(rows))
    return path


def _tiny_bert(folder: Path) -> Path:
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
        peaks = measure(*map(int, sys.argv[1:2]))
        show(peaks)
        print(json.dumps(peaks))
