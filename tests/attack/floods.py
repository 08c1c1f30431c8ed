"""Floods of starts, uploads and calls. They must end in refusals with a message, and the page must keep answering."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.attack.outcomes import AttackOptions, Outcome
from tests.attack.target_server import RECIPE, TIMEOUT_SECONDS, TargetServer, running_server

STARTS, UPLOADS, JOINS = 500, 300, 500
_CLIENTS = 8
_MAX_QUEUED = 20
_MEGABYTE = 1024 * 1024


def attack(options: AttackOptions) -> Outcome:
    with running_server() as server:
        return attack_server(options, server)


def attack_server(options: AttackOptions, server: TargetServer) -> Outcome:
    """All floods, one after the other; at the end every queued run is removed."""
    outcome, states_before = Outcome(), server.states()
    with _PagePoller(server, outcome):
        _starts(server, options.scaled(STARTS), outcome)
        _uploads(server, options.scaled(UPLOADS), outcome)
        _joins(server, options.scaled(JOINS), outcome)
    for run in server.states().keys() - states_before.keys():
        server.call("stop", run)
    outcome.effects += [f"run {run} changed" for run, state in states_before.items() if server.states()[run] != state]
    outcome.effects += server.problems()
    return outcome


class _PagePoller:
    """Polls the page from another thread; every request must succeed."""

    def __init__(self, server: TargetServer, outcome: Outcome) -> None:
        self._server, self._outcome, self._finished = server, outcome, threading.Event()
        self._times: list[float] = []
        self._thread = threading.Thread(target=self._poll)

    def _poll(self) -> None:
        while not self._finished.wait(0.2):
            started_at = time.monotonic()
            try:
                response = httpx.get(f"{self._server.address}/config", timeout=TIMEOUT_SECONDS)
                self._times.append(time.monotonic() - started_at)
                if response.status_code != 200:
                    self._outcome.effects.append(f"the page answered {response.status_code}")
            except httpx.TransportError as error:
                self._outcome.effects.append(f"the page did not answer: {error!r}")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: Any) -> None:
        self._finished.set()
        self._thread.join()
        if self._times:
            self._outcome.figures["p95 of the page in ms"] = round(1000 * sorted(self._times)[int(0.95 * (len(self._times) - 1))])
        else:
            self._outcome.effects.append("the page was never requested")


def _in_parallel(n_requests: int, request: Callable[[httpx.Client, int], Any]) -> list[Any]:
    with (
        ThreadPoolExecutor(_CLIENTS) as pool,
        httpx.Client(timeout=TIMEOUT_SECONDS, limits=httpx.Limits(max_connections=_CLIENTS)) as client,
    ):
        return list(pool.map(lambda number: request(client, number), range(n_requests)))


def _starts(server: TargetServer, n_requests: int, outcome: Outcome) -> None:
    """Each with a different recipe: the same one twice would be one run."""
    file = server.upload()

    def start(client: httpx.Client, number: int) -> tuple[str, str]:
        recipe = RECIPE | {"epochs": 1, "seed": number}
        response = client.post(f"{server.address}/gradio_api/call/start", json={"data": [file, None, None, recipe, None]})
        if response.status_code != 200:
            return "refused", str(response.json().get("detail"))
        stream = client.get(f"{server.address}/gradio_api/call/start/{response.json()['event_id']}").text
        if "event: complete" in stream:
            return "started", ""
        return "refused", str(json.loads(stream.rpartition("data: ")[2]).get("error"))

    results = _in_parallel(n_requests, start)
    outcome.tries += n_requests
    started = sum(status == "started" for status, _ in results)
    outcome.figures["starts accepted"] = started
    if started > _MAX_QUEUED:
        outcome.effects.append(f"{started} starts were accepted")
    if n_requests > _MAX_QUEUED and "trainings are waiting already" not in str(results):
        outcome.effects.append("no start was refused as too many")
    outcome.effects += [
        f"a start was refused without a message: {message}"
        for status, message in results
        if status == "refused" and len(message.split()) < 3
    ]


def _uploads(server: TargetServer, n_requests: int, outcome: Outcome) -> None:
    """One megabyte each, all different; 50 MB are allowed."""

    def upload(client: httpx.Client, number: int) -> tuple[int, str]:
        content = f"text,label\n{number}".encode().ljust(_MEGABYTE, b"x")
        try:
            response = client.post(f"{server.address}/gradio_api/upload", files={"files": ("x.csv", content)})
        except httpx.TransportError:
            return 0, "disconnected while sending"
        return response.status_code, response.text

    responses = _in_parallel(n_requests, upload)
    outcome.tries += n_requests
    stored_bytes = sum(path.stat().st_size for path in server.uploads)
    outcome.figures["uploads accepted"] = Counter(status for status, _ in responses)[200]
    outcome.figures["MB of uploads stored"] = round(stored_bytes / _MEGABYTE)
    if stored_bytes > 50_000_000:
        outcome.effects.append(f"{stored_bytes:,} bytes of uploads are stored")
    outcome.effects += [
        f"an upload was refused without a message: {status} {body}" for status, body in responses if status != 200 and len(body.split()) < 3
    ]


def _joins(server: TargetServer, n_requests: int, outcome: Outcome) -> None:
    """Queued calls whose results are never fetched."""

    def join(client: httpx.Client, number: int) -> tuple[int, str]:
        data = [server.finished, ["happy laugh today"] * 200]
        response = client.post(f"{server.address}/gradio_api/call/predict", json={"data": data})
        return response.status_code, response.text

    responses = _in_parallel(n_requests, join)
    outcome.tries += n_requests
    outcome.figures["calls accepted"] = Counter(status for status, _ in responses)[200]
    outcome.effects += [
        f"a call was refused without a message: {status} {body}" for status, body in responses if status != 200 and len(body.split()) < 3
    ]
