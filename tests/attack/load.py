"""Load: many requests of many clients during a training; no error, the page's tick and a prediction stay fast, memory stays flat.

The server is the app itself with its packaged encoder, and each client sends its next request as soon as it has the answer to the last one. The times
are meaningful on an idle machine only: the test suite sends few requests, to the tiny server, and checks no times.

Clients and server share the cores, so the clients use the standard library's connection, which takes a fifth of the CPU time of httpx.
"""

import json
import random
import threading
import time
from collections import defaultdict
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any

from tests.attack.outcomes import AttackOptions, Outcome
from tests.attack.target_server import TIMEOUT_SECONDS, TargetServer, running_server

REQUESTS, CLIENTS = 10_000, 16
_REQUEST_TYPES = ("tick",) * 12 + ("prediction",) * 3 + ("progress",) * 3 + ("config",) + ("stylesheet",)
_MAX_MS = {"tick": 300, "prediction": 1000}
_MAX_GROWTH_BYTES = 100_000_000


def attack(options: AttackOptions) -> Outcome:
    with running_server(real=True) as server:
        return attack_server(options, server, timed=options.fraction == 1)


def attack_server(options: AttackOptions, server: TargetServer, *, timed: bool) -> Outcome:
    """The times of all requests; only with ``timed`` are times and memory limited."""
    outcome, times = Outcome(), defaultdict(list)
    tick = next(event for event in server.config["dependencies"] if event["api_name"] == "tick")
    step_before = _step(server)
    # The first requests load what a server keeps in memory.
    _request_all(server, tick, options.scaled(REQUESTS) // 10, options.seed, outcome, defaultdict(list))
    memory_before = server.resident_bytes()
    started = time.monotonic()
    _request_all(server, tick, options.scaled(REQUESTS), options.seed, outcome, times)
    for request_type, seconds in times.items():
        p95 = 1000 * sorted(seconds)[int(0.95 * (len(seconds) - 1))]
        outcome.figures[f"p95 of {request_type} in ms"] = round(p95)
        if timed and p95 > _MAX_MS.get(request_type, float("inf")):
            outcome.effects.append(f"a {request_type} took {p95:.0f} ms at the 95th percentile; {_MAX_MS[request_type]} are allowed")
    growth = server.resident_bytes() - memory_before
    outcome.figures |= {"MB of growth": round(growth / 1e6), "requests a second": round(outcome.tries / (time.monotonic() - started))}
    outcome.figures["steps trained meanwhile"] = _step(server) - step_before
    if timed and growth > _MAX_GROWTH_BYTES:
        outcome.effects.append(f"the memory grew by {growth:,} bytes")
    outcome.effects += server.problems()
    return outcome


def _step(server: TargetServer) -> int:
    status, value = server.call("progress", server.training)
    assert status == "complete", value
    return value["step"]


def _request_all(
    server: TargetServer, tick: dict[str, Any], n_requests: int, seed: int, outcome: Outcome, times: dict[str, list[float]]
) -> None:
    """Spread ``n_requests`` over all clients, in parallel."""
    lock = threading.Lock()

    def client(number: int) -> None:
        rng = random.Random(seed * 1000 + number)
        with closing(HTTPConnection("127.0.0.1", server.port, timeout=TIMEOUT_SECONDS)) as connection:
            for _ in range(number, n_requests, CLIENTS):
                request_type, started = rng.choice(_REQUEST_TYPES), time.monotonic()
                problem = _request(connection, request_type, server, tick, f"client{number}", rng)
                with lock:
                    outcome.tries += 1
                    times[request_type].append(time.monotonic() - started)
                    outcome.effects += [problem] if problem else []

    clients = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()


def _request(
    connection: HTTPConnection, request_type: str, server: TargetServer, tick: dict[str, Any], session: str, rng: random.Random
) -> str:
    """One request; why it failed, or an empty string."""
    try:
        if request_type == "tick":
            data = ["", *[""] * (len(tick["inputs"]) - 1)]
            status, body = _send(connection, "/gradio_api/run/predict", {"fn_index": tick["id"], "data": data, "session_hash": session})
        elif request_type in ("config", "stylesheet"):
            status, body = _send(connection, "/config" if request_type == "config" else "/theme.css")
        else:
            name, data = (
                ("predict", [server.finished, [f"happy laugh {rng.random()}"]])
                if request_type == "prediction"
                else ("progress", [server.training])
            )
            status, body = _send(connection, f"/gradio_api/call/{name}", {"data": data})
            if status == 200:
                status, body = _send(connection, f"/gradio_api/call/{name}/{json.loads(body)['event_id']}")
                status = status if b"event: complete" in body else 500
    except (OSError, HTTPException) as error:
        return f"{request_type}: {error!r}"
    return "" if status == 200 else f"{request_type}: {status} {body[:200]!r}"


def _send(connection: HTTPConnection, path: str, data: Any = None) -> tuple[int, bytes]:
    """Send a GET request, or a POST request with ``data`` as JSON; its status and body."""
    if data is None:
        connection.request("GET", path)
    else:
        connection.request("POST", path, json.dumps(data), {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, response.read()
