"""The page of a public server: it opens with an answer, leads visitors back to their own work, and lives in a frame of another site."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.addresses import patient
from tests.browser.conftest import Server
from tests.browser.steps import tab
from tests.browser.test_accessibility import stop_motion, violations_by_view
from tests.conftest import CHROMIUM, Chromium
from tests.warm_interpreter import WarmInterpreter
from trainer.security.visitors import HEADER
from trainer.training.encoders import Encoder

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MAX_PAGES = 3
HUB = "https://huggingface.co/spaces/somebody/something"


@pytest.fixture(scope="module")
def space(
    tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, warm_interpreter: WarmInterpreter, chromium: Chromium
) -> Iterator[Server]:
    """A Space: in public mode, and in a frame of the Hub."""
    settings = {"SPACE_ID": "somebody/something", "EMOTUNE_FREE_GB": "0", "EMOTUNE_PAGES": str(MAX_PAGES), "EMOTUNE_IDLE_SECONDS": "5"}
    server = Server(tmp_path_factory.mktemp("space"), tiny_encoder, warm_interpreter, settings)
    server.start()
    yield server
    server.end()


def answered(page: Page | FrameLocator) -> None:
    expect(page.locator("#prediction h3")).to_have_text(re.compile("^(Probably|Perhaps) "))


def framed(page: Page, space: Server) -> FrameLocator:
    """The page in a frame of another site, as on the Hub; the browser takes localhost for a secure origin, so its cookie may be Secure."""
    frame = (
        f'<!doctype html><title>A Space</title><iframe src="http://localhost:{space.port}/" style="width: 1200px; height: 840px"></iframe>'
    )
    page.route("https://huggingface.co/**", lambda route: route.fulfill(body=frame, content_type="text/html"))
    page.goto(HUB)
    inner = page.frame_locator("iframe")
    expect(inner.locator("html[data-opened]")).to_be_attached()
    return inner


def open_sample(page: Page | FrameLocator) -> None:
    page.locator("#try-own-file").click()
    page.locator("#open-sample").click()
    expect(page.locator("#data-summary")).to_contain_text("1,022 rows")


def test_a_new_visitor_gets_answers_and_a_returning_one_their_own_work(browser: "Browser", space: Server) -> None:
    page = patient(browser.new_page())
    page.goto(space.address)
    expect(page.get_by_role("tab", name="Try it")).to_have_attribute("aria-selected", "true")
    answered(page)
    rows = page.locator("#examples button")
    expect(rows).to_have_count(3)
    stop_motion(page)
    found = violations_by_view(page, "a public server's first page")
    assert {state: wrong for state, wrong in found.items() if wrong} == {}
    rows.first.click()
    expect(page.locator("#prediction .em-true-label")).to_contain_text("Its label is")
    # It is nobody's run.
    tab(page, "Runs")
    expect(page.locator("#runs-list")).to_contain_text("No runs yet")
    tab(page, "Try it")
    page.locator("#try-quick").click()
    expect(page.get_by_role("tab", name="Train")).to_have_attribute("aria-selected", "true")
    tab(page, "Runs")
    expect(page.locator("#runs-list [data-action=open]")).to_have_count(1)
    page.goto(f"{space.address}/along")
    expect(page.locator("#link")).to_contain_text("/along/")
    found = violations_by_view(page, "the link to one's work")
    assert {state: wrong for state, wrong in found.items() if wrong} == {}
    page.goto(space.address)
    expect(page.get_by_role("tab", name=re.compile("Train|Data"), selected=True)).to_be_visible()
    # Another visitor sees nothing of it.
    other = patient(browser.new_page())
    other.goto(space.address)
    answered(other)
    tab(other, "Runs")
    expect(other.locator("#runs-list")).to_contain_text("No runs yet")
    for opened in (page, other):
        opened.close()


def test_one_page_too_many_says_so_and_goes_on_when_another_is_closed(browser: "Browser", space: Server) -> None:
    context = browser.new_context()
    pages = [patient(context.new_page()) for _ in range(MAX_PAGES + 1)]
    for page in pages[:-1]:
        page.goto(space.address)
        answered(page)
    # Loaded again, it is still one.
    pages[0].reload()
    answered(pages[0])
    pages[-1].goto(space.address)
    expect(pages[-1].locator("#status-bar")).to_contain_text(f"You have {MAX_PAGES} other pages of this server open")
    pages[1].close()
    answered(pages[-1])
    context.close()


def test_in_a_frame_of_another_site_a_visitor_is_known_by_the_partitioned_cookie(browser: "Browser", space: Server) -> None:
    page = patient(browser.new_page())
    tokens: list[str | None] = []
    page.on("request", lambda request: tokens.append(request.headers.get(HEADER)))
    frame = framed(page, space)
    answered(frame)
    open_sample(frame)
    frame = framed(page, space)
    expect(frame.locator("#data-summary")).to_contain_text("1,022 rows")
    assert set(tokens) == {None}
    [cookie] = page.context.cookies()
    assert (cookie["sameSite"], cookie["secure"], cookie["httpOnly"], cookie["partitionKey"]) == (
        "None",
        True,
        True,
        "https://huggingface.co",
    )
    page.close()


def test_where_cookies_are_refused_a_token_of_the_page_does_the_same(chromium: Chromium, space: Server, tmp_path: Path) -> None:
    profile = tmp_path / "profile" / "Default"
    profile.mkdir(parents=True)
    refusing = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (profile / "Preferences").write_text(json.dumps(refusing))
    context = chromium.type.launch_persistent_context(profile.parent, executable_path=chromium.program, args=CHROMIUM)
    page = patient(context.new_page())
    frame = framed(page, space)
    answered(frame)
    open_sample(frame)
    # A link could not send the header, so the page fetches what it downloads.
    frame.get_by_role("tab", name="Results").click()
    with page.expect_request("**/download/*") as request, page.expect_download() as download:
        frame.locator("a.em-download").click()
    assert len(request.value.headers[HEADER]) == 22
    assert download.value.suggested_filename.endswith(".zip")
    assert context.cookies() == []
    context.close()
