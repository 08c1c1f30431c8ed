"""Visitors of a public server, or users of a team: one walks through every endpoint, private event and address with the ids, paths and names of another.

What the other has written must not be in any response, and nothing of theirs may change: while the server runs, and after it was killed in the middle of
a training and started again. The same walk is made by a visitor whose work has expired, with what led to it: nothing of it may be left. The walk is made from gradio's
own config, so that it includes what is new. In local mode there is one owner, and nobody to hide anything from: who may come to that server at all is tested in ``foreign_pages.py``.
"""

import hashlib
import itertools
import json
import random
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
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

ROUNDS = 16
"""Of each walk: every event with each of four ids, without an action and with three."""
PUBLIC = {
    "EMOTUNE_MODE": "public",
    **{f"EMOTUNE_{name}": "0" for name in ("STARTS_PER_HOUR", "TRAINING_MINUTES", "OWNER_MB", "PREDICTIONS_PER_MINUTE", "FREE_GB")},
    **{f"EMOTUNE_{name}": "500" for name in ("WAITING", "WAITING_IN_ALL", "KEPT_RUNS", "DRAFTS")},
}
"""Public mode without the budgets, which would end the walk."""
SECRET, EXPIRED_SECRET = "wombat", "quokka"
"""In every text, label, file name and run name of the first visitor, and of the one whose work expires; in nothing that is sent but the names of their uploads."""
TEAM = {"EMOTUNE_MODE": "team", "EMOTUNE_KEEP_HOURS": "24", **{name: value for name, value in PUBLIC.items() if name != "EMOTUNE_MODE"}}
USERS = ("ada", "bob", "cleo")
_UI = Path(__file__).resolve().parents[2] / "trainer" / "ui"
SESSION = "first"
"""The hash of the session of whose work it is, which the others know."""
_NO_CODE = "0" * 22
_FORMS = ("exact", "spreadsheet", "changes", "corrected", "texts", "zip", "onnx", "html")


def attack(options: AttackOptions) -> Outcome:
    with running_server(settings=PUBLIC, short_rounds=True) as server:
        public = attack_server(options, server)
    with running_server(settings=TEAM, users=USERS, short_rounds=True) as server:
        team = attack_server(options, server, USERS)
    return Outcome(public.tries + team.tries, public.effects + team.effects, public.figures)


def attack_server(options: AttackOptions, server: TargetServer, users: Sequence[str] = ()) -> Outcome:
    """Three walks: of a second visitor with what leads to the work of the first, ``server.http``; of one whose work has expired, with what led to it; and
    the first walk again after a restart. ``users`` are the names of the three in a team."""
    walks = _Walks(server, options)
    with _client(server) as second, _client(server) as expired:
        clients = (server.http, second, expired)
        _log_in(server, clients, users)
        targets = _prepare_work(server, SECRET)
        walks.walk(second, targets, SECRET, targets)
        old_targets = _let_work_expire(server, expired, targets)
        walks.walk(expired, old_targets, EXPIRED_SECRET, targets)
        # Killed in the middle of a training, which the brake lets last.
        (server.folder / "brake").touch()
        targets |= {"training": server.start_run(epochs=50, batch_size=4), "along": _along(server)}
        server.wait_until(lambda: server.states()[targets["training"]][0] == "running")
        server.restart()
        _log_in(server, clients, users)
        server.wait_until(lambda: server.states()[targets["training"]][0] == "interrupted")
        targets["event"] = _leave_result(server, server.upload(server.folder / f"{SECRET}.csv"))
        if SECRET not in server.get(f"/report/{targets['run']}?texts=1").text.lower():
            walks.outcome.effects.append("the first visitor does not find their run after the restart")
        walks.walk(second, targets, SECRET, targets)
    events = {event["api_name"] for event in _events(server)}
    walks.outcome.effects += server.problems()
    walks.outcome.figures = {"events": len(events), "events reached": len(events & walks.reached), "addresses": len(addresses())}
    return walks.outcome


class _Walks:
    """The walks on one server; ``reached`` is what all of them have called."""

    def __init__(self, server: TargetServer, options: AttackOptions) -> None:
        self._server, self._rounds, self._rng = server, options.scaled(ROUNDS), random.Random(options.seed)
        self.outcome = Outcome()
        self.reached: set[str] = {event["api_name"] for event in _events(server)}

    def walk(self, client: httpx.Client, targets: dict[str, str], secret: str, firsts: dict[str, str]) -> None:
        """With what leads, or led, to the work in which ``secret`` is; ``firsts`` leads to that of the first visitor, which must stay as it is."""
        before, reached = _first_visitor_s(self._server, firsts), set()
        for name, send in _requests(self._server, targets, self._rng, self._rounds):
            self.outcome.tries += 1
            reached.add(name.partition(" with ")[0])
            text = send(client)
            for word in {secret, SECRET}:
                if word in text.lower():
                    position = text.lower().index(word)
                    self.outcome.effects.append(f"{name}: saw …{text[max(0, position - 100) : position + 60]}…")
        self.reached &= reached
        after = _first_visitor_s(self._server, firsts)
        self.outcome.effects += [f"{name} changed" for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
        # What is read is gone then, so it is left anew for the next walk.
        for address in (f"/gradio_api/queue/data?session_hash={SESSION}", f"/gradio_api/call/inspect/{firsts['event']}"):
            if SECRET not in self._server.get(address).text.lower():
                self.outcome.effects.append(f"the first visitor's result is not at {address} any more")
        firsts["event"] = _leave_result(self._server, {"path": firsts["upload"], "meta": {"_type": "gradio.FileData"}})


def _client(server: TargetServer) -> httpx.Client:
    return httpx.Client(timeout=TIMEOUT_SECONDS, base_url=server.address)


def _log_in(server: TargetServer, clients: Sequence[httpx.Client], users: Sequence[str]) -> None:
    """Let each come (back): anonymous visitors by their cookies, users of a team by their passwords, since a restart ends their sessions."""
    for client, user in zip(clients, users, strict=False):
        log_in(client, server, user)
    for client in clients:
        client.get(f"{server.address}/").raise_for_status()


def _prepare_work(server: TargetServer, secret: str) -> dict[str, str]:
    """Give ``server.http`` a file that is being prepared, a run with a model, a job and an upload; returns what leads to them."""
    rows = [(f"{secret} {text}", f"{secret}-{label}") for text, label in small_rows()]
    file = write_rows(server.folder / f"{secret}.csv", rows)
    status, started = server.call("start", server.upload(file), None, None, {"encoder": "tiny-bert", "epochs": 1}, None)
    assert status == "complete", started
    status, job = server.call("audit", server.upload(file), None, None)
    assert status == "complete", job
    upload = server.upload(file)
    drafts = _drafts(server)
    values = _values(server, _opening_event(server), upload)
    response = server.http.post(f"{server.address}/gradio_api/run/{_opening_event(server)}", json={"data": values})
    assert response.status_code == 200, response.text
    event_id = _leave_result(server, upload)
    (draft,) = _drafts(server) - drafts
    return {
        "run": started["run"],
        "training": server.training,
        "draft": draft,
        "job": job["job"],
        "upload": upload["path"],
        "upload_folder": str(Path(upload["path"]).parent),
        "upload_name": Path(upload["path"]).name,
        "folder": str(server.runs_dir / started["run"]),
        "token": _ended_share(server.runs_dir, started["run"]),
        "along": _NO_CODE,
        "event": event_id,
    }


def _drafts(server: TargetServer) -> set[str]:
    return {folder.name for folder in (server.runs_dir / "drafts").iterdir() if not folder.name.startswith(".")}


def _let_work_expire(server: TargetServer, client: httpx.Client, firsts: dict[str, str]) -> dict[str, str]:
    """Give a visitor work with a model that is used and shared, and let the server forget them; returns what led to it."""
    status, stopped = server.call("stop", server.training)
    assert status == "complete", stopped
    (server.folder / "brake").unlink()
    theirs = replace(server, http=client)
    targets = _prepare_work(theirs, EXPIRED_SECRET)
    runs = (firsts["run"], targets["run"])
    server.wait_until(lambda: {server.states()[run][0] for run in runs} == {"finished"})
    status, predicted = theirs.call("predict", targets["run"], [f"{EXPIRED_SECRET} is happy"])
    assert (status, EXPIRED_SECRET in json.dumps(predicted)) == ("complete", True), predicted
    targets |= {"token": Shares(server.runs_dir).share(targets["run"], with_texts=True).token, "along": _along(theirs)}
    server.gone.write_text(_owner_of(server, targets["run"]), encoding="utf-8")
    server.wait_until(lambda: not _left(server, targets))
    # Not removed: the server may be about to read it.
    server.gone.write_text("", encoding="utf-8")
    return targets


def _left(server: TargetServer, targets: dict[str, str]) -> list[Path]:
    """What is on the disk of somebody's work."""
    runs_dir = server.runs_dir
    folders = (runs_dir / "drafts" / targets["draft"], runs_dir / "jobs" / targets["job"], runs_dir / "shares" / targets["token"])
    return [path for path in (Path(targets["folder"]), Path(targets["upload"]), *folders) if path.exists()]


def _owner_of(server: TargetServer, run: str) -> str:
    return json.loads((server.runs_dir / run / LOG).read_text().splitlines()[0])["owner"]


def _along(server: TargetServer) -> str:
    """The code of a link to take the work of ``server.http`` along; in a team, where there is none, one that leads nowhere."""
    link = re.search(r'href="along/([\w-]+)"', server.get("/along").text)
    return link[1] if link else _NO_CODE


def _leave_result(server: TargetServer, upload: dict[str, Any]) -> str:
    """Let ``server.http`` ask through the queue what is in the file, which changes nothing, and leave the results there, as a page does that was closed;
    returns the id of a call."""
    event = next(event for event in _events(server) if event["api_name"] == "inspect")
    values = [upload, *([None] * (len(event["inputs"]) - 1))]
    body = {"data": values, "fn_index": event["id"], "session_hash": SESSION}
    for path, content in (("queue/join", body), ("call/inspect", {"data": values})):
        response = server.http.post(f"{server.address}/gradio_api/{path}", json=content)
        assert response.status_code == 200, response.text
    return response.json()["event_id"]


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
    of_gradio = ("/gradio_api/file={upload}", twice, "/gradio_api/file={folder}/source", "/along/{along}", "/config", "/")
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
    owner = _owner_of(server, targets["run"])
    runs = {f"run {run}": state for run, state in server.states().items() if run in (targets["run"], server.finished, targets["training"])}
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


def _requests(server: TargetServer, targets: dict[str, str], rng: random.Random, rounds: int) -> Iterator[tuple[str, Any]]:
    """Name of each request, and what sends it and returns the response's text: every event with every target, without and with some action."""
    components = {component["id"]: component for component in server.config["components"]}
    upload = {"path": targets["upload"], "meta": {"_type": "gradio.FileData"}}
    ids = [targets[name] for name in ("run", "draft", "job", "training")]
    for address in (*addresses(), f"/gradio_api/queue/data?session_hash={SESSION}", "/gradio_api/call/inspect/{event}"):
        yield address, lambda client, address=address: _text_at(client, address.format(**targets))
    yield "take along", lambda client: client.post("/along/{along}".format(**targets)).text
    cancelled = {"session_hash": SESSION, "fn_index": 0, "event_id": targets["event"]}
    yield "cancel", lambda client: client.post("/gradio_api/cancel", json=cancelled).text
    actions = _actions()
    # All events in each round, each with another id or action: a sample reaches them all.
    ways = list(itertools.product(ids, range(4)))
    first_way = rng.randrange(len(ways))
    for n_round in range(rounds):
        for number, event in enumerate(_events(server), start=first_way + n_round):
            target, n_action = ways[number % len(ways)]
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
