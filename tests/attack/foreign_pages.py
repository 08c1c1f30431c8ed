"""Foreign pages: what another site can make a browser do to a server on this computer, with raw requests and in a real Chromium.

Pages from another port, from another site, from a host name rebound to our address (DNS rebinding), and from an opaque origin: each tries to
read, start, stop, delete, upload, download and frame. Every response must be a refusal.
"""

import http.client
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from typing import TYPE_CHECKING, Any

from tests.addresses import patient
from tests.attack.outcomes import AttackOptions, Outcome
from tests.attack.target_server import TargetServer, running_server
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

_ACTIONS = """async ({target, run, training, event, file}) => {
  const effects = [];
  const request = async (name, path, options = {}) => {
    try {
      const response = await fetch(target + path, options);
      const text = response.type === "opaque" ? "" : await response.text();
      if (response.ok) effects.push(`${name}: ${response.status} ${text.slice(0, 80)}`);
      return text;
    } catch (error) { return ""; }
  };
  const json = body => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const plain = body => ({ method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" }, body: JSON.stringify(body) });
  const form = () => { const data = new FormData(); data.append("files", new Blob(["text,label\\nevil,a\\n"]), "evil.csv"); return data; };
  for (const credentials of ["omit", "include"]) {
    await request("read the settings", "/config", { credentials });
    await request("read the API", "/gradio_api/info", { credentials });
    await request("read the page", "/", { credentials });
    await request("upload", "/gradio_api/upload", { method: "POST", body: form(), credentials });
    await request("upload blindly", "/gradio_api/upload", { method: "POST", mode: "no-cors", body: form(), credentials });
    await request("start", "/gradio_api/call/start", { ...json({ data: [file, null, null, {}, null] }), credentials });
    await request("start blindly", "/gradio_api/call/start", { ...plain({ data: [file, null, null, {}, null] }), credentials });
    await request("stop", "/gradio_api/call/stop", { ...json({ data: [training] }), credentials });
    await request("stop blindly", "/gradio_api/call/stop", { ...plain({ data: [training] }), credentials });
    await request("delete", "/gradio_api/run/predict", { ...json({ fn_index: event, data: [], event_data: { action: "delete", code: run }, session_hash: "e" }), credentials });
    await request("join", "/gradio_api/queue/join", { ...json({ fn_index: event, data: [], session_hash: "e" }), credentials });
    await request("cancel blindly", "/gradio_api/cancel", { ...plain({ session_hash: "e", fn_index: 0, event_id: "x" }), credentials });
    await request("listen", "/gradio_api/queue/data?session_hash=e", { credentials });
    await request("download", `/download/${run}`, { credentials });
    await request("download blindly", `/download/${run}`, { mode: "no-cors", credentials });
    await request("fetch a file", "/gradio_api/file=/etc/passwd", { credentials });
  }
  navigator.sendBeacon(target + "/gradio_api/upload", form());
  const embedded = (tag, attribute, path) => new Promise(done => {
    const element = document.createElement(tag);
    element[attribute] = target + path;
    element.onload = () => { if (tag !== "iframe") effects.push(`embedded ${path} as ${tag}`); done(); };
    element.onerror = () => done();
    setTimeout(done, 5000);
    document.body.append(element);
  });
  await Promise.all([
    embedded("img", "src", "/favicon.ico"), embedded("script", "src", "/theme.css"), embedded("iframe", "src", "/"),
    embedded("iframe", "src", `/download/${run}`), embedded("img", "src", `/download/${run}`), embedded("iframe", "src", "/config"),
  ]);
  await new Promise(done => {
    const events = new EventSource(target + "/gradio_api/heartbeat/evil");
    events.onmessage = () => { effects.push("heard the heartbeat"); events.close(); done(); };
    events.onerror = () => { events.close(); done(); };
    setTimeout(done, 5000);
  });
  return effects;
}"""


def attack(options: AttackOptions) -> Outcome:
    with running_server() as server:
        raw = attack_with_requests(options, server)
        chromium = shutil.which("chromium")
        if chromium is None:
            raw.effects.append("there is no Chromium, so the browser part was skipped")
            return raw
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
            browsed = attack_in_browser(options, server, browser)
            browser.close()
    return Outcome(raw.tries + browsed.tries, raw.effects + browsed.effects, raw.figures | browsed.figures)


def attack_with_requests(options: AttackOptions, server: TargetServer) -> Outcome:
    """Every combination of headers that a browser could be made to send, on every route that changes or returns something."""
    outcome, states_before = Outcome(), server.states()
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
    requests = [(method, f"/gradio_api/{path}") for method, path in paths]
    requests += [("GET", path) for path in (f"/download/{server.finished}", "/prepared/x/exact", "/config", "/theme.css", "/login")]
    requests += [("OPTIONS", "/gradio_api/upload"), ("HEAD", "/"), ("GET", "/")]
    hosts = (f"evil.test:{server.port}", "evil.test", f"127.0.0.1.evil.test:{server.port}", "", f"localhost:{server.port}@evil.test")
    own_host = f"127.0.0.1:{server.port}"
    tries = [
        (method, path, {"Host": own_host, "Origin": origin.format(port=server.port)})
        for (method, path), origin in product(requests, _ORIGINS)
    ]
    embedded = {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    tries += [(method, path, {"Host": own_host, "Sec-Fetch-Site": site, **embedded}) for (method, path), site in product(requests, _SITES)]
    tries += [(method, path, {"Host": host}) for (method, path), host in product(requests, hosts)]
    tries += [
        (method, path, {"Host": hosts[0], "Origin": f"http://{hosts[0]}", "Sec-Fetch-Site": "same-origin"}) for method, path in requests
    ]
    for method, path, headers in tries[:: max(1, round(1 / options.fraction))]:
        outcome.tries += 1
        status, response_headers = _raw(server.port, method, path, headers)
        if status not in (400, 403, 421) or "access-control-allow-origin" in response_headers:
            outcome.effects.append(f"{method} {path} with {headers}: {status} {response_headers}")
    outcome.effects += server.problems()
    outcome.effects += ["a run changed"] if server.states() != states_before else []
    return outcome


def _raw(port: int, method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", "0")
        connection.endheaders()
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()


def attack_in_browser(options: AttackOptions, server: TargetServer, browser: "Browser") -> Outcome:
    """All actions from each of the foreign pages."""
    outcome, states_before, uploads = Outcome(), server.states(), server.uploads
    event = next(one["id"] for one in server.config["dependencies"] if any(trigger == "click" for _, trigger in one["targets"]))
    arguments = {"run": server.finished, "training": server.training, "event": event, "file": server.upload()}
    with _foreign_site() as other:
        for page in _PAGES[: max(2, options.scaled(len(_PAGES)))] if options.fraction == 1 else (_PAGES[0], _PAGES[3]):
            address = page.format(other=other, port=server.port)
            # With a rebound name the page and the server have the same origin.
            target = f"http://{EVIL}:{server.port}" if f"{EVIL}:{server.port}" in address else server.address
            context = browser.new_context(accept_downloads=True)
            outcome.tries += _visit(context, address, {**arguments, "target": target}, server, outcome)
            context.close()
    outcome.effects += server.problems()
    outcome.effects += ["a run changed"] if server.states() != states_before else []
    outcome.effects += (
        ["an upload was stored"] if [path for path in server.uploads if path not in uploads and path.parent.name != "uploads"][1:] else []
    )
    return outcome


def _visit(context: "BrowserContext", address: str, arguments: dict[str, Any], server: TargetServer, outcome: Outcome) -> int:
    """Open one foreign page and run its actions; returns the number of its requests to the server."""
    n_requests, page, fake_page = 0, patient(context.new_page()), f"http://{EVIL}:{server.port}/page"

    def count_request(request: "Request") -> None:
        nonlocal n_requests
        n_requests += f":{server.port}/" in request.url and request.url != fake_page

    def check_response(response: "Response") -> None:
        if f":{server.port}/" in response.url and response.url != fake_page and response.status not in (403, 421):
            outcome.effects.append(f"{address} got {response.status} of {response.request.method} {response.url}")

    # Blocked requests and hidden responses raise no response event.
    page.on("request", count_request)
    page.on("response", check_response)
    page.on("download", lambda download: outcome.effects.append(f"{address} downloaded {download.url}"))
    if f":{server.port}/" in address:
        # The server refuses the rebound page itself; a fake page with the same origin runs the actions.
        page.goto(address)
        page.route(fake_page, lambda route: route.fulfill(body="<body>evil</body>", content_type="text/html"))
        address = fake_page
    page.goto(address)
    frame = page.frames[1] if "sandboxed" in address else page.main_frame
    outcome.effects += [f"{address}: {effect}" for effect in frame.evaluate(_ACTIONS, arguments)]
    framed = [one for one in page.frames if one.url.startswith(arguments["target"]) and "Emotune" in (one.title() or "")]
    outcome.effects += [f"{address} framed {one.url}" for one in framed if one is not frame and one.parent_frame]
    return n_requests


@contextmanager
def _foreign_site() -> Iterator[int]:
    """The server of another site, on another port."""
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
            """Keep the output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
