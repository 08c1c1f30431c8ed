"""Ids and paths that are not the caller's: up and out of folders, in every spelling, by every way that takes a path or an id.

No answer may have a line of a run, of a draft, of this computer's accounts or of the server's environment in it.
"""

import http.client
import json
import random
from collections.abc import Iterator
from urllib.parse import quote

from tests.attack.outcomes import Bounds, Outcome
from tests.attack.served import Served, serving

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


def attack(bounds: Bounds) -> Outcome:
    with serving() as served:
        return attacked(bounds, served)


def attacked(bounds: Bounds, served: Served) -> Outcome:
    """So many of them at a server that runs."""
    found, before, draw = Outcome(), served.states(), random.Random(bounds.seed)
    secrets = _secrets(served)
    files_before = _files(served)
    for _ in range(bounds.of(TRIES)):
        found.tries += 1
        path = draw.choice(_ROUTES).replace("{}", draw.choice(list(_targets(served, draw))))
        status, body = _raw(served, path)
        if leaked := _leak(body, secrets):
            found.effects.append(f"GET {path}: {status} with {leaked}")
    _named_files(served, bounds, draw, secrets, found)
    _upload_names(served, bounds, found)
    found.effects += [
        f"a file appeared outside the folder of uploads: {path}" for path in _files(served) - files_before if "uploads" not in path
    ]
    found.effects += served.complaints()
    found.effects += ["a run became another"] if served.states() != before else []
    return found


def _targets(served: Served, draw: random.Random) -> Iterator[str]:
    """Where somebody may want to get, in one spelling each."""
    up, runs = draw.choice(_UP) * draw.randint(1, 12), served.runs_dir
    run = runs / served.finished
    inside = draw.choice(("events.jsonl", "data.parquet", "recipe.json", "model/config.json", "source", "predictions.parquet"))
    for target in (
        run / inside,
        runs / "serving.json",
        "/etc/passwd",
        "/proc/self/environ",
        "/proc/self/cwd/app.py",
        served.folder / "output",
        served.folder / "moods.csv",
    ):
        spelt = str(target)
        yield draw.choice(
            (
                spelt,
                quote(spelt, safe=""),
                f"{up}{spelt.lstrip('/')}",
                f"//{spelt}",
                f"file://{spelt}",
                f"{runs}/uploads/{up}{served.finished}/{inside}",
            )
        )
    yield draw.choice(
        (
            "5eed" * 8,
            served.finished.upper(),
            f"{served.finished}%00",
            f"{served.finished}/../{served.training}",
            f"{up}{served.finished}",
            "." * 32,
        )
    )
    yield draw.choice(
        ("http://127.0.0.1:1/x", "http://169.254.169.254/latest", "https://x.hf.space/x", f"http://127.0.0.1:{served.port}/config")
    )


def _secrets(served: Served) -> dict[bytes, str]:
    """What no answer may hold, and what it would be of."""
    events = (served.runs_dir / served.finished / "events.jsonl").read_bytes()
    rows = served.csv.read_bytes().splitlines()
    return {
        b"root:x:0": "the accounts of this computer",
        b"EMOTUNE_RUNS=": "the environment of the server",
        events[:60]: "the events of a run",
        rows[3]: "a row of a file",
        b'"hidden_size"': "the configuration of a model",
        b"PAR1": "a table of a run",
    }


def _leak(body: bytes, secrets: dict[bytes, str]) -> str:
    return next((name for mark, name in secrets.items() if mark in body), "")


def _raw(served: Served, path: str) -> tuple[int, bytes]:
    """One request for exactly this path: a client library would put it right."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=120)
    connection._validate_path = lambda url: None  # type: ignore[method-assign]
    try:
        connection.request("GET", path.replace(" ", "%20").encode("ascii", "ignore").decode())
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (http.client.HTTPException, ConnectionError) as error:
        return 0, repr(error).encode()
    finally:
        connection.close()


def _named_files(served: Served, bounds: Bounds, draw: random.Random, secrets: dict[bytes, str], found: Outcome) -> None:
    """Files that are named where an upload belongs."""
    for _ in range(bounds.of(100)):
        found.tries += 1
        path = draw.choice(list(_targets(served, draw)))
        file = {"path": path, "url": draw.choice((None, path, "http://127.0.0.1:1/x"))} | draw.choice(
            ({}, {"meta": {"_type": "gradio.FileData"}})
        )
        file |= draw.choice(({}, {"is_stream": True}, {"orig_name": "../x.csv"}))
        endpoint = draw.choice(("inspect", "start"))
        kind, said = served.call(endpoint, file, None, None, *([{}] if endpoint == "start" else []))
        if kind == "complete" or _leak(json.dumps(said).encode(), secrets):
            found.effects.append(f"/{endpoint} took {file}")
        elif not isinstance(said, dict) or len(str(said.get("error") or "").split()) < 3:
            found.effects.append(f"/{endpoint} refused {file} without words: {said}")


def _upload_names(served: Served, bounds: Bounds, found: Outcome) -> None:
    for name in _UPLOADS[: max(3, bounds.of(len(_UPLOADS)))]:
        found.tries += 1
        body = b'--B\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n\r\ntext,label\na,b\n\r\n--B--\r\n' % name.encode()
        headers = {"content-type": "multipart/form-data; boundary=B"}
        answer = served.http.post(f"{served.address}/gradio_api/upload", content=body, headers=headers)
        if answer.status_code == 200 and not answer.json()[0].startswith(str(served.runs_dir / "uploads")):
            found.effects.append(f"the upload {name!r} came to lie at {answer.json()[0]}")


def _files(served: Served) -> set[str]:
    """All files around the server, but those of runs that change by themselves."""
    return {str(path) for path in served.folder.rglob("*") if path.is_file() and served.training not in str(path)}
