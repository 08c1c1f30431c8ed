"""What the page loads before it can be used, compared with a bare Gradio page that has the same types of components, and what it does afterwards."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.addresses import free_port, patient, wait_until_served
from tests.browser.conftest import ROOT, Server, Visit
from tests.child_processes import popen
from trainer.ui.light_scripts import light_script_routes


@dataclass(frozen=True)
class Load:
    """Number of requests and transferred bytes of a page load."""

    requests: int
    bytes: int
    addresses: tuple[str, ...]


@pytest.fixture(scope="module")
def bare_page_address(browser: Browser) -> Iterator[str]:
    """The address of a bare page."""
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GRADIO_SERVER_PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    process = popen([sys.executable, "-m", "tests.bench.bare_page"], env=environment, cwd=ROOT)
    wait_until_served(f"http://127.0.0.1:{port}", process)
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()


def load(browser: Browser, address: str) -> Load:
    """Load a page with an empty cache, until its tabs are shown and no request is pending."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    page = patient(context.new_page())
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[float] = []
    addresses: list[str] = []
    pending: list[Request] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))

    def asked_for(request: Request) -> None:
        # Requests of the running page, such as its timer's, are not part of loading it.
        if "/gradio_api/" not in request.url or "file=" in request.url:
            addresses.append(request.url)
            pending.append(request)

    def is_over(request: Request) -> None:
        if request in pending:
            pending.remove(request)

    page.on("request", asked_for)
    page.on("requestfinished", is_over)
    page.on("requestfailed", is_over)
    page.goto(address)
    expect(page.get_by_role("tab").first).to_be_visible()
    asked = -1
    while pending or len(addresses) > asked:  # what is asked for late, on busy cores too
        asked = len(addresses)
        page.wait_for_timeout(3_000)
        page.evaluate("() => new Promise((done) => setTimeout(done))")
    context.close()
    return Load(len(addresses), int(sum(sizes)), tuple(addresses))


def test_the_page_loads_no_more_than_a_bare_one(browser: Browser, empty_server: Server, bare_page_address: str) -> None:
    ours, baseline = load(browser, empty_server.address), load(browser, bare_page_address)
    assert ours.requests <= baseline.requests + 6, sorted(set(ours.addresses))
    assert ours.bytes <= baseline.bytes


def test_plotly_is_loaded_when_a_chart_is_needed(browser: Browser, empty_server: Server) -> None:
    assert not any("plotly" in address for address in load(browser, empty_server.address).addresses)


def test_an_event_that_has_ended_leaves_a_state_of_its_outputs_only(browser: Browser, empty_server: Server) -> None:
    (route,) = light_script_routes()
    page = patient(browser.new_page())
    page.goto(empty_server.address + "/favicon.ico")
    states = page.evaluate(
        """async address => {
            const script = await import(address);
            const LoadingStates = Object.values(script).find(exported => exported?.prototype?.resolve_args);
            const states = new LoadingStates();
            states.register(1, [10], [20, 30], "hidden");
            states.update({ fn_index: 1, status: "pending", stream_state: null });
            states.update({ fn_index: 1, status: "complete", stream_state: "closed" });
            return Object.entries(states.current).map(([id, { status }]) => [id, status]);
        }""",
        route.path,
    )
    page.close()
    assert states == [["10", "complete"]]


COUNT_FRAMES = """() => {
    const { requestAnimationFrame } = window;
    window.framesWanted = 0;
    window.requestAnimationFrame = (callback) => {
        window.framesWanted += 1;
        return requestAnimationFrame(callback);
    };
}"""


def wait_for_refresh(page: Page) -> None:
    page.wait_for_event("response", lambda response: "run/predict" in response.url)


def test_a_page_comes_to_rest_and_draws_no_more_frames(visit: Callable[..., Visit], empty_server: Server) -> None:
    page = visit(empty_server).page
    page.evaluate(COUNT_FRAMES)
    frames: list[int] = []
    for _ in range(20):
        wait_for_refresh(page)
        frames.append(page.evaluate("window.framesWanted"))
        if frames[-1] in frames[:-1]:
            break
    assert len(set(frames)) < len(frames), frames
