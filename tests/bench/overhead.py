"""What charts, events and a page that somebody watches add to the CPU time of a training.

The page is the real one, served by the process that trains, as in life; a process of its own asks it for news each second. Within a
training the page is watched and events are written in every other block of steps; the next training, on the same batches, does it in
the blocks between. So each block is met both ways, and what the machine's mood adds falls on both. A server that nobody asks works too:
what its threads took in the unwatched blocks is counted thread by thread and taken off what the watched ones are compared with.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.addresses import free_port
from trainer.data.corpus import Corpus
from trainer.data.rows import save_rows
from trainer.data.splits import Splits
from trainer.recipe import Recipe
from trainer.runs.events import EventLog
from trainer.runs.run import Run, RunStore
from trainer.runs.writer_lock import writer_lock
from trainer.settings import Settings
from trainer.training.encoder_catalogue import EncoderCatalogue

_BATCH = 64
_BLOCK = 8
"""Steps watched, then as many unwatched: some seconds."""
_FULL = 200
"""Points in the charts from the first step on, as at the end of a long training, when a redraw costs most."""

_CLIENT = """
import sys, urllib.request
for _ in sys.stdin:
    request = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), {"Content-Type": "application/json"})
    print(len(urllib.request.urlopen(request, timeout=60).read()), flush=True)
"""


def measure(corpus: Corpus, *, rows: int = 4_096, rounds: int = 6) -> dict[str, Any]:
    """Per cent of the training's own CPU time: the median over all pairs of blocks and their quartiles; then what it is made of."""
    _train(corpus, rows, watched_first=True)  # libraries choose their kernels for each shape
    pairs: list[tuple[_Block, _Block]] = []
    for number in range(rounds):
        first, second = (_train(corpus, rows, watched_first=which) for which in (number % 2 == 0, number % 2 == 1))
        for one, other in zip(first.blocks, second.blocks, strict=True):
            pairs.append((one, other) if one.watched else (other, one))
    shares = [100 * (watched.seconds / alone.of_training - 1) for watched, alone in pairs]
    low, middle, high = (round(float(q), 2) for q in np.quantile(shares, (0.25, 0.5, 0.75)))
    idle_rate = sum(alone.of_the_page for _, alone in pairs) / sum(alone.lasted for _, alone in pairs)
    redraws = sum(watched.of_the_page - idle_rate * watched.lasted for watched, _ in pairs)
    of_training = sum(block.of_training for pair in pairs for block in pair)
    return {
        "chart_overhead_percent": middle,
        "chart_overhead_quartiles": [low, high],
        "chart_pairs": len(pairs),
        "chart_counted_percent": round(100 * sum(watched.of_the_page for watched, _ in pairs) / sum(w.of_training for w, _ in pairs), 2),
        "idle_server_percent": round(100 * idle_rate * sum(block.lasted for pair in pairs for block in pair) / of_training, 2),
        "redraw_cpu_ms": round(1000 * redraws / max(1, sum(watched.redraws for watched, _ in pairs)), 1),
        "chart_load_average": round(os.getloadavg()[0], 1),
    }


@dataclass(frozen=True)
class _Block:
    """Some steps of a training; ``seconds`` are CPU seconds of the whole process."""

    watched: bool
    lasted: float
    """Seconds on the clock."""
    seconds: float
    of_the_page: float
    """CPU seconds of the server's threads and of writing events."""
    redraws: int

    @property
    def of_training(self) -> float:
        return self.seconds - self.of_the_page


@dataclass
class _Meter:
    """Cuts a training into blocks as its steps come; the last one is left out, as it has an evaluation in it."""

    watched_first: bool
    ask: Callable[[], None]
    blocks: list[_Block] = field(default_factory=list)
    steps: int = 0
    writing: float = 0.0
    """CPU seconds that went into events in this block."""

    def __post_init__(self) -> None:
        self._ended = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._asked = 0
        self._mark = (0.0, 0.0, 0.0)

    @property
    def watching(self) -> bool:
        return (self.steps // _BLOCK % 2 == 0) == self.watched_first

    def step(self) -> None:
        """A step begins."""
        if self.steps % _BLOCK == 0:
            now = (time.monotonic(), time.process_time(), _page_seconds())
            if self.steps:
                watched = (self.steps // _BLOCK % 2 == 1) == self.watched_first
                lasted, seconds, page = (end - begin for begin, end in zip(self._mark, now, strict=True))
                self.blocks.append(_Block(watched, lasted, seconds, page + self.writing, self._asked))
            self._mark, self._asked, self.writing = now, 0, 0.0
        self.steps += 1

    def start(self) -> None:
        self._ticker.start()

    def end(self) -> None:
        self._ended.set()
        self._ticker.join()

    def _tick(self) -> None:
        while not self._ended.wait(1.0):
            if self.watching:
                self.ask()
                self._asked += 1


def _page_seconds() -> float:
    """CPU seconds so far of this process's Python threads but this one: those of the server. Those of torch are not Python's."""
    mine, total = threading.get_native_id(), 0
    for thread in threading.enumerate():
        file = Path(f"/proc/self/task/{thread.native_id}/schedstat")
        if thread.native_id != mine and file.exists():
            total += int(file.read_text().split()[0])
    return total / 1e9


def _train(corpus: Corpus, rows: int, *, watched_first: bool) -> _Meter:
    from trainer.jobs.pipeline import RunHistory, train_run
    from trainer.training.trainer import ClassificationTrainer

    with tempfile.TemporaryDirectory() as folder:
        run, splits = _run(Path(folder), corpus, rows)
        with writer_lock(run.path), _page(Path(folder)) as ask:
            ask()  # opening the page is not watching it
            meter = _Meter(watched_first, ask)
            step, append = ClassificationTrainer.training_step, EventLog.append

            def counted_step(self: Any, *arguments: Any, **named: Any) -> Any:
                meter.step()
                return step(self, *arguments, **named)

            def counted_append(self: Any, kind: str, **named: Any) -> None:
                if kind == "log" and not meter.watching:
                    return
                begun = time.thread_time()
                append(self, kind, **named)
                meter.writing += time.thread_time() - begun

            ClassificationTrainer.training_step, EventLog.append = counted_step, counted_append
            meter.start()
            try:
                train_run(run, RunHistory.read(run), EncoderCatalogue().default, corpus, splits)
            finally:
                ClassificationTrainer.training_step, EventLog.append = step, append
                meter.end()
    return meter


def _run(folder: Path, corpus: Corpus, rows: int) -> tuple[Run, Splits]:
    order = np.random.default_rng(0).permutation(len(corpus))
    parts = [np.sort(order[a:b]) for a, b in ((0, rows), (rows, rows + 200), (rows + 200, rows + 400), (rows + 400, len(corpus)))]
    splits = Splits(*parts, split_notes=())
    recipe = Recipe(epochs=1, batch_size=_BATCH, evaluations_per_epoch=1, log_every=2)
    run = RunStore(folder).create(
        recipe=recipe,
        resolved=recipe.resolved(train_rows=rows, learning_rate=1e-4),
        fill=lambda new: save_rows(new / "data.parquet", corpus, splits),
        name="bench",
        owner="local",
        source_name="tweets.csv",
        rows={"train": rows},
    )
    draw = np.random.default_rng(1)
    for step in range(1, _FULL + 1):
        loss, accuracy = draw.random(2).round(6)
        run.log.append("log", step=step, epoch=step / _FULL, loss=loss, accuracy=accuracy, elapsed=float(step), samples_per_second=200.0)
    return run, splits


@contextmanager
def _page(runs: Path) -> Iterator[Callable[[], None]]:
    """Serve the page from this process; yields what asks it for news from outside, and waits for the answer."""
    from trainer.studio import Studio
    from trainer.ui.serving import launch

    port = free_port()
    blocks = launch(Studio(Settings(runs_dir=runs)), "127.0.0.1", port)
    address = f"http://127.0.0.1:{port}"
    config = json.loads(urllib.request.urlopen(f"{address}/config").read())
    tick = next(d for d in config["dependencies"] if any(event == "tick" for _, event in d["targets"]))
    body = json.dumps({"fn_index": tick["id"], "data": ["", *[None] * (len(tick["inputs"]) - 1)], "session_hash": "bench"})
    command = [sys.executable, "-c", _CLIENT, f"{address}/gradio_api/run/predict", body]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:

        def ask() -> None:
            client.stdin.write("\n")
            client.stdin.flush()
            if not client.stdout.readline():
                raise RuntimeError("the page gave no answer")

        try:
            yield ask
        finally:
            client.stdin.close()
            client.wait()
            blocks.close()


def main() -> None:
    """Measure this alone."""
    from tests.bench.training import TWEETS
    from trainer.data.corpus import build_corpus
    from trainer.data.files.reading import read_table

    print(json.dumps(measure(build_corpus(read_table(TWEETS.read_bytes()), text=0, label=1))))


if __name__ == "__main__":
    from trainer.settings import prepare_environment

    prepare_environment()
    main()
