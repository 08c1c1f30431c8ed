"""Path traversal and foreign ids, in every spelling and by every route that takes a path or an id.

No response may contain a line of a run, of a draft, of this computer's accounts or of the server's environment.
"""

import http.client
import json
import random
from collections.abc import Iterator
from urllib.parse import quote

from tests.attack.outcomes import AttackOptions, Outcome
from tests.attack.target_server import TargetServer, running_server

TRIES = 2_000
_UP = (
    "../",
    "..%2f",
    "%2e%2e/",
    "%2e%2e%2f",
    "..%252f",
    "%252e%252e%252f",
    "..\\",
    "..%5c",
    "....//",
    "..;/",
    "%c0%ae%c0%ae/",
    "..%00/",
    "/./../",
    "..%u2215",
)
_ROUTES = (
    *(
        "/download/{}",
        "/prepared/{}/exact",
        "/prepared/{}/changes",
        "/prepared/x/{}",
        "/labels/{}/corrected",
        "/labels/{}/changes",
        "/labels/x/{}",
        "/gradio_api/file={}",
        "/gradio_api/file/{}",
        "/static/{}",
    ),
    *(
        "/assets/{}",
        "/svelte/{}",
        "/gradio_api/custom_component/{}/client/component/x.js",
        "/gradio_api/proxy={}",
        "/file={}",
        "/{}",
        "/theme.css/{}",
    ),
    *(
        "/gradio_api/stream/{}/x/1/playlist.m3u8",
        "/?deep_link={}",
        "/gradio_api/deep_link?session_hash={}",
        "/config?deep_link={}",
        "/config?page={}",
    ),
)
_UPLOADS = (
    "../../x.csv",
    "..\\x.csv",
    "/etc/cron.d/x",
    "C:\\x.csv",
    "a\0b.csv",
    "con.csv",
    "." * 3,
    "x" * 400,
    "\u202ecsv.exe",
    "~/x.csv",
    "a/b/c.csv",
    "%2e%2e%2fx",
)


def attack(options: AttackOptions) -> Outcome:
    with running_server() as server:
        return attack_server(options, server)


def attack_server(options: AttackOptions, server: TargetServer) -> Outcome:
    """Request many paths of a running server."""
    outcome, states_before, rng = Outcome(), server.states(), random.Random(options.seed)
    secrets = _secrets(server)
    files_before = _files(server)
    for _ in range(options.scaled(TRIES)):
        outcome.tries += 1
        path = rng.choice(_ROUTES).replace("{}", rng.choice(list(_targets(server, rng))))
        status, body = _raw(server, path)
        if leaked := _leak(body, secrets):
            outcome.effects.append(f"GET {path}: {status} with {leaked}")
    _named_files(server, options, rng, secrets, outcome)
    _upload_names(server, options, outcome)
    outcome.effects += [
        f"a file appeared outside the folder of uploads: {path}" for path in _files(server) - files_before if "uploads" not in path
    ]
    outcome.effects += server.problems()
    outcome.effects += ["a run changed"] if server.states() != states_before else []
    return outcome


def _targets(server: TargetServer, rng: random.Random) -> Iterator[str]:
    """Targets of the traversal, in one spelling each."""
    up, runs = rng.choice(_UP) * rng.randint(1, 12), server.runs_dir
    run = runs / server.finished
    inside = rng.choice(("events.jsonl", "data.parquet", "recipe.json", "model/config.json", "source", "predictions.parquet"))
    for target in (
        run / inside,
        runs / "serving.json",
        "/etc/passwd",
        "/proc/self/environ",
        "/proc/self/cwd/app.py",
        server.folder / "output",
        server.folder / "moods.csv",
    ):
        plain = str(target)
        yield rng.choice(
            (
                plain,
                quote(plain, safe=""),
                f"{up}{plain.lstrip('/')}",
                f"//{plain}",
                f"file://{plain}",
                f"{runs}/uploads/{up}{server.finished}/{inside}",
            )
        )
    yield rng.choice(
        (
            "5eed" * 8,
            server.finished.upper(),
            f"{server.finished}%00",
            f"{server.finished}/../{server.training}",
            f"{up}{server.finished}",
            "." * 32,
        )
    )
    yield rng.choice(
        ("http://127.0.0.1:1/x", "http://169.254.169.254/latest", "https://x.hf.space/x", f"http://127.0.0.1:{server.port}/config")
    )


def _secrets(server: TargetServer) -> dict[bytes, str]:
    """Bytes that no response may contain, and what they are part of."""
    events = (server.runs_dir / server.finished / "events.jsonl").read_bytes()
    rows = server.csv.read_bytes().splitlines()
    return {
        b"root:x:0": "the accounts of this computer",
        b"EMOTUNE_RUNS=": "the environment of the server",
        events[:60]: "the events of a run",
        rows[3]: "a row of a file",
        b'"hidden_size"': "the configuration of a model",
        b"PAR1": "a table of a run",
    }


def _leak(body: bytes, secrets: dict[bytes, str]) -> str:
    return next((name for secret, name in secrets.items() if secret in body), "")


def _raw(server: TargetServer, path: str) -> tuple[int, bytes]:
    """One request for exactly this path: a client library would normalize it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    connection._validate_path = lambda url: None  # type: ignore[method-assign]
    try:
        connection.request("GET", path.replace(" ", "%20").encode("ascii", "ignore").decode())
        response = connection.getresponse()
        return response.status, response.read()
    except (http.client.HTTPException, ConnectionError) as error:
        return 0, repr(error).encode()
    finally:
        connection.close()


def _named_files(server: TargetServer, options: AttackOptions, rng: random.Random, secrets: dict[bytes, str], outcome: Outcome) -> None:
    """Calls that name any file instead of an upload."""
    for _ in range(options.scaled(100)):
        outcome.tries += 1
        path = rng.choice(list(_targets(server, rng)))
        file = {"path": path, "url": rng.choice((None, path, "http://127.0.0.1:1/x"))} | rng.choice(
            ({}, {"meta": {"_type": "gradio.FileData"}})
        )
        file |= rng.choice(({}, {"is_stream": True}, {"orig_name": "../x.csv"}))
        endpoint = rng.choice(("inspect", "start"))
        status, value = server.call(endpoint, file, None, None, *([{}, None] if endpoint == "start" else [None]))
        if status == "complete" or _leak(json.dumps(value).encode(), secrets):
            outcome.effects.append(f"/{endpoint} accepted {file}")
        elif not isinstance(value, dict) or len(str(value.get("error") or "").split()) < 3:
            outcome.effects.append(f"/{endpoint} refused {file} without a message: {value}")


def _upload_names(server: TargetServer, options: AttackOptions, outcome: Outcome) -> None:
    for name in _UPLOADS[: max(3, options.scaled(len(_UPLOADS)))]:
        outcome.tries += 1
        body = b'--B\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\ntext,label\na,b\n\r\n--B--\r\n' % name.encode()
        headers = {"content-type": "multipart/form-data; boundary=B"}
        response = server.http.post(f"{server.address}/gradio_api/upload", content=body, headers=headers)
        if response.status_code == 200 and not response.json()[0].startswith(str(server.runs_dir / "uploads")):
            outcome.effects.append(f"the upload {name!r} was stored at {response.json()[0]}")


def _files(server: TargetServer) -> set[str]:
    """All files of the server, except those of the training run, which change."""
    return {str(path) for path in server.folder.rglob("*") if path.is_file() and server.training not in str(path)}
