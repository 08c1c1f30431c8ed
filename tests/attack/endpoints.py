"""Odd calls of everything that can be called: the named endpoints and each private event of gradio's own list, by every way there is to call them.

Each must be answered, or refused in words; nothing may start, stop or change its name, and the log may have neither a traceback nor a text that was sent.
"""

import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

import httpx

from tests.attack.outcomes import Bounds, Outcome
from tests.attack.served import CANARY, Served, serving
from trainer.security.server_errors import UNEXPECTED_MESSAGE

TRIES = 500
_FOREIGN = "5eed" * 8
_NUMBERS = "null true false 0 -1 1.5 1e400 -1e400 NaN Infinity 123456789012345678901234567890".split()
_ODD = [
    *_NUMBERS,
    *(json.dumps(text) for text in ("", CANARY, "../../etc/passwd", "\0", "😀" * 50, f"<img src=x onerror=alert(1)>{CANARY}", _FOREIGN)),
    '"\\ud800"',
    '"\\udc00 half"',
    "[]",
    "{}",
    "[[]]",
    f'["{CANARY}", 1, null]',
    f'{{"a": "{CANARY}"}}',
    '{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}',
    '{"path": "http://127.0.0.1:1/x", "meta": {"_type": "gradio.FileData"}}',
    '{"path": null, "meta": {"_type": "gradio.FileData"}}',
    '{"__type__": "update", "value": 1}',
    '{"value": 1}',
    "[" * 500 + "]" * 500,
]
_EVENTS = [
    "null",
    "[]",
    "1",
    '"x"',
    "{}",
    '{"action": 7, "code": null}',
    f'{{"action": "stop", "code": "{_FOREIGN}"}}',
    f'{{"action": "delete", "code": "{_FOREIGN}", "value": 3}}',
    '{"action": "rename", "code": "../../x", "value": "\\ud800"}',
    f'{{"action": "{CANARY}", "code": "{CANARY}"}}',
    '{"run": [1]}',
    f'{{"run": "{_FOREIGN}"}}',
    '{"index": NaN}',
]
_BODIES = [
    "",
    "{",
    "null",
    "[]",
    '"x"',
    "1",
    "{}",
    '{"data": null}',
    '{"data": "x"}',
    '{"data": {}}',
    '{"data": []}',
    "[" * 100_000,
    "\xff\xfe",
    '{"data": [NaN]}',
]
_OTHERS = (
    *("call/v2/predict", "call/nothing", "call/v2/nothing", "run/nothing", "run/predict", "api/predict", "queue/join", "cancel", "reset"),
    *(
        "component_server",
        "stream/x",
        "stream/x/close",
        "process_recording",
        "vibe-edit",
        "vibe-code",
        "run-history/connect",
        "upload",
        "login",
    ),
)


def attack(bounds: Bounds) -> Outcome:
    with serving() as served:
        return attacked(bounds, served)


def attacked(bounds: Bounds, served: Served) -> Outcome:
    """So many odd calls of a server that runs."""
    found, before = Outcome(), served.states()
    answered = unexpected = 0
    for what, path, body in itertools.islice(_calls(served.config, random.Random(bounds.seed)), bounds.of(TRIES)):
        found.tries += 1
        answer = _answer(served, path, body)
        why = _wrong(answer)
        if UNEXPECTED_MESSAGE in answer.text:
            why = f"was not foreseen: {served.output.strip().splitlines()[-1]}"
        unexpected += UNEXPECTED_MESSAGE in answer.text
        answered += answer.status_code == 200
        if why:
            found.effects.append(f"{what} ({body[:200]}): {why}")
    found.effects += served.complaints()
    after = served.states()
    found.effects += [f"run {run} became {after.get(run)} from {was}" for run, was in before.items() if after.get(run) != was]
    found.effects += [f"run {run} was started" for run in after.keys() - before.keys()]
    found.figures = {"answered": answered, "refused": found.tries - answered}
    return found


def _calls(config: dict[str, Any], draw: random.Random) -> Iterator[tuple[str, str, str]]:
    """What is called, its path and the body: each call there is in turn, with other oddities in each round."""
    events = [event for event in config["dependencies"] if event["backend_fn"]]
    values = {component["id"]: component["props"].get("value") for component in config["components"]}
    while True:
        for event in events:
            count = len(event["inputs"])
            usual = [json.dumps(values.get(one)) for one in event["inputs"]]
            odd = list(usual)
            for place in draw.sample(range(count), min(count, draw.choice((1, 1, 2, 20)))):
                odd[place] = draw.choice(_ODD)
            data = draw.choice((odd, odd, odd, odd[:-1], [*odd, "1"], ["null"] * count, [draw.choice(_ODD)] * count, []))
            yield from _call(event, f"[{', '.join(data)}]", draw)
        path = draw.choice(_OTHERS)
        yield path, f"/gradio_api/{path}", draw.choice(_BODIES)
        yield "a body of 30 MB", f"/gradio_api/run/{draw.choice(events)['api_name']}", f'{{"data": ["{"x" * 30_000_000}"]}}'


def _call(event: dict[str, Any], data: str, draw: random.Random) -> Iterator[tuple[str, str, str]]:
    name = event["api_name"]
    more = draw.choice(("", "", ', "batched": true', ', "trigger_id": 99999', ', "session_hash": "\\ud800"', ', "simple_format": true'))
    body = (
        f'{{"data": {data}, "event_data": {draw.choice(_EVENTS)}, "session_hash": "s{draw.randrange(9)}"{more}, "fn_index": {event["id"]}}}'
    )
    way = draw.choice(("run", "queue", "call"))
    if way == "call" and name:
        yield f"call of {name}", f"/gradio_api/call/{name}", f'{{"data": {data}}}'
    elif way == "queue":
        yield f"event {event['id']} ({name}) through the queue", "/gradio_api/queue/join", body
    else:
        wrong = draw.choice(("", "", "", "9"))
        yield f"event {event['id']} ({name})", f"/gradio_api/run/{name or 'predict'}", body.replace('"fn_index": ', f'"fn_index": {wrong}')


def _answer(served: Served, path: str, body: str) -> httpx.Response:
    """What comes of it: of a call that waits for its turn, what it says at the end."""
    headers = {"content-type": "application/json"}
    answer = served.http.post(served.address + path, content=body.encode("utf-8", "replace"), headers=headers)
    if answer.status_code != 200 or not answer.text.startswith('{"event_id"'):
        return answer
    event = answer.json()["event_id"]
    if "/call/" in path:
        return served.get(f"{path}/{event}")
    session = json.loads(body, parse_constant=str)["session_hash"]
    return _followed(served, session, event, answer)


def _followed(served: Served, session: str, event: str, joined: httpx.Response) -> httpx.Response:
    try:
        with served.http.stream("GET", f"{served.address}/gradio_api/queue/data", params={"session_hash": session}) as stream:
            for line in stream.iter_lines():
                if '"process_completed"' in line and event in line:
                    said = json.loads(line.removeprefix("data: "))
                    return httpx.Response(200 if said["success"] else 500, json=said["output"])
                if '"close_stream"' in line or '"unexpected_error"' in line:
                    return httpx.Response(500, text=line)
    except UnicodeEncodeError:
        pass  # half a character cannot be asked for
    return joined


def _wrong(answer: httpx.Response) -> str:
    """Why this is no answer that should be given; empty where it is."""
    if "Traceback" in answer.text or "site-packages" in answer.text:
        return f"the answer has a traceback: {answer.text[:300]}"
    if answer.status_code == 200 and "event: error" not in answer.text:
        return ""
    said = answer.text.rpartition("data: ")[2] if "event: error" in answer.text else answer.text
    try:
        value = json.loads(said)
    except ValueError:
        return "" if len(said.split()) > 2 and "Internal Server Error" not in said else f"no words: {answer.status_code} {said[:200]}"
    words = next((value[key] for key in ("error", "detail", "message") if isinstance(value, dict) and value.get(key)), None)
    # "Not Found" is what a web server says of a path that there is not.
    return (
        ""
        if isinstance(words, str) and len(words.split()) > (1 if answer.status_code == 404 else 2)
        else f"no words: {answer.status_code} {said[:200]}"
    )
