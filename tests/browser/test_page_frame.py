"""The page frame in a real browser: tabs, keys, focus, status bar, footer, reloads."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visit
from tests.browser.steps import (
    choose_settings,
    end_training,
    in_view,
    setting,
    start_training,
    tab,
    upload,
    wait_for_points,
    wait_until_form_saved,
)
from tests.conftest import small_rows

Open = Callable[..., Visit]
TABS = ("Data", "Train", "Results", "Try it", "Check labels", "Runs")
SIZES = [(1280, 860), (390, 844)]
FOCUSED = "() => document.activeElement.tagName"
TABS_IN_WINDOW = """names => {
    const shown = [...document.querySelectorAll("#tabs > .tab-wrapper .tab-container:not(.visually-hidden) > [role=tab]")].filter((tab) => {
        const { left, right, width } = tab.getBoundingClientRect();
        return width > 0 && left >= 0 && right <= innerWidth;
    });
    return names.every((name) => shown.some((tab) => tab.textContent.trim() === name));
}"""


def open_tab(page: Page, name: str) -> None:
    """Choose a tab and wait for its heading: Gradio builds a tab when it is first shown."""
    tab(page, name)
    expect(page.locator("#tabs > [role=tabpanel] h2").locator("visible=true").first).to_be_visible()


def focused_text(page: Page) -> str:
    return page.evaluate("() => document.activeElement.innerText ?? ''")


# Tabs


def test_every_tab_starts_at_the_top_and_all_tabs_are_visible(visit: Open, moods_csv: Path) -> None:
    page = visit().page
    upload(page, moods_csv, rows="240")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        tab(page, "Data")
        page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
        tab(page, "Train")
        page.wait_for_function("() => scrollY === 0")
        # Gradio arranges them anew some time after the window has got its size.
        assert page.wait_for_function(TABS_IN_WINDOW, arg=list(TABS)).json_value()


def test_arrow_keys_move_along_the_tabs(visit: Open) -> None:
    page = visit().page
    page.get_by_role("tab", name="Data").focus()
    for key, name in (("ArrowRight", "Train"), ("ArrowRight", "Results"), ("ArrowLeft", "Train"), ("End", "Runs"), ("ArrowRight", "Data")):
        page.keyboard.press(key)
        expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
        expect(page.get_by_role("tab", name=name)).to_be_focused()
    page.keyboard.press("Home")
    expect(page.get_by_role("tab", name="Data")).to_be_focused()


def test_a_button_to_another_tab_moves_the_focus_to_its_heading(visit: Open, empty_server: Server) -> None:
    page = visit(empty_server).page
    tab(page, "Train")
    button = page.locator("#footer-start button")
    expect(button).to_be_visible()  # until then it cannot get the focus
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="Data")).to_have_attribute("aria-selected", "true")
    page.wait_for_function("() => document.activeElement.tagName === 'H2'")
    page.wait_for_function("() => scrollY === 0")


def test_a_list_closes_when_it_loses_the_focus(visit: Open, moods_csv: Path) -> None:
    page = visit().page
    upload(page, moods_csv, rows="240")
    tab(page, "Train")
    field = page.locator("#encoder input")
    field.click()
    expect(page.locator("#encoder [role=listbox], ul.options").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("ul.options")).to_have_count(0)


# Answers

DELAY_STREAM_END = """(() => {
    const originalFetch = window.fetch;
    window.mayEnd = new Promise((resolve) => (window.letItEnd = resolve));
    window.fetch = async (request, options) => {
        const response = await originalFetch(request, options);
        if (!new URL(request.url ?? request, location.href).pathname.endsWith("/queue/data")) return response;
        const decoder = new TextDecoder();
        return new Response(response.body.pipeThrough(new TransformStream({
            async transform(bytes, controller) {
                const [messages, end] = decoder.decode(bytes).split(/(?=data: .{0,20}close_stream)/);
                controller.enqueue(new TextEncoder().encode(messages));
                if (!end) return;
                window.ended = true;
                await window.mayEnd;
                controller.enqueue(new TextEncoder().encode(end));
            },
        })), { status: response.status, headers: response.headers });
    };
})()"""
"""Delays the end of the event stream (close_stream), as a busy computer may do."""


def test_a_click_while_the_event_stream_closes_is_answered(visit: Open, fresh_server: Server) -> None:
    page = visit(fresh_server, script=DELAY_STREAM_END).page
    # Opening the page need not use the queue: a changed setting does.
    tab(page, "Train")
    page.locator("#settings").get_by_text("More settings", exact=True).click()
    setting(page, "epochs").fill("3")
    page.wait_for_function("() => window.ended")
    tab(page, "Data")
    # Of this click: the answer to an earlier request may be late.
    with page.expect_response(lambda response: "/queue/join" in response.url and '"quick"' in (response.request.post_data or "")):
        page.locator("#try-sample").click()
    page.evaluate("() => window.letItEnd()")
    expect(page.locator("#data-summary [data-draft]")).to_contain_text("1,022 rows")


# Settings


def test_settings_survive_a_reload_after_a_single_change(visit: Open, server: Server, moods_csv: Path) -> None:
    visited = visit()
    page = visited.page
    upload(page, moods_csv, rows="240")
    choose_settings(page, epochs="3")
    page.keyboard.press("Tab")
    expect(page.locator("#level").get_by_label("Custom")).to_be_checked()
    wait_until_form_saved(page, server, {"setting-epochs": "3", "level": "Custom"})
    visited.reload()
    choose_settings(page)
    expect(setting(page, "epochs")).to_have_value("3")
    expect(page.locator("#level").get_by_label("Custom")).to_be_checked()


def test_an_error_is_shown_at_its_field_and_in_the_footer_until_it_is_fixed(visit: Open, server: Server, moods_csv: Path) -> None:
    page = visit().page
    runs_before = server.runs()
    upload(page, moods_csv, rows="240")
    message = "Epochs must be a whole number from 1 to 50"
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        choose_settings(page, epochs="0")
        # The field is left first: the answers to that and to Start may come in any order, and the later one must not come after the correction.
        setting(page, "epochs").blur()
        expect(page.locator("#footer-start [role=alert]")).to_contain_text(message)
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.locator("#start").click()
        expect(setting(page, "epochs")).to_be_focused()
        expect(page.locator("#footer-start [role=alert]")).to_contain_text(message)
        expect(page.locator("#setting-epochs")).to_contain_text(message)
        assert in_view(page, "#footer-start [role=alert]")
        page.wait_for_function(
            "() => { const { top, bottom } = document.querySelector('#setting-epochs input, #setting-epochs textarea')"
            ".getBoundingClientRect(); return top >= 0 && bottom <= innerHeight - 64 }"
        )
        # The refresh after the answer to Start takes its message away.
        expect(page.locator("#status-bar [data-busy]")).to_have_count(0)
        setting(page, "epochs").fill("2")
        expect(page.locator("#footer-start [role=alert]")).to_have_count(0)
        expect(page.locator("#setting-epochs")).not_to_contain_text(message)
        expect(page.locator("#start")).to_be_enabled()
    assert server.runs() == runs_before


def test_an_error_is_not_shown_while_the_user_is_typing(visit: Open, moods_csv: Path) -> None:
    page = visit().page
    upload(page, moods_csv, rows="240")
    choose_settings(page)
    rate = setting(page, "learning_rate")
    rate.fill("")
    rate.press_sequentially("0", delay=20)
    page.wait_for_timeout(600)
    expect(page.locator("#footer-start [role=alert]")).to_have_count(0)
    page.keyboard.press("Tab")
    expect(page.locator("#footer-start [role=alert]")).to_contain_text("Learning rate must be")
    expect(page.locator("#setting-learning-rate")).to_contain_text("Learning rate must be")


# While something trains


def test_the_status_bar_keeps_its_height_and_its_place(visit: Open, fresh_server: Server, moods_csv: Path) -> None:
    server = fresh_server
    page = visit(server).page
    expect(page.locator("#status-bar")).to_be_hidden()
    upload(page, moods_csv, rows="240")
    server.brake(True)
    start_training(page, seed="31")
    wait_for_points(page, 3)
    heights = {}
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        heights[width] = page.locator("#status-bar").bounding_box()["height"]
        assert heights[width] <= 64
        for name in ("Data", "Train", "Runs"):
            tab(page, name)
            page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
            assert page.locator("#status-bar").bounding_box()["y"] <= 56
            assert page.locator("#status-bar").bounding_box()["height"] == heights[width]
    end_training(page, server)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        expect(page.locator("#status-bar")).to_contain_text("See the results")
        assert page.locator("#status-bar").bounding_box()["height"] == heights[width]
    page.locator("#status-bar").get_by_role("button", name="Hide this line").click()
    expect(page.locator("#status-bar")).to_be_hidden()


def test_start_shows_its_message_before_the_server_answers(visit: Open, server: Server, moods_csv: Path) -> None:
    page = visit().page
    upload(page, moods_csv, rows="240")
    choose_settings(page, epochs="1", batch_size="16", max_length="32", seed="32")
    expect(page.locator("#start")).to_be_enabled()
    expect(page.locator("#status-bar .em-with-buttons")).to_be_attached()
    runs_before = server.runs()
    blocked, released = [], []
    page.route("**/gradio_api/**", lambda route: route.continue_() if released else blocked.append(route))
    # In one script: the answer to an earlier change of the settings may still come, and renders the button anew; and after some seconds without
    # an answer a press counts again.
    message, busy = page.evaluate(
        """() => {
            const start = document.querySelector("#start");
            start.click();
            const shown = [document.querySelector("#status-bar").textContent, start.getAttribute("aria-busy")];
            start.click();
            start.click();
            return shown;
        }"""
    )
    assert "Starting …" in message
    assert busy == "true"
    released.append("open")
    for route in blocked:
        route.continue_()
    expect(page.locator("#watch-head h2")).to_contain_text("Trained.")
    assert len(server.runs()) == len(runs_before) + 1


def test_a_reload_in_the_middle_of_a_training_leaves_no_error_on_the_console(visit: Open, server: Server, moods_csv: Path) -> None:
    visited = visit()
    page = visited.page
    upload(page, moods_csv, rows="240")
    server.brake(True)
    start_training(page, seed="33")
    for _ in range(4):
        wait_for_points(page, 3)
        page.wait_for_timeout(350)
        page.reload()
        expect(page.locator("#status-bar .em-status-bar")).to_be_visible()
        tab(page, "Train")
    assert visited.errors == []
    end_training(page, server)


# Hands


def test_on_a_phone_all_targets_are_large_enough(visit: Open, moods_csv: Path) -> None:
    page = visit(width=390, height=844).page
    upload(page, moods_csv, rows="240")
    for name in TABS:
        open_tab(page, name)
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, summary, select, a.em-button, [role=tab]')]
                .filter(node => node.offsetParent !== null && !node.closest('footer, .visually-hidden'))
                .map(node => [node.innerText.slice(0, 30) || node.getAttribute('aria-label'), node.getBoundingClientRect()])
                .filter(([, box]) => box.height > 0 && box.height < 43.5)
                .map(([name, box]) => `${name}: ${Math.round(box.width)} x ${Math.round(box.height)}`)"""
        )
        assert small == [], name


def test_at_twice_the_size_nothing_is_cut_off(visit: Open, moods_csv: Path) -> None:
    page = visit(width=640, height=430).page  # a 1280 x 860 window at 200 % zoom
    upload(page, moods_csv, rows="240")
    for name in TABS:
        open_tab(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= 640, name


def test_a_right_to_left_file_name_keeps_its_direction(visit: Open) -> None:
    rows = "".join(f"{text} مرحبا,{mood}\n" for text, mood in small_rows(60))
    page = visit().page
    upload(page, {"name": "عربي.csv", "mimeType": "text/csv", "buffer": f"text,label\n{rows}".encode()}, rows="60")
    tab(page, "Train")
    expect(page.locator("#train-source [dir=auto]")).to_have_text("عربي.csv")
