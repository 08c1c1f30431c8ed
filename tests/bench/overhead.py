"""CPU time that charts, events and an open page add to a training.

The real page is served by the training process, as in the app; a separate process polls it each second. Within a training the page is polled
and events are written in every other block of steps; the next training, on the same batches, does so in the other blocks. So each block is
measured both ways, and variations of the machine affect both. An idle server takes CPU time too: the time of its threads in the unwatched
blocks is measured by thread and subtracted from the reference.
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
from tests.bench.training import load_tweets
from trainer.data.corpus import Corpus
from trainer.data.rows import save_rows
from trainer.data.splits import Splits
from trainer.recipe import Recipe
from trainer.runs.event_schema import Event
from trainer.runs.event_types import Created, Logged
from trainer.runs.events import EventLog
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.runs.writer_lock import writer_lock
from trainer.settings import Settings, prepare_environment
from trainer.training.encoder_catalogue import EncoderCatalogue

_BATCH_SIZE = 64
_BLOCK_STEPS = 8
"""Steps of a watched or unwatched block: some seconds."""
_INITIAL_POINTS = 200
"""Points in the charts before the first step, as at the end of a long training, when a redraw costs most."""

_CLIENT = """
import sys, urllib.request
for _ in sys.stdin:
    request = urllib.request.Request(sys.argv[1], sys.argv[2].encode(), {"Content-Type": "application/json"})
    print(len(urllib.request.urlopen(request, timeout=60).read()), flush=True)
"""


def measure(rows: int = 4_096, rounds: int = 6) -> dict[str, Any]:
    """Percent of the training's CPU time: median and quartiles over all pairs of blocks, and its parts."""
    corpus = load_tweets()
    _train(corpus, rows, watched_first=True)  # warms up: libraries choose their kernels for each shape
    pairs: list[tuple[_Block, _Block]] = []
    for number in range(rounds):
        first, second = (_train(corpus, rows, watched_first=watched_first) for watched_first in (number % 2 == 0, number % 2 == 1))
        for one, other in zip(first.blocks, second.blocks, strict=True):
            pairs.append((one, other) if one.watched else (other, one))
    percents = [100 * (watched.cpu_seconds / unwatched.training_seconds - 1) for watched, unwatched in pairs]
    low, middle, high = (round(float(q), 2) for q in np.quantile(percents, (0.25, 0.5, 0.75)))
    idle_rate = sum(unwatched.page_seconds for _, unwatched in pairs) / sum(unwatched.wall_seconds for _, unwatched in pairs)
    redraw_seconds = sum(watched.page_seconds - idle_rate * watched.wall_seconds for watched, _ in pairs)
    training_seconds = sum(block.training_seconds for pair in pairs for block in pair)
    return {
        "chart_overhead_percent": middle,
        "chart_overhead_quartiles": [low, high],
        "chart_pairs": len(pairs),
        "chart_counted_percent": round(
            100 * sum(watched.page_seconds for watched, _ in pairs) / sum(w.training_seconds for w, _ in pairs), 2
        ),
        "idle_server_percent": round(100 * idle_rate * sum(block.wall_seconds for pair in pairs for block in pair) / training_seconds, 2),
        "redraw_cpu_ms": round(1000 * redraw_seconds / max(1, sum(watched.redraws for watched, _ in pairs)), 1),
        "chart_load_average": round(os.getloadavg()[0], 1),
    }


@dataclass(frozen=True)
class _Block:
    """Some steps of a training; ``cpu_seconds`` are those of the whole process."""

    watched: bool
    wall_seconds: float
    cpu_seconds: float
    page_seconds: float
    """CPU seconds of the server's threads and of writing events."""
    redraws: int

    @property
    def training_seconds(self) -> float:
        return self.cpu_seconds - self.page_seconds


@dataclass
class _Meter:
    """Cuts a training into blocks; the last one is left out, since it contains an evaluation."""

    watched_first: bool
    poll: Callable[[], None]
    blocks: list[_Block] = field(default_factory=list)
    steps: int = 0
    event_seconds: float = 0.0
    """CPU seconds of writing events in this block."""

    def __post_init__(self) -> None:
        self._finished = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._n_polls = 0
        self._block_start = (0.0, 0.0, 0.0)

    @property
    def is_watched(self) -> bool:
        return (self.steps // _BLOCK_STEPS % 2 == 0) == self.watched_first

    def step(self) -> None:
        """Called before each step."""
        if self.steps % _BLOCK_STEPS == 0:
            now = (time.monotonic(), time.process_time(), _page_seconds())
            if self.steps:
                watched = (self.steps // _BLOCK_STEPS % 2 == 1) == self.watched_first
                wall_seconds, cpu_seconds, page_seconds = (end - begin for begin, end in zip(self._block_start, now, strict=True))
                self.blocks.append(_Block(watched, wall_seconds, cpu_seconds, page_seconds + self.event_seconds, self._n_polls))
            self._block_start, self._n_polls, self.event_seconds = now, 0, 0.0
        self.steps += 1

    def start(self) -> None:
        self._ticker.start()

    def end(self) -> None:
        self._finished.set()
        self._ticker.join()

    def _tick(self) -> None:
        while not self._finished.wait(1.0):
            if self.is_watched:
                self.poll()
                self._n_polls += 1


def _page_seconds() -> float:
    """CPU seconds so far of all other Python threads of this process: the server's. torch's threads are not Python threads."""
    this_thread, nanoseconds = threading.get_native_id(), 0
    for thread in threading.enumerate():
        file = Path(f"/proc/self/task/{thread.native_id}/schedstat")
        if thread.native_id != this_thread and file.exists():
            nanoseconds += int(file.read_text().split()[0])
    return nanoseconds / 1e9


def _train(corpus: Corpus, rows: int, *, watched_first: bool) -> _Meter:
    from trainer.jobs.train.run_training import RunHistory, train_run
    from trainer.training.trainer import ClassificationTrainer

    with tempfile.TemporaryDirectory() as folder:
        run, splits = _run(Path(folder), corpus, rows)
        with writer_lock(run.path), _page(Path(folder)) as poll:
            poll()  # opens the page
            meter = _Meter(watched_first, poll)
            step, append = ClassificationTrainer.training_step, EventLog.append

            def counted_step(self: Any, *args: Any, **kwargs: Any) -> Any:
                meter.step()
                return step(self, *args, **kwargs)

            def counted_append(self: Any, event: Event, **options: Any) -> None:
                if isinstance(event, Logged) and not meter.is_watched:
                    return
                start = time.thread_time()
                append(self, event, **options)
                meter.event_seconds += time.thread_time() - start

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
    recipe = Recipe(epochs=1, batch_size=_BATCH_SIZE, evaluations_per_epoch=1, log_every=2)
    run = RunStore(folder).create(
        recipe=recipe,
        resolved=recipe.resolved(train_rows=rows, learning_rate=1e-4),
        fill=lambda new: save_rows(new / "data.parquet", corpus, splits),
        created=Created(name="bench", owner="local", source_name="tweets.csv", rows={"train": rows}),
    )
    rng = np.random.default_rng(1)
    for step in range(1, _INITIAL_POINTS + 1):
        loss, accuracy = rng.random(2).round(6)
        run.log.append(
            Logged(step=step, epoch=step / _INITIAL_POINTS, loss=loss, accuracy=accuracy, elapsed=float(step), samples_per_second=200.0)
        )
    return run, splits


@contextmanager
def _page(runs: Path) -> Iterator[Callable[[], None]]:
    """Serve the page from this process; yields a function that polls it from another process and waits for the response."""
    from trainer.studio import Studio
    from trainer.ui.launch import launch

    port = free_port()
    blocks = launch(Studio(Settings(runs_dir=runs)), "127.0.0.1", port)
    address = f"http://127.0.0.1:{port}"
    config = json.loads(urllib.request.urlopen(f"{address}/config").read())
    tick = next(d for d in config["dependencies"] if any(event == "tick" for _, event in d["targets"]))
    body = json.dumps({"fn_index": tick["id"], "data": ["", *[None] * (len(tick["inputs"]) - 1)], "session_hash": "bench"})
    command = [sys.executable, "-c", _CLIENT, f"{address}/gradio_api/run/predict", body]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:

        def poll() -> None:
            client.stdin.write("\n")
            client.stdin.flush()
            if not client.stdout.readline():
                raise RuntimeError("the page did not respond")

        try:
            yield poll
        finally:
            client.stdin.close()
            client.wait()
            blocks.close()


def show(results: dict[str, Any]) -> None:
    low, high = results["chart_overhead_quartiles"]
    print("CPU time that charts, events and an open page add to the same training, percent   (allowed: 2)")
    print(
        f"  median of {results['chart_pairs']} pairs of blocks of steps {results['chart_overhead_percent']:.1f}, quartiles {low:.1f} and {high:.1f}"
    )
    print(f"  measured by thread {results['chart_counted_percent']:.1f}, of which an idle server {results['idle_server_percent']:.1f}")


if __name__ == "__main__":
    prepare_environment()
    print(json.dumps(measure()))
