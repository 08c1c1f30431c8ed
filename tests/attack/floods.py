"""Floods: more starts, uploads and calls at once than anybody may want. They end in refusals in words, and the page answers meanwhile."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.attack.outcomes import Bounds, Outcome
from tests.attack.served import PATIENCE, RECIPE, Served, serving

STARTS, UPLOADS, JOINS = 500, 300, 500
_CLIENTS = 8
_MOST_WAITING = 20
_MEGABYTE = 1024 * 1024


def attack(bounds: Bounds) -> Outcome:
    with serving() as served:
        return attacked(bounds, served)


def attacked(bounds: Bounds, served: Served) -> Outcome:
    """All floods, one after the other; what was started is taken out of the queue at the end."""
    found, before = Outcome(), served.states()
    with _looking(served, found):
        _starts(served, bounds.of(STARTS), found)
        _uploads(served, bounds.of(UPLOADS), found)
        _joins(served, bounds.of(JOINS), found)
    for run in served.states().keys() - before.keys():
        served.call("stop", run)
    found.effects += [f"run {run} became another" for run, was in before.items() if served.states()[run] != was]
    found.effects += served.complaints()
    return found


class _looking:
    """Somebody who looks at the page meanwhile, and must get it each time."""

    def __init__(self, served: Served, found: Outcome) -> None:
        self._served, self._found, self._over = served, found, threading.Event()
        self._times: list[float] = []
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._over.wait(0.2):
            begun = time.monotonic()
            try:
                answer = httpx.get(f"{self._served.address}/config", timeout=PATIENCE)
                self._times.append(time.monotonic() - begun)
                if answer.status_code != 200:
                    self._found.effects.append(f"the page answered {answer.status_code}")
            except httpx.TransportError as error:
                self._found.effects.append(f"the page did not answer: {error!r}")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._thread.join()
        if self._times:
            self._found.figures["p95 of the page in ms"] = round(1000 * sorted(self._times)[int(0.95 * (len(self._times) - 1))])
        else:
            self._found.effects.append("the page was never seen")


def _at_once(count: int, deed: Callable[[httpx.Client, int], Any]) -> list[Any]:
    with ThreadPoolExecutor(_CLIENTS) as pool, httpx.Client(timeout=PATIENCE, limits=httpx.Limits(max_connections=_CLIENTS)) as client:
        return list(pool.map(lambda number: deed(client, number), range(count)))


def _starts(served: Served, count: int, found: Outcome) -> None:
    """Each with a recipe of its own: the same one twice would be one run."""
    file = served.upload()

    def start(client: httpx.Client, number: int) -> tuple[str, str]:
        recipe = RECIPE | {"epochs": 1, "seed": number}
        joined = client.post(f"{served.address}/gradio_api/call/start", json={"data": [file, None, None, recipe]})
        if joined.status_code != 200:
            return "refused", str(joined.json().get("detail"))
        stream = client.get(f"{served.address}/gradio_api/call/start/{joined.json()['event_id']}").text
        if "event: complete" in stream:
            return "started", ""
        return "refused", str(json.loads(stream.rpartition("data: ")[2]).get("error"))

    answers = _at_once(count, start)
    found.tries += count
    started = sum(kind == "started" for kind, _ in answers)
    found.figures["starts taken"] = started
    if started > _MOST_WAITING:
        found.effects.append(f"{started} starts were taken")
    if count > _MOST_WAITING and "trainings wait already" not in str(answers):
        found.effects.append("no start was refused as too many")
    found.effects += [
        f"a start was refused without words: {words}" for kind, words in answers if kind == "refused" and len(words.split()) < 3
    ]


def _uploads(served: Served, count: int, found: Outcome) -> None:
    """One megabyte each, all different, into a room of 50."""

    def upload(client: httpx.Client, number: int) -> tuple[int, str]:
        content = f"text,label\n{number}".encode().ljust(_MEGABYTE, b"x")
        try:
            answer = client.post(f"{served.address}/gradio_api/upload", files={"files": ("x.csv", content)})
        except httpx.TransportError:
            return 0, "broken off while it was sent"
        return answer.status_code, answer.text

    answers = _at_once(count, upload)
    found.tries += count
    held = sum(path.stat().st_size for path in served.uploads)
    found.figures["uploads taken"] = Counter(status for status, _ in answers)[200]
    found.figures["MB of uploads held"] = round(held / _MEGABYTE)
    if held > 50_000_000:
        found.effects.append(f"{held:,} bytes of uploads are held")
    found.effects += [
        f"an upload was refused without words: {status} {said}" for status, said in answers if status != 200 and len(said.split()) < 3
    ]


def _joins(served: Served, count: int, found: Outcome) -> None:
    """Calls that wait for their turn, whose answers nobody fetches."""

    def join(client: httpx.Client, number: int) -> tuple[int, str]:
        data = [served.finished, ["happy laugh today"] * 200]
        answer = client.post(f"{served.address}/gradio_api/call/predict", json={"data": data})
        return answer.status_code, answer.text

    answers = _at_once(count, join)
    found.tries += count
    found.figures["calls taken"] = Counter(status for status, _ in answers)[200]
    found.effects += [
        f"a call was refused without words: {status} {said}" for status, said in answers if status != 200 and len(said.split()) < 3
    ]
