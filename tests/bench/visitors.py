"""Visitors: many of them on one public server beside a training, and many more in a simulation of the queue alone.

Each visitor is a thread with a cookie and a connection of its own that does what a page does: it opens it, asks for what is new as often as the server says,
classifies typed texts with the model of the sample, sends a file, looks at it and starts a training. Clients and server share the cores, as they
must where there is no second machine; the standard library's connection takes a fifth of the CPU time of httpx. The training is measured against itself,
before anybody comes.

    python -m tests.bench.visitors [--visitors 60] [--seconds 300] [--queued 200]
"""

import argparse
import csv
import json
import os
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from tests.addresses import free_port, wait_until_served
from tests.child_processes import popen
from trainer.jobs.queue import JobQueue
from trainer.runs.event_types import Logged
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.settings import SERVER_OWNER

_ROOT = Path(__file__).resolve().parents[2]
_SAMPLE = _ROOT / "assets" / "sample_emotions.csv"
_TIMEOUT_SECONDS = 900.0
_ALONE_SHARE = 0.2
"""Of the time with visitors: how long the training is measured without them."""
_TRAINED_ROWS, _EPOCHS = 12_000, 12
"""More than ten minutes of training."""
_PREDICTION_EVERY = 20.0
"""Seconds between two texts that a visitor types, on the average."""
REFUSALS = {
    *(
        "queue_full",
        "too_many_starts",
        "too_many_runs",
        "too_much_kept",
        "too_many_predictions",
        "memory_full",
        "uploads_full",
        "too_many_pages",
    ),
    "disk_full",
}
"""Codes of sentences that say which budget is used up."""


def measure(visitors: int = 60, seconds: float = 300.0, queued: int = 200) -> dict[str, Any]:
    """Times in ms, speeds in steps a second, memory in MB."""
    return {**_beside_a_training(visitors, seconds), **in_the_queue_alone(queued)}


@dataclass
class _Tally:
    """What all visitors have seen."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    refusals: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, seconds: float, code: str, message: str) -> None:
        with self.lock:
            self.times[what].append(seconds)
            if code in REFUSALS:
                self.refusals[code] += 1
            elif code:
                self.errors.append(f"{what}: {code} {message[:300]}")

    def p95(self, what: str) -> int | None:
        times = sorted(self.times[what])
        return round(1000 * times[int(0.95 * (len(times) - 1))]) if times else None


class _Visitor:
    """One browser: a cookie, a connection, and the values of its page that the server asks for."""

    def __init__(self, port: int, config: dict[str, Any], tally: _Tally, number: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
        self._tally, self._session, self._cookie = tally, f"visitor{number}", ""
        self._tick = next(event for event in config["dependencies"] if event["api_name"] == "tick")
        self._timer = next(
            part["id"] for part in config["components"] if part["type"] == "timer" and part["id"] == self._tick["targets"][0][0]
        )
        self._values: dict[int, Any] = dict.fromkeys(self._tick["inputs"], "")
        self.pause = 1.0
        """Seconds until the page asks again."""

    def open(self) -> None:
        self._timed("page", lambda: self._send("GET", "/"))

    def tick(self) -> None:
        data = {"fn_index": self._tick["id"], "data": [*self._values.values()], "session_hash": self._session}
        answer = self._timed("tick", lambda: self._send("POST", "/gradio_api/run/predict", data))
        for part, value in zip(self._tick["outputs"], (answer or {}).get("data", ()), strict=False):
            if isinstance(value, dict) and value.get("__type__") == "update":
                if "value" not in value:
                    continue
                value = value["value"]
            if part == self._timer:
                self.pause = float(value)
            elif part in self._values:
                self._values[part] = value

    def call(self, endpoint: str, *data: Any, what: str = "") -> Any:
        """The result of a named endpoint; None if it was refused."""

        def ask() -> tuple[Any, str, str]:
            joined, code, message = self._send("POST", f"/gradio_api/call/{endpoint}", {"data": list(data)})
            return (None, code, message) if code else self._send("GET", f"/gradio_api/call/{endpoint}/{joined['event_id']}")

        answer = self._timed(what or endpoint, ask)
        return answer[0] if answer else None

    def upload(self, content: bytes) -> dict[str, Any] | None:
        head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="moods.csv"\r\nContent-Type: text/csv\r\n\r\n'
        body = head + content + b"\r\n--x--\r\n"
        answer = self._timed("upload", lambda: self._send("POST", "/gradio_api/upload", body))
        return {"path": answer[0], "meta": {"_type": "gradio.FileData"}} if answer else None

    def _timed(self, what: str, ask: Callable[[], tuple[Any, str, str]]) -> Any:
        started = time.monotonic()
        try:
            answer, code, message = ask()
        except (OSError, HTTPException, ValueError) as error:
            answer, code, message = None, type(error).__name__, str(error)
            self.connection.close()
        self._tally.add(what, time.monotonic() - started, code, message)
        return answer

    def _send(self, method: str, path: str, data: Any = None) -> tuple[Any, str, str]:
        """The answer, and if it is a refusal its code and message."""
        headers = {"Cookie": self._cookie} if self._cookie else {}
        if isinstance(data, bytes):
            headers["Content-Type"] = "multipart/form-data; boundary=x"
        elif data is not None:
            data, headers["Content-Type"] = json.dumps(data), "application/json"
        self.connection.request(method, path, data, headers)
        response = self.connection.getresponse()
        body = response.read()
        self._cookie = (response.getheader("Set-Cookie") or self._cookie).partition(";")[0]
        if response.getheader("Content-Type", "").startswith("text/event-stream"):
            events = re.findall(rb"event: (complete|error)\ndata: (.*)", body)
            event, value = events[-1] if events else (b"error", b'"the stream ended without a result"')
            answer = json.loads(value)
            if event == b"complete":
                return answer, "", ""
            return (
                (None, str(answer.get("title")), str(answer.get("error"))) if isinstance(answer, dict) else (None, "no_result", str(answer))
            )
        if response.getheader("Content-Type", "").startswith("application/json"):
            answer = json.loads(body)
            refused = response.status != 200
            return (None, str(answer.get("code", response.status)), str(answer)) if refused else (answer, "", "")
        return (body, "", "") if response.status == 200 else (None, str(response.status), body[:200].decode(errors="replace"))


def _beside_a_training(visitors: int, seconds: float) -> dict[str, Any]:
    tally = _Tally()
    server_started = time.monotonic()
    with _public_server() as (port, process, runs):
        offered = _wait_for(lambda: _offered(runs), process)
        first_model_seconds = time.monotonic() - server_started
        with closing(HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)) as connection:
            connection.request("GET", "/config")
            config = json.loads(connection.getresponse().read())
        trainer = _Visitor(port, config, _Tally(), -1)
        file = trainer.upload(_table(random.Random(0), _TRAINED_ROWS))
        started = trainer.call("start", file, None, None, {"epochs": _EPOCHS, "as_it_is": True, "log_every": 5}, None)
        if started is None:
            raise RuntimeError(f"the training was refused: {trainer._tally.errors} {trainer._tally.refusals}")
        run = Run(runs / started["run"])
        _wait_for(lambda: RunStore(runs).view(run).last_logged_step > 0, process)
        # The first steps are slower: libraries choose their kernels.
        time.sleep(min(10.0, 0.1 * seconds))
        alone_since = time.time()
        time.sleep(_ALONE_SHARE * seconds)
        alone = _wait_for(lambda: steps_a_second(run, alone_since), process)
        memory = [_resident_mb(process)]
        ended = threading.Event()
        threads = [
            threading.Thread(target=_visit, args=(_Visitor(port, config, tally, number), offered, seconds, random.Random(number), ended))
            for number in range(visitors)
        ]
        beside_since, started_at = time.time(), time.monotonic()
        for thread in threads:
            thread.start()
        while time.monotonic() - started_at < seconds:
            time.sleep(min(5.0, seconds / 10))
            memory.append(_resident_mb(process))
        elapsed, beside, view = time.monotonic() - started_at, steps_a_second(run, beside_since), RunStore(runs).view(run)
        ended.set()
        for thread in threads:
            thread.join()
        output = (runs.parent / "output").read_text(encoding="utf-8", errors="replace")
    quarter = max(1, len(memory) // 4)
    return {
        # From the command to a model that answers, at the very first start.
        "first_model_seconds": round(first_model_seconds, 1),
        "visitors": visitors,
        "visitor_seconds": round(elapsed),
        "visitor_requests": sum(map(len, tally.times.values())),
        "visitor_errors": len(tally.errors),
        "visitor_error_examples": tally.errors[:5],
        "visitor_refusals": dict(tally.refusals),
        "visitor_log_has_traceback": "Traceback" in output or " failed: " in output,
        **{f"visitor_{what}_p95_ms": tally.p95(what) for what in ("page", "tick", "predict", "upload", "inspect", "start")},
        "training_alone_steps_a_second": round(alone, 2),
        "training_beside_visitors_share": round(beside / alone, 2),
        "training_still_runs": view.status == "running",
        "visitor_memory_mb": [round(memory[0]), round(max(memory)), round(memory[-1])],
        # After the first quarter everything has been used once.
        "visitor_memory_growth_mb": round(max(memory[-quarter:]) - max(memory[:quarter])),
        "visitor_load_average": round(os.getloadavg()[0], 1),
    }


def _visit(visitor: _Visitor, offered: str, seconds: float, rng: random.Random, ended: threading.Event) -> None:
    """What one visitor does until the time is over; all come within the first tenth of it."""
    begin = time.monotonic()
    if ended.wait(rng.uniform(0, 0.1 * seconds)):
        return
    visitor.open()
    visitor.tick()
    due: list[tuple[float, str]] = [
        (time.monotonic() + visitor.pause, "tick"),
        (time.monotonic() + rng.expovariate(1 / _PREDICTION_EVERY), "predict"),
        (begin + rng.uniform(0.1, 0.9) * seconds, "train"),
    ]
    with closing(visitor.connection):
        while due:
            due.sort()
            when, what = due.pop(0)
            if ended.wait(max(0.0, when - time.monotonic())):
                return
            if what == "tick":
                visitor.tick()
                due.append((time.monotonic() + visitor.pause, "tick"))
            elif what == "predict":
                visitor.call("predict", offered, [f"I feel {rng.choice(['happy', 'sad', 'afraid'])} today {rng.random()}"])
                due.append((time.monotonic() + rng.expovariate(1 / _PREDICTION_EVERY), "predict"))
            elif (file := visitor.upload(_table(rng, 400))) is not None:
                visitor.call("inspect", file)
                visitor.call("start", file, None, None, {"epochs": 1, "as_it_is": True}, None)


def _table(rng: random.Random, rows: int) -> bytes:
    """A table of pairs of the sample's sentences, each with the label of the first."""
    with open(_SAMPLE, encoding="utf-8", newline="") as file:
        _, *sample = csv.reader(file)
    lines = ["text,label"]
    for _ in range(rows):
        (first, label), (second, _) = (row[:2] for row in rng.sample(sample, 2))
        lines.append('"{}",{}'.format(f"{first} {second}".replace('"', "'"), label))
    return "\n".join(lines).encode()


@contextmanager
def _public_server() -> Iterator[tuple[int, Any, Path]]:
    with tempfile.TemporaryDirectory(prefix="emotune-visitors-") as temporary:
        folder, port = Path(temporary), free_port()
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("EMOTUNE_", "GRADIO_", "SPACE_"))}
        # The disk of whoever measures is no matter, and the training lasts as long as the visitors.
        environment |= {"EMOTUNE_MODE": "public", "EMOTUNE_FREE_GB": "0", "EMOTUNE_TRAINING_MINUTES": "0", "EMOTUNE_MEMORY_PERCENT": "0"}
        environment |= {"EMOTUNE_RUNS": str(folder / "runs"), "GRADIO_SERVER_PORT": str(port), "CI": "1", "PYTHONPATH": str(_ROOT)}
        with open(folder / "output", "ab") as output:
            process = popen([sys.executable, str(_ROOT / "app.py")], env=environment, stdout=output, stderr=output, cwd=folder)
        try:
            wait_until_served(f"http://127.0.0.1:{port}", process, lambda: (folder / "output").read_text(errors="replace"))
            yield port, process, folder / "runs"
        finally:
            process.kill()
            process.wait()


def _offered(runs: Path) -> str:
    """The run of the server's own model; an empty string before it is trained."""
    return next((view.id for view in RunStore(runs).list_all() if view.owner == SERVER_OWNER and view.has_model and not view.live), "")


def _wait_for(condition: Callable[[], Any], process: Any) -> Any:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while not (value := condition()):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the server did not get ready")
        time.sleep(0.5)
    return value


def steps_a_second(run: Run, since: float) -> float:
    """From the first point that a training has logged after a Unix time to its last one; 0 if there are no two."""
    points = [(event.time, event.step) for event in run.log.read() if isinstance(event, Logged) and event.time >= since]
    if len(points) < 2:
        return 0.0
    (first, first_step), (last, last_step) = points[0], points[-1]
    return (last_step - first_step) / (last - first)


def _resident_mb(process: Any) -> float:
    """Of the server with its children."""
    total, server = 0, psutil.Process(process.pid)
    for part in (server, *server.children(recursive=True)):
        try:
            total += part.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def in_the_queue_alone(visitors: int) -> dict[str, Any]:
    """Two jobs of each visitor in random order: turns, and what it costs to say everybody's place, as each page asks each second."""
    rng, go, done = random.Random(0), threading.Event(), []

    def run(item: str) -> str:
        go.wait()
        done.append(item)
        return ""

    queue = JobQueue(run, owner_of=lambda item: item.partition("-")[0])
    items = [f"{owner}-{number}" for owner in range(visitors) for number in (1, 2)]
    rng.shuffle(items)
    started = time.thread_time()
    for item in items:
        queue.put(item)
    put_ms, times = 1000 * (time.thread_time() - started) / len(items), []
    for item in items:
        started = time.thread_time()
        queue.position(item)
        times.append(time.thread_time() - started)
    go.set()
    while queue.current or any(map(queue.has, items[-3:])) or len(done) < len(items):
        queue.wait(queue.changes, 0.05)
    queue.close()
    queue.join()
    firsts = [done.index(next(item for item in done if item.startswith(f"{owner}-"))) for owner in range(visitors)]
    owners = [item.partition("-")[0] for item in done]
    return {
        "queued_visitors": visitors,
        "queued_put_cpu_ms": round(put_ms, 3),
        "queued_position_cpu_p95_ms": round(1000 * sorted(times)[int(0.95 * (len(times) - 1))], 3),
        # Each visitor's first before anybody's second, and each job once.
        "queued_in_turns": max(firsts) < visitors and len(set(done)) == len(items) and all(a != b for a, b in pairwise(owners[:visitors])),
    }


def show(results: dict[str, Any]) -> None:
    print(f"The first start, until there is a model that answers: {results['first_model_seconds']} s   (allowed: 60)")
    print(
        f"{results['visitors']} visitors for {results['visitor_seconds']} s beside a training   (allowed: p95 of a tick 1000 ms, of a prediction 2000 ms)"
    )
    for what in ("page", "tick", "predict", "upload", "inspect", "start"):
        print(f"  p95 of {what:<8} {results[f'visitor_{what}_p95_ms']} ms")
    print(f"  {results['visitor_requests']} requests, {results['visitor_errors']} errors, refusals: {results['visitor_refusals']}")
    print(f"  training: {results['training_beside_visitors_share']} of its speed alone   (allowed: 0.5)")
    print(f"  memory at the start, at most, at the end: {results['visitor_memory_mb']} MB   (growth allowed: 200)")
    print(
        f"{results['queued_visitors']} visitors in the queue alone: in turns: {results['queued_in_turns']}, a place said in {results['queued_position_cpu_p95_ms']} ms of CPU time"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.visitors", description=__doc__.split("\n")[0])
    parser.add_argument("--visitors", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--queued", type=int, default=200)
    results = measure(**vars(parser.parse_args()))
    show(results)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
