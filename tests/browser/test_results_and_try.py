"""Results and Try it in a real browser: the first view, few rows, many classes, which model predicts, rows to try, printing."""

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.addresses import TIMEOUT_SECONDS, patient
from tests.browser.conftest import ROOT, Server, Visit
from tests.browser.example_runs import make_run
from tests.browser.steps import box, boxes, hold_first_request, in_view, tab
from tests.conftest import small_rows, write_rows
from trainer.data.reader.file_reader import FileReader
from trainer.evaluation.report import build_report
from trainer.recipe import Recipe
from trainer.runs.view import BaselineScores, Metrics, RunView
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder
from trainer.ui import results_view, try_tab

SIZES = [(1280, 860), (390, 844)]
EVIL = '<img src=x onerror="window.__pwned=1">'
RECIPE = Recipe(encoder="tiny-bert", epochs=12, batch_size=16, learning_rate=5e-3, max_length=32)
NAMES = ("joy", "anger", "sadness")
MATRIX = ((60, 8, 2), (12, 50, 8), (3, 9, 52))
TRY_HEADING_FOCUSED = "() => document.activeElement.tagName === 'H2' && document.activeElement.innerText === 'Try a text'"

Open = Callable[..., Visit]


def train_run(server: Server, encoder: Encoder, reader: FileReader, path: Path) -> RunView:
    """A run in the server's folder, trained by another process, like one from the terminal."""
    studio = Studio(Settings(runs_dir=server.folder / "runs"), encoders=[encoder], reader=reader)
    view = studio.for_owner(LOCAL_OWNER).train_files({"main": (path.name, path)}, RECIPE)
    view = studio.for_owner(LOCAL_OWNER).wait(view.id, TIMEOUT_SECONDS)
    studio.close()
    assert view.status == "finished"
    return view


@pytest.fixture(scope="module")
def moods_run(server: Server, tiny_encoder: Encoder, reader: FileReader, moods_csv: Path) -> RunView:
    return train_run(server, tiny_encoder, reader, moods_csv)


@pytest.fixture(scope="module")
def malicious_run(server: Server, tiny_encoder: Encoder, reader: FileReader, tmp_path_factory: pytest.TempPathFactory) -> RunView:
    """A run whose texts and labels are code."""
    labels = {"joy": EVIL, "sadness": "</script><script>window.__pwned=2</script>", "anger": "${window.__pwned=3}{{x}}"}
    rows = [(f"{text} {EVIL}", labels[mood]) for text, mood in small_rows(120)]
    return train_run(server, tiny_encoder, reader, write_rows(tmp_path_factory.mktemp("evil") / "evil.csv", rows))


def make_synthetic_run(server: Server, *args: object, **facts: object) -> RunView:
    return make_run(server.folder / "runs", *args, **facts)


def select_model(page: Page, view: RunView, name: str = "Results") -> None:
    """Choose a run's model in the header, and a tab, and wait until the tab shows this run."""
    tab(page, name)
    picker = page.locator("#model-picker select")
    expect(picker.locator(f"option[value='{view.id}']")).to_have_count(1)
    picker.select_option(view.id)
    if name == "Results":
        expect(page.locator(f"#headline a[href='download/{view.id}']")).to_be_visible()
    else:
        expect(page.locator(f"#prediction [data-run='{view.id}']")).to_be_visible()
        # The rows to try and this link come together, and not with the prediction.
        expect(page.locator(f"#footer-try a[href='download/{view.id}']")).to_be_visible()


# The score


def test_the_score_and_what_it_has_to_beat_are_in_view_on_arrival(visit: Open, server: Server) -> None:
    view = make_synthetic_run(server, MATRIX, NAMES, baseline_score=0.471)
    page = visit().page
    select_model(page, view)
    headline = page.locator("#headline")
    expect(headline.locator("h2")).to_have_text("Right on 162 of 204 texts it never saw: 79.4 %")
    expect(headline).to_contain_text("79.4 % right (73.3 to 84.4 %), 32.3 points better than counting words.")
    expect(headline).to_contain_text("204 test rows: never trained on, never used to choose anything.")
    assert page.locator("#headline").inner_text().count("79.4") == 3  # in both sentences and at the bar, and nowhere else
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        tab(page, "Data")
        page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
        tab(page, "Results")
        page.wait_for_function("() => scrollY === 0")
        for part in ("#headline h2", "#headline .em-conclusion", "#headline .em-scale", "#headline .em-download", "#to-try"):
            assert in_view(page, part), part
        download, conclusion = boxes(page, "#headline .em-download", "#headline .em-conclusion")
        assert (download["y"] < conclusion["bottom"]) == (width == 1280)


def test_four_rows_are_no_percentage(visit: Open, server: Server) -> None:
    view = make_synthetic_run(server, [[1, 1], [0, 2]], ["joy", "anger"], baseline_score=0.5)
    page = visit().page
    select_model(page, view)
    expect(page.locator("#headline h2")).to_have_text("3 of 4 right: too few to say anything")
    expect(page.locator("#headline .em-conclusion")).to_have_text(
        "The true accuracy could be anything between 30 % and 95 %. Add rows, or add a test file."
    )
    assert "75" not in page.locator("#headline").inner_text()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert in_view(page, "#headline .em-scale")
    expect(page.locator("#per-class tbody tr")).to_have_count(2)
    expect(page.locator("#per-class .em-worst")).to_have_count(0)


def test_without_mistakes_no_class_is_the_worst(visit: Open, server: Server) -> None:
    view = make_synthetic_run(server, [[30, 0], [0, 30]], ["إيجابي", "سلبي"], baseline_score=0.9)
    page = visit().page
    select_model(page, view)
    expect(page.locator("#per-class tbody tr")).to_have_count(2)
    expect(page.locator("#per-class .em-worst")).to_have_count(0)
    assert "worst" not in page.locator("#per-class").inner_text().lower()
    expect(page.locator("#confusions")).to_contain_text("None: all 60 test rows are correct.")
    # Class names in a right-to-left script.
    for name in page.locator("#per-class tbody th span[dir=auto]").all():
        assert name.evaluate("e => getComputedStyle(e).direction") == "rtl"


def test_a_missing_baseline_says_why(visit: Open, server: Server) -> None:
    view = make_synthetic_run(server, MATRIX, NAMES, end="stopped")
    page = visit().page
    select_model(page, view)
    expect(page.locator("#headline")).to_contain_text("There is no word-count comparison: the training was stopped before it.")
    expect(page.locator("#headline .em-scale-marks span")).to_have_count(1)


def test_the_names_on_the_bar_never_overlap(browser: Browser) -> None:
    sheet = (ROOT / "assets" / "styles" / "results.css").read_text(encoding="utf-8")
    page = patient(browser.new_page())
    labels = [0] * 50 + [1] * 50
    for width in (358, 600, 1120):
        for baseline_score, n_correct in ((0.0, 0), (0.5, 50), (0.51, 52), (0.47, 48), (0.72, 71), (0.99, 100), (1.0, 100)):
            report = build_report(np.array(labels), np.array([1 - n if i >= n_correct else n for i, n in enumerate(labels)]), ("a", "b"))
            view = RunView("a" * 32, baseline=BaselineScores(10, validation=Metrics(0, 0), test=Metrics(baseline_score, baseline_score)))
            page.set_content(f"<style>{sheet}</style><div style='width:{width}px'>{results_view.bar(view, report)}</div>")
            names = [e.bounding_box() for e in page.locator(".em-scale-marks span, .em-scale-model").all()]
            assert len(names) == 3
            scale = page.locator(".em-scale").bounding_box()
            for i, first in enumerate(names):
                assert scale["x"] <= first["x"] + 1, (width, baseline_score)
                assert first["x"] + first["width"] <= scale["x"] + scale["width"] + 1, (width, baseline_score)
                for second in names[i + 1 :]:
                    side_by_side = first["x"] + first["width"] <= second["x"] + 0.5 or second["x"] + second["width"] <= first["x"] + 0.5
                    one_above_the_other = first["y"] + first["height"] <= second["y"] or second["y"] + second["height"] <= first["y"]
                    assert side_by_side or one_above_the_other, (width, baseline_score, n_correct)
    page.close()


# Classes


def test_confusions_and_classes(visit: Open, server: Server) -> None:
    view = make_synthetic_run(server, MATRIX, NAMES, baseline_score=0.471)
    page = visit().page
    select_model(page, view)
    lines = page.locator("#confusions li")
    expect(lines).to_have_count(5)
    expect(lines.first).to_have_text("anger predicted as joy: 12 of 70")
    expect(page.locator("#confusion-chart .js-plotly-plot")).to_be_visible()
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        confusions, chart = boxes(page, "#confusions", "#confusion-chart")
        assert (confusions["y"] < chart["y"]) == (width == 390)
    rows = page.locator("#per-class tbody tr")
    expect(rows.locator("th")).to_have_text(["anger", "sadness", "joy"])
    expect(rows.first).to_have_class("em-worst")
    expect(page.locator("#per-class tfoot")).to_contain_text("Macro F1")
    page.locator("#matrix-as").get_by_text("Share of the true class").click()
    page.wait_for_function(
        "() => document.querySelector('#confusion-chart .js-plotly-plot').data.some(trace => trace.text?.some?.(t => t === '86 %'))"
    )


def test_from_a_cell_to_its_rows_and_on_by_keyboard(visit: Open, server: Server, tmp_path: Path) -> None:
    names = ("joy", EVIL, "sadness")
    page = visit().page
    select_model(page, make_synthetic_run(server, MATRIX, names, baseline_score=0.471))
    head, rows = page.locator("#found-rows h3"), page.locator("#found-rows tbody tr")
    expect(head).to_have_text("42 mistakes among 204 test rows")
    expect(rows).to_have_count(20)
    chart = page.locator("#confusion-chart .chart")
    expect(chart).to_have_attribute("role", "application")
    area = page.locator("#confusion-chart .nsewdrag").bounding_box()
    page.mouse.move(area["x"] + area["width"] / 6, area["y"] + area["height"] / 2)
    expect(page.locator("#confusion-chart .hovertext").first).to_be_visible()
    page.mouse.down()
    page.mouse.up()
    expect(head).to_have_text(f"12 rows are {EVIL}, and the model said joy")
    expect(rows).to_have_count(12)
    expect(head).to_be_in_viewport()
    expect(head).to_be_focused()
    expect(page.locator("#rows-label input")).to_have_value(EVIL)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download these rows").click()
    download.value.save_as(tmp_path / "rows.csv")
    cells = list(csv.reader(io.StringIO((tmp_path / "rows.csv").read_text(encoding="utf-8"), newline="")))
    assert [row[2:4] for row in cells[1:]] == [[EVIL, "joy"]] * 12

    # By keyboard: the first cell is the most frequent confusion, and one to the right is the diagonal.
    page.locator("#confusion-chart [data-action=csv]").focus()
    page.keyboard.press("Tab")
    expect(chart).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#confusion-chart [role=status]")).to_have_text("true sadness, predicted joy: 3 of 64 (4.7 %)")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(head).to_have_text(f"9 rows are sadness, and the model said {EVIL}")
    # Last of all that follows a press on a cell, which also empties the field for a word.
    expect(head).to_be_focused()
    page.locator("#rows-word input, #rows-word textarea").fill("no text has this")
    expect(head).to_have_text(f"No rows are sadness, and the model said {EVIL}")

    # The same for validation rows, which have a page of their own again. Each choice is answered by itself, in any order: one after the other.
    page.locator("#rows-word input, #rows-word textarea").fill("")
    expect(head).to_have_text(f"9 rows are sadness, and the model said {EVIL}")
    page.locator("#rows-split").get_by_text("Validation rows").click()
    expect(page.locator("#confusions")).to_contain_text("validation rows")
    expect(page.locator("#found-rows")).to_contain_text("Validation rows, the most confident first.")
    page.locator("#confusions button").first.click()
    expect(head).to_have_text(f"12 rows are {EVIL}, and the model said joy")
    expect(page.locator("#found-rows")).to_contain_text("Validation rows, the most confident first.")
    expect(rows).to_have_count(12)


def test_the_table_as_csv(visit: Open, server: Server, tmp_path: Path) -> None:
    view = make_synthetic_run(server, MATRIX, ("=SUM(A1)", 'so "called"', "-1"), baseline_score=0.471)
    page = visit().page
    select_model(page, view)
    with page.expect_download() as download:
        page.locator("#per-class").get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "table.csv")
    content = (tmp_path / "table.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\r\n") == 4
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert header[:2] == ["class", "f1"]
    # A number is not quoted as a formula.
    assert [row[0] for row in rows] == ['so "called"', "-1", "'=SUM(A1)"]
    assert float(rows[0][1]) == 2 * 50 / (70 + 67)
    assert [row[-1] for row in rows] == ["70", "64", "70"]


def test_of_very_many_classes_the_first_and_last_are_shown(visit: Open, server: Server) -> None:
    names = [f"balance_not_updated_after_{'bank_transfer' * (n % 3)}_{n}" for n in range(77)]
    matrix = [[(n % 9 + 4) * (i == n) + (i == (n + 1) % 77) for i in range(77)] for n in range(77)]
    view = make_synthetic_run(server, matrix, names, baseline_score=0.3)
    page = visit().page
    select_model(page, view)
    expect(page.locator("#confusion-chart .js-plotly-plot")).to_be_visible()
    # They may be too wide for the page too.
    expect(page.locator("#found-rows tbody tr")).to_have_count(20)
    for n_rows in (20, 77):
        expect(page.locator("#per-class tbody tr:visible")).to_have_count(n_rows)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function("width => document.documentElement.scrollWidth === width", arg=width)
        if n_rows == 20:
            page.locator("#per-class .em-more > summary").click()


def test_a_printed_page_shows_all_of_it(visit: Open, server: Server) -> None:
    matrix = [[5 * (i == n) + (i == (n + 1) % 30) for i in range(30)] for n in range(30)]
    view = make_synthetic_run(server, matrix, [f"class {n:02}" for n in range(30)], baseline_score=0.3)
    page = visit().page
    select_model(page, view)
    expect(page.locator("#confusion-chart .js-plotly-plot")).to_be_visible()
    expect(page.locator("#per-class tbody tr")).to_have_count(30)
    page.emulate_media(media="print")
    for part in ("#headline h2", "#headline .em-scale", "#confusion-chart .js-plotly-plot", "#confusions li >> nth=0"):
        expect(page.locator(part)).to_be_visible()
    printed = page.locator("#per-class tbody tr").evaluate_all("rows => rows.map(row => row.checkVisibility())")
    assert printed == [True] * 30
    for part in ("#footer-results", "#matrix-as", "#headline .em-download"):
        expect(page.locator(part)).to_be_hidden()


# Try it


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_one_click_on_results_shows_a_prediction(visit: Open, moods_run: RunView, width: int, height: int) -> None:
    page = visit(width=width, height=height).page
    select_model(page, moods_run)
    page.locator("#to-try").click()
    expect(page.locator("#prediction .em-share")).to_have_count(3)
    page.wait_for_function(TRY_HEADING_FOCUSED)
    assert page.evaluate("scrollY") == 0
    # With its words the prediction is drawn once more, and the rows to try come with another response.
    expect(page.locator("#prediction [data-explained]")).to_be_visible()
    first = page.locator("#try-text textarea").input_value()
    expect(page.locator("#examples .em-row-to-try span").first).to_have_text(first)
    for part in ("#try-text", "#prediction .em-prediction", "#prediction .em-bars"):
        assert in_view(page, part), part

    # A text that the user has typed stays.
    text = "happy laugh and dance today"
    page.locator("#try-text textarea").fill(text)
    expect(page.locator(f"#prediction [data-text='{try_tab.checksum(text)}'] li").first).to_contain_text("joy")
    tab(page, "Results")
    page.locator("#to-try").click()
    expect(page.get_by_role("tab", name="Try it")).to_have_attribute("aria-selected", "true")
    # The response that chooses the tab could change the text too; the focus follows it.
    page.wait_for_function(TRY_HEADING_FOCUSED)
    assert page.locator("#try-text textarea").input_value() == text


def test_the_rows_to_try_are_test_rows_of_this_model(
    visit: Open, server: Server, moods_run: RunView, tiny_encoder: Encoder, reader: FileReader
) -> None:
    studio = Studio(Settings(runs_dir=server.folder / "runs"), encoders=[tiny_encoder], reader=reader)
    known = {row.text: row.label for row in studio.for_owner(LOCAL_OWNER).library.examples(moods_run.id)}
    studio.close()
    page = visit().page
    select_model(page, moods_run, "Try it")
    buttons = page.locator(".em-row-to-try")
    expect(buttons).to_have_count(len(known))
    texts_and_labels = "buttons => buttons.map(button => ['span', 'strong'].map(part => button.querySelector(part).innerText))"
    assert dict(buttons.evaluate_all(texts_and_labels)) == known
    buttons.nth(1).click()
    text = page.locator("#try-text textarea")
    expect(text).to_have_value(list(known)[1])
    expect(page.locator("#prediction")).to_contain_text(f"Its label is {known[text.input_value()]}.")
    text.press_sequentially(" happy")
    expect(page.locator("#prediction")).not_to_contain_text("Its label is")


def test_the_prediction_names_its_model_and_follows_the_selected_one(visit: Open, moods_run: RunView, malicious_run: RunView) -> None:
    page = visit().page
    select_model(page, moods_run, "Try it")
    page.locator("#try-text textarea").fill("happy laugh today")
    expect(page.locator("#prediction")).to_contain_text("Predicted by my moods, own settings.")
    select_model(page, malicious_run, "Try it")
    expect(page.locator("#prediction")).to_contain_text("Predicted by evil, own settings.")
    expect(page.locator("#prediction .em-name").first).not_to_have_text("joy")
    # The rows to try and the link to the model change too.
    expect(page.locator(".em-row-to-try span").first).to_contain_text("<img src=x")
    expect(page.locator("#footer-try a")).to_have_attribute("href", f"download/{malicious_run.id}")


HOLD_WORDS = """(() => {
    const { setTimeout, clearTimeout } = window;
    const held = new Map();
    let last = 0;
    window.setTimeout = (run, delay, ...values) => {
        if (!window.holdsWords || delay !== 500) return setTimeout(run, delay, ...values);
        last -= 1;
        held.set(last, run);
        return last;
    };
    window.clearTimeout = (timer) => held.delete(timer) || clearTimeout(timer);
    window.endPause = () => [...held.values()].forEach((run) => run());
})()"""
"""Holds the timer after which the page asks for words, for as long as the page holdsWords and until it is to endPause."""


def test_a_late_response_is_not_shown(visit: Open, moods_run: RunView) -> None:
    page = visit(script=HOLD_WORDS).page
    select_model(page, moods_run, "Try it")
    text_box = page.locator("#try-text textarea")
    text_box.fill("happy laugh today")
    # With its words: their response would be one more.
    expect(page.locator("#prediction [data-explained] .em-share")).to_have_count(3)
    page.evaluate(
        """() => {
            window.answered = [];
            const box = document.querySelector("#prediction .em-prediction-card");
            new MutationObserver(() => window.answered.push(box.firstElementChild.dataset.text)).observe(box, { childList: true });
        }"""
    )
    held_back = hold_first_request(page, "**/gradio_api/queue/join*", "cry lonely tears")
    text_box.fill("cry lonely tears")
    earlier = held_back()
    text_box.fill("shout furious rage")
    expect(page.locator("#prediction .em-prediction-card")).to_have_class("em-prediction-card em-card em-outdated")
    earlier.continue_()
    expect(page.locator(f"#prediction [data-text='{try_tab.checksum('shout furious rage')}']")).to_be_visible()
    expect(page.locator("#prediction .em-prediction-card")).to_have_class("em-prediction-card em-card")
    # Its words may be there already, which are one more answer for the same text.
    assert set(page.evaluate("window.answered")) == {str(try_tab.checksum("shout furious rage"))}
    expect(page.locator("#prediction [data-explained]")).to_be_visible()

    # Nor do the words of an earlier text, which come late, keep those of the next one away.
    held_back = hold_first_request(page, "**/gradio_api/queue/join*", '"words"')
    text_box.fill("weep and mourn")
    words = held_back()
    page.evaluate("window.holdsWords = true")
    text_box.fill("sing and dance")
    shown = page.locator(f"#prediction [data-text='{try_tab.checksum('sing and dance')}']")
    expect(shown).to_have_attribute("data-wanted", "")
    words.continue_()
    expect(page.locator("#tried")).to_contain_text("weep and mourn")
    page.evaluate("window.endPause()")
    expect(shown).to_have_attribute("data-explained", "")


def test_odd_texts_in_the_box(visit: Open, moods_run: RunView) -> None:
    page = visit().page
    select_model(page, moods_run, "Try it")
    text_box, prediction = page.locator("#try-text textarea"), page.locator("#prediction")
    position = box(page, "#prediction .em-prediction-card")
    for text in ("happy 🫠", "happy " + "a" * 30_000, "<b>happy</b>\n\n\tمرحبا"):
        text_box.fill(text)
        expect(prediction.locator(f"[data-text='{try_tab.checksum(text)}'] .em-share")).to_have_count(3)
        new_position = box(page, "#prediction .em-prediction-card")
        assert (new_position["x"], new_position["y"], new_position["width"]) == (position["x"], position["y"], position["width"])
    text_box.fill("🫠")
    expect(prediction).to_contain_text("cannot read any character of this text")
    text_box.fill("   ")
    expect(prediction).to_contain_text("Type a text")


def test_a_right_to_left_text_starts_at_the_right(visit: Open, moods_run: RunView) -> None:
    page = visit().page
    select_model(page, moods_run, "Try it")
    style = "e => { const { unicodeBidi, textAlign } = getComputedStyle(e); return [unicodeBidi, textAlign]; }"
    assert page.locator("#try-text textarea").evaluate(style) == ["plaintext", "start"]
    expect(page.locator("#examples .em-row-to-try").first).to_be_visible()
    directions = page.locator("#examples .em-row-to-try :is(span, strong)").evaluate_all(
        "nodes => nodes.map(node => node.getAttribute('dir'))"
    )
    assert set(directions) == {"auto"}


def test_the_model_can_be_downloaded_from_both_tabs(visit: Open, moods_run: RunView, tmp_path: Path) -> None:
    page = visit().page
    for name, link in (("Results", "#headline .em-download"), ("Try it", "#footer-try .em-download")):
        select_model(page, moods_run, name)
        with page.expect_download() as download:
            page.locator(link).click()
        download.value.save_as(tmp_path / f"{name}.zip")
        with zipfile.ZipFile(tmp_path / f"{name}.zip") as archive:
            assert any(member.endswith("/model.safetensors") for member in archive.namelist())


def test_a_malicious_run_is_shown_as_text(visit: Open, server: Server, malicious_run: RunView) -> None:
    confused = make_synthetic_run(
        server, MATRIX, (EVIL, "</script><script>window.__pwned=2</script>", "${window.__pwned=3}"), source_name=f"{EVIL}.csv"
    )
    visited = visit()
    page = visited.page
    select_model(page, confused)
    for part in ("#headline .em-source", "#per-class tbody", "#confusions"):
        expect(page.locator(part)).to_contain_text("<img src=x")
    select_model(page, malicious_run, "Try it")
    page.locator(".em-row-to-try").first.click()
    expect(page.locator("#prediction .em-share")).to_have_count(3)
    expect(page.locator("#prediction")).to_contain_text("<img src=x")
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("window.__pwned") is None
    visited.reload()
    for name, part in (("Results", "#per-class tbody"), ("Try it", "#examples")):
        select_model(page, malicious_run, name)
        expect(page.locator(part)).to_contain_text("<img src=x")
        assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("window.__pwned") is None


def test_without_a_model_the_tabs_say_what_to_do(visit: Open, empty_server: Server) -> None:
    page = visit(empty_server).page
    for name, heading, foot in (("Results", "#headline h2", "#footer-results"), ("Try it", "#try-head h2", "#footer-try")):
        tab(page, name)
        expect(page.locator(heading)).to_be_visible()
        page.locator(foot).get_by_role("button", name="Open a file").click()
        expect(page.get_by_role("tab", name="Data")).to_have_attribute("aria-selected", "true")
    tab(page, "Results")
    expect(page.locator("#headline li")).to_have_count(3)
    expect(page.locator("#per-class")).to_be_hidden()
    tab(page, "Try it")
    expect(page.locator("#prediction")).to_contain_text("No model yet")
    expect(page.locator(".em-row-to-try")).to_have_count(0)
    page.locator("#try-text textarea").fill("is anybody there?")
    expect(page.locator(f"#prediction [data-text='{try_tab.checksum('is anybody there?')}']")).to_contain_text("No model yet")
