"""Two visitors of a public server, or two users of a team: one walks through every endpoint, private event and address with the ids, paths and names of the other.

What the other has written must not be in any response, and nothing of theirs may change. The walk is made from gradio's own config, so that
it includes what is new.
"""

import hashlib
import itertools
import json
import random
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from tests.attack.outcomes import AttackOptions, Outcome
from tests.attack.target_server import TIMEOUT_SECONDS, TargetServer, log_in, running_server
from tests.conftest import small_rows, write_rows
from trainer.drafts.store import DraftStore
from trainer.jobs.job_folder import JobFolder
from trainer.runs.run_files import LOG
from trainer.shares import Shares
from trainer.ui import downloads, shared_page

TRIES = 6_000
PUBLIC = {
    "EMOTUNE_MODE": "public",
    **{f"EMOTUNE_{name}": "0" for name in ("STARTS_PER_HOUR", "TRAINING_MINUTES", "OWNER_MB", "PREDICTIONS_PER_MINUTE", "FREE_GB")},
    **{f"EMOTUNE_{name}": "500" for name in ("WAITING", "WAITING_IN_ALL", "KEPT_RUNS", "DRAFTS")},
}
"""Public mode without the budgets, which would end the walk."""
SECRET = "wombat"
"""In every text, label, file name and run name of the first visitor, and in nothing that the second one sends."""
TEAM = {"EMOTUNE_MODE": "team", **{name: value for name, value in PUBLIC.items() if name != "EMOTUNE_MODE"}}
USERS = ("ada", "bob")
_UI = Path(__file__).resolve().parents[2] / "trainer" / "ui"
SESSION = "first"
"""The hash of the first visitor's session, which the second one knows."""
_FORMS = ("exact", "spreadsheet", "changes", "corrected", "texts", "zip", "onnx", "html")


def attack(options: AttackOptions) -> Outcome:
    with running_server(settings=PUBLIC) as server:
        public = attack_server(options, server)
    with running_server(settings=TEAM, users=USERS) as server:
        team = attack_server(options, server, USERS[1])
    return Outcome(public.tries + team.tries, public.effects + team.effects, public.figures)


def attack_server(options: AttackOptions, server: TargetServer, user: str = "") -> Outcome:
    """The walk of a second visitor, or of a ``user`` of the team; the first one is ``server.http``."""
    outcome, targets = Outcome(), _prepare_first_visitor(server)
    before = _first_visitor_s(server, targets)
    rng, reached = random.Random(options.seed), set()
    with httpx.Client(timeout=TIMEOUT_SECONDS, base_url=server.address) as second:
        if user:
            log_in(second, server, user)
        for name, send in itertools.islice(_requests(server, targets, rng), options.scaled(TRIES)):
            outcome.tries += 1
            reached.add(name.partition(" with ")[0])
            text = send(second)
            if SECRET in text.lower():
                position = text.lower().index(SECRET)
                outcome.effects.append(f"{name}: saw …{text[max(0, position - 100) : position + 60]}…")
    after = _first_visitor_s(server, targets)
    outcome.effects += [f"{name} changed" for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    # Last, since what it reads is gone then.
    if SECRET not in server.get(f"/gradio_api/queue/data?session_hash={SESSION}").text.lower():
        outcome.effects.append("the first visitor's result is not there any more")
    outcome.effects += server.problems()
    events = {event["api_name"] for event in _events(server)}
    outcome.figures = {"events": len(events), "events reached": len(events & reached), "addresses": len(addresses())}
    return outcome


def _prepare_first_visitor(server: TargetServer) -> dict[str, str]:
    """Give the first visitor a file that is being prepared, a run with a model, a job and an upload; returns what leads to them."""
    rows = [(f"{SECRET} {text}", f"{SECRET}-{label}") for text, label in small_rows()]
    file = write_rows(server.folder / f"{SECRET}.csv", rows)
    status, started = server.call("start", server.upload(file), None, None, {"encoder": "tiny-bert", "epochs": 1}, None)
    assert status == "complete", started
    status, job = server.call("audit", server.upload(file), None, None)
    assert status == "complete", job
    upload = server.upload(file)
    values = _values(server, _opening_event(server), upload)
    response = server.http.post(f"{server.address}/gradio_api/run/{_opening_event(server)}", json={"data": values})
    assert response.status_code == 200, response.text
    _leave_result(server, upload)
    drafts = [folder.name for folder in (server.runs_dir / "drafts").iterdir() if not folder.name.startswith(".")]
    return {
        "run": started["run"],
        "training": server.training,
        "draft": drafts[0],
        "job": job["job"],
        "upload": upload["path"],
        "upload_folder": str(Path(upload["path"]).parent),
        "upload_name": Path(upload["path"]).name,
        "folder": str(server.runs_dir / started["run"]),
        "token": _ended_share(server.runs_dir, started["run"]),
    }


def _leave_result(server: TargetServer, upload: dict[str, Any]) -> None:
    """Let the first visitor ask through the queue what is in the file, which changes nothing, and leave the result there, as a page does that was closed."""
    event = next(event for event in _events(server) if event["api_name"] == "inspect")
    body = {"data": [upload, *([None] * (len(event["inputs"]) - 1))], "fn_index": event["id"], "session_hash": SESSION}
    response = server.http.post(f"{server.address}/gradio_api/queue/join", json=body)
    assert response.status_code == 200, response.text


def _ended_share(runs_dir: Path, run: str) -> str:
    """The token of a link that its owner has ended."""
    shares = Shares(runs_dir)
    token = shares.share(run, with_texts=True).token
    shares.end(run)
    return token


def addresses() -> list[str]:
    """All addresses of ours that lead to somebody's work, and those of gradio that serve files."""
    routes = [getattr(downloads, name)(None) for name in dir(downloads) if name.endswith("_route")] + [shared_page.shared_route(None)]
    routes += [route for name in dir(downloads) if name.endswith("_routes") for route in getattr(downloads, name)(None)]
    paths = {route.path.replace("{form}", form) for route in routes for form in _FORMS}
    queries = ("", "?split=test&shown=all&texts=1")
    twice = "/gradio_api/file={upload_folder}/%252e%252e/%2e%2e/{upload_name}"
    of_gradio = ("/gradio_api/file={upload}", twice, "/gradio_api/file={folder}/source", "/config", "/")
    return [*(path + query for path in sorted(paths) for query in queries), *of_gradio]


def _events(server: TargetServer) -> list[dict[str, Any]]:
    return [event for event in server.config["dependencies"] if event["backend_fn"]]


def _opening_event(server: TargetServer) -> str:
    """The event that opens an uploaded file."""
    return next(event["api_name"] for event in _events(server) if event["api_name"] == "upload_file")


def _values(server: TargetServer, name: str, upload: dict[str, Any]) -> list[Any]:
    event = next(event for event in _events(server) if event["api_name"] == name)
    components = {component["id"]: component for component in server.config["components"]}
    return [upload if components[i]["type"] in ("file", "uploadbutton") else components[i]["props"].get("value") for i in event["inputs"]]


def _first_visitor_s(server: TargetServer, targets: dict[str, str]) -> dict[str, Any]:
    """What the first visitor has, without what a training changes by itself."""
    store = DraftStore(server.runs_dir / "drafts")
    owner = json.loads((server.runs_dir / targets["run"] / LOG).read_text().splitlines()[0])["owner"]
    runs = {f"run {run}": state for run, state in server.states().items() if run in (targets["run"], server.finished, server.training)}
    drafts = {f"draft {draft.id}": draft for draft in store.iter_drafts(owner)}
    job = JobFolder(server.runs_dir / "jobs" / targets["job"])
    files = {
        str(path.relative_to(server.runs_dir)): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in (server.runs_dir / targets["run"], store.root / targets["draft"])
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("heartbeat", "lock")
    }
    return runs | drafts | files | {"job": job.path.is_dir() and not job.is_stop_requested()}


def _actions() -> list[str]:
    """All actions of buttons, as the page's own modules name them."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in _UI.glob("*.py"))
    return sorted({*re.findall(r'Button\(\s*"([a-z-]+)"', source), *re.findall(r'action [!=]= "([a-z-]+)"', source)})


def _requests(server: TargetServer, targets: dict[str, str], rng: random.Random) -> Iterator[tuple[str, Any]]:
    """Name of each request, and what sends it and returns the response's text: every event with every target, then with every action."""
    components = {component["id"]: component for component in server.config["components"]}
    upload = {"path": targets["upload"], "meta": {"_type": "gradio.FileData"}}
    ids = [targets[name] for name in ("run", "draft", "job", "training")]
    for address in (*addresses(), f"/gradio_api/queue/data?session_hash={SESSION}", f"/gradio_api/call/start/{SESSION}"):
        yield address, lambda client, address=address: _text_at(client, address.format(**targets))
    cancelled = {"session_hash": SESSION, "fn_index": 0, "event_id": "0" * 32}
    yield "cancel", lambda client: client.post("/gradio_api/cancel", json=cancelled).text
    actions = _actions()
    # All events in each round: a sample reaches them all.
    for target, n_action in itertools.cycle(itertools.product(ids, range(4))):
        for event in _events(server):
            action = rng.choice(actions) if n_action else ""
            values = [_value(components[component], target, upload, rng) for component in event["inputs"]]
            body = {
                "data": values,
                "fn_index": event["id"],
                "session_hash": rng.choice(("second", SESSION)),
                "event_data": {"action": action, "code": f"{target}{rng.choice(('', '', ' test 0'))}", "run": target, "value": target},
            }
            yield (
                f"{event['api_name']} with {action or 'no action'} of {target}",
                lambda client, body=body: client.post("/gradio_api/run/predict", json=body).text,
            )


def _text_at(client: httpx.Client, address: str) -> str:
    """What comes from an address. Gradio breaks off the stream of a session that it does not know."""
    pieces: list[str] = []
    with suppress(httpx.RemoteProtocolError), client.stream("GET", address) as response:
        # Piece by piece: what came before the end counts.
        for piece in response.iter_text():
            pieces.append(piece)
    return "".join(pieces)


def _value(component: dict[str, Any], target: str, upload: dict[str, Any], rng: random.Random) -> Any:
    """The page's own value of an input, or an id of the other visitor where a text may stand."""
    kind, value = component["type"], component["props"].get("value")
    if kind in ("textbox", "html", "api", "state"):
        return target if rng.random() < 0.7 else value
    if kind in ("file", "uploadbutton"):
        return upload if rng.random() < 0.5 else None
    return value
