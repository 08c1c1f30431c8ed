"""Malformed calls of the named endpoints and of every private event in Gradio's config, by each route that Gradio offers.

Each must be answered or refused with a message. No run may be started, stopped or renamed, and the log may contain neither a traceback nor a
submitted text.
"""

import itertools
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx

from tests.attack.outcomes import AttackOptions, Outcome
from tests.attack.target_server import CANARY, TargetServer, running_server
from trainer.security.server_errors import UNEXPECTED_MESSAGE

TRIES = 500
_MORE_THAN_IS_READ = 20_000_000
"""Characters of a body: the server reads some of what it refuses, and closes the connection."""
_FOREIGN_ID = "5eed" * 8
_NUMBERS = "null true false 0 -1 1.5 1e400 -1e400 NaN Infinity 123456789012345678901234567890".split()
_MALFORMED_VALUES = [
    *_NUMBERS,
    *(json.dumps(text) for text in ("", CANARY, "../../etc/passwd", "\0", "😀" * 50, f"<img src=x onerror=alert(1)>{CANARY}", _FOREIGN_ID)),
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
_EVENT_DATA = [
    "null",
    "[]",
    "1",
    '"x"',
    "{}",
    '{"action": 7, "code": null}',
    f'{{"action": "stop", "code": "{_FOREIGN_ID}"}}',
    f'{{"action": "delete", "code": "{_FOREIGN_ID}", "value": 3}}',
    '{"action": "rename", "code": "../../x", "value": "\\ud800"}',
    f'{{"action": "{CANARY}", "code": "{CANARY}"}}',
    '{"run": [1]}',
    f'{{"run": "{_FOREIGN_ID}"}}',
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
_OTHER_ROUTES = (
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


def attack(options: AttackOptions) -> Outcome:
    with running_server() as server:
        return attack_server(options, server)


def attack_server(options: AttackOptions, server: TargetServer) -> Outcome:
    """Malformed calls of a running server."""
    outcome, states_before = Outcome(), server.states()
    answered = 0
    for name, path, body in itertools.islice(_calls(server.config, random.Random(options.seed)), options.scaled(TRIES)):
        outcome.tries += 1
        response = _call(server, path, body)
        problem = _problem(response)
        if UNEXPECTED_MESSAGE in response.text:
            problem = f"an unexpected error: {server.output.strip().splitlines()[-1]}"
        answered += response.status_code == 200
        if problem:
            outcome.effects.append(f"{name} ({body[:200]}): {problem}")
    outcome.effects += server.problems()
    states = server.states()
    outcome.effects += [
        f"run {run} became {states.get(run)} from {state}" for run, state in states_before.items() if states.get(run) != state
    ]
    outcome.effects += [f"run {run} was started" for run in states.keys() - states_before.keys()]
    outcome.figures = {"answered": answered, "refused": outcome.tries - answered}
    return outcome


def _calls(config: dict[str, Any], rng: random.Random) -> Iterator[tuple[str, str, str]]:
    """Name, path and body of each call; all events in turn, with other malformed values in each round."""
    events = [event for event in config["dependencies"] if event["backend_fn"]]
    values = {component["id"]: component["props"].get("value") for component in config["components"]}
    while True:
        for event in events:
            n_inputs = len(event["inputs"])
            inputs = [json.dumps(values.get(component)) for component in event["inputs"]]
            for index in rng.sample(range(n_inputs), min(n_inputs, rng.choice((1, 1, 2, 20)))):
                inputs[index] = rng.choice(_MALFORMED_VALUES)
            malformed = [rng.choice(_MALFORMED_VALUES)] * n_inputs
            data = rng.choice((inputs, inputs, inputs, inputs[:-1], [*inputs, "1"], ["null"] * n_inputs, malformed, []))
            yield from _calls_of_event(event, f"[{', '.join(data)}]", rng)
        path = rng.choice(_OTHER_ROUTES)
        yield path, f"/gradio_api/{path}", rng.choice(_BODIES)
        yield "a body of 30 MB", f"/gradio_api/run/{rng.choice(events)['api_name']}", f'{{"data": ["{"x" * 30_000_000}"]}}'


def _calls_of_event(event: dict[str, Any], data: str, rng: random.Random) -> Iterator[tuple[str, str, str]]:
    name = event["api_name"]
    extra = rng.choice(("", "", ', "batched": true', ', "trigger_id": 99999', ', "session_hash": "\\ud800"', ', "simple_format": true'))
    body = f'{{"data": {data}, "event_data": {rng.choice(_EVENT_DATA)}, "session_hash": "s{rng.randrange(9)}"{extra}, "fn_index": {event["id"]}}}'
    route = rng.choice(("run", "queue", "call"))
    if route == "call" and name:
        yield f"call of {name}", f"/gradio_api/call/{name}", f'{{"data": {data}}}'
    elif route == "queue":
        yield f"event {event['id']} ({name}) through the queue", "/gradio_api/queue/join", body
    else:
        prefix = rng.choice(("", "", "", "9"))
        yield f"event {event['id']} ({name})", f"/gradio_api/run/{name or 'predict'}", body.replace('"fn_index": ', f'"fn_index": {prefix}')


def _call(server: TargetServer, path: str, body: str) -> httpx.Response:
    """The response; of a queued call its final result."""
    headers = {"content-type": "application/json"}
    try:
        response = server.http.post(server.address + path, content=body.encode("utf-8", "replace"), headers=headers)
    except httpx.RemoteProtocolError:
        if len(body) < _MORE_THAN_IS_READ:
            raise
        # The connection was closed beside bytes that nobody reads, and that takes the end of the refusal away.
        return httpx.Response(413, json={"detail": "the end of the refusal is lost"})
    if response.status_code != 200 or not response.text.startswith('{"event_id"'):
        return response
    event = response.json()["event_id"]
    if "/call/" in path:
        return server.get(f"{path}/{event}")
    session = json.loads(body, parse_constant=str)["session_hash"]
    return _queue_result(server, session, event) or response


def _queue_result(server: TargetServer, session: str, event: str) -> httpx.Response | None:
    # A lone surrogate cannot be sent in a query string.
    with (
        suppress(UnicodeEncodeError),
        server.http.stream("GET", f"{server.address}/gradio_api/queue/data", params={"session_hash": session}) as stream,
    ):
        for line in stream.iter_lines():
            if '"process_completed"' in line and event in line:
                message = json.loads(line.removeprefix("data: "))
                return httpx.Response(200 if message["success"] else 500, json=message["output"])
            if '"close_stream"' in line or '"unexpected_error"' in line:
                return httpx.Response(500, text=line)
    return None


def _problem(response: httpx.Response) -> str:
    """Why this response is not acceptable; empty if it is."""
    if "Traceback" in response.text or "site-packages" in response.text:
        return f"the response has a traceback: {response.text[:300]}"
    if response.status_code == 200 and "event: error" not in response.text:
        return ""
    body = response.text.rpartition("data: ")[2] if "event: error" in response.text else response.text
    no_message = f"no message: {response.status_code} {body[:200]}"
    try:
        value = json.loads(body)
    except ValueError:
        return "" if len(body.split()) > 2 and "Internal Server Error" not in body else no_message
    message = next((value[key] for key in ("error", "detail", "message") if isinstance(value, dict) and value.get(key)), None)
    # "Not Found" is the usual message for an unknown path.
    min_words = 2 if response.status_code == 404 else 3
    return "" if isinstance(message, str) and len(message.split()) >= min_words else no_message
