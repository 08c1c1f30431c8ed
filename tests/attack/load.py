"""Load: many requests of many clients beside a training; no error, the page's tick and a prediction stay quick, memory stays flat.

Its times mean something on a quiet machine alone: the suite asks little and looks at no time.
"""

import random
import threading
import time
from collections import defaultdict
from typing import Any

import httpx

from tests.attack.outcomes import Bounds, Outcome
from tests.attack.served import PATIENCE, Served, serving

REQUESTS, CLIENTS = 10_000, 16
_KINDS = ("tick",) * 12 + ("prediction",) * 3 + ("progress",) * 3 + ("settings",) + ("script",)
_MOST_MS = {"tick": 300, "prediction": 1000}
_MOST_GROWTH = 100_000_000


def attack(bounds: Bounds) -> Outcome:
    with serving() as served:
        return attacked(bounds, served, timed=bounds.share == 1)


def attacked(bounds: Bounds, served: Served, *, timed: bool) -> Outcome:
    """The times of all requests; only ``timed`` they and the memory have a limit."""
    found, times = Outcome(), defaultdict(list)
    tick = next(one for one in served.config["dependencies"] if any(kind == "tick" for _, kind in one["targets"]))
    step = _step(served)
    # What is loaded with the first requests belongs to the server.
    _ask_all(served, tick, bounds.of(REQUESTS) // 10, bounds.seed, found, defaultdict(list))
    memory = served.memory()
    begun = time.monotonic()
    _ask_all(served, tick, bounds.of(REQUESTS), bounds.seed, found, times)
    for kind, taken in times.items():
        p95 = 1000 * sorted(taken)[int(0.95 * (len(taken) - 1))]
        found.figures[f"p95 of {kind} in ms"] = round(p95)
        if timed and p95 > _MOST_MS.get(kind, float("inf")):
            found.effects.append(f"a {kind} took {p95:.0f} ms at the 95th percentile; {_MOST_MS[kind]} are allowed")
    grown = served.memory() - memory
    found.figures |= {"MB grown": round(grown / 1e6), "requests a second": round(found.tries / (time.monotonic() - begun))}
    found.figures["steps trained meanwhile"] = _step(served) - step
    if timed and grown > _MOST_GROWTH:
        found.effects.append(f"the memory grew by {grown:,} bytes")
    found.effects += served.complaints()
    return found


def _step(served: Served) -> int:
    kind, value = served.call("progress", served.training)
    assert kind == "complete", value
    return value["step"]


def _ask_all(served: Served, tick: dict[str, Any], count: int, seed: int, found: Outcome, times: dict[str, list[float]]) -> None:
    """So many requests, of all clients at once."""
    lock = threading.Lock()

    def client(number: int) -> None:
        draw = random.Random(seed * 1000 + number)
        with httpx.Client(base_url=served.address, timeout=PATIENCE) as http:
            for _ in range(number, count, CLIENTS):
                kind, begun = draw.choice(_KINDS), time.monotonic()
                wrong = _ask(http, kind, served, tick, f"client{number}", draw)
                with lock:
                    found.tries += 1
                    times[kind].append(time.monotonic() - begun)
                    found.effects += [wrong] if wrong else []

    clients = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()


def _ask(http: httpx.Client, kind: str, served: Served, tick: dict[str, Any], session: str, draw: random.Random) -> str:
    """One request; why its answer is none, or nothing."""
    try:
        if kind == "tick":
            data = ["", *[""] * (len(tick["inputs"]) - 1)]
            answer = http.post("/gradio_api/run/predict", json={"fn_index": tick["id"], "data": data, "session_hash": session})
        elif kind in ("settings", "script"):
            answer = http.get("/config" if kind == "settings" else "/theme.css")
        else:
            name, data = (
                ("predict", [served.finished, [f"happy laugh {draw.random()}"]])
                if kind == "prediction"
                else ("progress", [served.training])
            )
            joined = http.post(f"/gradio_api/call/{name}", json={"data": data})
            if joined.status_code != 200:
                return f"{kind}: {joined.status_code} {joined.text[:200]}"
            answer = http.get(f"/gradio_api/call/{name}/{joined.json()['event_id']}")
            if "event: complete" not in answer.text:
                return f"{kind}: {answer.text[:200]}"
    except httpx.TransportError as error:
        return f"{kind}: {error!r}"
    return "" if answer.status_code == 200 else f"{kind}: {answer.status_code} {answer.text[:200]}"
