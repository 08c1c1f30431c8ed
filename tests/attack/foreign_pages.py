"""Foreign pages: what a page of another site can make a browser do to a server on this computer, by raw requests and in a real Chromium.

Pages of another port, of another site, of a site whose name was bound to our address, and of no site at all: each tries to read, start, stop,
delete, upload, download and frame. No answer may be anything but a refusal.
"""

import http.client
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from typing import TYPE_CHECKING, Any

from tests.attack.outcomes import Bounds, Outcome
from tests.attack.served import Served, serving
from tests.conftest import CHROMIUM

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Request, Response

EVIL = "evil.test"
_ORIGINS = (
    "http://evil.test",
    "https://evil.test:{port}",
    "http://localhost:9999",
    "http://127.0.0.1:9999",
    "http://127.0.0.1",
    "null",
    "file://",
)
_SITES = ("cross-site", "same-site")
_PAGES = (
    "http://localhost:{other}/",
    "http://127.0.0.1:{other}/",
    "http://evil.test:{other}/",
    "http://evil.test:{port}/",
    "http://localhost:{other}/sandboxed",
)

_DEEDS = """async ({target, run, training, event, file}) => {
  const got = [];
  const ask = async (name, path, how = {}) => {
    try {
      const answer = await fetch(target + path, how);
      const text = answer.type === "opaque" ? "" : await answer.text();
      if (answer.ok) got.push(`${name}: ${answer.status} ${text.slice(0, 80)}`);
      return text;
    } catch (error) { return ""; }
  };
  const json = body => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const plain = body => ({ method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" }, body: JSON.stringify(body) });
  const form = () => { const data = new FormData(); data.append("files", new Blob(["text,label\\nevil,a\\n"]), "evil.csv"); return data; };
  for (const credentials of ["omit", "include"]) {
    await ask("read the settings", "/config", { credentials });
    await ask("read the API", "/gradio_api/info", { credentials });
    await ask("read the page", "/", { credentials });
    await ask("upload", "/gradio_api/upload", { method: "POST", body: form(), credentials });
    await ask("upload blindly", "/gradio_api/upload", { method: "POST", mode: "no-cors", body: form(), credentials });
    await ask("start", "/gradio_api/call/start", { ...json({ data: [file, null, null, {}] }), credentials });
    await ask("start blindly", "/gradio_api/call/start", { ...plain({ data: [file, null, null, {}] }), credentials });
    await ask("stop", "/gradio_api/call/stop", { ...json({ data: [training] }), credentials });
    await ask("stop blindly", "/gradio_api/call/stop", { ...plain({ data: [training] }), credentials });
    await ask("delete", "/gradio_api/run/predict", { ...json({ fn_index: event, data: [], event_data: { action: "delete", code: run }, session_hash: "e" }), credentials });
    await ask("join", "/gradio_api/queue/join", { ...json({ fn_index: event, data: [], session_hash: "e" }), credentials });
    await ask("cancel blindly", "/gradio_api/cancel", { ...plain({ session_hash: "e", fn_index: 0, event_id: "x" }), credentials });
    await ask("listen", "/gradio_api/queue/data?session_hash=e", { credentials });
    await ask("download", `/download/${run}`, { credentials });
    await ask("download blindly", `/download/${run}`, { mode: "no-cors", credentials });
    await ask("fetch a file", "/gradio_api/file=/etc/passwd", { credentials });
  }
  navigator.sendBeacon(target + "/gradio_api/upload", form());
  const embedded = (tag, attribute, path) => new Promise(done => {
    const made = document.createElement(tag);
    made[attribute] = target + path;
    made.onload = () => { if (tag !== "iframe") got.push(`embedded ${path} as ${tag}`); done(); };
    made.onerror = () => done();
    setTimeout(done, 5000);
    document.body.append(made);
  });
  await Promise.all([
    embedded("img", "src", "/favicon.ico"), embedded("script", "src", "/theme.css"), embedded("iframe", "src", "/"),
    embedded("iframe", "src", `/download/${run}`), embedded("img", "src", `/download/${run}`), embedded("iframe", "src", "/config"),
  ]);
  await new Promise(done => {
    const listening = new EventSource(target + "/gradio_api/heartbeat/evil");
    listening.onmessage = () => { got.push("heard the heartbeat"); listening.close(); done(); };
    listening.onerror = () => { listening.close(); done(); };
    setTimeout(done, 5000);
  });
  return got;
}"""


def attack(bounds: Bounds) -> Outcome:
    with serving() as served:
        found = attacked_raw(bounds, served)
        program = shutil.which("chromium")
        if program is None:
            found.effects.append("there is no Chromium here, so its part was not tried")
            return found
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
            more = attacked_in_browser(bounds, served, browser)
            browser.close()
    return Outcome(found.tries + more.tries, found.effects + more.effects, found.figures | more.figures)


def attacked_raw(bounds: Bounds, served: Served) -> Outcome:
    """Every combination of headers that a browser could be made to send, at all that changes or hands out something."""
    found, before = Outcome(), served.states()
    paths = [
        *(
            ("POST", path)
            for path in ("upload", "run/predict", "api/predict", "queue/join", "call/start", "call/stop", "call/v2/stop", "cancel", "reset")
        ),
        *(
            ("GET", path)
            for path in (
                "queue/data?session_hash=e",
                "info",
                "heartbeat/e",
                "file=/etc/passwd",
                "startup-events",
                "upload_progress?upload_id=e",
            )
        ),
    ]
    wanted = [(method, f"/gradio_api/{path}") for method, path in paths]
    wanted += [("GET", path) for path in (f"/download/{served.finished}", "/prepared/x/exact", "/config", "/theme.css", "/login")]
    wanted += [("OPTIONS", "/gradio_api/upload"), ("HEAD", "/"), ("GET", "/")]
    hosts = (f"evil.test:{served.port}", "evil.test", f"127.0.0.1.evil.test:{served.port}", "", f"localhost:{served.port}@evil.test")
    own = f"127.0.0.1:{served.port}"
    tries = [
        (method, path, {"Host": own, "Origin": origin.format(port=served.port)}) for (method, path), origin in product(wanted, _ORIGINS)
    ]
    embedded = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    tries += [(method, path, {"Host": own, "Sec-Fetch-Site": site, **embedded}) for (method, path), site in product(wanted, _SITES)]
    tries += [(method, path, {"Host": host}) for (method, path), host in product(wanted, hosts)]
    tries += [
        (method, path, {"Host": hosts[0], "Origin": f"http://{hosts[0]}", "Sec-Fetch-Site": "same-origin"}) for method, path in wanted
    ]
    for method, path, headers in tries[:: max(1, round(1 / bounds.share))]:
        found.tries += 1
        status, answer = _raw(served.port, method, path, headers)
        if status not in (400, 403, 421) or "access-control-allow-origin" in answer:
            found.effects.append(f"{method} {path} with {headers}: {status} {answer}")
    found.effects += served.complaints()
    found.effects += ["a run became another"] if served.states() != before else []
    return found


def _raw(port: int, method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", "0")
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def attacked_in_browser(bounds: Bounds, served: Served, browser: "Browser") -> Outcome:
    """All deeds from each of the foreign pages."""
    found, before, uploads = Outcome(), served.states(), served.uploads
    event = next(one["id"] for one in served.config["dependencies"] if any(kind == "click" for _, kind in one["targets"]))
    facts = {"run": served.finished, "training": served.training, "event": event, "file": served.upload()}
    with _foreign_site() as other:
        for page in _PAGES[: max(2, bounds.of(len(_PAGES)))] if bounds.share == 1 else (_PAGES[0], _PAGES[3]):
            address = page.format(other=other, port=served.port)
            # A rebound name asks under itself, and so is its own page.
            target = f"http://{EVIL}:{served.port}" if f"{EVIL}:{served.port}" in address else served.address
            context = browser.new_context(accept_downloads=True)
            found.tries += _visit(context, address, {**facts, "target": target}, served, found)
            context.close()
    found.effects += served.complaints()
    found.effects += ["a run became another"] if served.states() != before else []
    found.effects += (
        ["an upload stayed"] if [path for path in served.uploads if path not in uploads and path.parent.name != "uploads"][1:] else []
    )
    return found


def _visit(context: "BrowserContext", address: str, facts: dict[str, Any], served: Served, found: Outcome) -> int:
    """Open one foreign page and let it do what it can; the number of things it asked for."""
    asked, page, made_up = [0], context.new_page(), f"http://{EVIL}:{served.port}/page"

    def wanted(request: "Request") -> None:
        asked[0] += f":{served.port}/" in request.url and request.url != made_up

    def seen(answer: "Response") -> None:
        if f":{served.port}/" in answer.url and answer.url != made_up and answer.status not in (403, 421):
            found.effects.append(f"{address} got {answer.status} of {answer.request.method} {answer.url}")

    # Of what a browser does not even send, or whose answer it hides, there is no response.
    page.on("request", wanted)
    page.on("response", seen)
    page.on("download", lambda download: found.effects.append(f"{address} downloaded {download.url}"))
    if f":{served.port}/" in address:
        # The rebound page itself is refused; what its site would do stands in one that is served in its place.
        page.goto(address)
        page.route(made_up, lambda route: route.fulfill(body="<body>evil</body>", content_type="text/html"))
        address = made_up
    page.goto(address)
    frame = page.frames[1] if "sandboxed" in address else page.main_frame
    found.effects += [f"{address}: {what}" for what in frame.evaluate(_DEEDS, facts)]
    framed = [one for one in page.frames if one.url.startswith(facts["target"]) and "Emotune" in (one.title() or "")]
    found.effects += [f"{address} framed {one.url}" for one in framed if one is not frame and one.parent_frame]
    return asked[0]


@contextmanager
def _foreign_site() -> Iterator[int]:
    """Another site's server, on a port of its own."""
    sandboxed = b"<body><iframe sandbox='allow-scripts allow-forms' srcdoc='<body>evil</body>'></iframe></body>"

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = sandboxed if "sandboxed" in self.path else b"<body>evil</body>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nobody wants to read it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
